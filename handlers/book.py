"""Book: free times of a service that patients may book, up to three to pick from; an exact and free one at once."""

from __future__ import annotations

from dataclasses import replace

from handlers import family, hours, notices, options
from handlers.case import Case
from handlers.decision import Decision
from lang.format import Listed
from models.changes import BookAppointment
from models.facts import Choice, PersonFacts, ServiceFacts, SlotFacts, SlotSearch, VisitFacts
from models.states import AppointmentStatus, HandOverReason, QuestionKind


def decide(case: Case) -> Decision | SlotSearch:
    """Find for whom and for what, then a time."""
    person = _person(case)
    if person is None:
        return _ask_for_whom(case)
    case = replace(case, settled=replace(case.settled, patient_id=person.id))
    known = _services(case)
    bookable = [service for service in known if "book" in service.patient_may]
    if known and not bookable:
        return case.hand_over(HandOverReason.STAFF_ONLY, "staff_only_book", {"phone": hours.phone(case.facts.clinic)})
    if not known:
        return case.hand_over(HandOverReason.NEEDS_HUMAN)
    if len(bookable) > 1:
        if case.answered is not None and case.answered.kind is QuestionKind.DETAIL:
            return case.hand_over(HandOverReason.NEEDS_HUMAN)  # told in words that we cannot read
        return case.ask(QuestionKind.DETAIL, "ask_matter", {})
    return _for_service(case, person, bookable[0])


def _for_service(case: Case, person: PersonFacts, service: ServiceFacts) -> Decision | SlotSearch:
    case = replace(case, settled=replace(case.settled, service_id=service.id))
    if case.facts.slots is None:
        where = options.windows(case, person.id, service.minutes)
        return SlotSearch(
            service_id=service.id,
            clinic_ids=tuple(clinic.id for clinic in case.facts.clinics),
            windows=where.windows,
            minutes=service.minutes,
            clinic_id=case.thread.clinic_id,
            fallback=where.fallback,
        )
    found = options.find(case, case.facts.slots, case.facts.visits_of(person.id), None)
    if found.exact is not None:
        return _booked(case, person, service, found.exact)
    if not found.options:
        return case.hand_over(HandOverReason.NEEDS_HUMAN, "book_none", {"phone": hours.phone(case.facts.clinic)})
    return _offered(case, found)


# --- for whom -----------------------------------------------------------------------------------------------------


def _person(case: Case) -> PersonFacts | None:
    """For whom to book: whom the text or an answer names, the child it speaks of, else the writer. None: not clear."""
    settled = next((person for person in case.people if person.id == case.settled.patient_id), None)
    if settled is not None:
        return settled
    if case.named is not None:
        return case.named
    children = [person for person in case.people if case.owner is None or person.id != case.owner.id]
    if (case.command.child or case.command.about) and children:
        return children[0] if len(children) == 1 else None
    return case.owner


def _ask_for_whom(case: Case) -> Decision:
    children = [person for person in case.people if case.owner is None or person.id != case.owner.id]
    keys = case.keys(len(children))
    letters = family.initials(children)
    return case.ask(
        QuestionKind.WHICH_PERSON,
        "which_child",
        {"people": tuple(Listed(letter, key) for key, letter in zip(keys, letters, strict=True)), "key": keys[0]},
        [Choice(key, "person", child.id) for key, child in zip(keys, children, strict=True)],
        patient_id=case.owner.id if case.owner else None,
    )


# --- for what -----------------------------------------------------------------------------------------------------


def _services(case: Case) -> list[ServiceFacts]:
    """The services that may be meant: the one settled, those of the kind named, else all that can be booked by text."""
    every = case.facts.catalogue.services.values()
    if case.settled.service_id is not None:
        return [service for service in every if service.id == case.settled.service_id]
    if case.command.service is None:
        return [service for service in every if "book" in service.patient_may]
    of_kind = [service for service in every if case.command.service in (service.kind, service.key)]
    return [service for service in of_kind if "book" in service.patient_may][:1] or of_kind


# --- when ---------------------------------------------------------------------------------------------------------


def _booked(case: Case, person: PersonFacts, service: ServiceFacts, slot: SlotFacts) -> Decision:
    change = BookAppointment(
        patient_id=person.id,
        service_id=service.id,
        slot_id=slot.id,
        clinic_id=slot.clinic_id,
        practitioner_id=slot.practitioner_id,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
    )
    clinic = case.facts.catalogue.clinics.get(slot.clinic_id, case.facts.clinic)
    thread = case.thread if case.thread.clinic_id else replace(case.thread, clinic_id=slot.clinic_id)
    return case.answer(
        "booked",
        "booked",
        {
            "when": case.local(slot.starts_at, clinic),
            "clinic": clinic.names,
            "whose": family.whose(person.id, case.facts),
        },
        changes=[change],
        notices=notices.changed(case, _to_be(person, service, slot), "notice_booked"),
        patient_id=person.id,
        thread=thread,
    )


def _to_be(person: PersonFacts, service: ServiceFacts, slot: SlotFacts) -> VisitFacts:
    """The visit as it will be; it has no id yet."""
    return VisitFacts(
        id=0,
        patient_id=person.id,
        clinic_id=slot.clinic_id,
        service_id=service.id,
        practitioner_id=slot.practitioner_id,
        slot_id=slot.id,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        status=AppointmentStatus.BOOKED,
        version=0,
    )


def _offered(case: Case, found: options.Found) -> Decision:
    answers, listed = options.choices(case, found.options)
    return case.ask(QuestionKind.OPTIONS, _message(case, found), {"options": listed, "key": answers[0].key}, answers)


def _message(case: Case, found: options.Found) -> str:
    if case.picked is not None:
        return "book_just_went"
    return "book_options" if found.wished else "book_other_options"
