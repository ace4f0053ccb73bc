"""A command that waits for an answer, as plain data: what was read, never a code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from datetime import datetime
from typing import Any

from parser.command import Command, Intent, Interval, Limits, Recur, Topic


@dataclass(frozen=True, slots=True)
class Settled:
    """What earlier questions have settled: ids."""

    patient_id: int | None = None
    visit_id: int | None = None
    service_id: int | None = None


NOTHING = Settled()


def put(command: Command, settled: Settled = NOTHING) -> dict[str, Any]:
    """Return *command* and what is settled as JSON data for a question. Names stay: a question is sealed."""
    return {"command": {**_bare(command), "name": command.name, "about": list(command.about)}} | _settled(settled)


def for_staff(command: Command, settled: Settled = NOTHING) -> dict[str, Any]:
    """Return *command* as JSON data for a hand-over: words, ids and times, neither code nor name."""
    return {"command": _bare(command)} | _settled(settled)


def take(pending: Mapping[str, Any]) -> tuple[Command, Settled]:
    """Return what `put` was given, without the identity code. Raises KeyError or ValueError for anything else."""
    data = pending["command"]
    command = Command(
        intent=Intent(data["intent"]),
        topic=None if data.get("topic") is None else Topic(data["topic"]),
        name=data.get("name"),
        service=data.get("service"),
        when=_intervals(data.get("when")),
        ref=_intervals(data.get("ref")),
        recur=_recur(data.get("recur")),
        limits=_limits(data.get("limits")),
        minutes=data.get("minutes"),
        needs_human=bool(data.get("needs_human")),
        also=tuple(Intent(name) for name in data.get("also", ())),
        child=bool(data.get("child")),
        about=tuple(data.get("about", ())),
        whole=True,
    )
    return command, Settled(pending.get("patient"), pending.get("visit"), pending.get("service"))


def completed(waiting: Command, answer: Command) -> Command:
    """Return the *waiting* command with what *answer* adds: its identity, and its service, time or name where given."""
    return replace(
        waiting,
        language=answer.language,
        certain_language=answer.certain_language,
        identity_code=answer.identity_code,
        identity_status=answer.identity_status,
        other_codes=answer.other_codes,
        name=answer.name or waiting.name,
        service=answer.service or waiting.service,
        when=answer.when or waiting.when,
        ref=answer.ref or waiting.ref,
        recur=answer.recur or waiting.recur,
        limits=answer.limits or waiting.limits,
        child=answer.child or waiting.child,
        about=tuple(dict.fromkeys((*waiting.about, *answer.about))),
        needs_human=answer.needs_human or waiting.needs_human,
    )


def _bare(command: Command) -> dict[str, Any]:
    """The command without who wrote it; what was not said is left out."""
    said = {
        "intent": command.intent.value,
        "topic": None if command.topic is None else command.topic.value,
        "service": command.service,
        "when": _spans(command.when),
        "ref": _spans(command.ref),
        "recur": None if command.recur is None else _repeats(command.recur),
        "limits": None if command.limits is None else astuple(command.limits),
        "minutes": command.minutes,
        "needs_human": command.needs_human or None,
        "also": [intent.value for intent in command.also] or None,
        "child": command.child or None,
    }
    return {key: value for key, value in said.items() if value is not None}


def _settled(settled: Settled) -> dict[str, int]:
    ids = {"patient": settled.patient_id, "visit": settled.visit_id, "service": settled.service_id}
    return {key: value for key, value in ids.items() if value is not None}


def _spans(intervals: tuple[Interval, ...] | None) -> list[list[str | None]] | None:
    if intervals is None:
        return None
    return [[span.start.isoformat(), None if span.end is None else span.end.isoformat()] for span in intervals]


def _intervals(spans: list[list[str | None]] | None) -> tuple[Interval, ...] | None:
    if spans is None:
        return None
    return tuple(
        Interval(datetime.fromisoformat(str(start)), None if end is None else datetime.fromisoformat(end))
        for start, end in spans
    )


def _repeats(recur: Recur) -> list[Any]:
    return [None if recur.weekdays is None else list(recur.weekdays), recur.start, recur.end]


def _recur(data: list[Any] | None) -> Recur | None:
    return None if data is None else Recur(None if data[0] is None else tuple(data[0]), data[1], data[2])


def _limits(data: list[Any] | None) -> Limits | None:
    if data is None:
        return None
    days, not_days, hours, weekly = data
    spans = None if hours is None else tuple((start, end) for start, end in hours)
    return Limits(_days(days), _days(not_days), spans, weekly)


def _days(data: list[int] | None) -> tuple[int, ...] | None:
    return None if data is None else tuple(data)
