"""A text that staff or a program send to one person: whether it may go, when, and its place in the outbox."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select

from gateway.text import Lane
from handlers.clerk.order import Order
from handlers.permission import Recipient, outside_quiet_hours, why_not
from models.correspondence import block, has_open_hand_over, stops_on, take_by_person, thread_for
from models.ledger import TextOut, put_out
from models.register import PATIENT, by_number
from models.states import Purpose

HOLDS = timedelta(hours=24)  # a text that could not be delivered for so long is out of date
LANES = {
    Purpose.CARE: Lane.CALL_NOTICE,
    Purpose.REMINDERS: Lane.REMINDER,
    Purpose.OFFERS: Lane.OFFER,
    Purpose.SURVEYS: Lane.BULK,
}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A text to be sent: to a patient (at their number) or to a number alone."""

    key: str
    clinic: Row[Any]
    number: str
    purpose: Purpose
    message: str
    body: str
    patient: Row[Any] | None = None
    appointment_id: int | None = None
    at: datetime | None = None
    until: datetime | None = None
    objection: str | None = None  # what is wrong with the words themselves


def send(order: Order, text: Outgoing) -> str | None:
    """Put the text in the outbox; returns why it is blocked, or None. A care text makes the thread a person's."""
    thread = thread_for(order.connection, text.number, text.clinic.number, text.clinic.id, order.now)
    answers = text.purpose is Purpose.CARE and has_open_hand_over(order.connection, thread.id)
    reason = text.objection or _why_not(order, text, answers=answers)
    due = _due(order, text, answers=answers)
    row = TextOut(
        key=text.key,
        thread_id=thread.id,
        number=text.number,
        service_number=text.clinic.number,
        purpose=Purpose.ANSWER if answers else text.purpose,
        lane=Lane.ANSWER if answers else LANES[text.purpose],
        message=text.message,
        body=text.body,
        due_at=due,
        expires_at=text.until or due + HOLDS,
        patient_id=None if text.patient is None else text.patient.id,
        appointment_id=text.appointment_id,
    )
    if reason is not None:
        put_out(order.connection, order.keys, [_aside(row)], order.now)
        block(order.connection, text.key, reason)
        return reason
    put_out(order.connection, order.keys, [row], order.now)
    if text.purpose is Purpose.CARE:
        take_by_person(order.connection, thread, order.actor.name, order.now)
    return None


def _aside(row: TextOut) -> TextOut:
    """A blocked text, which must not draw others along as an answer does."""
    return replace(row, lane=Lane.BULK)


def _why_not(order: Order, text: Outgoing, *, answers: bool) -> str | None:
    on_number = order.connection.execute(select(PATIENT).where(by_number(text.number))).all()
    concerned = on_number if text.patient is None else [text.patient]
    return why_not(
        text.purpose,
        [recipient(row) for row in concerned],
        [recipient(row) for row in on_number],
        stops_on(order.connection, text.number),
        answers=answers,
    )


def recipient(row: Row[Any]) -> Recipient:
    """What a patient's row says about texts."""
    return Recipient(row.do_not_text, row.deceased, row.silenced, row.consents)


def _due(order: Order, text: Outgoing, *, answers: bool) -> datetime:
    """When it may go: at the time asked for, and, unless it answers a text, outside the clinic's quiet hours."""
    due = max(order.now, text.at or order.now)
    return due if answers else outside_quiet_hours(due, order.rules.quiet, ZoneInfo(text.clinic.timezone))
