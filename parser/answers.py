"""The small words of short answers, from the language files: around a digit, after a count, minutes in words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from parser.normal import fold


@dataclass(frozen=True, slots=True)
class AnswerWords:
    """The words of short answers in all languages (`[reading.answers]`, `[reading.minutes]`), folded: *around* a digit
    in any answer, and where one of several is chosen; *digits* in words ("kakkonen"); after a count; before an hour."""

    around: frozenset[str]
    choosing: frozenset[str]
    digits: dict[str, int]
    counted: tuple[str, ...]
    clocks: frozenset[str]
    minutes: tuple[tuple[re.Pattern[str], int], ...]


def answer_words(tables: Iterable[dict[str, Any]]) -> AnswerWords:
    """Read the tables of all languages."""
    tables = list(tables)

    def of(name: str) -> list[str]:
        return [fold(word) for table in tables for word in table.get("answers", {}).get(name, [])]

    begins: dict[int, list[str]] = {}
    for table in tables:
        for value, listed in table.get("minutes", {}).items():
            begins.setdefault(int(value), []).extend(re.escape(fold(word)) for word in listed)
    minutes = tuple((re.compile(rf"\b(?:{'|'.join(words)})"), value) for value, words in begins.items())
    digits = {
        fold(word): int(digit)
        for table in tables
        for digit, words in table.get("answers", {}).get("digits", {}).items()
        for word in words
    }
    around, choosing, clocks = (frozenset(of(name)) for name in ("around", "choosing", "clocks"))
    return AnswerWords(around, choosing, digits, tuple(of("counted")), clocks, minutes)
