"""Undo: the last change made from this number is taken back, while its slot is still free."""

from __future__ import annotations

from handlers import family
from handlers.case import Case
from handlers.decision import Decision
from handlers.family import Tie
from models.changes import Change, RestoreAppointment, ReturnAppointment, UndoClaim
from models.facts import UndoFacts


def decide(case: Case) -> Decision:
    """Restore the cancelled visit, move the moved one back, or give back a time that was won."""
    undo = case.facts.thread.undo
    if undo is None or undo.until <= case.facts.now or not _still_acts(case, undo):
        return case.answer("nothing_to_undo", "nothing_to_undo")
    if undo.offer_id is not None:
        return _give_back(case, undo, undo.offer_id)
    if not case.facts.undo_slot_free:
        return case.answer("undo_too_late", f"undo_{undo.kind}_gone", thread=case.with_undo(None))
    blanks: dict[str, object] = {"whose": family.whose(undo.patient_id, case.facts)}
    if undo.starts_at is not None:
        blanks["when"] = case.local(undo.starts_at)
    return case.answer(
        "undone",
        "undone" if undo.starts_at is not None else "undone_untimed",
        blanks,
        changes=[_back(undo)],
        thread=case.with_undo(None),
        patient_id=undo.patient_id,
    )


def _give_back(case: Case, undo: UndoFacts, offer_id: int) -> Decision:
    """Give a time that was won back; the old one, which was held for this, stands again."""
    if not case.facts.undo_slot_free:
        return case.answer("undo_too_late", "undo_claim_gone", thread=case.with_undo(None))
    had = undo.starts_at is not None
    back = UndoClaim(
        offer_id=offer_id,
        patient_id=undo.patient_id,
        number=case.thread.number,
        inbox_id=case.facts.inbox_id,
        released_id=undo.appointment_id if had else None,
        released_slot_id=undo.slot_id if had else None,
        status=undo.status,
    )
    blanks: dict[str, object] = {"whose": family.whose(undo.patient_id, case.facts)}
    if undo.starts_at is not None:
        blanks["when"] = case.local(undo.starts_at)
    message = "undone_claim_release" if had else "undone_claim"
    return case.answer(
        "claim_undone", message, blanks, changes=[back], thread=case.with_undo(None), patient_id=undo.patient_id
    )


def _back(undo: UndoFacts) -> Change:
    if undo.kind == "move":
        return ReturnAppointment(undo.appointment_id, undo.slot_id, undo.status)
    return RestoreAppointment(undo.appointment_id, undo.slot_id, undo.status)


def _still_acts(case: Case, undo: UndoFacts) -> bool:
    person = case.facts.people.get(undo.patient_id)
    return person is not None and family.tie(person, case.facts) in (Tie.OWN, Tie.GUARDIAN)
