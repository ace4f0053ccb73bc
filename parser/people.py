"""Persons whom the clinic knows of and the text names: "Eeron aika", "Liisas tid", "Eero's appointment".

The register decides (facts.md section 4): only the given names of those whom the writer's number may act for are
looked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from parser.lexicon import Lexicon
from parser.normal import Text, Token, fold

_ENDINGS = "n|a|ta|lle|lla|lta|sta|ssa|en|in|ia|ille|illa|ilta|ista|s|na"
_DOUBLED = re.compile(r"(kk|pp|tt)([aeiou])$")
_SHORTEST = 2


def named_people(text: Text, given_names: Sequence[str], lexicon: Lexicon) -> dict[int, str]:
    """Which of *given_names* stand in *text*, by the index of the word."""
    found = {}
    for index, token in enumerate(text.words):
        if token.kind == "w" and (name := _named(token, given_names)) and _is_a_name(index, token, text, lexicon):
            found[index] = name
    return found


def _named(token: Token, given_names: Sequence[str]) -> str | None:
    for name in given_names:
        if len(name) >= _SHORTEST and fold(name[0]) == token.text[0] and _forms(name).fullmatch(token.text):
            return name
    return None


def _is_a_name(index: int, token: Token, text: Text, lexicon: Lexicon) -> bool:
    """A word of ours ("Aamu", "Onni", "Will") is a name only with a capital that no sentence's beginning explains."""
    if token.text not in lexicon.all_known and not lexicon.book.atoms(token.text):
        return True
    opens = index == 0 or text.words[index - 1].sentence != token.sentence
    return text.written(token)[0].isupper() and not opens and not text.raw.isupper()


@lru_cache(maxsize=1024)
def _forms(name: str) -> re.Pattern[str]:
    """The pattern of *name* in every case: "Pekka" is "Pekan" too, "Iiris" "Iiriksen"."""
    plain = re.escape(fold(name))
    stems = [plain, _DOUBLED.sub(lambda found: found[1][0] + found[2], plain)]
    if plain.endswith("s"):
        stems.append(plain[:-1] + "kse")
    return re.compile(f"(?:{'|'.join(dict.fromkeys(stems))})(?:{_ENDINGS})?")
