"""The answer to an offer: the first to take it has it, everybody else is told at once (product.md section 5).

What the offer said is checked again here: nobody gets a time that clashes, or loses one that the offer did not name.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from handlers import family, hours, offers
from handlers.case import Case
from handlers.decision import Decision
from models.changes import AnswerOffer, Change, ClaimOffer
from models.facts import ClinicFacts, OfferFacts, QuestionFacts, UndoFacts, VisitFacts
from models.states import AppointmentStatus, OfferState, OfferStep
from parser.command import Intent

ACCEPT, DECLINE, ASK = "accept", "decline", "ask"  # what an answer to an offer means
RELEASES, UNTIL = "releases", "from"  # the later visit that the offer named, as its question keeps it


def decide(case: Case, question: QuestionFacts, meaning: str) -> Decision | None:
    """Answer somebody who was asked and may still act for whom the offer is; None when the offer is unknown."""
    offer = case.facts.offers.get(question.offer_id or 0)
    if offer is None or case.owner is None:
        return None
    if meaning == ASK:
        return _told(case, offer, question)
    if meaning == DECLINE:
        return _answered(case, offer, OfferStep.DECLINED, "offer_declined", {})
    if offer.state is OfferState.WON:
        return _lost(case, offer)
    if not offer.can_be_had or case.facts.now > offer.deadline:
        return _answered(case, offer, OfferStep.LATE, "offer_over", {})
    return _refused(case, offer, question) or _won(case, offer)


def taken_again(case: Case) -> Decision | None:
    """Whoever has just won and names the offer once more hears that the time is theirs."""
    undo, command = case.facts.thread.undo, case.command
    if undo is None or undo.offer_id is None or case.facts.now >= undo.until:
        return None
    again = command.intent is Intent.ACCEPT or (command.intent is Intent.FREE and command.choice_code is not None)
    return case.answer("claimed_before", "offer_yours", patient_id=undo.patient_id) if again else None


# --- what becomes of it -------------------------------------------------------------------------------------------


def _won(case: Case, offer: OfferFacts) -> Decision:
    assert case.owner is not None
    old = _given_up(case, offer)
    claim = ClaimOffer(
        offer_id=offer.id,
        patient_id=case.owner.id,
        number=case.thread.number,
        inbox_id=case.facts.inbox_id,
        slot_id=offer.slot_id,
        clinic_id=offer.clinic_id,
        service_id=offer.service_id,
        practitioner_id=offer.practitioner_id,
        starts_at=offer.starts_at,
        ends_at=offer.ends_at,
        released_id=None if old is None else old.id,
        released_version=None if old is None else old.version,
        released_slot_id=None if old is None else old.slot_id,
    )
    blanks = _blanks(case, offer)
    if old is not None:
        blanks["old"] = case.local(old.starts_at, _clinic(case, old.clinic_id))
    thread = replace(case.thread, undo=_undo(case, offer, old), clinic_id=case.thread.clinic_id or offer.clinic_id)
    message = "offer_won" if old is None else "offer_won_release"
    return case.answer("claimed", message, blanks, changes=[claim], thread=thread, patient_id=case.owner.id)


def _undo(case: Case, offer: OfferFacts, old: VisitFacts | None) -> UndoFacts:
    """What the winner may take back: the claim, and with it the release of the *old* visit."""
    assert case.owner is not None
    return UndoFacts(
        kind="claim",
        appointment_id=0 if old is None else old.id,
        slot_id=offer.slot_id if old is None else old.slot_id,
        status=AppointmentStatus.BOOKED if old is None else old.status,
        until=case.facts.now + offers.CLAIM_UNDO,
        patient_id=case.owner.id,
        starts_at=None if old is None else old.starts_at.astimezone(UTC),
        offer_id=offer.id,
    )


def _lost(case: Case, offer: OfferFacts) -> Decision:
    assert case.owner is not None
    if offer.winner_id == case.owner.id:
        return case.answer("claimed_before", "offer_yours", patient_id=case.owner.id)
    listed = any(e.patient_id == case.owner.id and e.service_id == offer.service_id for e in case.facts.waitlist)
    return _answered(case, offer, OfferStep.LOST, "offer_lost" if listed else "offer_lost_unlisted", {})


def _answered(
    case: Case, offer: OfferFacts, step: OfferStep, message: str, blanks: dict[str, Any], reason: str | None = None
) -> Decision:
    """An answer that wins nothing, recorded in the offer's ledger."""
    assert case.owner is not None
    line = AnswerOffer(offer.id, case.owner.id, case.thread.number, case.facts.inbox_id, step, reason)
    changes: list[Change] = [line]
    return case.answer(f"offer_{step.value}", message, blanks, changes=changes, patient_id=case.owner.id)


# --- what is checked again ----------------------------------------------------------------------------------------


def _refused(case: Case, offer: OfferFacts, question: QuestionFacts) -> Decision | None:
    """Why the first to answer cannot have the time after all; they are told, and the offer goes on."""
    assert case.owner is not None
    visits = case.facts.visits_of(case.owner.id)
    same = [visit for visit in visits if visit.service_id == offer.service_id]
    blocking = next((v for v in visits if v.overlaps(offer.starts_at, offer.ends_at)), None)
    blocking = blocking or next((visit for visit in same if visit.starts_at < offer.starts_at), None)
    if blocking is not None:
        return _no(case, offer, blocking, "offer_clash", "busy")
    if not same:
        return None
    named = question.pending or {}
    as_named = len(same) == 1 and _start(named) == same[0].starts_at and named.get(RELEASES) == same[0].id
    if not as_named:
        return _no(case, offer, same[0], "offer_keeps", "another_visit")
    if not offers.can_give_up(same[0], case.facts.catalogue, case.facts.rules.region, case.facts.now):
        return _no(case, offer, same[0], "offer_keeps", "cannot_release")
    return None


def _no(case: Case, offer: OfferFacts, visit: VisitFacts, message: str, reason: str) -> Decision:
    clinic = _clinic(case, visit.clinic_id)
    blanks = {"old": case.local(visit.starts_at, clinic), "phone": hours.phone(clinic)}
    return _answered(case, offer, OfferStep.REFUSED, message, blanks, reason)


def _given_up(case: Case, offer: OfferFacts) -> VisitFacts | None:
    assert case.owner is not None
    return offers.given_up(case.facts.visits_of(case.owner.id), offer.service_id, offer.starts_at)


def _start(named: Any) -> datetime | None:
    return datetime.fromisoformat(named[UNTIL]) if UNTIL in named else None


# --- questions about it -------------------------------------------------------------------------------------------


def _told(case: Case, offer: OfferFacts, question: QuestionFacts) -> Decision:
    """Where, when, and what becomes of the old time. The offer stays open, and so does its question."""
    assert case.owner is not None
    if not offer.can_be_had or case.facts.now > offer.deadline:
        return replace(case, answered=None).answer("offer_explained", "offer_gone", patient_id=case.owner.id)
    blanks = _blanks(case, offer) | {"code": offer.code}
    if (start := _start(question.pending or {})) is not None:
        blanks["old"] = case.local(start)
    message = "offer_about" if start is None else "offer_about_release"
    return replace(case, answered=None).answer("offer_explained", message, blanks, patient_id=case.owner.id)


def _blanks(case: Case, offer: OfferFacts) -> dict[str, Any]:
    clinic = _clinic(case, offer.clinic_id)
    assert case.owner is not None
    return {
        "when": case.local(offer.starts_at, clinic),
        "clinic": clinic.names,
        "address": clinic.address or clinic.names,
        "whose": family.whose(case.owner.id, case.facts),
    }


def _clinic(case: Case, clinic_id: int) -> ClinicFacts:
    return case.facts.catalogue.clinics.get(clinic_id, case.facts.clinic)
