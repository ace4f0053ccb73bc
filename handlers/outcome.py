"""What comes of a letter, as the rows that the ledger writes: its entry, its answer, and notices to others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.text import Lane
from handlers import wording
from handlers.decision import Decision, Notice, Reply
from handlers.letters import Letter
from lang.messages import render
from models.facts import Facts, ThreadFacts
from models.ledger import Entry, Handled, HandOverOut, QuestionOut, TextOut
from models.queries import question_data
from models.states import Purpose
from parser.command import Command
from parser.mask import mask

ANSWER_HOLDS = timedelta(hours=24)  # an answer that could not be delivered for so long helps nobody


@dataclass(frozen=True, slots=True)
class Read:
    """A letter with what it means, what was known and what was decided."""

    letter: Letter
    command: Command | None
    facts: Facts
    decision: Decision


def entry(read: Read, language: str, now: datetime) -> Entry:
    """All that *read* changes. *language* is the answer's where the thread has none."""
    letter, command, decision = read.letter, read.command, read.decision
    return Entry(
        thread=decision.thread,
        changes=decision.changes,
        texts=tuple(answers(read, language, now)),
        actor="patient",
        action=decision.action,
        details=decision.details,
        handled=Handled(
            inbox_id=letter.inbox_id,
            part_ids=letter.part_ids,
            text=mask(letter.text),
            intent=None if command is None else command.intent.value,
            outcome=decision.outcome,
            reason=decision.reason,
        ),
        question=_question(letter, decision),
        hand_over=_hand_over(decision),
        patient_id=decision.patient_id,
        appointment_id=decision.appointment_id,
        withdraw_number=decision.withdraw_number,
    )


def answers(read: Read, language: str, now: datetime) -> list[TextOut]:
    """The answer, if there is one."""
    decision = read.decision
    if decision.reply is None:
        return []
    about = decision.patient_id, decision.appointment_id
    return [answer(read.letter, decision.reply, decision.thread, language, now, about)]


def answer(
    letter: Letter,
    reply: Reply,
    thread: ThreadFacts,
    language: str,
    now: datetime,
    about: tuple[int | None, int | None] = (None, None),
) -> TextOut:
    """*reply* to *letter*, in the language of its thread or else in *language*, *about* a patient and a visit."""
    patient_id, appointment_id = about
    return TextOut(
        key=_reply_key(letter),
        thread_id=thread.id,
        number=letter.number,
        service_number=letter.service_number,
        purpose=Purpose.ANSWER,
        lane=Lane.ANSWER,
        message=reply.message,
        body=wording.body(reply, thread.language or language),
        due_at=now,
        expires_at=now + ANSWER_HOLDS,
        patient_id=patient_id,
        appointment_id=appointment_id,
        inbox_id=letter.inbox_id,
    )


def told(
    notices: Iterable[Notice], threads: Mapping[tuple[str, str], ThreadFacts], service_number: str, now: datetime
) -> list[TextOut]:
    """The texts to other numbers than the sender's, each on the thread of its own number."""
    return [
        TextOut(
            key=notice.key,
            thread_id=threads[notice.number, service_number].id,
            number=notice.number,
            service_number=service_number,
            purpose=notice.purpose,
            lane=Lane.CALL_NOTICE,
            message=notice.message,
            body=render(notice.message, notice.language, notice.blanks),
            due_at=now,
            expires_at=now + ANSWER_HOLDS,
            patient_id=notice.patient_id,
            appointment_id=notice.appointment_id,
        )
        for notice in notices
    ]


def _question(letter: Letter, decision: Decision) -> QuestionOut | None:
    asked = decision.ask
    if asked is None:
        return None
    return QuestionOut(
        kind=asked.kind,
        outbox_key=_reply_key(letter),
        data=question_data(asked.choices, asked.pending),
        expires_at=asked.expires_at,
        patient_id=asked.patient_id,
        appointment_id=asked.appointment_id,
    )


def _hand_over(decision: Decision) -> HandOverOut | None:
    opened = decision.hand_over
    if opened is None:
        return None
    return HandOverOut(opened.reason, opened.promised_at, opened.urgent, opened.patient_id, opened.command)


def _reply_key(letter: Letter) -> str:
    return f"reply:{letter.inbox_id}"
