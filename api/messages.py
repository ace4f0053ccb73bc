"""Texts that a program sends to one person."""

from __future__ import annotations

from typing import Any

from api.access import actor
from api.blueprint import v1
from api.office import office
from api.requests import once
from api.schemas import MessageView
from api.spec import operation
from api.views import message_view
from handlers.clerk import Sent
from handlers.entries import MessageEntry
from handlers.refusals import Unknown
from models.correspondence import outbox_row
from models.register import CLINIC, PATIENT
from models.rows import keys_by_id


@v1.post("/messages")
@operation("messages", "messages", MessageView, made=True, errors=(409,))
def send_message(json: MessageEntry) -> tuple[dict[str, Any], int]:
    """Send a text to a patient or a number.

    Consents, stops and prohibitions hold: a text that may not go is kept as blocked, with the reason. Texts wait for
    the end of quiet hours, but an answer to an open hand-over goes at once. A care text makes the thread a person's.
    """
    sent = office().clerk.send_message(actor(), json, office().clock(), once())
    if sent.id is None:
        return _without_number(json, sent), 201
    office().ring()
    return _message(sent.id), 201


@v1.get("/messages/<string:key>")
@operation("read", "messages", MessageView, errors=(404,))
def get_message(key: str) -> dict[str, Any]:
    """Read what became of a message."""
    return _message(key)


def _message(message_id: str) -> dict[str, Any]:
    with office().database.reading() as connection:
        row = outbox_row(connection, f"message:{message_id}", actor().clinics)
        if row is None:
            raise Unknown.because("no such message")
        clinic = keys_by_id(connection, CLINIC, [row.clinic_id]).get(row.clinic_id)
        patient = keys_by_id(connection, PATIENT, [row.patient_id]).get(row.patient_id)
    return message_view(row, office().keys, office().zone, clinic, patient)


def _without_number(entry: MessageEntry, sent: Sent) -> dict[str, Any]:
    empty = dict.fromkeys(("id", "number", "due_at", "sent_at", "receipt", "text"))
    said = {"patient": entry.patient, "clinic": entry.clinic, "purpose": entry.purpose}
    return {**empty, **said, "status": "blocked", "reason": sent.reason, "warnings": [], "parts": 0}
