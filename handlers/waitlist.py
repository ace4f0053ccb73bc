"""The waitlist by text: whoever wants an earlier time joins it, which is the consent to be offered times, or leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from handlers import family, human, offers
from handlers.case import Case
from handlers.decision import Decision
from handlers.ladder import climb
from models.changes import JoinWaitlist, LeaveWaitlist, LiftStop, RecordConsent
from models.facts import PersonFacts, ServiceFacts, SlotSearch, VisitFacts
from models.states import Purpose, StopSource

JOINED = "waitlist_joined"  # the message whose words are the consent


def join(case: Case) -> Decision | SlotSearch:
    """Put the writer, once identified, on the waitlist of the service whose visit they have, or that they name."""
    return climb(case, _join)


def leave(case: Case) -> Decision | SlotSearch:
    """Take the writer off the waitlist. Their number is enough where it is one person's: it only ends texts to it."""
    concerned = {entry.patient_id for entry in case.facts.waitlist}
    people = family.reachable(case.facts)
    mine = [person for person in people if person.id in concerned]
    if people and not mine:
        return _leave(case)
    if len(mine) == 1:
        return _leave(replace(case, owner=mine[0], people=(mine[0],)))
    return climb(case, _leave)


def _join(case: Case) -> Decision:
    person = case.named or case.owner
    if person is None:
        return human.needed(case)
    visits = _later_visits(case, person)
    service = _service(case, visits)
    if service is None or len(visits) > 1:
        return human.needed(case)  # a series, or nothing that an earlier time could be of
    visit = visits[0] if visits else None
    if visit is not None and not offers.can_give_up(
        visit, case.facts.catalogue, case.facts.rules.region, case.facts.now
    ):
        return human.needed(case)
    number = case.thread.number
    stopped = any(stop.purpose is Purpose.OFFERS and stop.source is StopSource.STOP for stop in case.facts.stops)
    lifted = [LiftStop(number, StopSource.STOP, None)] if stopped and len(case.facts.stops) == 1 else []
    return case.answer(
        "joined_waitlist",
        JOINED,
        changes=[
            *lifted,
            RecordConsent(person.id, number, Purpose.OFFERS, True, JOINED),
            JoinWaitlist(person.id, service.id, None if visit is None else visit.id),
        ],
        patient_id=person.id,
    )


def _later_visits(case: Case, person: PersonFacts) -> Sequence[VisitFacts]:
    """The visits that an earlier time could take the place of: of the kind named, if one is."""
    coming = [visit for visit in case.facts.visits_of(person.id) if visit.starts_at > case.facts.now]
    kind = case.command.service
    named = [visit for visit in coming if kind is not None and _kind(case, visit.service_id) == kind]
    return named or coming


def _kind(case: Case, service_id: int) -> str | None:
    service = case.facts.catalogue.services.get(service_id)
    return None if service is None else service.kind


def _service(case: Case, visits: Sequence[VisitFacts]) -> ServiceFacts | None:
    """The service to wait for: of the visit there is, else the one named, else the only one that can be booked."""
    services = case.facts.catalogue.services
    if visits:
        return services.get(visits[0].service_id)
    bookable = [service for service in services.values() if "book" in service.patient_may]
    named = [service for service in bookable if case.command.service in (service.kind, service.key)]
    found = named if case.command.service is not None else bookable
    return found[0] if len(found) == 1 else None


def _leave(case: Case) -> Decision:
    ids = {person.id for person in case.people} | ({case.owner.id} if case.owner is not None else set())
    leaving = [entry for entry in case.facts.waitlist if entry.patient_id in ids]
    if not leaving:
        return case.answer("not_on_waitlist", "waitlist_not_on")
    withdrawn = [
        RecordConsent(id_, case.thread.number, Purpose.OFFERS, False, "waitlist_left")
        for id_ in sorted({entry.patient_id for entry in leaving})
    ]
    return case.answer(
        "left_waitlist", "waitlist_left", changes=[*withdrawn, *(LeaveWaitlist(entry.id) for entry in leaving)]
    )
