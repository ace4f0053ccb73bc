"""Which visit a text is about, and asking when that is not clear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from handlers import family, hours
from handlers.case import ABOUT_A_VISIT, Case
from handlers.decision import Decision
from handlers.options import listed_visits
from handlers.rules import clinic_of
from handlers.wishes import covers
from models.facts import Choice, PersonFacts, SlotSearch, VisitFacts
from models.states import QuestionKind

MOST_LISTED = 4

Deed = Callable[[Case, VisitFacts], Decision | SlotSearch]


def on_one(case: Case, deed: Deed, which: str, *, by_wish: bool = False) -> Decision | SlotSearch:
    """Do *deed* with the visit that is meant. With several, ask by the message *which*; with none, say so.

    *by_wish*: the time that was named is that of the visit, however it was read (nothing else is wished for).
    """
    coming = ahead(case)
    meant = _narrowed(case, coming, by_wish)
    if len(coming) == 1 and (not meant or _is_about_a_stranger(case)):
        return _ask(case, coming, "visit_is_another")
    if len(meant) == 1:
        return deed(case, meant[0])
    if not coming:
        return case.answer("no_visit_found", "no_visits", {"phone": hours.phone(case.facts.clinic)})
    return _ask(case, meant or coming, which)


def ahead(case: Case) -> list[VisitFacts]:
    """The visits not yet begun that may be meant: those of all who may be acted for, or the one that L1 opens."""
    if case.only is not None:
        return [case.only]
    ids = {person.id for person in _people(case)}
    return [visit for visit in case.facts.visits if visit.patient_id in ids and visit.starts_at > case.facts.now]


def blanks(case: Case, visit: VisitFacts) -> dict[str, Any]:
    """What a message may say of *visit*: when, where, whose, and the number to call."""
    clinic = clinic_of(visit, case.facts)
    return {
        "when": case.local(visit.starts_at, clinic),
        "clinic": clinic.names,
        "whose": family.whose(visit.patient_id, case.facts),
        "phone": hours.phone(clinic),
    }


def _people(case: Case) -> Sequence[PersonFacts]:
    """Whom the text is about: whom it names, the children if it speaks of a child, else all who may be acted for."""
    children = [person for person in case.people if case.owner is None or person.id != case.owner.id]
    if case.command.child and children and case.named in (None, case.owner):
        return children  # the guardian's name is only the signature
    if case.named is not None and (case.named is not case.owner or _has_visits(case, case.named.id)):
        return (case.named,)
    return case.people


def _is_about_a_stranger(case: Case) -> bool:
    """Whether the text speaks of the writer's child, and the file of the grown-up who writes knows of none."""
    owner = case.owner
    if owner is None or not case.command.child or case.settled.visit_id is not None:
        return False
    alone = all(person is owner for person in case.people)
    return alone and (family.age(owner, family.today(case.facts)) or family.ADULT) >= family.ADULT


def _has_visits(case: Case, person_id: int) -> bool:
    return any(visit.patient_id == person_id and visit.starts_at > case.facts.now for visit in case.facts.visits)


def _narrowed(case: Case, coming: Sequence[VisitFacts], by_wish: bool) -> list[VisitFacts]:
    if case.settled.visit_id is not None:
        return [visit for visit in coming if visit.id == case.settled.visit_id]
    spans = case.command.ref or (case.command.when if by_wish else None)
    if spans is not None:
        return [visit for visit in coming if covers(spans, _wall(case, visit))]
    asked = _asked_about(case, coming)
    if len(coming) > 1 and asked is not None:
        return [asked]
    kinds = [visit for visit in coming if _kind(case, visit) == case.command.service]
    return kinds if case.command.service is not None and kinds else list(coming)


def _asked_about(case: Case, coming: Sequence[VisitFacts]) -> VisitFacts | None:
    """The visit that the only open reminder is about."""
    about = {q.appointment_id for q in case.facts.questions if q.kind in ABOUT_A_VISIT}
    return next((visit for visit in coming if about == {visit.id}), None)


def _kind(case: Case, visit: VisitFacts) -> str | None:
    service = case.facts.catalogue.services.get(visit.service_id)
    return None if service is None else service.kind


def _wall(case: Case, visit: VisitFacts) -> datetime:
    return case.local(visit.starts_at, clinic_of(visit, case.facts)).replace(tzinfo=None)


def _ask(case: Case, visits: Sequence[VisitFacts], message: str) -> Decision:
    shown = visits[:MOST_LISTED]
    keys = case.keys(len(shown))
    return case.ask(
        QuestionKind.WHICH_VISIT,
        message,
        {"visits": listed_visits(case, shown, keys), "key": keys[0]},
        [Choice(key, "visit", visit.id, visit.starts_at) for key, visit in zip(keys, shown, strict=True)],
        patient_id=case.owner.id if case.owner else None,
    )
