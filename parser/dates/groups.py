"""Days put together: weekdays with their week, stretches, lists, before and after, all but."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from parser.dates.calendar import DAY, WEEK, monday_of, next_weekday
from parser.dates.days import DayReader, Days, Range, days_over, is_stretch, listed_weekdays, one_day, weekdays_from
from parser.dates.lexemes import EVENT, Lexeme
from parser.dates.reduce import Pass

_W = r"w(?:~w|[,|&]{0,2}w)*"

GROUPS = Pass(
    [
        (rf"V[,;.?RD]{{0,4}}x(?:{_W})|x(?:{_W})\??V|V[,;?]{{0,2}}{_W}\??x", "week_without"),
        (rf"V[,.;?]{{0,3}}f?{_W}(?:u?w)*", "weekdays_of_week"),
        (rf"f?{_W}(?:u?w)*[,?]{{0,2}}V", "weekdays_of_week"),
        (rf"{_W}OV", "weekdays_hours_week"),
        (r"Z\)w|w>Z", "weekday_after_holiday"),
        (r"w<Z|<Zw", "weekday_before_holiday"),
        (r"wV?[,.]?\.?Z", "weekday_and_date"),
        (rf"f?{_W}u?w?", "weekdays"),
        (r"V", "week"),
    ]
)

JOINS = Pass(
    [
        (r"f?Z[~u]Z|bZ&Z", "stretch"),
        (r"Zx(?:Z[,|&]?)+", "without"),
        (r"Z[?,;]{1,3}x(?:Z[,|&]?)+", "stretch_without"),
        (r"x\?{1,4}<Z", "earliest"),
        (r"Z[),]?\)|[>]Z", "after"),
        (r"[f]Z|Z\]", "since"),
        (r"<Z", "before"),
        (r"<\?{1,4}Z", "before_event"),
        (r"[uU]Z|Z\[", "until"),
        (r"=Z", "earliest"),
        (r"Z(?:[,|&]{1,2}Z)+", "union"),
    ]
)


class GroupReader(DayReader):
    """Handlers of `GROUPS` and `JOINS`."""

    def weekdays(self, found: list[Lexeme]) -> Lexeme:
        numbers, flags = listed_weekdays(found), {one.flag for one in found if one.kind == "w"}
        if "every" in flags:
            return days_over(found, Days((), "recur", weekdays=tuple(numbers)))
        flag = next((one.flag for one in found if one.kind == "w" and one.flag), "")
        days, last = [], self.today
        for number in numbers:
            last = next_weekday(number, last if is_stretch(found) else self.today)
            days.append(last)
        ends = [next_weekday(one.value, self.today) for one in found if one.kind == "w"]
        pair = (one_day(ends[0], "weekday"), one_day(ends[-1], "weekday")) if is_stretch(found) else None
        ranges = tuple((day, day + DAY) for day in days)
        return days_over(found, Days(ranges, "weekday", "" if len(days) > 1 else flag, pair=pair))

    def week(self, found: list[Lexeme]) -> Lexeme:
        return found[0].of_kind("Z")

    def weekdays_of_week(self, found: list[Lexeme]) -> Lexeme:
        week = next(one.value for one in found if one.kind == "V")
        ranges = tuple(
            one for start, _ in week.ranges for one in weekdays_from(monday_of(start), listed_weekdays(found))
        )
        return days_over(found, Days(ranges, "weekday", found[-1].flag, exact=True))

    def weekdays_hours_week(self, found: list[Lexeme]) -> list[Lexeme]:
        hours = next(one for one in found if one.kind == "O")
        days = self.weekdays_of_week([one for one in found if one.kind != "O"])
        return [days, hours]

    def weekday_after_holiday(self, found: list[Lexeme]) -> Lexeme | None:
        days, weekday = _the(found), next(one.value for one in found if one.kind == "w")
        last = days.ranges[-1][1] if days.kind == "holiday" else None
        return days_over(found, one_day(next_weekday(weekday, last - DAY))) if last else None

    def weekday_before_holiday(self, found: list[Lexeme]) -> Lexeme | None:
        days, weekday = _the(found), next(one.value for one in found if one.kind == "w")
        if days.kind != "holiday":
            return None
        return days_over(found, one_day(next_weekday(weekday, days.ranges[0][0] - 8 * DAY)))

    def week_without(self, found: list[Lexeme]) -> Lexeme:
        week = next(one.value for one in found if one.kind == "V")
        numbers = [number for number in range(1, 8) if number not in listed_weekdays(found)]
        ranges = tuple(one for start, _ in week.ranges for one in weekdays_from(monday_of(start), numbers))
        return days_over(found, Days(merged(ranges), "week"))

    def weekday_and_date(self, found: list[Lexeme]) -> Lexeme | None:
        days: Days = found[-1].value
        if days.single is None or days.kind != "day" or days.single.isoweekday() != found[0].value:
            return None if days.kind != "day" or days.single is None or found[0].flag == "of" else found[-1]
        return days_over(found, replace(days, flag=days.flag or found[0].flag))

    def stretch(self, found: list[Lexeme]) -> Lexeme | None:
        first, last = (one.value for one in found if one.kind == "Z")
        if not first.ranges or not last.ranges or last.ranges[-1][1] is None:
            return None
        end = last.ranges[-1][1]
        while end <= first.ranges[0][0] and last.kind == "weekday":
            end += WEEK
        if not first.ranges[0][0] < end:
            return None
        return days_over(found, Days(((first.ranges[0][0], end),), "span", pair=(first, last)))

    def without(self, found: list[Lexeme]) -> Lexeme | None:
        kept, *gone = (one.value for one in found if one.kind == "Z")
        if not kept.ranges:
            return None
        days = [day for day in _each(kept) if not any(_holds(other, day) for other in gone)]
        return days_over(found, Days(merged(tuple((day, day + DAY) for day in days)), kept.kind)) if days else None

    def stretch_without(self, found: list[Lexeme]) -> Lexeme | None:
        """ "Week 20 suits, except Ascension day": where more stands between, only what is wide has exceptions."""
        return self.without(found) if found[0].value.kind in _WIDE else None

    def after(self, found: list[Lexeme]) -> Lexeme | None:
        days = _the(found)
        if not days.ranges or days.ranges[-1][1] is None:
            return None
        return days_over(found, Days(((days.ranges[-1][1], None),), "span"))

    def since(self, found: list[Lexeme]) -> Lexeme | None:
        days = _the(found)
        if not days.ranges:
            return None
        return days_over(found, Days(((days.ranges[0][0], None),), "span" if found[-1].kind == "]" else "since"))

    def before(self, found: list[Lexeme]) -> Lexeme | None:
        days = _the(found)
        if not days.ranges or days.ranges[0][0] <= self.today:
            return None
        return days_over(found, Days(((self.today, days.ranges[0][0]),), "span"))

    def before_event(self, found: list[Lexeme]) -> Lexeme | None:
        """ "Before I fly on the 12th"."""
        return self.before(found) if found[0].value == EVENT else None

    def until(self, found: list[Lexeme]) -> Lexeme | None:
        days = _the(found)
        if not days.ranges or days.ranges[-1][1] is None:
            return None
        if found[0].kind == "u":
            return None  # "till torsdag" is where it goes, not how long
        return days_over(found, Days(((self.today, days.ranges[-1][1]),), "span"))

    def earliest(self, found: list[Lexeme]) -> Lexeme:
        """ "Not until June" is in June, and so is "not home before June"."""
        return replace(found[-1], first=found[0].first)

    def union(self, found: list[Lexeme]) -> Lexeme | None:
        parts = [one.value for one in found if one.kind == "Z"]
        if any(part.kind == "recur" for part in parts):
            if not all(part.weekdays for part in parts):
                return None
            return days_over(
                found, Days((), "recur", weekdays=tuple(sorted({day for part in parts for day in part.weekdays})))
            )
        if not all(part.ranges for part in parts):
            return None
        return days_over(found, Days(merged(tuple(one for part in parts for one in part.ranges)), parts[0].kind))


_WIDE = ("week", "month", "span")


def _the(found: list[Lexeme]) -> Days:
    days = next(one.value for one in found if one.kind == "Z")
    assert isinstance(days, Days)
    return days


def _each(days: Days) -> list[date]:
    every: list[date] = []
    for start, end in days.ranges:
        while end is not None and start < end and len(every) < 400:
            every.append(start)
            start += DAY
    return every


def _holds(days: Days, day: date) -> bool:
    if days.kind == "weekday":
        return any(start.weekday() == day.weekday() for start, _ in days.ranges)
    return any(start <= day and (end is None or day < end) for start, end in days.ranges)


def merged(ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    """*ranges* in order, those that touch made one."""
    result: list[Range] = []
    for start, end in sorted(ranges, key=lambda one: one[0]):
        if result and result[-1][1] is not None and start <= result[-1][1]:
            first, last = result[-1]
            result[-1] = (first, None if end is None or last is None else max(last, end))
        else:
            result.append((start, end))
    return tuple(result)
