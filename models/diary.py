"""The diary as the clinic's system sees it: slots and appointments by key, claimed and released by compare-and-set."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, Row, Select, Table, and_, delete, exists, insert, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from models.applying import NEVER_FREED
from models.register import CLINIC, PATIENT, PRACTITIONER, SERVICE
from models.schedule import Appointment, Slot, SlotService
from models.states import AppointmentStatus, FreedBy, SlotState

SLOT = cast(Table, Slot.__table__)
SLOT_SERVICE = cast(Table, SlotService.__table__)
APPOINTMENT = cast(Table, Appointment.__table__)
_OUR_ID = re.compile(r"t-\d{1,18}", re.ASCII)
DEAD = (AppointmentStatus.CANCELLED, AppointmentStatus.LAPSED)


# --- claiming and releasing ---------------------------------------------------------------------------------------


def claim(connection: Connection, slot_id: int) -> bool:
    """Take the slot if nobody has it; one that staff hold may be taken too, since it is they who ask."""
    open_ = SLOT.c.state.in_([SlotState.FREE, SlotState.HELD])
    return _set_state(connection, slot_id, open_, SlotState.TAKEN, **NEVER_FREED)


def release(connection: Connection, slot_id: int, service_id: int, now: datetime) -> bool:
    """Make a taken slot free again; it may be offered to those who wait for a time of the service."""
    freed = {"freed_at": now, "freed_by": FreedBy.STAFF, "freed_service_id": service_id, "freed_offer_id": None}
    return _set_state(connection, slot_id, SLOT.c.state == SlotState.TAKEN, SlotState.FREE, **freed)


def withdraw_slot(connection: Connection, slot_id: int) -> bool:
    """Take a slot that is not taken off the diary."""
    return _set_state(connection, slot_id, SLOT.c.state != SlotState.TAKEN, SlotState.WITHDRAWN, **NEVER_FREED)


def _set_state(
    connection: Connection, slot_id: int, seen: ColumnElement[bool], state: SlotState, **values: Any
) -> bool:
    statement = update(SLOT).where(SLOT.c.id == slot_id, seen)
    statement = statement.values(state=state, version=SLOT.c.version + 1, **values)
    return connection.execute(statement).rowcount == 1


# --- slots --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SlotRecord:
    """A slot with the keys of what it refers to, and the live appointment in it."""

    row: Row[Any]
    services: tuple[str, ...]
    appointment_id: int | None
    appointment_key: str | None


_SLOTS = (
    select(
        SLOT,
        CLINIC.c.key.label("clinic_key"),
        CLINIC.c.timezone,
        PRACTITIONER.c.key.label("practitioner_key"),
        APPOINTMENT.c.id.label("appointment_id"),
        APPOINTMENT.c.key.label("appointment_key"),
    )
    .join(CLINIC, CLINIC.c.id == SLOT.c.clinic_id)
    .outerjoin(PRACTITIONER, PRACTITIONER.c.id == SLOT.c.practitioner_id)
    .outerjoin(APPOINTMENT, and_(APPOINTMENT.c.slot_id == SLOT.c.id, APPOINTMENT.c.status.not_in(DEAD)))
)


def slots(connection: Connection, query: Select[Any]) -> list[SlotRecord]:
    """The slots that *query* (made by `slots_where`) finds."""
    rows = connection.execute(query).all()
    services: dict[int, list[str]] = {row.id: [] for row in rows}
    found = connection.execute(
        select(SLOT_SERVICE.c.slot_id, SERVICE.c.key)
        .join(SERVICE, SERVICE.c.id == SLOT_SERVICE.c.service_id)
        .where(SLOT_SERVICE.c.slot_id.in_(services))
        .order_by(SERVICE.c.key)
    )
    for slot_id, key in found:
        services[slot_id].append(key)
    return [SlotRecord(row, tuple(services[row.id]), row.appointment_id, row.appointment_key) for row in rows]


def slots_where(*conditions: ColumnElement[bool]) -> Select[Any]:
    """A query of slots that meet *conditions*, by time."""
    return _SLOTS.where(*conditions).order_by(SLOT.c.starts_at, SLOT.c.id)


def serves(service_id: int) -> ColumnElement[bool]:
    """Slots that can be used for the service."""
    return exists().where(SLOT_SERVICE.c.slot_id == SLOT.c.id, SLOT_SERVICE.c.service_id == service_id)


def after(table: Table, starts_at: datetime, id_: int) -> ColumnElement[bool]:
    """What follows this place in a list by time."""
    return or_(table.c.starts_at > starts_at, and_(table.c.starts_at == starts_at, table.c.id > id_))


@dataclass(frozen=True, slots=True)
class SlotValues:
    """A slot to be written. *state* None leaves it as it is (a new or withdrawn one becomes free)."""

    key: str
    clinic_id: int
    practitioner_id: int | None
    starts_at: datetime
    ends_at: datetime
    state: SlotState | None
    services: frozenset[int]

    def place(self) -> dict[str, Any]:
        """The columns that say where and when."""
        names = ("clinic_id", "practitioner_id", "starts_at", "ends_at")
        return {name: getattr(self, name) for name in names}


@dataclass(slots=True)
class StoredSlots:
    """What there is of a bulk request: rows by key, and the services of each."""

    rows: Mapping[str, Row[Any]]
    services: dict[int, set[int]] = field(default_factory=dict)

    def differs(self, new: SlotValues) -> bool:
        """Whether *new* would change an existing slot."""
        row = self.rows[new.key]
        same = all(getattr(row, name) == value for name, value in new.place().items())
        return not (same and self.services[row.id] == new.services and self.state(new) is row.state)

    def state(self, new: SlotValues) -> SlotState:
        """The state that the existing slot would be in."""
        row = self.rows[new.key]
        if new.state is not None and row.state is not SlotState.TAKEN:
            return new.state
        return SlotState.FREE if row.state is SlotState.WITHDRAWN else cast(SlotState, row.state)


def stored_slots(connection: Connection, keys: Collection[str]) -> StoredSlots:
    """The slots with these keys, kept as they are until the transaction ends."""
    rows = connection.execute(select(SLOT).where(SLOT.c.key.in_(keys)).order_by(SLOT.c.id).with_for_update()).all()
    stored = StoredSlots({row.key: row for row in rows}, {row.id: set() for row in rows})
    links = connection.execute(select(SLOT_SERVICE).where(SLOT_SERVICE.c.slot_id.in_(stored.services)))
    for slot_id, service_id in links:
        stored.services[slot_id].add(service_id)
    return stored


def insert_slots(connection: Connection, new: Sequence[SlotValues], state: SlotState = SlotState.FREE) -> None:
    """Write new slots, many at once."""
    if not new:
        return
    rows = [{"key": each.key, **each.place(), "state": each.state or state} for each in new]
    ids = {row[1]: row[0] for row in connection.execute(insert(SLOT).returning(SLOT.c.id, SLOT.c.key), rows)}
    _link(connection, [(ids[each.key], service) for each in new for service in each.services])


def update_slot(connection: Connection, stored: StoredSlots, new: SlotValues) -> None:
    """Bring an existing slot to *new*. The caller has seen that it is not taken."""
    row, state = stored.rows[new.key], stored.state(new)
    values = new.place() | {"state": state, "version": SLOT.c.version + 1}
    if state is SlotState.HELD:
        values |= NEVER_FREED  # what staff keep is not offered, however it fell free
    connection.execute(update(SLOT).where(SLOT.c.id == row.id).values(**values))
    if stored.services[row.id] != new.services:
        connection.execute(delete(SLOT_SERVICE).where(SLOT_SERVICE.c.slot_id == row.id))
        _link(connection, [(row.id, service) for service in new.services])


def _link(connection: Connection, pairs: Sequence[tuple[int, int]]) -> None:
    if pairs:
        connection.execute(insert(SLOT_SERVICE), [{"slot_id": slot, "service_id": service} for slot, service in pairs])


# --- appointments -------------------------------------------------------------------------------------------------

_APPOINTMENTS = (
    select(
        APPOINTMENT,
        CLINIC.c.key.label("clinic_key"),
        CLINIC.c.timezone,
        PATIENT.c.key.label("patient_key"),
        SERVICE.c.key.label("service_key"),
        PRACTITIONER.c.key.label("practitioner_key"),
        SLOT.c.key.label("slot_key"),
    )
    .join(CLINIC, CLINIC.c.id == APPOINTMENT.c.clinic_id)
    .join(PATIENT, PATIENT.c.id == APPOINTMENT.c.patient_id)
    .join(SERVICE, SERVICE.c.id == APPOINTMENT.c.service_id)
    .join(SLOT, SLOT.c.id == APPOINTMENT.c.slot_id)
    .outerjoin(PRACTITIONER, PRACTITIONER.c.id == APPOINTMENT.c.practitioner_id)
)


def appointments_where(*conditions: ColumnElement[bool]) -> Select[Any]:
    """A query of appointments that meet *conditions*, by time, with the keys of what they refer to."""
    return _APPOINTMENTS.where(*conditions).order_by(APPOINTMENT.c.starts_at, APPOINTMENT.c.id)


def named(key: str) -> ColumnElement[bool]:
    """The appointment with the clinic system's own key, or with our id ("t-41")."""
    if _OUR_ID.fullmatch(key):
        return APPOINTMENT.c.id == int(key[2:])
    return APPOINTMENT.c.key == key


def our_id(appointment_id: int) -> str:
    """How we name an appointment to the clinic's system, which may have no key of its own for it."""
    return f"t-{appointment_id}"


def lock_appointment(connection: Connection, condition: ColumnElement[bool]) -> Row[Any] | None:
    """The appointment, kept as it is until the transaction ends."""
    return connection.execute(select(APPOINTMENT).where(condition).with_for_update()).first()
