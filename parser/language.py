"""Which language a text is in: by words that only one language has, never by "moi", "ok", "no" or a name."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from parser.lexicon import Lexicon
from parser.normal import Text

ENOUGH_WORDS = 3
ENOUGH_FOREIGN = 2


class Tongue(NamedTuple):
    """*code* is the likeliest language (None: no word tells); *certain* says that the text itself decides it."""

    code: str | None
    certain: bool
    foreign: bool
    """The text is in no language that we read."""


def tell_language(text: Text, lexicon: Lexicon, skipped: frozenset[int] | set[int]) -> Tongue:
    """Weigh the words of *text*, leaving out those at *skipped* (names)."""
    scores: dict[str, float] = dict.fromkeys(lexicon.languages, 0.0)
    sure: set[str] = set()
    for index, word in enumerate(text.spelled):
        owner = lexicon.only_in.get(word)
        if owner is None or index in skipped or text.words[index].kind != "w":
            continue
        scores[owner] += 1
        if word in lexicon.languages[owner].certain:
            sure.add(owner)
            scores[owner] += 0.5
    others = sum(map(lexicon.other_languages.__contains__, text.spelled))
    if others >= ENOUGH_FOREIGN and others > max(scores.values()):
        return Tongue(None, False, True)
    best = max(scores, key=scores.__getitem__)
    if scores[best] == 0:
        return Tongue(None, False, _other_alphabet(text))
    rivals = sorted(scores.values())[-2] if len(scores) > 1 else 0.0
    certain = scores[best] > rivals and (scores[best] >= ENOUGH_WORDS or best in sure)
    return Tongue(best if scores[best] > rivals or certain else None, certain, False)


def _other_alphabet(text: Text) -> bool:
    letters = [letter for letter in text.folded if letter.isalpha()]
    foreign = sum(not unicodedata.name(letter, "LATIN").startswith("LATIN") for letter in letters[:60])
    return bool(letters) and foreign * 2 > min(len(letters), 60)
