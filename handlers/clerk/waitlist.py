"""The waitlist as staff and the clinic's programs keep it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from handlers.clerk.order import Order
from handlers.entries import WaitlistEntry
from handlers.hours import DAYS
from handlers.refusals import Clash, Fault, Invalid, Unknown
from handlers.rules import duration
from models.diary import APPOINTMENT, named
from models.offering import WAITLIST
from models.register import CLINIC, PATIENT, SERVICE, seen_by
from models.rows import Condition, Put, change, find, ids_by_key, insert_row
from models.states import WaitlistState


def put_entry(order: Order, key: str, entry: WaitlistEntry, condition: Condition) -> Put:
    """Put a patient on the waitlist of a service, or change for which times. Whoever had left is on it again.

    Raises `Invalid`, `Forbidden`, `Unknown`, `Clash` (they wait for this service already) and `StaleVersion`.
    """
    order.require_plain(key)
    row = find(order.connection, WAITLIST, key, lock=True)
    condition.check(None if row is None else row.version)
    values = _values(order, entry)
    _refuse_second(order, key, values)
    if row is None:
        made = {"key": key, **values, "created_by": order.actor.name, "joined_at": order.now}
        id_ = insert_row(order.connection, WAITLIST, made)
        order.record("joined_waitlist", patient_id=values["patient_id"], entry=id_)
        return Put(id_, 1, created=True, changed=True)
    if row.patient_id != values["patient_id"]:
        raise Clash.because("this entry is another patient's", "patient")
    new = {name: value for name, value in values.items() if getattr(row, name) != value}
    if not new:
        return Put(row.id, row.version, created=False, changed=False)
    change(order.connection, WAITLIST, row.id, row.version, new)
    order.record("changed_waitlist", patient_id=row.patient_id, entry=row.id)
    return Put(row.id, row.version + 1, created=False, changed=True)


def delete_entry(order: Order, key: str, condition: Condition) -> None:
    """Take an entry off the waitlist; doing it twice is harmless. Raises `Unknown` and `StaleVersion`."""
    row = find(order.connection, WAITLIST, key, lock=True)
    if row is None or not _may_see(order, row):
        raise Unknown.because("no such entry")
    condition.check(row.version)
    if row.state is WaitlistState.ACTIVE:
        change(order.connection, WAITLIST, row.id, row.version, {"state": WaitlistState.LEFT})
        order.record("left_waitlist", patient_id=row.patient_id, entry=row.id)


def _may_see(order: Order, row: Row[Any]) -> bool:
    mine = select(PATIENT.c.id).where(PATIENT.c.id == row.patient_id, seen_by(order.actor.clinics))
    return order.connection.execute(mine).first() is not None


def _values(order: Order, entry: WaitlistEntry) -> dict[str, Any]:
    patient = find(order.connection, PATIENT, entry.patient)
    service = find(order.connection, SERVICE, entry.service)
    clinics = ids_by_key(order.connection, CLINIC, entry.clinics or [])
    visit = None
    if entry.appointment is not None:
        visit = order.connection.execute(select(APPOINTMENT).where(named(entry.appointment))).first()
    faults = [
        *([] if patient is not None else [Fault("patient", "no such patient")]),
        *([] if service is not None else [Fault("service", "no such service")]),
        *(Fault(f"clinics[{n}]", "no such clinic") for n, key in enumerate(entry.clinics or ()) if key not in clinics),
    ]
    if entry.appointment is not None and (visit is None or patient is None or visit.patient_id != patient.id):
        faults.append(Fault("appointment", "no such visit of this patient"))
    if faults or patient is None or service is None:
        raise Invalid(*faults)
    for number, key in enumerate(entry.clinics or ()):
        order.require_clinic(key, f"clinics[{number}]")
    return {
        "patient_id": patient.id,
        "service_id": service.id,
        "clinics": None if entry.clinics is None else [clinics[key] for key in entry.clinics],
        "days": None if entry.days is None else sorted({DAYS.index(day) + 1 for day in entry.days}),
        "hours": None if entry.hours is None else [list(span) for span in entry.hours],
        "notice_minutes": 0 if entry.notice is None else int(duration(entry.notice).total_seconds() // 60),
        "weekly_max": entry.weekly_max,
        "care_class": entry.care_class,
        "appointment_id": None if visit is None else visit.id,
        "state": WaitlistState.ACTIVE,
    }


def _refuse_second(order: Order, key: str, values: dict[str, Any]) -> None:
    waits = select(WAITLIST.c.id).where(
        WAITLIST.c.patient_id == values["patient_id"],
        WAITLIST.c.service_id == values["service_id"],
        WAITLIST.c.state == WaitlistState.ACTIVE,
        WAITLIST.c.key != key,
    )
    if order.connection.execute(waits).first() is not None:
        raise Clash.because("this patient waits for a time of this service already", "patient")
