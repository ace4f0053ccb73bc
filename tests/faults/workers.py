"""Real workers under fault, visits whose reminders fall due while it happens, and what must have become of each."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
from sqlalchemy import Update, bindparam, select, update
from sqlalchemy.exc import OperationalError

import jobs
import startup
from bench.world import Person
from models.clinic import Clinic
from models.database import is_conflict
from models.ledger import AUDIT, OUTBOX, QUESTION
from models.queries import APPOINTMENT
from models.reminding import REMINDER
from models.states import ReminderState
from tests.faults.harness import PATIENCE, Gateway, Service, wait_until
from tests.forks import forks

STEP = timedelta(days=3)
AWAKE = {"TEKSTARI_REMINDERS__QUIET": "[]"}  # the tests run at night too


class Worker(Gateway):
    """A worker as a process of its own, with the real processes that it keeps."""

    module = "worker"

    def __init__(self, config: Path, name: str = "worker", workers: int = 1) -> None:
        super().__init__(config, name)
        self._arguments += ["--workers", workers]

    def children(self) -> list[psutil.Process]:
        """Its RQ workers that live."""
        found = psutil.Process(self.pid).children()
        return [child for child in found if child.status() != psutil.STATUS_ZOMBIE and "--queue" in child.cmdline()]

    def massacre(self) -> None:
        """kill -9 of parent and children, all at once."""
        family = [psutil.Process(self.pid), *psutil.Process(self.pid).children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                os.kill(process.pid, signal.SIGKILL)
        assert self._process is not None
        self._process.join()
        psutil.wait_procs(family[1:])


class Mill:
    """A process that does timed work without a pause, until it is killed: a worker whose wake-ups never end."""

    def __init__(self, config: Path) -> None:
        self._ready, begun = forks.Pipe(duplex=False)
        self._process = forks.Process(target=_grind, args=(config, begun, dict(os.environ)), daemon=True)
        self._process.start()
        begun.close()

    def kill(self, after: float) -> None:
        """kill -9 when it has worked for so many seconds; returns when it is gone."""
        self._ready.poll(PATIENCE)
        time.sleep(after)
        self._process.kill()
        self._process.join()
        self._ready.close()


def _grind(config: Path, begun: Connection, environment: dict[str, str]) -> None:
    os.environ.update(environment)  # that of now, not of when the first process was forked
    jobs.begin(startup.open_house("mill", config, quiet=True))
    begun.send_bytes(b"at work")
    while True:
        jobs.run("plan")
        jobs.run("reminders")


def fall_due(service: Service, people: Sequence[Person], within: timedelta, after: timedelta = timedelta()) -> None:
    """The visits of *people* are moved such that their first reminders fall due evenly *within* so long from now."""
    begin = datetime.now(UTC) + STEP + after
    moved = (
        update(APPOINTMENT)
        .where(APPOINTMENT.c.patient_id == bindparam("whose"))
        .values(starts_at=bindparam("start"), ends_at=bindparam("end"), version=APPOINTMENT.c.version + 1)
    )
    rows = [
        {"whose": one.id, "start": (start := begin + within * (n / len(people))), "end": start + timedelta(minutes=20)}
        for n, one in enumerate(people)
    ]
    wait_until(lambda: _has_moved(service, moved, rows))


def _has_moved(service: Service, moved: Update, rows: list[dict[str, object]]) -> bool:
    """False while workers that never pause hold the one write lock of SQLite for longer than anybody waits for it."""
    try:
        with service.database.transaction() as connection:
            connection.execute(update(Clinic.__table__).values(timezone="UTC"))  # three days are always 72 hours
            connection.execute(moved, rows)
    except OperationalError as error:
        if not is_conflict(error):
            raise
        return False
    return True


def left(service: Service, people: Sequence[Person]) -> int:
    """How many of *people* have no text in the outbox yet."""
    texts = _texts(service)
    return sum(not texts[one.id] for one in people)


def check_reminded(service: Service, people: Sequence[Person]) -> list[float]:
    """Each of *people* was reminded once: one text, one question, one line in the log. Returns seconds late, sorted."""
    with service.database.reading() as connection:
        rows = connection.execute(select(REMINDER).where(REMINDER.c.step == "3d")).all()
        asked = Counter(connection.execute(select(QUESTION.c.patient_id)).scalars())
        noted = Counter(connection.execute(select(AUDIT.c.patient_id).where(AUDIT.c.action == "reminded")).scalars())
        keys = set(connection.execute(select(OUTBOX.c.key)).scalars())
    texts, ids = _texts(service), {one.id for one in people}
    assert {id_: texts[id_] for id_ in ids if texts[id_] != 1} == {}, "texts that are lost or there twice"
    assert {id_: asked[id_] for id_ in ids if asked[id_] != 1} == {}, "questions"
    assert {id_: noted[id_] for id_ in ids if noted[id_] != 1} == {}, "lines of the audit log"
    mine = [row for row in rows if row.appointment_id in ids]  # the world's visits have their patients' ids
    moved = {row.reason for row in mine if row.state is not ReminderState.QUEUED}
    assert moved <= {"moved"}, "only what was planned for the visits as they were before is withdrawn"
    gone = [row for row in mine if row.state is ReminderState.QUEUED]
    assert Counter(row.appointment_id for row in gone) == Counter(ids)
    assert {row.outbox_key for row in gone} <= keys
    return sorted((row.settled_at - row.due_at).total_seconds() for row in gone)


def check_shown(service: Service, people: Sequence[Person]) -> None:
    """Every phone of *people* shows one text."""
    shown = Counter(text.number for text in service.carrier.texts())
    assert {shown[one.number] for one in people} == {1}


def _texts(service: Service) -> Counter[int]:
    with service.database.reading() as connection:
        return Counter(connection.execute(select(OUTBOX.c.patient_id)).scalars())
