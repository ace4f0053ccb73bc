"""The full commands - cancel, move, book, list, call back - weighed against each other."""

from __future__ import annotations

from collections.abc import Callable

from parser.command import ContextKind, Intent, Topic
from parser.signals import Signals
from parser.verdict import Evidence, Verdict

_PRIORITY = (
    Intent.CANCEL,
    Intent.RESCHEDULE,
    Intent.CALLBACK,
    Intent.LIST,
    Intent.HUMAN,
    Intent.HELP,
    Intent.BOOK,
    Intent.CONFIRM,
)
_LEAST = 2.0
_WEAK = 2.5
_SURE = 3.0
_HARDLY_SURE = 0.74
_MOST_SURE = 0.96


def full_command(evidence: Evidence) -> Verdict | None:
    """The command that the text carries by itself, or None when no weight reaches the least."""
    scores, why = weigh_commands(evidence)
    if not scores:
        return None
    best = max([intent for intent in _PRIORITY if intent in scores], key=scores.__getitem__)
    if scores[best] < _LEAST:
        return None
    margin = scores[best] - max([score for intent, score in scores.items() if intent is not best], default=0.0)
    confidence = 0.3 + 0.21 * min(scores[best], _SURE) + 0.05 * min(margin, 2.0) - 0.25 * (margin < 0.5)
    confidence = min(confidence, _MOST_SURE if scores[best] > _WEAK else _HARDLY_SURE)
    if evidence.signals.has("info") and evidence.question and not evidence.identified and not evidence.dated:
        confidence -= 0.3
    if evidence.signals.has("howto") and not evidence.identified and not evidence.dated:
        confidence -= 0.35  # how it is done is asked, not that it be done
    verdict = Verdict(best, [why[best]], None, max(confidence, 0.3), best is Intent.HUMAN)
    verdict.also = also_asked(best, evidence)
    if best in (Intent.CONFIRM, Intent.CANCEL) and evidence.signals.has("info", "complaint"):
        verdict.needs_human = evidence.question
    if best is Intent.CALLBACK and evidence.signals.has("complaint"):
        verdict.topic = Topic.COMPLAINT
    return verdict


def weigh_commands(evidence: Evidence) -> tuple[dict[Intent, float], dict[Intent, str]]:
    """A weight for each command, with the words that speak for it."""
    signals = evidence.signals
    scores: dict[Intent, float] = {}
    why: dict[Intent, str] = {}

    def add(intent: Intent, weight: float, reason: str) -> None:
        if weight > scores.get(intent, 0.0):
            scores[intent], why[intent] = weight, reason

    for name, intent in _BY_SIGNAL:
        if not (weight := signals.weight(name)):
            continue
        if name == "book" and weight < _SURE and not (evidence.dated or evidence.service or evidence.identified):
            continue  # "kan", "aika" and the like ask for a visit only beside a time, a service or a code
        if name == "book" and signals.has("info") and _bare_question(evidence):
            continue  # "can I have x-rays while pregnant?"
        if name == "list" and weight < _SURE and signals.has("info", "ask"):
            continue
        add(intent, weight, f'"{signals.quote(name)}"')
    if evidence.context.kind is ContextKind.NONE or evidence.identified:
        _weigh_statements(evidence, add)
    _settle_rivals(evidence, scores)
    return scores, why


def _bare_question(evidence: Evidence) -> bool:
    """Whether a text asks something and says neither who, when nor for what."""
    return evidence.question and not (evidence.identified or evidence.dated or evidence.service)


_BY_SIGNAL = (
    ("cancel", Intent.CANCEL),
    ("move", Intent.RESCHEDULE),
    ("book", Intent.BOOK),
    ("list", Intent.LIST),
    ("callback", Intent.CALLBACK),
    ("human", Intent.HUMAN),
    ("help", Intent.HELP),
)


_SYMPTOMS = frozenset(["pain", "broken", "filling", "crown", "denture", "ortho"])
"""Services named by what is wrong: "en voi syödä" beside them is no refusal to come."""


def _weigh_statements(evidence: Evidence, add: Callable[[Intent, float, str], None]) -> None:
    """What is asked without a command's word: "en pääse tiistaina" cancels, "hammas särkee" books."""
    signals = evidence.signals
    asks = signals.has("info") or (signals.has("ask") and signals.weight("book") < _SURE)
    _weigh_absence(evidence, add, asks)
    if signals.has("removed") and not signals.has("mouth") and evidence.dated and evidence.service in (None, "checkup"):
        add(Intent.CANCEL, 3.2, f'a time and "{signals.quote("removed")}"')
    if signals.has("too") and evidence.dated and not evidence.service:
        add(Intent.RESCHEDULE, 3.3, f'the time does not suit: "{signals.quote("too")}"')
    if signals.has("mouth") and evidence.wish and not asks and not signals.negative:
        add(Intent.BOOK, 2.1, f'a time wished for: "{signals.quote("mouth")}"')
    if signals.has("have") and evidence.times > 1:
        add(Intent.RESCHEDULE, 3.2, f'has a time and names another: "{signals.quote("have")}"')
    if evidence.relative and not asks and signals.weight("book") < _SURE and not signals.has("cancel"):
        add(Intent.RESCHEDULE, 2.9, "a time counted from the visit's")
    if evidence.relative and evidence.times > 1 and not (asks or evidence.service or signals.has("cancel")):
        add(Intent.RESCHEDULE, 3.3, "a time, and another counted from it")
    if signals.has("own", "childs_own") and evidence.times > 1 and evidence.wish and not signals.has("cancel"):
        add(Intent.RESCHEDULE, 2.9, "an own time, and another")
    if signals.has("own", "childs_own") and evidence.pair:
        add(Intent.RESCHEDULE, 3.1, "from one time to another")
    if signals.has("may_cancel") and (evidence.identified or evidence.dated):
        add(Intent.CANCEL, 3.1, f'asks to cancel: "{signals.quote("may_cancel")}"')
    coming = signals.has("come") and evidence.identified and not evidence.service and not evidence.question
    if signals.has("keep") or (coming and not asks):
        add(Intent.CONFIRM, 2.6, f'confirms: "{signals.quote("keep") or signals.quote("come")}"')
    if signals.has("when_is") and not signals.has("info", "any") and signals.weight("book") < _SURE:
        add(Intent.LIST, 3.1, f'asks when it is: "{signals.quote("when_is")}"')
    if evidence.service and not asks:
        add(Intent.BOOK, 2.3 + 0.3 * evidence.dated, f"a visit for {evidence.service}")
    elif evidence.identified and (evidence.wish or evidence.recurs) and not asks:
        if signals.negative and not signals.has("book", "move"):
            add(Intent.CANCEL, 2.2, "a name, a code, a time and a denial")
        else:
            add(Intent.BOOK, 2.1, "a name, a code and a time wished")
    elif evidence.wish and evidence.question and not asks and not signals.negative:
        add(Intent.BOOK, 2.0, "asks about a time")


def _weigh_absence(evidence: Evidence, add: Callable[[Intent, float, str], None], asks: bool) -> None:
    """Who cannot come gives the visit up; who also names another time moves it."""
    signals = evidence.signals
    away = next((name for name in ("cannot", "unneeded", "give") if signals.has(name)), None)
    if evidence.service in _SYMPTOMS or asks:
        return
    if evidence.recurs and evidence.service and not signals.has("unneeded", "give"):
        return  # "en pääse maanantaisin": days that never suit, and no visit
    said = signals.quote(away) if away else ""
    if (
        evidence.denied
        and evidence.times > 1
        and not evidence.service
        and not signals.has("cancel")
        and signals.weight("book") < _SURE
    ):
        add(Intent.RESCHEDULE, 2.9, "one time does not suit, another is named")
    if away and not evidence.service and _before(signals, away, "book"):
        another = evidence.wish and evidence.times > 1
        add(Intent.RESCHEDULE if another else Intent.CANCEL, 3.3, f'not coming, but a new time: "{said}"')
    elif away and signals.weight("book") < _SURE:
        asks_for_another = evidence.times > 1 and evidence.question
        moves = evidence.wish and not evidence.same_time and (signals.has("move") or asks_for_another)
        add(Intent.RESCHEDULE if moves else Intent.CANCEL, 2.8, f'not coming: "{said}"')
    elif signals.has("obstacle") and evidence.service == "checkup" and not evidence.wish and not signals.has("book"):
        add(Intent.CANCEL, 2.7, f'hindered: "{signals.quote("obstacle")}"')
    elif signals.has("obstacle") and evidence.dated and not evidence.question and not evidence.service:
        add(Intent.CANCEL, 2.2, f'hindered: "{signals.quote("obstacle")}"')
    elif evidence.denied and not evidence.question and not evidence.service and not signals.has("book"):
        add(Intent.CANCEL, 2.2, "the time does not suit")


def _before(signals: Signals, one: str, other: str) -> bool:
    """Whether *one* is said before a sure *other*."""
    first, second = signals.first(one), signals.first(other)
    return first is not None and second is not None and signals.weight(other) >= _SURE and first.last < second.first


def _settle_rivals(evidence: Evidence, scores: dict[Intent, float]) -> None:
    """Words of one command that belong to another: "peru tarkastusaika" books nothing."""
    signals = evidence.signals
    if _cancels_to_move(signals):
        scores[Intent.CANCEL] = 2.9  # the old time is kept until the new one is found
        scores[Intent.RESCHEDULE] = scores.get(Intent.RESCHEDULE, 0.0) + 0.5
    elif Intent.CANCEL in scores and signals.weight("cancel") >= _SURE:
        scores[Intent.RESCHEDULE] = min(scores.get(Intent.RESCHEDULE, 0.0), 2.9)
    if signals.weight("move") >= _SURE and not signals.has("cancel"):
        scores[Intent.RESCHEDULE] = scores[Intent.RESCHEDULE] + 0.5
    if scores.get(Intent.LIST, 0.0) >= _SURE and (signals.weight("book") < _SURE or _first_asked(signals)):
        scores.pop(Intent.BOOK, None)


def _first_asked(signals: Signals) -> bool:
    """Whether the list is asked for before a visit is."""
    listed, booked = signals.first("list"), signals.first("book")
    return listed is not None and booked is not None and listed.first <= booked.first


def _cancels_to_move(signals: Signals) -> bool:
    """Whether cancelling and moving are one wish: "peru aika ja siirrä ensi viikolle"."""
    cancel, move = signals.first("cancel"), signals.first("move")
    if cancel is None or move is None:
        return False
    sure = min(signals.weight("cancel"), signals.weight("move")) >= _SURE
    return sure and 0 < move.first - cancel.last <= _NEAR


_NEAR = 3  # words


def also_asked(best: Intent, evidence: Evidence) -> tuple[Intent, ...]:
    """A second request in the same text, if it is said in so many words."""
    signals = evidence.signals
    more = []
    if (best is Intent.CANCEL and evidence.denied and evidence.wish and evidence.times > 1) or (
        best is Intent.CANCEL and (signals.weight("book") >= _SURE or (signals.has("move") and evidence.wish))
    ):
        more.append(Intent.BOOK)
    if best is not Intent.CALLBACK and signals.weight("callback") >= _SURE:
        more.append(Intent.CALLBACK)
    return tuple(more)
