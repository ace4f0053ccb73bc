"""When a clinic is there: its opening hours, its working days, and by when a person can answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from lang.format import Phone, Spans, written_time
from models.facts import ClinicFacts

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ANSWER_WITHIN = timedelta(minutes=60)  # of opening hours, from a text that a person must answer
LEAST_PROMISE = timedelta(minutes=10)
AFTER_OPENING = timedelta(hours=2)
STEP = timedelta(minutes=5)
LOOK_AHEAD_DAYS = 60


@dataclass(frozen=True, slots=True)
class Promise:
    """By when a person answers. *opens_at* is set when the clinic is closed; both are None when it never opens."""

    by: datetime | None
    opens_at: datetime | None = None


def promise(clinic: ClinicFacts, now: datetime, region: str) -> Promise:
    """When a person will have answered a text of *now* (aware UTC): within the hour, or after the next opening."""
    closes = closing(clinic, now, region)
    if closes is not None and closes - now >= LEAST_PROMISE:
        return Promise(_rounded(min(now + ANSWER_WITHIN, closes)))
    opens = next_opening(clinic, now, region)
    if opens is None:
        return Promise(None)
    return Promise(opens + AFTER_OPENING, opens)


def closing(clinic: ClinicFacts, now: datetime, region: str) -> datetime | None:
    """When the clinic closes, if it is open at *now*; else None."""
    today = now.astimezone(clinic.zone).date()
    return next((end for start, end in _opening_spans(clinic, today, region) if start <= now < end), None)


def next_opening(clinic: ClinicFacts, now: datetime, region: str) -> datetime | None:
    """The next instant after *now* at which the clinic opens; None when its hours hold none within two months."""
    first = now.astimezone(clinic.zone).date()
    for offset in range(LOOK_AHEAD_DAYS):
        for start, _ in _opening_spans(clinic, first + timedelta(days=offset), region):
            if start > now:
                return start
    return None


def open_within(clinic: ClinicFacts, start: datetime, end: datetime | None, region: str) -> datetime | None:
    """The first instant from *start*, before *end*, at which the clinic is open."""
    first = start if closing(clinic, start, region) else next_opening(clinic, start, region)
    return first if first is not None and (end is None or first < max(end, start + STEP)) else None


def is_working_day(day: date, clinic: ClinicFacts, region: str) -> bool:
    """Monday to Friday, no public holiday, and a day on which the clinic has hours."""
    return day.weekday() < 5 and not is_holiday(day, region) and bool(clinic.hours.get(DAYS[day.weekday()]))


def is_holiday(day: date, region: str) -> bool:
    """Whether *day* is a public holiday of *region*; a region without a known calendar has none."""
    return day in _holidays(region, day.year)


def at(day: date, written: str, clinic: ClinicFacts) -> datetime:
    """The instant (UTC) of a wall-clock time "HH:MM" at the clinic; "24:00" is the end of the day."""
    hour, minute = (int(part) for part in written.split(":"))
    return datetime.combine(day + timedelta(days=hour // 24), time(hour % 24, minute), clinic.zone).astimezone(UTC)


def phone(clinic: ClinicFacts) -> Phone:
    """The clinic's number to call, with its hours where Monday to Friday are alike."""
    weekdays = {clinic.hours.get(day, ()) for day in DAYS[:5]}
    spans = next(iter(weekdays))
    if len(weekdays) > 1 or len(spans) != 1:
        return Phone(clinic.phone)
    return Phone(clinic.phone, (_written(spans[0][0]), _written(spans[0][1])))


def week(clinic: ClinicFacts) -> Spans:
    """The opening hours of a usual week, days with the same hours taken together."""
    spans: list[tuple[int, int, str, str]] = []
    for number, day in enumerate(DAYS, start=1):
        for opens, closes in clinic.hours.get(day, ()):
            hours = (_written(opens), _written(closes))
            if spans and spans[-1][1] == number - 1 and spans[-1][2:] == hours:
                spans[-1] = (spans[-1][0], number, *hours)
            else:
                spans.append((number, number, *hours))
    return Spans(tuple(spans))


def _opening_spans(clinic: ClinicFacts, day: date, region: str) -> Iterator[tuple[datetime, datetime]]:
    spans = clinic.hours.get(DAYS[day.weekday()], ())
    if spans and not is_holiday(day, region):
        for opens, closes in sorted(spans):
            yield at(day, opens, clinic), at(day, closes, clinic)


def _rounded(moment: datetime) -> datetime:
    """*moment*, up to the next five minutes: a promise is a round time."""
    past = timedelta(minutes=moment.minute % 5, seconds=moment.second, microseconds=moment.microsecond)
    return moment + STEP - past if past else moment


def _written(hours: str) -> str:
    hour, minute = hours.split(":")
    return written_time(int(hour), int(minute))


@lru_cache(maxsize=32)
def _holidays(region: str, year: int) -> frozenset[date]:
    import holidays  # slow to import, and needed only once a year and region

    try:
        return frozenset(holidays.country_holidays(region, years=year))
    except NotImplementedError:
        return frozenset()
