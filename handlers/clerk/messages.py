"""Messages that a program sends to one person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, select

from handlers.care import Finding, blocking, check
from handlers.clerk.once import Once, once
from handlers.clerk.order import Order
from handlers.clerk.outgoing import Outgoing, send
from handlers.contact import e164, mobile
from handlers.entries import MessageEntry
from handlers.refusals import Invalid
from models import queries
from models.register import CLINIC, PATIENT, by_number, numbers_of
from models.rows import find
from models.states import Purpose
from parser.mask import mask


@dataclass(frozen=True, slots=True)
class Sent:
    """A message by its id, which is None for one that had no number to go to; *reason* says why it is blocked."""

    id: str | None
    reason: str | None


def send_message(order: Order, entry: MessageEntry, request: Once | None) -> Sent:
    """Put a message in the outbox, or keep it as blocked and say why. Raises `Invalid` and `Forbidden`."""
    return Sent(**once(order, request, lambda: _send(order, entry)))


def key_of(message_id: str) -> str:
    """The outbox key of a message."""
    return f"message:{message_id}"


def _send(order: Order, entry: MessageEntry) -> dict[str, str | None]:
    order.require_clinic(entry.clinic)
    clinic = find(order.connection, CLINIC, entry.clinic)
    if clinic is None:
        raise Invalid.because("no such clinic", "clinic")
    patient = None if entry.patient is None else _patient(order, entry.patient)
    number = _number(order, patient, entry)
    if number is None:
        order.record("send_message", patient_id=None if patient is None else patient.id, blocked="no_number")
        return {"id": None, "reason": "no_number"}
    message_id = uuid4().hex
    masked = mask(entry.text)
    reason = send(
        order,
        Outgoing(
            key=key_of(message_id),
            clinic=clinic,
            number=number,
            purpose=Purpose(entry.purpose),
            message="free",
            body=masked,
            patient=patient,
            at=entry.at,
            objection=_objection(order, entry.text, number, patient),
        ),
    )
    order.record("send_message", patient_id=None if patient is None else patient.id, blocked=reason)
    return {"id": message_id, "reason": reason}


def _patient(order: Order, key: str) -> Row[Any]:
    row = find(order.connection, PATIENT, key)
    if row is None:
        raise Invalid.because("no such patient", "patient")
    return row


def _number(order: Order, patient: Row[Any] | None, entry: MessageEntry) -> str | None:
    if patient is not None:
        return next(iter(numbers_of(order.connection, patient.id)), None)
    try:
        return e164(entry.number or "", order.rules.region)
    except ValueError as error:
        raise Invalid.because(str(error), "number") from None


def _objection(order: Order, text: str, number: str, patient: Row[Any] | None) -> str | None:
    """What keeps these words, or any, from going to this number."""
    found = blocking(_findings(order, text, number, patient))
    if found is not None:
        return found.kind.value
    try:
        mobile(number, order.rules.region)
    except ValueError:
        return "not_mobile"
    return None


def _findings(order: Order, text: str, number: str, patient: Row[Any] | None) -> list[Finding]:
    """What the guard says of *text*, knowing whose number it goes to."""
    ids = {row[0] for row in order.connection.execute(select(PATIENT.c.id).where(by_number(number)))}
    people = queries.People()
    queries.add_people(order.connection, people, ids | ({patient.id} if patient is not None else set()), order.now)
    recipient = None if patient is None else people.persons[patient.id]
    return check(text, recipient, [people.persons[id_] for id_ in sorted(ids)])
