"""Which visits want planning, and what is planned for them.

Whoever takes visits here holds them until the transaction ends; on PostgreSQL others pass them by (SKIP LOCKED), on
SQLite there is one writer at a time. So several workers share the work.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, Row, Table, delete, insert, or_, select, update

from models.many import Many
from models.queries import APPOINTMENT
from models.reminding import REMINDER
from models.schedule import IS_COMING
from models.states import ReminderKind, ReminderState
from models.timed import PlannedRules

RULES = cast(Table, PlannedRules.__table__)
_UNPLANNED = APPOINTMENT.c.planned_version != APPOINTMENT.c.version
_IN_TURN = (APPOINTMENT.c.planned_version, APPOINTMENT.c.id)  # as the index has them: it is used whatever its size was


# --- rules ----------------------------------------------------------------------------------------------------------


def rules_planned_by(connection: Connection) -> dict[str, str]:
    """The rules of each clinic and service by which visits were planned."""
    return {row[0]: row[1] for row in connection.execute(select(RULES.c.name, RULES.c.rules))}


def plan_anew(
    connection: Connection, rules: Mapping[str, str], clinics: Collection[int], services: Collection[int], now: datetime
) -> None:
    """From now on *rules* hold: the coming visits of these clinics, and all of these services, want new plans."""
    if connection.dialect.name == "postgresql":  # planners that see a change at once would all write the same names
        connection.exec_driver_sql("LOCK TABLE planned_rules IN SHARE ROW EXCLUSIVE MODE")
    concerned = or_(APPOINTMENT.c.clinic_id.in_(clinics), APPOINTMENT.c.service_id.in_(services))
    planned = update(APPOINTMENT).where(APPOINTMENT.c.starts_at > now, IS_COMING, APPOINTMENT.c.planned_version != 0)
    connection.execute(planned.where(concerned).values(planned_version=0))
    connection.execute(delete(RULES))
    if rules:
        connection.execute(insert(RULES), [{"name": name, "rules": written} for name, written in rules.items()])


# --- visits ---------------------------------------------------------------------------------------------------------


def is_any_unplanned(connection: Connection) -> bool:
    """Whether a visit wants planning."""
    return (
        connection.execute(select(APPOINTMENT.c.id).where(_UNPLANNED).order_by(*_IN_TURN).limit(1)).first() is not None
    )


_PLAN_COLUMNS = ("id", "clinic_id", "service_id", "starts_at", "status", "version", "changed_at")
_TO_PLAN = select(*(APPOINTMENT.c[name] for name in _PLAN_COLUMNS)).where(_UNPLANNED)


def take_unplanned(connection: Connection, limit: int) -> Sequence[Row[Any]]:
    """The first visits that want planning, kept as they are until the transaction ends."""
    query = _TO_PLAN.order_by(*_IN_TURN).limit(limit)
    return connection.execute(query.with_for_update(skip_locked=True)).all()


def take_unplanned_one(connection: Connection, visit_id: int) -> Sequence[Row[Any]]:
    """This visit alone, if it still wants planning and nobody holds it."""
    query = _TO_PLAN.where(APPOINTMENT.c.id == visit_id)
    return connection.execute(query.with_for_update(skip_locked=True)).all()


def unplanned_ids(connection: Connection, limit: int) -> list[int]:
    """The first visits that want planning."""
    query = select(APPOINTMENT.c.id).where(_UNPLANNED).order_by(*_IN_TURN)
    return [row[0] for row in connection.execute(query.limit(limit))]


def leave_unplanned(connection: Connection, visit_id: int) -> None:
    """Take this visit for planned until it changes, without looking at it."""
    mine = update(APPOINTMENT).where(APPOINTMENT.c.id == visit_id)
    connection.execute(mine.values(planned_version=APPOINTMENT.c.version))


_SET_PLANNED = Many.update(
    lambda row: update(APPOINTMENT).where(APPOINTMENT.c.id == row["visit"]).values(planned_version=row["seen"]),
    visit=APPOINTMENT.c.id,
    seen=APPOINTMENT.c.planned_version,
)


def set_planned(connection: Connection, visits: Sequence[Row[Any]]) -> None:
    """The plans of these visits, which the transaction holds, are as the visits are."""
    _SET_PLANNED(connection, [{"visit": visit.id, "seen": visit.version} for visit in visits])


# --- plans ----------------------------------------------------------------------------------------------------------

_PLACE = ("appointment_id", "kind", "step", "for_start")
_NEW = Many.insert(REMINDER, " ".join((*_PLACE, "due_at", "state", "reason", "settled_at")), ignoring=_PLACE)


def add(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Write new reminders (appointment_id, kind, step, for_start, due_at); one that there is already stays as it is."""
    _NEW(connection, [{"state": ReminderState.PLANNED, **row} for row in rows])


def push(connection: Connection, visit_id: int, for_start: datetime, step: str, due_at: datetime) -> int:
    """Plan a reminder that the clinic asks for; the same one twice is one. Returns its id."""
    row = {"appointment_id": visit_id, "kind": ReminderKind.PUSH, "step": step, "for_start": for_start}
    add(connection, [row | {"due_at": due_at, "reason": None, "settled_at": None}])
    mine = (REMINDER.c[name] == value for name, value in row.items())
    return int(connection.execute(select(REMINDER.c.id).where(*mine)).scalar_one())
