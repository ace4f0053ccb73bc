"""The clinic's rules that are data: until when a visit can be changed by text, and what patients may change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from handlers.hours import at, is_working_day
from models.facts import ClinicFacts, Facts, ServiceFacts, UndoFacts, VisitFacts

LATE_STILL_SEEN = 15  # minutes; beyond that a person decides
UNDO_LASTS = timedelta(minutes=30)
PREVIOUS_WORKING_DAY = "previous_working_day"
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "s": "seconds"}
_WEEK = 7


def clinic_of(visit: VisitFacts, facts: Facts) -> ClinicFacts:
    """Where the visit is."""
    return facts.catalogue.clinics.get(visit.clinic_id, facts.clinic)


def may(deed: str, visit: VisitFacts, facts: Facts) -> bool:
    """Whether patients may do *deed* ("cancel", "move", "confirm") with this kind of visit by text."""
    service = facts.catalogue.services.get(visit.service_id)
    return service is not None and deed in service.patient_may


def deadline(visit: VisitFacts, facts: Facts) -> datetime:
    """The last instant (UTC) to cancel or move *visit* by text; the service's rule beats the clinic's."""
    service = facts.catalogue.services.get(visit.service_id)
    return cutoff(visit, service, clinic_of(visit, facts), facts.rules.region)


def cutoff(visit: VisitFacts, service: ServiceFacts | None, clinic: ClinicFacts, region: str) -> datetime:
    """The same where the visit's own service and clinic are known."""
    rule = _rule(service, clinic)
    if rule is None:
        return visit.starts_at
    kind, _, clock = rule.partition(" ")
    if kind == PREVIOUS_WORKING_DAY:
        return _previous_working_day(visit, clinic, clock, region)
    return earlier(visit.starts_at, duration(rule), clinic)


def is_too_late(visit: VisitFacts, facts: Facts) -> bool:
    """Whether the cut-off of the visit has passed."""
    return facts.now > deadline(visit, facts)


def undo_of(deed: str, visit: VisitFacts, now: datetime) -> UndoFacts:
    """How *deed* ("cancel", "move"), done to *visit* at *now*, is taken back, and until when."""
    return UndoFacts(
        kind=deed,
        appointment_id=visit.id,
        slot_id=visit.slot_id,
        status=visit.status,
        until=now + UNDO_LASTS,
        patient_id=visit.patient_id,
        starts_at=visit.starts_at.astimezone(UTC),
        version=visit.version + 1,
    )


def earlier(moment: datetime, by: timedelta, clinic: ClinicFacts) -> datetime:
    """The instant *by* before *moment* on the clinic's wall clock: a day before 10.00 is 10.00 across a DST change."""
    wall = moment.astimezone(clinic.zone).replace(tzinfo=None) - by
    return wall.replace(tzinfo=clinic.zone).astimezone(UTC)


def duration(written: str) -> timedelta:
    """Read "24h", "90m", "1.5d". Raises ValueError for anything else."""
    number, unit = written[:-1], written[-1:]
    if unit not in _UNITS:
        raise ValueError("a duration is a number and one of s, m, h, d")
    return timedelta(**{_UNITS[unit]: float(number)})


def _rule(service: ServiceFacts | None, clinic: ClinicFacts) -> str | None:
    return (service.cutoff if service else None) or clinic.cutoff


def _previous_working_day(visit: VisitFacts, clinic: ClinicFacts, clock: str, region: str) -> datetime:
    day = visit.starts_at.astimezone(clinic.zone).date() - timedelta(days=1)
    for _ in range(3 * _WEEK):
        if is_working_day(day, clinic, region):
            break
        day -= timedelta(days=1)
    return at(day, clock or "00:00", clinic)
