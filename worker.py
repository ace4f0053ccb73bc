"""Timed work: a tick that wakes RQ workers, the workers under supervision, and the embedded Redis.

`python worker.py --workers N` runs N worker processes for each queue; any number of such machines share the work. The
tick only says what to look for: what is due stands in the database, so nothing is lost with Redis or with a worker.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import redis
import structlog
from rq import Queue, SimpleWorker
from rq.exceptions import DuplicateJobError
from sqlalchemy import Connection

import jobs
import lifeline
from embedded import EmbeddedRedis, EmbeddedRedisError, redis_url
from gateway.bell import Spared
from gateway.bell import connect as connect_redis
from models.database import is_away
from models.heartbeats import beat, beats, forget
from startup import House, arguments, open_house

TICK = 1.0  # seconds
BEAT_EVERY = timedelta(seconds=2)
STANDING_IN = timedelta(seconds=5)  # how often a foreman looks whether wake-ups are answered
UNANSWERED = timedelta(seconds=15)  # longer than a round of work takes
FORGOTTEN = timedelta(days=1)  # heartbeats of processes that ended so long ago
SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before a child that ended is started again
STEADY = 30.0  # seconds that a child must live for its next end to count as the first
PATIENCE = 15.0  # seconds for a child to finish its job
GOODBYE = 1.0  # seconds for Redis to hear that a worker ends

log = structlog.get_logger("worker")


# --- the tick -----------------------------------------------------------------------------------------------------


class Tick:
    """Wakes each kind of timed work as often as it wants. Ticks of several processes do not wake it twice.

    Where Redis does not take the wake-up, the work is done here and now: late and alone, but done.
    """

    def __init__(self, connection: redis.Redis, run: Callable[[str], None] = jobs.run) -> None:
        self._queues = {name: Queue(name, connection=connection) for name in jobs.QUEUES}
        self._run = run
        self._last: dict[str, int] = {}
        self._spared = Spared("timed work is done by the tick itself")

    def __call__(self, now: datetime) -> None:
        """Wake what has become due since the last call."""
        for name, kind in jobs.KINDS.items():
            turn = int(now.timestamp() // kind.every.total_seconds())
            if self._last.get(name) != turn:
                self._last[name] = turn
                if not self._spared.ask(partial(self._enqueue, name, kind, turn)):
                    self._run(name)

    def _enqueue(self, name: str, kind: jobs.Kind, turn: int) -> None:
        """A job's id is its kind and its turn: the ticks of all processes mean the same one."""
        stale = max(10, 2 * int(kind.every.total_seconds()))  # what waited so long has been followed by others
        with contextlib.suppress(DuplicateJobError):
            self._queues[kind.queue].enqueue(
                "jobs.run", name, job_id=f"{name}-{turn}", unique=True, ttl=stale, result_ttl=stale, failure_ttl=stale
            )


def unanswered(connection: Connection, began: datetime, now: datetime) -> list[str]:
    """The kinds that should have run for long, by all processes, and did not: wake-ups that no worker takes.

    What has never run has been waited for since we *began*.
    """
    ran = {beat.name.removeprefix(jobs.BEAT): beat.at for beat in beats(connection, jobs.BEAT)}
    patience = {name: kind.every + UNANSWERED for name, kind in jobs.KINDS.items()}
    return [name for name, wait in patience.items() if ran.get(name, began) + wait <= now]


# --- the workers --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Child:
    """One worker process and when it may be started again."""

    queue: str
    number: int
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = SHORTEST_PAUSE
    not_before: float = 0.0

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None


@dataclass(slots=True)
class Supervisor:
    """Keeps one set of worker processes alive: an RQ worker ends when Redis goes away under it."""

    command: list[str]
    children: list[Child] = field(default_factory=list)

    def look(self, now: float) -> None:
        """Start what does not run; what keeps ending is started less and less often. Call it from the main thread."""
        for child in self.children:
            if child.running:
                continue
            if child.process is not None:
                self._mourn(child, now)
            if now >= child.not_before:
                child.process = subprocess.Popen(lifeline.tied([*self.command, "--queue", child.queue]))
                child.started = now

    def _mourn(self, child: Child, now: float) -> None:
        assert child.process is not None
        steady = now - child.started >= STEADY
        child.pause = SHORTEST_PAUSE if steady else min(child.pause * 2, LONGEST_PAUSE)
        child.not_before = now + child.pause
        log.warning("worker_ended", queue=child.queue, code=child.process.returncode, again_in=child.pause)
        child.process = None

    def stop(self) -> None:
        """Let every child finish its job, and end those that do not."""
        running = [child.process for child in self.children if child.process is not None and child.running]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + PATIENCE
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("worker_killed", pid=process.pid)
                process.kill()
                process.wait()


class QueueWorker(SimpleWorker):
    """An RQ worker that is back soon after Redis is, and ends soon when told to: RQ's own would wait up to a minute."""

    max_connection_wait_time = 2.0

    @property
    def connection_timeout(self) -> int:
        """Seconds after which a Redis that says nothing hangs: it answers at the latest when there is no job."""
        return self.dequeue_timeout + 2

    def set_shutdown_requested_date(self) -> None:
        """Tell nobody: this is called by a signal, and a Redis that hangs would keep the job from going on."""

    def teardown(self) -> None:
        """Say goodbye to Redis where it listens at once: what it is not told it forgets by itself."""
        pool = self.connection.connection_pool
        pool.disconnect(inuse_connections=False)
        pool.reset()  # those that it has would keep their time-out, which lets a job be waited for
        pool.connection_kwargs["socket_timeout"] = GOODBYE
        with contextlib.suppress(redis.RedisError, OSError):
            super().teardown()  # type: ignore[no-untyped-call]


def work(house: House, queue: str) -> None:
    """Be one RQ worker on one queue: a worker on two would lose a job when it dies between them."""
    logging.getLogger("rq").setLevel(logging.WARNING)
    jobs.begin(house)
    try:
        QueueWorker(
            [queue],
            connection=connect_redis(redis_url(house.settings)),
            worker_ttl=18,  # RQ waits 15 seconds less for a job
            maintenance_interval=10,
            job_monitoring_interval=5,
            log_job_description=False,
        ).work(logging_level="WARNING")
    except (redis.RedisError, OSError) as error:
        log.warning("redis_away", error=type(error).__name__, queue=queue)
        sys.exit(1)  # the parent starts us again


# --- the process --------------------------------------------------------------------------------------------------


class Foreman:
    """The parent: embedded Redis, tick, supervision and heartbeat, once a second."""

    def __init__(self, house: House, supervisor: Supervisor) -> None:
        self._house = house
        self._supervisor = supervisor
        self._embedded = None if house.settings.redis.url else EmbeddedRedis(house.settings.service.data_dir)
        self._tick = Tick(connect_redis(redis_url(house.settings), socket_timeout=1, socket_connect_timeout=1))
        self._name = f"worker:{socket.gethostname()}:{os.getpid()}"
        self._began = house.clock()
        self._beaten: datetime | None = None
        self._looked: datetime | None = None
        self._failing: set[str] = set()

    def run(self, stopping: threading.Event) -> None:
        """Work until *stopping* is set. Nothing that fails ends it."""
        jobs.begin(self._house)
        while not stopping.is_set():
            for duty in (self._keep_redis, self._keep_workers, self._wake, self._stand_in, self._say_alive):
                self._dutifully(duty)
            stopping.wait(TICK)
        self._supervisor.stop()
        if self._embedded is not None:
            self._embedded.stop()

    def _dutifully(self, duty: Callable[[], None]) -> None:
        """Do one duty. What goes on failing is said once, and once more when it works again."""
        name = duty.__name__.strip("_")
        try:
            duty()
        except Exception as error:
            if name not in self._failing:
                log.error("duty_fails", duty=name, exc_info=None if is_away(error) else error)
            self._failing.add(name)
        else:
            if name in self._failing:
                log.info("duty_works_again", duty=name)
            self._failing.discard(name)

    def _keep_redis(self) -> None:
        if self._embedded is None:
            return
        try:
            self._embedded.start()
        except EmbeddedRedisError as error:
            log.error("no_embedded_redis", reason=str(error))

    def _keep_workers(self) -> None:
        self._supervisor.look(time.monotonic())

    def _wake(self) -> None:
        self._tick(self._house.clock())

    def _stand_in(self) -> None:
        """Do what Redis took the wake-ups of and no worker did: they all wait to be started again, or hang.

        After a time without any worker process the first one does not wait for its RQ workers either.
        """
        now = self._house.clock()
        if self._looked is not None and now - self._looked < STANDING_IN:
            return
        self._looked = now
        with self._house.database.reading() as connection:
            left = unanswered(connection, self._began, now)
        for name in left:
            log.warning("timed_work_overdue", kind=name, effect="the work is done by the tick itself")
            jobs.run(name)

    def _say_alive(self) -> None:
        now = self._house.clock()
        if self._beaten is not None and now - self._beaten < BEAT_EVERY:
            return
        running = {child.queue: 0 for child in self._supervisor.children}
        for child in self._supervisor.children:
            running[child.queue] += child.running
        with self._house.database.transaction() as connection:
            beat(connection, self._name, now, {"workers": running})
            if self._beaten is None:
                forget(connection, now - FORGOTTEN, "worker:")
        self._beaten = now


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    parser = arguments("Timed work: RQ workers and the schedule.")
    parser.add_argument("--workers", type=_number, default=1, metavar="N", help="processes for each queue (default 1)")
    parser.add_argument("--queue", choices=jobs.QUEUES, help=argparse.SUPPRESS)  # a child of ours
    given = parser.parse_args()
    if given.queue:
        work(open_house(f"worker-{given.queue}", given.config, quiet=True), given.queue)
        return
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    house = open_house("worker", given.config, stopping)
    try:
        Foreman(house, _supervisor(given)).run(stopping)
    finally:
        house.database.close()
    log.info("stopped")


def _supervisor(given: argparse.Namespace) -> Supervisor:
    command = [sys.executable, __file__]
    if given.config:
        command += ["--config", str(given.config)]
    return Supervisor(command, [Child(queue, n) for queue in jobs.QUEUES for n in range(given.workers)])


def _number(value: str) -> int:
    number = int(value)
    if not 1 <= number <= 64:
        raise argparse.ArgumentTypeError("expected 1-64")
    return number


if __name__ == "__main__":
    main()
