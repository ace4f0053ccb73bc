"""A text that is not understood: once a kind question, then a person, automatically. Nothing is ever changed by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from handlers import visits
from handlers.case import ABOUT_A_VISIT, CONVERSATIONAL, Case
from handlers.decision import Decision
from lang.format import Listed
from models.facts import Choice, QuestionFacts
from models.states import HandOverReason, QuestionKind

MENU = ("book", "cancel", "move", "human")


def decide(case: Case) -> Decision:
    """Ask again what was asked, or offer the four choices; the second time in a row a person has it."""
    if case.command.needs_human or case.known_hand_over is not None:
        return case.hand_over(HandOverReason.NEEDS_HUMAN)
    if case.facts.thread.unclear:
        return case.hand_over(HandOverReason.NOT_UNDERSTOOD)
    if case.command.digit is not None and not case.facts.questions:
        return unasked(case)
    thread = replace(case.thread, unclear=1)
    standing = case.facts.questions[-1] if case.facts.questions else None
    again = None if standing is None else _again(case, standing)
    if again is not None:
        message, blanks = again
        return case.answer("asked_again", message, blanks, thread=thread)
    keys = case.keys(len(MENU))
    choices = [Choice(key, meaning) for key, meaning in zip(keys, MENU, strict=True)]
    return case.ask(QuestionKind.MENU, "menu", dict(zip(MENU, keys, strict=True)), choices, thread=thread)


def unasked(case: Case) -> Decision:
    """An answer to nothing that is open. Where the clinic's own question stands that staff deal with, they have it."""
    if case.facts.questions and case.facts.questions[-1].kind not in CONVERSATIONAL | ABOUT_A_VISIT:
        return case.hand_over(HandOverReason.NEEDS_HUMAN)
    if case.command.needs_human:
        return case.hand_over(HandOverReason.NEEDS_HUMAN)
    if case.facts.thread.unclear:
        return case.hand_over(HandOverReason.NOT_UNDERSTOOD)
    return case.answer("nothing_asked", "no_open_question", thread=replace(case.thread, unclear=1))


def _again(case: Case, question: QuestionFacts) -> tuple[str, Mapping[str, Any]] | None:
    """The open question once more, where it can be said again."""
    if question.kind in ABOUT_A_VISIT:
        visit = next((visit for visit in case.facts.visits if visit.id == question.appointment_id), None)
        return None if visit is None else ("again_visit", visits.blanks(case, visit))
    timed = tuple(Listed(case.local(choice.at), choice.key) for choice in question.choices if choice.at is not None)
    if question.kind in (QuestionKind.OPTIONS, QuestionKind.WHICH_VISIT) and timed:
        return "again_choices", {"options": timed, "key": timed[0].key}
    return None
