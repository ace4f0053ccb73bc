"""Free slots: what a patient's wish finds in the diary.

Every search walks an index of free slots in the order of time and stops when it has enough, so that its cost does not
grow with the diary.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain, product
from math import ceil
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, Select, Table, and_, bindparam, column, exists, func, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Integer, TypeEngine

from models.among import among
from models.base import fixed
from models.facts import SlotFacts, SlotSearch, Window
from models.many import PLACE
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


class _Walk(NamedTuple):
    """A stretch of one index: the free slots of a place that a search finds in these spans."""

    search: SlotSearch
    place: Place
    spans: Sequence[Span]


_Going = Generator[
    list[_Walk], Iterator[list[SlotFacts]], tuple[SlotFacts, ...]
]  # asks for walks, gets what they found


def find_slots(connection: Connection, searches: Sequence[SlotSearch]) -> list[tuple[SlotFacts, ...]]:
    """For each of *searches* the first free slots that match: the practitioner's, the clinic's, the others', by time.

    Two to four windows are searched one after another, each for its share: who asks for Monday morning or Friday
    afternoon hears of both. Where the windows hold nothing, the slots are those of the fallback.
    """
    found: dict[int, tuple[SlotFacts, ...]] = {}
    goings = [_search(search) for search in searches]
    results: dict[int, Any] = dict.fromkeys(range(len(searches)))  # of each that goes on, what its walks found
    while results:
        asked: dict[int, list[_Walk]] = {}
        for number, result in results.items():
            try:
                asked[number] = goings[number].send(result)
            except StopIteration as end:
                found[number] = end.value
        rows = iter(_carry_out(connection, [walk for walks in asked.values() for walk in walks]))
        results = {number: iter([next(rows) for _ in walks]) for number, walks in asked.items()}
    return [found[number] for number in range(len(searches))]


def _search(search: SlotSearch) -> _Going:
    found = yield from _within(search)
    if found or not search.fallback:
        return found
    return (yield from _within(replace(search, windows=search.fallback)))


def _within(search: SlotSearch) -> _Going:
    windows = _joined(search.windows)
    if 1 < len(windows) <= FEW_WINDOWS:
        share = replace(search, limit=ceil(search.limit / len(windows)))
        found: list[SlotFacts] = []
        for window in windows:
            found += yield from _nearest(share, [window])
        return tuple(found[: search.limit])
    return (yield from _nearest(search, windows))


def _nearest(search: SlotSearch, windows: Sequence[Span]) -> _Going:
    goes = [windows[n : n + MOST_WINDOWS] for n in range(0, len(windows), MOST_WINDOWS)]
    found: dict[int, SlotFacts] = {}
    for scope, spans in product(_scopes(search), goes):
        slots = chain.from_iterable((yield [_Walk(search, place, spans) for place in scope]))
        for slot in sorted(slots, key=lambda slot: (slot.starts_at, slot.id)):
            found.setdefault(slot.id, slot)
        if len(found) >= search.limit:
            break
    return tuple(found.values())[: search.limit]


def _carry_out(connection: Connection, walks: Sequence[_Walk]) -> list[list[SlotFacts]]:
    """What each of *walks* finds, by time. PostgreSQL pays for every statement: it takes those alike in one."""
    alike: dict[int, list[int]] = defaultdict(list)
    if connection.dialect.name == "postgresql":
        for number, walk in enumerate(walks):
            if walk.place[0] == "clinic":
                alike[_size(len(walk.spans))].append(number)
    found: dict[int, list[SlotFacts]] = {}
    for size, numbers in alike.items():
        if len(numbers) > 1:
            found.update(zip(numbers, _walk_together(connection, size, [walks[n] for n in numbers]), strict=True))
    return [found[number] if number in found else _walk(connection, walk) for number, walk in enumerate(walks)]


def _walk(connection: Connection, walk: _Walk) -> list[SlotFacts]:
    statement = _statement(walk.place[0], _size(len(walk.spans)))
    return [SlotFacts(*row) for row in connection.execute(statement, _parameters(walk))]


def _walk_together(connection: Connection, size: int, walks: Sequence[_Walk]) -> list[list[SlotFacts]]:
    rows = [_parameters(walk) for walk in walks]
    values: dict[str, Any] = {f"all_{name}": [row[name] for row in rows] for name in _cells(size)}
    found: list[list[SlotFacts]] = [[] for _ in walks]
    most = max(walk.search.limit for walk in walks)
    for place, *slot in connection.execute(_together(size), values | {"most": most}):
        found[place - 1].append(SlotFacts(*slot))
    return [some[: walk.search.limit] for some, walk in zip(found, walks, strict=True)]


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


def _cells(windows: int) -> dict[str, TypeEngine[Any]]:
    """What a walk of a clinic is told, but for how many slots are enough."""
    number, instant = SLOT.c.clinic_id.type, SLOT.c.starts_at.type
    bounds = [f"{bound}_{n}" for n in range(windows) for bound in ("from", "to")]
    whole: dict[str, TypeEngine[Any]] = {"scope": number, "service": number, "minutes": number}
    return whole | dict.fromkeys(["first", "last", *bounds], instant)


@lru_cache(maxsize=64)
def _statement(scope: str, windows: int) -> Select[Any]:
    cells = {name: bindparam(name, type_=type_) for name, type_ in _cells(windows).items()}
    found = _free_slots(cells, windows)
    if scope == "clinic":
        return found.where(SLOT.c.clinic_id == cells["scope"])
    mine = SLOT.c.clinic_id.in_(bindparam("clinics", expanding=True))
    return found.where(SLOT.c.practitioner_id == cells["scope"], mine)


@lru_cache(maxsize=16)
def _together(windows: int) -> Select[Any]:
    """The walks of many clinics, of one PostgreSQL statement: place among them, and the slot."""
    cells = _cells(windows)
    arrays = [bindparam(f"all_{name}", type_=ARRAY(type_)) for name, type_ in cells.items()]
    columns = [column(name, type_) for name, type_ in cells.items()]
    given = func.unnest(*arrays).table_valued(*columns, with_ordinality=PLACE, name="given").render_derived()
    walk = _free_slots(dict(given.c), windows).where(SLOT.c.clinic_id == given.c.scope).lateral("walk")
    return select(given.c[PLACE], *walk.c).join_from(given, walk, true()).order_by(PLACE, walk.c.starts_at, walk.c.id)


def _free_slots(cells: Mapping[str, ColumnElement[Any]], windows: int) -> Select[Any]:
    """Free slots inside the windows, by time; the place is yet to be said."""
    starts = SLOT.c.starts_at
    inside = or_(*(and_(starts >= cells[f"from_{n}"], starts < cells[f"to_{n}"]) for n in range(windows)))
    serves = exists().where(SLOT_SERVICE.c.slot_id == SLOT.c.id, SLOT_SERVICE.c.service_id == cells["service"])
    serves = serves.correlate_except(SLOT_SERVICE)
    return (
        select(SLOT.c.id, SLOT.c.clinic_id, SLOT.c.practitioner_id, SLOT.c.starts_at, SLOT.c.ends_at)
        .where(SLOT.c.state == fixed(SlotState.FREE))
        .where(starts >= cells["first"], starts < cells["last"], inside, serves)
        .where(minutes_between(SLOT.c.starts_at, SLOT.c.ends_at) >= cells["minutes"])
        .order_by(starts, SLOT.c.id)
        .limit(bindparam("most"))
    )


def _parameters(walk: _Walk) -> dict[str, Any]:
    search, spans = walk.search, walk.spans
    padded = [*spans, *[spans[-1]] * (_size(len(spans)) - len(spans))]
    values: dict[str, Any] = {
        "scope": walk.place[1],
        "service": search.service_id,
        "minutes": search.minutes,
        "first": spans[0][0],
        "last": spans[-1][1],
        "most": search.limit,
    }
    if walk.place[0] == "practitioner":
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
