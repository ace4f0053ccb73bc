"""Free slots: what a patient's wish finds in the diary.

Every search walks an index of free slots in the order of time and stops when it has enough, so that its cost does not
grow with the diary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import product
from math import ceil
from typing import Any, cast

from sqlalchemy import Connection, Select, Table, and_, bindparam, exists, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Integer

from models.among import among
from models.base import fixed
from models.facts import SlotFacts, SlotSearch, Window
from models.schedule import Slot, SlotService
from models.states import SlotState

SLOT = cast(Table, Slot.__table__)
SLOT_SERVICE = cast(Table, SlotService.__table__)
MOST_WINDOWS = 32  # in one statement; a wish in more pieces than this is searched in several goes
FEW_WINDOWS = 4
FAR_AWAY = datetime(9000, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

Span = tuple[datetime, datetime]  # half-open
Place = tuple[str, int]  # "practitioner" or "clinic", and whose id


class minutes_between(FunctionElement[int]):
    """Whole minutes from the first instant to the second, on either database."""

    type = Integer()
    inherit_cache = True
    name = "minutes_between"


@compiles(minutes_between, "sqlite")
def _on_sqlite(element: minutes_between, compiler: Any, **options: Any) -> str:
    start, end = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(({end} - {start}) / 60000000)"


@compiles(minutes_between, "postgresql")
def _on_postgresql(element: minutes_between, compiler: Any, **options: Any) -> str:
    start, end = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(extract(epoch from ({end} - {start})) / 60)"


def find_slots(connection: Connection, search: SlotSearch) -> tuple[SlotFacts, ...]:
    """The first free slots that match *search*: the practitioner's, then the clinic's, then the others', by time.

    Two to four windows are searched one after another, each for its share: who asks for Monday morning or Friday
    afternoon hears of both. Where the windows hold nothing, the slots are those of the fallback.
    """
    found = _find(connection, search)
    if found or not search.fallback:
        return found
    return _find(connection, replace(search, windows=search.fallback))


def _find(connection: Connection, search: SlotSearch) -> tuple[SlotFacts, ...]:
    windows = _joined(search.windows)
    if 1 < len(windows) <= FEW_WINDOWS:
        share = replace(search, limit=ceil(search.limit / len(windows)))
        found = [slot for window in windows for slot in _nearest(connection, share, [window])]
        return tuple(found[: search.limit])
    return _nearest(connection, search, windows)


def _nearest(connection: Connection, search: SlotSearch, windows: Sequence[Span]) -> tuple[SlotFacts, ...]:
    goes = [windows[n : n + MOST_WINDOWS] for n in range(0, len(windows), MOST_WINDOWS)]
    found: dict[int, SlotFacts] = {}
    for scope, spans in product(_scopes(search), goes):
        for slot in _walk(connection, search, scope, spans):
            found.setdefault(slot.id, slot)
        if len(found) >= search.limit:
            break
    return tuple(found.values())[: search.limit]


def _walk(connection: Connection, search: SlotSearch, scope: Sequence[Place], spans: Sequence[Span]) -> list[SlotFacts]:
    """The first free slots of all places of *scope* together, by time: one index is walked for each."""
    found = [
        SlotFacts(*row)
        for place in scope
        for row in connection.execute(_statement(place[0], _size(len(spans))), _parameters(search, spans, place))
    ]
    return sorted(found, key=lambda slot: (slot.starts_at, slot.id)) if len(scope) > 1 else found


def is_free(connection: Connection, slot_ids: Sequence[int]) -> frozenset[int]:
    """Which of these slots are free now."""
    rows = connection.execute(_FREE_AMONG, {"ids": slot_ids})
    return frozenset(row[0] for row in rows)


_FREE_AMONG = select(SLOT.c.id).where(among(SLOT.c.id, "ids"), SLOT.c.state == SlotState.FREE)


def _scopes(search: SlotSearch) -> Iterator[list[Place]]:
    """From the nearest to the widest: where to look next while there is not enough."""
    if search.practitioner_id is not None:
        yield [("practitioner", search.practitioner_id)]
    if search.clinic_id is not None:
        yield [("clinic", search.clinic_id)]
    others: list[Place] = [("clinic", clinic) for clinic in search.clinic_ids if clinic != search.clinic_id]
    if others:
        yield others


@lru_cache(maxsize=64)
def _statement(scope: str, windows: int) -> Select[Any]:
    where: dict[str, ColumnElement[bool]] = {
        "practitioner": and_(
            SLOT.c.practitioner_id == bindparam("scope"), SLOT.c.clinic_id.in_(bindparam("clinics", expanding=True))
        ),
        "clinic": SLOT.c.clinic_id == bindparam("scope"),
    }
    starts = SLOT.c.starts_at
    inside = or_(
        *(and_(starts >= bindparam(f"from_{n}"), starts < bindparam(f"to_{n}")) for n in range(windows)),
    )
    serves = exists().where(SLOT_SERVICE.c.slot_id == SLOT.c.id, SLOT_SERVICE.c.service_id == bindparam("service"))
    return (
        select(SLOT.c.id, SLOT.c.clinic_id, SLOT.c.practitioner_id, SLOT.c.starts_at, SLOT.c.ends_at)
        .where(SLOT.c.state == fixed(SlotState.FREE), where[scope])
        .where(starts >= bindparam("first"), starts < bindparam("last"), inside, serves)
        .where(minutes_between(SLOT.c.starts_at, SLOT.c.ends_at) >= bindparam("minutes"))
        .order_by(starts, SLOT.c.id)
        .limit(bindparam("most"))
    )


def _parameters(search: SlotSearch, spans: Sequence[Span], place: Place) -> dict[str, Any]:
    padded = [*spans, *[spans[-1]] * (_size(len(spans)) - len(spans))]
    values: dict[str, Any] = {
        "scope": place[1],
        "service": search.service_id,
        "minutes": search.minutes,
        "first": spans[0][0],
        "last": spans[-1][1],
        "most": search.limit,
    }
    if place[0] == "practitioner":
        values["clinics"] = search.clinic_ids
    for number, (start, end) in enumerate(padded):
        values[f"from_{number}"], values[f"to_{number}"] = start, end
    return values


def _size(windows: int) -> int:
    """How many windows the statement has: a power of two, so that few statements serve every wish."""
    return 1 << max(0, windows - 1).bit_length()


def _joined(windows: Sequence[Window]) -> list[Span]:
    """The windows in order of time, with touching ones made one. A point in time is its minute."""
    spans = sorted((w.start, FAR_AWAY if w.end is None else max(w.end, w.start + MINUTE)) for w in windows)
    joined: list[Span] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined
