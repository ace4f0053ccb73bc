"""Who may act for whom from this number: holders of the number, their children, and whose time a text speaks of.

Guardians act for children under 12, from then on only by the young person's recorded decision, and never for adults
(product.md section 2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from enum import Enum

from lang.format import Whose
from models.facts import Facts, Link, PersonFacts
from models.states import StopSource
from parser.names import same_person

ACTS_ALONE = 12
ADULT = 18


class Tie(Enum):
    """What binds the writer's number to a person."""

    OWN = "own"
    GUARDIAN = "guardian"
    ASLEEP = "asleep"  # a guardian's number, and the young person has not said that guardians may act
    STALE = "stale"  # on the file, but failing or long unproven: a right code proves it again
    NONE = "none"


def today(facts: Facts) -> date:
    """The date at the clinic."""
    return facts.now.astimezone(facts.clinic.zone).date()


def age(person: PersonFacts, day: date) -> int | None:
    """Full years on *day*; None where the file does not say. Who was born on 29 February has a birthday on 1 March."""
    born = person.born_on
    return None if born is None else day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def is_disowned(facts: Facts) -> bool:
    """Whether somebody said that this number is not our patient's, and nobody has checked yet."""
    return any(stop.source is StopSource.WRONG_NUMBER for stop in facts.stops)


def holders(facts: Facts) -> tuple[PersonFacts, ...]:
    """The living patients whose file has the writer's number; nobody on a number that was disowned."""
    if is_disowned(facts):
        return ()
    return tuple(person for person in facts.on_number if not (person.deceased or person.silenced))


def wards(guardian: PersonFacts, facts: Facts) -> tuple[PersonFacts, ...]:
    """The dependants whom *guardian* may act for today."""
    return tuple(person for person, awake in _linked(guardian, facts) if awake)


def sleeping_wards(guardian: PersonFacts, facts: Facts) -> tuple[PersonFacts, ...]:
    """The dependants for whom *guardian* may act only once staff have asked them."""
    return tuple(person for person, awake in _linked(guardian, facts) if not awake)


def _linked(guardian: PersonFacts, facts: Facts) -> Iterator[tuple[PersonFacts, bool]]:
    if not guardian.dependants:
        return
    day = today(facts)
    for link in guardian.dependants:
        person = facts.people.get(link.dependant_id)
        if person is not None and person.textable and _holds(link, person, day):
            yield person, _is_awake(person, day)


def is_linked(guardian: PersonFacts, person: PersonFacts, day: date) -> bool:
    """Whether *guardian* is recorded as one of *person*'s, for that *day* too."""
    return any(link.dependant_id == person.id and _lasts(link, day) for link in guardian.dependants)


def may_act(guardian: PersonFacts, person: PersonFacts, day: date) -> bool:
    """Whether *guardian* may act for *person*, a child or a young person who lets them, on that *day*."""
    links = (link for link in guardian.dependants if link.dependant_id == person.id)
    return any(_holds(link, person, day) for link in links) and _is_awake(person, day)


def _lasts(link: Link, day: date) -> bool:
    return link.until is None or day <= link.until


def _holds(link: Link, person: PersonFacts, day: date) -> bool:
    years = age(person, day)
    return _lasts(link, day) and (years is None or years < ADULT)


def _is_awake(person: PersonFacts, day: date) -> bool:
    years = age(person, day)
    return person.acts_from_12 or (years is not None and years < ACTS_ALONE)


def tie(person: PersonFacts, facts: Facts) -> Tie:
    """What binds the writer's number to *person*: where two ties do, the one that counts."""
    guardians = [holder for holder in holders(facts) if holder.id != person.id]
    if any(person.id == ward.id for guardian in guardians for ward in sleeping_wards(guardian, facts)):
        return Tie.ASLEEP  # also where the number stands on the young person's file: it is not their own
    if any(person.id == holder.id for holder in holders(facts)):
        return Tie.OWN
    if any(person.id == ward.id for guardian in guardians for ward in wards(guardian, facts)):
        return Tie.GUARDIAN
    if facts.thread.number in person.stale_numbers and not is_disowned(facts):
        return Tie.STALE
    return Tie.NONE


def is_shared(facts: Facts) -> bool:
    """Whether the writer's number serves several patients."""
    return len(holders(facts)) > 1


def reachable(facts: Facts) -> tuple[PersonFacts, ...]:
    """Everybody whom the writer's number may act for: its holders and the dependants of theirs."""
    found = {person.id: person for holder in holders(facts) for person in (holder, *wards(holder, facts))}
    return tuple(person for person in found.values() if tie(person, facts) is not Tie.ASLEEP)


def whose(patient_id: int, facts: Facts) -> Whose:
    """How a text to the writer's number says whose time it is."""
    person = facts.people.get(patient_id)
    if person is None or (_is_holder(patient_id, facts) and not is_shared(facts)):
        return Whose()
    children = {ward.id for holder in holders(facts) for ward in wards(holder, facts)}
    if children == {patient_id}:
        return Whose("child")
    return Whose("initial", initial(person))


def whose_elsewhere(person: PersonFacts, number: str, facts: Facts) -> Whose:
    """How a text to another *number* of the person's says whose time it is."""
    return Whose("initial", initial(person)) if number in facts.shared_numbers else Whose()


def is_named(person: PersonFacts, name: str) -> bool:
    """Whether *name* can be the person's: every part of it, or a sister of the same family name would pass."""
    sameness = same_person(name, person.given_names, person.family_name)
    if sameness == "near":
        parts = name.split()
        return all(same_person(part, person.given_names, person.family_name) != "contradicts" for part in parts)
    return sameness == "match"


def given_name(person: PersonFacts) -> str:
    """The name by which others speak of the person."""
    return (person.given_names.split() or [""])[0].split("-")[0]


def given_names(facts: Facts) -> tuple[str, ...]:
    """The given names of all whom a text from this number may speak of."""
    found = [p for holder in holders(facts) for p in (holder, *wards(holder, facts), *sleeping_wards(holder, facts))]
    return tuple(dict.fromkeys(given_name(person) for person in found))


def spoken_of(about: Iterable[str], people: Iterable[PersonFacts]) -> list[PersonFacts]:
    """Those of *people* whom a text names; nobody by a name that two of them have."""
    persons = list(people)
    alike = {name: [person for person in persons if given_name(person) == name] for name in about}
    return [found[0] for found in alike.values() if len(found) == 1]


def speaks_of_another(about: Iterable[str], person: PersonFacts, facts: Facts) -> bool:
    """Whether a text names others than *person* and than their guardians, who may have signed it."""
    named = spoken_of(about, facts.people.values())
    others = [p for p in named if p.id != person.id and person not in wards(p, facts)]
    return bool(others) and person not in named


def initial(person: PersonFacts) -> str:
    """The one letter by which a text on a shared number names a person."""
    return person.given_names[:1].upper()


def initials(persons: Iterable[PersonFacts]) -> list[str]:
    """The letters of several persons, with one more letter of the name where they would be the same."""
    people = list(persons)
    letters = [initial(person) for person in people]
    return [
        person.given_names[:2].capitalize() if letters.count(letter) > 1 else letter
        for person, letter in zip(people, letters, strict=True)
    ]


def _is_holder(patient_id: int, facts: Facts) -> bool:
    return any(person.id == patient_id for person in holders(facts))
