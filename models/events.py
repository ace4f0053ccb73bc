"""The feed of events: what decisions and offers write into it, and how it is read so that nothing is passed over."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import BigInteger, Connection, Row, Table, func, literal_column, select, text
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects import postgresql

from models.changes import (
    BookAppointment,
    CancelAppointment,
    Change,
    ClaimOffer,
    ConfirmAppointment,
    MoveAppointment,
    RestoreAppointment,
    ReturnAppointment,
)
from models.clinic import Clinic
from models.event import Event
from models.many import Many

EVENT = cast(Table, Event.__table__)
CLINIC = cast(Table, Clinic.__table__)
UNSETTLED = timedelta(minutes=5)  # a transaction lasts a minute at most: older rows have all appeared
_VISITS: Mapping[type[Any], str] = {
    CancelAppointment: "appointment.cancelled",
    MoveAppointment: "appointment.moved",
    ReturnAppointment: "appointment.moved",
    RestoreAppointment: "appointment.booked",
    ConfirmAppointment: "appointment.confirmed",
}

_TELL = Many.insert(EVENT, "at kind subject clinic_id")

Told = dict[str, Any]


def event(kind: str, subject: str, clinic_id: int | None, at: datetime) -> Told:
    """A line of the feed. *subject* is the id by which the API knows what it is about."""
    return {"at": at, "kind": kind, "subject": subject, "clinic_id": clinic_id}


def tell(connection: Connection, events: Sequence[Told]) -> None:
    """Write *events* with what they tell: in the same transaction."""
    _TELL(connection, events)


def of_changes(
    changes: Iterable[Change], created: Mapping[int, int], clinic_id: int | None, at: datetime
) -> Iterable[Told]:
    """What *changes* of visits tell; *created* are new visits by the slot that they took."""
    for change in changes:
        if isinstance(change, BookAppointment):
            yield event("appointment.booked", f"t-{created[change.slot_id]}", change.clinic_id, at)
        elif isinstance(change, ClaimOffer) and change.released_id is not None:
            yield event("appointment.cancelled", f"t-{change.released_id}", clinic_id, at)
        elif (kind := _VISITS.get(type(change))) is not None:
            yield event(kind, f"t-{cast(Any, change).appointment_id}", clinic_id, at)


def read(
    connection: Connection, after: int, clinics: Collection[str] | None, limit: int, now: datetime
) -> Sequence[Row[Any]]:
    """Up to *limit* events after that id, oldest first, of these clinics (None: all and nobody's)."""
    query = select(EVENT, CLINIC.c.timezone).outerjoin(CLINIC, CLINIC.c.id == EVENT.c.clinic_id)
    query = query.where(EVENT.c.id > after).order_by(EVENT.c.id).limit(limit)
    if clinics is not None:
        query = query.where(CLINIC.c.key.in_(clinics))
    if connection.dialect.name == "postgresql":
        query = query.where(EVENT.c.id < _first_unsettled(after, now))
    return connection.execute(query).all()


def _first_unsettled(after: int, now: datetime) -> Any:
    """The first event of a transaction that is not older than every open one: before it no lower id can appear."""
    horizon = text("(pg_snapshot_xmin(pg_current_snapshot())::text::bigint % 4294967296)")
    written_by: Any = sql_cast(sql_cast(literal_column("event.xmin"), postgresql.TEXT), BigInteger)
    first = select(func.min(EVENT.c.id)).where(EVENT.c.id > after, EVENT.c.at > now - UNSETTLED, written_by >= horizon)
    return func.coalesce(first.scalar_subquery(), literal_column("9223372036854775807"))
