"""Wrong number, or a death: nothing more goes there at once, visits stand, a person checks, nothing is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from handlers import family
from handlers.case import Case
from handlers.decision import Decision
from models.changes import Change, CloseQuestion, SetStop, SilencePatient
from models.facts import PersonFacts
from models.states import HandOverReason, QuestionState, StopSource


def wrong_number(case: Case) -> Decision:
    """Silence the number until staff have checked; a START does not lift it."""
    stopped = [] if family.is_disowned(case.facts) else [_silenced_number(case)]
    return _ended(case, HandOverReason.WRONG_NUMBER, "wrong_number", stopped, None)


def deceased(case: Case) -> Decision:
    """Silence whoever is said to have died, or the number where it is not clear who. Only a number on file may."""
    people = family.reachable(case.facts)
    if not people:
        return case.hand_over(HandOverReason.DECEASED, "condolence", patient_id=_opened(case))
    who = _who(case, people)
    change: Change = SilencePatient(who.id) if who is not None else _silenced_number(case)
    return _ended(case, HandOverReason.DECEASED, "condolence", [change], who)


def _ended(
    case: Case, reason: HandOverReason, message: str, changes: Iterable[Change], who: PersonFacts | None
) -> Decision:
    """Open questions and sessions end; what is queued to the number goes, unless it may be for somebody else there."""
    thread = replace(case.thread, session_patient_id=None, session_until=None, undo=None)
    ended = replace(case, thread=thread, changes=())
    questions = [
        CloseQuestion(question.id, QuestionState.WITHDRAWN)
        for question in case.facts.questions
        if who is None or question.patient_id in (None, who.id)
    ]
    decision = ended.hand_over(reason, message, changes=[*changes, *questions], patient_id=who.id if who else None)
    return replace(decision, withdraw_number=who is None or not family.is_shared(case.facts))


def _who(case: Case, people: tuple[PersonFacts, ...]) -> PersonFacts | None:
    opened = _opened(case)
    if opened is not None:
        return next((person for person in people if person.id == opened), None)
    if case.command.name is not None:
        people = tuple(person for person in people if family.is_named(person, case.command.name))
    elif case.command.about:
        people = tuple(family.spoken_of(case.command.about, people))
    return people[0] if len(people) == 1 else None


def _opened(case: Case) -> int | None:
    return case.facts.by_code.get(case.command.identity_code or "")


def _silenced_number(case: Case) -> SetStop:
    return SetStop(case.thread.number, None, StopSource.WRONG_NUMBER)
