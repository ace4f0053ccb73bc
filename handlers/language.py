"""Which language an answer is in, and changing it."""

from __future__ import annotations

from dataclasses import replace

from handlers import family
from handlers.case import Case
from handlers.decision import Decision
from lang.messages import languages
from models.facts import Facts
from models.states import HandOverReason
from parser.command import Command


def of(command: Command, facts: Facts) -> str:
    """The text's language when it is certain, else the thread's, the file's, the text's likely one, the clinic's."""
    ours = languages()
    certain = command.language if command.certain_language else None
    on_file = next((person.language for person in family.holders(facts) if person.language), None)
    likely = (certain, facts.thread.language, on_file, command.language, *of_clinic(facts))
    return next((code for code in likely if code in ours), ours[0])


def of_clinic(facts: Facts) -> list[str]:
    """The languages in which the clinic has a name, its own first. (A name's own order is lost in PostgreSQL.)"""
    return [code for code in facts.rules.languages if code in facts.clinic.names and code in languages()]


def is_sure(command: Command, facts: Facts) -> bool:
    """Whether the text, the thread or the file tells the language."""
    on_file = any(person.language for person in family.holders(facts))
    return command.certain_language or bool(facts.thread.language) or on_file


def decide(case: Case) -> Decision:
    """Go on in the language asked for; one that we do not write is a person's matter."""
    wanted = case.command.wanted_language or (case.command.language if case.command.certain_language else None)
    if wanted not in languages():
        return other(case)
    changed = replace(case, language=wanted)
    return changed.answer("changed_language", "language_changed", thread=replace(case.thread, language=wanted))


def other(case: Case) -> Decision:
    """A text in a language that we do not read: a person has it, and we say so in all that we write."""
    decision = case.hand_over(HandOverReason.OTHER_LANGUAGE, "other_language", case.urgent_numbers)
    assert decision.reply is not None
    return replace(decision, reply=replace(decision.reply, languages=languages()))
