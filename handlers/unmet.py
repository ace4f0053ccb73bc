"""What is said and recorded when the identity ladder does not reach high enough.

A wrong code, an unknown one, a wrong name and a right code from elsewhere get the same text; what staff see differs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from handlers import notices
from handlers.case import Case
from handlers.decision import Decision
from handlers.guards import shielded
from handlers.identity import Standing, Verdict, is_spent
from models.changes import RecordFailure
from models.states import HandOverReason, QuestionKind

NEUTRAL = "wrong_details"


def decide(case: Case, standing: Standing) -> Decision:
    """Answer a command whose writer is not identified."""
    return _HOW[standing.verdict](case, standing)


def _missing(case: Case, _: Standing) -> Decision:
    return case.ask(QuestionKind.IDENTITY, "code_missing", {}, patient_id=None)


def _malformed(case: Case, _: Standing) -> Decision:
    return case.ask(QuestionKind.IDENTITY, "code_malformed", {}, patient_id=None)


def _not_on_file(case: Case, _: Standing) -> Decision:
    return case.answer("number_not_on_file", "number_not_on_file")


def _wrong(case: Case, _: Standing) -> Decision:
    return case.answer("wrong_code", NEUTRAL, changes=[RecordFailure(case.thread.number, None)])


def _foreign(case: Case, _: Standing) -> Decision:
    return case.answer("foreign_code", NEUTRAL)


def _elsewhere(case: Case, standing: Standing) -> Decision:
    """L3: staff get the command read, and the number on file hears that somebody wrote."""
    owner = standing.owner
    assert owner is not None
    told = notices.someone_wrote(case, owner)
    thread = replace(case.thread, noticed_at=case.facts.now) if told else case.thread
    return replace(case, thread=thread).hand_over(
        HandOverReason.NUMBER_NOT_ON_FILE,
        NEUTRAL,
        changes=[RecordFailure(case.thread.number, None)],
        notices=told,
        patient_id=owner.id,
    )


def _contradiction(case: Case, standing: Standing) -> Decision:
    owner = standing.owner
    assert owner is not None
    failure = RecordFailure(case.thread.number, owner.id)
    return case.hand_over(HandOverReason.NAME_CONTRADICTS_CODE, NEUTRAL, changes=[failure], patient_id=owner.id)


def _asleep(case: Case, standing: Standing) -> Decision:
    return case.hand_over(HandOverReason.MINOR, patient_id=standing.owner.id if standing.owner else None)


def _protected(case: Case, standing: Standing) -> Decision:
    assert standing.owner is not None
    return shielded(case, standing.owner.id)


def _limit(case: Case, standing: Standing) -> Decision:
    """Neutral from now on; staff are told once."""
    open_one = case.facts.hand_over
    if open_one is not None and open_one.reason is HandOverReason.TOO_MANY_FAILURES:
        return case.answer("too_many_failures", NEUTRAL)
    owner = standing.owner if standing.owner and is_spent(standing.owner, case.facts) else None
    return case.hand_over(HandOverReason.TOO_MANY_FAILURES, NEUTRAL, patient_id=owner.id if owner else None)


_HOW: dict[Verdict, Callable[[Case, Standing], Decision]] = {
    Verdict.MISSING: _missing,
    Verdict.MALFORMED: _malformed,
    Verdict.NOT_ON_FILE: _not_on_file,
    Verdict.WRONG: _wrong,
    Verdict.FOREIGN: _foreign,
    Verdict.ELSEWHERE: _elsewhere,
    Verdict.CONTRADICTION: _contradiction,
    Verdict.ASLEEP: _asleep,
    Verdict.PROTECTED: _protected,
    Verdict.LIMIT: _limit,
}
