"""Appointments as the clinic's system tells of them. A patient may have changed one by text meanwhile.

Such a change is not overwritten in silence: a PUT that would take the visit elsewhere, or bring back one that was
given up, needs the version that it has seen (If-Match) unless the clinic's system itself was the last to write.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from handlers.clerk.notices import tell_of_booking
from handlers.clerk.order import Order
from handlers.entries import AppointmentEntry
from handlers.refusals import Clash, Fault, Invalid, Unknown
from models.applying import forget_what_was_queued
from models.diary import (
    APPOINTMENT,
    SLOT,
    SlotValues,
    claim,
    insert_slots,
    lock_appointment,
    named,
    release,
    stored_slots,
    update_slot,
)
from models.events import event, tell
from models.offering import end_on_slots
from models.register import CLINIC, PATIENT, SERVICE, practitioner_ids
from models.rows import Condition, Put, change, insert_row, keys_by_id
from models.states import COMING, AppointmentStatus, SlotState


@dataclass(frozen=True, slots=True)
class _Place:
    """Where and when a visit is to be."""

    slot_id: int
    clinic_id: int
    practitioner_id: int | None
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class _Refs:
    """What the entry refers to."""

    patient_id: int
    service_id: int


def put_appointment(order: Order, key: str, entry: AppointmentEntry, condition: Condition) -> Put:
    """Make or change a visit, with the slot that it fills.

    Raises `Invalid`, `Forbidden`, `Unknown`, `Clash` (a slot that is taken, a change that the asker has not seen) and
    `StaleVersion`.
    """
    order.require_plain(key)
    row = _find(order, key, entry)
    condition.check(None if row is None else row.version)
    refs = _refs(order, entry)
    if row is not None and row.patient_id != refs.patient_id:
        raise Clash.because("this visit is another patient's: cancel it and make a new one", "patient")
    live = (entry.status or (AppointmentStatus.BOOKED if row is None else row.status)).live
    place = _place(order, key, row, entry, live=live)
    status = _status(row, entry, moved=row is not None and place.slot_id != row.slot_id)
    if row is None:
        done = _make(order, key, refs, place, status)
    else:
        _refuse_unseen(row, place, status, condition)
        done = _change(order, row, _own_key(key), refs, place, status)
    if entry.notify and done.changed and status in COMING:
        tell_of_booking(order, done.id)
    return done


# --- reading what is meant ----------------------------------------------------------------------------------------


def _find(order: Order, key: str, entry: AppointmentEntry) -> Row[Any] | None:
    row = lock_appointment(order.connection, named(key))
    if entry.our_id is None or (row is not None and row.id == int(entry.our_id[2:])):
        pass
    elif row is not None:
        raise Clash.because("this id is another visit's", "our_id")
    else:
        row = lock_appointment(order.connection, named(entry.our_id))
        if row is None:
            raise Invalid.because("no such visit", "our_id")
        if row.key is not None:
            raise Clash.because("this visit has an id of yours already", "our_id")
    if row is None and key.startswith("t-"):
        raise Unknown.because("no such visit: ids that begin with t- are given by us")
    if row is not None:
        order.require_clinic(keys_by_id(order.connection, CLINIC, [row.clinic_id])[row.clinic_id])
    return row


def _own_key(key: str) -> str | None:
    """The key that the row is to have; our id is none."""
    return None if key.startswith("t-") else key


def _refs(order: Order, entry: AppointmentEntry) -> _Refs:
    patient = order.connection.execute(select(PATIENT.c.id).where(PATIENT.c.key == entry.patient)).scalar()
    service = order.connection.execute(select(SERVICE.c.id).where(SERVICE.c.key == entry.service)).scalar()
    if patient is None or service is None:
        missing = {"patient": patient, "service": service}
        raise Invalid(*(Fault(path, f"no such {path}") for path, id_ in missing.items() if id_ is None))
    return _Refs(patient, service)


def _place(order: Order, key: str, row: Row[Any] | None, entry: AppointmentEntry, *, live: bool) -> _Place:
    if row is not None and not live:  # given up: it stays where it was
        return _Place(row.slot_id, row.clinic_id, row.practitioner_id, row.starts_at, row.ends_at)
    if entry.slot is not None:
        return _place_in_slot(order, entry)
    assert entry.clinic
    assert entry.start
    assert entry.end
    order.require_clinic(entry.clinic)
    clinic_id = order.connection.execute(select(CLINIC.c.id).where(CLINIC.c.key == entry.clinic)).scalar()
    if clinic_id is None:
        raise Invalid.because("no such clinic", "clinic")
    practitioner_id = _practitioner(order, row, entry)
    place = (clinic_id, practitioner_id, entry.start, entry.end)
    if row is not None and place == (row.clinic_id, row.practitioner_id, row.starts_at, row.ends_at):
        return _Place(row.slot_id, *place)
    return _Place(_slot_of_its_own(order, key, entry, place, live=live), *place)


def _place_in_slot(order: Order, entry: AppointmentEntry) -> _Place:
    slot = order.connection.execute(select(SLOT).where(SLOT.c.key == entry.slot)).first()
    if slot is None:
        raise Invalid.because("no such slot", "slot")
    clinic = keys_by_id(order.connection, CLINIC, [slot.clinic_id])[slot.clinic_id]
    order.require_clinic(clinic)
    if entry.clinic not in (None, clinic):
        raise Invalid.because("the slot is at another clinic", "clinic")
    return _Place(slot.id, slot.clinic_id, slot.practitioner_id, slot.starts_at, slot.ends_at)


def _practitioner(order: Order, row: Row[Any] | None, entry: AppointmentEntry) -> int | None:
    if entry.practitioner is not None:
        return practitioner_ids(order.connection, {entry.practitioner})[entry.practitioner]
    return None if row is None else row.practitioner_id


def _slot_of_its_own(
    order: Order, key: str, entry: AppointmentEntry, place: tuple[int, int | None, datetime, datetime], *, live: bool
) -> int:
    """A slot for a visit that came without one: every visit has a slot, so that no two can have one time."""
    service = order.connection.execute(select(SERVICE.c.id).where(SERVICE.c.key == entry.service)).scalar_one()
    slot_key = f"visit:{key}:{entry.clinic}:{int(place[2].timestamp())}"
    values = SlotValues(slot_key, *place, state=None, services=frozenset({service}))
    stored = stored_slots(order.connection, [slot_key])
    if slot_key not in stored.rows:
        insert_slots(order.connection, [values], SlotState.FREE if live else SlotState.WITHDRAWN)
    elif stored.rows[slot_key].state is not SlotState.TAKEN and stored.differs(values):
        update_slot(order.connection, stored, values)
    return int(order.connection.execute(select(SLOT.c.id).where(SLOT.c.key == slot_key)).scalar_one())


def _status(row: Row[Any] | None, entry: AppointmentEntry, *, moved: bool) -> AppointmentStatus:
    """The status meant. "booked" does not take back a patient's confirmation, except of a time that is no more."""
    if row is None:
        return entry.status or AppointmentStatus.BOOKED
    status: AppointmentStatus = entry.status or row.status
    if row.status is AppointmentStatus.CONFIRMED and status in (AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED):
        if moved:
            return entry.status or AppointmentStatus.BOOKED
        return AppointmentStatus.CONFIRMED
    return status


def _refuse_unseen(row: Row[Any], place: _Place, status: AppointmentStatus, condition: Condition) -> None:
    moved = status.live and row.slot_id != place.slot_id
    revived = status.live and not row.status.live
    seen = condition.names_a_version or row.told_version == row.version
    if (moved or revived) and not seen:
        what = "given up" if revived else "changed"
        raise Clash.because(f"the visit was {what} since you last wrote it: read it, then send If-Match")


# --- writing ------------------------------------------------------------------------------------------------------


def _make(order: Order, key: str, refs: _Refs, place: _Place, status: AppointmentStatus) -> Put:
    if status.live:
        _claim(order, place.slot_id)
    values = {
        "key": key,
        "patient_id": refs.patient_id,
        **_columns(refs, place, status),
        "created_by": "api",
        "created_at": order.now,
        "changed_at": order.now,
        "told_version": 1,
    }
    id_ = insert_row(order.connection, APPOINTMENT, values)
    order.record("put_appointment", patient_id=refs.patient_id, appointment_id=id_, status=status.value)
    tell(order.connection, [event(f"appointment.{status}", f"t-{id_}", place.clinic_id, order.now)])
    return Put(id_, 1, created=True, changed=True)


def _change(order: Order, row: Row[Any], key: str | None, refs: _Refs, place: _Place, status: AppointmentStatus) -> Put:
    values = _columns(refs, place, status) | ({} if key is None else {"key": key})
    if all(getattr(row, name) == value for name, value in values.items()):
        _remember_told(order, row.id, row.version)
        return Put(row.id, row.version, created=False, changed=False)
    moved = place.slot_id != row.slot_id
    if row.status.live and (moved or not status.live):
        release(order.connection, row.slot_id, row.service_id, order.now)
    if status.live and (moved or not row.status.live):
        _claim(order, place.slot_id)
    change(order.connection, APPOINTMENT, row.id, row.version, {**values, "changed_at": order.now})
    _remember_told(order, row.id, row.version + 1)
    if moved or status not in COMING:
        forget_what_was_queued(order.connection, [row.id], order.now)
    order.record("put_appointment", patient_id=row.patient_id, appointment_id=row.id, status=status.value, moved=moved)
    kind = "moved" if moved and status in COMING else status.value
    tell(order.connection, [event(f"appointment.{kind}", f"t-{row.id}", place.clinic_id, order.now)])
    return Put(row.id, row.version + 1, created=False, changed=True)


def _columns(refs: _Refs, place: _Place, status: AppointmentStatus) -> dict[str, Any]:
    return {
        "service_id": refs.service_id,
        "clinic_id": place.clinic_id,
        "practitioner_id": place.practitioner_id,
        "slot_id": place.slot_id,
        "starts_at": place.starts_at,
        "ends_at": place.ends_at,
        "status": status,
    }


def _claim(order: Order, slot_id: int) -> None:
    if not claim(order.connection, slot_id):
        raise Clash.because("the slot is taken", "slot")
    end_on_slots(order.connection, order.keys, [slot_id], "staff gave the time away", order.now)


def _remember_told(order: Order, appointment_id: int, version: int) -> None:
    mine = APPOINTMENT.c.id == appointment_id
    order.connection.execute(update(APPOINTMENT).where(mine).values(told_version=version))
