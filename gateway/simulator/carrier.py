"""The carrier: takes binds, delivers texts, records what it got, sends receipts. For one event loop.

    async with Carrier(port=0) as carrier:
        await carrier.deliver("+358405550101", "+358405550100", "Peruuta aikani")
        answer = await carrier.wait_for_text("+358405550101")

What it delivers, it keeps until it is acknowledged: a broken link or a temporary refusal brings the text again.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, Self

from gateway.simulator.delivery import TEMPORARY, Delivery, Outgoing, as_phone_sends, receipt, written_id
from gateway.simulator.faults import Faults, Receipts
from gateway.simulator.record import Received, Record, Submitted
from gateway.simulator.subscriber import Reply, Subscriber
from gateway.smpp.events import BindAsked, TextArrived
from gateway.smpp.pdu import Pdu, Status, encode
from gateway.smpp.session import Timing

_TICK: Final = 0.25
_FIRST_ID: Final = 0x1A2B3C00  # with letters in hexadecimal, so that the two ways to write an id differ


class Carrier:
    """One simulated carrier; `faults` and `receipts` may be changed at any time."""

    name = "carrier"

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        system_id: str = "tekstari",
        password: str = "secret",
        window: int = 50,
        retry_seconds: float = 0.5,
        timing: Timing | None = None,
        tls: ssl.SSLContext | None = None,
        seed: int = 0,
    ) -> None:
        self.host = host
        self.port = port
        self.faults = Faults()
        self.receipts = Receipts()
        self.record = Record()
        self.subscribers: list[Subscriber] = []
        self.on_text: Callable[[Received], None] | None = None  # told of every whole text, as it comes
        self.malformed = 0
        self.binds = 0
        self._system_id = system_id
        self._password = password
        self._window = window
        self._retry_seconds = retry_seconds
        self._timing = timing or Timing(response=10.0)
        self._tls = tls
        self._chance = random.Random(seed)
        self._ids = itertools.count(_FIRST_ID)
        self._replies = 0
        self._waited = 0.0  # seconds, all submits together
        self._accepted: deque[float] = deque()
        self._waiting: deque[Outgoing] = deque()
        self._watchers: dict[str, list[tuple[Callable[[Received], bool], asyncio.Future[Received]]]] = {}
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop

    # Life

    async def start(self) -> None:
        """Listen; `port` is a free one from then on if it was 0."""
        self._loop = asyncio.get_running_loop()
        await self._listen()
        self._ticking = self._loop.create_task(self._tick())

    async def stop(self) -> None:
        """Close every connection and listen no more."""
        if self._ticking is not None:
            self._ticking.cancel()
        self._close()

    async def restart(self, away_seconds: float) -> None:
        """Break every connection, refuse new ones for *away_seconds*, then listen again. What waits is kept."""
        self._close()
        await asyncio.sleep(away_seconds)
        await self._listen()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # Texts

    async def deliver(self, number: str, service_number: str, text: str, *, mode: str = "udh8") -> list[int]:
        """Send *text* from *number* and wait until the gateway has answered every part; returns their statuses."""
        return await self.deliver_pdus(as_phone_sends(number, service_number, text, mode))

    async def deliver_pdus(self, outgoing: Sequence[Outgoing]) -> list[int]:
        """Send deliver_sm PDUs just as they are, and wait for their answers."""
        return await self.post(outgoing)

    def post(self, outgoing: Sequence[Outgoing]) -> asyncio.Future[list[int]]:
        """Queue deliver_sm PDUs; the future holds their final statuses.

        Raises `LocalProtocolError`, having queued none, when SMPP has no room for one.
        """
        delivery = Delivery(self._loop.create_future(), [None] * len(outgoing))
        for place, one in enumerate(outgoing):
            one.delivery, one.place = delivery, place
        self.enqueue(outgoing)
        return delivery.done

    def enqueue(self, outgoing: Sequence[Outgoing]) -> None:
        """Queue deliver_sm PDUs that nobody waits for; all that are queued in one turn of the loop go in one write."""
        for one in outgoing:
            one.octets = encode(Pdu("deliver_sm", 0, 0, one.fields, one.tlvs))
        if not self._waiting:
            self._loop.call_soon(self.pump)
        self._waiting.extend(outgoing)

    async def wait_for_text(
        self,
        number: str,
        wanted: Callable[[Received], bool] = lambda _: True,
        *,
        after: int = 0,
        timeout: float = 10.0,
    ) -> Received:
        """Return the first text to *number* with an id above *after* that is *wanted*. Raises TimeoutError."""
        for received in self.record.of(number, after):
            if wanted(received):
                return received
        future: asyncio.Future[Received] = self._loop.create_future()
        watcher = (wanted, future)
        self._watchers.setdefault(number, []).append(watcher)
        try:
            async with asyncio.timeout(timeout):
                return await future
        finally:
            self._watchers[number].remove(watcher)

    async def wait_for_bind(self, count: int = 1, timeout: float = 10.0) -> None:
        """Return when *count* binds stand at once. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while len(self.bound()) < count:
                self._changed.clear()
                await self._changed.wait()

    def bound(self) -> list[Subscriber]:
        """Return the connections that are bound."""
        return [one for one in self.subscribers if one.session.may_send("data_sm")]

    # Misbehaviour that happens once

    def disconnect(self, *, inside_pdu: bool = False) -> None:
        """Break every connection, on demand in the middle of a deliver_sm."""
        for subscriber in list(self.subscribers):
            if inside_pdu:
                subscriber.write(encode(Pdu("deliver_sm", 1, 0, {"short_message": b"half"}))[:25])
            if subscriber.transport is not None:
                subscriber.transport.close()

    def unbind(self) -> None:
        """Take leave of every gateway by the book."""
        for subscriber in self.bound():
            subscriber.session.unbind(self._loop.time())
            subscriber.flush()

    def say(self, octets: bytes) -> None:
        """Write *octets*, whatever they are, on every bound connection."""
        for subscriber in self.bound():
            subscriber.write(octets)

    # What the subscribers ask

    def admits(self, asked: BindAsked) -> int | None:
        """Return the status for a bind, None for no answer at all."""
        self._changed.set()
        if self.faults.ignore_binds:
            return None
        if self.faults.bind_status:
            return self.faults.bind_status
        if asked.system_id != self._system_id:
            return Status.RINVSYSID
        if asked.password != self._password:
            return Status.RINVPASWD
        self.binds += 1
        return Status.ROK

    def submitted(self, text: TextArrived, now: float) -> Reply:
        """Decide on a submit_sm, record it, and return how to answer it."""
        status = self.faults.verdict(text.destination, self._accepted, now, self._chance)
        message_id = "" if status else written_id(next(self._ids), self.receipts.answer_form)
        one = Submitted(now, text.destination, text.pdu, status, message_id)
        received = self.record.add(text, one)
        if status == 0:
            self._accepted.append(now)
            if self.receipts.form != "none" and text.pdu.fields.get("registered_delivery", 0) & 0x01:
                self._send_receipt(one)
        if received is not None:
            self._tell(received)
        return text, status, message_id

    def reply(self, subscriber: Subscriber, replies: Sequence[Reply], arrived_at: float) -> None:
        """Answer submits now, or after the delay of the day."""
        if self.faults.delay:
            self._loop.call_at(arrived_at + self.faults.delay, self._reply, subscriber, replies, arrived_at)
        else:
            self._reply(subscriber, replies, arrived_at)

    def response_time(self) -> float:
        """Return how many seconds a submit waited for its answer, on the average: the delay, and what timers add."""
        return self._waited / self._replies if self._replies else 0.0

    def acknowledged(self, subscriber: Subscriber, outgoing: Outgoing, status: int, now: float) -> None:
        """A deliver_sm was answered."""
        if self.faults.forget_acks_next:
            self.faults.forget_acks_next -= 1
            self._waiting.appendleft(outgoing)
            if subscriber.transport is not None:
                subscriber.transport.abort()
        elif status in TEMPORARY:
            self._loop.call_later(self._retry_seconds, self.take_back, [outgoing])
        else:
            outgoing.finish(status, now)

    def take_back(self, outgoing: Sequence[Outgoing]) -> None:
        """Deliver again, first, what was not acknowledged."""
        self._waiting.extendleft(reversed(outgoing))
        self._changed.set()
        self.pump()

    def pump(self) -> None:
        """Deliver what waits, as far as the windows of the bound receivers allow."""
        self._changed.set()
        if not self._waiting:
            return
        receivers = [one for one in self.subscribers if one.receiving]
        now = self._loop.time()
        for subscriber in receivers:
            room = self._window - subscriber.session.outstanding
            share = -(-len(self._waiting) // len(receivers))
            for _ in range(min(room, share, len(self._waiting))):
                subscriber.deliver(self._waiting.popleft(), now)
            subscriber.flush()

    # Inside

    def _reply(self, subscriber: Subscriber, replies: Sequence[Reply], arrived_at: float) -> None:
        self._replies += len(replies)
        self._waited += len(replies) * (self._loop.time() - arrived_at)
        subscriber.reply(replies)

    def _send_receipt(self, submitted: Submitted) -> None:
        one = receipt(submitted, self.receipts)
        if self.receipts.delay > 0:
            self._loop.call_later(self.receipts.delay, self.enqueue, [one])
        else:
            self.enqueue([one])
            if self.receipts.delay < 0:
                self.pump()

    def _tell(self, received: Received) -> None:
        if self.on_text is not None:
            self.on_text(received)
        for wanted, future in self._watchers.get(received.number, ()):
            if not future.done() and wanted(received):
                future.set_result(received)

    async def _listen(self) -> None:
        self._server = await self._loop.create_server(
            lambda: Subscriber(self, self._timing), self.host, self.port, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for subscriber in list(self.subscribers):
            if subscriber.transport is not None:
                subscriber.transport.abort()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            now = self._loop.time()
            for subscriber in list(self.subscribers):
                subscriber.tick(now)

    def stats(self) -> dict[str, Any]:
        """Return counts, for people and programs."""
        return {
            "bound": len(self.bound()),
            "binds": self.binds,
            "waiting": len(self._waiting),
            "unacknowledged": sum(one.session.outstanding for one in self.subscribers),
            "submitted": len(self.record.submitted),
            "refused": sum(1 for one in self.record.submitted if one.status),
            "texts": len(self.record.texts),
            "busiest_second": self.record.busiest_second(),
            "malformed": self.malformed,
        }
