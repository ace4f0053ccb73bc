"""Identified from a number that is not on file (policy "code_and_name"): done, but told only to the number on file."""

from __future__ import annotations

from dataclasses import replace

from handlers import unmet
from handlers.case import VISIT_CHANGES, Case
from handlers.decision import Decision, Notice, Reply
from handlers.identity import Standing, Verdict
from models.states import Purpose


def discreet(case: Case, standing: Standing, decision: Decision) -> Decision:
    """*decision* without a time or place to this number.

    What changed is told to the number on file. What would only have told or asked something goes to staff instead.
    """
    person = standing.owner
    assert person is not None
    if not any(isinstance(change, VISIT_CHANGES) for change in decision.changes) or decision.reply is None:
        return unmet.decide(case, replace(standing, verdict=Verdict.ELSEWHERE))
    told = () if decision.notices or not person.numbers else (_to_file(case, standing, decision.reply),)
    return replace(
        decision,
        reply=Reply("done_and_told_elsewhere", languages=(case.language,)),
        ask=None,
        thread=replace(decision.thread, undo=None),
        notices=(*decision.notices, *told),
    )


def _to_file(case: Case, standing: Standing, reply: Reply) -> Notice:
    person = standing.owner
    assert person is not None
    return Notice(
        key=f"changed:{case.facts.inbox_id}:{person.id}",
        number=person.numbers[0],
        message=reply.message,
        blanks=reply.blanks,
        language=person.language or case.language,
        purpose=Purpose.ANSWER,
        patient_id=person.id,
    )
