"""Who is writing: the identity ladder of product.md section 2, from what a text and its number show.

Two facts are needed: a number on file and the code of that patient (or of a dependant of theirs). The policy
"code_and_name" also takes a code with a name that matches it, from any number; then nothing is told to that number.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from handlers import family
from handlers.family import Tie
from models.facts import Facts, PersonFacts
from parser.command import Command

CODE_AND_NAME = "code_and_name"


class Verdict(Enum):
    """What the text and its number amount to."""

    KNOWN = "known"  # two facts: L2
    MISSING = "missing"  # a number on file, and no code
    NOT_ON_FILE = "not_on_file"  # no code, from a number that is on nobody's file
    MALFORMED = "malformed"  # something like a code: ask again, never guess
    WRONG = "wrong"  # a code that is nobody's
    FOREIGN = "foreign"  # a code of a country that we cannot read
    ELSEWHERE = "elsewhere"  # a right code from a number that is not on that file: L3
    CONTRADICTION = "contradiction"  # the name is not the code's
    ASLEEP = "asleep"  # a guardian for a young person who has not said that guardians may act
    PROTECTED = "protected"  # a person who is never texted
    LIMIT = "limit"  # too many failures today


@dataclass(frozen=True, slots=True)
class Standing:
    """The verdict, whose code it was, and who may be acted for.

    *named* is the one of *people* whom the text names. *by_code* tells a code from a session, *proves* says that the
    code proves the number again, *told* that times and places may be said to this number.
    """

    verdict: Verdict
    owner: PersonFacts | None = None
    people: tuple[PersonFacts, ...] = ()
    named: PersonFacts | None = None
    by_code: bool = False
    proves: bool = False
    told: bool = True


def stand(command: Command, facts: Facts) -> Standing:
    """Return what *command* and the number it came from show."""
    if facts.failures_of_number >= facts.rules.failures_per_day:
        return Standing(Verdict.LIMIT)
    if command.identity_status == "malformed":
        return Standing(Verdict.MALFORMED)
    if command.identity_code is None:
        return Standing(Verdict.WRONG) if command.identity_status == "invalid" else _without_code(command, facts)
    owner = facts.people.get(facts.by_code.get(command.identity_code) or 0)
    if owner is None:
        return Standing(Verdict.FOREIGN if command.identity_status == "foreign" else Verdict.WRONG)
    return _with_code(command, owner, facts)


def is_spent(person: PersonFacts, facts: Facts) -> bool:
    """Whether too many wrong facts were given about *person* today, over all numbers."""
    return facts.failures_of_person.get(person.id, 0) >= facts.rules.failures_per_day


def _with_code(command: Command, owner: PersonFacts, facts: Facts) -> Standing:
    tie = Tie.NONE if owner.deceased or owner.silenced else family.tie(owner, facts)
    if is_spent(owner, facts):
        return Standing(Verdict.LIMIT, owner)
    if tie is Tie.NONE:
        return _from_elsewhere(command, owner, facts)
    if owner.do_not_text:
        return Standing(Verdict.PROTECTED, owner)
    if tie is Tie.ASLEEP:
        return Standing(Verdict.ASLEEP, owner)
    return _named(command, owner, facts, proves=tie is Tie.STALE)


def _from_elsewhere(command: Command, owner: PersonFacts, facts: Facts) -> Standing:
    """A right code from a number that is not on the file: nothing, unless the policy takes the name with it."""
    trusting = facts.rules.policy == CODE_AND_NAME and owner.textable and not family.is_disowned(facts)
    if trusting and command.name is not None and family.is_named(owner, command.name):
        return Standing(Verdict.KNOWN, owner, (owner,), owner, by_code=True, told=False)
    return Standing(Verdict.ELSEWHERE, owner)


def _named(command: Command, owner: PersonFacts, facts: Facts, *, proves: bool) -> Standing:
    """The code opens its owner and the dependants of theirs; the name, if any, must be one of them or who signed.

    Whom else the text speaks of by a given name ("Eeron aika") narrows that down.
    """
    people = (owner, *family.wards(owner, facts))
    asleep = family.sleeping_wards(owner, facts)
    if family.spoken_of(command.about, asleep) or (
        command.name is not None and any(family.is_named(young, command.name) for young in asleep)
    ):
        return Standing(Verdict.ASLEEP, owner)
    signed = _signed(command, owner, people, facts)
    meant = [person for person in family.spoken_of(command.about, people) if person is not owner]
    if signed is None or (not meant and family.speaks_of_another(command.about, owner, facts)):
        return Standing(Verdict.CONTRADICTION, owner)
    if len(meant) > 1:
        return Standing(Verdict.KNOWN, owner, tuple(meant), by_code=True, proves=proves)
    named = meant[0] if meant else signed if command.name or command.about else None
    return Standing(Verdict.KNOWN, owner, people, named, by_code=True, proves=proves)


def _signed(command: Command, owner: PersonFacts, people: tuple[PersonFacts, ...], facts: Facts) -> PersonFacts | None:
    """Whom the name in the text means: one of *people*, the owner where a guardian or nobody signed; None: nobody."""
    name = command.name
    if name is None:
        return owner
    named = next((person for person in people if family.is_named(person, name)), None)
    if named is None and any(family.is_named(guardian, name) for guardian in _guardians(owner, facts)):
        return owner
    return named


def _without_code(command: Command, facts: Facts) -> Standing:
    """A session of one person on a number of their own stands for the code; a shared number needs it again."""
    if not family.holders(facts):
        return Standing(Verdict.NOT_ON_FILE)
    person = facts.people.get(facts.thread.session_patient_id or 0)
    until = facts.thread.session_until
    if person is None or until is None or until <= facts.now or family.is_shared(facts):
        return Standing(Verdict.MISSING)
    if not person.textable or family.tie(person, facts) not in (Tie.OWN, Tie.GUARDIAN):
        return Standing(Verdict.MISSING)
    known = _named(command, person, facts, proves=False)
    if known.verdict is not Verdict.KNOWN:
        return Standing(Verdict.MISSING)
    return Standing(Verdict.KNOWN, person, known.people, known.named)


def _guardians(person: PersonFacts, facts: Facts) -> list[PersonFacts]:
    return [holder for holder in family.holders(facts) if person in family.wards(holder, facts)]
