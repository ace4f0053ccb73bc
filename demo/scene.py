"""The language of scenes.py: who texts, what they write, what they must hear, and what must change in the diary.

Texts may hold blanks, about the person whom the scene concerns: {name}, {first} and {code}; {day} and {time} of their
first coming visit, and {when} as an answer names it; {free_day} and {free_time} of a free time of the scene's *wish*;
{wish_morning} and {wish_afternoon} of days with free half-days.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
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
    """What happens to one visit: "booked", "cancelled", "restored", "moved" or "confirmed".

    The answer must name the visit's time. *option* is the number under which the answer before had offered it, and
    *exact* says that it is the {free_day} and {free_time} of the text.
    """

    what: str
    service: str
    option: str = ""
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Says:
    """The patient writes."""

    text: str


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


Step = Says | Hears | HearsNothing | Told | Diary | Held | Pushes


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


def says(text: str) -> Says:
    """The patient writes *text*."""
    return Says(text)


def hears(*words: Words, parts: int = 2) -> Hears:
    """The answer holds each of *words* (of a tuple, one of them)."""
    return Hears(words, parts)


def hears_nothing() -> HearsNothing:
    """No answer comes, and none is needed."""
    return HearsNothing()


def told(who: str, *words: Words) -> Told:
    """*who* gets a text with *words*."""
    return Told(who, words)


def diary(*changes: Change) -> Diary:
    """These changes and no others."""
    return Diary(changes)


def held(reason: str, state: str = "waiting") -> Held:
    """A person must answer, for this reason."""
    return Held(state, reason)


def pushes(purpose: str, text: str, *, status: str) -> Pushes:
    """The clinic's program asks for a text and hears this status."""
    return Pushes(purpose, text, status)


def booked(service: str, *, option: str = "", exact: bool = False) -> Change:
    """A new visit."""
    return Change("booked", service, option=option, exact=exact)


def moved(service: str, *, option: str = "") -> Change:
    """The visit is at another time, and its old time is free."""
    return Change("moved", service, option=option)


def cancelled(service: str, *, option: str = "") -> Change:
    """The visit is cancelled, and its time is free."""
    return Change("cancelled", service, option=option)


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
