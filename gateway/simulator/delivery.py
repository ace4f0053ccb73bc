"""Texts on their way from a phone to the gateway: deliver_sm PDUs that wait for a bind and an acknowledgement."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from gateway.simulator.faults import Receipts
from gateway.simulator.record import Submitted
from gateway.smpp.address import write_address
from gateway.smpp.parts import split
from gateway.smpp.pdu import Status, Tag

TEMPORARY: Final = frozenset({Status.RX_T_APPN, Status.RMSGQFUL, Status.RSYSERR, Status.RTHROTTLED})

_references = itertools.count(1)
_STATES: Final = {
    "ENROUTE": 1, "DELIVRD": 2, "EXPIRED": 3, "DELETED": 4, "UNDELIV": 5, "ACCEPTD": 6, "UNKNOWN": 7, "REJECTD": 8,
}  # fmt: skip


@dataclass(slots=True, eq=False)
class Delivery:
    """What was handed in as one thing; *done* holds the final status of each of its PDUs, in order."""

    done: asyncio.Future[list[int]]
    statuses: list[int | None]


@dataclass(slots=True, eq=False)
class Outgoing:
    """One deliver_sm that waits to be sent, or to be acknowledged."""

    fields: dict[str, Any]
    tlvs: dict[int, bytes] = field(default_factory=dict)
    delivery: Delivery | None = None
    place: int = 0  # in the delivery
    tries: int = 0
    octets: bytes = b""  # encoded but for the sequence, once it is queued
    sent_at: float = 0.0  # for the last time
    answered_at: float = 0.0  # for good

    def finish(self, status: int, now: float) -> None:
        """Nothing more happens to it: it was taken (0) or refused for good."""
        self.answered_at = now
        if self.delivery is not None:
            self.delivery.statuses[self.place] = status
            statuses = [one for one in self.delivery.statuses if one is not None]
            if len(statuses) == len(self.delivery.statuses) and not self.delivery.done.done():
                self.delivery.done.set_result(statuses)


def addresses(source: str, destination: str) -> dict[str, Any]:
    """Return the address fields of a PDU from *source* to *destination*."""
    of, to = write_address(source), write_address(destination)
    return {
        "source_addr_ton": of.ton,
        "source_addr_npi": of.npi,
        "source_addr": of.digits,
        "dest_addr_ton": to.ton,
        "dest_addr_npi": to.npi,
        "destination_addr": to.digits,
    }


def as_phone_sends(number: str, service_number: str, text: str, mode: str = "udh8") -> list[Outgoing]:
    """Return *text* as the deliver_sm PDUs that a phone's sending of it becomes."""
    where = addresses(number, service_number)
    return [
        Outgoing(
            where | {"esm_class": part.esm_class, "data_coding": part.coding, "short_message": part.octets}, part.tlvs
        )
        for part in split(text, next(_references) & 0xFFFF, mode=mode)
    ]


def receipt(submitted: Submitted, receipts: Receipts) -> Outgoing:
    """Return the delivery receipt of *submitted*."""
    fields = submitted.pdu.fields
    state = receipts.number_state.get(submitted.number, receipts.state)
    message_id = _receipt_id(submitted.message_id, receipts)
    stamp = f"{datetime.now(UTC):%y%m%d%H%M}"
    delivered = "001" if state == "DELIVRD" else "000"
    text = (
        f"id:{message_id} sub:001 dlvrd:{delivered} submit date:{stamp} done date:{stamp} "
        f"stat:{state} err:{receipts.error} text:"
    )
    tlvs: dict[int, bytes] = {
        Tag.RECEIPTED_MESSAGE_ID: message_id.encode() + b"\0",
        Tag.MESSAGE_STATE: bytes([_STATES[state]]),
    }
    turned = {
        "source_addr_ton": fields["dest_addr_ton"],
        "source_addr_npi": fields["dest_addr_npi"],
        "source_addr": fields["destination_addr"],
        "dest_addr_ton": fields["source_addr_ton"],
        "dest_addr_npi": fields["source_addr_npi"],
        "destination_addr": fields["source_addr"],
        "esm_class": 0x04,
        "short_message": b"" if receipts.form == "tlv" else text.encode(),
    }
    return Outgoing(turned, {} if receipts.form == "text" else tlvs)


def written_id(number: int, form: str) -> str:
    """Return a message id as *form* ("hex" or "dec") writes it."""
    return f"{number:x}" if form == "hex" else str(number)


def _receipt_id(message_id: str, receipts: Receipts) -> str:
    number = int(message_id, 16 if receipts.answer_form == "hex" else 10)
    match receipts.id_form:
        case "hex" | "dec" as form:
            return written_id(number, form)
        case "upper":
            return message_id.upper()
        case "padded":
            return message_id.rjust(20, "0")
        case _:
            return message_id
