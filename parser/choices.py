"""Bare digits, ordinals, offer codes and scores: short answers to a question that we asked."""

from __future__ import annotations

import re

from parser.answers import AnswerWords
from parser.normal import Text, Token
from parser.signals import Signals, says_nothing_else

_CODE = re.compile(r"(?=\d)(?<![\w.])(\d[A-Z]\d)(?![\w.])", re.IGNORECASE)
_LONG_FIGURE = 4
_LETTER = re.compile(r"[\s\"'(]*([A-Za-z])[\s\"').!]*")
_SCORE_OF_TEN = re.compile(r"(?<![\d.,:])(10|\d)\s*(?:/|av|of|out of|kautta|pisteen|p\b)\s*(?:10\b)?", re.IGNORECASE)


def bare_digit(
    text: Text, spare: frozenset[str], skipped: set[int], answers: AnswerWords, choosing: bool
) -> int | None:
    """The one digit (1-9) that a text says and nothing else: "2", "2.", "nro 2 kiitos", "kakkonen". A date or a time is
    none. Where one of several is chosen (*choosing*), "2 käy" says it too."""
    if len(text.words) > _MOST_AROUND:
        return None
    values = {_as_digit(token, answers) for token in text.words if token.kind == "n" or token.text in answers.digits}
    if len(values) != 1 or not 1 <= (value := values.pop()) <= 9:
        return None
    others = (
        token.text
        for at, token in enumerate(text.words)
        if token.kind == "w" and at not in skipped and token.text not in answers.digits
    )
    around = answers.around | answers.choosing if choosing else answers.around
    return value if all(word in spare or word in around for word in others) else None


_MOST_AROUND = 12
"""Words of a text that may still be a bare digit with courtesies."""


def _as_digit(token: Token, answers: AnswerWords) -> int:
    """What *token* counts; 0 for a figure that is no whole number."""
    if token.kind == "n":
        return int(token.text) if token.text.isdigit() and len(token.text) < _LONG_FIGURE else 0
    return answers.digits[token.text]


def bare_letter(raw: str) -> str | None:
    """The one letter that a text is, as a capital: "b", "B)"."""
    found = _LETTER.fullmatch(raw)
    return found.group(1).upper() if found else None


def ordinal(text: Text, signals: Signals, options: int, negators: frozenset[str]) -> int | None:
    """The option that "toka" or "the last one" names among *options*, None when several or none are. What is said not
    to be ("not the first, the second") is none."""
    named = set()
    for hit in signals.of_kind("ordinal_choice"):
        if any(token.text in negators for token in text.words[max(0, hit.first - 2) : hit.first]):
            continue
        value = int(hit.signal.removeprefix("ordinal_choice:"))
        named.add(options if value < 0 else value)
    return next(iter(named)) if len(named) == 1 else None


def offer_code(raw: str) -> str | None:
    """An offer's code ("4K7") in capitals, None when there is none or there are two."""
    found = {match.group(1).upper() for match in _CODE.finditer(raw)}
    return next(iter(found)) if len(found) == 1 else None


def score(text: Text, signals: Signals, answers: AnswerWords) -> int | None:
    """The score 0-10 that a survey's answer gives; None when no usable number is there ("11", "100")."""
    of_ten = _SCORE_OF_TEN.search(text.folded)
    if of_ten and "/" in of_ten.group():
        return int(of_ten.group(1))
    numbers = [
        _without_half(token.text)
        for at, token in enumerate(text.words)
        if token.kind == "n" and not _is_counted(text, at, token.text, answers)
    ]
    usable = [int(number) for number in numbers if number.isdigit() and int(number) <= 10 and len(number) <= 2]
    first = text.words[0] if text.words else None
    if usable and (len(numbers) == 1 or (first is not None and first.text == str(usable[0]))):
        return usable[0] if _is_a_mark(text, str(usable[0]), answers) else None
    if numbers and not usable:
        return None
    said = signals.of_kind("score")
    words = [int(hit.signal.removeprefix("score:")) for hit in said]
    if len(words) > 1 and words[-1] == _FULL_MARKS and said[-1].first - said[0].last in (2, 3):
        return words[0]  # "nine out of ten", "en nia av tio"
    return max(words) if len(set(words)) == 1 or (words and 10 in words) else (words[0] if words else None)


def _without_half(number: str) -> str:
    """ "8.5" is no score that is counted: it is an 8."""
    return number.removesuffix(".5")


def _is_counted(text: Text, at: int, number: str, answers: AnswerWords) -> bool:
    """Whether a number too large for a score counts something: "50 minutes"."""
    following = text.words[at + 1].text if at + 1 < len(text.words) else ""
    return number.isdigit() and int(number) > _FULL_MARKS and following.startswith(answers.counted)


def _is_a_mark(text: Text, number: str, answers: AnswerWords) -> bool:
    """Whether a digit is a mark rather than minutes, a clock time or a count in a comment."""
    at = next((index for index, token in enumerate(text.words) if token.text == number), 0)
    following = text.words[at + 1].text if at + 1 < len(text.words) else ""
    before = text.words[at - 1].text if at else ""
    return not following.startswith(answers.counted) and before not in answers.clocks


_ANSWERING = ("no", "refuse", "yes", "come", "keep", "take", "move", "thanks", "praise")


def flat_no(text: Text, signals: Signals, spare: frozenset[str], skipped: set[int], timed: set[int]) -> bool:
    """Whether a clause denies and says nothing else: "ei, sori", "not on Thursday", but not "no allergies". *skipped*
    are the words of names, *timed* those of times."""
    read = 0
    for name in _ANSWERING:
        for signal in signals.said.get(name, ()):
            read |= signal.hit.mask
    strange = {
        token.clause
        for at, token in enumerate(text.words)
        if not (read >> at & 1 or at in skipped or at in timed or token.text in spare or token.kind == "s")
    }
    denials = (signal.hit for name in ("no", "refuse") for signal in signals.said.get(name, ()))
    return any(text.words[hit.first].clause not in strange for hit in denials)


_FULL_MARKS = 10

_MINUTES = re.compile(r"(?<![\d.:,])(\d{1,3})\s*(?:-\s*(\d{1,3})\s*)?(?:min|m\b)")
_HOURS = re.compile(r"(?<![\d.:,])(\d)\s*(?:h\b|t\b|tunti|tunnin|timm|tim\b|hour|hr)")


def minutes(text: Text, answers: AnswerWords) -> int | None:
    """The minutes that a text speaks of ("10 min", "vartin", "half an hour"), the larger of a range."""
    if found := _MINUTES.search(text.folded):
        return int(found.group(2) or found.group(1))
    if found := _HOURS.search(text.folded):
        return 60 * int(found.group(1))
    return next((value for pattern, value in answers.minutes if pattern.search(text.folded)), None)


def says_only(text: Text, signals: Signals, names: tuple[str, ...], spare: frozenset[str], skipped: set[int]) -> bool:
    """Whether the text is nothing but phrases of *names* and politeness."""
    mask = 0
    for name in names:
        for signal in signals.said.get(name, ()):
            mask |= signal.hit.mask
    return mask != 0 and says_nothing_else(text, mask, spare, skipped)
