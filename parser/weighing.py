"""The rules' verdict and the opinion of likeness, weighed against each other.

A sure verdict is moved by nothing short of a wholly different likeness; where the rules found nothing, likeness speaks.
What asks for nothing (a question, a person, a list) has an advantage over what changes something: harm is the worst
error but one. What cannot simply be said again is never done on likeness alone, but asked.
"""

from __future__ import annotations

import math
from dataclasses import replace

from parser.command import ACT_FROM, ContextKind, Intent
from parser.commands import also_asked
from parser.intents import unclear
from parser.likeness import ALARM, Opinion
from parser.verdict import Evidence, Verdict

SETTLED = 0.97
"""Confidence of the rules that no likeness touches: whole commands, digits, an attack."""

_GUESS = 0.5
_TRUST = 6.0
_NOTHING_FOUND = 0.5
_CAUTION = 1.0
_LEAST_SHARE = 0.5
_LEAST_SEEN = 0.6
_ALARMING = 0.4
_FLOOR = 1e-4

_HARMLESS = frozenset([Intent.FREE, Intent.HUMAN, Intent.HELP, Intent.LIST, Intent.FEEDBACK])
_NEVER = frozenset([Intent.CONSENT_STOP, Intent.CONSENT_START])
_FINAL = frozenset([Intent.CANCEL, Intent.ACCEPT, Intent.DECLINE, Intent.CONFIRM])
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
    if opinion is None or opinion.shares.get(ALARM, 0.0) < _ALARMING:
        return False
    said = evidence.signals.said
    spoken = any(name == "danger" or name.startswith(("pair:", "emergency:sure")) for name in said)
    return spoken and "emergency:calm" not in said and not evidence.signals.has("deceased")


def weigh(verdict: Verdict, opinion: Opinion | None, evidence: Evidence) -> Verdict:
    """The verdict that stands when the rules say *verdict* and the words are like those of *opinion*."""
    if opinion is None or _is_settled(verdict, evidence):
        return verdict
    shares = _by_intent(opinion)
    shares = {intent: share for intent, share in shares.items() if _is_possible(intent, evidence)}
    scores = {intent: _score(intent, share, verdict) for intent, share in shares.items()}
    scores.setdefault(verdict.intent, _score(verdict.intent, 0.0, verdict))
    best = max(scores, key=lambda intent: scores[intent])
    if best is verdict.intent:
        return verdict
    share = shares.get(best, 0.0)
    if best not in _HARMLESS and (share < _LEAST_SHARE or opinion.seen < _LEAST_SEEN):
        return verdict
    return _by_likeness(best, share, opinion, evidence)


def _is_settled(verdict: Verdict, evidence: Evidence) -> bool:
    return verdict.confidence >= SETTLED or evidence.digit is not None or evidence.attack or verdict.choice is not None


def _by_intent(opinion: Opinion) -> dict[Intent, float]:
    shares = {Intent(label): share for label, share in opinion.shares.items() if label != ALARM}
    shares[Intent.HUMAN] = shares.get(Intent.HUMAN, 0.0) + opinion.shares.get(ALARM, 0.0)
    return shares


def _is_possible(intent: Intent, evidence: Evidence) -> bool:
    """Whether *intent* can be meant here: nothing is chosen or accepted that was not offered."""
    if intent in _NEVER or _is_denied(intent, evidence):
        return False
    if intent is Intent.CHOOSE:
        return _choice(evidence) is not None
    return evidence.context.kind in _ONLY_IN.get(intent, (evidence.context.kind,))


def _is_denied(intent: Intent, evidence: Evidence) -> bool:
    """Whether the text says not to, or only if: "don't cancel", "if it snows I must cancel"."""
    name, signals = _SAID_BY.get(intent), evidence.signals
    if intent is Intent.BOOK and not signals.has("book"):
        return signals.denies("cancel") or signals.denies("move")
    if intent is Intent.CANCEL and signals.has("keep") and not signals.has("cancel"):
        return True
    return name is not None and not signals.has(name) and (signals.denies(name) or signals.only_if(name))


def _choice(evidence: Evidence) -> int | None:
    listed = evidence.context.kind in (ContextKind.OPTIONS, ContextKind.WHICH_VISIT)
    return (evidence.option or evidence.ordinal) if listed else None


def _score(intent: Intent, share: float, verdict: Verdict) -> float:
    score = math.log(share + _FLOOR) + _CAUTION * (intent in _HARMLESS)
    if intent is not verdict.intent:
        return score
    return score + (_NOTHING_FOUND if verdict.confidence < _GUESS else _TRUST * (verdict.confidence - 0.4))


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
