"""Free slots: what a patient's wish finds in the diary.

Every search walks an index of free slots in the order of time and stops when it has enough, so that its cost does not
grow with the diary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
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
MOST_WINDOWS = 32  # a wish in more pieces than this is searched as one stretch and sifted afterwards
FAR_AWAY = datetime(9000, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


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

    Where its windows hold none, those of its fallback.
    """
    found = _find(connection, search)
    if found or not search.fallback:
        return found
    return _find(connection, replace(search, windows=search.fallback))


def _find(connection: Connection, search: SlotSearch) -> tuple[SlotFacts, ...]:
    windows = _joined(search.windows)
    found: dict[int, SlotFacts] = {}
    if not windows:
        return ()
    for scope in _scopes(search):
        rows = connection.execute(
            _statement(scope[0], _size(len(windows))), _parameters(search, windows, scope, search.limit)
        )
        for row in rows:
            found.setdefault(row[0], SlotFacts(*row))
        if len(found) >= search.limit:
            break
    if len(windows) > MOST_WINDOWS:
        found = {key: slot for key, slot in found.items() if any(_inside(slot.starts_at, w) for w in windows)}
    return tuple(found.values())[: search.limit]


def is_free(connection: Connection, slot_ids: Sequence[int]) -> frozenset[int]:
    """Which of these slots are free now."""
    rows = connection.execute(_FREE_AMONG, {"ids": slot_ids})
    return frozenset(row[0] for row in rows)


_FREE_AMONG = select(SLOT.c.id).where(among(SLOT.c.id, "ids"), SLOT.c.state == SlotState.FREE)


def _scopes(search: SlotSearch) -> Iterator[tuple[str, Any]]:
    """From the nearest to the widest: where to look next while there is not enough."""
    if search.practitioner_id is not None:
        yield "practitioner", search.practitioner_id
    if search.clinic_id is not None:
        yield "clinic", search.clinic_id
    others = [clinic for clinic in search.clinic_ids if clinic != search.clinic_id]
    if others:
        yield ("clinics", others) if len(others) > 1 else ("clinic", others[0])


@lru_cache(maxsize=64)
def _statement(scope: str, windows: int) -> Select[Any]:
    where: dict[str, ColumnElement[bool]] = {
        "practitioner": and_(
            SLOT.c.practitioner_id == bindparam("scope"), SLOT.c.clinic_id.in_(bindparam("clinics", expanding=True))
        ),
        "clinic": SLOT.c.clinic_id == bindparam("scope"),
        "clinics": SLOT.c.clinic_id.in_(bindparam("scope", expanding=True)),
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
        .order_by(starts)
        .limit(bindparam("most"))
    )


def _parameters(
    search: SlotSearch, windows: Sequence[tuple[datetime, datetime]], scope: tuple[str, Any], most: int
) -> dict[str, Any]:
    first, last = windows[0][0], max(end for _, end in windows)
    asked = windows if len(windows) <= MOST_WINDOWS else [(first, last)]
    padded = [*asked, *[asked[-1]] * (_size(len(asked)) - len(asked))]
    values: dict[str, Any] = {
        "scope": scope[1],
        "service": search.service_id,
        "minutes": search.minutes,
        "first": first,
        "last": last,
        "most": most if len(windows) <= MOST_WINDOWS else most * 20,
    }
    if scope[0] == "practitioner":
        values["clinics"] = search.clinic_ids
    for number, (start, end) in enumerate(padded):
        values[f"from_{number}"], values[f"to_{number}"] = start, end
    return values


def _size(windows: int) -> int:
    """How many windows the statement has: a power of two, so that few statements serve every wish."""
    return 1 if windows > MOST_WINDOWS else 1 << max(0, windows - 1).bit_length()


def _joined(windows: Sequence[Window]) -> list[tuple[datetime, datetime]]:
    """The windows in order of time, with touching ones made one. A point in time is its minute."""
    spans = sorted((w.start, FAR_AWAY if w.end is None else max(w.end, w.start + MINUTE)) for w in windows)
    joined: list[tuple[datetime, datetime]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _inside(moment: datetime, window: tuple[datetime, datetime]) -> bool:
    return window[0] <= moment < window[1]
