"""What stands above any open question: stop and start, a wrong number, a death, "is it real?", undo, auto-replies."""

from __future__ import annotations

from parser.command import ContextKind, Intent, Topic
from parser.verdict import Evidence, Verdict


def read_talk(evidence: Evidence) -> Verdict | None:
    """The verdict when the text is one of these, else None."""
    for rule in (_attack, _consent, _person, _strangers, _machines, _small_matters, _grievance, _waitlist):
        if verdict := rule(evidence):
            return verdict
    return None


def _attack(evidence: Evidence) -> Verdict | None:
    if evidence.attack:
        return Verdict(Intent.FREE, ["markup, program code or orders to a machine"], Topic.SPAM, 0.9)
    return None


def _consent(evidence: Evidence) -> Verdict | None:
    if evidence.stop and not evidence.signals.has("wrong_number"):
        return Verdict(Intent.CONSENT_STOP, ["the whole text says to stop texting"], None, 0.98)
    if evidence.start:
        return Verdict(Intent.CONSENT_START, ["the whole text says to start texting"], None, 0.98)
    return None


def _person(evidence: Evidence) -> Verdict | None:
    if evidence.human:
        return Verdict(Intent.HUMAN, ["asks for a person"], None, 0.98, True)
    if evidence.listing and evidence.context.kind is ContextKind.NONE:
        return Verdict(Intent.LIST, ["asks for the visits"], None, 0.98)
    if evidence.callback:
        return Verdict(Intent.CALLBACK, ["asks for a call"], None, 0.98)
    if evidence.help:
        return Verdict(Intent.HELP, ["asks for instructions"], None, 0.98)
    return None


def _strangers(evidence: Evidence) -> Verdict | None:
    """Somebody else's number, or a patient who has died: nothing is done but stopping and asking a person."""
    signals = evidence.signals
    if signals.has("deceased") and not evidence.service:
        return Verdict(Intent.FREE, [f'a death: "{signals.quote("deceased")}"'], Topic.DECEASED, 0.9, True)
    if signals.has("wrong_number"):
        return Verdict(Intent.FREE, [f'"{signals.quote("wrong_number")}"'], Topic.WRONG_NUMBER, 0.9, True)
    return None


def _machines(evidence: Evidence) -> Verdict | None:
    signals = evidence.signals
    if signals.has("spam") and not evidence.identified and not evidence.service:
        return Verdict(Intent.FREE, ["looks like an advertisement"], Topic.SPAM, 0.8)
    if signals.has("auto_reply") and not evidence.identified:
        answers = signals.has("cancel", "move", "callback", "cannot", "take", "come") or evidence.question
        answers = answers or (evidence.wish and evidence.context.kind is ContextKind.CALLBACK_NOTICE)
        asks = signals.has("callback", "cancel", "move")
        if not answers or (evidence.context.kind is ContextKind.NONE and not asks):
            return Verdict(Intent.FREE, [f'an automatic reply: "{signals.quote("auto_reply")}"'], Topic.AUTO_REPLY, 0.9)
    return None


_SURE = 3.0
_LIKELY = 2.0
_SMALL = (
    ("authentic", Topic.AUTHENTIC, False),
    ("undo", Topic.UNDO, False),
    ("callback_status", Topic.CALLBACK_STATUS, False),
    ("contact_change", Topic.CONTACT_CHANGE, True),
)


def _small_matters(evidence: Evidence) -> Verdict | None:
    signals = evidence.signals
    for name, topic, human in _SMALL:
        agreed = evidence.context.kind is ContextKind.CALLBACK_NOTICE and signals.has("yes")
        if name == "callback_status" and (evidence.wish or agreed):
            continue
        if signals.weight(name) >= (_LIKELY if name == "authentic" else _SURE) and not _is_command(evidence, name):
            return Verdict(Intent.FREE, [f'"{signals.quote(name)}"'], topic, 0.9, human)
    if signals.has("callback_no") and evidence.context.kind in (ContextKind.NONE, ContextKind.REMINDER):
        reason = f'no call needed: "{signals.quote("callback_no")}"'
        return Verdict(Intent.DECLINE, [reason], Topic.CALLBACK_WITHDRAW, 0.85)
    in_survey = evidence.context.kind is ContextKind.SURVEY
    takes = evidence.context.kind is ContextKind.OFFER and (signals.has("take", "come") or evidence.same_time)
    other = evidence.service or signals.has("cancel", "move", "cannot", "book", "info")
    if signals.has("late") and not in_survey and not takes and not other:
        return Verdict(Intent.FREE, [f'running late: "{signals.quote("late")}"'], Topic.LATE, 0.9, True)
    if signals.has("billing") and not in_survey and not _asks_beside_bill(evidence):
        return Verdict(Intent.FREE, [f'about a bill: "{signals.quote("billing")}"'], Topic.PRICE, 0.85, True)
    other = evidence.words > 8 or signals.has("cancel", "move", "book", "callback")
    if evidence.language or (signals.has("language") and not other):
        said = signals.quote("language") or evidence.language
        return Verdict(Intent.FREE, [f'wants a language: "{said}"'], Topic.LANGUAGE, 0.9)
    return None


def _is_command(evidence: Evidence, name: str) -> bool:
    signals = evidence.signals
    if name == "undo":
        return evidence.context.kind is ContextKind.SURVEY
    if name == "authentic" and evidence.signals.weight(name) < _SURE and evidence.words > 1:
        return True  # "real" alone asks whether we are, in a sentence it is any word
    if name == "authentic":
        return signals.has("cancel", "book") and evidence.identified
    return signals.has("cancel", "move", "book") and (evidence.identified or evidence.wish)


def _grievance(evidence: Evidence) -> Verdict | None:
    """ "This is the third time you cancel my time": nothing is asked for but an answer."""
    signals = evidence.signals
    open_question = evidence.context.kind is not ContextKind.NONE
    if (
        open_question
        or evidence.identified
        or not signals.has("complaint", "abuse")
        or signals.has("callback", "human")
    ):
        return None
    return Verdict(Intent.FREE, [f'a complaint: "{signals.quote("complaint")}"'], Topic.COMPLAINT, 0.85, True)


def _asks_beside_bill(evidence: Evidence) -> bool:
    """Whether a text that speaks of a bill asks for more than an answer about it."""
    signals = evidence.signals
    dated_command = evidence.dated and signals.has("cancel", "book", "move")
    return evidence.identified or dated_command or signals.has("callback", "human")


SURE = 0.97  # the phrases are of nothing else
CLEARLY = 2.0  # by weight of a phrase: more than a hint
_WAITLIST = (
    ("waitlist_leave", Topic.WAITLIST_LEAVE),
    ("waitlist_join", Topic.WAITLIST_JOIN),
    ("waitlist_limit", Topic.WAITLIST_LIMIT),
)


def _waitlist(evidence: Evidence) -> Verdict | None:
    signals = evidence.signals
    if signals.has("cancel"):
        return None
    for name, topic in _WAITLIST:
        if signals.has(name) and not _queues_for_a_visit(evidence, name):
            if topic is Topic.WAITLIST_LIMIT and (evidence.service or evidence.identified or evidence.wish):
                continue
            return Verdict(Intent.FREE, [f'waiting list: "{signals.quote(name)}"'], topic, SURE)
    if evidence.limited and _says_only_limits(evidence):
        return Verdict(Intent.FREE, ["limits to what is to be told of"], Topic.WAITLIST_LIMIT, SURE)
    return None


def _queues_for_a_visit(evidence: Evidence, name: str) -> bool:
    """Whether "in the queue" is said by somebody with a code and for a service: that is a booking in other words."""
    return bool(evidence.identified and evidence.service) and evidence.signals.weight(name) < _SURE


def _says_only_limits(evidence: Evidence) -> bool:
    """ "Only mornings", "not Mondays": no answer to a question of ours, no command, and nobody is named."""
    if evidence.context.kind not in (ContextKind.NONE, ContextKind.OFFER) or evidence.question:
        return False
    said = evidence.signals.weight
    return not (evidence.service or evidence.identified or any(said(name) >= CLEARLY for name in _MORE_THAN_LIMITS))


_MORE_THAN_LIMITS = (
    *("book", "move", "list", "callback", "yes", "take", "come", "cannot", "obstacle", "late", "complaint", "info"),
    *("hours", "ask", "undo", "human"),
)
