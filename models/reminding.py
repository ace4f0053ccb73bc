"""Rows of timed texts: what is due of what `planning` wrote, and what becomes of it.

Whoever takes rows here holds them until the transaction ends; on PostgreSQL others pass them by (SKIP LOCKED), on
SQLite there is one writer at a time. So several workers share the work, and two ticks at once have one effect.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    Connection,
    Row,
    Table,
    bindparam,
    select,
    text,
    update,
)

from models.among import among
from models.applying import exactly, forget_what_was_queued, free_slots
from models.base import fixed
from models.events import event, tell
from models.facts import VisitFacts
from models.ledger import AUDIT, QUESTION, THREAD
from models.many import Many
from models.post import Outbox
from models.queries import APPOINTMENT, GUARDIAN
from models.register import PATIENT
from models.schedule import IS_COMING
from models.states import (
    AppointmentStatus,
    FreedBy,
    OutboxState,
    QuestionState,
    ReminderKind,
    ReminderState,
)
from models.timed import Reminder
from models.timed_facts import Due

REMINDER = cast(Table, Reminder.__table__)
OUTBOX = cast(Table, Outbox.__table__)
SHARING = 8  # workers that find something to do beside each other in one backlog
_PLANNED = REMINDER.c.state == fixed(ReminderState.PLANNED)


_BY_INDEX = text(
    "SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_bitmapscan', 'off', true)"
)


def go_by_index(connection: Connection) -> None:
    """Have every statement of this transaction go along an index, planned for tables as large as they are.

    A burst makes tables grow from nothing to a hundred thousand rows before anybody analyses them. PostgreSQL would
    keep plans that read them from end to end, or sort all that is due each time, believing it to be little.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_BY_INDEX)


_ADDING = text("SELECT set_config('plan_cache_mode', 'auto', true)")


def only_add(connection: Connection) -> None:
    """From now on this transaction adds rows: keep the plans by which it is checked that what they name exists.

    After `go_by_index` PostgreSQL would plan those checks anew, seven for each reminder: a third of all its work.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_ADDING)


# --- what stands planned, and what it becomes -----------------------------------------------------------------------

_ROWS_OF = select(REMINDER).where(among(REMINDER.c.appointment_id, "visits"))  # in no order, or it would go by that


def reminders_of(connection: Connection, visit_ids: Collection[int]) -> dict[int, list[Row[Any]]]:
    """What is, or was, planned for these visits."""
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(_ROWS_OF, {"visits": visit_ids}).all():
        found[row.appointment_id].append(row)
    return found


_SETTLE = Many.update(
    lambda row: (
        update(REMINDER)
        .where(REMINDER.c.id == row["row"])
        .values(
            state=row["become"], due_at=row["due"], reason=row["why"], outbox_key=row["text_key"], settled_at=row["at"]
        )
    ),
    row=REMINDER.c.id,
    become=REMINDER.c.state,
    due=REMINDER.c.due_at,
    why=REMINDER.c.reason,
    text_key=REMINDER.c.outbox_key,
    at=REMINDER.c.settled_at,
)


@dataclass(frozen=True, slots=True)
class Settled:
    """What a reminder has become. A planned one has a new time."""

    id: int
    state: ReminderState
    due_at: datetime
    reason: str | None = None
    outbox_key: str | None = None


def settle(connection: Connection, settled: Sequence[Settled], now: datetime) -> None:
    """Write what these reminders, which the transaction holds, have become."""
    rows = [
        {
            "row": one.id,
            "become": one.state,
            "due": one.due_at,
            "why": one.reason,
            "text_key": one.outbox_key,
            "at": None if one.state is ReminderState.PLANNED else now,
        }
        for one in settled
    ]
    _SETTLE(connection, rows)


# --- what is due --------------------------------------------------------------------------------------------------


_FIRST_DUE = select(REMINDER.c.due_at).where(_PLANNED, REMINDER.c.due_at <= bindparam("now"))


def first_due(connection: Connection, now: datetime) -> datetime | None:
    """Since when the reminder that has been due for longest waits; None when no reminder's time has come."""
    return connection.execute(_FIRST_DUE.order_by(REMINDER.c.due_at).limit(1), {"now": now}).scalar()


_DUE = select(REMINDER.c.id).where(_PLANNED, REMINDER.c.due_at <= bindparam("now"))
_TAKEN = (
    select(
        REMINDER.c.id,
        REMINDER.c.appointment_id,
        REMINDER.c.kind,
        REMINDER.c.step,
        REMINDER.c.for_start,
        REMINDER.c.due_at,
    )
    .where(_PLANNED)
    .order_by(REMINDER.c.due_at, REMINDER.c.id)
)
_VISIT_COLUMNS = (
    "id",
    "patient_id",
    "clinic_id",
    "service_id",
    "practitioner_id",
    "slot_id",
    "starts_at",
    "ends_at",
    "status",
    "version",
)
_VISITS = select(*(APPOINTMENT.c[name] for name in _VISIT_COLUMNS)).order_by(APPOINTMENT.c.id)


_FIRST = _DUE.add_columns(REMINDER.c.appointment_id).order_by(REMINDER.c.due_at, REMINDER.c.id)
_WAITING = _FIRST.limit(bindparam("window")).subquery()
_WHOSE = select(APPOINTMENT.c.id, APPOINTMENT.c.patient_id).join(
    _WAITING, _WAITING.c.appointment_id == APPOINTMENT.c.id
)
_HELD = (
    select(PATIENT.c.id)
    .where(among(PATIENT.c.id, "patients"))
    .limit(bindparam("most"))
    .with_for_update(key_share=True, skip_locked=True)
)
_TO_COME = select(APPOINTMENT.c.id).where(
    among(APPOINTMENT.c.patient_id, "patients"), APPOINTMENT.c.starts_at > bindparam("now")
)
# By their visits alone: believing that little is planned, PostgreSQL would read all that is.
_OF_VISITS = _ROWS_OF.with_for_update(skip_locked=True)


def take_due(connection: Connection, now: datetime, limit: int) -> list[Due]:
    """All reminders that are due of up to *limit* persons, of those who wait longest; held until the transaction ends.

    The persons are held: one text tells of all visits of somebody's day, so only one worker may be at them. What
    others hold is left to them, or to the next round.
    """
    sharing = 1 if connection.dialect.name == "sqlite" else SHARING  # SQLite has one writer at a time
    waiting = connection.execute(_WHOSE, {"now": now, "window": sharing * limit}).all()
    whose = {row[0]: row[1] for row in waiting}
    if not whose:
        return []
    wanted = {"patients": list({*whose.values()}), "most": limit}
    mine = set(connection.execute(_HELD, wanted).scalars())
    coming = connection.execute(_TO_COME, {"patients": list(mine), "now": now}).scalars()
    visits = {*coming, *(visit for visit, patient in whose.items() if patient in mine)}
    taken = connection.execute(_OF_VISITS, {"visits": list(visits)}).all()
    return _with_visits(connection, [row for row in taken if row.state is ReminderState.PLANNED and row.due_at <= now])


def take_one(connection: Connection, reminder_id: int) -> list[Due]:
    """This reminder alone, if it still waits and nobody holds it."""
    rows = _hold(connection, _TAKEN.where(REMINDER.c.id == bindparam("id_")), {"id_": reminder_id})
    return _with_visits(connection, rows.values())


def give_up(connection: Connection, reminder_id: int, reason: str, now: datetime) -> int:
    """Record that this reminder did not go, without looking at it; returns how many waited still."""
    mine = update(REMINDER).where(REMINDER.c.id == reminder_id, _PLANNED)
    ended = mine.values(state=ReminderState.NOT_SENT, reason=reason, settled_at=now)
    return connection.execute(ended).rowcount


def due_ids(connection: Connection, now: datetime, limit: int) -> list[int]:
    """The reminders that are due first."""
    rows = connection.execute(_DUE.order_by(REMINDER.c.due_at, REMINDER.c.id).limit(limit), {"now": now})
    return [row[0] for row in rows]


def take_beside(connection: Connection, due: Collection[Due], until: datetime) -> list[Due]:
    """What is planned up to then for other visits of the same persons: held, as candidates for one text of a day."""
    patients = {one.visit.patient_id for one in due}
    others = select(APPOINTMENT.c.id).where(
        among(APPOINTMENT.c.patient_id, "patients"), APPOINTMENT.c.starts_at > bindparam("since"), IS_COMING
    )
    known = {one.visit.id for one in due}
    parameters = {"patients": list(patients), "since": min(one.for_start for one in due)}
    ids = [row[0] for row in connection.execute(others, parameters) if row[0] not in known]
    if not ids:
        return []
    query = _TAKEN.where(among(REMINDER.c.appointment_id, "visits"), REMINDER.c.kind == ReminderKind.REMINDER)
    rows = _hold(connection, query.where(REMINDER.c.due_at <= bindparam("until")), {"visits": ids, "until": until})
    return _with_visits(connection, rows.values())


def _hold(connection: Connection, query: Any, parameters: dict[str, Any]) -> dict[int, Row[Any]]:
    rows = connection.execute(query.with_for_update(skip_locked=True), parameters)
    return {row.id: row for row in rows}


def _with_visits(connection: Connection, rows: Collection[Any]) -> list[Due]:
    if not rows:
        return []
    query = _VISITS.where(among(APPOINTMENT.c.id, "ids")).with_for_update(skip_locked=True)
    ids = sorted({row.appointment_id for row in rows})
    visits = {row[0]: VisitFacts(*cast(Sequence[Any], row)) for row in connection.execute(query, {"ids": ids}).all()}
    return [
        Due(row.id, row.kind, row.step, row.for_start, row.due_at, visits[row.appointment_id])
        for row in sorted(rows, key=lambda row: (row.due_at, row.id))
        if row.appointment_id in visits
    ]


# --- what is known of those whom it concerns ----------------------------------------------------------------------

_GUARDIANS = select(GUARDIAN.c.dependant_id, GUARDIAN.c.guardian_id).where(among(GUARDIAN.c.dependant_id, "ids"))


def guardians_of(connection: Connection, patient_ids: Collection[int]) -> dict[int, list[int]]:
    """Who is recorded as a guardian of each of these patients, in the order of recording."""
    found: dict[int, list[int]] = defaultdict(list)
    for dependant, guardian in connection.execute(_GUARDIANS.order_by(GUARDIAN.c.id), {"ids": patient_ids}):
        found[dependant].append(guardian)
    return found


_ASKED = (
    select(REMINDER.c.appointment_id)
    .join(APPOINTMENT, APPOINTMENT.c.id == REMINDER.c.appointment_id)
    .join(OUTBOX, OUTBOX.c.key == REMINDER.c.outbox_key)
    .where(among(REMINDER.c.appointment_id, "visits"), REMINDER.c.kind == ReminderKind.PROVISIONAL_ASK)
    .where(REMINDER.c.for_start == APPOINTMENT.c.starts_at)
    .where(OUTBOX.c.state.in_([OutboxState.SENT, OutboxState.DELIVERED]))
)


def asked_visits(connection: Connection, visit_ids: Collection[int]) -> frozenset[int]:
    """Those of these visits about which the carrier took an asking for confirmation, as far as we know delivered."""
    return frozenset(row[0] for row in connection.execute(_ASKED, {"visits": visit_ids}))


# --- carrying out -------------------------------------------------------------------------------------------------

_LAPSE = Many.update(
    lambda row: (
        update(APPOINTMENT)
        .where(APPOINTMENT.c.id == row["visit"], APPOINTMENT.c.version == row["seen"])
        .where(APPOINTMENT.c.status == AppointmentStatus.PROVISIONAL)
        .values(status=AppointmentStatus.LAPSED, version=APPOINTMENT.c.version + 1, changed_at=row["now"])
    ),
    visit=APPOINTMENT.c.id,
    seen=APPOINTMENT.c.version,
    now=APPOINTMENT.c.changed_at,
)


def lapse(connection: Connection, visits: Sequence[VisitFacts], now: datetime) -> None:
    """Give up unconfirmed visits: their slots are free, what was queued about them is withdrawn. Raises `Conflict`."""
    if not visits:
        return
    rows = [{"visit": visit.id, "seen": visit.version, "now": now} for visit in visits]
    exactly(connection, _LAPSE, rows, "appointment")
    free_slots(connection, [(visit.slot_id, visit.id) for visit in visits], FreedBy.LAPSE, now)
    forget_what_was_queued(connection, [visit.id for visit in visits], now)
    tell(connection, [event("appointment.lapsed", f"t-{visit.id}", visit.clinic_id, now) for visit in visits])


_SUPERSEDE = (
    update(QUESTION)
    .where(among(QUESTION.c.id, "ids"), QUESTION.c.state == fixed(QuestionState.OPEN))
    .values(state=QuestionState.SUPERSEDED, closed_at=bindparam("now"))
)


def supersede(connection: Connection, question_ids: Collection[int], now: datetime) -> None:
    """Newer questions about the same visits take the place of these."""
    if question_ids:
        connection.execute(_SUPERSEDE, {"ids": list(question_ids), "now": now})


_SET_CLINIC = Many.update(
    lambda row: (
        update(THREAD).where(THREAD.c.id == row["thread"], THREAD.c.clinic_id.is_(None)).values(clinic_id=row["clinic"])
    ),
    thread=THREAD.c.id,
    clinic=THREAD.c.clinic_id,
)


def place_threads(connection: Connection, clinics: Mapping[int, int]) -> None:
    """These threads, by id, are with these clinics unless they are with one already."""
    _SET_CLINIC(connection, [{"thread": thread, "clinic": clinic} for thread, clinic in clinics.items()])


_RECORD = Many.insert(AUDIT, "at actor action thread_id patient_id appointment_id details")


def record(connection: Connection, lines: Sequence[dict[str, Any]], now: datetime) -> None:
    """Write lines of the audit log: action, thread_id, patient_id, appointment_id, details."""
    _RECORD(connection, [{"at": now, "actor": "clock", **line} for line in lines])
