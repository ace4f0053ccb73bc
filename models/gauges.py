"""How much waits, and for how long: figures of the whole house for /metrics and the console, never of a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, Select, Table, func, literal_column, select, text

from models.ledger import HAND_OVER, INBOX, OUTBOX, QUESTION, THREAD
from models.post import ParkedReceipt, Quarantine
from models.timed import Reminder

PARKED = cast(Table, ParkedReceipt.__table__)
QUARANTINE = cast(Table, Quarantine.__table__)
REMINDER = cast(Table, Reminder.__table__)

# Literal, as the partial indexes have them: SQLite compares the words.
WAITING_IN = text("inbox.state IN ('new', 'part')")
WAITING_OUT = text("outbox.state IN ('queued', 'leased')")
OPEN_HAND_OVER = text("hand_over.state <> 'closed'")
PLANNED = text("reminder.state = 'planned'")
OPEN_QUESTION = text("question.state = 'open'")


@dataclass(frozen=True, slots=True)
class Gauge:
    """One figure: *value* of *name* under *labels*."""

    name: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


def gauges(connection: Connection, now: datetime) -> Iterator[Gauge]:
    """Every figure that the database tells. Costs what waits, not what has been."""
    yield from _waiting_in(connection, now)
    yield from _waiting_out(connection, now)
    yield from _hand_overs(connection, now)
    yield from _reminders(connection, now)
    for name, query in _COUNTS.items():
        yield Gauge(name, connection.execute(query).scalar_one())


def _waiting_in(connection: Connection, now: datetime) -> Iterator[Gauge]:
    rows = connection.execute(
        select(INBOX.c.state, func.count(), func.min(INBOX.c.received_at)).where(WAITING_IN).group_by(INBOX.c.state)
    ).all()
    found = {row[0].value: row for row in rows}
    for state in ("new", "part"):
        row = found.get(state)
        yield Gauge("inbox_waiting", 0 if row is None else row[1], (("state", state),))
        yield Gauge("inbox_oldest_seconds", _age(now, None if row is None else row[2]), (("state", state),))


def _waiting_out(connection: Connection, now: datetime) -> Iterator[Gauge]:
    rows = connection.execute(
        select(OUTBOX.c.state, OUTBOX.c.lane, func.count()).where(WAITING_OUT).group_by(OUTBOX.c.state, OUTBOX.c.lane)
    )
    for state, lane, count in rows:
        yield Gauge("outbox_waiting", count, (("state", state.value), ("lane", str(lane))))
    due = select(func.min(OUTBOX.c.due_at)).where(WAITING_OUT, OUTBOX.c.due_at <= now)
    yield Gauge("outbox_oldest_due_seconds", _age(now, connection.execute(due).scalar()))


def _hand_overs(connection: Connection, now: datetime) -> Iterator[Gauge]:
    count, oldest, late = connection.execute(
        select(
            func.count(),
            func.min(HAND_OVER.c.opened_at),
            func.count().filter(HAND_OVER.c.promised_at < now),
        ).where(OPEN_HAND_OVER)
    ).one()
    yield Gauge("hand_overs_open", count)
    yield Gauge("hand_overs_late", late)
    yield Gauge("hand_overs_oldest_seconds", _age(now, oldest))


def _reminders(connection: Connection, now: datetime) -> Iterator[Gauge]:
    count, oldest = connection.execute(
        select(func.count(), func.min(REMINDER.c.due_at)).where(PLANNED, REMINDER.c.due_at <= now)
    ).one()
    yield Gauge("reminders_due", count)
    yield Gauge("reminders_oldest_due_seconds", _age(now, oldest))


def _age(now: datetime, moment: datetime | None) -> float:
    return 0.0 if moment is None else max(0.0, (now - moment).total_seconds())


def _how_many(table: Table, *conditions: Any) -> Select[Any]:
    return select(func.count()).select_from(table).where(*conditions)


def _newest(table: Table) -> Select[Any]:
    """The highest id: how many there ever were, without counting them."""
    return select(func.coalesce(func.max(table.c.id), literal_column("0")))


_COUNTS: dict[str, Select[Any]] = {
    "receipts_unmatched": _how_many(PARKED),
    "quarantined_total": _newest(QUARANTINE),
    "questions_open": _how_many(QUESTION, OPEN_QUESTION),
    "texts_in_total": _newest(INBOX),
    "texts_out_total": _newest(OUTBOX),
    "threads_total": _newest(THREAD),
}
