"""dateparser for single canonical pieces: distances in two units ("a month and two days from now"), whose calendar
arithmetic it knows.

It is imported when first needed (0.8 s), kept, and never asked to guess a language: the grammar reads the words, and
hands over the same few English ones.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import Any

_FARTHEST_DAYS = 366


def day_after(units: tuple[tuple[int, str], ...], today: date) -> date | None:
    """The day that lies so many *units* ("month", "week", "day") after *today*; None when that is over a year away."""
    piece = "in " + " ".join(f"{many} {unit}{'s' * (many != 1)}" for many, unit in units)
    try:
        data = _parser(today).get_date_data(piece)
    except (ValueError, OverflowError, TypeError, RecursionError):  # its own slips on odd input
        return None
    found = data.date_obj.date() if data and data.date_obj else None
    return found if found is not None and 0 <= (found - today).days <= _FARTHEST_DAYS else None


@lru_cache(maxsize=2)
def _parser(today: date) -> Any:
    from dateparser.date import DateDataParser  # 0.8 s, so only for a text that needs it

    settings = {"PREFER_DATES_FROM": "future", "RELATIVE_BASE": datetime.combine(today, datetime.min.time())}
    return DateDataParser(languages=["en"], settings=settings)
