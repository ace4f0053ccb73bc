"""The times that a text mentions: days with the hours said of them, in order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from parser.command import Interval
from parser.dates.calendar import DAY
from parser.dates.clock import CLOCKS, HOURS, MIDNIGHT, SAME_TIME, Clock, ClockReader, HourReader, Hours, combined
from parser.dates.days import DAYS, Days
from parser.dates.groups import GROUPS, JOINS, GroupReader, merged
from parser.dates.lexemes import Lexeme, Lexer
from parser.normal import Text

MOST_MENTIONS = 24
_MOST_DAYS = 62
"""Days of a stretch that are told hour by hour."""

_CLOCK_READER = ClockReader()
_HOUR_READER = HourReader()


@dataclass(frozen=True, slots=True)
class Mention:
    """Days (None: only hours are said) and hours (empty: the whole day), at tokens *first* to *last*."""

    days: Days | None
    hours: tuple[Hours, ...]
    first: int
    last: int

    @property
    def is_relative(self) -> bool:
        """Whether it counts from the visit: "a week later"."""
        return self.days is not None and self.days.kind == "visit"

    @property
    def is_point(self) -> bool:
        """Whether one minute of one day is named."""
        return (
            self.days is not None and self.days.single is not None and len(self.hours) == 1 and self.hours[0].is_point
        )

    def fits(self, moment: datetime) -> bool:
        """Whether *moment* can be what is mentioned."""
        if self.days is not None and not _day_fits(self.days, moment.date()):
            return False
        minutes = moment.hour * 60 + moment.minute
        if self.hours and not any(one.start <= minutes < max(one.end, one.start + 1) for one in self.hours):
            return False
        return self.days is not None or bool(self.hours)


def _day_fits(days: Days, day: date) -> bool:
    if days.weekdays is not None:
        return day.isoweekday() in days.weekdays
    if days.kind == "weekday" and not days.exact:
        return any(start.weekday() == day.weekday() for start, _ in days.ranges)
    return any(start <= day and (end is None or day < end) for start, end in days.ranges)


def read_mentions(text: Text, lexer: Lexer, tongue: str | None, skipped: set[int], now: datetime) -> list[Mention]:
    """Every time mentioned in *text*; *now* is local and naive, *skipped* are word indexes of names."""
    lexemes = lexer.read(text, tongue, skipped)
    if not _speaks_of_time(lexemes):
        return []
    reader = GroupReader(now)
    lexemes = CLOCKS.apply(lexemes, _CLOCK_READER)
    lexemes = DAYS.apply(lexemes, reader)
    lexemes = HOURS.apply(lexemes, _HOUR_READER)
    lexemes = GROUPS.apply(lexemes, reader)
    lexemes = JOINS.apply(lexemes, reader)
    return _gathered(lexemes, text)[:MOST_MENTIONS]


def bare_hour(text: Text) -> list[Mention]:
    """The hour that a text is and nothing else ("14"), where a time was asked for."""
    numbers = [token for token in text.words if token.kind == "n"]
    if len(text.words) != 1 or not numbers or not numbers[0].text.isdigit():
        return []
    hour = int(numbers[0].text[:3])
    at = Hours(hour * 60, hour * 60, clock=Clock(hour * 60))
    return [Mention(None, (at,), 0, 0)] if hour in _HOURS_OF_WORK else []


_HOURS_OF_WORK = range(7, 21)
_SPEAKING = frozenset("dwkaWMGoXtmpFVcCA4HI!D")
_LEADING = frozenset("><)bfu]=[~{hjqQ+-z#")


def _speaks_of_time(lexemes: list[Lexeme]) -> bool:
    """Whether a number stands beside a word of time, or such a word stands for itself."""
    kinds = {lexeme.kind for lexeme in lexemes}
    if not kinds.isdisjoint(_SPEAKING):
        return True
    numbers = [lexeme for lexeme in lexemes if lexeme.kind == "n"] if "n" in kinds else []
    return bool(numbers) and (not kinds.isdisjoint(_LEADING) or any(one.flag == "at" for one in numbers))  # "kolmelta"


def _gathered(lexemes: list[Lexeme], text: Text) -> list[Mention]:
    """Give each stretch of hours to the days before it in its sentence, or else to those that follow."""
    mentions: list[Mention] = []
    waiting: list[Lexeme] = []
    apart = False
    for lexeme in lexemes:
        if lexeme.kind == "Z":
            near = [one for one in waiting if _clause(text, one) == _clause(text, lexeme)]
            waiting = [one for one in waiting if SAME_TIME not in one.value]  # the same as what another clause says
            mentions.append(_with_waiting(lexeme, near or waiting))
            waiting, apart = [], not near
        elif lexeme.kind == "O":
            if mentions and _takes_hours(mentions[-1]):
                if apart and _clause(text, lexeme) == text.tokens[mentions[-1].last].clause:
                    mentions[-1] = replace(mentions[-1], hours=())  # hours of another clause are not this day's
                mentions[-1], apart = _with_hours(mentions[-1], lexeme), False
            else:
                waiting.append(lexeme)
    return mentions + _hours_only(waiting, text)


def _clause(text: Text, lexeme: Lexeme) -> int:
    return text.tokens[lexeme.first].clause


def _hours_only(waiting: list[Lexeme], text: Text) -> list[Mention]:
    """Hours that no day is said of, each clause for itself."""
    mentions: list[Mention] = []
    for lexeme in waiting:
        last = mentions[-1] if mentions else None
        if last and text.tokens[last.last].clause == text.tokens[lexeme.first].clause:
            mentions[-1] = replace(last, hours=_both(last.hours, lexeme.value), last=lexeme.last)
        else:
            mentions.append(Mention(None, lexeme.value, lexeme.first, lexeme.last))
    return mentions


def _with_waiting(lexeme: Lexeme, waiting: list[Lexeme]) -> Mention:
    hours: tuple[Hours, ...] = ()
    for one in waiting:
        hours = _both(hours, one.value)
    return Mention(lexeme.value, hours, waiting[0].first if waiting else lexeme.first, lexeme.last)


def _takes_hours(mention: Mention) -> bool:
    return mention.days is not None and mention.days.kind not in ("past", "moment")


def _with_hours(mention: Mention, lexeme: Lexeme) -> Mention:
    return Mention(mention.days, _both(mention.hours, lexeme.value), mention.first, lexeme.last)


def _both(one: tuple[Hours, ...], other: tuple[Hours, ...]) -> tuple[Hours, ...]:
    """Hours said twice of a day: what both allow, or else either."""
    if not one or not other:
        return one or other
    if SAME_TIME in one or SAME_TIME in other:
        return other if SAME_TIME in one else one
    overlaps = [found for mine in one for yours in other if (found := combined(mine, yours)) is not None]
    return tuple(overlaps) if overlaps else one + other


def intervals(days: Days, hours: tuple[Hours, ...]) -> tuple[Interval, ...]:
    """*days* and *hours* as local intervals: whole stretches, or day by day where hours are said."""
    if days.moment is not None:
        return (Interval(days.moment, days.moment),)
    if not hours:
        return tuple(Interval(_midnight(start), _midnight(end) if end else None) for start, end in merged(days.ranges))
    found: list[Interval] = []
    for start, end in days.ranges:
        if end is None:
            found.append(Interval(at_minutes(start, hours[0].start), None))
            continue
        day = start
        while day < end and len(found) < _MOST_DAYS:
            found.extend(Interval(at_minutes(day, one.start), at_minutes(day, one.end)) for one in hours)
            day += DAY
    return tuple(sorted(found, key=lambda interval: interval.start))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def at_minutes(day: date, minutes: int) -> datetime:
    """*minutes* after the midnight that begins *day*, by the wall clock."""
    if minutes >= MIDNIGHT:
        return _midnight(day + DAY)
    return _midnight(day) + timedelta(minutes=minutes)
