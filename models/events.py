"""The feed of events: what is written into it, and how it is read so that nothing is passed over.

Kinds: offer.opened, won, undone, expired, withdrawn; appointment.booked, moved, confirmed, cancelled, lapsed and the
further states that the clinic tells us; text.received and text.failed; consent.changed; handover.opened, taken, closed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    Connection,
    Row,
    String,
    Table,
    delete,
    insert,
    literal,
    or_,
    select,
)
from sqlalchemy import cast as sql_cast

from models.changes import (
    BookAppointment,
    CancelAppointment,
    Change,
    ClaimOffer,
    ConfirmAppointment,
    LiftStop,
    MoveAppointment,
    RecordConsent,
    RestoreAppointment,
    ReturnAppointment,
    SetStop,
)
from models.clinic import Clinic
from models.event import Event
from models.following import Followed
from models.many import Many
from models.patient import ContactNumber, Patient
from models.post import Outbox, Thread

EVENT = cast(Table, Event.__table__)
CLINIC = cast(Table, Clinic.__table__)
PATIENT = cast(Table, Patient.__table__)
NUMBER = cast(Table, ContactNumber.__table__)
OUTBOX = cast(Table, Outbox.__table__)
THREAD = cast(Table, Thread.__table__)
_VISITS: Mapping[type[Any], str] = {
    CancelAppointment: "appointment.cancelled",
    MoveAppointment: "appointment.moved",
    ReturnAppointment: "appointment.moved",
    RestoreAppointment: "appointment.booked",
    ConfirmAppointment: "appointment.confirmed",
}

_FEED = Followed(EVENT.c.id, EVENT.c.at)
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


def of_consents(
    connection: Connection, changes: Iterable[Change], clinic_id: int | None, at: datetime
) -> Iterable[Told]:
    """Whose consents *changes* touch: of the person named, or of everybody who has the number on file."""
    ours = [change for change in changes if isinstance(change, RecordConsent | SetStop | LiftStop)]
    if not ours:
        return
    ids = {change.patient_id for change in ours if isinstance(change, RecordConsent)} - {None}
    numbers = {c.number for c in ours if not isinstance(c, RecordConsent) or c.patient_id is None}
    on_file = select(NUMBER.c.patient_id).where(NUMBER.c.number.in_(numbers))
    concerned = or_(PATIENT.c.id.in_(ids), PATIENT.c.id.in_(on_file))
    for key in connection.execute(select(PATIENT.c.key).where(concerned).order_by(PATIENT.c.id)).scalars():
        yield event("consent.changed", key, clinic_id, at)


def tell_of_failed(connection: Connection, outbox_ids: Collection[int], at: datetime) -> None:
    """Write that these outbound texts did not arrive, and will not."""
    if not outbox_ids:
        return
    subject = literal("out-").concat(sql_cast(OUTBOX.c.id, String))
    failed = select(literal(at, EVENT.c.at.type), literal("text.failed"), subject, THREAD.c.clinic_id)
    failed = failed.join(THREAD, THREAD.c.id == OUTBOX.c.thread_id).where(OUTBOX.c.id.in_(outbox_ids))
    connection.execute(insert(EVENT).from_select(["at", "kind", "subject", "clinic_id"], failed.order_by(OUTBOX.c.id)))


def forget(connection: Connection, before: datetime, most: int) -> int:
    """Put away up to *most* events that are older than that; returns how many."""
    old = select(EVENT.c.id).where(EVENT.c.at < before).order_by(EVENT.c.at).limit(most)
    return connection.execute(delete(EVENT).where(EVENT.c.id.in_(old))).rowcount


def read(
    connection: Connection, after: int, clinics: Collection[str] | None, limit: int, now: datetime
) -> Sequence[Row[Any]]:
    """Up to *limit* events after that id, oldest first, of these clinics (None: all and nobody's)."""
    query = select(EVENT, CLINIC.c.timezone).outerjoin(CLINIC, CLINIC.c.id == EVENT.c.clinic_id)
    if clinics is not None:
        query = query.where(CLINIC.c.key.in_(clinics))
    return _FEED.page(connection, query, after, limit, now)
