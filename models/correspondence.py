"""Texts and threads as the clinic's system and staff see them. Written text is sealed; what is read here is masked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, Row, Select, Table, and_, func, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement

from models.clinic import Clinic
from models.events import event, tell
from models.facts import StopFacts
from models.following import Followed
from models.ledger import HAND_OVER, INBOX, OUTBOX, THREAD
from models.patient import Stop
from models.register import CLINIC, in_clinics
from models.states import HandOverState, InboxState, OutboxState, ThreadState

STOP = cast(Table, Stop.__table__)
_WAITING = text("inbox.state IN ('new', 'part')")  # literal, as the partial indexes have it: SQLite compares the words
_NOT_CLOSED = text("hand_over.state <> 'closed'")
HANDLED = (InboxState.DONE, InboxState.FAILED)


# --- threads ------------------------------------------------------------------------------------------------------


def thread_for(connection: Connection, number: str, service_number: str, clinic_id: int, now: datetime) -> Row[Any]:
    """The thread between these numbers, made if there is none, kept as it is until the transaction ends."""
    dialect = {"sqlite": sqlite, "postgresql": postgresql}[connection.dialect.name]
    new = dialect.insert(THREAD).values(
        number=number, service_number=service_number, clinic_id=clinic_id, last_text_at=now
    )
    connection.execute(new.on_conflict_do_nothing(index_elements=["number", "service_number"]))
    pair = and_(THREAD.c.number == number, THREAD.c.service_number == service_number)
    return connection.execute(select(THREAD).where(pair).with_for_update()).one()


def take_by_person(connection: Connection, thread: Row[Any], owner: str, now: datetime) -> None:
    """Staff have written: the thread is theirs, and so is its open hand-over."""
    connection.execute(
        update(THREAD)
        .where(THREAD.c.id == thread.id)
        .values(state=ThreadState.PERSON, owner=owner, version=THREAD.c.version + 1)
    )
    open_ones = update(HAND_OVER).where(HAND_OVER.c.thread_id == thread.id, HAND_OVER.c.state == HandOverState.OPEN)
    if connection.execute(open_ones.values(state=HandOverState.TAKEN, owner=owner)).rowcount:
        tell(connection, [event("handover.taken", str(thread.id), thread.clinic_id, now)])


def close_thread(connection: Connection, thread_id: int, now: datetime) -> None:
    """Staff are done: what waited is closed, and the next text is the bot's."""
    over = {"state": ThreadState.CLOSED, "owner": None, "version": THREAD.c.version + 1}
    connection.execute(update(THREAD).where(THREAD.c.id == thread_id).values(**over))
    done = {"state": HandOverState.CLOSED, "closed_at": now}
    waiting = update(HAND_OVER).where(HAND_OVER.c.thread_id == thread_id, _NOT_CLOSED)
    if connection.execute(waiting.values(**done)).rowcount:
        clinic_id = connection.execute(select(THREAD.c.clinic_id).where(THREAD.c.id == thread_id)).scalar()
        tell(connection, [event("handover.closed", str(thread_id), clinic_id, now)])


def has_open_hand_over(connection: Connection, thread_id: int) -> bool:
    """Whether a text of this thread waits for a person's answer."""
    return bool(open_hand_overs(connection, [thread_id]))


def open_hand_overs(connection: Connection, thread_ids: Collection[int]) -> dict[int, Row[Any]]:
    """The newest hand-over of each thread that is not closed."""
    mine = and_(HAND_OVER.c.thread_id.in_(thread_ids), _NOT_CLOSED)
    return {row.thread_id: row for row in connection.execute(select(HAND_OVER).where(mine).order_by(HAND_OVER.c.id))}


def stops_on(connection: Connection, number: str) -> list[StopFacts]:
    """The stops in force on a number."""
    rows = connection.execute(
        select(STOP.c.purpose, STOP.c.source).where(STOP.c.number == number, STOP.c.lifted_at.is_(None))
    )
    return [StopFacts(*row) for row in rows]


def threads_where(*conditions: ColumnElement[bool]) -> Select[Any]:
    """A query of threads that meet *conditions*, the one with the newest text first."""
    columns = (THREAD, CLINIC.c.key.label("clinic_key"))
    joined = select(*columns).outerjoin(CLINIC, CLINIC.c.id == THREAD.c.clinic_id)
    return joined.where(*conditions).order_by(THREAD.c.last_text_at.desc(), THREAD.c.id.desc())


def thread_before(last_text_at: datetime, id_: int) -> ColumnElement[bool]:
    """What follows this place in a list with the newest first."""
    same = and_(THREAD.c.last_text_at == last_text_at, THREAD.c.id < id_)
    return or_(THREAD.c.last_text_at < last_text_at, same)


def threads_of(clinics: Collection[str] | None) -> ColumnElement[bool]:
    """Threads that a member of these clinics (None: of all) may read: theirs, and nobody's yet at their numbers."""
    if clinics is None:
        return THREAD.c.id.is_not(None)
    numbers = select(Clinic.number).where(Clinic.key.in_(clinics))
    nobodys = and_(THREAD.c.clinic_id.is_(None), THREAD.c.service_number.in_(numbers))
    return or_(in_clinics(THREAD.c.clinic_id, clinics), nobodys)


# --- texts --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Marks:
    """How far a reader has come: the last inbox and outbox rows that they have seen."""

    inbox: int = 0
    outbox: int = 0


@dataclass(frozen=True, slots=True)
class Feed:
    """A page of texts, in and out together, and the marks to read on from."""

    texts: tuple[Row[Any], ...]  # rows of inbox (with a column *octets*) and outbox (with a column *body*)
    marks: Marks
    more: bool


_INBOUND = select(INBOX, THREAD.c.clinic_id).join(THREAD, THREAD.c.id == INBOX.c.thread_id)
_WRITTEN = Followed(OUTBOX.c.id, OUTBOX.c.created_at)
_OUTBOUND = select(OUTBOX, THREAD.c.clinic_id).join(THREAD, THREAD.c.id == OUTBOX.c.thread_id)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which texts: one way or both, of one number or of all, on the threads of some clinics or of all."""

    inbound: bool = True
    outbound: bool = True
    number: str | None = None
    thread_id: int | None = None
    clinics: Collection[str] | None = None

    def where(self, table: Table) -> list[ColumnElement[bool]]:
        """The conditions on the inbox or the outbox."""
        conditions = [threads_of(self.clinics)]
        if self.number is not None:
            conditions.append(table.c.number == self.number)
        if self.thread_id is not None:
            conditions.append(table.c.thread_id == self.thread_id)
        return conditions


def read_feed(connection: Connection, wanted: Wanted, after: Marks, limit: int, now: datetime) -> Feed:
    """Up to *limit* texts after these marks, oldest first. Nothing that appears later is passed over.

    An inbound text appears when it has been handled; what came after one that still waits, waits with it.
    """
    inbound = _inbound(connection, wanted, after.inbox, limit + 1) if wanted.inbound else []
    outbound = _outbound(connection, wanted, after.outbox, limit + 1, now) if wanted.outbound else []
    merged = list(_merged(inbound, outbound))
    page = merged[:limit]
    return Feed(tuple(page), _marks(after, page), len(merged) > limit)


def _inbound(connection: Connection, wanted: Wanted, after: int, limit: int) -> Sequence[Row[Any]]:
    waiting = select(func.min(INBOX.c.id)).where(_WAITING, INBOX.c.state == InboxState.NEW).scalar_subquery()
    query = _INBOUND.where(INBOX.c.id > after, INBOX.c.state.in_(HANDLED), or_(waiting.is_(None), INBOX.c.id < waiting))
    return connection.execute(query.where(*wanted.where(INBOX)).order_by(INBOX.c.id).limit(limit)).all()


def _outbound(connection: Connection, wanted: Wanted, after: int, limit: int, now: datetime) -> Sequence[Row[Any]]:
    return _WRITTEN.page(connection, _OUTBOUND.where(*wanted.where(OUTBOX)), after, limit, now)


def newest_texts(connection: Connection, thread_id: int, limit: int) -> list[Row[Any]]:
    """The last *limit* texts of a thread, oldest first, handled or not."""
    whole = INBOX.c.state.in_([InboxState.NEW, *HANDLED])
    inbound = _INBOUND.where(INBOX.c.thread_id == thread_id, whole).order_by(INBOX.c.id.desc()).limit(limit)
    outbound = _OUTBOUND.where(OUTBOX.c.thread_id == thread_id).order_by(OUTBOX.c.id.desc()).limit(limit)
    ins = list(reversed(connection.execute(inbound).all()))
    outs = list(reversed(connection.execute(outbound).all()))
    return list(_merged(ins, outs))[-limit:]


def at_of(row: Row[Any]) -> datetime:
    """When a text came, or was written."""
    return cast(datetime, row.received_at if is_inbound(row) else row.created_at)


def is_inbound(row: Row[Any]) -> bool:
    """Whether a row of a feed is of the inbox."""
    return "octets" in row._mapping


def _merged(inbound: Sequence[Row[Any]], outbound: Sequence[Row[Any]]) -> Iterator[Row[Any]]:
    """Both streams by time, each in its own order, so that a prefix of the whole is a prefix of each."""
    ins, outs = list(reversed(inbound)), list(reversed(outbound))
    while ins and outs:
        yield (ins if at_of(ins[-1]) <= at_of(outs[-1]) else outs).pop()
    yield from reversed(ins or outs)


def _marks(after: Marks, page: Sequence[Row[Any]]) -> Marks:
    inbox = max((row.id for row in page if is_inbound(row)), default=after.inbox)
    outbox = max((row.id for row in page if not is_inbound(row)), default=after.outbox)
    return Marks(inbox, outbox)


def block(connection: Connection, key: str, reason: str) -> None:
    """Keep a text that was just written from going, and say why."""
    blocked = {"state": OutboxState.BLOCKED, "reason": reason}
    connection.execute(update(OUTBOX).where(OUTBOX.c.key == key).values(**blocked))


def outbox_row(connection: Connection, key: str, clinics: Collection[str] | None = None) -> Row[Any] | None:
    """The text with this key, if a member of these clinics may read it."""
    return connection.execute(_OUTBOUND.where(OUTBOX.c.key == key, threads_of(clinics))).first()
