"""To which number a text about a patient's visit goes, and how it says there whose visit it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from handlers.family import ACTS_ALONE, ADULT, age, initial, is_linked
from handlers.permission import Recipient, why_not
from lang.format import Whose
from models.facts import PersonFacts, StopFacts
from models.states import Purpose


@dataclass(frozen=True, slots=True)
class Circle:
    """A person, those recorded as their guardians, and who else has which number."""

    person: PersonFacts
    guardians: tuple[PersonFacts, ...]
    on_number: Mapping[str, Sequence[PersonFacts]]
    wards: Mapping[int, Sequence[PersonFacts]]  # of each guardian, the dependants for whom they may be texted


@dataclass(frozen=True, slots=True)
class Address:
    """Where a text goes, to whom, and whose visit it tells of there."""

    number: str
    reader: PersonFacts
    whose: Whose


def readers(person: PersonFacts, guardians: Sequence[PersonFacts], day: date) -> tuple[PersonFacts, ...]:
    """Who is texted about *person*'s visits: the guardians of a child, the person alone from 12 on.

    A young person who has let guardians act is texted first, and the guardians where there is no number of their own.
    """
    years = age(person, day)
    awake = tuple(guardian for guardian in guardians if guardian.textable and is_linked(guardian, person, day))
    if years is None or years >= ADULT:
        return (person,)
    if years < ACTS_ALONE:
        return (*awake, person)
    return (person, *awake) if person.acts_from_12 else (person,)


def address(circle: Circle, day: date) -> Address | str:
    """Where a text about the person goes, or the reason why there is no such place."""
    person = circle.person
    candidates = readers(person, circle.guardians, day)
    reader = next((one for one in candidates if one.numbers), None)
    if reader is None:
        return "number_unproven" if any(one.stale_numbers for one in candidates) else "no_number"
    return Address(reader.numbers[0], reader, _whose(circle, reader, reader.numbers[0]))


def refusal(circle: Circle, number: str, stops: Collection[StopFacts]) -> str | None:
    """Why no text about the person's visits may go to *number*, or None."""
    concerned = [_recipient(circle.person)]
    on_number = [_recipient(one) for one in circle.on_number.get(number, ())]
    return why_not(Purpose.REMINDERS, concerned, [*concerned, *on_number], stops, answers=False)


def _whose(circle: Circle, reader: PersonFacts, number: str) -> Whose:
    person = circle.person
    holders = circle.on_number.get(number, ())
    if reader.id == person.id:
        return Whose() if len(holders) <= 1 else Whose("initial", initial(person))
    children = {ward.id for holder in holders for ward in circle.wards.get(holder.id, ())}
    if children <= {person.id} and all(holder.id == reader.id for holder in holders):
        return Whose("child")
    return Whose("initial", initial(person))


def _recipient(person: PersonFacts) -> Recipient:
    return Recipient(person.do_not_text, person.deceased, person.silenced, person.consents)
