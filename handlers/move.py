"""Move: to an equivalent free slot. The old time is kept until the new one is claimed, in one transaction."""

from __future__ import annotations

from dataclasses import replace

from handlers import notices, options, rules, visits
from handlers.cancel import refused
from handlers.case import Case
from handlers.decision import Decision
from models.changes import MoveAppointment
from models.facts import SlotFacts, SlotSearch, VisitFacts
from models.states import AppointmentStatus, QuestionKind


def decide(case: Case) -> Decision | SlotSearch:
    """Move the visit meant; with several, ask which."""
    return visits.on_one(case, move, "which_move")


def move(case: Case, visit: VisitFacts) -> Decision | SlotSearch:
    """Move *visit* to the time picked or exactly wished, or offer up to three; with none the old time stands."""
    refusal = refused(case, visit, "move")
    if refusal is not None:
        return refusal
    case = replace(case, settled=replace(case.settled, visit_id=visit.id, patient_id=visit.patient_id))
    if case.facts.slots is None:
        return _search(case, visit)
    found = options.find(case, _others(case.facts.slots, visit), case.facts.visits_of(visit.patient_id), visit)
    if found.exact is not None:
        return _moved(case, visit, found.exact)
    if not found.options:
        return case.answer("nothing_free", "move_none", visits.blanks(case, visit), visit=visit)
    return _offered(case, visit, found)


def _search(case: Case, visit: VisitFacts) -> SlotSearch:
    """Equivalent slots: same service, same or longer, same practitioner first, then the same clinic."""
    where = options.windows(case, visit.patient_id, visit.minutes, visit)
    return SlotSearch(
        service_id=visit.service_id,
        clinic_ids=(visit.clinic_id,),
        windows=where.windows,
        minutes=visit.minutes,
        practitioner_id=visit.practitioner_id,
        clinic_id=visit.clinic_id,
        fallback=where.fallback,
    )


def _others(slots: tuple[SlotFacts, ...], visit: VisitFacts) -> list[SlotFacts]:
    """Free slots that are no move in place: at the visit's own time there is nothing to gain."""
    return [slot for slot in slots if slot.starts_at != visit.starts_at]


def _moved(case: Case, visit: VisitFacts, slot: SlotFacts) -> Decision:
    provisional = visit.status is AppointmentStatus.PROVISIONAL
    status = AppointmentStatus.CONFIRMED if provisional else AppointmentStatus.BOOKED
    change = MoveAppointment(
        appointment_id=visit.id,
        version=visit.version,
        old_slot_id=visit.slot_id,
        slot_id=slot.id,
        clinic_id=slot.clinic_id,
        practitioner_id=slot.practitioner_id,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        status=status,
    )
    moved = replace(visit, starts_at=slot.starts_at, clinic_id=slot.clinic_id)
    old = case.local(visit.starts_at, rules.clinic_of(visit, case.facts))
    return case.answer(
        "moved",
        "moved",
        {**visits.blanks(case, moved), "old": old},
        changes=[change],
        notices=notices.changed(case, moved, "notice_moved"),
        visit=visit,
        thread=case.with_undo(rules.undo_of("move", visit, case.facts.now)),
    )


def _offered(case: Case, visit: VisitFacts, found: options.Found) -> Decision:
    answers, listed = options.choices(case, found.options)
    blanks = {**visits.blanks(case, visit), "options": listed, "key": answers[0].key}
    return case.ask(QuestionKind.OPTIONS, _message(case, found), blanks, answers)


def _message(case: Case, found: options.Found) -> str:
    if case.picked is not None:
        return "move_just_went"
    return "move_options" if found.wished else "move_other_options"
