"""A whole service in one process: a database, a carrier on a real socket, the gateway as `gateway.__main__` wires it.

The clock is the only part that is not real: it stands still until a test lets time pass.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Self

from gateway.dispatch import Reconnect
from gateway.simulator.thread import CarrierThread
from gateway.smpp.link import Link, LinkSettings
from gateway.turns import Turns
from handlers.desk import Desk
from handlers.post import PostOffice, process_name
from models.database import Database
from models.facts import IdentityRules
from tests.rows import CLINIC_NUMBER, KEYS, NOW

_ANY = "state IN ('new', 'part')"
_WHOLE = (  # all parts are there, and the last of them rings the desk
    "state = 'new' OR state = 'part' AND part_total ="
    " (SELECT count(*) FROM inbox AS others WHERE others.part_set = inbox.part_set AND others.state = 'part')"
)
PATIENCE = 20.0  # seconds for what must come about, on the slowest machine
QUICK = Reconnect(first=0.02, longest=0.1, refused_first=0.05, refused_longest=0.1)


class Clock:
    """The time of the whole service."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The instant that it is, as every part of the gateway asks for it."""
        return self.now

    def later(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


class Service:
    """The gateway of one clinic's number, bound to *carrier*. Use it as a context; a test has it for itself."""

    def __init__(self, database: Database, carrier: CarrierThread, rules: IdentityRules | None = None) -> None:
        self.database, self.carrier, self.clock = database, carrier, Clock()
        rules = rules or IdentityRules()
        name = process_name(self.clock())
        self.worker = Desk(database, KEYS, rules)  # another process that sweeps
        self.turns = Turns(
            PostOffice(database, KEYS, name),
            Desk(database, KEYS, rules, gateway=name),
            gateway=name,
            clock=self.clock,
            beside=not database.is_sqlite,
        )
        settings = LinkSettings(
            name="main",
            host="127.0.0.1",
            port=carrier.port,
            system_id="tekstari",
            password="secret",
            numbers=(CLINIC_NUMBER,),
            rate=0,
        )
        self.link = Link(settings, self.turns, clock=self.clock, reconnect=QUICK)
        self.turns.add(self.link)
        self._loop: asyncio.AbstractEventLoop
        self._running = threading.Thread(target=lambda: asyncio.run(self._run()), name="links", daemon=True)

    def __enter__(self) -> Self:
        self.turns.start()
        self._running.start()
        self.carrier.wait_for_bind()
        return self

    def __exit__(self, *_error: object) -> None:
        asyncio.run_coroutine_threadsafe(self.link.stop(), self._loop).result(PATIENCE)
        self._running.join(PATIENCE)
        self.turns.stop(PATIENCE)

    def settle(self) -> None:
        """Wait until every text that has come is handled, and everything that may go has gone."""
        self.turns.ring()
        wait_until(lambda: not self._under_way())

    def take_in(self) -> None:
        """The same, but for parts whose others are missing."""
        wait_until(lambda: not self._under_way(_WHOLE))

    def sweep(self) -> None:
        """Another process looks for what was left behind, and the answers go."""
        self.worker.sweep(self.clock())
        self.turns.ring()
        self.take_in()

    def _under_way(self, waiting: str = _ANY) -> int:
        return self._count(
            f"SELECT (SELECT count(*) FROM inbox WHERE {waiting})"
            " + (SELECT count(*) FROM outbox WHERE state IN ('queued', 'leased'))"
        )

    def _count(self, query: str) -> int:
        with self.database.reading() as connection:
            return int(connection.exec_driver_sql(query).scalar_one())

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self.link.run()
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))  # the stop that is under way


def wait_until(true: Callable[[], object]) -> None:
    """Wait until *true*() is; fails the test when it never comes to be."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.001)
