"""When a patient would like to come: what the parser read, as stretches of time in UTC that a search can use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from models.facts import Window
from parser.command import Command, Interval, Recur

FURTHEST = timedelta(days=200)
REPEATED_FOR = timedelta(days=56)  # a wish without dates is looked for so far ahead


def windows(command: Command, now: datetime, zone: ZoneInfo) -> tuple[Window, ...]:
    """The stretches in which the visit may start, after *now* and within 200 days; any time where none is wished.

    Empty when all that was wished is in the past or too far away.
    """
    if command.when is None:
        wished = [Window(now, now + (REPEATED_FOR if command.recur else FURTHEST))]
    else:
        wished = [window for span in command.when if (window := _clipped(span, now, zone)) is not None]
    if command.recur is None:
        return tuple(wished)
    return tuple(piece for window in wished for piece in _repeats(command.recur, window, zone))


def anywhen(now: datetime) -> tuple[Window, ...]:
    """Any time that can be booked."""
    return (Window(now, now + FURTHEST),)


def around(windows: Iterable[Window], taken: Iterable[tuple[datetime, datetime]]) -> tuple[Window, ...]:
    """The *windows* without the starts in the half-open stretches that are *taken*."""
    left = list(windows)
    for start, end in taken:
        left = [piece for window in left for piece in _cut(window, start, end)]
    return tuple(left)


def _cut(window: Window, start: datetime, end: datetime) -> Iterator[Window]:
    if window.start == window.end:
        if not start <= window.start < end:
            yield window
        return
    if window.start < start:
        yield Window(window.start, start if window.end is None else min(start, window.end))
    if window.end is None or end < window.end:
        yield Window(max(end, window.start), window.end)


def exact_start(command: Command, zone: ZoneInfo) -> datetime | None:
    """The one minute (UTC) that the patient asked for, if they asked for just one."""
    if command.when is None or len(command.when) != 1 or not command.when[0].is_point:
        return None
    return to_utc(command.when[0].start, zone)


def is_wished(moment: datetime, wished: tuple[Window, ...]) -> bool:
    """Whether *moment* lies in one of the windows."""
    return any(
        window.start <= moment and (moment == window.start or window.end is None or moment < window.end)
        for window in wished
    )


def to_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a wall-clock time: the first of two when summer time ends, after the gap when it begins."""
    return local.replace(tzinfo=zone).astimezone(UTC)


def covers(spans: tuple[Interval, ...], local: datetime) -> bool:
    """Whether the local time *local* is meant by one of the spans: the minute itself, or inside the stretch."""
    return any(
        span.start == local if span.is_point else span.start <= local and (span.end is None or local < span.end)
        for span in spans
    )


def names_one_day(spans: tuple[Interval, ...] | None) -> bool:
    """Whether the spans name an exact date: one stretch within one day, or one minute."""
    if spans is None or len(spans) != 1 or spans[0].end is None:
        return False
    return spans[0].end - spans[0].start <= timedelta(days=1) and (
        spans[0].end.date() == spans[0].start.date() or spans[0].end.time() == time(0)
    )


def _clipped(span: Interval, now: datetime, zone: ZoneInfo) -> Window | None:
    start = to_utc(span.start, zone)
    end = None if span.end is None else to_utc(span.end, zone)
    last = now + FURTHEST
    if span.is_point:
        return Window(start, start) if now <= start < last else None
    first, beyond = max(start, now), min(last, end or last)
    return Window(first, beyond) if first < beyond else None


def _repeats(recur: Recur, window: Window, zone: ZoneInfo) -> Iterator[Window]:
    """The pieces of *window* that fall on the weekdays and hours of *recur*."""
    end = window.end if window.end is not None and window.end > window.start else window.start + timedelta(minutes=1)
    day, last = window.start.astimezone(zone).date(), end.astimezone(zone).date()
    while day <= last:
        if recur.weekdays is None or day.isoweekday() in recur.weekdays:
            start = max(_on(day, recur.start or "00:00", zone), window.start)
            beyond = min(_on(day, recur.end or "24:00", zone), end)
            if start < beyond:
                yield Window(start, beyond)
        day += timedelta(days=1)


def _on(day: date, clock: str, zone: ZoneInfo) -> datetime:
    hour, minute = (int(part) for part in clock.split(":"))
    return to_utc(datetime.combine(day + timedelta(days=hour // 24), time(hour % 24, minute)), zone)
