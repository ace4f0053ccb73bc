"""The inbox: parts as they arrive, the sessions that brought them, and which of them wait to be handled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    Connection,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    case,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from models.among import among
from models.base import fixed
from models.events import event, tell
from models.many import Many
from models.post import HandOver, Inbox, LinkSession, Quarantine, Thread
from models.states import HandOverReason, HandOverState, InboxState, Outcome, ThreadState

INBOX = cast(Table, Inbox.__table__)
SESSION = cast(Table, LinkSession.__table__)
THREAD = cast(Table, Thread.__table__)
HAND_OVER = cast(Table, HandOver.__table__)
ORDER_OF_ARRIVAL = 0x696E626F78  # "inbox": the PostgreSQL lock under which ids appear in order


@dataclass(frozen=True, slots=True)
class PartIn:
    """A part to be stored; *octets* are sealed."""

    bind: str
    session_id: int
    number: str
    service_number: str
    digest: bytes
    octets: bytes
    coding: int
    part_set: bytes | None
    part_number: int | None
    part_total: int | None
    state: InboxState
    received_at: datetime
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Copy:
    """A part with the same content that we have already, and what became of the session that brought it."""

    inbox_id: int
    session_id: int
    received_at: datetime
    gateway: str
    last_seen: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A stored part that nobody has handled."""

    id: int
    number: str
    service_number: str
    digest: bytes
    octets: bytes  # sealed
    coding: int
    part_set: bytes | None
    part_number: int | None
    part_total: int | None
    received_at: datetime
    attempts: int


def arrive_in_order(connection: Connection) -> None:
    """Let the ids of this transaction's parts follow those of every earlier one: the order in which claims count."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({ORDER_OF_ARRIVAL})"))


_COPIES = (
    select(
        INBOX.c.digest,
        INBOX.c.id,
        INBOX.c.session_id,
        INBOX.c.received_at,
        SESSION.c.gateway,
        SESSION.c.last_seen,
        SESSION.c.closed_at,
    )
    .join(SESSION, SESSION.c.id == INBOX.c.session_id)
    .where(INBOX.c.digest.in_(bindparam("digests", expanding=True)), INBOX.c.received_at > bindparam("since"))
)


def earlier_copies(connection: Connection, digests: Collection[bytes], since: datetime) -> dict[bytes, list[Copy]]:
    """Parts with these digests that arrived after *since*."""
    found: dict[bytes, list[Copy]] = defaultdict(list)
    for row in connection.execute(_COPIES, {"digests": digests, "since": since}):
        values: Sequence[Any] = row
        found[bytes(values[0])].append(Copy(*values[1:]))
    return found


_COLUMNS = tuple(field.name for field in fields(PartIn))
_NEW_PARTS = Many.insert(INBOX, " ".join(_COLUMNS))


def insert_parts(connection: Connection, parts: Sequence[PartIn]) -> list[int]:
    """Store *parts* in their order; returns their ids."""
    return _NEW_PARTS.ids(connection, [{name: getattr(part, name) for name in _COLUMNS} for part in parts])


_NEW_THREADS = Many.insert(
    THREAD, "number service_number clinic_id last_text_at", ignoring=["number", "service_number"]
)


def make_threads(
    connection: Connection,
    pairs: Collection[tuple[str, str]],
    now: datetime,
    clinics: Mapping[tuple[str, str], int] | None = None,
) -> None:
    """Make the threads (number, service number) that there are not yet, with the clinic that *clinics* has for each."""
    known = clinics or {}
    rows = [
        {
            "number": number,
            "service_number": service_number,
            "clinic_id": known.get((number, service_number)),
            "last_text_at": now,
        }
        for number, service_number in sorted(pairs)
    ]
    _NEW_THREADS(connection, rows)


_WAITING_COLUMNS = (
    INBOX.c.id,
    INBOX.c.number,
    INBOX.c.service_number,
    INBOX.c.digest,
    INBOX.c.octets,
    INBOX.c.coding,
    INBOX.c.part_set,
    INBOX.c.part_number,
    INBOX.c.part_total,
    INBOX.c.received_at,
    INBOX.c.attempts,
)
_IS_WAITING = INBOX.c.state.in_([fixed(InboxState.NEW), fixed(InboxState.PART)])
_OPEN_SESSIONS = select(SESSION.c.id).where(SESSION.c.closed_at.is_(None))
_WAITING: Select[Any] = (
    select(*_WAITING_COLUMNS)
    .where(_IS_WAITING, INBOX.c.id > bindparam("after"))
    .where(or_(INBOX.c.received_at <= bindparam("before"), ~among(INBOX.c.session_id, "open")))
    .order_by(INBOX.c.id)
    .limit(bindparam("most"))
)
_AMONG: Select[Any] = select(*_WAITING_COLUMNS).where(_IS_WAITING, among(INBOX.c.id, "ids"))
_PARTS: Select[Any] = (
    select(*_WAITING_COLUMNS)
    .where(INBOX.c.part_set.in_(bindparam("sets", expanding=True)), INBOX.c.state == fixed(InboxState.PART))
    .order_by(INBOX.c.id)
)


def _waiting(rows: Sequence[Row[Any]]) -> list[Waiting]:
    return [Waiting(*cast(Sequence[Any], row)) for row in rows]


def waiting(connection: Connection, before: datetime, after_id: int, most: int) -> list[Waiting]:
    """Parts that nobody has handled, received until *before* or by a link that has ended, in order of arrival."""
    values = {"before": before, "after": after_id, "most": most, "open": connection.scalars(_OPEN_SESSIONS).all()}
    return _waiting(connection.execute(_WAITING, values).all())


def still_waiting(connection: Connection, ids: Collection[int]) -> list[Waiting]:
    """Those of these parts that nobody has handled."""
    return _waiting(connection.execute(_AMONG, {"ids": ids}).all())


def parts_of(connection: Connection, part_sets: Collection[bytes]) -> dict[bytes, list[Waiting]]:
    """The parts that are there of each set, in order of arrival."""
    found: dict[bytes, list[Waiting]] = defaultdict(list)
    for part in _waiting(connection.execute(_PARTS, {"sets": part_sets}).all()):
        if part.part_set is not None:
            found[bytes(part.part_set)].append(part)
    return found


def count_attempt(connection: Connection, inbox_id: int) -> int:
    """Note that handling this text failed; returns how often it has now, 0 when somebody has handled it after all."""
    mine = and_(INBOX.c.id == inbox_id, _IS_WAITING)
    tried = update(INBOX).where(mine).values(attempts=INBOX.c.attempts + 1).returning(INBOX.c.attempts)
    return int(connection.execute(tried).scalar() or 0)


def give_up(
    connection: Connection, inbox_id: int, part_ids: Collection[int], thread_id: int, why: str, now: datetime
) -> None:
    """Leave a text that could not be handled to a person. Octets stay sealed on its rows: the words are not lost."""
    connection.execute(
        update(INBOX)
        .where(INBOX.c.id == inbox_id)
        .values(state=InboxState.FAILED, thread_id=thread_id, outcome=Outcome.HANDED_OVER, reason=why, handled_at=now)
    )
    connection.execute(
        update(INBOX)
        .where(INBOX.c.id.in_(part_ids), INBOX.c.state == fixed(InboxState.PART))
        .values(state=InboxState.JOINED, thread_id=thread_id, handled_at=now)
    )
    connection.execute(
        insert(HAND_OVER).values(
            thread_id=thread_id,
            inbox_id=inbox_id,
            reason=HandOverReason.COULD_NOT_HANDLE,
            state=HandOverState.OPEN,
            urgent=False,
            opened_at=now,
        )
    )
    taken = THREAD.c.state == ThreadState.PERSON  # whoever has taken the thread keeps it
    connection.execute(
        update(THREAD)
        .where(THREAD.c.id == thread_id)
        .values(
            state=case((taken, THREAD.c.state), else_=ThreadState.WAITING),
            last_text_at=now,
            version=THREAD.c.version + 1,
        )
    )
    clinic_id = connection.execute(select(THREAD.c.clinic_id).where(THREAD.c.id == thread_id)).scalar()
    received = event("text.received", f"in-{inbox_id}", clinic_id, now)
    tell(connection, [received, event("handover.opened", str(thread_id), clinic_id, now)])


def open_session(connection: Connection, gateway: str, bind: str, now: datetime) -> int:
    """Write that a link session began; returns its id."""
    row = insert(SESSION).values(gateway=gateway, bind=bind, opened_at=now, last_seen=now).returning(SESSION.c.id)
    return int(connection.execute(row).scalar_one())


def close_session(connection: Connection, session: int, now: datetime) -> None:
    """Write that a link session ended."""
    connection.execute(update(SESSION).where(SESSION.c.id == session).values(last_seen=now, closed_at=now))


_SEEN = update(SESSION).where(SESSION.c.gateway == bindparam("process"), SESSION.c.closed_at.is_(None))


def see_sessions(connection: Connection, gateway: str, now: datetime) -> None:
    """Write that this process and the sessions that it holds are alive."""
    connection.execute(_SEEN.values(last_seen=now), {"process": gateway})


def open_sessions_of_others(connection: Connection, gateway: str) -> list[str]:
    """The other processes that have sessions which are not written as ended."""
    rows = connection.execute(
        select(SESSION.c.gateway).where(SESSION.c.closed_at.is_(None), SESSION.c.gateway != gateway).distinct()
    )
    return [row[0] for row in rows]


def end_sessions_of(connection: Connection, gateways: Collection[str]) -> None:
    """Write the sessions of processes that died as ended when they were last seen."""
    connection.execute(
        update(SESSION)
        .where(SESSION.c.gateway.in_(gateways), SESSION.c.closed_at.is_(None))
        .values(closed_at=SESSION.c.last_seen)
    )


def quarantine(connection: Connection, key: str, bind: str, reason: str, octets: bytes, now: datetime) -> None:
    """Keep sealed *octets* that nobody could read."""
    row = {"key": key, "bind": bind, "reason": reason, "octets": octets, "at": now}
    connection.execute(insert(cast(Table, Quarantine.__table__)), row)


def count_waiting(connection: Connection) -> int:
    """How many parts wait to be handled."""
    return int(connection.execute(select(func.count()).select_from(INBOX).where(_IS_WAITING)).scalar_one())
