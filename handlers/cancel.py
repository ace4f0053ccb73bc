"""Cancel: the visit is given up while its cut-off allows, and can be had back for half an hour."""

from __future__ import annotations

from dataclasses import replace

from handlers import notices, rules, visits
from handlers.case import LASTS, Case
from handlers.decision import Ask, Decision
from handlers.pending import Settled, put
from models.changes import CancelAppointment
from models.facts import SlotSearch, VisitFacts
from models.states import HandOverReason, QuestionKind
from parser.command import Command, Intent

_BOOK = Command(Intent.BOOK)


def decide(case: Case) -> Decision | SlotSearch:
    """Cancel the visit meant. With several, ask which; nothing is cancelled by guess."""
    return visits.on_one(case, cancel, "which_cancel", by_wish=Intent.BOOK not in case.command.also)


def cancel(case: Case, visit: VisitFacts) -> Decision:
    """Cancel *visit*, unless only staff may, or it is too late."""
    refusal = refused(case, visit, "cancel")
    if refusal is not None:
        return refusal
    offer = _offer_of_a_new_time(case, visit)
    return case.answer(
        "cancelled",
        "cancelled" if offer is not None else "cancelled_call",
        visits.blanks(case, visit),
        changes=[CancelAppointment(visit.id, visit.version, visit.slot_id)],
        notices=notices.changed(case, visit, "notice_cancelled"),
        ask=offer,
        visit=visit,
        thread=case.with_undo(rules.undo_of("cancel", visit, case.facts.now)),
    )


def refused(case: Case, visit: VisitFacts, deed: str) -> Decision | None:
    """Why *deed* ("cancel", "move") cannot be done by text: the reason, that the time stands, the way on."""
    if not rules.may(deed, visit, case.facts):
        return refuse(case, visit, HandOverReason.STAFF_ONLY, f"staff_only_{deed}")
    if rules.is_too_late(visit, case.facts):
        return refuse(case, visit, HandOverReason.TOO_LATE, f"too_late_to_{deed}")
    return None


def refuse(case: Case, visit: VisitFacts, reason: HandOverReason, message: str) -> Decision:
    """Hand *visit* over with a *message* that says why."""
    until = case.local(rules.deadline(visit, case.facts), rules.clinic_of(visit, case.facts))
    return case.hand_over(reason, message, {**visits.blanks(case, visit), "until": until}, visit=visit)


def _new_wish(command: Command) -> Command:
    """The booking that "VARAA" asks for: the time said in the text that cancelled is for it, if it asked for both."""
    return replace(_BOOK, when=command.when, recur=command.recur) if Intent.BOOK in command.also else _BOOK


def _offer_of_a_new_time(case: Case, visit: VisitFacts) -> Ask | None:
    """The answer offers a new time: "VARAA" finds one of the same kind, and needs no code again (L1)."""
    service = case.facts.catalogue.services.get(visit.service_id)
    if service is None or "book" not in service.patient_may:
        return None
    settled = Settled(patient_id=visit.patient_id, service_id=visit.service_id)
    return Ask(
        kind=QuestionKind.DETAIL,
        expires_at=case.facts.now + LASTS[QuestionKind.DETAIL],
        patient_id=visit.patient_id,
        pending=put(_new_wish(case.command), settled),
    )
