"""List: the coming visits of the person and of the dependants of theirs."""

from __future__ import annotations

from handlers import hours, visits
from handlers.case import Case
from handlers.decision import Decision
from handlers.options import listed_visits
from lang.format import Listed, Term
from models.facts import VisitFacts
from models.states import AppointmentStatus

MOST = 4


def decide(case: Case) -> Decision:
    """Name the coming visits; the first four where they are many."""
    coming = visits.ahead(case)
    phone = {"phone": hours.phone(case.facts.clinic)}
    if not coming:
        return case.answer("listed", "no_visits", phone)
    if len(coming) == 1:
        return case.answer("listed", _for_one(coming[0]), visits.blanks(case, coming[0]), visit=coming[0])
    listed = tuple(
        Listed(item.what, note=Term("provisional") if _is_provisional(visit) else item.note)
        for item, visit in zip(listed_visits(case, coming[:MOST], [""] * min(len(coming), MOST)), coming, strict=False)
    )
    if len(coming) > MOST:
        return case.answer("listed", "visits_and_more", {**phone, "visits": listed, "more": len(coming) - MOST})
    return case.answer("listed", "visits", {**phone, "visits": listed})


def _for_one(visit: VisitFacts) -> str:
    return "one_visit_provisional" if _is_provisional(visit) else "one_visit"


def _is_provisional(visit: VisitFacts) -> bool:
    return visit.status is AppointmentStatus.PROVISIONAL
