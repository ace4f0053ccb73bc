"""Running late: the clinic is told, and the patient whether they are still seen."""

from __future__ import annotations

from handlers import family, hours, rules
from handlers.case import Case
from handlers.decision import Decision
from models.facts import VisitFacts
from models.states import HandOverReason


def decide(case: Case) -> Decision:
    """Tell staff of today's visit. The answer says the clinic's rule, and nothing of the visit: no code is needed."""
    visit = _todays(case)
    minutes = case.command.minutes
    if visit is None:
        return case.hand_over(HandOverReason.RUNNING_LATE)
    blanks = {"limit": rules.LATE_STILL_SEEN, "phone": hours.phone(case.facts.clinic)}
    message = "late_ok" if minutes is not None and minutes <= rules.LATE_STILL_SEEN else "late_asked"
    return case.hand_over(HandOverReason.RUNNING_LATE, message, blanks, visit=visit, promised_at=visit.starts_at)


def _todays(case: Case) -> VisitFacts | None:
    """The next visit of today, or the one that goes on, of anybody whom the number may act for."""
    today = family.today(case.facts)
    people = family.reachable(case.facts)
    ids = {person.id for person in family.spoken_of(case.command.about, people) or people}
    return next(
        (
            visit
            for visit in case.facts.visits
            if visit.patient_id in ids
            and case.local(visit.starts_at, rules.clinic_of(visit, case.facts)).date() == today
        ),
        None,
    )
