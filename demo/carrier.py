"""The phones of the demo, by the HTTP control of the carrier simulator: what they write and what they show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from demo.wire import Unanswered, Wire

SERVICE_NUMBER: Final = "+358405550100"
_PATIENCE: Final = 10.0


@dataclass(frozen=True, slots=True)
class Shown:
    """A text that a phone shows; *id* counts those of all phones, *parts* the submit_sm that it came in."""

    id: int
    number: str
    text: str
    parts: int


class Phones:
    """Every phone of the carrier whose HTTP control is at *port*."""

    def __init__(self, port: int) -> None:
        self._wire = Wire(port)

    def send(self, number: str, text: str) -> None:
        """Write *text* to the clinic from *number*; returns when every part is acknowledged. Raises `Unanswered`."""
        sent = {"from": number, "to": SERVICE_NUMBER, "text": text, "wait": _PATIENCE}
        statuses = self._wire.post("/texts", sent)["statuses"]
        if any(statuses):
            raise Unanswered(f"the gateway refused the text: {statuses}")

    def shown(self, after: int = 0, number: str | None = None) -> list[Shown]:
        """The texts that came after the one with the id *after*, to one phone or to all."""
        texts = self._wire.get("/texts", after=after, number=number)
        return [Shown(text["id"], text["number"], text["text"], text["parts"]) for text in texts]
