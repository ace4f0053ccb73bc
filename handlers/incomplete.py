"""Texts that must not be acted on: parts of one never came, or no clinic is behind the number that it was sent to."""

from __future__ import annotations

from dataclasses import replace

from handlers.case import Case
from handlers.decision import Decision, HandOver
from models.facts import Facts
from models.states import HandOverReason, Outcome, ThreadState


def parts_missing(case: Case) -> Decision | None:
    """A text with gaps is read by a person, who sees where they are; nothing in it is carried out."""
    return None if case.facts.complete else case.hand_over(HandOverReason.INCOMPLETE_TEXT, "incomplete_text")


def nobody_home(facts: Facts) -> Decision:
    """No clinic has this service number (yet): the text waits for whoever sets one up, and is not answered."""
    return Decision(
        action="no_clinic_at_this_number",
        outcome=Outcome.HANDED_OVER,
        thread=replace(facts.thread, state=ThreadState.WAITING),
        hand_over=HandOver(HandOverReason.NEEDS_HUMAN) if facts.hand_over is None else None,
        reason="no clinic is reached at this service number",
    )
