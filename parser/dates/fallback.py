"""dateparser for what the grammar left open: one short piece, one known language, and a gate behind it.

It is imported when first needed (0.8 s), kept, and never asked to guess a language (facts, section 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from parser.dates.days import Days, one_day
from parser.dates.lexemes import Lexeme
from parser.normal import Text

LONGEST_PIECE = 40
_FARTHEST_DAYS = 366
_PIECE = frozenset("nomyWDMYPLNTgliwk_")
_UNITS = frozenset("mWDMYw")
_NUMBERS = frozenset("no")


def open_piece(lexemes: Sequence[Lexeme]) -> tuple[int, int] | None:
    """First and last token of the longest run that speaks of a date with a number and a unit or a name."""
    runs: list[list[Lexeme]] = [[]]
    for lexeme in lexemes:
        if lexeme.kind in _PIECE:
            runs[-1].append(lexeme)
        elif runs[-1]:
            runs.append([])
    fitting = [run for run in runs if _says_enough({lexeme.kind for lexeme in run})]
    longest = max(fitting, key=len, default=None)
    return (longest[0].first, longest[-1].last) if longest else None


def _says_enough(kinds: set[str]) -> bool:
    return not kinds.isdisjoint(_UNITS) and not kinds.isdisjoint(_NUMBERS) and len(kinds) > 2


def read_piece(text: Text, span: tuple[int, int], language: str, now: datetime) -> Days | None:
    """The day that dateparser sees in tokens *span* of *text*, if it is plausible: ahead, within a year, one day."""
    start, end = text.tokens[span[0]].start, text.tokens[span[1]].end
    if end - start > LONGEST_PIECE:
        return None
    found = _ask(text.raw[start:end], language, now)
    if found is None or not 0 <= (found - now.date()).days <= _FARTHEST_DAYS:
        return None
    return one_day(found)


def _ask(piece: str, language: str, now: datetime) -> date | None:
    parser = _parser(language, now.date())
    if parser is None:
        return None
    try:
        data = parser.get_date_data(piece)
    except (ValueError, OverflowError, TypeError, RecursionError):  # its own slips on odd input
        return None
    moment = data.date_obj if data else None
    return moment.date() if moment is not None and data.period in ("day", "time") else None


@lru_cache(maxsize=8)
def _parser(language: str, today: date) -> Any:
    """One cached parser a language and day; None for a language that dateparser does not know."""
    from dateparser.date import DateDataParser  # 0.8 s, so only for a text that needs it

    settings = {
        "PREFER_DATES_FROM": "future",
        "RELATIVE_BASE": datetime.combine(today, datetime.min.time()),
        "DATE_ORDER": "DMY",
        "PREFER_DAY_OF_MONTH": "first",
    }
    try:
        return DateDataParser(languages=[language], settings=settings)
    except ValueError:
        return None
