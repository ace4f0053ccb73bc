"""What patients are told when the clinic's system changes their diary and asks us to say so."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

from sqlalchemy import select

from handlers.clerk.order import Order
from handlers.clerk.outgoing import Outgoing, send
from lang.messages import render
from models.diary import APPOINTMENT
from models.register import CLINIC, PATIENT, numbers_of
from models.states import Purpose

MESSAGE = "booked_by_clinic"


def tell_of_booking(order: Order, appointment_id: int) -> str | None:
    """Text the patient where and when their visit is; returns why that cannot be, or None. Once for each time."""
    visit = order.connection.execute(select(APPOINTMENT).where(APPOINTMENT.c.id == appointment_id)).one()
    patient = order.connection.execute(select(PATIENT).where(PATIENT.c.id == visit.patient_id)).one()
    clinic = order.connection.execute(select(CLINIC).where(CLINIC.c.id == visit.clinic_id)).one()
    numbers = numbers_of(order.connection, patient.id)
    if not numbers:
        return "no_number"
    if visit.starts_at <= order.now:
        return "past"
    language = patient.language or order.rules.languages[0]
    local = visit.starts_at.astimezone(ZoneInfo(clinic.timezone))
    body = render(MESSAGE, language, {"when": local, "clinic": clinic.name[language]})
    start = visit.starts_at.astimezone(UTC)
    return send(
        order,
        Outgoing(
            key=f"booked:{appointment_id}:{start:%Y-%m-%dT%H:%MZ}",
            clinic=clinic,
            number=numbers[0],
            purpose=Purpose.REMINDERS,
            message=MESSAGE,
            body=body,
            patient=patient,
            appointment_id=appointment_id,
            until=visit.starts_at,
        ),
    )
