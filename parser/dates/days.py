"""Days, weeks, months and stretches of them, in the words of `parser.dates.lexemes`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from parser.dates.calendar import (
    DAY,
    WEEK,
    holiday,
    monday_of,
    month_after,
    month_start,
    next_date,
    next_day_of_month,
    next_weekday,
    week_start,
)
from parser.dates.canonical import day_after
from parser.dates.clock import SAME_TIME
from parser.dates.lexemes import FOLLOWING, Lexeme
from parser.dates.reduce import Pass, spanning

Range = tuple[date, date | None]


@dataclass(frozen=True, slots=True)
class Days:
    """A set of days: *ranges* half-open, without an end when that is None.

    *kind* is day, week, month, weekday, holiday, span, visit, moment, recur or past; *flag* is the case that the words
    stand in; *weekdays* are set for wishes that recur ("tiistaisin"); *shift* is a distance from the visit ("a week
    later") and *unit* its unit; *moment* is a point in time ("in 30 minutes").
    """

    ranges: tuple[Range, ...] = ()
    kind: str = "day"
    flag: str = ""
    weekdays: tuple[int, ...] | None = None
    shift: int | None = None
    unit: str = "D"
    moment: datetime | None = None
    pair: tuple[Days, Days] | None = None
    """Both ends of "from Tuesday to Thursday": a stretch, or in a move the old day and the new."""
    exact: bool = False
    """Whether a weekday is said with its week: then no other such day is meant."""
    follows: bool = False
    """ "The following Monday": after a visit named, if one is."""

    @property
    def single(self) -> date | None:
        """The day, when it is exactly one."""
        if len(self.ranges) != 1 or self.ranges[0][1] is None:
            return None
        start, end = self.ranges[0]
        return start if end == start + DAY else None


def one_day(day: date, kind: str = "day", flag: str = "") -> Days:
    """A single day."""
    return Days(((day, day + DAY),), kind, flag)


DAYS = Pass(
    [
        (r"i[no][WM][&,]?[no]D|[no][WM][&,]?[no]Dg", "distance_in_two_units"),
        # stretches and lists of dates that share a month
        (r"X\.?~{1,2}X\.?", "date_to_date"),
        (r"f?[no]\.?[~u]X\.?", "day_to_date"),
        (r"f?[no]\.?[~u][no]\.?m\.?y?", "day_to_day_of_month"),
        (r"m[no]\.?~[no]", "month_day_to_day"),
        (r"(?:[no]\.?[,|&]{1,2})+X\.?", "dates_of_month"),
        (r"(?:[no]\.?[,|&]{1,2})+[no]\.?m", "dates_of_month"),
        # parts of months and their weeks
        (r"0X\.?y?|0#?[no]\.?my?|0#?[no]|X\.?1W|[no]\.?m1W", "week_of_date"),
        (r"m[oL]w|[oL]wi?m", "nth_weekday_of_month"),
        (r"mLW|LWi?m|LWM", "last_week_of_month"),
        (r"oWi?m|moW", "nth_week_of_month"),
        (r"m~m", "months"),
        (r"[BJE]i?m|m[BJE]", "part_of_month"),
        (r"[BJE]i?[NT]?M|[NT]M[BJE]", "part_of_some_month"),
        # single dates
        (r"X\.?y?", "exact_date"),
        (r"#?[no]\.?D?[i?]?NM|NM#?[no]\.?D?(?![WHI])", "day_of_next_month"),
        (r"#?[no]\.?my?", "day_of_month"),
        (r"m[no]\.?D?(?![WHI~])", "month_then_day"),
        (r"#[no](?![WDHIw])|o(?=[;,.?Kbcfp>]|$)|o\.?D|n\.D|(?<=w)n\.(?=K)", "numbered_day"),
        # weeks
        (r"W\.?n\.?(?:[~&,|u]n)+", "numbered_weeks"),
        (r"W\.?n|n\.W", "numbered_week"),
        (r"NW\)W|W[>)]NW?|NNW", "week_after_next"),
        (r"<FLW|LW<F", "last_week_before_holiday"),
        (r"FD?\)D|D[>)]F", "day_after_holiday"),
        (r"D<F", "day_before_holiday"),
        (r"FP?\)W|W[>)]F", "week_after_holiday"),
        (r"W<F|F<W", "week_before_holiday"),
        (r"FW", "week_of_holiday"),
        (r"[BJE][NT]?W|[NT]W[BJE]|[BJE]T?W", "part_of_week"),
        (r"[NT]+W(?![>)<]F)", "this_or_next_week"),
        (r"PW|Pw|Pk|PM|[PL]p", "past"),
        (r"2|W>(?=[;.,]|$)", "week_after_visit"),
        # distances from now
        (r"inWw|winW|wnWg|nWgw|iWw|wiW|Wgw|wWg|iGw|wiG", "weekday_in_weeks"),
        (r"i[nj]*H|i[nj]+I|nHg|nIg|Hg|jHg|n[HI](?=$|[;.,])", "minutes_from_now"),
        (r"in[WDMY]|n[WDMY]g|i[WDMYG](?!\.?n)|[WDMYG]g", "from_now"),
        # distances from the visit
        (r"[leU]n[WDHM]|n?[WDHM][le]|n[WDHM]\]|G[le]|nI[le]", "from_visit"),
        (r"n[WDM]", "moved_by"),
        (r"SWw|w\??#?SW(?!w)", "weekday_of_same_week"),
        (r"[el]?SD[el]?", "same_day"),
        (r"S@", "same_time"),
        (r"d[|,&]{1,2}D[>)]", "day_and_the_next"),
        (r"ND(?![wWnMKo])|D[>)](?![Knd])", "next_day"),
        (r"<D", "day_before"),
        # weekdays with a word before them
        (r"Nw(?:[~,|&]{0,2}w)*", "weekdays_of_next_week"),
        (r"Tw", "weekday_of_this_week"),
        (r"Rw(?:[,|&]{1,2}w)*", "every_weekday"),
        (r"R?a", "working_days"),
        (r"[NTR]?k", "weekend"),
        (r"[NT]?M(?<=[NT]M)", "some_month"),
        (r"Tp", "part_of_today"),
        (r"F", "feast"),
        (r"d", "relative_day"),
        (r"!", "tonight"),
        (r"m", "whole_month"),
    ]
)


_UNITS = {"D": "day", "W": "week", "M": "month"}


class DayReader:
    """Handlers of `DAYS`; *now* is local and naive."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.today = now.date()

    # stretches

    def date_to_date(self, found: list[Lexeme]) -> Lexeme | None:
        dates = [self._of(*one.value) for one in found if one.kind == "X"]
        return self._stretch(found, dates[0], dates[1])

    def day_to_date(self, found: list[Lexeme]) -> Lexeme | None:
        first = next(one.value for one in found if one.kind in "no")
        _, month, year = next(one.value for one in found if one.kind == "X")
        return self._stretch(found, self._of(first, month, year), self._of(*found[_last(found, "X")].value))

    def day_to_day_of_month(self, found: list[Lexeme]) -> Lexeme | None:
        first, last = (one.value for one in found if one.kind in "no")
        month = next(one.value for one in found if one.kind == "m")
        return self._stretch(found, self._of(first, month), self._of(last, month))

    month_day_to_day = day_to_day_of_month

    def _stretch(self, found: list[Lexeme], first: date | None, last: date | None) -> Lexeme | None:
        if first is None or last is None or last < first or last - first > 200 * DAY:
            return None
        return days_over(found, Days(((first, last + DAY),), "span", pair=(one_day(first), one_day(last))))

    def dates_of_month(self, found: list[Lexeme]) -> Lexeme | None:
        dated = next((one for one in found if one.kind == "X"), None)
        month = dated.value[1] if dated else next(one.value for one in found if one.kind == "m")
        numbers = [one.value for one in found if one.kind in "no"] + ([dated.value[0]] if dated else [])
        dates = [self._of(number, month) for number in numbers]
        return days_over(found, Days(tuple((day, day + DAY) for day in dates if day))) if all(dates) else None

    # months

    def whole_month(self, found: list[Lexeme]) -> Lexeme:
        start = month_start(found[0].value, self.today)
        return days_over(found, Days(((max(start, self.today), month_after(start)),), "month", found[0].flag))

    def months(self, found: list[Lexeme]) -> Lexeme:
        start = month_start(found[0].value, self.today)
        end = month_after(month_start(found[-1].value, start))
        return days_over(found, Days(((max(start, self.today), end),), "month"))

    def some_month(self, found: list[Lexeme]) -> Lexeme:
        this = self.today.replace(day=1)
        start = month_after(this) if found[0].kind == "N" else this
        return days_over(found, Days(((max(start, self.today), month_after(start)),), "month"))

    def part_of_month(self, found: list[Lexeme]) -> Lexeme | None:
        month = next(one.value for one in found if one.kind == "m")
        return self._part_of(found, month_start(month, self.today))

    def part_of_some_month(self, found: list[Lexeme]) -> Lexeme | None:
        start = self.today.replace(day=1)
        return self._part_of(found, month_after(start) if any(one.kind == "N" for one in found) else start)

    def _part_of(self, found: list[Lexeme], start: date) -> Lexeme:
        which = next(one.kind for one in found if one.kind in "BJE")
        first, last = {"B": (1, 11), "J": (11, 21), "E": (21, 0)}[which]
        end = start.replace(day=last) if last else month_after(start)
        return days_over(found, Days(((start.replace(day=first), end),), "month"))

    def last_week_of_month(self, found: list[Lexeme]) -> Lexeme:
        named = next((one.value for one in found if one.kind == "m"), self.today.month)
        last_day = month_after(month_start(named, self.today)) - DAY
        return self._week(found, monday_of(last_day))

    def nth_week_of_month(self, found: list[Lexeme]) -> Lexeme:
        month = next(one.value for one in found if one.kind == "m")
        nth = next(one.value for one in found if one.kind == "o")
        first = month_start(month, self.today)
        monday = monday_of(first + _MOST_OF_A_WEEK * DAY)  # the first week has most of its days in the month
        return self._week(found, monday + (nth - 1) * WEEK)

    def nth_weekday_of_month(self, found: list[Lexeme]) -> Lexeme | None:
        """ "The first Monday of June", "syyskuun viimeinen maanantai"."""
        month, weekday = (next(one.value for one in found if one.kind == kind) for kind in "mw")
        nth = next((one.value - 1 for one in found if one.kind == "o"), -1)
        first = month_start(month, self.today)
        days = [first + at * DAY for at in range((month_after(first) - first).days)]
        fitting = [day for day in days if day.isoweekday() == weekday]
        return self._date(found, fitting[nth]) if nth < len(fitting) else None

    # dates

    def exact_date(self, found: list[Lexeme]) -> Lexeme | None:
        day, month, year = found[0].value
        if found[-1].kind == "y":
            year = found[-1].value
        return self._date(found, self._of(day, month, year))

    def day_of_month(self, found: list[Lexeme]) -> Lexeme | None:
        number = next(one.value for one in found if one.kind in "no")
        month = next(one.value for one in found if one.kind == "m")
        year = found[-1].value if found[-1].kind == "y" else None
        return self._date(found, self._of(number, month, year))

    month_then_day = day_of_month

    def day_of_next_month(self, found: list[Lexeme]) -> Lexeme | None:
        """ "The 3rd of next month", "ensi kuun 5. päivä"."""
        number = next(one.value for one in found if one.kind in "no")
        first = month_after(self.today)
        return self._date(found, self._of(number, first.month, first.year) if 1 <= number <= 31 else None)

    def numbered_day(self, found: list[Lexeme]) -> Lexeme | None:
        number = next(one.value for one in found if one.kind in "no")
        worded = found[0].kind == "o" and found[0].first == found[0].last
        if len(found) == 1 and worded:
            return None  # "first" alone is a choice
        return self._date(found, next_day_of_month(number, self.today) if 1 <= number <= 31 else None)

    def _date(self, found: list[Lexeme], day: date | None) -> Lexeme | None:
        if day is None or not -7 <= (day - self.today).days <= 366:
            return None
        return days_over(found, one_day(day, flag=found[-1].flag if found[-1].kind == "m" else ""))

    def distance_in_two_units(self, found: list[Lexeme]) -> Lexeme | None:
        """ "In two weeks and three days", "1 kuukauden 2 päivän päästä"."""
        numbers = [one.value for one in found if one.kind in "no"]
        units = [
            "week" if one.kind == "W" else "month" if one.kind == "M" else "day" for one in found if one.kind in "WMD"
        ]
        if any(not 1 <= number <= 60 for number in numbers):
            return None
        return self._date(found, day_after(tuple(zip(numbers, units, strict=True)), self.today))

    def _of(self, day: int, month: int, year: int | None = None) -> date | None:
        if not 1 <= month <= 12:
            return None
        if year is None:
            return next_date(day, month, self.today - timedelta(days=1)) if day <= 31 else None
        try:
            return date(year, month, day)
        except ValueError:
            return None

    # weeks

    def numbered_week(self, found: list[Lexeme]) -> Lexeme | None:
        monday = week_start(next(one.value for one in found if one.kind == "n"), self.today)
        return self._week(found, monday) if monday else None

    def week_of_date(self, found: list[Lexeme]) -> Lexeme | None:
        """ "The week of 18 May", "18.5. alkavalla viikolla"."""
        dated = next((one.value for one in found if one.kind == "X"), None)
        number = next((one.value for one in found if one.kind in "no"), 0)
        month = next((one.value for one in found if one.kind == "m"), None)
        if dated or month:
            day = self._of(*(dated or (number, month)))
        else:
            day = next_day_of_month(number, self.today) if 1 <= number <= _LONGEST_MONTH else None
        return self._week(found, monday_of(day)) if day else None

    def numbered_weeks(self, found: list[Lexeme]) -> Lexeme | None:
        numbers = [one.value for one in found if one.kind == "n"]
        mondays = [week_start(number, self.today) for number in numbers]
        starts = [monday for monday in mondays if monday is not None]
        if len(starts) != len(numbers):
            return None
        if any(one.kind in "~u" for one in found) and len(starts) == 2:
            return days_over(found, Days(((starts[0], starts[1] + WEEK),), "week"))
        return days_over(found, Days(tuple((monday, monday + WEEK) for monday in starts), "week"))

    def this_or_next_week(self, found: list[Lexeme]) -> Lexeme:
        ahead = sum(one.kind == "N" for one in found)
        week = self._week(found, monday_of(self.today) + ahead * WEEK)
        return replace(week, value=replace(week.value, follows=found[0].value == FOLLOWING))

    def week_after_next(self, found: list[Lexeme]) -> Lexeme:
        return self._week(found, monday_of(self.today) + 2 * WEEK)

    def week_after_holiday(self, found: list[Lexeme]) -> Lexeme | None:
        feast = self._feast(found)
        if not feast:
            return None
        named = next(one.value for one in found if one.kind == "F")
        last = feast[1] - (2 if named == "easter" else 1) * DAY  # Easter Monday is in the week after Easter
        return self._week(found, monday_of(last) + WEEK)

    def week_of_holiday(self, found: list[Lexeme]) -> Lexeme | None:
        feast = self._feast(found)
        return self._week(found, monday_of(feast[0])) if feast else None

    def day_after_holiday(self, found: list[Lexeme]) -> Lexeme | None:
        feast = self._feast(found)
        return days_over(found, one_day(feast[1])) if feast else None

    def day_before_holiday(self, found: list[Lexeme]) -> Lexeme | None:
        feast = self._feast(found)
        return days_over(found, one_day(feast[0] - DAY)) if feast else None

    def week_before_holiday(self, found: list[Lexeme]) -> Lexeme | None:
        feast = self._feast(found)
        return self._week(found, monday_of(feast[0]) - WEEK) if feast else None

    def last_week_before_holiday(self, found: list[Lexeme]) -> Lexeme | None:
        feast = self._feast(found)
        if not feast:
            return None
        return Lexeme("V", Days(((monday_of(feast[0] - DAY), feast[0]),), "week"), "", found[0].first, found[-1].last)

    def part_of_week(self, found: list[Lexeme]) -> Lexeme:
        monday = monday_of(self.today) + (WEEK if any(one.kind == "N" for one in found) else 0 * DAY)
        if not any(one.kind in "NT" for one in found) and self.today.isoweekday() >= 5:
            monday += WEEK
        which = next(one.kind for one in found if one.kind in "BJE")
        first, last = {"B": (0, 3), "J": (1, 4), "E": (3, 7)}[which]
        start = monday + first * DAY
        if which == "B" and start < self.today and not any(one.kind in "NT" for one in found):
            monday, start = monday + WEEK, start + WEEK
        return days_over(found, Days(((start, monday + last * DAY),), "span"))

    def _week(self, found: list[Lexeme], monday: date) -> Lexeme:
        flag = next((one.flag for one in found if one.kind == "W"), "")
        return spanning("V", Days(((monday, monday + WEEK),), "week", flag), found)

    # distances

    def from_now(self, found: list[Lexeme]) -> Lexeme:
        return days_over(found, one_day(self.today + _distance(found)))

    def weekday_in_weeks(self, found: list[Lexeme]) -> Lexeme:
        weekday = next(one.value for one in found if one.kind == "w")
        monday = monday_of(self.today + _distance(found))
        return days_over(found, one_day(monday + (weekday - 1) * DAY))

    def minutes_from_now(self, found: list[Lexeme]) -> Lexeme | None:
        number = next((one.value for one in found if one.kind == "n"), 1)
        if any(one.kind == "j" for one in found):
            minutes = 30
        else:
            minutes = number * (60 if any(one.kind == "H" for one in found) else 1)
        return days_over(
            found, Days((), "moment", moment=self.now.replace(second=0, microsecond=0) + timedelta(minutes=minutes))
        )

    def from_visit(self, found: list[Lexeme]) -> Lexeme:
        number = next((one.value for one in found if one.kind == "n"), 1)
        unit = next(one.kind for one in found if one.kind in "WDHMGI")
        if unit == "G":
            number, unit = 2, "W"
        if any(one.kind == "e" for one in found):
            number = -number
        return days_over(found, Days((), "visit", shift=number, unit=unit))

    def week_after_visit(self, found: list[Lexeme]) -> Lexeme:
        return days_over(found, Days((), "visit", shift=1, unit="V"))

    def weekday_of_same_week(self, found: list[Lexeme]) -> Lexeme:
        weekday = next(one.value for one in found if one.kind == "w")
        return days_over(found, Days((), "visit", weekdays=(weekday,), shift=0, unit="V"))

    def same_day(self, found: list[Lexeme]) -> Lexeme:
        side = next((one.kind for one in found if one.kind in "el"), "")
        return days_over(found, Days((), "visit", side, shift=0, unit="d"))

    def same_time(self, found: list[Lexeme]) -> Lexeme:
        return spanning("O", (SAME_TIME,), found)

    def moved_by(self, found: list[Lexeme]) -> Lexeme | None:
        """ "Kahdella viikolla", "by two weeks": how far a visit is moved."""
        return self.from_visit(found) if found[0].flag == "by" else None

    def day_and_the_next(self, found: list[Lexeme]) -> Lexeme:
        """ "Tomorrow or the day after"."""
        first = self.today + found[0].value * DAY
        return days_over(found, Days(((first, first + 2 * DAY),), "day"))

    def next_day(self, found: list[Lexeme]) -> Lexeme:
        return days_over(found, Days((), "visit", shift=1, unit="d"))

    def day_before(self, found: list[Lexeme]) -> Lexeme:
        return days_over(found, Days((), "visit", shift=-1, unit="d"))

    def past(self, found: list[Lexeme]) -> Lexeme:
        return days_over(found, Days((), "past"))

    # weekdays and the like

    def weekdays_of_next_week(self, found: list[Lexeme]) -> Lexeme:
        if found[0].value == "coming":  # a coming Thursday is the first to come, a next one that of the next week
            return self.coming_weekdays(found)
        monday = monday_of(self.today) + WEEK
        ranges = tuple(weekdays_from(monday, listed_weekdays(found)))
        return days_over(found, Days(ranges, "weekday", found[-1].flag, follows=found[0].value == FOLLOWING))

    def coming_weekdays(self, found: list[Lexeme]) -> Lexeme:
        days = [next_weekday(number, self.today) for number in listed_weekdays(found)]
        return days_over(found, Days(tuple((day, day + DAY) for day in days), "weekday", found[-1].flag))

    def weekday_of_this_week(self, found: list[Lexeme]) -> Lexeme:
        day = monday_of(self.today) + (found[-1].value - 1) * DAY
        return days_over(found, one_day(day if day >= self.today else day + WEEK, "weekday", found[-1].flag))

    def every_weekday(self, found: list[Lexeme]) -> Lexeme:
        return days_over(found, Days((), "recur", weekdays=tuple(listed_weekdays(found))))

    def working_days(self, found: list[Lexeme]) -> Lexeme:
        return days_over(found, Days((), "recur", weekdays=(1, 2, 3, 4, 5)))

    def weekend(self, found: list[Lexeme]) -> Lexeme:
        if found[0].kind == "R" or found[-1].flag == "every":
            return days_over(found, Days((), "recur", weekdays=(6, 7)))
        saturday = monday_of(self.today) + 5 * DAY + (WEEK if found[0].kind == "N" else 0 * DAY)
        return days_over(found, Days(((saturday, saturday + 2 * DAY),), "span", found[-1].flag))

    def feast(self, found: list[Lexeme]) -> Lexeme | None:
        feast = self._feast(found)
        return days_over(found, Days((feast,), "holiday", found[0].flag)) if feast else None

    def _feast(self, found: list[Lexeme]) -> tuple[date, date] | None:
        return holiday(next(one.value for one in found if one.kind == "F"), self.today)

    def relative_day(self, found: list[Lexeme]) -> Lexeme:
        kind = "past" if found[0].value < 0 else "day"
        return days_over(found, one_day(self.today + found[0].value * DAY, kind, found[0].flag))

    def tonight(self, found: list[Lexeme]) -> list[Lexeme]:
        part = Lexeme("p", found[0].value, "", found[0].first, found[-1].last)
        return [days_over(found, one_day(self.today)), part]

    def part_of_today(self, found: list[Lexeme]) -> list[Lexeme]:
        return [days_over(found[:1], one_day(self.today)), found[1]]


_MOST_OF_A_WEEK = 3
_LONGEST_MONTH = 31


def days_over(found: list[Lexeme], days: Days) -> Lexeme:
    """*days* as one lexeme over *found*."""
    return spanning("Z", days, found)


def _last(found: list[Lexeme], kind: str) -> int:
    return max(at for at, one in enumerate(found) if one.kind == kind)


def listed_weekdays(found: list[Lexeme]) -> list[int]:
    """ISO weekdays named in *found*; two with a dash, or from one to the other, are all between."""
    named: list[Any] = [one.value for one in found if one.kind == "w"]
    if is_stretch(found):
        first, last = named[0], named[-1]
        return [(first - 1 + ahead) % 7 + 1 for ahead in range((last - first) % 7 + 1)]
    return sorted(set(named), key=named.index)


def is_stretch(found: list[Lexeme]) -> bool:
    """Whether two weekdays in *found* are the ends of a stretch."""
    days = [one for one in found if one.kind == "w"]
    if len(days) != 2:
        return False
    return any(one.kind in "~u" for one in found) or (days[0].flag == "from" and days[1].flag in ("until", "to"))


def weekdays_from(monday: date, numbers: list[int]) -> list[Range]:
    """The ISO weekdays *numbers* of the week that begins on *monday*."""
    days = (monday + (number - 1) * DAY for number in numbers)
    return [(day, day + DAY) for day in days]


def _distance(found: list[Lexeme]) -> timedelta:
    number = next((one.value for one in found if one.kind == "n"), 1)
    unit = next(one.kind for one in found if one.kind in "WDMYG")
    return number * {"W": WEEK, "D": DAY, "M": 30 * DAY, "Y": 365 * DAY, "G": 2 * WEEK}[unit]
