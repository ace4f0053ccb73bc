"""How times, places, persons and lists read in a text of each language: plain spaces, no grammar put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose time it is: "own", a "child"'s, or by one "initial" where the number serves several people."""

    kind: str = "own"
    initial: str = ""


@dataclass(frozen=True, slots=True)
class Phone:
    """A clinic's number to call, with its hours ("8", "15.30") where they are the same from Monday to Friday."""

    number: str
    hours: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the language's `[terms]`."""

    name: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One of several things: the key to answer with, if any, the thing, and what tells it from the others."""

    what: datetime | Term | str
    key: str = ""
    note: str | Mapping[str, str] | Term = ""


@dataclass(frozen=True, slots=True)
class Spans:
    """Hours of weekdays: (first weekday, last weekday, opens, closes) with ISO weekdays and written times, "" for all
    day."""

    spans: tuple[tuple[int, int, str, str], ...]


def written_time(hour: int, minute: int) -> str:
    """Return a time of day as people write it: "8", "13.30"."""
    return f"{hour}.{minute:02}" if minute else str(hour)


class Format:
    """The `[format]` and `[terms]` of one language. *language* picks among names by language."""

    def __init__(self, language: str, table: Mapping[str, Any], terms: Mapping[str, str]) -> None:
        self.language = language
        self._table = table
        self._terms = terms
        self._weekdays: Sequence[str] = table["weekdays"]

    def say(self, value: object, spec: str) -> str:
        """Return *value* in words. *spec* chooses the form of a time ("when", "day", "hour", …) or of a phrase."""
        match value:
            case str():
                return value
            case datetime():
                return self._moment(value, spec or "when")
            case Mapping():
                return str(value.get(self.language) or next(iter(value.values()), ""))
            case Whose():
                return str(self._table["whose"][spec or "subject"][value.kind]).replace("{initial}", value.initial)
            case Phone():
                return self._phone(value)
            case Term():
                return self._terms[value.name]
            case Spans():
                return ", ".join(self._span(*span) for span in value.spans)
            case tuple() | list():
                return self._list(value)
        return str(value)

    def _moment(self, moment: datetime, spec: str) -> str:
        return str(self._table[spec]).format(
            weekday=self._weekdays[moment.weekday()],
            day=moment.day,
            month=moment.month,
            time=f"{moment.hour}.{moment.minute:02}",
            hour=written_time(moment.hour, moment.minute),
        )

    def _phone(self, phone: Phone) -> str:
        if phone.hours is None:
            return phone.number
        opens, closes = phone.hours
        return str(self._table["phone"]).format(number=phone.number, opens=opens, closes=closes)

    def _span(self, first: int, last: int, opens: str, closes: str) -> str:
        days = self._weekdays[first - 1] if first == last else f"{self._weekdays[first - 1]}-{self._weekdays[last - 1]}"
        return f"{days} {opens}-{closes}" if opens else days

    def _list(self, items: Sequence[object]) -> str:
        listed = [item if isinstance(item, Listed) else Listed(str(item)) for item in items]
        return (" " if any(item.key for item in listed) else ", ").join(self._item(item) for item in listed)

    def _item(self, item: Listed) -> str:
        said = self.say(item.what, "")
        note = self.say(item.note, "") if item.note else ""
        return f"{item.key}) {said}"[0 if item.key else 2 :] + (f" ({note})" if note else "")
