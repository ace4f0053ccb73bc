"""Texts as they travel, the same for every channel: frozen, and without a database, socket or clock.

A *text* is what a person wrote or reads; a *part* (segment) is one SMS of it. A channel hands over parts as the
carrier gave them (`InboundText`), and takes whole texts (`OutboundText`), which it splits and submits itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import NamedTuple


class Lane(IntEnum):
    """What may go first when the carrier's rate is short: the lower number (product.md 4, smpp.md 1)."""

    ANSWER = 0
    OFFER = 1
    CALL_NOTICE = 2
    REMINDER = 3
    BULK = 4


class PartRef(NamedTuple):
    """Where a part belongs: *number* (from 1) of *total* parts that share *reference*, said by *kind*."""

    kind: str  # "udh8", "udh16" or "sar"
    reference: int
    total: int
    number: int


@dataclass(frozen=True, slots=True)
class InboundText:
    """One part of a patient's text (often the only one), as the carrier delivered it, not yet decoded or joined."""

    bind: str  # name of the [[smpp]] entry it came by
    session: int  # id of the link session (`Post.session_opened`): tells a redelivery from an honest second "1"
    source: str  # the sender as E.164 ("+35840…") where it is a number, else as the carrier wrote it
    destination: str  # the service number, E.164
    octets: bytes  # the user data after any user data header
    coding: int  # data_coding (SMPP 3.4 section 5.2.19)
    part: PartRef | None
    received_at: datetime  # aware, UTC


@dataclass(frozen=True, slots=True)
class OutboundText:
    """One whole text leased from the outbox, to be split, submitted and settled part by part."""

    id: int  # outbox row
    service_number: str
    number: str  # E.164
    body: str
    lane: Lane
    reference: int  # concatenation reference (16 bits), the same at every try
    accepted: frozenset[int]  # part numbers that the carrier has taken already; they are not sent again
    attempt: int  # 1 at the first try
    expires_at: datetime | None  # after this it must not be delivered (validity_period)


class ReceiptState(StrEnum):
    """message_state of a receipt (SMPP 3.4 section 5.2.28), in our words."""

    ENROUTE = "enroute"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    EXPIRED = "expired"
    DELETED = "deleted"
    UNDELIVERABLE = "undeliverable"
    UNKNOWN = "unknown"
    REJECTED = "rejected"

    @property
    def final(self) -> bool:
        """Whether no later receipt can change it. UNKNOWN is not final: the carrier itself does not know."""
        return self not in {ReceiptState.ENROUTE, ReceiptState.ACCEPTED, ReceiptState.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Receipt:
    """A carrier's delivery receipt (DLR) for one submitted part."""

    account: str  # the account it belongs to: receipts may come by another bind of it
    message_id: str  # as the receipt wrote it; hex and decimal are matched by the post
    state: ReceiptState
    error: str  # the carrier's error code, "" when none
    number: str  # the recipient's address as the receipt has it ("" when absent)
    received_at: datetime


class Verdict(StrEnum):
    """What became of one submitted part, and so what the outbox does with it."""

    ACCEPTED = "accepted"  # submit_sm_resp with status 0: message_id holds
    THROTTLED = "throttled"  # try again soon, same place in the order, no attempt counted
    LATER = "later"  # a temporary error: try again with back-off until the text expires
    REFUSED = "refused"  # it will never go: failed for good, with the reason on the thread
    UNKNOWN = "unknown"  # no answer or link lost: resent, and marked as a possible duplicate


@dataclass(frozen=True, slots=True)
class Settlement:
    """The end of one try to submit one part."""

    outbox_id: int
    account: str
    part: int  # from 1
    total: int
    verdict: Verdict
    message_id: str  # "" unless accepted
    status: int  # command_status, 0 when accepted or unknown
    at: datetime
