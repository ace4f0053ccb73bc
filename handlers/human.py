"""Reaching a person, in one step from any state."""

from __future__ import annotations

from handlers.case import Case
from handlers.decision import Decision
from models.states import HandOverReason


def decide(case: Case) -> Decision:
    """Give the thread to a person, and say by when they answer."""
    return case.hand_over(HandOverReason.ASKED_FOR_PERSON)


def needed(case: Case) -> Decision:
    """A matter that the rules have no answer for: a person has it, and the writer hears by when."""
    return case.hand_over(HandOverReason.NEEDS_HUMAN)
