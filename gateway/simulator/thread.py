"""The carrier in a thread of its own, for tests and programs that have no event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self, TypeVar

from gateway.simulator.carrier import Carrier
from gateway.simulator.delivery import Outgoing, as_phone_sends
from gateway.simulator.faults import Faults, Receipts
from gateway.simulator.record import Received, Record

Result = TypeVar("Result")


class CarrierThread:
    """A `Carrier` (of some *kind*) that can be called from any thread. *options* are `Carrier`'s.

    with CarrierThread() as carrier:
        carrier.wait_for_bind()
        carrier.deliver("+358405550101", "+358405550100", "Peruuta aikani")
        answer = carrier.wait_for_text("+358405550101")
    """

    def __init__(self, kind: type[Carrier] = Carrier, **options: Any) -> None:
        self._kind, self._options = kind, options
        self._carrier: Carrier
        self._loop: asyncio.AbstractEventLoop
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), name="carrier", daemon=True)
        self._over: asyncio.Event

    def start(self) -> None:
        """Listen on `port`. Raises what listening raised, OSError for a port that is taken."""
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Close everything."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._carrier.port

    @property
    def faults(self) -> Faults:
        """How it misbehaves; change the fields."""
        return self._carrier.faults

    @property
    def receipts(self) -> Receipts:
        """How its receipts look; change the fields."""
        return self._carrier.receipts

    @property
    def record(self) -> Record:
        """What it got. Grows at the end only."""
        return self._carrier.record

    def deliver(
        self, number: str, service_number: str, text: str, *, mode: str = "udh8", timeout: float = 10.0
    ) -> list[int]:
        """Send *text* from *number*; returns the statuses of its parts when all are answered. Raises TimeoutError."""
        return self._run(self._carrier.deliver(number, service_number, text, mode=mode), timeout)

    def deliver_pdus(self, outgoing: Sequence[Outgoing], timeout: float = 10.0) -> list[int]:
        """Send deliver_sm PDUs just as they are, and wait for their answers. Raises TimeoutError."""
        return self._run(self._carrier.deliver_pdus(outgoing), timeout)

    def queue(self, number: str, service_number: str, text: str, *, mode: str = "udh8") -> int:
        """Send *text* without waiting; returns its parts. Raises `LocalProtocolError` when SMPP cannot carry it."""
        outgoing = as_phone_sends(number, service_number, text, mode)
        self._run(self._queue(outgoing), 10.0)
        return len(outgoing)

    def post(self, number: str, service_number: str, text: str, *, mode: str = "udh8") -> Future[list[int]]:
        """Send *text* without waiting; the future holds what `deliver` returns."""
        return asyncio.run_coroutine_threadsafe(
            self._carrier.deliver(number, service_number, text, mode=mode), self._loop
        )

    def wait_for_text(
        self,
        number: str,
        wanted: Callable[[Received], bool] = lambda _: True,
        *,
        after: int = 0,
        timeout: float = 10.0,
    ) -> Received:
        """Return the first text to *number* with an id above *after* that is *wanted*. Raises TimeoutError."""
        return self._run(self._carrier.wait_for_text(number, wanted, after=after, timeout=timeout), timeout + 1.0)

    def wait_for_bind(self, count: int = 1, timeout: float = 10.0) -> None:
        """Return when *count* binds stand at once. Raises TimeoutError."""
        self._run(self._carrier.wait_for_bind(count, timeout), timeout + 1.0)

    def texts(self, number: str = "", after: int = 0) -> list[Received]:
        """Return the texts to *number* (all when "") with an id above *after*."""
        return self._carrier.record.of(number, after)

    def restart(self, away_seconds: float) -> None:
        """Break every connection, refuse new ones for *away_seconds*, then listen again."""
        self._run(self._carrier.restart(away_seconds), away_seconds + 10.0)

    def disconnect(self, *, inside_pdu: bool = False) -> None:
        """Break every connection, on demand in the middle of a deliver_sm."""
        self._loop.call_soon_threadsafe(lambda: self._carrier.disconnect(inside_pdu=inside_pdu))

    def unbind(self) -> None:
        """Take leave of every gateway by the book."""
        self._loop.call_soon_threadsafe(self._carrier.unbind)

    def say(self, octets: bytes) -> None:
        """Write *octets*, whatever they are, on every bound connection."""
        self._loop.call_soon_threadsafe(self._carrier.say, octets)

    def waiting(self) -> int:
        """Return how many deliver_sm PDUs are not yet taken by a gateway."""
        stats = self.stats()
        return int(stats["waiting"] + stats["unacknowledged"])

    def stats(self) -> dict[str, Any]:
        """Return counts."""
        return self._run(self._stats(), 10.0)

    def run(self, work: Callable[[Carrier], Coroutine[Any, Any, Result]], timeout: float) -> Result:
        """Run *work* beside the carrier, in its loop."""
        return self._run(work(self._carrier), timeout)

    async def _queue(self, outgoing: Sequence[Outgoing]) -> None:
        self._carrier.post(outgoing)

    async def _stats(self) -> dict[str, Any]:
        return self._carrier.stats()

    def _run(self, work: Coroutine[Any, Any, Result], timeout: float) -> Result:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout)
        finally:
            future.cancel()

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        try:
            self._carrier = self._kind(**self._options)
            await self._carrier.start()
        except BaseException as error:
            self._failure = error
            return
        finally:
            self._ready.set()
        await self._over.wait()
        await self._carrier.stop()
