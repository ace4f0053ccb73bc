"""Swedish personnummer: (YY)YYMMDD, a sign (+ from the hundredth birthday on), a birth number and a Luhn digit.

A coordination number has 60 added to its day.
"""

from __future__ import annotations

import re
from datetime import date

from parser.command import IdentityStatus

_STRICT = re.compile(r"(\d{2})?(\d{6})([-+])(\d{4})")
_COORDINATION = 60


class _Sweden:
    """See `parser.identity.Country`."""

    SHAPE = re.compile(
        r"(?=\d)(?<![\w+/-])(?<!\d:)(?:"
        r"(?:\d{2})?\d{6} ?[-+–] ?\d{4}(?![\w/-]|:\d)"
        r"|(?:19|20)\d{6}\d{4}(?!\w)"
        r")"
    )

    def read(self, written: str, today: date) -> tuple[str | None, IdentityStatus]:
        """The code as YYYYMMDD-NNNN and its status."""
        bare = written.replace(" ", "").replace("–", "-")
        if bare.isdigit():
            bare = f"{bare[:8]}-{bare[8:]}"
        parts = _STRICT.fullmatch(bare)
        if parts is None:
            return None, "malformed"
        born = _born(parts[1], parts[2], parts[3], today)
        if born is None or born > today or not _luhn(parts[2] + parts[4]):
            return None, "invalid"
        return f"{born.year:04}{parts[2][2:]}-{parts[4]}", "ok"

    def birth_date(self, code: str) -> date | None:
        """The birth date, None when the code is not canonical (YYYYMMDD-NNNN)."""
        parts = _STRICT.fullmatch(code)
        return _date(int(parts[1] + parts[2][:2]), parts[2]) if parts and parts[1] else None


PLUGIN = _Sweden()


def _born(century: str | None, digits: str, sign: str, today: date) -> date | None:
    if century:
        return _date(int(century + digits[:2]), digits)
    year = today.year - (today.year - int(digits[:2])) % 100
    return _date(year - 100 if sign == "+" else year, digits)


def _date(year: int, digits: str) -> date | None:
    day = int(digits[4:6])
    try:
        return date(year, int(digits[2:4]), day - _COORDINATION if day > _COORDINATION else day)
    except ValueError:
        return None


def _luhn(digits: str) -> bool:
    doubled = (int(digit) * (2 - at % 2) for at, digit in enumerate(digits))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
