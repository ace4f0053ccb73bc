"""A carrier by hand: a blocking socket and octets packed here, so that our codec's mistakes cannot hide in it.

SMPP 3.4 by section numbers: 3.2 framing, 4 commands, 5.1 header, 5.2 fields, 5.3 optional parameters.
"""

from __future__ import annotations

import socket
import struct
import time
from typing import NamedTuple

BIND_RX, BIND_TX, BIND_TRX = 0x01, 0x02, 0x09
SUBMIT, DELIVER, UNBIND, OUTBIND, ENQUIRE, ALERT, DATA = 0x04, 0x05, 0x06, 0x0B, 0x15, 0x102, 0x103
RESP, NACK = 0x80000000, 0x80000000
PATIENT, CLINIC = "358405550101", "358405550100"
HEADER = struct.Struct(">IIII")


class Said(NamedTuple):
    """A PDU of the gateway's."""

    command: int
    status: int
    sequence: int
    body: bytes


class Submit(NamedTuple):
    """A submit_sm taken apart (section 4.4.1)."""

    sequence: int
    source: tuple[int, int, str]
    destination: tuple[int, int, str]
    esm_class: int
    validity: str
    registered: int
    coding: int
    message: bytes
    tlvs: bytes

    @property
    def text(self) -> str:
        """Its words, for what GSM 03.38 shares with ASCII, and for UCS-2."""
        return self.message.decode("utf-16-be" if self.coding == 8 else "ascii", "replace")


def pdu(command: int, sequence: int, body: bytes = b"", status: int = 0) -> bytes:
    """A PDU with a true length."""
    return HEADER.pack(16 + len(body), command, status, sequence) + body


def c_string(value: str | bytes) -> bytes:
    """A C-octet string."""
    return (value.encode("latin-1") if isinstance(value, str) else value) + b"\0"


def tlv(tag: int, value: bytes) -> bytes:
    """An optional parameter."""
    return struct.pack(">HH", tag, len(value)) + value


def message(
    text: bytes = b"Moi",
    *,
    source: tuple[int, int, str] = (1, 1, PATIENT),
    destination: tuple[int, int, str] = (1, 1, CLINIC),
    esm: int = 0,
    coding: int = 0,
    service: str = "",
    protocol: int = 0,
    priority: int = 0,
    schedule: str = "",
    validity: str = "",
    registered: int = 0,
    tlvs: bytes = b"",
) -> bytes:
    """The body of a deliver_sm (section 4.6.1)."""
    return b"".join(
        [
            c_string(service),
            bytes(source[:2]) + c_string(source[2]),
            bytes(destination[:2]) + c_string(destination[2]),
            bytes([esm, protocol, priority]),
            c_string(schedule) + c_string(validity),
            bytes([registered, 0, coding, 0, len(text)]) + text + tlvs,
        ]
    )


def deliver(sequence: int, text: bytes = b"Moi", **fields: object) -> bytes:
    """A deliver_sm."""
    return pdu(DELIVER, sequence, message(text, **fields))


def data_sm(sequence: int, tlvs: bytes, *, esm: int = 0, coding: int = 0) -> bytes:
    """A data_sm (section 4.7.1)."""
    ends = bytes([1, 1]) + c_string(PATIENT) + bytes([1, 1]) + c_string(CLINIC)
    return pdu(DATA, sequence, c_string("") + ends + bytes([esm, 0, coding]) + tlvs)


def submit_of(said: Said) -> Submit:
    """The submit_sm in *said*, field by field."""
    rest = said.body
    _, rest = _string(rest)
    source, rest = _address(rest)
    destination, rest = _address(rest)
    esm_class, rest = rest[0], rest[3:]
    _, rest = _string(rest)
    validity, rest = _string(rest)
    registered, _, coding, _, length = rest[:5]
    return Submit(
        said.sequence,
        source,
        destination,
        esm_class,
        validity,
        registered,
        coding,
        rest[5 : 5 + length],
        rest[5 + length :],
    )


def _string(octets: bytes) -> tuple[str, bytes]:
    value, _, rest = octets.partition(b"\0")
    return value.decode("latin-1"), rest


def _address(octets: bytes) -> tuple[tuple[int, int, str], bytes]:
    digits, rest = _string(octets[2:])
    return (octets[0], octets[1], digits), rest


class Smsc:
    """Listens, takes one connection at a time, and says just what it is told to."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(10)
        self.port = self._listener.getsockname()[1]
        self._socket: socket.socket
        self._buffer = b""
        self._sequence = 900_000

    def close(self) -> None:
        """Hang up and listen no more."""
        self._listener.close()
        if hasattr(self, "_socket"):
            self._socket.close()

    # One connection

    def accept(self) -> Said:
        """Take the next connection; returns its first PDU, which is the bind."""
        if hasattr(self, "_socket"):
            self._socket.close()
        self._socket, _ = self._listener.accept()
        self._socket.settimeout(10)
        self._buffer = b""
        return self.hear()

    def bound(self) -> Said:
        """Take the next connection and let it in; returns the bind."""
        bind = self.accept()
        self.say(pdu(bind.command | RESP, bind.sequence, c_string("carrier")))
        return bind

    def say(self, octets: bytes) -> None:
        """Write *octets*, whatever they are."""
        self._socket.sendall(octets)

    def hang_up(self, *, rudely: bool = False) -> None:
        """Close the connection; *rudely*: by RST."""
        if rudely:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def hear(self) -> Said:
        """The next PDU. Raises EOFError when the gateway has closed."""
        while len(self._buffer) < 16 or len(self._buffer) < HEADER.unpack_from(self._buffer)[0]:
            try:
                more = self._socket.recv(65_536)
            except ConnectionResetError:
                more = b""
            if not more:
                raise EOFError("the gateway closed the connection")
            self._buffer += more
        length, command, status, sequence = HEADER.unpack_from(self._buffer)
        body, self._buffer = self._buffer[16:length], self._buffer[length:]
        return Said(command, status, sequence, body)

    def hear_next(self, *commands: int) -> Said:
        """The next PDU that is one of *commands*; enquire_links of the gateway are answered by the way."""
        while (said := self.hear()).command not in commands:
            if said.command == ENQUIRE:
                self.say(pdu(ENQUIRE | RESP, said.sequence))
        return said

    def hear_ask(self, command: int) -> Said:
        """The next PDU, which must be a *command*; nothing is answered."""
        said = self.hear()
        assert said.command == command
        return said

    def hear_submit(self) -> Submit:
        """The next submit_sm."""
        return submit_of(self.hear_next(SUBMIT))

    def take_submit(self, message_id: str = "1") -> Submit:
        """The next submit_sm, accepted."""
        submit = self.hear_submit()
        self.say(pdu(SUBMIT | RESP, submit.sequence, c_string(message_id)))
        return submit

    def hears_nothing(self, seconds: float = 0.15) -> bool:
        """Whether the gateway keeps silent for so long."""
        self._socket.settimeout(seconds)
        try:
            return not self._buffer and not self._socket.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return True
        finally:
            self._socket.settimeout(10)

    def hears_the_end(self) -> bool:
        """Whether the gateway closes the connection, whatever it says before."""
        end = time.monotonic() + 10
        try:
            while time.monotonic() < end:
                self.hear()
        except (EOFError, TimeoutError) as error:
            return isinstance(error, EOFError)
        return False

    def lives(self) -> bool:
        """Whether the connection still carries a request and its answer."""
        self._sequence += 1
        self.say(pdu(ENQUIRE, self._sequence))
        return self.hear_next(ENQUIRE | RESP, NACK).sequence == self._sequence
