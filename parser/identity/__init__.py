"""Personal identity codes in any dress. A country is one module here and its line in `COUNTRIES`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from parser.command import IdentityStatus
from parser.identity import fi, se


class Country(Protocol):
    """What a country's module offers."""

    SHAPE: re.Pattern[str]

    def read(self, written: str, today: date) -> tuple[str | None, IdentityStatus]:
        """The canonical code in *written* (a match of SHAPE), and whether it is ok, invalid or malformed."""
        ...

    def birth_date(self, code: str) -> date | None:
        """The birth date in a canonical code, None when it holds none."""
        ...


COUNTRIES: dict[str, Country] = {"FI": fi.PLUGIN, "SE": se.PLUGIN}


@dataclass(frozen=True, slots=True)
class FoundCode:
    """A code in a text at offsets *start* to *end*; *code* is canonical and None unless *status* is ok or foreign."""

    code: str | None
    status: IdentityStatus
    country: str
    start: int
    end: int


def birth_date(code: str, country: str = "FI") -> date | None:
    """The birth date that a canonical *code* of *country* holds; KeyError for a country without a plug-in."""
    return COUNTRIES[country].birth_date(code)


def read_codes(text: str, today: date, country: str = "FI") -> list[FoundCode]:
    """Every identity code in *text*, in order; those of other countries come as foreign."""
    if sum(map(str.isdigit, text)) < _FEWEST_DIGITS:
        return []
    found = _of_country(text, today, country)
    for other in COUNTRIES:
        if other != country:
            found = _with_foreign(found, _of_country(text, today, other))
    return sorted(found, key=lambda code: code.start)


_FEWEST_DIGITS = 5


def _of_country(text: str, today: date, country: str) -> list[FoundCode]:
    plugin = COUNTRIES[country]
    found = []
    for match in plugin.SHAPE.finditer(text):
        code, status = plugin.read(match.group(), today)
        if status != "none":
            found.append(FoundCode(code, status, country, *match.span()))
    return found


def _with_foreign(home: list[FoundCode], foreign: list[FoundCode]) -> list[FoundCode]:
    """Add what only another country knows as right; a code that is right at home is never foreign."""
    kept = list(home)
    for code in foreign:
        if code.status != "ok":
            continue
        rivals = [own for own in kept if own.start < code.end and code.start < own.end]
        if any(own.status == "ok" for own in rivals):
            continue
        kept = [own for own in kept if own not in rivals]
        kept.append(FoundCode(code.code, "foreign", code.country, code.start, code.end))
    return kept
