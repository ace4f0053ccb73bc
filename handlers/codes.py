"""Identity codes that are handed in as such, not found in a text."""

from __future__ import annotations

from datetime import date

from parser.identity import read_codes


def canonical(written: str, region: str, today: date) -> str | None:
    """The code in its canonical form when *written* is one right code of the region and nothing else, or None."""
    found = [code for code in read_codes(written, today, region) if code.status == "ok"]
    if len(found) != 1 or (found[0].start, found[0].end) != (0, len(written)):
        return None
    return found[0].code
