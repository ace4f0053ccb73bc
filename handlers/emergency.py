"""Emergencies: the fixed text with the numbers to call at once, before every other rule, and an alarm to staff."""

from __future__ import annotations

from dataclasses import replace

from handlers import hours, language
from handlers.case import CONVERSATIONAL, Case
from handlers.decision import Decision, Notice
from lang.messages import languages
from models.changes import CloseQuestion
from models.states import HandOverReason, Purpose, QuestionState


def decide(case: Case) -> Decision:
    """Say whom to call. A command in the same text is shown to staff and not carried out; no visit changes.

    What the conversation had asked is over: what is written next is not read as an answer to it.
    """
    blanks = {**case.urgent_numbers, "crisis": case.facts.clinic.urgent.get("crisis_line") or ""}
    sure = language.is_sure(case.command, case.facts)
    message = ("emergency_with_crisis_line" if blanks["crisis"] else "emergency") if sure else "emergency_short"
    over = [
        CloseQuestion(question.id, QuestionState.SUPERSEDED)
        for question in case.facts.questions
        if question.kind in CONVERSATIONAL
    ]
    decision = case.hand_over(
        HandOverReason.EMERGENCY, message, blanks, changes=over, notices=_on_call(case), urgent=True
    )
    assert decision.reply is not None
    spoken = (case.language,) if sure else languages()
    return replace(decision, reply=replace(decision.reply, languages=spoken))


def _on_call(case: Case) -> tuple[Notice, ...]:
    """With the clinic closed, a text to whoever is on call; it says nothing of who wrote or what."""
    clinic = case.facts.clinic
    number = clinic.urgent.get("on_call")
    if not number or hours.closing(clinic, case.facts.now, case.facts.rules.region) is not None:
        return ()
    return (
        Notice(
            key=f"on_call:{case.facts.inbox_id}",
            number=number,
            message="on_call",
            blanks={"clinic": clinic.names, "when": case.local(case.facts.now)},
            language=next(iter(language.of_clinic(case.facts)), case.language),
            purpose=Purpose.ANSWER,
        ),
    )
