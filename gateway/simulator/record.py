"""What the carrier got: every submit_sm as it came, and the texts that a phone would show."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.smpp.events import TextArrived
from gateway.smpp.parts import join
from gateway.smpp.pdu import Pdu
from gateway.text import PartRef
from lang.alphabet import decode_text


@dataclass(frozen=True, slots=True)
class Submitted:
    """One submit_sm, and how it was answered."""

    at: float  # when it was read from the socket, seconds of a steady clock
    number: str  # the recipient, E.164
    pdu: Pdu
    status: int
    message_id: str


@dataclass(frozen=True, slots=True)
class Received:
    """A whole text as the phone *number* shows it; *id* counts all texts from 1."""

    id: int
    number: str
    service_number: str
    text: str
    at: float
    parts: int


@dataclass(slots=True)
class Record:
    """Everything accepted since the start, in order. A part that comes twice is shown once, as phones do."""

    submitted: list[Submitted] = field(default_factory=list)
    texts: list[Received] = field(default_factory=list)
    _halves: dict[tuple[str, str, str, int, int], dict[int, bytes]] = field(default_factory=dict)

    def add(self, arrived: TextArrived, submitted: Submitted) -> Received | None:
        """Take one submit; returns the text that it completes, if it was accepted and does."""
        self.submitted.append(submitted)
        if submitted.status:
            return None
        if arrived.part is None:
            return self._show(arrived, arrived.octets, submitted.at, 1)
        key = _key(arrived, arrived.part)
        parts = self._halves.setdefault(key, {})
        parts[arrived.part.number] = arrived.octets
        if len(parts) < arrived.part.total:
            return None
        del self._halves[key]
        return self._show(arrived, join(parts), submitted.at, len(parts))

    def of(self, number: str, after: int = 0) -> list[Received]:
        """Return the texts to *number* (all when "") whose id is above *after*."""
        return [text for text in self.texts[after:] if not number or text.number == number]

    def busiest_second(self) -> int:
        """Return the most submits that came within any one second, refused ones too."""
        times, most, first = [one.at for one in self.submitted], 0, 0
        for last, at in enumerate(times):
            while at - times[first] >= 1.0:
                first += 1
            most = max(most, last - first + 1)
        return most

    def _show(self, arrived: TextArrived, octets: bytes, at: float, parts: int) -> Received:
        text = decode_text(octets, arrived.coding)
        received = Received(len(self.texts) + 1, arrived.destination, arrived.source, text, at, parts)
        self.texts.append(received)
        return received


def _key(arrived: TextArrived, part: PartRef) -> tuple[str, str, str, int, int]:
    return arrived.source, arrived.destination, part.kind, part.reference, part.total
