"""Whether the house works: /healthz, /readyz and /metrics. Open to all, and without personal data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby

from flask import Blueprint, Response, jsonify
from sqlalchemy import Connection

from api.office import office
from models.gauges import Gauge, gauges
from models.heartbeats import Beat, beats

health = Blueprint("health", __name__)

FRESH = timedelta(seconds=10)  # a gateway says every second that it lives; a process of timed work every few
LATE = timedelta(minutes=1)  # a kind of timed work that misses its turns for so long is late
BOUND = "bound"  # the beginning of the states in which a bind carries texts
HELP = {
    "up": "1 when the part works",
    "inbox_waiting": "received parts not handled yet",
    "inbox_oldest_seconds": "age of the oldest of them",
    "outbox_waiting": "texts to be submitted, by state and lane (0 answers, 4 bulk)",
    "outbox_oldest_due_seconds": "how long the oldest of them has been due",
    "hand_overs_open": "threads that a person must answer",
    "hand_overs_late": "those whose promised time has passed",
    "hand_overs_oldest_seconds": "age of the oldest",
    "reminders_due": "reminders whose time has come and that are not in the outbox yet",
    "reminders_oldest_due_seconds": "how long the oldest of them has been due",
    "receipts_unmatched": "receipts that wait for their text",
    "quarantined_total": "PDUs that could not be read",
    "questions_open": "questions that await an answer",
    "texts_in_total": "parts received",
    "texts_out_total": "texts written",
    "threads_total": "threads",
    "bind_bound": "1 when a process holds the bind",
    "bind_events_total": "what happened on the bind since its process began",
    "heartbeat_age_seconds": "how long ago each kind of work said that it runs",
}


class NotPrepared(Exception):
    """The database is away, or its schema is being brought up to date."""


@health.get("/healthz")
def healthz() -> Response:
    """The process is up."""
    return jsonify({"status": "up"})


@health.get("/readyz")
def readyz() -> tuple[Response, int]:
    """200 when database, Redis and every bind work, else 503 with what does not."""
    parts = states(office().clock())
    ready = all(state == "up" for state in parts.values())
    return jsonify({"status": "ready" if ready else "not ready", "parts": parts}), 200 if ready else 503


@health.get("/metrics")
def metrics() -> Response:
    """Prometheus text, computed as it is asked for."""
    now = office().clock()
    found = [Gauge("up", float(state == "up"), (("part", part),)) for part, state in states(now).items()]
    if found[0].value:
        with office().database.reading() as connection:
            found += [*gauges(connection, now), *_binds(connection, now), *_beats(connection, now)]
    return Response(exposition(found), content_type="text/plain; version=0.0.4; charset=utf-8")


def states(now: datetime) -> dict[str, str]:
    """Each part of the house: "up", or what is wrong with it. The database comes first."""
    parts = {"database": _tried(_ask_database), "redis": _tried(office().ask_redis)}
    up = parts["database"] == "up"
    known = _bind_states(now) if up else {}
    for bind in office().binds:
        parts[f"bind:{bind}"] = known.get(bind, "no gateway runs it")
    return parts | (_timed_states(now) if up else {})


def _tried(question: Callable[[], object]) -> str:
    try:
        question()
    except Exception as error:
        return f"away ({type(error).__name__})"
    return "up"


def _ask_database() -> None:
    if not office().prepared():
        raise NotPrepared
    with office().database.reading() as connection:
        connection.exec_driver_sql("SELECT 1")


def _timed_states(now: datetime) -> dict[str, str]:
    """Each kind of timed work that has ever run: "up", or late."""
    with office().database.reading() as connection:
        found = beats(connection, "timed:")
    return {beat.name: "late" if now - beat.at > _patience(beat) else "up" for beat in found}


def _patience(beat: Beat) -> timedelta:
    return max(LATE, 3 * timedelta(seconds=float(beat.data.get("every", 0))))


def _bind_states(now: datetime) -> dict[str, str]:
    """Each bind as the living gateways tell it; one that any of them holds is up."""
    with office().database.reading() as connection:
        found: dict[str, str] = {}
        for beat in _living(connection, now):
            for name, told in beat.data.get("binds", {}).items():
                state = str(told.get("state"))
                if found.get(name) != "up":
                    found[name] = "up" if state.startswith(BOUND) else state
    return found


def _living(connection: Connection, now: datetime) -> Iterator[Beat]:
    return (beat for beat in beats(connection, "gateway:") if now - beat.at <= FRESH)


def _binds(connection: Connection, now: datetime) -> Iterator[Gauge]:
    for beat in _living(connection, now):
        for name, told in beat.data.get("binds", {}).items():
            labels = (("bind", name), ("gateway", beat.name.removeprefix("gateway:")))
            yield Gauge("bind_bound", float(str(told.get("state")).startswith(BOUND)), labels)
            for event, count in told.get("counts", {}).items():
                yield Gauge("bind_events_total", count, (*labels, ("event", event)))


def _beats(connection: Connection, now: datetime) -> Iterator[Gauge]:
    for beat in beats(connection):
        yield Gauge("heartbeat_age_seconds", max(0.0, (now - beat.at).total_seconds()), (("name", beat.name),))


def exposition(found: Iterable[Gauge]) -> str:
    """Figures in the text format of Prometheus, version 0.0.4."""
    lines: list[str] = []
    for name, group in groupby(sorted(found, key=lambda gauge: gauge.name), key=lambda gauge: gauge.name):
        kind = "counter" if name.endswith("_total") else "gauge"
        lines += [f"# HELP tekstari_{name} {HELP[name]}", f"# TYPE tekstari_{name} {kind}"]
        lines += [f"tekstari_{name}{_labels(gauge)} {gauge.value:.15g}" for gauge in group]
    return "\n".join(lines) + "\n"


def _labels(gauge: Gauge) -> str:
    written = [f'{name}="{_escaped(value)}"' for name, value in gauge.labels]
    return "{" + ",".join(written) + "}" if written else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
