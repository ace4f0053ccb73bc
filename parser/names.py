"""The patient's name: two or three words near the code, after "nimeni on" or "mvh", or where a text ends."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from parser.lexicon import Lexicon
from parser.normal import Text, Token, fold
from parser.spelling import one_slip_apart

NAME_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")


class FoundName(NamedTuple):
    """*written* is the name in capitals and nominative; *words* are the indexes of its words in the text."""

    written: str
    words: tuple[int, ...]


def find_name(text: Text, lexicon: Lexicon, codes: list[tuple[int, int]]) -> FoundName | None:
    """The likeliest first and last name in *text*; *codes* are the spans of identity codes and phone numbers."""
    runs = _runs(text, lexicon) + _beside_codes(text, lexicon, codes)
    if not runs:
        return None
    cut = [piece for run in runs for piece in _cut(run, text)]
    scores = [_score(run, text, lexicon, codes) for run in cut]
    if max(scores) < _LEAST:
        return None
    best = cut[scores.index(max(scores))]
    return FoundName(_written(best, text), tuple(best))


_LEAST = 3.0


def _runs(text: Text, lexicon: Lexicon) -> list[list[int]]:
    """Neighbouring words that may be names: unknown to the lexicon, or with a capital inside a sentence."""
    shouting = text.raw.isupper()
    runs: list[list[int]] = []
    for index, token in enumerate(text.words):
        if token.kind == "w" and len(token.text) > 1 and _may_be_name(index, token, text, lexicon, shouting):
            if runs and runs[-1][-1] == index - 1 and _adjacent(text, text.words[index - 1], token):
                runs[-1].append(index)
            else:
                runs.append([index])
    return [name for run in runs if 2 <= len(run) <= _LONGEST and len(name := _without_cue(run, text, lexicon)) > 1]


_LONGEST = 12
"""Words in a row; more are no name and something else, but a text of words that we do not know."""


def _without_cue(run: list[int], text: Text, lexicon: Lexicon) -> list[int]:
    """In "Mvh Karin Lindström" the name begins after the greeting; "George Best" is a name of two words."""
    while len(run) > 1 and _after_cue(run[1], text, lexicon):
        run = run[1:]
    return run


def _beside_codes(text: Text, lexicon: Lexicon, codes: list[tuple[int, int]]) -> list[list[int]]:
    """Two words that are a clause of their own beside a code, one of them unknown: "owen price 190606A9133"."""
    if not codes:
        return []
    clauses: dict[int, list[int]] = {}
    for index, token in enumerate(text.words):
        clauses.setdefault(token.clause, []).append(index)
    pairs = [run for run in clauses.values() if len(run) == 2 and all(text.words[at].kind == "w" for at in run)]
    return [
        run
        for run in pairs
        if any(not lexicon.knows(text.words[at].text) for at in run)
        and any(_beside(text, text.words[run[1]].end, start, lexicon) for start, _ in codes)
    ]


def _cut(run: list[int], text: Text) -> list[list[int]]:
    """A long run without capitals holds a name and unknown words: try the two at either end."""
    if len(run) == 2 or all(text.raw[text.words[at].start].isupper() for at in run):
        return [run] if len(run) <= 4 else [run[:2], run[-2:]]
    return [run[:2], run[-2:]]


def _adjacent(text: Text, one: Token, other: Token) -> bool:
    return text.folded[one.end : other.start] in (" ", "-", "  ")


def _may_be_name(index: int, token: Token, text: Text, lexicon: Lexicon, shouting: bool) -> bool:
    if not lexicon.knows(token.text) or _hyphened(index, text, lexicon):
        return True
    if shouting or not text.raw[token.start].isupper() or len(token.text) < _LONG_ENOUGH - 1:
        return False
    return not _opens_sentence(index, text) or _begins_pair(index, text)


def _hyphened(index: int, text: Text, lexicon: Lexicon) -> bool:
    """Whether a known word is half of a name: "Maj-Len", "Inga-Lill"."""
    if "-" not in text.folded:
        return False
    token = text.words[index]
    for other in (
        text.words[index - 1] if index else None,
        text.words[index + 1] if index + 1 < len(text.words) else None,
    ):
        if other is None or other.kind != "w" or lexicon.knows(other.text):
            continue
        first, second = (token, other) if token.start < other.start else (other, token)
        capitals = text.raw[first.start].isupper() == text.raw[second.start].isupper()
        if text.folded[first.end : second.start] == "-" and capitals:
            return True
    return False


def _begins_pair(index: int, text: Text) -> bool:
    """Whether a word that opens a sentence is followed by one more with a capital, and then by an end: "Mark Hill." """
    following = text.words[index + 1 : index + 3]
    if not following or not text.raw[following[0].start].isupper() or following[0].kind != "w":
        return False
    return len(following) == 1 or following[1].clause != following[0].clause


def _opens_sentence(index: int, text: Text) -> bool:
    return index == 0 or text.words[index - 1].sentence != text.words[index].sentence


def _score(run: list[int], text: Text, lexicon: Lexicon, codes: list[tuple[int, int]]) -> float:
    first, last = text.words[run[0]], text.words[run[-1]]
    score = 0.0
    if any(_beside(text, last.end, start, lexicon) or _beside(text, end, first.start, lexicon) for start, end in codes):
        score += 4
    capitals = all(text.raw[text.words[at].start].isupper() for at in run)
    score += 2 if capitals and not text.raw.isupper() else 0
    score += 3 if _after_cue(run[0], text, lexicon) else 0
    score += 2 if _has_a_thing(run[-1], text, lexicon) else 0
    score += 1 if run[-1] == len(text.words) - 1 or run[0] == 0 else 0
    score += 0.5 if len(run) == 2 else 0
    return score


def _has_a_thing(index: int, text: Text, lexicon: Lexicon) -> bool:
    """Whether the word is a genitive with a visit behind it: "Bertta Mallisen aika", "Bertta Mallis tid"."""
    following = text.words[index + 1] if index + 1 < len(text.words) else None
    owner = text.words[index].text[-1:] in ("n", "s")
    return owner and following is not None and following.text in lexicon.name_things


def _beside(text: Text, end: int, start: int, lexicon: Lexicon) -> bool:
    """Whether only signs, spaces, a phone number and words for such numbers lie between the offsets."""
    if not 0 <= start - end <= _FAR:
        return False
    between = _LETTERS.findall(text.folded[end:start])
    return all(word in lexicon.name_between for word in between)


_FAR = 40
_LETTERS = re.compile(r"[^\W\d_]+")


def _after_cue(index: int, text: Text, lexicon: Lexicon) -> bool:
    if not index:
        return False
    before = tuple(token.text for token in text.words[max(0, index - 4) : index])
    return any(before[-len(cue) :] == cue for cue in lexicon.name_cues.get(before[-1], ()))


def _written(run: list[int], text: Text) -> str:
    start, end = text.words[run[0]].start, text.words[run[-1]].end
    words = NAME_WORD.findall(text.raw[start:end].replace("’", "'"))
    return " ".join(_nominative(_capital(word)) for word in words)


def _capital(word: str) -> str:
    if word.islower() or word.isupper():
        return "-".join(
            "'".join(part[:1].upper() + part[1:].lower() for part in half.split("'")) for half in word.split("-")
        )
    return word


_INFLECTED = (
    (re.compile(r"(?<=[aeiouyåäö])sen$"), "nen"),
    (re.compile(r"(?<=[aeiouyåäö])se(?:lle|lla|llä|lta|ltä)$"), "nen"),
)


def _nominative(word: str) -> str:
    """ "Virtasen" as "Virtanen"; "Toby's" as "Toby". Other endings are too often part of a name."""
    if word.endswith("'s"):
        word = word[:-2]
    for pattern, base in _INFLECTED:
        word = pattern.sub(base, word)
    return word


Sameness = Literal["match", "near", "contradicts"]


def same_person(written: str, given_names: str, family_name: str) -> Sameness:
    """Compare a name in a text with the register's: match, near (one name of two, as after a marriage: a person should
    look), or contradicts. A slip of the pen in a name of four letters or more still matches."""
    mine = [fold(part) for part in NAME_WORD.findall(written.replace("-", " "))]
    given = [fold(part) for part in NAME_WORD.findall(given_names.replace("-", " "))]
    family = [fold(part) for part in NAME_WORD.findall(family_name.replace("-", " "))]
    if not mine:
        return "contradicts"
    hits = [_closest(part, given + family) for part in mine]
    some_given = any(_closest(part, given) for part in mine)
    some_family = any(_closest(part, family) for part in mine)
    if all(hits) and some_given and some_family:
        return "match"
    return "near" if some_given or some_family else "contradicts"


def _closest(part: str, names: list[str]) -> bool:
    return any(
        part == name or (min(len(part), len(name)) >= _LONG_ENOUGH and one_slip_apart(part, name)) for name in names
    )


_LONG_ENOUGH = 4
