"""Slots and appointments."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from sqlalchemy import Row, Table, select
from sqlalchemy.sql.elements import ColumnElement

from api.access import actor
from api.blueprint import Answer, v1, versioned
from api.conditions import condition
from api.office import office
from api.paging import Moment, PageQuery, cursor_of, instant, place_of
from api.schemas import AppointmentPage, AppointmentView, SlotPage, SlotView, Written
from api.spec import operation
from api.views import appointment_view, slot_view
from handlers.clerk import SlotOrder
from handlers.entries import AppointmentEntry, Key, SlotEntry, SlotList
from handlers.refusals import Unknown
from models.diary import APPOINTMENT, SLOT, after, appointments_where, named, serves, slots, slots_where
from models.register import CLINIC, PATIENT, SERVICE, in_clinics
from models.states import AppointmentStatus, SlotState


def _word(value: Any) -> Any:
    """Take "true" and "false", as a query writes them."""
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


class SlotQuery(PageQuery):
    """Which slots: those that start in [from, to), by time."""

    clinic: Key | None = None
    service: Key | None = None
    from_: Moment | None = Field(default=None, alias="from")
    to: Moment | None = None
    free: Annotated[bool, BeforeValidator(_word)] = Field(default=False, description="only those that can be booked")


class AppointmentQuery(PageQuery):
    """Which visits: those that start in [from, to), by time."""

    clinic: Key | None = None
    patient: Key | None = None
    from_: Moment | None = Field(default=None, alias="from")
    to: Moment | None = None
    status: AppointmentStatus | None = None


# --- slots --------------------------------------------------------------------------------------------------------


@v1.put("/slots/<string:key>")
@operation("write", "slots", SlotView, made=True, errors=(409, 412))
def put_slot(key: str, json: SlotEntry) -> Answer:
    """Make or change a slot. One that an appointment has cannot be changed (409)."""
    new = office().clerk.put_slots(actor(), [SlotOrder(key, json)], office().clock(), condition())
    return versioned(_slot(key), created=key in new)


@v1.put("/slots")
@operation("write", "slots", Written, errors=(409,))
def put_slots(json: SlotList) -> dict[str, int]:
    """Make or change up to 1,000 slots, all or none; faults name their place, as in slots[3].clinic."""
    orders = [SlotOrder(slot.id, slot, f"slots[{index}]") for index, slot in enumerate(json.slots)]
    new = office().clerk.put_slots(actor(), orders, office().clock())
    return {"created": len(new), "written": len(orders)}


@v1.get("/slots/<string:key>")
@operation("read", "slots", SlotView, errors=(404,))
def get_slot(key: str) -> Answer:
    """Read a slot."""
    return versioned(_slot(key))


@v1.delete("/slots/<string:key>")
@operation("write", "slots", None, errors=(404, 409, 412))
def delete_slot(key: str) -> tuple[str, int]:
    """Take a slot off the diary. One that an appointment has cannot go (409)."""
    office().clerk.delete_slot(actor(), key, office().clock(), condition())
    return "", 204


@v1.get("/slots")
@operation("read", "slots", SlotPage)
def list_slots(query: SlotQuery) -> dict[str, Any]:
    """List slots by time; withdrawn ones only by their id."""
    state = SLOT.c.state == SlotState.FREE if query.free else SLOT.c.state != SlotState.WITHDRAWN
    with office().database.reading() as connection:
        conditions = [state, *_between(SLOT, query), in_clinics(SLOT.c.clinic_id, actor().clinics)]
        conditions += _of(SLOT.c.clinic_id, CLINIC, query.clinic)
        if query.service is not None:
            ids = select(SERVICE.c.id).where(SERVICE.c.key == query.service)
            conditions.append(serves(connection.execute(ids).scalar() or 0))
        found = slots(connection, slots_where(*conditions).limit(query.limit + 1))
    return {
        "items": [slot_view(record) for record in found[: query.limit]],
        "cursor": _cursor([record.row for record in found], query.limit),
    }


def _slot(key: str) -> dict[str, Any]:
    with office().database.reading() as connection:
        mine = in_clinics(SLOT.c.clinic_id, actor().clinics)
        found = slots(connection, slots_where(SLOT.c.key == key, mine))
    if not found:
        raise Unknown.because("no such slot")
    return slot_view(found[0])


# --- appointments -------------------------------------------------------------------------------------------------


@v1.put("/appointments/<string:key>")
@operation("write", "appointments", AppointmentView, made=True, errors=(404, 409, 412))
def put_appointment(key: str, json: AppointmentEntry) -> Answer:
    """Make or change a visit, with the slot that it fills.

    A patient may have changed it by text meanwhile: moving it elsewhere, or bringing it back, then needs If-Match with
    the version that you have seen; without it such a change is refused (409).
    """
    done = office().clerk.put_appointment(actor(), key, json, office().clock(), condition())
    if json.notify:
        office().ring()
    return versioned(_appointment(APPOINTMENT.c.id == done.id), created=done.created)


@v1.get("/appointments/<string:key>")
@operation("read", "appointments", AppointmentView, errors=(404,))
def get_appointment(key: str) -> Answer:
    """Read a visit, by your id or by ours."""
    return versioned(_appointment(named(key)))


@v1.get("/appointments")
@operation("read", "appointments", AppointmentPage)
def list_appointments(query: AppointmentQuery) -> dict[str, Any]:
    """List visits by time."""
    conditions = [*_between(APPOINTMENT, query), in_clinics(APPOINTMENT.c.clinic_id, actor().clinics)]
    conditions += _of(APPOINTMENT.c.clinic_id, CLINIC, query.clinic)
    conditions += _of(APPOINTMENT.c.patient_id, PATIENT, query.patient)
    if query.status is not None:
        conditions.append(APPOINTMENT.c.status == query.status)
    with office().database.reading() as connection:
        rows = connection.execute(appointments_where(*conditions).limit(query.limit + 1)).all()
    return {"items": [appointment_view(row) for row in rows[: query.limit]], "cursor": _cursor(rows, query.limit)}


def _appointment(condition: ColumnElement[bool]) -> dict[str, Any]:
    mine = in_clinics(APPOINTMENT.c.clinic_id, actor().clinics)
    with office().database.reading() as connection:
        row = connection.execute(appointments_where(condition, mine)).first()
    if row is None:
        raise Unknown.because("no such visit")
    return appointment_view(row)


# --- lists --------------------------------------------------------------------------------------------------------


def _between(table: Table, query: SlotQuery | AppointmentQuery) -> list[ColumnElement[bool]]:
    conditions = []
    if query.from_ is not None:
        conditions.append(table.c.starts_at >= instant(query.from_, office().zone))
    if query.to is not None:
        conditions.append(table.c.starts_at < instant(query.to, office().zone))
    if query.cursor is not None:
        conditions.append(after(table, *place_of(query.cursor)))
    return conditions


def _of(column: ColumnElement[int], table: Table, key: str | None) -> list[ColumnElement[bool]]:
    return [] if key is None else [column.in_(select(table.c.id).where(table.c.key == key))]


def _cursor(rows: Any, limit: int) -> str | None:
    if len(rows) <= limit:
        return None
    last: Row[Any] = rows[limit - 1]
    return cursor_of(last.starts_at, last.id)
