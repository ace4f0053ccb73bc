"""When visits are reminded of (product.md section 4). Pure: a visit and the rules in, plans out.

All arithmetic is by the clinic's wall clock: three days before ten o'clock is ten o'clock, also across a DST change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from handlers.permission import before_quiet_hours
from handlers.rules import duration, earlier
from models.facts import ClinicFacts, ServiceFacts
from models.states import COMING, AppointmentStatus, ReminderKind

_DAY, _HOUR, _MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
Quiet = tuple[time, time] | None
UNREADABLE = "data_error"  # the reason on the list where a record cannot be read


@dataclass(frozen=True, slots=True)
class TimedRules:
    """The part of the settings that timed texts need; services may have their own steps and lapse."""

    steps: tuple[timedelta, ...] = (3 * _DAY, _DAY)
    quiet: Quiet = (time(21), time(8))
    ask: tuple[timedelta, ...] = (21 * _DAY, 16 * _DAY)
    lapse: timedelta = 14 * _DAY


@dataclass(frozen=True, slots=True)
class Visit:
    """What a plan depends on. *made_at* is when the visit was booked, moved or last changed otherwise."""

    starts_at: datetime
    status: AppointmentStatus
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """One thing to be said or done about a visit; *step* names it among those of its kind."""

    kind: ReminderKind
    step: str
    due_at: datetime


def plan(visit: Visit, service: ServiceFacts, clinic: ClinicFacts, rules: TimedRules) -> tuple[Plan, ...]:
    """The reminders of *visit*, the earliest first; none of a visit that is not coming.

    Two steps that fall on the same minute, both before one night, are one. Raises `ValueError` for a step that is no
    duration.
    """
    if visit.status not in COMING:
        return ()
    found: dict[datetime, Plan] = {}
    for step in kept(steps_of(service, rules), visit.status):
        due = before_quiet_hours(earlier(visit.starts_at, step, clinic), rules.quiet, clinic.zone)
        found[due] = Plan(ReminderKind.REMINDER, named(step), due)
    return tuple(found.values())


def steps_of(service: ServiceFacts, rules: TimedRules) -> tuple[timedelta, ...]:
    """How long before a visit of *service* its reminders are, the longest first."""
    own = service.reminder_steps
    steps = rules.steps if own is None else tuple(duration(step) for step in own)
    return tuple(sorted({step for step in steps if step > timedelta()}, reverse=True))


def kept(steps: Sequence[timedelta], status: AppointmentStatus) -> Sequence[timedelta]:
    """The steps that are still needed: who has confirmed is reminded once."""
    return steps[:1] if status is AppointmentStatus.CONFIRMED else steps


def named(step: timedelta) -> str:
    """A step as rows and keys name it: "3d", "90m"; 24 hours are a day."""
    for unit, letter in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if step % unit == timedelta():
            return f"{step // unit}{letter}"
    return f"{step // timedelta(seconds=1)}s"
