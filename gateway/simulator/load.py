"""Load from the carrier: so many texts in flight until each has its answer, and when everything happened.

A text counts as in flight from its deliver_sm until a whole text to the same number has come back by submit_sm. Nothing
is decoded twice and nothing waits on a timer, since the carrier shares the machine with the gateway that it measures.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.simulator.carrier import Carrier
from gateway.simulator.delivery import Outgoing, as_phone_sends
from gateway.simulator.record import Received


@dataclass(slots=True, eq=False)
class Trip:
    """One text and its answer; times are the carrier's loop's, 0 while it has not happened."""

    number: str
    parts: list[Outgoing]
    sent_at: float = 0.0
    answered_at: float = 0.0
    answer: str = ""

    @property
    def acknowledged_at(self) -> float:
        """When the last part had its deliver_sm_resp."""
        return max(part.answered_at for part in self.parts)


def prepare(texts: Sequence[tuple[str, str]], service_number: str) -> list[Trip]:
    """Return (number, text) pairs as trips, encoded, so that the run itself has nothing to do for it."""
    return [Trip(number, as_phone_sends(number, service_number, text)) for number, text in texts]


class Load:
    """Keeps *in_flight* of *trips* under way on *carrier*; two of one number are answered in order."""

    def __init__(self, carrier: Carrier, trips: Sequence[Trip], in_flight: int) -> None:
        self._carrier = carrier
        self._left = deque(trips)
        self._in_flight = in_flight
        self._under_way: dict[str, deque[Trip]] = {}
        self._unanswered = len(trips)
        self._all_answered = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    async def run(self, timeout: float) -> None:
        """Return when every trip has its answer. Raises TimeoutError."""
        self._carrier.on_text = self._answered
        try:
            self._send([self._left.popleft() for _ in range(min(self._in_flight, len(self._left)))])
            async with asyncio.timeout(timeout):
                await self._all_answered.wait()
        finally:
            self._carrier.on_text = None

    def _send(self, trips: Sequence[Trip]) -> None:
        now = self._loop.time()
        for trip in trips:
            trip.sent_at = now
            self._under_way.setdefault(trip.number, deque()).append(trip)
            self._carrier.enqueue(trip.parts)

    def _answered(self, received: Received) -> None:
        waiting = self._under_way.get(received.number)
        if not waiting:
            return
        trip = waiting.popleft()
        trip.answered_at, trip.answer = received.at, received.text
        self._unanswered -= 1
        if self._left:
            self._send([self._left.popleft()])
        elif not self._unanswered:
            self._all_answered.set()
