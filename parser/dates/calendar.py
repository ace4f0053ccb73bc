"""Weeks, months and holidays by name, counted on plain dates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

DAY = timedelta(days=1)
WEEK = timedelta(days=7)


def monday_of(day: date) -> date:
    """The Monday of *day*'s ISO week."""
    return day - timedelta(days=day.weekday())


def week_start(number: int, today: date) -> date | None:
    """The Monday of the next ISO week *number* that is not over, None when no year nearby has such a week."""
    for year in (today.isocalendar().year, today.isocalendar().year + 1):
        try:
            monday = date.fromisocalendar(year, number, 1)
        except ValueError:
            continue
        if monday + WEEK > today:
            return monday
    return None


def next_weekday(number: int, today: date) -> date:
    """The first day after *today* with ISO weekday *number*."""
    ahead = (number - today.isoweekday() - 1) % 7 + 1
    return today + timedelta(days=ahead)


def next_date(day: int, month: int, today: date) -> date | None:
    """The next *day*.*month*. from *today* on, None when there is none within five years."""
    for year in range(today.year, today.year + 5):
        try:
            found = date(year, month, day)
        except ValueError:
            continue
        if found >= today:
            return found
    return None


def next_day_of_month(day: int, today: date) -> date | None:
    """The next date from *today* on that is the *day*th of its month."""
    first = today.replace(day=1)
    for _ in range(3):
        try:
            found = first.replace(day=day)
        except ValueError:
            found = None
        if found and found >= today:
            return found
        first = month_after(first)
    return None


def month_after(day: date) -> date:
    """The first day of the month after *day*'s."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def month_start(month: int, today: date) -> date:
    """The first day of the next *month* that is not over."""
    year = today.year if month >= today.month else today.year + 1
    return date(year, month, 1)


def easter_sunday(year: int) -> date:
    """Easter Sunday in the Gregorian calendar (the algorithm of Meeus, Jones and Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e, f = b // 4, b % 4, (b + 8) // 25
    g = (b - f + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def _on(month: int, day: int) -> Callable[[int], date]:
    return lambda year: date(year, month, day)


def _from_easter(days: int) -> Callable[[int], date]:
    return lambda year: easter_sunday(year) + timedelta(days=days)


def _weekday_from(weekday: int, month: int, day: int) -> Callable[[int], date]:
    """The first *weekday* (ISO) on or after a date of the year."""

    def find(year: int) -> date:
        start = date(year, month, day)
        return start + timedelta(days=(weekday - start.isoweekday()) % 7)

    return find


_HOLIDAYS: dict[str, tuple[Callable[[int], date], int]] = {
    "new_year_day": (_on(1, 1), 1),
    "new_year_eve": (_on(12, 31), 1),
    "epiphany_eve": (_on(1, 5), 1),
    "epiphany": (_on(1, 6), 1),
    "good_friday": (_from_easter(-2), 1),
    "easter": (_from_easter(-2), 4),
    "easter_monday": (_from_easter(1), 1),
    "may_eve": (_on(4, 30), 1),
    "may_day": (_on(5, 1), 1),
    "ascension": (_from_easter(39), 1),
    "midsummer_eve": (_weekday_from(5, 6, 19), 1),
    "midsummer": (_weekday_from(5, 6, 19), 3),
    "all_saints": (_weekday_from(6, 10, 31), 1),
    "independence": (_on(12, 6), 1),
    "christmas_eve": (_on(12, 24), 1),
    "christmas": (_on(12, 24), 3),
    "boxing_day": (_on(12, 26), 1),
    "mothers_day": (_weekday_from(7, 5, 8), 1),
    "fathers_day": (_weekday_from(7, 11, 8), 1),
}


def holiday(name: str, today: date) -> tuple[date, date] | None:
    """First day and the day after the last of the next holiday *name* that is not over; None for an unknown name."""
    known = _HOLIDAYS.get(name)
    if known is None:
        return None
    first_of, length = known
    for year in (today.year, today.year + 1):
        first = first_of(year)
        if first + length * DAY > today:
            return first, first + length * DAY
    return None
