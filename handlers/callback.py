"""Asking for a call: a person calls, within the window that suits where the clinic is there then."""

from __future__ import annotations

from datetime import datetime, timedelta

from handlers import hours, wishes
from handlers.case import Case
from handlers.decision import Decision
from models.states import HandOverReason
from parser.command import Topic

CALL_SOON = timedelta(minutes=60)


def decide(case: Case) -> Decision:
    """Promise a call by the time at which a person is there; its place or end is asked of the person too."""
    if case.command.topic in (Topic.CALLBACK_STATUS, Topic.CALLBACK_WITHDRAW):
        return case.hand_over(HandOverReason.ASKED_FOR_CALL)
    window = _window(case)
    if window is not None:
        return case.hand_over(
            HandOverReason.ASKED_FOR_CALL, "call_then", {"when": case.local(window)}, promised_at=window + CALL_SOON
        )
    promise = case.promise
    if promise.by is None:
        return case.hand_over(HandOverReason.ASKED_FOR_CALL, "call_promised", case.urgent_numbers)
    message = "call_outside_hours" if case.command.when else "call_by"
    return case.hand_over(HandOverReason.ASKED_FOR_CALL, message, {"by": case.local(promise.by)})


def _window(case: Case) -> datetime | None:
    """The first moment in what suits the writer at which the clinic is there."""
    if not case.command.when:
        return None
    facts = case.facts
    spans = wishes.windows(case.command, facts.now, facts.clinic.zone)
    starts = (hours.open_within(facts.clinic, span.start, span.end, facts.rules.region) for span in spans)
    return next((start for start in starts if start is not None), None)
