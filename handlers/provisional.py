"""Provisional times: when the patient is asked to confirm, and when an unconfirmed time is given up (section 4)."""

from __future__ import annotations

from datetime import timedelta

from handlers.permission import before_quiet_hours, outside_quiet_hours
from handlers.reminders import Plan, TimedRules, Visit, named
from handlers.rules import duration, earlier
from models.facts import ClinicFacts, ServiceFacts
from models.states import AppointmentStatus, ReminderKind

TIME_TO_ANSWER = timedelta(days=2)  # at least, between an asking and the lapse


def plan(visit: Visit, service: ServiceFacts, clinic: ClinicFacts, rules: TimedRules) -> tuple[Plan, ...]:
    """When to ask about a provisional visit and when it lapses, by time; nothing for any other visit.

    One that was made when it would have lapsed already stays until staff decide. Raises `ValueError` for a rule that is
    no duration.
    """
    if visit.status is not AppointmentStatus.PROVISIONAL:
        return ()
    lapse = lapse_of(service, rules)
    lapses_at = outside_quiet_hours(earlier(visit.starts_at, lapse, clinic), rules.quiet, clinic.zone)
    if lapses_at <= visit.made_at or lapses_at >= visit.starts_at:
        return ()
    asks = {
        before_quiet_hours(earlier(visit.starts_at, step, clinic), rules.quiet, clinic.zone): step
        for step in asks_of(lapse, rules)
    }
    plans = [Plan(ReminderKind.PROVISIONAL_ASK, named(step), due) for due, step in asks.items() if due < lapses_at]
    if not any(each.due_at > visit.made_at for each in plans):
        at_once = outside_quiet_hours(visit.made_at + timedelta(microseconds=1), rules.quiet, clinic.zone)
        if at_once + TIME_TO_ANSWER <= lapses_at:
            plans.append(Plan(ReminderKind.PROVISIONAL_ASK, "made", at_once))
    return (*plans, Plan(ReminderKind.LAPSE, named(lapse), lapses_at))


def lapse_of(service: ServiceFacts, rules: TimedRules) -> timedelta:
    """How long before a provisional visit of *service* it lapses."""
    return rules.lapse if service.lapse is None else duration(service.lapse)


def asks_of(lapse: timedelta, rules: TimedRules) -> tuple[timedelta, ...]:
    """How long before the visit we ask, the longest first: always with time to answer before the lapse."""
    asks = sorted((step for step in rules.ask if step >= lapse + TIME_TO_ANSWER), reverse=True)
    return tuple(asks) or (lapse + TIME_TO_ANSWER,)
