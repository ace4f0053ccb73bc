"""What the numbers on file are told of what came from elsewhere (product.md section 2)."""

from __future__ import annotations

from typing import Any

from handlers import family, hours
from handlers.case import Case
from handlers.decision import Notice
from lang.messages import spoken
from models.facts import PersonFacts, VisitFacts
from models.states import Purpose


def someone_wrote(case: Case, person: PersonFacts) -> tuple[Notice, ...]:
    """Tell the person's number that somebody wrote in their name: once a day, and never on a shared number."""
    number = _number_to_tell(case, person)
    if number is None or number in case.facts.shared_numbers:
        return ()
    key = f"someone_wrote:{person.id}:{family.today(case.facts).isoformat()}"
    return (_notice(case, key, number, "someone_wrote", {}, person, None),)


def changed(case: Case, visit: VisitFacts, message: str) -> tuple[Notice, ...]:
    """Tell the number on file of a change that came from another number of the patient's.

    Not of one that a guardian made: a guardian's change is not told to the other.
    """
    person = case.facts.people.get(visit.patient_id)
    if person is None or not _acts_alone(case, person):
        return ()
    number = _number_to_tell(case, person)
    if number is None:
        return ()
    blanks = {"when": case.local(visit.starts_at), "whose": family.whose_elsewhere(person, number, case.facts)}
    key = f"changed:{case.facts.inbox_id}:{visit.id}"
    return (_notice(case, key, number, message, blanks, person, visit),)


def _acts_alone(case: Case, person: PersonFacts) -> bool:
    years = family.age(person, family.today(case.facts))
    return years is None or years >= family.ADULT


def _number_to_tell(case: Case, person: PersonFacts) -> str | None:
    """The number that we text to the person, unless it is the writer's own."""
    first = person.numbers[0] if person.numbers and person.textable else None
    return None if first == case.thread.number else first


def _notice(
    case: Case,
    key: str,
    number: str,
    message: str,
    blanks: dict[str, Any],
    person: PersonFacts,
    visit: VisitFacts | None,
) -> Notice:
    return Notice(
        key=key,
        number=number,
        message=message,
        blanks={"phone": hours.phone(case.facts.clinic), **blanks},
        language=spoken(person.language, case.language),
        purpose=Purpose.ANSWER,
        patient_id=person.id,
        appointment_id=visit.id if visit and visit.id else None,
    )
