"""Two requests in one text: the first is done, and the rest is never dropped without a word."""

from __future__ import annotations

from dataclasses import replace

from handlers import pending
from handlers.case import VISIT_CHANGES, waiting
from handlers.decision import Decision, HandOver
from models.facts import SlotSearch
from models.states import HandOverReason, Outcome
from parser.command import Command, Intent


def with_the_rest(command: Command, decision: Decision | SlotSearch) -> Decision | SlotSearch:
    """*decision* with what else the text asked for given to a person; while a question stands, it waits with that."""
    if isinstance(decision, SlotSearch) or decision.outcome is not Outcome.ANSWERED or decision.reply is None:
        return decision
    changed = any(isinstance(change, VISIT_CHANGES) for change in decision.changes)
    if decision.ask is not None and not changed:
        return decision
    offered = {Intent.BOOK} if decision.ask is not None else set()  # a cancel offers a new time itself
    if not command.needs_human and not set(command.also) - offered:
        return decision
    return replace(
        decision,
        outcome=Outcome.HANDED_OVER,
        thread=waiting(decision.thread),
        reply=replace(decision.reply, tail="rest_to_person"),
        hand_over=HandOver(
            HandOverReason.NEEDS_HUMAN, patient_id=decision.patient_id, command=pending.for_staff(command)
        ),
    )
