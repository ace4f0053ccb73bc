"""One connection of a gateway to the carrier: our session in the SMSC role on a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.simulator.delivery import Outgoing
from gateway.smpp.events import Answered, BindAsked, Event, Quarantined, TextArrived, Unanswered
from gateway.smpp.pdu import Pdu, Status, encode
from gateway.smpp.session import Role, Session, Timing

if TYPE_CHECKING:
    from gateway.simulator.carrier import Carrier

Reply = tuple[TextArrived, int, str]  # a submit, the status to answer it with, its message_id


class Subscriber(asyncio.Protocol):
    """A socket and its session; what arrives on it is decided by the carrier."""

    def __init__(self, carrier: Carrier, timing: Timing) -> None:
        self.session = Session(Role.SMSC, timing)
        self.transport: asyncio.Transport | None = None
        self.reads = True  # as far as the carrier delivers to it
        self._carrier = carrier
        self._loop = asyncio.get_running_loop()

    @property
    def receiving(self) -> bool:
        """Whether texts may be delivered on it."""
        return self.transport is not None and self.session.may_send("deliver_sm")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A gateway connected; it has to bind first."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._carrier.subscribers.append(self)

    def data_received(self, data: bytes) -> None:
        """Take what came, unless the fault of the day is that nobody does."""
        faults = self._carrier.faults
        if faults.half_open:
            return
        now = self._loop.time()
        self._take(self.session.receive_data(data, now), now)
        if faults.octets_per_second and self.transport is not None:
            self.transport.pause_reading()
            self._loop.call_later(len(data) / faults.octets_per_second, self._read_on)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  (asyncio's signature)
        """What was not acknowledged is delivered again, on another connection."""
        self.transport = None
        self._carrier.subscribers.remove(self)
        self._carrier.take_back([lost.note for lost in self.session.abandon()])

    def tick(self, now: float) -> None:
        """Let the session see the time."""
        self._take(self.session.tick(now), now)

    def deliver(self, outgoing: Outgoing, now: float) -> None:
        """Say a deliver_sm; `flush` writes it."""
        outgoing.tries += 1
        outgoing.sent_at = now
        self.session.deliver(outgoing.octets, now, outgoing)

    def reply(self, replies: Sequence[Reply]) -> None:
        """Answer submits."""
        faults = self._carrier.faults
        extra = b""
        for text, status, message_id in replies:
            if faults.lose_next:
                faults.lose_next -= 1
                self.session.owed -= 1
            elif faults.nack_next:
                faults.nack_next -= 1
                self.session.owed -= 1
                extra += encode(Pdu("generic_nack", text.sequence, status or Status.RSYSERR))
            elif status:
                self.session.reject(text, status)
            else:
                self.session.accept(text, message_id)
                if faults.double_next:
                    faults.double_next -= 1
                    extra += encode(Pdu(f"{text.command}_resp", text.sequence, 0, {"message_id": message_id}))
        self.flush()
        self.write(extra)

    def flush(self) -> None:
        """Write what the session has to say, and close when that was the last."""
        self.write(self.session.data_to_send())
        if self.session.closed and self.transport is not None:
            self.transport.close()

    def write(self, octets: bytes) -> None:
        """Write *octets* as they are, whatever they mean."""
        if octets and self.transport is not None and not self._carrier.faults.half_open:
            self.transport.write(octets)

    def _read_on(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def _take(self, events: Sequence[Event], now: float) -> None:
        replies: list[Reply] = []
        acknowledged = False
        for event in events:
            match event:
                case TextArrived():
                    replies.append(self._carrier.submitted(event, now))
                case Answered():
                    acknowledged = True
                    self._carrier.acknowledged(self, event.note, event.status, now)
                case Unanswered():
                    self._carrier.take_back([event.note])
                case BindAsked():
                    self._answer_bind(event)
                case Quarantined():
                    self._carrier.malformed += 1
                    self.session.accept(event)
                case _:
                    pass
        self.flush()
        if replies:
            self._carrier.reply(self, replies, now)
        if acknowledged:
            self._carrier.pump()

    def _answer_bind(self, asked: BindAsked) -> None:
        status = self._carrier.admits(asked)
        if status is None:
            return
        self.session.answer_bind(asked, status, self._carrier.name)
        self.flush()
        self._carrier.pump()
