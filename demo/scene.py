"""The language of scenes.py: who texts, what they write, what they must hear, and what must change in the diary.

Texts may hold blanks, about the person whom the scene concerns: {name}, {first} and {code}; {day} and {time} of their
first coming visit, and {when} as an answer names it; {free_day} and {free_time} of a free time of the scene's *wish*;
{wish_morning} and {wish_afternoon} of days with free half-days; {offer} is the code of the offer last shown.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from demo.seed import CLINIC

Words = str | tuple[str, ...]  # a fragment of an answer, or several of which one must stand in it


@dataclass(frozen=True, slots=True)
class Person:
    """One of clinic.json; *number* is "" for a child who has none."""

    id: str
    given_names: str
    family_name: str
    code: str
    number: str
    language: str

    @property
    def first(self) -> str:
        """The name that they go by."""
        return self.given_names.split()[0]

    @property
    def name(self) -> str:
        """As they sign."""
        return f"{self.first} {self.family_name}"


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one visit: "booked", "cancelled", "restored", "moved", "confirmed" or "lapsed".

    The answer must name the visit's time. *option* is the number under which the answer before had offered it, and
    *exact* says that it is the {free_day} and {free_time} of the text. *who* is somebody else than whom the scene
    concerns, *slot* the state of a time that was given up.
    """

    what: str
    service: str
    option: str = ""
    exact: bool = False
    who: str = ""
    slot: str = "free"


@dataclass(frozen=True, slots=True)
class Says:
    """The patient writes, or somebody else (*who*)."""

    text: str
    who: str = ""


@dataclass(frozen=True, slots=True)
class Hears:
    """The phone shows an answer with these words, in so many segments at most."""

    words: tuple[Words, ...]
    parts: int = 2


@dataclass(frozen=True, slots=True)
class HearsNothing:
    """The text was handled, and needed no answer."""


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody else's phone shows a text with these words."""

    who: str
    words: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class ToldAll:
    """The phones of several people each show one text with these words."""

    who: tuple[str, ...]
    words: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Arranges:
    """The clinic's program puts a visit in the diary: in so many days, a few seconds later than it is now."""

    who: str
    service: str
    days: int
    status: str


@dataclass(frozen=True, slots=True)
class LetsWait:
    """The clinic's program puts people on the waitlist of a service."""

    who: tuple[str, ...]
    service: str


@dataclass(frozen=True, slots=True)
class Passes:
    """Time passes: whoever reads the clock starts again with one that is so much further ahead."""

    time: timedelta


@dataclass(frozen=True, slots=True)
class Offered:
    """The newest offer: its state, who won it, and how many had which outcome."""

    state: str
    winner: str | None
    outcomes: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Diary:
    """What has changed in the whole diary since it was last looked at; nothing else may have."""

    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """The thread's state, and why a person must answer it."""

    state: str
    hand_over: str


@dataclass(frozen=True, slots=True)
class Pushes:
    """The clinic's program wants to send a text some days later, and is told what will become of it."""

    purpose: str
    text: str
    status: str


Step = Says | Hears | HearsNothing | Told | ToldAll | Diary | Held | Pushes | Arranges | LetsWait | Passes | Offered


@dataclass(frozen=True, slots=True)
class Scene:
    """One conversation. *number* is another phone than the person's own, *about* is whom it concerns."""

    title: str
    person: str
    steps: tuple[Step, ...]
    language: str
    about: str = ""
    number: str = ""
    wish: str = ""  # the service whose free times the texts name


def scene(
    title: str,
    person: str,
    *steps: Step,
    language: str = "",
    about: str = "",
    number: str = "",
    wish: str = "",
) -> Scene:
    """A conversation of *person*, in their own language unless another is named."""
    return Scene(title, person, steps, language or PEOPLE[person].language, about or person, number, wish)


def says(text: str, who: str = "") -> Says:
    """The patient, or *who*, writes *text*."""
    return Says(text, who)


def hears(*words: Words, parts: int = 2) -> Hears:
    """The answer holds each of *words* (of a tuple, one of them)."""
    return Hears(words, parts)


def hears_nothing() -> HearsNothing:
    """No answer comes, and none is needed."""
    return HearsNothing()


def told(who: str, *words: Words) -> Told:
    """*who* gets a text with *words*."""
    return Told(who, words)


def told_all(who: tuple[str, ...], *words: Words) -> ToldAll:
    """Each of *who* gets a text with *words*."""
    return ToldAll(who, words)


def arranges(who: str, service: str, *, days: int, status: str = "booked") -> Arranges:
    """The clinic's program makes a visit of *who*."""
    return Arranges(who, service, days, status)


def lets_wait(who: tuple[str, ...], service: str) -> LetsWait:
    """The clinic's program puts *who* on the waitlist."""
    return LetsWait(who, service)


def passes(*, days: int = 0, minutes: int = 0) -> Passes:
    """So much time passes."""
    return Passes(timedelta(days=days, minutes=minutes))


def offered(state: str, winner: str | None = None, **outcomes: int) -> Offered:
    """The newest offer stands like this."""
    return Offered(state, winner, tuple(sorted(outcomes.items())))


def diary(*changes: Change) -> Diary:
    """These changes and no others."""
    return Diary(changes)


def held(reason: str, state: str = "waiting") -> Held:
    """A person must answer, for this reason."""
    return Held(state, reason)


def pushes(purpose: str, text: str, *, status: str) -> Pushes:
    """The clinic's program asks for a text and hears this status."""
    return Pushes(purpose, text, status)


def booked(service: str, *, option: str = "", exact: bool = False, who: str = "") -> Change:
    """A new visit."""
    return Change("booked", service, option=option, exact=exact, who=who)


def moved(service: str, *, option: str = "") -> Change:
    """The visit is at another time, and its old time is free."""
    return Change("moved", service, option=option)


def cancelled(service: str, *, option: str = "", who: str = "", slot: str = "free") -> Change:
    """The visit is cancelled, and its time is free."""
    return Change("cancelled", service, option=option, who=who, slot=slot)


def lapsed(service: str, who: str = "") -> Change:
    """The provisional visit lapsed, and its time is free."""
    return Change("lapsed", service, who=who)


def restored(service: str) -> Change:
    """The cancelled visit stands again."""
    return Change("restored", service)


def confirmed(service: str) -> Change:
    """The visit is confirmed."""
    return Change("confirmed", service)


def _people() -> dict[str, Person]:
    rows = json.loads(CLINIC.read_text(encoding="utf-8"))["patients"]
    return {
        row["id"]: Person(
            row["id"],
            row["given_names"],
            row["family_name"],
            row["identity_code"],
            next(iter(row["numbers"]), ""),
            row["language"],
        )
        for row in rows
    }


PEOPLE: Final = _people()
