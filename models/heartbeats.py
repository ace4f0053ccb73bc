"""Heartbeats: when each process and each kind of timed work last ran, for /readyz, /metrics and the console."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import Connection, Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from models.clinic import Heartbeat

HEARTBEAT = cast(Table, Heartbeat.__table__)
_BEATS = {
    "sqlite": (_BEAT_ON_SQLITE := sqlite.insert(HEARTBEAT)).on_conflict_do_update(
        index_elements=["name"],
        set_={"at_ms": _BEAT_ON_SQLITE.excluded.at_ms, "data": _BEAT_ON_SQLITE.excluded.data},
    ),
    "postgresql": (_BEAT_ON_POSTGRESQL := postgresql.insert(HEARTBEAT)).on_conflict_do_update(
        index_elements=["name"],
        set_={"at_ms": _BEAT_ON_POSTGRESQL.excluded.at_ms, "data": _BEAT_ON_POSTGRESQL.excluded.data},
    ),
}


def beat(connection: Connection, name: str, now: datetime, data: dict[str, Any]) -> None:
    """Write that *name* is alive, and what it says of itself."""
    row = {"name": name, "at_ms": int(now.timestamp() * 1000), "data": data}
    connection.execute(_BEATS[connection.dialect.name], row)


@dataclass(frozen=True, slots=True)
class Beat:
    """The last sign of life of one process or kind of work."""

    name: str
    at: datetime
    data: dict[str, Any]


def beats(connection: Connection, prefix: str = "") -> list[Beat]:
    """The heartbeats whose names begin with *prefix*, by name."""
    rows = connection.execute(
        select(HEARTBEAT.c.name, HEARTBEAT.c.at_ms, HEARTBEAT.c.data)
        .where(HEARTBEAT.c.name.startswith(prefix, autoescape=True))
        .order_by(HEARTBEAT.c.name)
    )
    return [Beat(row[0], datetime.fromtimestamp(row[1] / 1000, UTC), row[2]) for row in rows]


def forget(connection: Connection, before: datetime, prefix: str) -> None:
    """Drop the heartbeats of processes (*prefix* "gateway:") that ended long ago."""
    old = HEARTBEAT.c.at_ms < int(before.timestamp() * 1000)
    connection.execute(delete(HEARTBEAT).where(old, HEARTBEAT.c.name.startswith(prefix, autoescape=True)))
