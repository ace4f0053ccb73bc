"""A post and a desk in memory, and a gateway made of them and the real turns and links."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from gateway.channel import Answered, Stored
from gateway.dispatch import Reconnect
from gateway.smpp.link import Link, LinkSettings
from gateway.text import Lane, OutboundText, Verdict
from gateway.turns import Turns
from lang.alphabet import decode_text

CLINIC = "+358405550100"
QUICK = Reconnect(first=0.05, longest=0.2, refused_first=0.1, refused_longest=0.2)


def patient(n=1):
    """The number of the *n*-th made-up patient."""
    return f"+3584055501{n:02d}"


def wall():
    return datetime.now(UTC)


def wait_until(true: Callable[[], object], timeout=15.0):
    """Wait until *true*() is; fails the test when it never comes to be."""
    end = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.005)


@dataclass
class Row:
    """A text in the outbox of `MemoryPost`."""

    text: OutboundText
    state: str = "due"  # leased, accepted, refused
    accepted: set[int] = field(default_factory=set)
    again_at: float = 0.0


class MemoryPost:
    """The post's promises, kept in memory. `failing` makes every call fail; `refusing` makes some texts fail."""

    def __init__(self):
        self.lock = threading.RLock()
        self.inbox = []
        self.rows: dict[int, Row] = {}
        self.settlements = []
        self.receipts = []
        self.quarantined = []
        self.sessions = {}
        self.released = False
        self.reports = []
        self.rates = None  # by bind; None: as configured
        self.failing = False
        self.refusing: Callable[[object], bool] = lambda text: False

    def _check(self):
        if self.failing:
            raise ConnectionError("the database is away")

    def session_opened(self, bind, now):
        self._check()
        self.sessions[len(self.sessions) + 1] = "open"
        return len(self.sessions)

    def session_closed(self, session, now):
        self._check()
        self.sessions[session] = "closed"

    def store(self, texts, now):
        self._check()
        if any(self.refusing(text) for text in texts):
            raise ValueError("one of them cannot be stored")
        stored = []
        for text in texts:
            self.inbox.append(text)
            stored.append(Stored(len(self.inbox), text))
        return stored

    def quarantine(self, bind, octets, reason, now):
        self._check()
        self.quarantined.append(octets)

    def write(self, number, body, *, lane=Lane.ANSWER, expires_at=None, service_number=CLINIC):
        """Put a text into the outbox; returns its id."""
        with self.lock:
            row_id = len(self.rows) + 1
            text = OutboundText(row_id, service_number, number, body, lane, row_id, frozenset(), 0, expires_at)
            self.rows[row_id] = Row(text)
            return row_id

    def lease(self, gateway, service_numbers, room, now):
        self._check()
        with self.lock:
            busy = {row.text.number for row in self.rows.values() if row.state == "leased"}
            leased = []
            for row in sorted(self.rows.values(), key=lambda row: (row.text.lane, row.text.id)):
                ready = row.state == "due" and row.again_at <= time.monotonic() and row.text.number not in busy
                if ready and row.text.service_number in service_numbers and len(leased) < room:
                    row.state = "leased"
                    busy.add(row.text.number)
                    row.text = replace(row.text, attempt=row.text.attempt + 1, accepted=frozenset(row.accepted))
                    leased.append(row.text)
            return leased

    def settle(self, settlements, receipts, now):
        self._check()
        with self.lock:
            self.receipts += receipts
            for one in settlements:
                self.settlements.append(one)
                self._settle(self.rows[one.outbox_id], one)

    def _settle(self, row, one):
        if one.verdict is Verdict.ACCEPTED:
            row.accepted.add(one.part)
            row.state = "accepted" if len(row.accepted) == one.total else row.state
        elif one.verdict is Verdict.REFUSED:
            row.state = "refused"
        elif row.state == "leased":
            row.state = "due"
            if one.verdict is Verdict.LATER:
                row.again_at = time.monotonic() + 0.1

    def heartbeat(self, gateway, binds, now):
        self._check()
        self.reports = list(binds)
        return {bind.name: bind.rate for bind in binds} if self.rates is None else self.rates

    def release(self, gateway, now):
        self.released = True

    def states(self):
        """The states of all outbox rows."""
        return [row.state for row in self.rows.values()]


class EchoDesk:
    """Answers every whole text with *answer* of it."""

    def __init__(self, post, answer=lambda text: f"Kiitos: {text}"):
        self.post = post
        self._answer = answer
        self.batches = []
        self.failing = False

    def answer(self, stored, now, room):
        self.batches.append(len(stored))
        if self.failing:
            raise RuntimeError("the desk stumbles")
        for one in stored:
            body = self._answer(decode_text(one.text.octets, one.text.coding))
            if body:
                self.post.write(one.text.source, body, service_number=one.text.destination)
        return Answered(queued=True)

    def sweep(self, now):
        return 0


class Gateway:
    """Links and turns on a thread of their own, as `gateway.__main__` runs them."""

    def __init__(self, *ports, post=None, desk=None, reconnect=QUICK, **settings):
        self.post = post or MemoryPost()
        self.desk = desk or EchoDesk(self.post)
        self.turns = Turns(self.post, self.desk, gateway="test", clock=wall)
        defaults = {"host": "127.0.0.1", "system_id": "tekstari", "password": "secret", "numbers": (CLINIC,), "rate": 0}
        self.links = [
            Link(
                LinkSettings(**({"name": f"bind{n}", "port": port} | defaults | settings)),
                self.turns,
                clock=wall,
                reconnect=reconnect,
            )
            for n, port in enumerate(ports)
        ]
        for link in self.links:
            self.turns.add(link)
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), daemon=True)

    async def _live(self):
        self._loop = asyncio.get_running_loop()
        self._left = asyncio.Event()
        tasks = [asyncio.create_task(link.run()) for link in self.links]
        await asyncio.sleep(0)
        self._started.set()
        await self._left.wait()  # links may end before: the loop stays, for whoever asks it to stop them
        await asyncio.gather(*tasks)
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))  # a stop that is still under way

    def stop_links(self, timeout=20.0):
        """Stop the links alone, as SIGTERM begins; once is enough."""
        if not self._thread.is_alive():
            return
        stops = [asyncio.run_coroutine_threadsafe(link.stop(), self._loop) for link in self.links]
        for stop in stops:
            stop.result(timeout)
        self._loop.call_soon_threadsafe(self._left.set)
        self._thread.join(timeout)
        assert not self._thread.is_alive()

    def stop_in_background(self):
        """Begin to stop the links."""
        for link in self.links:
            asyncio.run_coroutine_threadsafe(link.stop(), self._loop)

    def __enter__(self):
        self.turns.start()
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *why):
        self.stop_links()
        self.turns.stop(10.0)
        assert not self.turns.is_alive()
