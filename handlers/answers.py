"""Which open question a text answers, and what the answer means (the end of product.md section 3).

A new full command beats an open question, unless it says just what the question asks ("peruutan" to a reminder). A bare
digit that fits two questions, or comes within a minute of the second, is asked back: nothing is cancelled by guess.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from handlers import family
from handlers.case import ABOUT_A_VISIT, CONVERSATIONAL
from handlers.rules import clinic_of
from handlers.wishes import covers
from models.facts import Choice, Facts, QuestionFacts
from models.states import QuestionKind
from parser.command import Command, Intent, Topic

JUST_ASKED = timedelta(seconds=60)
VISIT_DIGITS = {"1": "confirm", "2": "cancel", "3": "move"}  # the same everywhere: yes, not needed, another time
_VISIT_WORDS = {
    Intent.CONFIRM: "confirm",
    Intent.ACCEPT: "confirm",
    Intent.CANCEL: "cancel",
    Intent.DECLINE: "cancel",
    Intent.RESCHEDULE: "move",
}
_YES = frozenset({Intent.CONFIRM, Intent.ACCEPT})
_NEW_WISH = frozenset({Intent.RESCHEDULE, Intent.BOOK, Intent.FREE})
_OFFER_WORDS = {Intent.ACCEPT: "accept", Intent.CONFIRM: "accept", Intent.DECLINE: "decline"}
_ASKS = frozenset({Topic.OFFER_QUESTION, Topic.DIRECTIONS})
NONE_OF_THEM, WISH, TEXT, ASK = "none_of_them", "wish", "text", "ask"


@dataclass(frozen=True, slots=True)
class Answer:
    """One question and the choice that the text makes, which may mean `NONE_OF_THEM`, `WISH` or `TEXT`."""

    question: QuestionFacts
    choice: Choice


def answers(command: Command, facts: Facts) -> Sequence[Answer]:
    """The question that *command* answers; several when it may be any of them; none when it answers nothing."""
    standing = [question for question in facts.questions if not _is_over(question, facts)]
    fitting = [Answer(q, choice) for q in standing if (choice := _fits(q, command, facts)) is not None]
    if not fitting:
        return _too_late(command, facts)
    if (named := _about_offers(command, fitting)) is not None:
        return named
    if _is_bare(command) and len(standing) > 1 and facts.now - standing[-1].asked_at < JUST_ASKED:
        known = {answer.question.id for answer in fitting}
        more = (Answer(q, choice) for q in standing if q.id not in known and (choice := _by_place(q, command)))
        return (*fitting, *more)
    if len(fitting) > 1 and not _is_bare(command):
        return _narrowed(fitting)
    return fitting


def _is_over(question: QuestionFacts, facts: Facts) -> bool:
    """Whether the question is about an offer that can no longer be taken, which nobody was told of."""
    offer = facts.offers.get(question.offer_id or 0)
    return offer is not None and not offer.can_be_had


def _too_late(command: Command, facts: Facts) -> Sequence[Answer]:
    """The newest offer that the text would have answered, had it come in time."""
    over = [question for question in reversed(facts.questions) if _is_over(question, facts)]
    found = (Answer(q, choice) for q in over if (choice := _fits(q, command, facts)) is not None)
    return [answer for answer in (next(found, None),) if answer is not None]


def _about_offers(command: Command, fitting: Sequence[Answer]) -> Sequence[Answer] | None:
    """The offer that the text names by its code; of several that it asks about, the newest."""
    offers = [answer for answer in fitting if answer.question.kind is QuestionKind.OFFER]
    if command.choice_code is not None and offers:
        return offers[-1:]
    asking = [answer for answer in offers if answer.choice.meaning == ASK]
    return asking[-1:] if asking and len(asking) == len(fitting) else None


def pick(question: QuestionFacts, command: Command) -> Choice | None:
    """The choice of *question* that the bare digit or letter of *command* makes."""
    return _by_key(question, command) or _by_place(question, command)


def _is_bare(command: Command) -> bool:
    return command.digit is not None


def _fits(question: QuestionFacts, command: Command, facts: Facts) -> Choice | None:
    keyed = _by_key(question, command)
    if keyed is not None:
        return keyed
    if command.digit is not None or command.letter is not None:
        return None
    if question.kind in ABOUT_A_VISIT:
        return _of_visit(question, command, facts)
    return _IN_WORDS[question.kind](question, command, facts) if question.kind in _IN_WORDS else None


def _by_key(question: QuestionFacts, command: Command) -> Choice | None:
    """The choice whose key the text is, or the one that its words name ("the second one")."""
    written = command.letter or (str(command.digit) if command.digit is not None else None)
    if written is None and command.choice is not None and not command.whole:
        return _by_place(question, command)
    found = next((choice for choice in question.choices if choice.key == written), None)
    if found is None and question.kind in ABOUT_A_VISIT and written in VISIT_DIGITS and not question.choices:
        return Choice(written, VISIT_DIGITS[written])
    return found


def _by_place(question: QuestionFacts, command: Command) -> Choice | None:
    """The choice at the place that a digit names, where the question took letters."""
    place = command.digit if command.digit is not None else command.choice
    choices = question.choices
    if not choices and question.kind in ABOUT_A_VISIT:
        choices = tuple(Choice(key, meaning) for key, meaning in VISIT_DIGITS.items())
    return choices[place - 1] if place is not None and 1 <= place <= len(choices) else None


# --- answers in words, by kind of question ------------------------------------------------------------------------


def _of_visit(question: QuestionFacts, command: Command, facts: Facts) -> Choice | None:
    meaning = _VISIT_WORDS.get(command.intent)
    visit = next((visit for visit in facts.visits if visit.id == question.appointment_id), None)
    if meaning is None or visit is None:
        return None
    wall = visit.starts_at.astimezone(clinic_of(visit, facts).zone).replace(tzinfo=None)
    if command.ref is not None and not covers(command.ref, wall):
        return None  # another visit is meant
    if family.speaks_of_another(command.about, facts.people[visit.patient_id], facts):
        return None  # and so is another person's
    offered = {choice.meaning for choice in question.choices} or set(VISIT_DIGITS.values())
    return Choice("", meaning, visit.id, visit.starts_at) if meaning in offered else None


def _of_offer(question: QuestionFacts, command: Command, facts: Facts) -> Choice | None:
    """Taken or left, by words that speak of no other time or person; or a question about it."""
    if not question.choices or command.choice_code not in (None, question.code):
        return None
    offered, person = question.choices[0], facts.people.get(question.patient_id or 0)
    if person is None or family.speaks_of_another(command.about, person, facts):
        return None
    at = None if offered.at is None else offered.at.astimezone(facts.clinic.zone).replace(tzinfo=None)
    spans = (*(command.when or ()), *(command.ref or ()))
    if spans and at is not None and not covers(spans, at):
        return None
    meaning = ASK if command.topic in _ASKS else _OFFER_WORDS.get(command.intent)
    return None if meaning is None else Choice("", meaning, offered.id, offered.at)


def _of_options(question: QuestionFacts, command: Command, _: Facts) -> Choice | None:
    if command.intent is Intent.DECLINE:
        return Choice("", NONE_OF_THEM)
    if command.intent in _NEW_WISH and (command.when or command.recur) and _goes_on(question, command):
        return Choice("", WISH)
    if command.intent in _YES and len(question.choices) == 1:
        return question.choices[0]
    return None


def _goes_on(question: QuestionFacts, command: Command) -> bool:
    """Whether a wish is for what we offered the times for. A visit that is to be moved may be another one."""
    if _waiting(question) == Intent.BOOK:
        return command.intent is not Intent.BOOK or (command.identity_status == "none" and command.service is None)
    return command.identity_status == "none" and command.service is None


def _waiting(question: QuestionFacts) -> str | None:
    """The intent of the command that waits for the answer."""
    intent: str | None = (question.pending or {}).get("command", {}).get("intent")
    return intent


def _of_visits(question: QuestionFacts, command: Command, facts: Facts) -> Choice | None:
    if command.intent is Intent.DECLINE:
        return Choice("", NONE_OF_THEM)
    spans = command.ref or command.when
    if spans is None or command.identity_code is not None:
        return question.choices[0] if command.intent in _YES and len(question.choices) == 1 else None
    zone = facts.clinic.zone
    meant = [c for c in question.choices if c.at and covers(spans, c.at.astimezone(zone).replace(tzinfo=None))]
    return meant[0] if len(meant) == 1 else None


def _of_detail(question: QuestionFacts, command: Command, _: Facts) -> Choice | None:
    """More of a booking or a move, or whatever is said when we asked what the time is for."""
    waiting = _waiting(question)
    asked_what_for = waiting == Intent.BOOK and "service" not in (question.pending or {})
    says_more = command.service or command.when or command.recur or asked_what_for
    if command.intent.value == waiting or (command.intent in _NEW_WISH and command.topic is None and says_more):
        return Choice("", TEXT)
    return None


def _of_identity(_: QuestionFacts, command: Command, __: Facts) -> Choice | None:
    bare = command.intent in (Intent.FREE, Intent.HELP) and not command.emergency
    return Choice("", TEXT) if bare and command.identity_status != "none" else None


def _of_yes(question: QuestionFacts, command: Command, _: Facts) -> Choice | None:
    return question.choices[0] if command.intent in _YES and question.choices else None


_IN_WORDS: dict[QuestionKind, Callable[[QuestionFacts, Command, Facts], Choice | None]] = {
    QuestionKind.OPTIONS: _of_options,
    QuestionKind.WHICH_VISIT: _of_visits,
    QuestionKind.DETAIL: _of_detail,
    QuestionKind.IDENTITY: _of_identity,
    QuestionKind.KEEP_REMINDERS: _of_yes,
    QuestionKind.OFFER: _of_offer,
}


def _narrowed(fitting: Sequence[Answer]) -> Sequence[Answer]:
    """A word that fits a question of the conversation is meant for that: it was asked last, of this writer."""
    talk = [answer for answer in fitting if answer.question.kind in CONVERSATIONAL]
    return talk[-1:] or fitting
