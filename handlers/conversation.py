"""One text, decided: the rules in their order, from emergencies to what nobody understood. Facts in, decision out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from handlers import (
    authentic,
    book,
    callback,
    cancel,
    claim,
    confirm,
    emergency,
    feedback,
    guards,
    human,
    incomplete,
    language,
    late,
    list_visits,
    move,
    public,
    replies,
    stop,
    unclear,
    undo,
    waitlist,
    wrong_number,
)
from handlers.case import Case
from handlers.context import context_of
from handlers.decision import Decision
from handlers.ladder import climb
from handlers.rest import with_the_rest
from models.facts import Facts, SlotSearch
from models.states import ThreadState
from parser.command import Command, Intent, Topic

__all__ = ["HANDLERS", "NEED_IDENTITY", "RULES", "TOPICS", "context_of", "decide"]

Handler = Callable[[Case], Decision | SlotSearch]
Rule = Callable[[Case], Decision | SlotSearch | None]

SURE_ENOUGH = 0.45  # below this a command is asked about, not carried out


def decide(command: Command, facts: Facts) -> Decision | SlotSearch:
    """Decide what one text means and does. A `SlotSearch` comes at most once: answer it in `facts.slots`, ask again."""
    case = _opened(command, facts)
    for rule in RULES:
        decision = rule(case)
        if decision is not None:
            return decision
    raise AssertionError("the last rule decides every text")


def _opened(command: Command, facts: Facts) -> Case:
    """The case before any rule: the thread in the language of the text, and out of a state that is over."""
    said = command.language if command.certain_language else None
    over = facts.thread.state is ThreadState.CLOSED or (
        facts.thread.state is ThreadState.WAITING and facts.hand_over is None
    )
    thread = facts.thread
    if over or thread.unclear or said not in (None, thread.language):
        state = ThreadState.BOT if over else thread.state
        thread = replace(thread, language=said or thread.language, state=state, unclear=0)
    return Case(command=command, facts=facts, language=language.of(command, facts), thread=thread)


# --- the rules ----------------------------------------------------------------------------------------------------


def _emergency(case: Case) -> Decision | None:
    return emergency.decide(case) if case.command.emergency else None


def _wrong_number(case: Case) -> Decision | None:
    if case.command.topic is Topic.WRONG_NUMBER:
        return wrong_number.wrong_number(case)
    return wrong_number.deceased(case) if case.command.topic is Topic.DECEASED else None


def _stop_or_start(case: Case) -> Decision | None:
    if case.command.intent is Intent.CONSENT_STOP:
        return stop.stop(case)
    return stop.start(case) if case.command.intent is Intent.CONSENT_START else None


def _human(case: Case) -> Decision | None:
    return human.decide(case) if case.command.intent is Intent.HUMAN and case.command.topic is None else None


def _held_by_a_person(case: Case) -> Decision | SlotSearch | None:
    """Staff have the thread: only answers to our own questions are handled, the rest is theirs to read."""
    if case.thread.state is not ThreadState.PERSON:
        return None
    return replies.decide(case) or case.silent("left_to_person", "held by a person")


def _authentic(case: Case) -> Decision | None:
    return authentic.decide(case) if case.command.topic is Topic.AUTHENTIC else None


def _undo(case: Case) -> Decision | None:
    return undo.decide(case) if case.command.topic is Topic.UNDO else None


def _command(case: Case) -> Decision | SlotSearch:
    """Carry out a command, once the writer stands high enough on the ladder for it."""
    command = case.command
    topic = TOPICS.get(command.topic) if command.topic is not None else None
    if topic is not None and (command.intent not in NEED_IDENTITY or command.topic in _BEFORE_INTENT):
        return topic(case)
    if command.intent in NEED_IDENTITY:
        if command.confidence < SURE_ENOUGH:
            return unclear.decide(case)
        if _is_a_bare_yes(command):
            return unclear.unasked(case)
        return with_the_rest(command, climb(case, HANDLERS[command.intent]))
    if command.intent is Intent.FREE and command.identity_status != "none" and not command.needs_human:
        return climb(case, unclear.decide)
    return HANDLERS[command.intent](case)


def _is_a_bare_yes(command: Command) -> bool:
    """A yes that names neither a person nor a day, and that no open question took."""
    says_who = command.identity_status != "none" or command.name is not None
    return command.intent is Intent.CONFIRM and not (command.whole or says_who or command.ref or command.when)


RULES: tuple[Rule, ...] = (
    guards.our_own_echo,
    _emergency,
    guards.protected,
    incomplete.parts_missing,
    _wrong_number,
    guards.too_many_answers,
    guards.needs_no_answer,
    guards.foreign_number,
    _stop_or_start,
    _human,
    _held_by_a_person,
    _authentic,
    _undo,
    replies.decide,
    claim.taken_again,
    _command,
)

NEED_IDENTITY = frozenset({Intent.BOOK, Intent.CANCEL, Intent.RESCHEDULE, Intent.CONFIRM, Intent.LIST})

HANDLERS: Mapping[Intent, Handler] = {
    Intent.BOOK: book.decide,
    Intent.CANCEL: cancel.decide,
    Intent.RESCHEDULE: move.decide,
    Intent.CONFIRM: confirm.decide,
    Intent.LIST: list_visits.decide,
    Intent.ACCEPT: unclear.unasked,
    Intent.DECLINE: unclear.unasked,
    Intent.CHOOSE: unclear.unasked,
    Intent.CALLBACK: callback.decide,
    Intent.FEEDBACK: feedback.decide,
    Intent.HUMAN: human.decide,
    Intent.HELP: public.usage,
    Intent.CONSENT_STOP: stop.stop,
    Intent.CONSENT_START: stop.start,
    Intent.FREE: unclear.decide,
}

TOPICS: Mapping[Topic, Handler] = {
    Topic.LATE: late.decide,
    Topic.LANGUAGE: language.decide,
    Topic.FOREIGN_LANGUAGE: language.other,
    Topic.OPENING_HOURS: public.opening_hours,
    Topic.DIRECTIONS: public.directions,
    Topic.CALLBACK_STATUS: callback.decide,
    Topic.CALLBACK_WITHDRAW: callback.decide,
    Topic.WAITLIST_JOIN: waitlist.join,
    Topic.WAITLIST_LIMIT: waitlist.limit,
    Topic.WAITLIST_LEAVE: waitlist.leave,
    Topic.CONTACT_CHANGE: human.needed,
    Topic.COMPLAINT: human.needed,
    Topic.PRICE: human.needed,
    Topic.ILL: human.needed,
    Topic.CARE_QUESTION: human.needed,
    Topic.PRESCRIPTION: human.needed,
    Topic.PRIVACY: human.needed,
}
# These are not what their nearest intent says, so they come first.
_BEFORE_INTENT = frozenset(
    {Topic.LATE, Topic.LANGUAGE, Topic.WAITLIST_JOIN, Topic.WAITLIST_LIMIT, Topic.WAITLIST_LEAVE}
)
