"""Outbound texts on their way to submit_sm: parts, their fields, and the order in which they wait. Pure."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from gateway.smpp.address import write_address
from gateway.smpp.parts import Part, split
from gateway.smpp.pdu import Pdu, encode
from gateway.text import Lane, OutboundText

_FINAL_RECEIPT: Final = 1  # registered_delivery, SMPP 3.4 section 5.2.17


class Submission(NamedTuple):
    """One part of *text* to submit: *number* (from 1) of *total*, encoded but for the sequence of its submit_sm."""

    text: OutboundText
    taken_at: float  # by the link, seconds of its clock
    number: int
    total: int
    octets: bytes


def absolute_time(instant: datetime) -> str:
    """Return *instant* in SMPP's absolute format, to the second and in UTC (section 7.1.1)."""
    return f"{instant.astimezone(UTC):%y%m%d%H%M%S}000+"


def submissions(text: OutboundText, mode: str, now: float) -> list[Submission]:
    """Return the parts of *text*, taken *now*, that the carrier has not yet got, in order.

    Raises `LocalProtocolError` for a text that no number of parts can carry, or an address that SMPP has no room for.
    """
    parts = split(text.body, text.reference, mode=mode)
    common = _common_fields(text)
    return [
        Submission(text, now, number, len(parts), _encoded(common, part))
        for number, part in enumerate(parts, 1)
        if number not in text.accepted
    ]


def _common_fields(text: OutboundText) -> dict[str, Any]:
    source, destination = write_address(text.service_number), write_address(text.number)
    return {
        "source_addr_ton": source.ton,
        "source_addr_npi": source.npi,
        "source_addr": source.digits,
        "dest_addr_ton": destination.ton,
        "dest_addr_npi": destination.npi,
        "destination_addr": destination.digits,
        "validity_period": absolute_time(text.expires_at) if text.expires_at else "",
        "registered_delivery": _FINAL_RECEIPT,
    }


def _encoded(common: dict[str, Any], part: Part) -> bytes:
    own = {"esm_class": part.esm_class, "data_coding": part.coding, "short_message": part.octets}
    return encode(Pdu("submit_sm", 0, 0, common | own, part.tlvs))


class Lanes:
    """What waits to be submitted: by lane, and within a lane in order of arrival."""

    def __init__(self) -> None:
        self._lanes: dict[Lane, deque[Submission]] = {lane: deque() for lane in Lane}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def extend(self, items: list[Submission]) -> None:
        """Put *items*, parts of one text, behind those of its lane."""
        if items:
            self._lanes[items[0].text.lane].extend(items)
            self._size += len(items)

    def pop(self) -> Submission:
        """Take the next one: of the most urgent lane that has any. Raises IndexError when there is none."""
        for lane in self._lanes.values():
            if lane:
                self._size -= 1
                return lane.popleft()
        raise IndexError("nothing waits")

    def take_older(self, taken_before: float) -> list[Submission]:
        """Take those that have waited since *taken_before*."""
        taken = []
        for lane in self._lanes.values():
            while lane and lane[0].taken_at < taken_before:
                taken.append(lane.popleft())
        self._size -= len(taken)
        return taken

    def clear(self) -> list[Submission]:
        """Take all of them."""
        taken = [item for lane in self._lanes.values() for item in lane]
        for lane in self._lanes.values():
            lane.clear()
        self._size = 0
        return taken
