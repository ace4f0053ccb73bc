"""A clinic and its phones in memory, to see what the player makes of what they say."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from demo.carrier import Shown
from demo.clinic import Offer, Text, Thread, Time, Visit
from demo.player import Player
from demo.screen import Screen

NOON = datetime(2026, 5, 5, 12, 0, tzinfo=ZoneInfo("Europe/Helsinki"))  # a Tuesday
KARIN, JOHAN = "+358405550103", "+358405550110"


def a_visit(**changes):
    """A visit of Karin's, a booked check-up."""
    fields = {"id": "t-1", "patient": "p-lindstrom", "service": "checkup", "slot": "s-1", "start": NOON}
    return Visit(**(fields | {"status": "booked"} | changes))


@dataclass
class MemoryClinic:
    """What the API would say. `slots` are by key; a visit's own is taken while it stands."""

    diary: dict[str, Visit] = field(default_factory=lambda: {"t-1": a_visit()})
    slots: dict[str, str] = field(default_factory=lambda: {"s-1": "taken"})
    times: list[Time] = field(default_factory=list)
    held: Thread | None = None
    pushed: str = "queued"
    waiting: list[str] = field(default_factory=list)
    offers: Offer | None = None
    feed: list[Text] = field(default_factory=list)

    def visits(self):
        return dict(self.diary)

    def free_times(self, service):
        return self.times or [Time("s-9", NOON)]

    def slot_state(self, slot):
        return self.slots[slot]

    def thread(self, number):
        return self.held or Thread("bot", None)

    def push(self, patient, purpose, text, at):
        return self.pushed

    def arrange(self, id_, patient, service, start, status):
        self.diary["t-2"] = Visit("t-2", patient, service, "s-2", start, status)
        self.slots["s-2"] = "taken"

    def let_wait(self, patient, service):
        self.waiting.append(patient)

    def offer(self):
        return self.offers

    def news(self):
        found, self.feed = self.feed, []
        return found


@dataclass
class MemoryPhones:
    """Phones whose every text is answered by *reply*(text), a list of (number, text, parts)."""

    clinic: MemoryClinic
    reply: object
    outcome: str = "answered"
    texts: list[Shown] = field(default_factory=list)

    def send(self, number, text):
        self.clinic.feed.append(Text("in-1", False, number, text, "handled", self.outcome))
        for to, answer, parts in self.reply(text):
            self.texts.append(Shown(len(self.texts) + 1, to, answer, parts))
            self.clinic.feed.append(Text("out-1", True, to, answer, "sent", None))

    def shown(self, after=0, number=None):
        return self.texts[after:]


class HandClock:
    """A clock that stands until it is put forward."""

    def __init__(self):
        self.moment = NOON

    def now(self):
        return self.moment

    def later(self, by):
        self.moment += by


def faults_of(scene, reply, clinic=None, outcome="answered"):
    """Play *scene* against a clinic that answers as *reply* does; returns what the player found wrong."""
    clinic = clinic or MemoryClinic()
    phones = MemoryPhones(clinic, reply, outcome)
    return Player(clinic, phones, Screen(io.StringIO()), lambda: None, HandClock()).play(1, scene)
