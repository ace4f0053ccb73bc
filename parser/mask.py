"""Identity codes out of a text that is stored or shown: right, wrong, split and spaced ones alike."""

from __future__ import annotations

import re

# Wider than what is read as a code: whatever looks like one is hidden, in whatever country's form.
_CODE = re.compile(
    r"(?<![\w+])"
    r"(?P<birth>(?:[0-9OoQ]{2}[ ./]?){3,4})"
    r"(?P<rest>[ .]{0,2}[-+–—−‐‑]?[ .]{0,2}[A-Za-z]?[ .]{0,2}[0-9OoQ](?:[ .-]?[0-9OoQ]){1,3}[ .]?[0-9A-Za-z]?)"
    r"(?!\w)"
)
_LETTERED = re.compile(r"(?<!\w)(?P<birth>[0-9OoQ]{4,8}) ?(?P<rest>[-+–—A-Za-z] ?[0-9OoQ]{2,4} ?[0-9A-Za-z]?)(?!\w)")
_MONTH = re.compile(r"0[1-9]|1[0-2]")
_SHORT = 6
_ISO_DATE = re.compile(r"(?:19|20)\d\d-\d\d-\d\d$")
_PHONE = re.compile(r"^(?:\+|00)?(?:358|46|0[45])")
# An area code, a space and three digits or more: nobody writes a birth date so ("09 2525 0111", "019 555 0123").
_LANDLINE = re.compile(r"^0(?:[235689]|1[3-9])[ -]\d{3}[\d ]*$")


def mask(text: str) -> str:
    """*text* with every identity code hidden but for its birth date: "010190-****". Phone numbers and dates stay."""
    if not any(character.isdigit() for character in text):
        return text
    return _CODE.sub(_hide, _LETTERED.sub(_hide, text))


def _is_phone(whole: str) -> bool:
    mobile = _PHONE.match(whole) is not None and whole.replace(" ", "").isdigit()
    return mobile or _LANDLINE.match(whole) is not None


def _hide(found: re.Match[str]) -> str:
    whole = found.group()
    digits = re.sub(r"[^\dOoQ]", "", whole)
    if _ISO_DATE.search(whole) or _is_phone(whole) or len(digits) < 8:
        return whole
    return f"{_birth_date(found['birth'].strip())}-****"


def _birth_date(shown: str) -> str:
    """Six figures, or eight of a year in full: of "0909529011" two belong to the individual number."""
    figures = [at for at, sign in enumerate(shown) if sign.isalnum()]
    whole_year = shown.startswith(("19", "20")) and _MONTH.match("".join(shown[at] for at in figures[4:6]))
    return shown if len(figures) <= _SHORT or whole_year else shown[: figures[_SHORT - 1] + 1]
