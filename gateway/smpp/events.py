"""What a session tells its owner: plain values, and nothing in them is ever logged but sequence and status numbers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gateway.smpp.pdu import Pdu
from gateway.text import PartRef


class Mode(StrEnum):
    """What a bind is for; the value is the config's word."""

    TRANSMITTER = "transmitter"
    RECEIVER = "receiver"
    TRANSCEIVER = "transceiver"


class Ending(StrEnum):
    """Why a session is over. Whatever it is, the socket is of no more use."""

    BIND_REFUSED = "bind refused"
    BIND_TIMED_OUT = "no answer to the bind"
    BAD_LENGTH = "a length that cannot be"
    STALLED = "half a PDU and then nothing"
    SILENT = "enquire_link was not answered"
    UNBOUND_BY_PEER = "unbound by the other side"
    UNBOUND_BY_US = "unbound by us"


@dataclass(slots=True, eq=False)
class TextArrived:
    """A text (or a part of one) that waits for `Session.accept` or `reject`."""

    sequence: int
    command: str  # deliver_sm, data_sm, or submit_sm in the SMSC role
    source: str  # E.164 where it is a number (address.py)
    destination: str
    octets: bytes  # without a user data header
    coding: int
    part: PartRef | None
    pdu: Pdu


@dataclass(slots=True, eq=False)
class ReceiptArrived:
    """A delivery receipt or notification (esm_class bits 2-5), to be accepted or rejected like a text."""

    sequence: int
    command: str
    pdu: Pdu


@dataclass(slots=True, eq=False)
class Quarantined:
    """A request that could not be read: keep *octets* for the operator, then accept it.

    `Session.accept` answers it with *status*, which is an error when the PDU itself was malformed, so that neither side
    takes it for delivered, and 0 when it was well-formed and we are the ones who cannot read it: there a refusal would
    bring it back for days.
    """

    sequence: int
    command: str
    octets: bytes
    reason: str
    status: int


Arrival = TextArrived | ReceiptArrived | Quarantined


@dataclass(slots=True, eq=False)
class Answered:
    """The other side answered our request *sequence*; *note* is what the request was made with."""

    sequence: int
    status: int  # command_status; of a generic_nack its own, never 0
    message_id: str  # "" when there is none
    note: Any
    sent_at: float


@dataclass(slots=True, eq=False)
class Unanswered:
    """No answer came in time or the link ended: whether the request was carried out is unknown."""

    sequence: int
    note: Any


@dataclass(slots=True, eq=False)
class Bound:
    """The bind holds. *version* is the other side's interface version, 0x34 for SMPP 3.4, 0 when it did not say."""

    mode: Mode
    version: int


@dataclass(slots=True, eq=False)
class BindAsked:
    """SMSC role: someone wants in; answer with `Session.answer_bind`."""

    sequence: int
    mode: Mode
    system_id: str
    password: str
    version: int


@dataclass(slots=True, eq=False)
class Odd:
    """Something out of the ordinary that was dealt with, worth a line in the log. *what* quotes nothing."""

    what: str
    sequence: int
    status: int = 0


@dataclass(slots=True, eq=False)
class Ended:
    """The session is over: write what `data_to_send` still has, then close. *status* is of a refused bind."""

    why: Ending
    status: int = 0


Event = TextArrived | ReceiptArrived | Quarantined | Answered | Unanswered | Bound | BindAsked | Odd | Ended
