"""One socket to a carrier and the session on it.

All that one read brings goes to the database thread as one list, and all that there is to say goes out in one write.
Nagle is off (asyncio sees to it), and no text or request has a timer of its own.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Sequence
from typing import Final, Protocol

from gateway.smpp.events import (
    Answered,
    Arrival,
    Bound,
    Ended,
    Ending,
    Event,
    Odd,
    Quarantined,
    ReceiptArrived,
    TextArrived,
    Unanswered,
)
from gateway.smpp.pdu import Status, status_name
from gateway.smpp.session import Session

log = logging.getLogger(__name__)

_OWED_MOST: Final = 2_000  # texts that wait for their commit before the socket is read no further
_LAST_WORDS: Final = 2.0  # seconds that the other side has to read them


class Owner(Protocol):
    """Who a connection works for: `Link`. All of it happens in the event loop."""

    def opened(self, connection: Connection) -> None:
        """The socket stands."""

    def bound(self, connection: Connection) -> None:
        """The carrier let us in."""

    def came(
        self, connection: Connection, arrivals: Sequence[Arrival], answers: Sequence[Answered | Unanswered], now: float
    ) -> None:
        """What one read brought: texts that wait for `answer`, and what became of submits."""

    def pump(self) -> None:
        """There is room to write again."""

    def lost(self, connection: Connection) -> None:
        """The socket is gone."""


class Connection(asyncio.Protocol):
    """One socket and its *session*, from connect to close."""

    def __init__(self, owner: Owner, session: Session, *, bind: str, account: str) -> None:
        self.session = session
        self.bind = bind
        self.account = account
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ending: Ended | None = None
        self.bound_at: float | None = None
        self.silence = 0.0  # seconds for which nothing had been heard when it was given up
        self.clogged = False  # the other side reads slower than we write
        self.draining = False  # we read no further until what was read is answered
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._paused = False
        self._transport: asyncio.Transport | None = None
        self._closing = False
        self._heard_at = self._loop.time()

    # What the event loop says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the owner bind."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._owner.opened(self)
        self.flush()

    def data_received(self, data: bytes) -> None:
        """Take all that has come, as one list."""
        now = self._heard_at = self._loop.time()
        self._take(self.session.receive_data(data, now), now)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give back what is under way."""
        now = self._loop.time()
        self._transport = None
        if isinstance(exc, TimeoutError) or (self.ending is not None and self.ending.why is Ending.SILENT):
            self.silence = now - self._heard_at
        self._take(self.session.abandon(), now)
        self._owner.lost(self)
        if not self.ended.done():
            self.ended.set_result(None)

    def pause_writing(self) -> None:
        """Add nothing to what the other side does not read."""
        self.clogged = True
        self.balance()

    def resume_writing(self) -> None:
        """Go on."""
        self.clogged = False
        self.balance()
        self._owner.pump()

    # What the owner and the turns say

    def tick(self, now: float) -> None:
        """Let the session see the time."""
        self._take(self.session.tick(now), now)

    def answer(self, accepted: Sequence[Arrival], rejected: Sequence[Arrival]) -> None:
        """Acknowledge, from the database thread, what is stored, and refuse what is not."""
        self._loop.call_soon_threadsafe(self._answer, accepted, rejected)

    def flush(self) -> None:
        """Write what the session has to say, and close when that was the last."""
        data = self.session.data_to_send()
        if self._transport is None:
            return
        if data:
            self._transport.write(data)
        if self.session.closed and not self._closing:
            self._closing = True
            self._transport.close()
            self._loop.call_later(_LAST_WORDS, self._transport.abort)

    def drop(self) -> None:
        """Close without a word: there is nobody to hear it."""
        if self._transport is not None:
            self._transport.abort()

    def balance(self) -> None:
        """Leave what comes in the socket while we cannot take it, or read on."""
        paused = self.clogged or self.draining or self.session.owed > _OWED_MOST
        if self._transport is None or self._transport.is_closing() or paused == self._paused:
            return
        self._paused = paused
        if paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _answer(self, accepted: Sequence[Arrival], rejected: Sequence[Arrival]) -> None:
        for arrival in accepted:
            self.session.accept(arrival)
        for arrival in rejected:
            self.session.reject(arrival, Status.RX_T_APPN)
        self.flush()
        self.balance()

    def _take(self, events: Sequence[Event], now: float) -> None:
        arrivals: list[Arrival] = []
        answers: list[Answered | Unanswered] = []
        for event in events:
            match event:
                case TextArrived() | ReceiptArrived() | Quarantined():
                    arrivals.append(event)
                case Answered() | Unanswered():
                    answers.append(event)
                case Bound():
                    self.bound_at = now
                    self._owner.bound(self)
                case Ended():
                    self.ending = event
                case Odd(what, sequence, status):
                    log.warning("bind %s: %s (sequence %d, %s)", self.bind, what, sequence, status_name(status))
        self.flush()
        if arrivals or answers:
            self._owner.came(self, arrivals, answers, now)
            self.balance()
