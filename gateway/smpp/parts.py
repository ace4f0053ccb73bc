"""Texts to SMS parts and parts to where they belong: concatenation by user data header (UDH) and by SAR parameters.

3GPP TS 23.040 section 9.2.3.24 for the header, SMPP 3.4 sections 5.3.2.22 to 24 for SAR, 5.3.2.32 for message_payload.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from gateway.errors import LocalProtocolError
from gateway.smpp.pdu import Pdu, Tag
from gateway.text import PartRef
from lang.alphabet import Coding, cut_parts, encode, room

UDHI: Final = 0x40  # esm_class: short_message begins with a user data header (section 5.2.12)
MOST_PARTS: Final = 255

_CONCAT_8: Final = 0x00  # information elements (TS 23.040 section 9.2.3.24.1 and .8)
_CONCAT_16: Final = 0x08
_UDH8: Final = struct.Struct(">6B")
_UDH16: Final = struct.Struct(">3BH2B")


class Mode(StrEnum):
    """How the parts of a long text name each other; also the `kind` of a `PartRef`."""

    UDH8 = "udh8"
    UDH16 = "udh16"
    SAR = "sar"


# With SAR the SMSC writes the header, perhaps with 16 bits of reference: leave room for that.
_HEADER_OCTETS: Final = {Mode.UDH8: _UDH8.size, Mode.UDH16: _UDH16.size, Mode.SAR: _UDH16.size}


@dataclass(frozen=True, slots=True)
class Part:
    """One SMS to submit: what goes into short_message (its header included), data_coding, esm_class and TLVs."""

    octets: bytes = field(repr=False)
    coding: int
    esm_class: int = 0
    tlvs: dict[int, bytes] = field(default_factory=dict, repr=False)


class Inbound(NamedTuple):
    """A part that arrived: its *octets* behind any header, where it belongs (None: a whole text), its data_coding.

    *broken_header* says that a header was announced and could not be read; *octets* then are all that came.
    """

    octets: bytes
    part: PartRef | None
    coding: int
    broken_header: bool = False


def split(body: str, reference: int, *, mode: str = Mode.UDH8) -> list[Part]:
    """Return *body* as the parts to submit, in order; one part when it fits, and then without any header.

    *reference* tells this text's parts from another's to the same number: of it 8 bits are used, or 16 (*mode* "udh16",
    "sar"). No escape or surrogate pair is ever split. Raises `LocalProtocolError` above 255 parts.
    """
    mode = Mode(mode)
    octets, coding = encode(body)
    alone, beside_header = room(coding, _HEADER_OCTETS[mode])
    if len(octets) <= alone:
        return [Part(octets, coding)]
    pieces = cut_parts(octets, coding, beside_header)
    if len(pieces) > MOST_PARTS:
        raise LocalProtocolError("a text of more than 255 parts cannot be numbered")
    return [_part(piece, coding, mode, reference, len(pieces), number) for number, piece in enumerate(pieces, 1)]


def _part(piece: bytes, coding: Coding, mode: Mode, reference: int, total: int, number: int) -> Part:
    match mode:
        case Mode.UDH8:
            return Part(_UDH8.pack(5, _CONCAT_8, 3, reference & 0xFF, total, number) + piece, coding, UDHI)
        case Mode.UDH16:
            return Part(_UDH16.pack(6, _CONCAT_16, 4, reference & 0xFFFF, total, number) + piece, coding, UDHI)
        case Mode.SAR:
            sar: dict[int, bytes] = {
                Tag.SAR_MSG_REF_NUM: (reference & 0xFFFF).to_bytes(2, "big"),
                Tag.SAR_TOTAL_SEGMENTS: bytes([total]),
                Tag.SAR_SEGMENT_SEQNUM: bytes([number]),
            }
            return Part(piece, coding, tlvs=sar)


def read_part(pdu: Pdu) -> Inbound:
    """Return what a deliver_sm or data_sm (at the simulator a submit_sm) carries and where it belongs. Never raises.

    The text is short_message, or message_payload where that is empty. A header's elements that do not concern us are
    skipped. A part that cannot be placed (number 0 or above its total, total 0) is a whole text, as is a total of 1.
    """
    fields = pdu.fields
    octets: bytes = fields.get("short_message") or pdu.tlvs.get(Tag.MESSAGE_PAYLOAD, b"")
    coding: int = fields.get("data_coding", 0)
    if not fields.get("esm_class", 0) & UDHI:
        return Inbound(octets, _sar(pdu.tlvs), coding)
    elements = _header_elements(octets)
    if elements is None:
        return Inbound(octets, None, coding, broken_header=True)
    return Inbound(octets[1 + octets[0] :], _concatenation(elements) or _sar(pdu.tlvs), coding)


def _header_elements(octets: bytes) -> dict[int, bytes] | None:
    """Return the header's information elements by identifier (the last of a kind counts), None when it is broken."""
    if not octets or 1 + octets[0] > len(octets):
        return None
    try:
        return dict(_walk(octets[1 : 1 + octets[0]]))
    except ValueError:
        return None


def _walk(header: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(header):
        start = position + 2
        if start > len(header) or start + header[position + 1] > len(header):
            raise ValueError("information element longer than the header")
        end = start + header[position + 1]
        yield header[position], header[start:end]
        position = end


def _concatenation(elements: Mapping[int, bytes]) -> PartRef | None:
    wide, narrow = elements.get(_CONCAT_16, b""), elements.get(_CONCAT_8, b"")
    if len(wide) == 4:
        return _placed(Mode.UDH16, wide[0] << 8 | wide[1], wide[2], wide[3])
    if len(narrow) == 3:
        return _placed(Mode.UDH8, *narrow)
    return None


def _sar(tlvs: Mapping[int, bytes]) -> PartRef | None:
    if Tag.SAR_MSG_REF_NUM not in tlvs:
        return None
    reference, total, number = (
        int.from_bytes(tlvs.get(tag, b""), "big")
        for tag in (Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM)
    )
    return _placed(Mode.SAR, reference, total, number)


def _placed(kind: str, reference: int, total: int, number: int) -> PartRef | None:
    believable = 1 < total <= MOST_PARTS and 1 <= number <= total and reference <= 0xFFFF
    return PartRef(kind, reference, total, number) if believable else None


def join(parts: Mapping[int, bytes]) -> bytes:
    """Return the octets of *parts* (by number) as one text's, in order of number, ready for `decode_text`.

    Joining comes before decoding: some carriers split a surrogate pair between two parts.
    """
    return b"".join(parts[number] for number in sorted(parts))
