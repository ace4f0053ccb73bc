"""What anybody may know: what can be done by text, opening hours, where the clinic is."""

from __future__ import annotations

from handlers import hours
from handlers.case import Case
from handlers.decision import Decision
from models.states import HandOverReason


def usage(case: Case) -> Decision:
    """Say what can be done by text, and how."""
    return case.answer("helped", "help", {**case.urgent_numbers, "phone": hours.phone(case.facts.clinic)})


def opening_hours(case: Case) -> Decision:
    """Say when the clinic is open, and its number."""
    clinic = case.facts.clinic
    week = hours.week(clinic)
    if not week.spans:
        return case.hand_over(HandOverReason.NEEDS_HUMAN)
    return case.answer("told_hours", "opening_hours", {"clinic": clinic.names, "hours": week, "number": clinic.phone})


def directions(case: Case) -> Decision:
    """Say where the clinic is."""
    clinic = case.facts.clinic
    if not clinic.address:
        return case.hand_over(HandOverReason.NEEDS_HUMAN)
    return case.answer("told_address", "address", {"clinic": clinic.names, "address": clinic.address})
