"""The rules' verdict and the opinion of likeness, weighed against each other.

The surer the rules, the likelier something else must be to overrule them, and what they read in a short plain text
("I cancel my appointment") stands. What asks for nothing (a question, a person, a list) has an advantage over what
changes something: harm is the worst error but one. What is final is never done on likeness alone, but asked.
"""

from __future__ import annotations

from dataclasses import replace

from parser.command import ACT_FROM, ContextKind, Intent
from parser.commands import also_asked
from parser.intents import unclear
from parser.likeness import ALARM, Opinion
from parser.verdict import Evidence, Verdict

SETTLED = 0.97
"""Confidence of the rules that no likeness touches: whole commands, digits, an attack."""

NEEDED = ((0.5, 0.3), (0.75, 0.7), (0.92, 0.75), (1.0, 0.8))
"""Up to which confidence of the rules which share of likeness overrules them: measured on texts that neither had seen
(`make learn ARGS=--check`), where they differ and likeness is at least that sure, it is right more often."""

_TO_HARMLESS = -0.1
_TO_ACTION = 0.1
_LEAST_SEEN = 0.6
_ALARMING = 0.4
_PLAIN_WORDS = 8
_ONE_PHRASE = 3.0
_PLAINLY = 0.85

_HARMLESS = frozenset([Intent.FREE, Intent.HUMAN, Intent.HELP, Intent.LIST, Intent.FEEDBACK])
_CONSENTS = {Intent.CONSENT_STOP: "stop", Intent.CONSENT_START: "start"}
_FINAL = frozenset([Intent.CANCEL, Intent.ACCEPT, Intent.DECLINE, Intent.CONFIRM])
_AGREEING = frozenset([Intent.ACCEPT, Intent.CONFIRM])
_SAID_BY = {
    Intent.CANCEL: "cancel",
    Intent.RESCHEDULE: "move",
    Intent.CALLBACK: "callback",
    Intent.ACCEPT: "take",
    Intent.CONFIRM: "come",
}
_ONLY_IN = {
    Intent.ACCEPT: (ContextKind.OFFER, ContextKind.PROPOSAL),
    Intent.DECLINE: (ContextKind.OFFER, ContextKind.OPTIONS, ContextKind.PROPOSAL, ContextKind.CALLBACK_NOTICE),
    Intent.FEEDBACK: (ContextKind.SURVEY,),
}


def is_alarming(opinion: Opinion | None, evidence: Evidence) -> bool:
    """Whether a text speaks of danger and is so like those of people in it that the emergency numbers are given."""
    likely = opinion is not None and opinion.shares.get(ALARM, 0.0) >= _ALARMING
    return likely and _speaks_of_danger(evidence)


def _speaks_of_danger(evidence: Evidence) -> bool:
    signals = evidence.signals
    spoken = "danger" in signals.said or "emergency:sure" in signals.said or "pair" in signals.kinds
    return spoken and "emergency:calm" not in signals.said and not signals.has("deceased")


def is_needed(verdict: Verdict, evidence: Evidence) -> bool:
    """Whether an opinion can matter at all: not to a settled verdict on a text that speaks of no danger."""
    return not _is_settled(verdict, evidence) or _speaks_of_danger(evidence)


def weigh(verdict: Verdict, opinion: Opinion | None, evidence: Evidence) -> Verdict:
    """The verdict that stands when the rules say *verdict* and the words are like those of *opinion*."""
    if opinion is None or _is_settled(verdict, evidence):
        return verdict
    shares = _by_intent(opinion)
    if evidence.identified and verdict.confidence >= _PLAINLY:
        shares.pop(Intent.FREE, None)  # nobody sends a code to say nothing
    by_share = sorted(shares, key=lambda intent: -shares[intent])
    likest = next((intent for intent in by_share if _is_possible(intent, evidence, opinion)), verdict.intent)
    if likest is verdict.intent or shares[likest] < _needed(verdict, likest):
        return verdict
    if likest not in _HARMLESS and opinion.seen < _LEAST_SEEN:
        return verdict
    return _by_likeness(likest, shares[likest], opinion, evidence)


def _is_settled(verdict: Verdict, evidence: Evidence) -> bool:
    short = verdict.choice is not None or evidence.digit is not None or evidence.code is not None
    sure = verdict.confidence >= SETTLED or _is_plain(verdict, evidence) or _is_said_twice(verdict, evidence)
    return short or evidence.attack or sure


def _is_said_twice(verdict: Verdict, evidence: Evidence) -> bool:
    """Whether the rules are sure, by two phrases or more: "siirtää … toiseen päivään"."""
    name = _SAID_BY.get(verdict.intent)
    return name is not None and verdict.confidence >= _PLAINLY and evidence.signals.weight(name) > _ONE_PHRASE


def _is_plain(verdict: Verdict, evidence: Evidence) -> bool:
    """Whether the rules are sure of a short text of which they know every word."""
    return (
        verdict.intent is not Intent.FREE
        and verdict.confidence >= _PLAINLY
        and evidence.words <= _PLAIN_WORDS
        and not evidence.strange
    )


def _needed(verdict: Verdict, likest: Intent) -> float:
    needed = next(share for confidence, share in NEEDED if verdict.confidence <= confidence)
    if likest in _HARMLESS:
        return needed + _TO_HARMLESS * (verdict.intent not in _HARMLESS)
    return needed + _TO_ACTION * (verdict.intent in _HARMLESS)


_INTENTS = {intent.value: intent for intent in Intent}


def _by_intent(opinion: Opinion) -> dict[Intent, float]:
    shares = {_INTENTS[label]: share for label, share in opinion.shares.items() if label != ALARM}
    shares[Intent.HUMAN] = shares.get(Intent.HUMAN, 0.0) + opinion.shares.get(ALARM, 0.0)
    return shares


def _is_possible(intent: Intent, evidence: Evidence, opinion: Opinion) -> bool:
    """Whether *intent* can be meant here: nothing is chosen or accepted that was not offered."""
    if intent in _CONSENTS:
        return evidence.consent == _CONSENTS[intent]
    if _is_denied(intent, evidence) or (intent in _FINAL and evidence.signals.has("unsure")):
        return False
    if intent in _AGREEING and (_is_away(evidence) or not opinion.why(intent.value, wordings=True)):
        return False  # "passar ej" shares its words with those who come, and "impossible" only its number of words
    if intent is Intent.DECLINE and evidence.wish and evidence.context.kind is ContextKind.OPTIONS:
        return False  # who names another time wants one
    if intent is Intent.CHOOSE:
        return _choice(evidence) is not None
    return evidence.context.kind in _ONLY_IN.get(intent, (evidence.context.kind,))


def _is_away(evidence: Evidence) -> bool:
    """Whether anything is denied, to be moved, or in the way of somebody who does not say that they come."""
    signals = evidence.signals
    away = signals.has("cannot", "unneeded", "give", "refuse", "obstacle", "move")
    return signals.negative or (away and not signals.has("come", "keep", "take"))


def _is_denied(intent: Intent, evidence: Evidence) -> bool:
    """Whether the text says not to, or only if: "don't cancel", "if it snows I must cancel"."""
    name, signals = _SAID_BY.get(intent), evidence.signals
    if intent is Intent.BOOK and not signals.has("book"):
        return signals.denies("cancel") or signals.denies("move") or _names_a_visit(evidence)
    if intent is Intent.BOOK and signals.weight("book") < _ONE_PHRASE and _names_a_visit(evidence):
        return True
    if (
        intent is Intent.CANCEL
        and not signals.has("cancel", "cannot")
        and (signals.has("keep") or signals.only_if("cannot"))
    ):
        return True
    return name is not None and not signals.has(name) and (signals.denies(name) or signals.only_if(name))


def _names_a_visit(evidence: Evidence) -> bool:
    """Whether somebody with a code cancels or moves in so many words: the service then says which visit."""
    most = max(evidence.signals.weight("cancel"), evidence.signals.weight("move"))
    return evidence.identified and most >= _ONE_PHRASE


def _choice(evidence: Evidence) -> int | None:
    listed = evidence.context.kind in (ContextKind.OPTIONS, ContextKind.WHICH_VISIT)
    if not listed or evidence.option is not None:
        return evidence.option if listed else None
    return None if evidence.wish else evidence.ordinal  # "the first week of May" is no option


def _by_likeness(intent: Intent, share: float, opinion: Opinion, evidence: Evidence) -> Verdict:
    said = ", ".join(f'"{word}"' for word in opinion.why(intent.value))
    reason = f"words like those of {intent}: {said}"
    if intent is Intent.FREE:
        found = unclear(evidence)
        return replace(found, reasons=[*found.reasons, reason])
    confidence = 0.4 + 0.4 * share
    if intent in _FINAL:
        confidence = min(confidence, ACT_FROM - 0.05)
    return Verdict(
        intent,
        [reason],
        None,
        confidence,
        intent is Intent.HUMAN,
        also_asked(intent, evidence),
        _choice(evidence) if intent is Intent.CHOOSE else None,
        evidence.score if intent is Intent.FEEDBACK else None,
        evidence.context.kind is ContextKind.NONE or evidence.identified,
    )
