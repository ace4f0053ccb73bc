"""Finnish henkilötunnus: DDMMYY, a separator that tells the century, an individual number, a check character.

Since 2023 several separators stand for one century and distinguish persons, and the check character does not cover
them. So a code without its separator is malformed: it is asked again and never guessed.
"""

from __future__ import annotations

import re
from datetime import date

from parser.command import IdentityStatus

_CENTURIES = {"+": 1800, **dict.fromkeys("-YXWVU", 1900), **dict.fromkeys("ABCDEF", 2000)}
_CHECK = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_PLAIN = str.maketrans("–—−‐‑", "-----", " .")
_DIGIT = "[0-9OoQ]"
_GAP = r"[ .]?"

_STRICT = re.compile(r"(\d{6})([-+YXWVUA-F])(\d{3})([0-9A-Y])")


class _Finland:
    """See `parser.identity.Country`."""

    SHAPE = re.compile(
        r"(?=[\dOoQ])(?<![\w+/-])(?<!\d:)(?:"
        # the birth date, perhaps cut by dots or spaces
        rf"(?:{_DIGIT}{{2}}[. ]?){{2}}{_DIGIT}{{2}}"
        rf"(?: ?[-+–—−‐‑] ?| ?[YXWVUA-Fyxwvua-f] ?| [YXWVUA-Fyxwvua-f]|{_GAP})"  # the separator, perhaps left out
        rf"{_DIGIT}{{3}} ?[0-9A-Ya-y](?![\w/]|:\d)"
        r"|[0-3]\d[01]\d(?:19|20)\d\d ?[-+A-Fa-f] ?\d{3}[A-Ya-y](?!\w)"  # the year in full
        r"|\d{4} \d\d ?[-+–A-Fa-f] ?\d{3} ?[0-9A-Ya-y](?!\w)"
        r"|\d{6} ?[-+–—−] ?(?:\d{1,3}|\d{2}[A-Ya-y])(?![\w/-]|:\d)"  # cut short
        r"|\d{6}[A-Fa-f]\d{2,3}(?![\w/-]|:\d)"
        r")"
    )

    def read(self, written: str, today: date) -> tuple[str | None, IdentityStatus]:
        """The canonical code and its status; "none" when the shape is more likely a phone number or a date."""
        bare = written.translate(_PLAIN).upper()
        parts = _STRICT.fullmatch(bare)
        if parts is None:
            return None, "malformed" if _is_damaged(bare, written) else "none"
        born = _born(parts[1], parts[2])
        right = _CHECK[int(parts[1] + parts[3]) % 31] == parts[4]
        if born is None or born > today or not right or int(parts[3]) < 2:
            return None, "invalid"
        return bare, "ok"

    def birth_date(self, code: str) -> date | None:
        """The birth date, None when the code is not of this country's form."""
        parts = _STRICT.fullmatch(code)
        return _born(parts[1], parts[2]) if parts else None


PLUGIN = _Finland()


def _born(digits: str, separator: str) -> date | None:
    try:
        return date(_CENTURIES[separator] + int(digits[4:]), int(digits[2:4]), int(digits[:2]))
    except ValueError:
        return None


def _is_damaged(bare: str, written: str) -> bool:
    """Whether something of this shape is a code written wrong: it begins with a day and a month."""
    plain = bare.replace("O", "0").replace("Q", "0")
    day, month = plain[:2], plain[2:4]
    if not (day.isdigit() and month.isdigit() and 1 <= int(day) <= 31 and 1 <= int(month) <= 12):
        return False
    has_letter = any(sign.isalpha() for sign in bare[6:])
    has_sign = any(sign in "-+" for sign in bare) or "-" in written
    return has_letter or has_sign or (len(plain) == 10 and plain[0] != "0" and not plain.startswith("358"))
