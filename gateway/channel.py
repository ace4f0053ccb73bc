"""What a channel needs from the rest of the house, and what the rest needs from a channel.

`gateway` never imports `handlers`: the composition root passes objects that keep these promises. Nothing here is
called from the event loop: the post is called from the database thread (`turns.py`), the desk from that or from one of
its own beside it, never from two at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from gateway.text import InboundText, OutboundText, Receipt, Settlement


@dataclass(frozen=True, slots=True)
class Stored:
    """A part that is committed. *inbox_id* is None when it repeats one that we already have (a redelivery).

    *undecided*: it may repeat one, which seconds will show. It is not committed; refuse it, and it comes again.
    """

    inbox_id: int | None
    text: InboundText
    undecided: bool = False


@dataclass(frozen=True, slots=True)
class BindReport:
    """How one bind of this gateway stands, for /readyz, /metrics and the console: plain values, no personal data."""

    name: str  # of the [[smpp]] entry
    account: str  # the carrier's account, which several binds and processes may share
    submits: bool  # whether texts leave by it; a receiver takes no part of the rate
    rate: float  # submits a second that the account allows, 0 = no limit
    state: str  # a value of `gateway.smpp.session.State`
    since: datetime  # when that state began
    outstanding: int  # submits without an answer
    waiting: int  # leased and not yet submitted
    counts: Mapping[str, int]  # since the process began: texts_in, receipts_in, submits, accepted, throttled, …


class Post(Protocol):
    """The inbox and the outbox. Each call is one short transaction and has committed when it returns."""

    def session_opened(self, bind: str, now: datetime) -> int:
        """A link session began; returns its row id, which its inbound texts carry."""

    def session_closed(self, session: int, now: datetime) -> None:
        """A link session ended: acknowledgements of its last 5 s may not have been read."""

    def store(self, texts: Sequence[InboundText], now: datetime) -> list[Stored]:
        """Commit the parts that arrived, all in one transaction, in order. Only after this may they be acknowledged."""

    def quarantine(self, bind: str, octets: bytes, reason: str, now: datetime) -> None:
        """Keep a PDU that we could not read (encrypted), for the operator."""

    def lease(self, gateway: str, service_numbers: Sequence[str], room: int, now: datetime) -> list[OutboundText]:
        """Take up to *room* texts that are due on these numbers, answers first, one under way per recipient."""

    def settle(self, settlements: Sequence[Settlement], receipts: Sequence[Receipt], now: datetime) -> None:
        """Record what became of submitted parts and what receipts say; early receipts are parked."""

    def heartbeat(self, gateway: str, binds: Sequence[BindReport], now: datetime) -> Mapping[str, float]:
        """Say that this gateway lives, about every second; returns how much of its account's rate each bind may use.

        By bind name, in submits a second, 0 = no limit. Processes and binds of one account share its rate, so that
        together they never exceed it. A bind that is not named submits nothing until the next heartbeat.
        """

    def release(self, gateway: str, now: datetime) -> None:
        """Give back what this gateway leased and never submitted (a clean stop)."""


class Answered(NamedTuple):
    """What became of texts that were handed to the desk."""

    waiting: Sequence[Stored] = ()  # hand these over again in a moment: they must wait for what other processes decide
    leased: Sequence[OutboundText] = ()  # answers: submit them
    queued: bool = False  # whether others were put in the outbox, which are still to be leased
    again: Sequence[Stored] = ()  # hand these over again when those are submitted: they hang on what was decided


class Desk(Protocol):
    """Who answers texts that are in the inbox."""

    def answer(self, stored: Sequence[Stored], now: datetime, room: Mapping[str, int]) -> Answered:
        """Handle complete texts among *stored* in batches, each in one transaction with its answers in the outbox.

        As many answers as there is *room* for, by service number, are leased in that transaction for this gateway.
        """

    def sweep(self, now: datetime) -> int:
        """Handle texts that a dead process left waiting, and parts whose others never came; returns how many."""


class Channel(Protocol):
    """A way that texts travel. `CHANNELS` in `gateway/__main__.py` names them."""

    async def run(self) -> None:
        """Carry texts until stopped. Never ends because the other side went away."""

    async def stop(self) -> None:
        """Finish what is under way within 10 s, commit and acknowledge what was read, unbind, close."""
