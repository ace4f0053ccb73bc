"""The clinic of the demo, as its own program sees it: by our HTTP API, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from demo.wire import Wire

API: Final = "/api/v1"
STANDING: Final = frozenset({"provisional", "booked", "confirmed"})
HALF_AN_HOUR: Final = timedelta(minutes=30)
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Visit:
    """An appointment. *start* is on the clinic's wall clock; ids are the clinic's own, but for *id*."""

    id: str
    patient: str
    service: str
    slot: str
    start: datetime
    status: str

    @property
    def stands(self) -> bool:
        """Whether the patient is expected."""
        return self.status in STANDING


@dataclass(frozen=True, slots=True)
class Time:
    """A free slot."""

    slot: str
    start: datetime


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the API's feed. *outcome* is None for an outbound one, *state* "handled" for an inbound one."""

    id: str
    outbound: bool
    number: str
    text: str
    state: str
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Thread:
    """The state of a thread, and why a person must answer it (None: nobody must)."""

    state: str
    hand_over: str | None


@dataclass(frozen=True, slots=True)
class Offer:
    """A time that was put to several people: its state, who won it, and what came of each by patient."""

    state: str
    winner: str | None
    outcomes: dict[str, str]


class Clinic:
    """The API at *port*, asked with *key*."""

    def __init__(self, port: int, key: str) -> None:
        self._wire = Wire(port, {"Authorization": f"Bearer {key}"})
        self._cursor: str | None = None

    def visits(self) -> dict[str, Visit]:
        """The whole diary: every visit by our id."""
        return {
            item["our_id"]: Visit(
                item["our_id"],
                item["patient"],
                item["service"],
                item["slot"],
                datetime.fromisoformat(item["start"]),
                item["status"],
            )
            for item in self._all("/appointments")
        }

    def free_times(self, service: str) -> list[Time]:
        """When *service* can be booked, by time."""
        slots = self._all("/slots", service=service, free="true")
        return [Time(slot["id"], datetime.fromisoformat(slot["start"])) for slot in slots]

    def slot_state(self, slot: str) -> str:
        """Whether a slot is free, taken, held or withdrawn."""
        return str(self._wire.get(f"{API}/slots/{slot}")["state"])

    def thread(self, number: str) -> Thread | None:
        """The thread with *number*, if it ever wrote."""
        found = next((item for item in self._all("/threads") if item["number"] == number), None)
        if found is None:
            return None
        hand_over = found["hand_over"]
        return Thread(found["state"], None if hand_over is None else hand_over["reason"])

    def news(self) -> list[Text]:
        """The texts in and out that appeared since the last call, oldest first. Codes are masked."""
        found: list[Text] = []
        more = True
        while more:
            page = self._wire.get(f"{API}/texts", after=self._cursor, limit=_PAGE)
            found += [_text(item) for item in page["items"]]
            self._cursor, more = page["cursor"], page["more"]
        return found

    def push(self, patient: str, purpose: str, text: str, at: datetime) -> str:
        """Ask for a text to *patient*, not before *at*; returns its status ("queued", or "blocked" by a stop)."""
        message = {"patient": patient, "clinic": "keskusta", "purpose": purpose, "text": text, "at": at.isoformat()}
        return str(self._wire.post(f"{API}/messages", message)["status"])

    def arrange(self, id_: str, patient: str, service: str, start: datetime, status: str) -> None:
        """Put a visit of half an hour in the diary."""
        times = {"start": start.isoformat(), "end": (start + HALF_AN_HOUR).isoformat()}
        visit = {"patient": patient, "clinic": "keskusta", "service": service, "status": status} | times
        self._wire.put(f"{API}/appointments/{id_}", visit)

    def let_wait(self, patient: str, service: str) -> None:
        """Put *patient* on the waitlist for an earlier time."""
        self._wire.put(f"{API}/waitlist/w-{patient}", {"patient": patient, "service": service})

    def offer(self) -> Offer:
        """The newest offer."""
        cursor, more, key = None, True, ""
        while more:
            page = self._wire.get(f"{API}/events", after=cursor, limit=_PAGE)
            cursor, more = page["cursor"], page["more"]
            key = next((e["subject"] for e in reversed(page["items"]) if e["type"] == "offer.opened"), key)
        found = self._wire.get(f"{API}/offers/{key}")
        return Offer(found["state"], found["winner"], {each["patient"]: each["outcome"] for each in found["ledger"]})

    def _all(self, path: str, **query: object) -> Iterator[dict[str, Any]]:
        cursor = None
        while True:
            page = self._wire.get(API + path, limit=_PAGE, cursor=cursor, **query)
            yield from page["items"]
            cursor = page["cursor"]
            if cursor is None:
                return


def _text(item: dict[str, Any]) -> Text:
    outbound = item["direction"] == "out"
    return Text(item["id"], outbound, item["number"], item["text"] or "", item["state"], item["outcome"])
