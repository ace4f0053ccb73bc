"""Feedback that no survey asked for: thanked for, and read by a person."""

from __future__ import annotations

from handlers.case import Case
from handlers.decision import Decision
from models.states import HandOverReason


def decide(case: Case) -> Decision:
    """Pass it on; a complaint is answered by a person."""
    if case.command.needs_human:
        return case.hand_over(HandOverReason.NEEDS_HUMAN)
    return case.hand_over(HandOverReason.NEEDS_HUMAN, "feedback_passed_on")
