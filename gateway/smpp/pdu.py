"""PDUs in and out: octets to `Pdu` and back (SMPP 3.4 sections 3 to 5).

submit_sm, deliver_sm and their responses take a struct path of our own; every other command goes through smpplib's
tables and codec behind one guard. In tests smpplib is also the oracle that the struct path must agree with. This is
the only module that sees smpplib. Nothing here keeps state, and `decode` raises nothing but `PduError`.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from typing import Any, ClassVar, Final, NamedTuple

from smpplib import command_codes, consts
from smpplib.command import Command, Param
from smpplib.exceptions import UnknownCommandError
from smpplib.smpp import make_pdu

from gateway.errors import GatewayError, LocalProtocolError

HEADER_OCTETS: Final = 16
MAX_OCTETS: Final = 65_536 + 4_096  # the longest message_payload and room for everything beside it
MAX_SHORT_MESSAGE: Final = 254

_HEADER: Final = struct.Struct(">IIII")
_LENGTH: Final = struct.Struct(">I")
_TLV: Final = struct.Struct(">HH")

COMMANDS: Final[dict[int, str]] = {code: name for name, code in command_codes.commands.items()}
_CODES: Final[dict[str, int]] = dict(command_codes.commands)
_RESPONSE_BIT: Final = 0x8000_0000


_NO_BODY_BESIDE_AN_ERROR: Final = frozenset(  # sections 4.1.2, 4.1.4, 4.1.6 and 4.4.2
    {"bind_transmitter_resp", "bind_receiver_resp", "bind_transceiver_resp", "submit_sm_resp"}
)


class Status(IntEnum):
    """The command_status values that we answer with or act on (section 5.1.3)."""

    ROK = consts.SMPP_ESME_ROK
    RINVMSGLEN = consts.SMPP_ESME_RINVMSGLEN
    RINVCMDLEN = consts.SMPP_ESME_RINVCMDLEN
    RINVCMDID = consts.SMPP_ESME_RINVCMDID
    RINVBNDSTS = consts.SMPP_ESME_RINVBNDSTS
    RALYBND = consts.SMPP_ESME_RALYBND
    RSYSERR = consts.SMPP_ESME_RSYSERR
    RINVSRCADR = consts.SMPP_ESME_RINVSRCADR
    RINVDSTADR = consts.SMPP_ESME_RINVDSTADR
    RBINDFAIL = consts.SMPP_ESME_RBINDFAIL
    RINVPASWD = consts.SMPP_ESME_RINVPASWD
    RINVSYSID = consts.SMPP_ESME_RINVSYSID
    RMSGQFUL = consts.SMPP_ESME_RMSGQFUL
    RSUBMITFAIL = consts.SMPP_ESME_RSUBMITFAIL
    RTHROTTLED = consts.SMPP_ESME_RTHROTTLED
    RX_T_APPN = consts.SMPP_ESME_RX_T_APPN
    RX_P_APPN = consts.SMPP_ESME_RX_P_APPN
    RX_R_APPN = consts.SMPP_ESME_RX_R_APPN
    RINVOPTPARSTREAM = consts.SMPP_ESME_RINVOPTPARSTREAM
    RINVPARLEN = consts.SMPP_ESME_RINVPARLEN
    RMISSINGOPTPARAM = consts.SMPP_ESME_RMISSINGOPTPARAM
    RDELIVERYFAILURE = consts.SMPP_ESME_RDELIVERYFAILURE
    RUNKNOWNERR = consts.SMPP_ESME_RUNKNOWNERR


class Tag(IntEnum):
    """The optional parameters (TLVs) that mean something to us (section 5.3.2)."""

    RECEIPTED_MESSAGE_ID = consts.OPTIONAL_PARAMS["receipted_message_id"]
    SAR_MSG_REF_NUM = consts.OPTIONAL_PARAMS["sar_msg_ref_num"]
    SAR_TOTAL_SEGMENTS = consts.OPTIONAL_PARAMS["sar_total_segments"]
    SAR_SEGMENT_SEQNUM = consts.OPTIONAL_PARAMS["sar_segment_seqnum"]
    SC_INTERFACE_VERSION = consts.OPTIONAL_PARAMS["sc_interface_version"]
    NETWORK_ERROR_CODE = consts.OPTIONAL_PARAMS["network_error_code"]
    MESSAGE_PAYLOAD = consts.OPTIONAL_PARAMS["message_payload"]
    MESSAGE_STATE = consts.OPTIONAL_PARAMS["message_state"]


class Header(NamedTuple):
    """The first 16 octets of a PDU, enough to answer one whose body cannot be read."""

    length: int
    command_id: int
    status: int
    sequence: int

    @property
    def command(self) -> str | None:
        """The command's name, None when the id is not in the standard."""
        return COMMANDS.get(self.command_id)

    @property
    def is_response(self) -> bool:
        """Whether it answers a request of ours, whatever its command; nothing may be answered to it."""
        return bool(self.command_id & _RESPONSE_BIT)


class PduError(GatewayError):
    """Octets that are no PDU. *status* is what to answer with; *header* is None when the stream itself is lost."""

    def __init__(self, status: int, reason: str, header: Header | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.header = header


@dataclass(slots=True)
class Pdu:
    """One protocol data unit.

    *command* and the keys of *fields* are smpplib's names (`destination_addr`, `short_message`, …). C-octet strings are
    `str`, one character an octet (Latin-1); `short_message` is `bytes`, and `sm_length` is never given. *tlvs* holds
    raw values by tag. `encode` takes missing fields as empty or zero; `decode` gives every mandatory field.
    """

    command: str
    sequence: int
    status: int = 0
    fields: dict[str, Any] = field(default_factory=dict, repr=False)  # a PDU in a traceback shows no text and no number
    tlvs: dict[int, bytes] = field(default_factory=dict, repr=False)

    @property
    def is_response(self) -> bool:
        """Whether it answers a request (generic_nack does too)."""
        return bool(_CODES[self.command] & _RESPONSE_BIT)


def status_name(status: int) -> str:
    """Return the standard's name of *status* for a log ("ESME_RTHROTTLED"), or its number in hex."""
    return _STATUS_NAMES.get(status, f"0x{status:08X}")


_STATUS_NAMES: Final[dict[int, str]] = {
    code: name.removeprefix("SMPP_") for name, code in vars(consts).items() if name.startswith("SMPP_ESME_R")
}


def cut(buffer: bytearray) -> bytes | None:
    """Take one whole PDU off the front of *buffer*, or return None when more octets must come first.

    Raises `PduError` with RINVCMDLEN when the length cannot be: nothing behind it can be trusted, drop the link.
    """
    if len(buffer) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack_from(buffer)
    if not HEADER_OCTETS <= length <= MAX_OCTETS:
        raise PduError(Status.RINVCMDLEN, "command_length out of bounds")
    if len(buffer) < length:
        return None
    raw = bytes(buffer[:length])
    del buffer[:length]
    return raw


def decode(raw: bytes) -> Pdu:
    """Return the PDU in *raw*, which is exactly one (see `cut`).

    Raises `PduError` and nothing else; beside a false length it carries the header, so that the sender gets an answer.
    """
    if len(raw) < HEADER_OCTETS or len(raw) > MAX_OCTETS or _LENGTH.unpack_from(raw)[0] != len(raw):
        raise PduError(Status.RINVCMDLEN, "command_length is not the length")
    _, command_id, status, sequence = _HEADER.unpack_from(raw)
    command = COMMANDS.get(command_id)
    try:
        if command is None:
            raise PduError(Status.RINVCMDID, "command_id not in the standard")
        read = _READERS.get(command, _read_rare)
        fields, end = read(command, raw)
        return Pdu(command, sequence, status, fields, _read_tlvs(raw, end) if end < len(raw) else {})
    except PduError as error:
        error.header = Header._make(_HEADER.unpack_from(raw))
        raise


def encode(pdu: Pdu) -> bytes:
    """Return *pdu* as octets.

    Raises `LocalProtocolError` for a command, a field or a value that the standard has no room for: nothing is ever
    cut to fit.
    """
    try:
        body = _write_body(pdu)
        if pdu.tlvs:
            body += b"".join([_TLV.pack(tag, len(value)) + value for tag, value in pdu.tlvs.items()])
        length = HEADER_OCTETS + len(body)
        if length > MAX_OCTETS:
            raise LocalProtocolError(f"{pdu.command} is too long")
        return _HEADER.pack(length, _CODES[pdu.command], pdu.status, pdu.sequence) + body
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, struct.error, UnknownCommandError) as error:
        # The cause is left out on purpose: its message may quote a value (a number, a text).
        raise LocalProtocolError(f"{pdu.command} cannot be encoded: {type(error).__name__}") from None


def _write_body(pdu: Pdu) -> bytes:
    if pdu.status and not pdu.fields and pdu.command in _NO_BODY_BESIDE_AN_ERROR:
        return b""
    return _WRITERS.get(pdu.command, _write_rare)(pdu)


def _read_tlvs(raw: bytes, start: int) -> dict[int, bytes]:
    """Return the optional parameters behind *start*, unknown ones too; of a repeated tag the first counts."""
    tlvs: dict[int, bytes] = {}
    position, end = start, len(raw)
    while position < end:
        if end - position < _TLV.size:
            raise PduError(Status.RINVOPTPARSTREAM, "optional parameter without a whole header")
        tag, length = _TLV.unpack_from(raw, position)
        position += _TLV.size + length
        if position > end:
            raise PduError(Status.RINVOPTPARSTREAM, "optional parameter longer than the PDU")
        tlvs.setdefault(tag, raw[position - length : position])
    return tlvs


# The four hot PDUs: submit_sm and deliver_sm have the same mandatory fields (sections 4.4.1, 4.6.1).

_MESSAGE_LIMITS: Final = {  # characters without the closing NUL
    "service_type": 5,
    "source_addr": 20,
    "destination_addr": 20,
    "schedule_delivery_time": 16,
    "validity_period": 16,
}
_MESSAGE_DEFAULTS: Final[dict[str, Any]] = {
    "service_type": "",
    "source_addr_ton": 0,
    "source_addr_npi": 0,
    "source_addr": "",
    "dest_addr_ton": 0,
    "dest_addr_npi": 0,
    "destination_addr": "",
    "esm_class": 0,
    "protocol_id": 0,
    "priority_flag": 0,
    "schedule_delivery_time": "",
    "validity_period": "",
    "registered_delivery": 0,
    "replace_if_present_flag": 0,
    "data_coding": 0,
    "sm_default_msg_id": 0,
    "short_message": b"",
}
# One match reads all mandatory fields and holds them to their lengths; the last octet is sm_length.
_MESSAGE: Final = re.compile(
    rb"([^\0]{0,5})\0(..)([^\0]{0,20})\0(..)([^\0]{0,20})\0(...)([^\0]{0,16})\0([^\0]{0,16})\0(.{5})", re.DOTALL
)
# %c takes 0..255 and refuses the rest, as an octet does.
_MESSAGE_FORMAT: Final = "%s\0%c%c%s\0%c%c%s\0%c%c%c%s\0%s\0%c%c%c%c%c"


def _read_message(command: str, raw: bytes) -> tuple[dict[str, Any], int]:
    found = _MESSAGE.match(raw, HEADER_OCTETS)
    if found is None:
        raise PduError(Status.RINVPARLEN, f"{command}: a field is missing, too long or not closed")
    service, source_kind, source, dest_kind, destination, flags, schedule, validity, last = found.groups()
    source_ton, source_npi = source_kind
    dest_ton, dest_npi = dest_kind
    esm_class, protocol, priority = flags
    registered, replace, coding, predefined, length = last
    start = found.end()
    end = start + length
    if end > len(raw) or length > MAX_SHORT_MESSAGE:
        raise PduError(Status.RINVMSGLEN, f"{command}: sm_length beyond the PDU or the standard")
    fields = {
        "service_type": str(service, "latin-1"),
        "source_addr_ton": source_ton,
        "source_addr_npi": source_npi,
        "source_addr": str(source, "latin-1"),
        "dest_addr_ton": dest_ton,
        "dest_addr_npi": dest_npi,
        "destination_addr": str(destination, "latin-1"),
        "esm_class": esm_class,
        "protocol_id": protocol,
        "priority_flag": priority,
        "schedule_delivery_time": str(schedule, "latin-1"),
        "validity_period": str(validity, "latin-1"),
        "registered_delivery": registered,
        "replace_if_present_flag": replace,
        "data_coding": coding,
        "sm_default_msg_id": predefined,
        "short_message": raw[start:end],
    }
    return fields, end


def _write_message(pdu: Pdu) -> bytes:
    fields = _MESSAGE_DEFAULTS | pdu.fields
    if len(fields) != len(_MESSAGE_DEFAULTS):
        raise LocalProtocolError(f"{pdu.command} has a field that is not in the standard")
    for name, most in _MESSAGE_LIMITS.items():
        _check_string(pdu.command, name, fields[name], most)
    message: bytes
    *values, message = fields.values()
    if len(message) > MAX_SHORT_MESSAGE:
        raise LocalProtocolError(f"{pdu.command}: short_message is too long")
    if message and Tag.MESSAGE_PAYLOAD in pdu.tlvs:
        raise LocalProtocolError(f"{pdu.command}: short_message and message_payload exclude each other")
    return (_MESSAGE_FORMAT % (*values, len(message))).encode("latin-1") + message


def _check_string(command: str, name: str, value: str, most: int) -> None:
    if len(value) > most or "\0" in value:
        raise LocalProtocolError(f"{command}: {name} is too long or holds a NUL")


def _read_message_resp(command: str, raw: bytes) -> tuple[dict[str, Any], int]:
    """Read the message_id. Longer ones than the standard's are kept whole: losing it would cost the receipt."""
    if len(raw) == HEADER_OCTETS:  # as the standard has it when the status is an error; some never send one
        return {"message_id": ""}, HEADER_OCTETS
    end = raw.find(0, HEADER_OCTETS)
    if end < 0:
        raise PduError(Status.RINVPARLEN, f"{command}: message_id is not closed")
    return {"message_id": str(raw[HEADER_OCTETS:end], "latin-1")}, end + 1


def _write_message_resp(pdu: Pdu) -> bytes:
    message_id: str = pdu.fields.get("message_id", "")
    if len(pdu.fields) > ("message_id" in pdu.fields):
        raise LocalProtocolError(f"{pdu.command} has a field that is not in the standard")
    _check_string(pdu.command, "message_id", message_id, 64)
    return message_id.encode("latin-1") + b"\0"


# Everything else: smpplib's tables say what the mandatory fields are, smpplib's codec reads and writes them. It accepts
# strings without an end, cuts those that are too long and raises what it likes, so both are checked beforehand.


class _Outbind(Command):  # type: ignore[misc]
    """outbind (section 4.1.7), in smpplib's code table but not among its classes."""

    params: ClassVar = {"system_id": Param(type=str, max=16), "password": Param(type=str, max=9)}
    params_order: ClassVar = ("system_id", "password")


class _Sequences:
    """What smpplib draws a sequence number from: it always does. Only bodies are its business, headers are ours."""

    sequence = 0

    def next_sequence(self) -> int:
        return self.sequence


_SEQUENCES: Final = _Sequences()


def _blank(command: str) -> Any:
    """Return smpplib's object for *command*; raises its `UnknownCommandError` where it has none (submit_multi, …)."""
    if command == "outbind":
        return _Outbind(command, client=_SEQUENCES)
    return make_pdu(command, client=_SEQUENCES)


@cache
def _layout(command: str) -> dict[str, Param]:
    blank = _blank(command)
    return {name: blank.params[name] for name in blank.params_order if not blank.field_is_optional(name)}


def _read_rare(command: str, raw: bytes) -> tuple[dict[str, Any], int]:
    try:
        layout = _layout(command)
        if len(raw) == HEADER_OCTETS and _CODES[command] & _RESPONSE_BIT:
            return {name: "" if param.type is str else 0 for name, param in layout.items()}, HEADER_OCTETS
        end = _mandatory_end(command, layout, raw)
        parsed = _blank(command)
        parsed.parse(_LENGTH.pack(end) + raw[_LENGTH.size : end])
        return {name: _plain(getattr(parsed, name)) for name in layout}, end
    except UnknownCommandError:
        raise PduError(Status.RINVCMDID, f"{command} is not spoken here") from None
    except (KeyError, TypeError, ValueError, AttributeError, struct.error) as error:
        raise PduError(Status.RSYSERR, f"{command}: {type(error).__name__}") from None


def _mandatory_end(command: str, layout: dict[str, Param], raw: bytes) -> int:
    """Return where the optional parameters begin, having seen that every field before is whole and closed."""
    position = HEADER_OCTETS
    for name, param in layout.items():
        if param.type is int:
            position += param.size
        else:
            position = raw.find(0, position, position + param.max) + 1
        if not HEADER_OCTETS < position <= len(raw):
            raise PduError(Status.RINVPARLEN, f"{command}: {name} is missing, too long or not closed")
    return position


def _plain(value: bytes | int) -> str | int:
    return str(value, "latin-1") if isinstance(value, bytes) else value


def _write_rare(pdu: Pdu) -> bytes:
    layout = _layout(pdu.command)
    if not layout.keys() >= pdu.fields.keys():
        raise LocalProtocolError(f"{pdu.command} has a field that is not in the standard")
    blank = _blank(pdu.command)
    for name, param in layout.items():
        value = pdu.fields.get(name, "" if param.type is str else 0)
        if param.type is str:
            _check_string(pdu.command, name, value, param.max - 1)
        setattr(blank, name, value)
    return bytes(blank.generate()[HEADER_OCTETS:])


_READERS: Final = {
    "submit_sm": _read_message,
    "deliver_sm": _read_message,
    "submit_sm_resp": _read_message_resp,
    "deliver_sm_resp": _read_message_resp,
}
_WRITERS: Final = {
    "submit_sm": _write_message,
    "deliver_sm": _write_message,
    "submit_sm_resp": _write_message_resp,
    "deliver_sm_resp": _write_message_resp,
}
