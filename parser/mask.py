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
_ISO_DATE = re.compile(r"(?:19|20)\d\d-\d\d-\d\d$")
_PHONE = re.compile(r"^(?:\+|00)?(?:358|46|0[45])")


def mask(text: str) -> str:
    """*text* with every identity code hidden but for its birth date: "010190-****". Phone numbers and dates stay."""
    if not any(character.isdigit() for character in text):
        return text
    return _CODE.sub(_hide, _LETTERED.sub(_hide, text))


def _hide(found: re.Match[str]) -> str:
    whole = found.group()
    digits = re.sub(r"[^\dOoQ]", "", whole)
    if _ISO_DATE.search(whole) or (_PHONE.match(whole) and whole.replace(" ", "").isdigit()) or len(digits) < 8:
        return whole
    birth = found["birth"].strip()
    return f"{birth}-****"
