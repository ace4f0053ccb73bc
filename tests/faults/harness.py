"""A whole service under fault: a clinic's database, a carrier that is watched, and real gateways that may be killed.

Everything is seen from outside: rows of the database, PDUs at the carrier, the log. There are no hooks in the gateway.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from bench.world import SERVICE_NUMBER, Person, build
from gateway.simulator.carrier import Carrier
from gateway.simulator.delivery import as_phone_sends
from gateway.simulator.thread import CarrierThread
from models.crypto import Keys
from models.database import FILE_NAME, connect
from models.schema import migrate
from tests.forks import start_main
from tests.servers import PostgreSQL

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET = "a secret of the tests, of the tests alone"
PATIENCE = 60.0  # seconds for what must come about, on the slowest machine
OURS = "tekstari-tests"  # how the harness's own PostgreSQL connections are called

CONFIG = """
[service]
data_dir = "{data_dir}"

[database]
url = "{url}"
"""
BIND = """
[[smpp]]
name = "{name}"
port = {port}
system_id = "{system_id}"
password = "{password}"
numbers = ["{number}"]
window = {window}
rate = {rate}
enquire_link_seconds = {enquire_link_seconds}
response_timeout_seconds = {response_timeout_seconds}
"""


def wait_until(true: Callable[[], object], timeout: float = PATIENCE, why: Callable[[], object] = lambda: "") -> None:
    """Wait until *true*() is; fails the test, with what *why* tells, when it never comes to be."""
    end = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < end, f"it never came to be: {why()}"
        time.sleep(0.01)


@dataclass
class Bind:
    """One [[smpp]] entry for a gateway of the tests."""

    port: int
    name: str = "main"
    system_id: str = "tekstari"
    password: str = "secret"
    number: str = SERVICE_NUMBER
    window: int = 50
    rate: int = 0
    enquire_link_seconds: int = 30
    response_timeout_seconds: int = 30


class Gateway:
    """A gateway as a process of its own: `python -m gateway` without the second that its imports take."""

    module = "gateway.__main__"

    def __init__(self, config: Path, name: str = "gateway") -> None:
        self.log = config.parent / f"{name}.log"
        self._arguments: list[object] = ["--config", config]
        self._process: ForkServerProcess | None = None

    def start(self) -> None:
        """Start it; it need not be ready when this returns."""
        self.log.touch()
        streams = (Path(os.devnull), self.log, self.log)
        self._process = start_main(self.module, self._arguments, environment=os.environ, streams=streams)

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has neither ended nor been killed."""
        return self._process is not None and self._process.is_alive()

    def kill(self) -> None:
        """kill -9, and wait until the process is gone."""
        assert self._process is not None
        self._process.kill()
        self._process.join()

    def stop(self) -> int | None:
        """SIGTERM; returns the exit status, None while it lives on."""
        assert self._process is not None
        self._process.terminate()
        self._process.join(30)
        return self._process.exitcode

    def said(self, event: str) -> list[dict[str, object]]:
        """The lines of its log whose event holds *event*."""
        lines = (line for line in self.log.read_text().splitlines() if line.startswith("{"))
        return [line for line in map(json.loads, lines) if event in str(line["event"])]


class WatchedCarrier(Carrier):
    """A carrier that tells *trap* of each acknowledgement and each submit in the moment in which it reads it."""

    trap: Callable[[str], None] = staticmethod(lambda event: None)

    def acknowledged(self, subscriber, outgoing, status, now):
        super().acknowledged(subscriber, outgoing, status, now)
        if status == 0:
            self.trap("acknowledgement")

    def submitted(self, text, now):
        reply = super().submitted(text, now)
        self.trap("submit")
        return reply


@dataclass
class Letter:
    """One text that a patient wrote, and what the carrier knows of it."""

    person: Person
    step: str
    text: str
    taken: asyncio.Future[list[int]] | None = None

    @property
    def acknowledged(self) -> bool:
        """Whether the carrier has read that the gateway has all of it."""
        return self.taken is not None and self.taken.done() and not any(self.taken.result())


class Service:
    """A clinic with *people*, its database, a carrier, and the config of a gateway. Use it as a context."""

    def __init__(self, folder: Path, url: str, people: int, **bind: object) -> None:
        self.folder, self.url = folder, url
        self.keys = Keys(SECRET.encode())
        (folder / "secret.key").write_text(SECRET)
        (folder / "secret.key").chmod(0o600)
        self.database = connect(named(url), data_dir=folder)
        migrate(self.database)
        self.people = build(self.database, self.keys, people, datetime.now(UTC))
        self.carrier = CarrierThread(WatchedCarrier, retry_seconds=0.2)
        self.letters: list[Letter] = []
        self.bind = bind
        self.gateways: list[Gateway] = []

    def __enter__(self):
        self.carrier.start()
        return self

    def __exit__(self, *_error: object) -> None:
        for gateway in self.gateways:
            if gateway.running:
                gateway.kill()
        self.carrier.stop()
        self.database.close()

    def configure(self, *binds: Bind, name: str = "config") -> Path:
        """Write a config of *binds*, by default one to the carrier as the service was made; returns its path."""
        path = self.folder / f"{name}.toml"
        entries = [BIND.format_map(vars(bind)) for bind in binds or (Bind(self.carrier.port, **self.bind),)]
        path.write_text("".join([CONFIG.format(data_dir=self.folder, url=self.url), *entries]))
        return path

    def gateway(self, *binds: Bind, name: str = "gateway") -> Gateway:
        """A gateway that is not started yet; it ends with the service."""
        gateway = Gateway(self.configure(*binds, name=name), name)
        self.gateways.append(gateway)
        return gateway

    def write(self, letters: list[Letter], *, deaf: bool = False) -> None:
        """Let the patients write all *letters* at once, in this order; a *deaf* carrier then reads nothing more."""
        self.letters += letters

        async def deliver(carrier: Carrier) -> None:
            for letter in letters:
                letter.taken = carrier.post(as_phone_sends(letter.person.number, SERVICE_NUMBER, letter.text))
            carrier.pump()
            carrier.faults.half_open = deaf

        self.carrier.run(deliver, 10.0)

    @contextmanager
    def trapped(self, trap: Callable[[str], None]) -> Iterator[None]:
        """Have the carrier tell *trap* what it reads."""
        self._set_trap(trap)
        try:
            yield
        finally:
            self._set_trap(lambda event: None)

    def _set_trap(self, trap: Callable[[str], None]) -> None:
        async def set_trap(carrier: Carrier) -> None:
            carrier.trap = trap

        self.carrier.run(set_trap, 10.0)

    def wait_for_the_dead(self) -> None:
        """After a kill: until the carrier has seen the link break, and the server has rolled back what was open."""
        wait_until(lambda: not self.carrier.run(_connections, 10.0))
        if not self.database.is_sqlite:
            wait_until(lambda: not self._backends())

    def _backends(self) -> int:
        with self.database.reading() as connection:
            query = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                f"AND application_name <> '{OURS}' AND backend_type = 'client backend'"
            )
            return int(connection.exec_driver_sql(query).scalar_one())

    def reconnect(self) -> None:
        """The server was away: the harness's own connections are of no more use."""
        self.database.writer.dispose()
        self.database.reader.dispose()

    def count(self, query: str) -> int:
        """The one number that *query* asks of the database."""
        with self.database.reading() as connection:
            return int(connection.exec_driver_sql(query).scalar_one())

    def unfinished(self) -> dict[str, int]:
        """What is still under way, by kind; empty when every text was taken, handled and settled."""
        under_way = {
            "not acknowledged": sum(not letter.acknowledged for letter in self.letters),
            "not handled": self.count("SELECT count(*) FROM inbox WHERE state IN ('new', 'part')"),
            "not settled": self.count("SELECT count(*) FROM outbox WHERE state IN ('queued', 'leased')"),
        }
        return {kind: number for kind, number in under_way.items() if number}

    def settle(self, timeout: float = PATIENCE) -> None:
        """Wait until every text was taken, handled and answered, and every answer settled."""
        wait_until(lambda: not self.unfinished(), timeout, self.unfinished)


async def _connections(carrier: Carrier) -> int:
    return len(carrier.subscribers)


def named(url: str) -> str:
    """*url* for the harness's own connections, which can be told from a gateway's."""
    return f"{url}&application_name={OURS}" if url else url


@cache
def migrated_file() -> Path:
    """A migrated, empty SQLite database, made once for all services of a test run."""
    folder = Path(tempfile.mkdtemp(prefix="tekstari-migrated-"))
    atexit.register(shutil.rmtree, folder)
    database = connect("", data_dir=folder)
    migrate(database)
    database.close()
    return folder / FILE_NAME


@contextmanager
def a_service(kind: str, folder: Path, people: int, *, server: PostgreSQL | None = None, **bind: object):
    """A service on a database of *kind*; on PostgreSQL on one of its own, of *server* if there is one."""
    if kind == "sqlite":
        shutil.copy(migrated_file(), folder / FILE_NAME)
        with Service(folder, "", people, **bind) as service:
            yield service
        return
    if server is None:
        with PostgreSQL() as own, Service(folder, own.url(), people, **bind) as service:
            yield service
        return
    name = f"faults_{time.monotonic_ns()}"
    server.execute(f"CREATE DATABASE {name}")
    try:
        with Service(folder, server.url(name), people, **bind) as service:
            yield service
    finally:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
