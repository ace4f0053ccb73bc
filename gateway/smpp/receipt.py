"""Delivery receipts (DLR): what a carrier says became of a part, and which part it means.

SMPP 3.4 section 5.2.12 for how one is known, 5.3.2.12, 5.3.2.31 and 5.3.2.35 for its parameters, appendix B for its
text, which every carrier writes a little differently.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import Enum, IntEnum
from typing import Final

from gateway.smpp.parts import read_part
from gateway.smpp.pdu import Pdu, Tag
from gateway.text import Receipt, ReceiptState


class Kind(Enum):
    """What a deliver_sm or data_sm is, by bits 2 to 5 of its esm_class alone: a person may write "stat:DELIVRD" too."""

    TEXT = "text"
    RECEIPT = "receipt"
    INTERMEDIATE = "intermediate"
    DELIVERY_ACK = "delivery_ack"


_STATES: Final = {  # message_state, section 5.2.28; 0 is SMPP 5.0's "scheduled"
    0: ReceiptState.ENROUTE,
    1: ReceiptState.ENROUTE,
    2: ReceiptState.DELIVERED,
    3: ReceiptState.EXPIRED,
    4: ReceiptState.DELETED,
    5: ReceiptState.UNDELIVERABLE,
    6: ReceiptState.ACCEPTED,
    7: ReceiptState.UNKNOWN,
    8: ReceiptState.REJECTED,
}
_STATS: Final = {  # by the first five letters: DELIVRD and DELIVERED are both seen, as are words of other gateways
    "DELIV": ReceiptState.DELIVERED,
    "EXPIR": ReceiptState.EXPIRED,
    "DELET": ReceiptState.DELETED,
    "UNDEL": ReceiptState.UNDELIVERABLE,
    "FAILE": ReceiptState.UNDELIVERABLE,
    "ACCEP": ReceiptState.ACCEPTED,
    "UNKNO": ReceiptState.UNKNOWN,
    "REJEC": ReceiptState.REJECTED,
    "ENROU": ReceiptState.ENROUTE,
    "BUFFE": ReceiptState.ENROUTE,
    "BUFFR": ReceiptState.ENROUTE,
    "SCHED": ReceiptState.ENROUTE,
}
_NEXT_KEY: Final = r"(?:sub|dlvrd|submit|done|stat|err|text)\b"  # behind "err: " it is no value, there is none
_FIELD: Final = re.compile(
    rf"""(?<![a-z]) (id|stat|err|text) \s*[:=]\s* (?: "([^"]*)" | '([^']*)' | (?!{_NEXT_KEY}) ([^\s"',;]*) | )""",
    re.IGNORECASE | re.VERBOSE,
)


def kind_of(pdu: Pdu) -> Kind:
    """Return what *pdu* is. A manual user acknowledgement (0x10) is a text: a person wrote it, and is answered."""
    esm_class: int = pdu.fields.get("esm_class", 0)
    if esm_class & 0x20:
        return Kind.INTERMEDIATE
    if esm_class & 0x04:
        return Kind.RECEIPT
    return Kind.DELIVERY_ACK if esm_class & 0x3C == 0x08 else Kind.TEXT


def read_receipt(pdu: Pdu, account: str, now: datetime) -> Receipt | None:
    """Return the receipt that *pdu* is, or None when it is a text.

    Parameters beat the text, field by field. What cannot be read is "" (id, error) or UNKNOWN (state): such a receipt
    matches nothing, and is still no text. An intermediate notification is never final; a handset's automatic delivery
    acknowledgement says that the text is there.
    """
    kind = kind_of(pdu)
    if kind is Kind.TEXT:
        return None
    written = _written_fields(read_part(pdu).octets)
    return Receipt(
        account=account,
        message_id=_c_string(pdu.tlvs.get(Tag.RECEIPTED_MESSAGE_ID, b"")) or written.get("id", ""),
        state=_state(kind, pdu, written.get("stat", "")),
        error=_error(pdu.tlvs.get(Tag.NETWORK_ERROR_CODE, b""), written.get("err", "")),
        number=pdu.fields.get("source_addr", ""),
        received_at=now,
    )


def _written_fields(octets: bytes) -> dict[str, str]:
    """Return the id, stat and err of a receipt's text, whatever their order, case and spacing.

    The text is a machine's ASCII, whatever data_coding says; without its NULs UCS-2 is ASCII too. What stands behind
    "text:" are our own words to the patient, and count only for what stands nowhere else.
    """
    fields: dict[str, str] = {}
    for found in _FIELD.finditer(octets.replace(b"\0", b"").decode("latin-1")):
        name, *values = found.groups("")
        fields.setdefault(name.lower(), "".join(values).strip())
    return fields


def _state(kind: Kind, pdu: Pdu, stat: str) -> ReceiptState:
    number = int.from_bytes(pdu.tlvs.get(Tag.MESSAGE_STATE) or b"\xff", "big")
    unread = ReceiptState.DELIVERED if kind is Kind.DELIVERY_ACK else ReceiptState.UNKNOWN
    state = _STATES.get(number) or _STATS.get(stat[:5].upper(), unread)
    return ReceiptState.ENROUTE if kind is Kind.INTERMEDIATE and state.final else state


def _error(network_error: bytes, written: str) -> str:
    """Return the network's error code: of the parameter the two octets behind the network's type, else the text's."""
    error = str(int.from_bytes(network_error[1:3], "big")) if len(network_error) == 3 else written
    return error if error.strip("0") else ""


def _c_string(value: bytes) -> str:
    """Read a C-octet string; many carriers leave out the closing NUL."""
    return value.partition(b"\0")[0].decode("latin-1").strip()


class Match(IntEnum):
    """How surely two message ids are one; 0 (false) when they are not."""

    NONE = 0
    EXACT = 1
    FOLDED = 2  # but for case and leading zeros
    RADIX = 3  # one in hexadecimal, the other in decimal: count it only where nothing else could be meant


_KEY_CHARACTERS: Final = 128  # the standard's ids have 64; what any index can hold
_RADIX_DIGITS: Final = 40  # 128 bits in decimal; what is longer is no number


def key_of(message_id: str) -> str:
    """Return the form of *message_id* to index and look up by: folded, without leading zeros or "0x"; "" for none."""
    folded = message_id.strip().casefold().removeprefix("0x")
    return (folded.lstrip("0") or folded[:1])[:_KEY_CHARACTERS]


def candidates(message_id: str) -> list[str]:
    """Return the keys (see `key_of`) that a part with a receipt's *message_id* may have, the likeliest first."""
    key = key_of(message_id)
    forms = [key] if key else []
    if len(key) <= _RADIX_DIGITS:
        if re.fullmatch("[0-9]+", key):
            forms.append(f"{int(key):x}")
        if re.fullmatch("[0-9a-f]+", key):
            forms.append(str(int(key, 16)))
    return list(dict.fromkeys(forms))


def same_id(submitted: str, in_receipt: str) -> Match:
    """Return how surely the id of a submit_sm_resp and the id in a receipt are one."""
    forms = candidates(in_receipt)
    if not forms or key_of(submitted) not in forms:
        return Match.NONE
    if submitted == in_receipt:
        return Match.EXACT
    return Match.FOLDED if key_of(submitted) == forms[0] else Match.RADIX
