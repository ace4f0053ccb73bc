"""The SMPP 3.4 session: octets and the time in, events and octets out, for both roles and without socket or clock.

Feed `receive_data` and `tick`, write what `data_to_send` returns, and close the socket once it is `closed`. Times are
seconds of any steady clock. Who may ask what in which state is the table `_SERVES`; nothing outside this module
changes the state. A text is answered only by `accept` or `reject`, and that is the owner's promise that it is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from gateway.errors import LocalProtocolError
from gateway.smpp.address import read_address
from gateway.smpp.events import (
    Answered,
    Arrival,
    BindAsked,
    Bound,
    Ended,
    Ending,
    Event,
    Mode,
    Odd,
    Quarantined,
    ReceiptArrived,
    TextArrived,
    Unanswered,
)
from gateway.smpp.parts import read_part
from gateway.smpp.pdu import HEADER_OCTETS, Header, Pdu, PduError, Status, Tag, cut, decode, encode
from gateway.smpp.receipt import Kind, kind_of
from gateway.smpp.window import Window

INTERFACE_VERSION: Final = 0x34

_SEQUENCE_AT: Final = 12  # the last field of the header
_MESSAGE_ID_OCTETS: Final = 64  # section 5.2.23, without the closing NUL


class Role(Enum):
    """Which side of the link a session is: the client (us) or the carrier (the simulator)."""

    ESME = "esme"
    SMSC = "smsc"


class State(Enum):
    """Section 2.2, and UNBINDING between an unbind and the end. CLOSED is for good: a new connection, a new session."""

    CLOSED = "closed"
    OPEN = "open"
    BOUND_TX = "bound as transmitter"
    BOUND_RX = "bound as receiver"
    BOUND_TRX = "bound as transceiver"
    UNBINDING = "unbinding"


@dataclass(frozen=True, slots=True)
class Timing:
    """How long each side may take, in seconds."""

    enquire: float = 30.0  # between enquire_links; 0: none are sent
    answer: float = 10.0  # to an enquire_link
    leave: float = 3.0  # to our unbind
    bind: float = 15.0  # to the bind
    response: float = 30.0  # to a submit_sm or deliver_sm
    stall: float = 10.0  # from the first octet of a PDU to its last
    drain: float = 2.0  # that the other side's unbind waits for answers under way


_SENDING: Final = frozenset({State.BOUND_TX, State.BOUND_TRX})
_RECEIVING: Final = frozenset({State.BOUND_RX, State.BOUND_TRX})
_BOUND: Final = _SENDING | _RECEIVING
_LIVE: Final = _BOUND | {State.OPEN, State.UNBINDING}

_SERVES: Final[dict[Role, dict[str, frozenset[State]]]] = {
    Role.ESME: {
        "deliver_sm": _RECEIVING | {State.UNBINDING},
        "data_sm": _RECEIVING | {State.UNBINDING},
        "alert_notification": _RECEIVING | {State.UNBINDING},
        "outbind": frozenset({State.OPEN}),
        "enquire_link": _LIVE,
        "unbind": _LIVE,
    },
    Role.SMSC: {
        "submit_sm": _SENDING | {State.UNBINDING},
        "data_sm": _SENDING | {State.UNBINDING},
        "bind_transmitter": frozenset({State.OPEN}),
        "bind_receiver": frozenset({State.OPEN}),
        "bind_transceiver": frozenset({State.OPEN}),
        "enquire_link": _LIVE,
        "unbind": _LIVE,
    },
}
_MAY_SEND: Final[dict[str, frozenset[State]]] = {"submit_sm": _SENDING, "deliver_sm": _RECEIVING, "data_sm": _BOUND}

_BINDS: Final[dict[str, tuple[Mode, State]]] = {
    "bind_transmitter": (Mode.TRANSMITTER, State.BOUND_TX),
    "bind_receiver": (Mode.RECEIVER, State.BOUND_RX),
    "bind_transceiver": (Mode.TRANSCEIVER, State.BOUND_TRX),
}
_UNANSWERABLE: Final = frozenset({"alert_notification", "outbind"})  # requests without a response
_BODILESS: Final = frozenset({"enquire_link", "unbind"})  # whatever stands behind the header means nothing
_CARRIES_TEXT: Final = frozenset({"deliver_sm", "data_sm", "submit_sm"})


class Session:
    """One bind on one connection, from the moment the connection stands."""

    def __init__(self, role: Role, timing: Timing | None = None, *, calling_code: str = "358") -> None:
        self.state = State.OPEN
        self.owed = 0  # arrivals that wait for accept or reject
        self._role = role
        self._timing = timing or Timing()
        self._calling_code = calling_code
        self._serves = _SERVES[role]
        self._window = Window(self._timing.response)
        self._buffer = bytearray()
        self._outgoing = bytearray()
        self._started_at: float | None = None  # when the PDU at the head of the buffer began
        self._control: dict[str, tuple[int, float]] = {}  # bind, enquire_link, unbind: sequence and deadline
        self._enquire_at: float | None = None
        self._peer_unbind: tuple[int, float] | None = None  # sequence and deadline of an unbind we still owe an answer
        self._on: dict[str, Callable[[Pdu, float], Event | None]] = {
            "deliver_sm": self._on_message,
            "submit_sm": self._on_message,
            "data_sm": self._on_message,
            "submit_sm_resp": self._on_answer,
            "deliver_sm_resp": self._on_answer,
            "data_sm_resp": self._on_answer,
            "enquire_link": self._on_enquire_link,
            "enquire_link_resp": self._on_control_answer,
            "unbind": self._on_unbind,
            "unbind_resp": self._on_control_answer,
            "generic_nack": self._on_generic_nack,
            "alert_notification": self._on_notice,
            "outbind": self._on_notice,
            "bind_transmitter": self._on_bind,
            "bind_receiver": self._on_bind,
            "bind_transceiver": self._on_bind,
            "bind_transmitter_resp": self._on_control_answer,
            "bind_receiver_resp": self._on_control_answer,
            "bind_transceiver_resp": self._on_control_answer,
        }

    # What the owner may say

    @property
    def closed(self) -> bool:
        """Whether it is over: write what is left to send, then close the connection."""
        return self.state is State.CLOSED

    @property
    def outstanding(self) -> int:
        """How many requests of ours wait for an answer."""
        return len(self._window)

    def may_send(self, command: str) -> bool:
        """Whether *command* (submit_sm, deliver_sm, data_sm) may be sent in this state."""
        return self.state in _MAY_SEND[command]

    def bind(self, mode: Mode, system_id: str, password: str, now: float, *, system_type: str = "") -> None:
        """Ask to be let in. `Bound` or `Ended` follows, at the latest when the bind's time is up."""
        if self.state is not State.OPEN or self._role is not Role.ESME:
            raise LocalProtocolError("bind in a state that has none")
        fields = {
            "system_id": system_id,
            "password": password,
            "system_type": system_type,
            "interface_version": INTERFACE_VERSION,
        }
        self._ask(f"bind_{mode}", fields, now + self._timing.bind)

    def submit(self, octets: bytes, now: float, note: Any) -> int:
        """Send an encoded submit_sm and return its sequence, which is filled in here.

        `Answered` or `Unanswered` with *note* follows exactly once.
        """
        return self._send("submit_sm", octets, now, note)

    def deliver(self, octets: bytes, now: float, note: Any) -> int:
        """Send an encoded deliver_sm (SMSC role), otherwise as `submit`."""
        return self._send("deliver_sm", octets, now, note)

    def accept(self, arrival: Arrival, message_id: str = "") -> None:
        """Tell the other side that *arrival* is ours now. Call it when it is stored, not before."""
        status = arrival.status if type(arrival) is Quarantined else 0
        self._answer_arrival(arrival, status, message_id)

    def reject(self, arrival: Arrival, status: int) -> None:
        """Refuse *arrival* with *status*: the other side keeps it."""
        self._answer_arrival(arrival, status, "")

    def answer_bind(self, asked: BindAsked, status: int, system_id: str) -> None:
        """SMSC role: let the other side in (*status* 0) or not."""
        command = f"bind_{asked.mode}"
        tlvs = {int(Tag.SC_INTERFACE_VERSION): bytes([INTERFACE_VERSION])}
        if status:
            self._write(Pdu(f"{command}_resp", asked.sequence, status))
        else:
            self.state = _BINDS[command][1]
            self._write(Pdu(f"{command}_resp", asked.sequence, 0, {"system_id": system_id}, tlvs))

    def unbind(self, now: float) -> None:
        """Take leave. `Ended` follows, at the latest when the answer's time is up; until then texts may arrive."""
        if self.state in _BOUND:
            self.state = State.UNBINDING
            self._ask("unbind", {}, now + self._timing.leave)

    def data_to_send(self) -> bytes:
        """Return what must be written now, once."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    def abandon(self) -> list[Unanswered]:
        """The connection is gone: close, and return the requests whose fate nobody knows."""
        self.state = State.CLOSED
        return [Unanswered(sequence, pending.note) for sequence, pending in self._window.abandon()]

    # What the other side says

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take what the other side sent and return what it means. Half a PDU waits for the rest."""
        events: list[Event] = []
        if self.closed:
            return events
        self._buffer += data
        try:
            while not self.closed and (raw := cut(self._buffer)) is not None:
                self._started_at = None
                event = self._step(raw, now)
                if event is not None:
                    events.append(event)
        except PduError as error:  # of `cut`: a length that cannot be, and so no place where the next PDU begins
            self._write(Pdu("generic_nack", 0, error.status))
            events.append(self._end(Ending.BAD_LENGTH))
        if self._buffer and self._started_at is None:
            self._started_at = now
        self._finish_peer_unbind()
        return events

    def tick(self, now: float) -> list[Event]:
        """Let time pass: overdue answers, enquire_link, stalls. Call it about every second, or faster."""
        if self.closed:
            return []
        events: list[Event] = [Unanswered(sequence, late.note) for sequence, late in self._window.overdue(now)]
        self._finish_peer_unbind(now)
        if self._started_at is not None and now - self._started_at >= self._timing.stall:
            events.append(self._end(Ending.STALLED))
        for command, (_, deadline) in self._control.items():
            if now >= deadline and not self.closed:
                events.append(self._end(_too_late(command)))
        if self.state in _BOUND and self._timing.enquire:
            self._enquire(now)
        return events

    def _step(self, raw: bytes, now: float) -> Event | None:
        try:
            pdu = decode(raw)
        except PduError as error:
            return self._unreadable(error, raw, now)
        if pdu.command in self._serves:
            if self.state not in self._serves[pdu.command]:
                return self._out_of_place(pdu)
        elif not pdu.is_response:
            return self._not_served(pdu.sequence)
        handler = self._on.get(pdu.command, self._on_answer)
        return handler(pdu, now)

    def _on_message(self, pdu: Pdu, _now: float) -> Event:
        self.owed += 1
        try:
            return self._read_message(pdu)
        except Exception as error:  # ours to mend; until then the carrier must not bring it back for days
            self.owed -= 1
            return self._quarantine(pdu.sequence, pdu.command, encode(pdu), type(error).__name__, 0)

    def _read_message(self, pdu: Pdu) -> Event:
        fields = pdu.fields
        if self._role is Role.ESME and kind_of(pdu) is not Kind.TEXT:
            return ReceiptArrived(pdu.sequence, pdu.command, pdu)
        source = read_address(fields["source_addr_ton"], fields["source_addr"], self._calling_code)
        destination = read_address(fields["dest_addr_ton"], fields["destination_addr"], self._calling_code)
        octets, part, coding, _broken_header = read_part(pdu)
        return TextArrived(pdu.sequence, pdu.command, source, destination, octets, coding, part, pdu)

    def _on_answer(self, pdu: Pdu, _now: float) -> Event:
        pending = self._window.take(pdu.sequence, pdu.command.removesuffix("_resp"))
        if pending is None:
            return Odd(f"{pdu.command} to nothing that waits", pdu.sequence, pdu.status)
        return Answered(pdu.sequence, pdu.status, pdu.fields.get("message_id", ""), pending.note, pending.sent_at)

    def _on_generic_nack(self, pdu: Pdu, now: float) -> Event | None:
        for command, (sequence, _) in self._control.items():
            if sequence == pdu.sequence:
                return self._settle_control(command, pdu.status or Status.RUNKNOWNERR, {}, now)
        pending = self._window.take(pdu.sequence)
        if pending is None:
            return Odd("generic_nack to nothing that waits", pdu.sequence, pdu.status)
        return Answered(pdu.sequence, pdu.status or Status.RUNKNOWNERR, "", pending.note, pending.sent_at)

    def _on_control_answer(self, pdu: Pdu, now: float) -> Event | None:
        command = pdu.command.removesuffix("_resp")
        sequence, _ = self._control.get(command, (None, 0.0))
        if sequence != pdu.sequence:
            return Odd(f"{pdu.command} to nothing that waits", pdu.sequence, pdu.status)
        return self._settle_control(command, pdu.status, pdu.tlvs, now)

    def _settle_control(self, command: str, status: int, tlvs: Mapping[int, bytes], now: float) -> Event | None:
        del self._control[command]
        if command == "unbind":
            return self._end(Ending.UNBOUND_BY_US)
        if command == "enquire_link":  # even a refusal shows that somebody is there
            return None
        if status:
            return self._end(Ending.BIND_REFUSED, status)
        mode, self.state = _BINDS[command]
        self._enquire_at = now + self._timing.enquire
        return Bound(mode, int.from_bytes(tlvs.get(Tag.SC_INTERFACE_VERSION, b"")))

    def _on_enquire_link(self, pdu: Pdu, _now: float) -> None:
        self._write(Pdu("enquire_link_resp", pdu.sequence))

    def _on_unbind(self, pdu: Pdu, now: float) -> Event | None:
        self._peer_unbind = (pdu.sequence, now + self._timing.drain)
        self.state = State.UNBINDING
        return Ended(Ending.UNBOUND_BY_PEER)

    def _on_notice(self, pdu: Pdu, _now: float) -> Event:
        return Odd(f"{pdu.command}, which asks nothing of us", pdu.sequence)

    def _on_bind(self, pdu: Pdu, _now: float) -> Event:
        fields = pdu.fields
        mode, _ = _BINDS[pdu.command]
        return BindAsked(pdu.sequence, mode, fields["system_id"], fields["password"], fields["interface_version"])

    # What cannot be read, or is not for us

    def _unreadable(self, error: PduError, raw: bytes, now: float) -> Event | None:
        header = error.header
        if header is None:  # cannot be: `cut` has seen to the length
            return self._end(Ending.BAD_LENGTH)
        command = header.command
        if header.is_response:
            return self._unreadable_response(header, raw, now)
        if command is None or command not in self._serves:
            return self._not_served(header.sequence)
        if command in _UNANSWERABLE:
            return Odd(f"{command} that cannot be read", header.sequence, error.status)
        if command in _BODILESS:
            return self._on[command](Pdu(command, header.sequence), now)
        if command in _CARRIES_TEXT and self.state in self._serves[command]:
            return self._quarantine(header.sequence, command, raw, error.reason, error.status)
        self._write(Pdu(f"{command}_resp", header.sequence, error.status))
        return Odd(f"{command} that cannot be read", header.sequence, error.status)

    def _unreadable_response(self, header: Header, raw: bytes, now: float) -> Event | None:
        """A response says what matters in its header and first field: junk behind them must not lose the answer."""
        if header.command is None:
            return Odd("a response of no known command", header.sequence, header.status)
        handler = self._on.get(header.command, self._on_answer)
        message_id = raw[HEADER_OCTETS : HEADER_OCTETS + _MESSAGE_ID_OCTETS].partition(b"\0")[0].decode("latin-1")
        return handler(Pdu(header.command, header.sequence, header.status, {"message_id": message_id}), now)

    def _quarantine(self, sequence: int, command: str, octets: bytes, reason: str, status: int) -> Event:
        self.owed += 1
        return Quarantined(sequence, command, octets, reason, status)

    def _not_served(self, sequence: int) -> Event:
        self._write(Pdu("generic_nack", sequence, Status.RINVCMDID))
        return Odd("a command that is not served", sequence, Status.RINVCMDID)

    def _out_of_place(self, pdu: Pdu) -> Event:
        """Section 5.1.3: a known command in the wrong state is answered by its own response."""
        status = Status.RALYBND if pdu.command in _BINDS else Status.RINVBNDSTS
        if pdu.command not in _UNANSWERABLE:
            self._write(Pdu(f"{pdu.command}_resp", pdu.sequence, status))
        return Odd(f"{pdu.command} in a state that has none", pdu.sequence, status)

    # The two ends of the wire

    def _send(self, command: str, octets: bytes, now: float, note: Any) -> int:
        if not self.may_send(command):
            raise LocalProtocolError(f"{command} while {self.state.value}")
        sequence = self._window.next_sequence()
        self._outgoing += octets[:_SEQUENCE_AT]
        self._outgoing += sequence.to_bytes(HEADER_OCTETS - _SEQUENCE_AT)
        self._outgoing += octets[HEADER_OCTETS:]
        self._window.add(sequence, command, now, note)
        return sequence

    def _ask(self, command: str, fields: dict[str, Any], deadline: float) -> None:
        sequence = self._window.next_sequence()
        self._write(Pdu(command, sequence, 0, fields))
        self._control[command] = (sequence, deadline)

    def _answer_arrival(self, arrival: Arrival, status: int, message_id: str) -> None:
        self.owed -= 1
        if not self.closed:
            self._write(Pdu(f"{arrival.command}_resp", arrival.sequence, status, {"message_id": message_id}))
            self._finish_peer_unbind()

    def _enquire(self, now: float) -> None:
        if self._enquire_at is None:  # SMSC role: bound by `answer_bind`, which knows no time
            self._enquire_at = now + self._timing.enquire
        elif now >= self._enquire_at and "enquire_link" not in self._control:
            self._ask("enquire_link", {}, now + self._timing.answer)
            self._enquire_at = now + self._timing.enquire

    def _finish_peer_unbind(self, now: float | None = None) -> None:
        """Answer an unbind when nothing is under way: what we read is answered first."""
        if self._peer_unbind is None:
            return
        sequence, deadline = self._peer_unbind
        idle = not self.owed and not self.outstanding
        if idle or (now is not None and now >= deadline):
            self._peer_unbind = None
            self._write(Pdu("unbind_resp", sequence))
            self.state = State.CLOSED

    def _end(self, why: Ending, status: int = 0) -> Ended:
        self.state = State.CLOSED
        return Ended(why, status)

    def _write(self, pdu: Pdu) -> None:
        self._outgoing += encode(pdu)


def _too_late(command: str) -> Ending:
    match command:
        case "enquire_link":
            return Ending.SILENT
        case "unbind":
            return Ending.UNBOUND_BY_US
        case _:
            return Ending.BIND_TIMED_OUT
