"""Timed work: how long a burst of due reminders takes to be found, decided and in the outbox; what an idle tick costs.

SQLite with one worker, PostgreSQL with two. The idle tick is measured after that burst, with ten times the visits.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from sqlalchemy import Connection, Table, func, insert, select, update

from bench.world import build
from handlers.offers import OfferRules
from handlers.reminders import TimedRules
from handlers.rounds.offers import OfferRound
from handlers.rounds.planner import Planner
from handlers.rounds.reminders import ReminderRound
from models.crypto import Keys
from models.database import Database, connect
from models.ledger import OUTBOX
from models.queries import APPOINTMENT
from models.reminding import REMINDER
from models.schedule import Slot
from models.schema import migrate
from models.states import ReminderState
from tests.servers import PostgreSQL

VISITS = int(os.environ.get("BENCH_VISITS", "100000"))
TIMES = 10  # as many visits are stored while a tick has nothing to do
TICKS = 200
NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)  # a Tuesday noon: no quiet hours
SLOT = cast(Table, Slot.__table__)
KEYS = Keys(b"the secret of a benchmarked one!")


def main() -> dict[str, float]:
    """Run both, print the table, return the figures."""
    figures: dict[str, float] = {}
    with _sqlite() as database:
        figures |= _burst(database, workers=1)
        with _saying(f"{TIMES} times the visits"):
            _multiply(database)
        figures["idle tick, ms (median)"] = _idle(database)
    with _postgresql() as database:
        figures |= _burst(database, workers=2)
    for name, value in figures.items():
        print(f"{name:44} {value:10.3f}")
    print("limits for 100,000: 60 s on SQLite, 40 s on PostgreSQL; tick 5 ms")
    return figures


def _burst(database: Database, workers: int) -> dict[str, float]:
    kind = f"{'SQLite' if database.is_sqlite else 'PostgreSQL'}, {workers} worker(s), {VISITS} visits"
    print(kind, flush=True)
    with _saying("the visits"):
        build(database, KEYS, VISITS, NOW)
    planned = _plan(database)
    with database.transaction() as connection:
        connection.execute(update(REMINDER).where(REMINDER.c.step == "3d").values(due_at=NOW))
    url = database.url.render_as_string(hide_password=False)
    began = time.perf_counter()
    if workers == 1:
        _remind(url)
    else:
        with multiprocessing.get_context("spawn").Pool(workers) as pool:
            began = time.perf_counter()
            pool.map(_remind, [url] * workers)
    took = time.perf_counter() - began
    with database.reading() as connection:
        written = connection.execute(select(func.count()).select_from(OUTBOX)).scalar_one()
        left = select(func.count()).select_from(REMINDER).where(REMINDER.c.state == ReminderState.PLANNED)
        waiting = connection.execute(left.where(REMINDER.c.due_at <= NOW)).scalar_one()
    assert (written, waiting) == (VISITS, 0), "every visit has its text, once"
    return {f"{kind}: planned, s": planned, f"{kind}: in the outbox, s": took}


def _plan(database: Database) -> float:
    planner = Planner(database, TimedRules())
    began = time.perf_counter()
    while planner.run(NOW):
        pass
    return time.perf_counter() - began


def _remind(url: str) -> None:
    database = connect(url, data_dir=Path())
    rounds = ReminderRound(database, KEYS, TimedRules())
    while rounds.run(NOW):
        pass
    database.close()


def _multiply(database: Database) -> None:
    """Copy all slots, visits and reminders until there are `TIMES` as many, within the database."""
    with database.transaction() as connection:
        slots, visits, reminders = (_last_id(connection, table) for table in (SLOT, APPOINTMENT, REMINDER))
        for copy in range(1, TIMES):
            _copy(connection, SLOT, slots, id=copy * slots, key=f"-{copy}")
            _copy(connection, APPOINTMENT, visits, id=copy * visits, slot_id=copy * slots)
            _copy(connection, REMINDER, reminders, id=copy * reminders, appointment_id=copy * visits)
        connection.exec_driver_sql("ANALYZE")


def _last_id(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.max(table.c.id))).scalar_one())


def _copy(connection: Connection, table: Table, last: int, **added: int | str) -> None:
    """Copy the rows up to the *last* id, with that *added* to their columns."""
    columns = [column + added[column.name] if column.name in added else column for column in table.c]
    connection.execute(insert(table).from_select(table.c.keys(), select(*columns).where(table.c.id <= last)))


def _idle(database: Database) -> float:
    planner, rounds = Planner(database, TimedRules()), ReminderRound(database, KEYS, TimedRules())
    offers = OfferRound(database, KEYS, OfferRules())
    took = []
    for _ in range(TICKS):
        began = time.perf_counter()
        assert planner.run(NOW) + rounds.run(NOW) + offers.run(NOW) == 0
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


@contextmanager
def _saying(what: str) -> Iterator[None]:
    """Say how long the preparations take: they are not measured, but waited for."""
    began = time.perf_counter()
    yield
    print(f"{what} in place after {time.perf_counter() - began:.0f} s", flush=True)


@contextmanager
def _sqlite() -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        database = connect("", data_dir=Path(folder))
        migrate(database)
        yield database
        database.close()


@contextmanager
def _postgresql() -> Iterator[Database]:
    with PostgreSQL(durable=True) as server:
        database = connect(server.url(), data_dir=Path())
        migrate(database)
        yield database
        database.close()


if __name__ == "__main__":
    main()
