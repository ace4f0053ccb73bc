"""Reminders that a clinic asks for, beside those of the steps."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select

from handlers.clerk.order import Order
from handlers.entries import RemindEntry
from handlers.permission import outside_quiet_hours
from handlers.refusals import Clash, Invalid, Unknown
from models.diary import lock_appointment, named
from models.planning import push
from models.register import CLINIC
from models.states import COMING


def remind(order: Order, key: str, entry: RemindEntry) -> int:
    """Have a coming visit reminded of once more, now or at the time asked for, outside quiet hours; returns its id.

    Asking twice for the same minute is asking once. Raises `Unknown`, `Forbidden`, `Clash` and `Invalid`.
    """
    visit = lock_appointment(order.connection, named(key))
    if visit is None:
        raise Unknown.because("no such visit")
    clinic = order.connection.execute(select(CLINIC).where(CLINIC.c.id == visit.clinic_id)).one()
    order.require_clinic(clinic.key)
    if visit.status not in COMING or visit.starts_at <= order.now:
        raise Clash.because("only a coming visit can be reminded of")
    due = outside_quiet_hours(max(order.now, entry.at or order.now), order.rules.quiet, ZoneInfo(clinic.timezone))
    if due >= visit.starts_at:
        raise Invalid.because("the reminder would go after the visit has begun", "at")
    id_ = push(order.connection, visit.id, visit.starts_at, _minute(due), due)
    order.record("push_reminder", patient_id=visit.patient_id, appointment_id=visit.id)
    return id_


def _minute(due: datetime) -> str:
    return f"{due.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
