"""Timed work: how long a burst of due reminders takes to be found, decided and in the outbox; what an idle tick costs.

SQLite with one worker, PostgreSQL with two. The idle tick is measured with ten times as many visits stored.
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

from sqlalchemy import func, select, update

from bench.world import build
from handlers.reminders import TimedRules
from handlers.rounds.planner import Planner
from handlers.rounds.reminders import ReminderRound
from models.crypto import Keys
from models.database import Database, connect
from models.ledger import OUTBOX
from models.reminding import REMINDER
from models.schema import migrate
from models.states import ReminderState
from tests.servers import PostgreSQL

VISITS = int(os.environ.get("BENCH_VISITS", "100000"))
STORED = 10 * VISITS  # while a tick has nothing to do
TICKS = 200
NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)  # a Tuesday noon: no quiet hours
KEYS = Keys(b"the secret of a benchmarked one!")
LIMITS = {"sqlite": 60.0, "postgresql": 40.0, "tick": 5.0}


def main() -> dict[str, float]:
    """Run both, print the table, return the figures."""
    figures: dict[str, float] = {}
    with _sqlite() as database:
        figures |= _burst(database, workers=1)
    with _postgresql() as database:
        figures |= _burst(database, workers=2)
    with _sqlite() as database:
        build(database, KEYS, STORED, NOW)
        _plan(database)
        figures["idle tick, ms (median)"] = _idle(database)
    for name, value in figures.items():
        print(f"{name:44} {value:10.3f}")
    print(f"limits: {LIMITS['sqlite']:g} s on SQLite, {LIMITS['postgresql']:g} s on PostgreSQL for 100,000; tick 5 ms")
    return figures


def _burst(database: Database, workers: int) -> dict[str, float]:
    kind = f"{'SQLite' if database.is_sqlite else 'PostgreSQL'}, {workers} worker(s), {VISITS} visits"
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


def _idle(database: Database) -> float:
    planner, rounds = Planner(database, TimedRules()), ReminderRound(database, KEYS, TimedRules())
    took = []
    for _ in range(TICKS):
        began = time.perf_counter()
        assert planner.run(NOW) + rounds.run(NOW) == 0
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


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
