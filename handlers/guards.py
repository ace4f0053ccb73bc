"""What is looked at before a text is answered at all: our own echo, prohibitions, limits, texts that need no answer."""

from __future__ import annotations

from dataclasses import replace

from handlers import family
from handlers.case import Case
from handlers.decision import Decision
from handlers.numbers import is_answered
from models.states import HandOverReason, Outcome
from parser.command import Intent, Topic

MOST_ANSWERS = 20  # to one number in an hour
_NOT_SILENCED = frozenset({Intent.HUMAN, Intent.CONSENT_STOP})


def our_own_echo(case: Case) -> Decision | None:
    """Our own text that comes back word for word, the emergency text too: answering it would go round for ever."""
    return case.silent("ignored_echo", "our own text came back") if case.facts.last_body_echo else None


def protected(case: Case) -> Decision | None:
    """A person who must never be texted: one fixed neutral answer to their own text, and a person reads it."""
    concerned = next((person for person in case.facts.on_number if person.do_not_text), None)
    return None if concerned is None else shielded(case, concerned.id)


def shielded(case: Case, patient_id: int) -> Decision:
    """The neutral answer about a person who must never be texted."""
    return case.hand_over(HandOverReason.DO_NOT_TEXT, "received", patient_id=patient_id)


def too_many_answers(case: Case) -> Decision | None:
    """Over 20 answers in an hour: one hand-over without a text, then silence; a person and stop still work."""
    if case.facts.answers_last_hour <= MOST_ANSWERS or case.command.intent in _NOT_SILENCED:
        return None
    standing = case.facts.hand_over
    if standing is not None and standing.reason is HandOverReason.TOO_MANY_ANSWERS:
        return case.silent("silenced", "too many answers to this number within an hour")
    handed = case.hand_over(HandOverReason.TOO_MANY_ANSWERS)
    return replace(handed, reply=None, outcome=Outcome.HANDED_OVER, reason="too many answers within an hour")


def needs_no_answer(case: Case) -> Decision | None:
    """Auto-replies are never answered; thanks and spam need no answer."""
    command = case.command
    if command.topic is Topic.AUTO_REPLY:
        return case.silent("ignored_auto_reply", "an automatic reply")
    if command.intent is Intent.FREE and not command.needs_human:
        if command.topic is Topic.THANKS:
            return case.silent("thanked", "thanks need no answer")
        if command.topic is Topic.SPAM:
            return case.silent("ignored_spam", "an advertisement")
    return None


def foreign_number(case: Case) -> Decision | None:
    """Only mobile numbers of the clinic's country are answered, and those on file."""
    number, region = case.thread.number, case.facts.rules.region
    if family.holders(case.facts) or is_answered(number, region):
        return None
    return case.silent("not_answered", "not a mobile number of the clinic's country")
