"""Reminders as lists show them: planned, sent, withdrawn, or not sent and why."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, String, and_, case, func, or_, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.sql.elements import ColumnElement

from models.queries import APPOINTMENT
from models.register import CLINIC, PATIENT
from models.reminding import OUTBOX, REMINDER
from models.states import OutboxState, ReminderState


def has_become() -> ColumnElement[str]:
    """What a reminder has become: once it is in the outbox, its text tells. One whose text is deleted had gone."""
    text_state = OUTBOX.c.state
    failed = [OutboxState.FAILED, OutboxState.EXPIRED, OutboxState.BLOCKED]
    return case(
        (REMINDER.c.state != ReminderState.QUEUED, sql_cast(REMINDER.c.state, String)),
        (text_state.in_([OutboxState.QUEUED, OutboxState.LEASED]), "queued"),
        (text_state.in_(failed), "not_sent"),
        (text_state == OutboxState.WITHDRAWN, "withdrawn"),
        else_="sent",
    )


def listed() -> Select[Any]:
    """A query of reminders by the time at which they are due, with the keys of what they are about."""
    return (
        select(
            REMINDER,
            has_become().label("became"),
            func.coalesce(REMINDER.c.reason, OUTBOX.c.reason).label("why"),
            OUTBOX.c.sent_at,
            APPOINTMENT.c.key.label("appointment_key"),
            PATIENT.c.key.label("patient_key"),
            CLINIC.c.key.label("clinic_key"),
            CLINIC.c.timezone,
        )
        .join(APPOINTMENT, APPOINTMENT.c.id == REMINDER.c.appointment_id)
        .join(PATIENT, PATIENT.c.id == APPOINTMENT.c.patient_id)
        .join(CLINIC, CLINIC.c.id == APPOINTMENT.c.clinic_id)
        .outerjoin(OUTBOX, OUTBOX.c.key == REMINDER.c.outbox_key)
        .order_by(REMINDER.c.due_at, REMINDER.c.id)
    )


def listed_after(due_at: datetime, id_: int) -> ColumnElement[bool]:
    """What follows this place in that list."""
    return or_(REMINDER.c.due_at > due_at, and_(REMINDER.c.due_at == due_at, REMINDER.c.id > id_))
