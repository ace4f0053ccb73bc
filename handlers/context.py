"""What the parser must know of the conversation to read a text in it."""

from __future__ import annotations

from datetime import datetime

from handlers import family
from handlers.rules import clinic_of
from models.facts import Facts, QuestionFacts, VisitFacts
from models.states import QuestionKind
from parser.command import Context, ContextKind

_KINDS = {
    QuestionKind.REMINDER: ContextKind.REMINDER,
    QuestionKind.PROVISIONAL: ContextKind.PROVISIONAL,
    QuestionKind.OFFER: ContextKind.OFFER,
    QuestionKind.OPTIONS: ContextKind.OPTIONS,
    QuestionKind.WHICH_VISIT: ContextKind.WHICH_VISIT,
    QuestionKind.WHICH_PERSON: ContextKind.WHICH_VISIT,
    QuestionKind.WHICH_SERVICE: ContextKind.WHICH_VISIT,
    QuestionKind.CLARIFY: ContextKind.WHICH_VISIT,
    QuestionKind.MENU: ContextKind.MENU,
    QuestionKind.PROPOSAL: ContextKind.PROPOSAL,
    QuestionKind.IDENTITY: ContextKind.IDENTITY,
    QuestionKind.KEEP_REMINDERS: ContextKind.STOP,
    QuestionKind.CALL_TIME: ContextKind.CALLBACK_NOTICE,
    QuestionKind.CALLBACK_NOTICE: ContextKind.CALLBACK_NOTICE,
    QuestionKind.SURVEY: ContextKind.SURVEY,
}


def context_of(facts: Facts) -> Context:
    """The newest open question, the visits that the number may act for, and the language; times by the wall clock."""
    people = family.reachable(facts)
    ids = {person.id for person in people}
    question = _newest(facts)
    return Context(
        kind=ContextKind.NONE if question is None else _KINDS.get(question.kind, ContextKind.NONE),
        at=None if question is None else _at(question, facts),
        options=() if question is None else _options(question, facts),
        visits=tuple(_wall(visit, facts) for visit in facts.visits if visit.patient_id in ids),
        code=None if question is None else question.code,
        people=family.given_names(facts),
        language=facts.thread.language or next((person.language for person in people if person.language), None),
    )


def _newest(facts: Facts) -> QuestionFacts | None:
    """The open question that was asked last; one about an offer that is over only where nothing else is open."""
    over = {id_ for id_, offer in facts.offers.items() if not offer.can_be_had}
    live = [question for question in facts.questions if question.offer_id not in over]
    return next(reversed(live or facts.questions), None)


def _at(question: QuestionFacts, facts: Facts) -> datetime | None:
    if question.kind is QuestionKind.OFFER:
        return next(iter(_options(question, facts)), None)
    visit = next((visit for visit in facts.visits if visit.id == question.appointment_id), None)
    return None if visit is None else _wall(visit, facts)


def _options(question: QuestionFacts, facts: Facts) -> tuple[datetime, ...]:
    zone = facts.clinic.zone
    return tuple(
        choice.at.astimezone(zone).replace(tzinfo=None) for choice in question.choices if choice.at is not None
    )


def _wall(visit: VisitFacts, facts: Facts) -> datetime:
    return visit.starts_at.astimezone(clinic_of(visit, facts).zone).replace(tzinfo=None)
