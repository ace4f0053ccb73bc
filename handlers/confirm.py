"""Confirm: the patient is coming, to a booked or to a provisional time."""

from __future__ import annotations

from handlers import notices, rules, visits
from handlers.cancel import refuse
from handlers.case import Case
from handlers.decision import Decision
from models.changes import ConfirmAppointment
from models.facts import SlotSearch, VisitFacts
from models.states import AppointmentStatus, HandOverReason


def decide(case: Case) -> Decision | SlotSearch:
    """Confirm the visit meant; with several, ask which."""
    return visits.on_one(case, confirm, "which_confirm", by_wish=True)


def confirm(case: Case, visit: VisitFacts) -> Decision:
    """Confirm *visit*. Saying it twice is as good as once."""
    if not rules.may("confirm", visit, case.facts):
        return refuse(case, visit, HandOverReason.STAFF_ONLY, "staff_only_confirm")
    new = visit.status is not AppointmentStatus.CONFIRMED
    return case.answer(
        "confirmed" if new else "was_confirmed",
        "confirmed",
        visits.blanks(case, visit),
        changes=[ConfirmAppointment(visit.id, visit.version)] if new else [],
        notices=notices.changed(case, visit, "notice_confirmed") if new else (),
        visit=visit,
    )
