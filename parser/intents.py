"""From what is said to what is asked: the conversation's state first, then the commands, then talk."""

from __future__ import annotations

from collections.abc import Callable

from parser.command import ContextKind, Intent, Topic
from parser.commands import full_command
from parser.signals import Signals
from parser.talk import read_talk
from parser.verdict import Evidence, Verdict

SURE = 0.95
LIKELY = 0.8
ASK = 0.5
LOST = 0.2


def decide(evidence: Evidence) -> Verdict:
    """The intent of a text; emergencies are looked for elsewhere and before."""
    if talk := read_talk(evidence):
        return talk
    answer = _ANSWERS.get(evidence.context.kind)
    if answer and (verdict := answer(evidence)):
        return verdict
    command = full_command(evidence)
    if command and not _only_asks(evidence, command):
        return command
    return unclear(evidence)


def _only_asks(evidence: Evidence, command: Verdict) -> bool:
    """Whether a question about what we sent merely sounds like a booking: "kenen aika se on?"."""
    open_question = evidence.context.kind is not ContextKind.NONE
    if open_question and evidence.signals.has("unsure") and command.intent in (Intent.CANCEL, Intent.CONFIRM):
        return True  # "I may have to cancel, don't know yet"
    weak = command.intent is Intent.BOOK and evidence.signals.weight("book") < _FULL and not evidence.service
    return weak and open_question and (evidence.question or evidence.signals.has("info", "ask"))


def unclear(evidence: Evidence) -> Verdict:
    """The verdict on a text without a command: a question, a complaint, thanks, or nothing that we understand."""
    signals = evidence.signals
    if (fact := _public_fact(evidence)) is not None:
        return Verdict(Intent.FREE, ["asks for what anybody may know"], fact, LIKELY)
    if signals.has("info", "ask", "may_cancel") or evidence.question:
        return Verdict(
            Intent.FREE,
            [f'a question: "{signals.quote("info") or signals.quote("ask") or "?"}"'],
            _info_topic(evidence),
            LIKELY,
            True,
        )
    if signals.has("complaint", "abuse"):
        return Verdict(Intent.FREE, ["a complaint"], Topic.COMPLAINT, LIKELY, True)
    if evidence.only_polite or signals.has("thanks"):
        return Verdict(Intent.FREE, ["thanks or a greeting, nothing asked"], Topic.THANKS, LIKELY)
    return Verdict(Intent.FREE, ["no command found"], None, LOST, evidence.words > 3)


def _public_fact(evidence: Evidence) -> Topic | None:
    """What the clinic tells everybody, if the text asks for one such thing and hardly anything else."""
    signals = evidence.signals
    asked = [topic for name, topic in _PUBLIC.items() if signals.has(name)]
    alone = evidence.words <= _ONE_QUESTION and not evidence.identified and not evidence.service
    return asked[0] if len(asked) == 1 and alone and not signals.has("complaint", "abuse") else None


_PUBLIC = {"hours": Topic.OPENING_HOURS, "where": Topic.DIRECTIONS}
_ONE_QUESTION = 9


def _info_topic(evidence: Evidence) -> Topic | None:
    if evidence.context.kind is ContextKind.OFFER:
        return Topic.OFFER_QUESTION
    return Topic.CARE_QUESTION if evidence.service else None


def _answer_reminder(evidence: Evidence) -> Verdict | None:
    """1 coming, 2 cancel, 3 move; a wish for another time moves, an obstacle cancels, yes confirms."""
    signals = evidence.signals
    if evidence.digit in _REMINDER_DIGITS:
        return _short(_REMINDER_DIGITS[evidence.digit], f"{evidence.digit} as the reminder asked", SURE)
    if (command := full_command(evidence)) and command.confidence >= LIKELY and _beats_reminder(command, evidence):
        return command
    coming = signals.has("come", "keep")
    away = _away(evidence)
    if away and away == signals.quote("obstacle") and evidence.question and not signals.has("no", "cannot"):
        return None
    refused = signals.has("no") and not _denies_another(evidence)
    if signals.has("unsure") or (away == signals.quote("no") and refused and evidence.unread and _is_bare(signals)):
        return None  # "en tiedä vielä", "en hoksaa": a no to what we do not understand cancels nothing
    if away and evidence.wish and not coming:
        return Verdict(Intent.RESCHEDULE, [f'cannot come ("{away}") and names another time'], None, LIKELY)
    if signals.has("info") and not coming and not signals.has("cannot", "unneeded", "give", "yes"):
        return None
    if coming and evidence.wish and signals.has("only_then"):
        return Verdict(Intent.RESCHEDULE, [f'can come only then: "{signals.quote("only_then")}"'], None, LIKELY)
    if coming and not signals.has("cannot") and not refused:
        human = evidence.question or signals.has("info")
        said = signals.quote("come") or signals.quote("keep")
        return _short(Intent.CONFIRM, f'coming: "{said}"', SURE, human)
    if away and not (away == signals.quote("no") and (signals.has("yes") or _denies_cancelling(signals))):
        return _short(Intent.CANCEL, f'not coming: "{away}"', _surely_away(evidence))
    if signals.has("yes") and not signals.has("no"):
        if evidence.wish and not evidence.same_time:
            return Verdict(Intent.RESCHEDULE, ["another time would suit"], None, ASK)
        return _short(Intent.CONFIRM, f'yes: "{signals.quote("yes")}"', SURE, evidence.question)
    if signals.only_if("move") and evidence.question:
        return Verdict(Intent.RESCHEDULE, ['suggests to move: "if" with a question'], None, ASK)
    if signals.denies("come") or signals.denies("yes"):
        return _short(Intent.CANCEL, "says not to come", LIKELY)
    if signals.denies("cancel"):
        return _short(Intent.CONFIRM, "does not cancel", LIKELY)
    if evidence.wish or evidence.recurs or signals.weight("move") or signals.weight("book") >= _FULL:
        return Verdict(Intent.RESCHEDULE, ["names another time"], None, LIKELY)
    if evidence.same_time and evidence.words <= 6:
        return _short(Intent.CONFIRM, "repeats the visit's time", ASK)
    return None


_REMINDER_DIGITS = {1: Intent.CONFIRM, 2: Intent.CANCEL, 3: Intent.RESCHEDULE}
_WEAK_HERE = frozenset([Intent.BOOK, Intent.CONFIRM])


def _beats_reminder(command: Verdict, evidence: Evidence) -> bool:
    """Whether this is a command of its own: "a new time" moves the visit, unless the writer says for what and who."""
    if command.intent is Intent.CANCEL and evidence.signals.has("unsure"):
        return False  # "I may have to cancel, don't know yet"
    named = command.intent is Intent.BOOK and evidence.identified and evidence.service is not None
    return named or command.intent not in _WEAK_HERE


def _denies_another(evidence: Evidence) -> bool:
    """Whether a bare "no" denies something else than coming, which the text says: "no changes, I'll be there"."""
    signals = evidence.signals
    other = signals.has("come", "keep") and not evidence.flat_no
    return _denies_cancelling(signals) or (_is_bare(signals) and other)


def _denies_cancelling(signals: Signals) -> bool:
    """Whether a bare "no" only says that nothing is cancelled: "no, I'm not cancelling, I'll be there"."""
    return _is_bare(signals) and (signals.denies("cancel") or signals.has("keep"))


def _is_bare(signals: Signals) -> bool:
    """Whether no is said by its one word alone, and not by "ei käy"."""
    return all(hit.first == hit.last for name in ("no", "none_fit") for hit in signals.valid.get(name, ()))


def _away(evidence: Evidence) -> str:
    signals = evidence.signals
    for name in ("cannot", "unneeded", "give", "refuse", "obstacle", "no"):
        if signals.has(name) and not (name == "obstacle" and signals.has("mouth")):  # what hurts is the reason to come
            return signals.quote(name)
    if signals.has("removed") and not (signals.has("mouth") or evidence.service):
        return signals.quote("removed")
    return ""


def _surely_away(evidence: Evidence) -> float:
    """How sure it is that somebody does not come. "No allergies" and "sadly it broke" deny and regret other things."""
    signals = evidence.signals
    if signals.has("cannot", "unneeded", "give"):
        return SURE
    told = signals.has("obstacle", "removed") or evidence.flat_no or not (_is_bare(signals) and _is_regret(signals))
    return LIKELY if told else ASK


def _is_regret(signals: Signals) -> bool:
    """Whether nothing but single words refuse: "tyvärr", "harmi"."""
    return all(hit.first == hit.last for hit in signals.valid.get("refuse", ()))


def _answer_offer(evidence: Evidence) -> Verdict | None:
    """1 or yes takes it, 2 or no leaves it; its own time or code without a no takes it."""
    signals = evidence.signals
    if evidence.digit in (1, 2):
        intent = Intent.ACCEPT if evidence.digit == 1 else Intent.DECLINE
        return _short(intent, f"{evidence.digit} as the offer asked", SURE)
    if signals.only_if("take"):
        return None
    command = full_command(evidence)
    leaves = command and command.intent is Intent.CANCEL and signals.has("give", "refuse") and not evidence.wish
    beats = command and not leaves and (command.intent in _BEATS_OFFER or _books_another(command, evidence))
    if command and beats and command.confidence >= LIKELY:
        return command
    away = _away(evidence)
    negative = away or signals.denies("take") or signals.denies("come") or signals.denies("yes")
    positive = signals.has("take", "come", "keep", "yes")
    if signals.has("info") and not positive and not negative:
        return None
    if negative and not (positive and away == signals.quote("obstacle") and signals.has("take")):
        return _short(
            Intent.DECLINE, f'does not want it: "{away}"', SURE if away != signals.quote("obstacle") else LIKELY
        )
    if positive:
        said = next(signals.quote(name) for name in ("take", "come", "keep", "yes") if signals.has(name))
        return _short(Intent.ACCEPT, f'wants it: "{said}"', SURE, evidence.question)
    repeated = evidence.same_time and not (evidence.question or evidence.recurs)
    if (evidence.code and evidence.code == evidence.context.code) or repeated:
        return _short(Intent.ACCEPT, "repeats the offer", LIKELY)
    if signals.weight("book") >= _FULL and not evidence.question:
        return _short(Intent.ACCEPT, f'wants the time: "{signals.quote("book")}"', LIKELY)
    return None


def _books_another(command: Verdict, evidence: Evidence) -> bool:
    """Whether a time of its own is wished for ("varaa aika ensi tiistaille"): that takes no offer."""
    return command.intent is Intent.BOOK and evidence.wish and not evidence.same_time


_FULL = 3.0
_BEATS_OFFER = frozenset([Intent.CANCEL, Intent.LIST, Intent.CALLBACK, Intent.HUMAN, Intent.HELP, Intent.RESCHEDULE])


def _answer_options(evidence: Evidence) -> Verdict | None:
    """A digit, an ordinal, or a date or time of one option chooses; none of them declines or asks for others."""
    signals = evidence.signals
    count = len(evidence.context.options) or len(evidence.context.visits) or 3
    if evidence.digit is not None:
        if evidence.digit <= count:
            return _choose(evidence.digit, f"{evidence.digit} of {count}")
        return Verdict(Intent.FREE, [f"{evidence.digit} is no option"], None, ASK)
    command = full_command(evidence)
    if command and command.confidence >= LIKELY and command.intent in _BEATS_OPTIONS and evidence.option is None:
        return command
    away = signals.quote("none_fit") or signals.quote("cannot") or signals.quote("refuse") or signals.quote("no")
    if evidence.option is not None and not (away and evidence.wish):
        return _choose(evidence.option, "names the day or time of an option")
    if evidence.ordinal is not None and not away and evidence.words <= _FEW:
        return _choose(evidence.ordinal, "names an option by its place")
    if command and command.confidence >= LIKELY and _books_anew(command, evidence):
        return command
    if evidence.wish and not signals.has("come") and (away or evidence.option is None):
        return Verdict(Intent.RESCHEDULE, ["asks for other times than those listed"], None, LIKELY)
    if evidence.ordinal is not None and not signals.has("none_fit"):
        return _choose(evidence.ordinal, "names an option by its place")
    if signals.weight("move") >= _FULL:
        return Verdict(Intent.RESCHEDULE, [f'asks for others: "{signals.quote("move")}"'], None, LIKELY)
    if away or signals.has("unneeded", "obstacle"):
        return _short(Intent.DECLINE, f'none suits: "{away}"', LIKELY)
    if count == 1 and signals.has("yes", "take", "come"):
        return _choose(1, "yes to the only option")
    return None


def _books_anew(command: Verdict, evidence: Evidence) -> bool:
    """Whether a whole request to book, by its words, came while times for a new visit were open: no visit is meant."""
    return (
        command.intent is Intent.BOOK
        and evidence.context.at is None
        and (evidence.identified or evidence.service is not None)
    )


_BEATS_OPTIONS = frozenset([Intent.CANCEL, Intent.LIST, Intent.CALLBACK, Intent.HUMAN, Intent.HELP])


_FEW = 5
"""Words of a text in which "the first" is an option and not a day of the month."""


def _choose(number: int, reason: str) -> Verdict:
    return Verdict(Intent.CHOOSE, [reason], None, SURE, choice=number, whole=False)


def _answer_survey(evidence: Evidence) -> Verdict | None:
    """A score, words about the visit, or both."""
    signals = evidence.signals
    command = full_command(evidence)
    complaint = signals.has("complaint", "abuse")
    wants_contact = signals.has("callback", "human")
    if evidence.score is not None:
        human = wants_contact or (complaint and evidence.score <= _DETRACTOR)
        return Verdict(
            Intent.FEEDBACK, [f"score {evidence.score}"], None, SURE, human, score=evidence.score, whole=False
        )
    if command and command.confidence >= LIKELY and not complaint and command.intent in _BEATS_SURVEY:
        return command
    if evidence.only_polite and not signals.has("praise", "yes"):
        return None
    return Verdict(
        Intent.FEEDBACK,
        ["words about the visit"],
        Topic.COMPLAINT if complaint else None,
        LIKELY,
        complaint or wants_contact or evidence.question,
        whole=False,
    )


_DETRACTOR = 6
_BEATS_SURVEY = frozenset(
    [Intent.CANCEL, Intent.RESCHEDULE, Intent.LIST, Intent.BOOK, Intent.HUMAN, Intent.CALLBACK, Intent.HELP]
)


_BEATS_CALL = frozenset([Intent.CANCEL, Intent.RESCHEDULE, Intent.LIST, Intent.HUMAN])


def _answer_callback(evidence: Evidence) -> Verdict | None:
    """Yes: the announced time is fine; a time: call then; no need: the call is withdrawn."""
    signals = evidence.signals
    if signals.has("callback_no"):
        reason = f'no call needed: "{signals.quote("callback_no")}"'
        return Verdict(Intent.DECLINE, [reason], Topic.CALLBACK_WITHDRAW, SURE, whole=False)
    if evidence.digit in (1, 2):
        intent = Intent.CONFIRM if evidence.digit == 1 else Intent.DECLINE
        return _short(intent, f"{evidence.digit} to the announced call", LIKELY)
    command = full_command(evidence)
    if (
        command
        and command.intent in (Intent.CANCEL, Intent.RESCHEDULE, Intent.LIST, Intent.HUMAN)
        and not evidence.wish
    ) and command.confidence >= SURE:
        return command
    if evidence.wish or evidence.recurs or signals.has("asap"):
        return Verdict(Intent.CALLBACK, ["names a time for the call"], None, SURE, whole=False)
    if signals.denies("callback") or signals.has("unneeded", "refuse"):
        return Verdict(Intent.DECLINE, ["does not want the call"], Topic.CALLBACK_WITHDRAW, LIKELY, whole=False)
    if signals.has("cannot", "no", "obstacle") or (signals.has("move") and evidence.words <= _FEW):
        return Verdict(Intent.CALLBACK, [f'not then: "{_away(evidence)}"'], None, LIKELY, whole=False)
    if signals.has("yes", "come", "keep", "take") or evidence.same_time:
        return _short(Intent.CONFIRM, "the announced time is fine", SURE)
    if signals.has("callback"):
        return Verdict(Intent.CALLBACK, [f'wants a call: "{signals.quote("callback")}"'], None, LIKELY, whole=False)
    return None


def _answer_proposal(evidence: Evidence) -> Verdict | None:
    """Staff's proposal: taken, left, or another time wished."""
    signals = evidence.signals
    if evidence.digit in _PROPOSAL_DIGITS:
        return _short(_PROPOSAL_DIGITS[evidence.digit], f"{evidence.digit} as the proposal asked", SURE)
    away = _away(evidence)
    if (evidence.wish and (away or not signals.has("yes", "take"))) or signals.weight("move") >= _FULL:
        return Verdict(Intent.RESCHEDULE, ["another time than the proposed one"], None, LIKELY)
    return _answer_offer(evidence)


_PROPOSAL_DIGITS = {1: Intent.ACCEPT, 2: Intent.DECLINE, 3: Intent.RESCHEDULE}


def _answer_digits(evidence: Evidence) -> Verdict | None:
    """A menu or the question after a stop: only its digits mean something, and yes to the latter."""
    if evidence.digit is not None:
        return _choose(evidence.digit, f"{evidence.digit} as asked")
    if evidence.context.kind is ContextKind.STOP and evidence.signals.has("yes", "keep"):
        return _choose(1, f'yes: "{evidence.signals.quote("yes")}"')
    return None


def _short(intent: Intent, reason: str, confidence: float, needs_human: bool = False) -> Verdict:
    return Verdict(intent, [reason], None, confidence, needs_human, whole=False)


_ANSWERS: dict[ContextKind, Callable[[Evidence], Verdict | None]] = {
    ContextKind.REMINDER: _answer_reminder,
    ContextKind.PROVISIONAL: _answer_reminder,
    ContextKind.OFFER: _answer_offer,
    ContextKind.OPTIONS: _answer_options,
    ContextKind.WHICH_VISIT: _answer_options,
    ContextKind.SURVEY: _answer_survey,
    ContextKind.CALLBACK_NOTICE: _answer_callback,
    ContextKind.PROPOSAL: _answer_proposal,
    ContextKind.MENU: _answer_digits,
    ContextKind.STOP: _answer_digits,
}
