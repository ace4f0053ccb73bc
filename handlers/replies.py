"""Answers to our open questions (L1): each does what its question offered, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from handlers import book, cancel, claim, confirm, family, human, list_visits, move, stop, waitlist
from handlers.answers import NONE_OF_THEM, WISH, Answer, answers, pick
from handlers.case import ABOUT_A_VISIT, LETTERS, Case
from handlers.decision import Decision
from handlers.family import Tie
from handlers.identity import Verdict, stand
from handlers.ladder import climb, known, opened_by
from handlers.pending import Settled, completed, take
from handlers.rest import with_the_rest
from lang.format import Listed, Term
from models.changes import CloseQuestion, ConfirmAppointment
from models.facts import Choice, QuestionFacts, SlotSearch, VisitFacts
from models.states import AppointmentStatus, HandOverReason, QuestionKind, QuestionState
from parser.command import Command, Intent, Topic

Decided = Decision | SlotSearch


def decide(case: Case) -> Decided | None:
    """Carry out what the text answers; None where it answers nothing that is open, or belongs to somebody else."""
    found = answers(case.command, case.facts)
    if len(found) > 1:
        return _all_confirmed(case, found) or _asked_back(case, found)
    return _carry_out(case, found[0]) if found else None


def _carry_out(case: Case, answer: Answer) -> Decided | None:
    question = answer.question
    case = replace(case, answered=question)
    if question.kind in _WITHOUT_A_PERSON:
        return _WITHOUT_A_PERSON[question.kind](case, answer)
    entitled = _entitled(case, question)
    if not isinstance(entitled, Case):
        return entitled
    if question.kind in ABOUT_A_VISIT:
        return _about_a_visit(entitled, answer)
    if question.kind is QuestionKind.OFFER:
        asked = replace(entitled, owner=case.facts.people[question.patient_id or 0])
        return claim.decide(asked, question, answer.choice.meaning)
    if question.pending is None or question.kind not in _CONTINUED:
        return human.needed(entitled)
    return _CONTINUED[question.kind](entitled, answer)


def _entitled(case: Case, question: QuestionFacts) -> Case | Decision | None:
    """The case of a writer whose number may still act for whom the question was about.

    A code in the answer must be that person's or a guardian's of theirs; else the text is no answer but a command.
    """
    person = case.facts.people.get(question.patient_id or 0)
    if person is None:
        return None
    tie = family.tie(person, case.facts)
    if tie is Tie.ASLEEP:
        return case.hand_over(HandOverReason.MINOR, patient_id=person.id)
    if tie is Tie.NONE or (tie is Tie.STALE and case.command.identity_status == "none"):
        return None
    if case.command.identity_status == "none":
        return replace(case, level=1, owner=person, people=(person, *family.wards(person, case.facts)))
    standing = stand(case.command, case.facts)
    opens = standing.verdict is Verdict.KNOWN and person in standing.people
    return known(case, standing) if opens else None


# --- reminders and provisional times ------------------------------------------------------------------------------

_DEEDS: Mapping[str, tuple[Intent, Callable[[Case, VisitFacts], Decided]]] = {
    "confirm": (Intent.CONFIRM, confirm.confirm),
    "cancel": (Intent.CANCEL, cancel.cancel),
    "move": (Intent.RESCHEDULE, move.move),
}


def _about_a_visit(case: Case, answer: Answer) -> Decided | None:
    visit = next((visit for visit in case.facts.visits if visit.id == answer.question.appointment_id), None)
    if visit is None or answer.choice.meaning not in _DEEDS or visit.starts_at <= case.facts.now:
        return None
    intent, deed = _DEEDS[answer.choice.meaning]
    command = replace(case.command, intent=intent)  # a bare digit is read by the question that it answers
    alone = replace(opened_by(case, visit), level=case.level, command=command)
    return with_the_rest(command, deed(alone, visit))


def _all_confirmed(case: Case, found: Sequence[Answer]) -> Decided | None:
    """The yes to one text that told of several visits of a person confirms them all; None where it was not one text."""
    asked = {(a.question.kind in ABOUT_A_VISIT, a.question.asked_at, a.question.patient_id) for a in found}
    if len(asked) > 1 or any(a.choice.meaning != "confirm" or a.question.kind not in ABOUT_A_VISIT for a in found):
        return None
    ids = {answer.question.appointment_id for answer in found}
    visits = [visit for visit in case.facts.visits if visit.id in ids and visit.starts_at > case.facts.now]
    others = [visit for visit in visits if visit.id != found[0].question.appointment_id]
    changes = [ConfirmAppointment(v.id, v.version) for v in others if v.status is not AppointmentStatus.CONFIRMED]
    closed = [CloseQuestion(answer.question.id, QuestionState.ANSWERED) for answer in found[1:]]
    decision = _carry_out(replace(case, changes=(*case.changes, *changes, *closed)), found[0])
    if not isinstance(decision, Decision) or decision.reply is None or decision.reply.message != "confirmed":
        return None
    listed = tuple(Listed(case.local(visit.starts_at)) for visit in visits)
    return replace(decision, reply=replace(decision.reply, message="confirmed_all", blanks={"visits": listed}))


# --- a command that waited ----------------------------------------------------------------------------------------

_HANDLERS: Mapping[Intent, Callable[[Case], Decided]] = {
    Intent.BOOK: book.decide,
    Intent.CANCEL: cancel.decide,
    Intent.RESCHEDULE: move.decide,
    Intent.CONFIRM: confirm.decide,
    Intent.LIST: list_visits.decide,
}


def _picked(case: Case, answer: Answer) -> Decided:
    """One of the times offered, other ones wished instead, or none of them."""
    command, settled = take(answer.question.pending or {})
    if answer.choice.meaning == NONE_OF_THEM:
        message = "move_declined" if command.intent is Intent.RESCHEDULE else "book_declined"
        waiting = replace(case, command=replace(command, when=None, recur=None), settled=settled)
        return waiting.ask(QuestionKind.DETAIL, message, {})  # another wish needs no code again
    if answer.choice.meaning == WISH:
        return _wished(case, command, settled)
    return _go_on(replace(case, command=command, settled=settled, picked=answer.choice))


def _which_visit(case: Case, answer: Answer) -> Decided:
    command, settled = take(answer.question.pending or {})
    if answer.choice.meaning == NONE_OF_THEM:
        return case.answer("declined_visits", "nothing_changed")
    return _go_on(replace(case, command=command, settled=replace(settled, visit_id=answer.choice.id)))


def _which_person(case: Case, answer: Answer) -> Decided:
    command, settled = take(answer.question.pending or {})
    return _go_on(replace(case, command=command, settled=replace(settled, patient_id=answer.choice.id)))


def _detail(case: Case, answer: Answer) -> Decided:
    """The missing part came: the service, the time."""
    return _wished(case, *take(answer.question.pending or {}))


def _wished(case: Case, command: Command, settled: Settled) -> Decided:
    """*command* with what the text adds to it. Another service than the one settled takes its place."""
    if case.command.service is not None:
        settled = replace(settled, service_id=None)
    return _go_on(replace(case, command=completed(command, case.command), settled=settled))


def _go_on(case: Case) -> Decided:
    handler = _HANDLERS.get(case.command.intent, human.needed)
    return with_the_rest(case.command, handler(case))


_CONTINUED: Mapping[QuestionKind, Callable[[Case, Answer], Decided]] = {
    QuestionKind.OPTIONS: _picked,
    QuestionKind.WHICH_VISIT: _which_visit,
    QuestionKind.WHICH_PERSON: _which_person,
    QuestionKind.DETAIL: _detail,
}


# --- questions that are nobody's in particular --------------------------------------------------------------------


def _identity(case: Case, answer: Answer) -> Decided | None:
    """The missing code came: the command that waited is completed by it, and climbs the ladder."""
    if answer.question.pending is None:
        return None
    command, settled = take(answer.question.pending)
    command = completed(command, case.command)
    case = replace(case, command=command, settled=settled)
    if command.topic is Topic.WAITLIST_JOIN:
        return waitlist.join(case)
    handler = _HANDLERS.get(command.intent, human.needed)
    return with_the_rest(command, climb(case, handler))


_MENU_INTENTS = {"book": Intent.BOOK, "cancel": Intent.CANCEL, "move": Intent.RESCHEDULE}


def _menu(case: Case, answer: Answer) -> Decided:
    intent = _MENU_INTENTS.get(answer.choice.meaning)
    if intent is None:
        return human.decide(case)
    command = completed(Command(intent, whole=True), case.command)
    return climb(replace(case, command=command), _HANDLERS[intent])


def _keep_reminders(case: Case, _: Answer) -> Decided:
    return stop.keep_reminders(case)


def _clarified(case: Case, answer: Answer) -> Decided | None:
    """Now it is clear which question the digit or word was for: it is answered as if it had been the only one."""
    meant = next((q for q in case.facts.questions if q.id == answer.choice.id), None)
    choice = None if meant is None else _choice_in(meant, answer)
    if meant is None or choice is None:
        return case.answer("question_over", "no_open_question")
    closed = (*case.changes, CloseQuestion(answer.question.id, QuestionState.ANSWERED))
    word = Command(Intent.FREE, language=case.command.language, certain_language=case.command.certain_language)
    return _carry_out(replace(case, changes=closed, command=word), Answer(meant, choice))


def _choice_in(question: QuestionFacts, clarifying: Answer) -> Choice | None:
    pending = clarifying.question.pending or {}
    if pending.get("digit") is not None:
        return pick(question, Command(Intent.FREE, digit=int(pending["digit"])))
    return Choice("", clarifying.choice.meaning, question.appointment_id)


_WITHOUT_A_PERSON: Mapping[QuestionKind, Callable[[Case, Answer], Decided | None]] = {
    QuestionKind.IDENTITY: _identity,
    QuestionKind.MENU: _menu,
    QuestionKind.KEEP_REMINDERS: _keep_reminders,
    QuestionKind.CLARIFY: _clarified,
}


# --- asking back --------------------------------------------------------------------------------------------------


def _asked_back(case: Case, found: Sequence[Answer]) -> Decision:
    """Which question did that answer? Nothing is done by guess, and the questions stay open."""
    used = {choice.key for question in case.facts.questions for choice in question.choices}
    letters = [letter for letter in LETTERS if letter not in used]
    keyed = list(zip(letters, found, strict=False))
    choices = [Choice(key, answer.choice.meaning, answer.question.id) for key, answer in keyed]
    listed = tuple(Listed(_subject(case, answer), key, _note(answer)) for key, answer in keyed)
    kept = replace(case, keeps=frozenset(answer.question.id for answer in found))
    return kept.ask_plainly(
        QuestionKind.CLARIFY,
        "which_question",
        {"questions": listed, "key": choices[0].key},
        choices,
        {"digit": case.command.digit},
    )


def _subject(case: Case, answer: Answer) -> datetime | Term:
    visit = next((v for v in case.facts.visits if v.id == answer.question.appointment_id), None)
    at = answer.choice.at or (visit.starts_at if visit is not None else None)
    return Term(answer.question.kind.value) if at is None else case.local(at)


def _note(answer: Answer) -> Term | str:
    return Term(answer.choice.meaning) if answer.choice.meaning in _DEEDS else ""
