"""What decisions change, say and record → rows: many decisions at once, by compare-and-set, all of them or none.

Call `write` inside a transaction; it raises `Conflict` when a row is no longer as a decision saw it, and the caller
rolls back, reads again and decides again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, Table, and_, bindparam, insert, or_, update

from models import events, offering, waitlist
from models.among import among
from models.applying import UNSETTLED, Conflict, apply, exactly, withdraw
from models.audit import Audit
from models.base import fixed
from models.changes import BookAppointment, Change
from models.crypto import Keys, seal_text
from models.facts import ThreadFacts
from models.many import Many
from models.post import HandOver, Inbox, Outbox, Question, Thread
from models.queries import undo_data
from models.states import (
    HandOverReason,
    InboxState,
    Outcome,
    Purpose,
    QuestionKind,
)

__all__ = ["Conflict", "Entry", "HandOverOut", "Handled", "QuestionOut", "TextOut", "put_out", "put_questions", "write"]


@dataclass(frozen=True, slots=True)
class TextOut:
    """A text to be put in the outbox, rendered and checked."""

    key: str
    thread_id: int
    number: str
    service_number: str
    purpose: Purpose
    lane: int
    message: str
    body: str
    due_at: datetime
    expires_at: datetime | None = None
    patient_id: int | None = None
    appointment_id: int | None = None
    inbox_id: int | None = None


@dataclass(frozen=True, slots=True)
class Handled:
    """An inbound text that is dealt with: its last part's row keeps the masked words, all of its octets are wiped.

    *part_ids* are the parts that were read; one that comes too late to be read is none of them, and stays.
    """

    inbox_id: int
    part_ids: tuple[int, ...]
    text: str  # masked
    intent: str | None
    outcome: Outcome
    reason: str | None


@dataclass(frozen=True, slots=True)
class QuestionOut:
    """A question that one of the texts asks."""

    kind: QuestionKind
    outbox_key: str
    data: str
    expires_at: datetime
    patient_id: int | None
    appointment_id: int | None
    code: str | None = None
    offer_id: int | None = None


@dataclass(frozen=True, slots=True)
class HandOverOut:
    """A hand-over to be opened on the thread."""

    reason: HandOverReason
    promised_at: datetime | None
    urgent: bool
    patient_id: int | None
    command: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Entry:
    """Everything that one decision changes, says and records."""

    thread: ThreadFacts  # as it shall be; its version is the one that was read
    changes: tuple[Change, ...]
    texts: tuple[TextOut, ...]
    actor: str
    action: str
    details: Mapping[str, Any]
    handled: Handled | None = None
    question: QuestionOut | None = None
    hand_over: HandOverOut | None = None
    patient_id: int | None = None
    appointment_id: int | None = None
    withdraw_number: bool = False


THREAD = cast(Table, Thread.__table__)
INBOX = cast(Table, Inbox.__table__)
OUTBOX = cast(Table, Outbox.__table__)
QUESTION = cast(Table, Question.__table__)
HAND_OVER = cast(Table, HandOver.__table__)
AUDIT = cast(Table, Audit.__table__)


def write(connection: Connection, keys: Keys, entries: Sequence[Entry], now: datetime) -> None:
    """Write *entries* in their order of arrival. Raises `Conflict`; then the transaction must be rolled back."""
    _write_threads(connection, entries, now)
    _write_handled(connection, keys, entries, now)
    _withdraw_numbers(connection, entries, now)
    changes = [change for entry in entries for change in entry.changes]
    created = apply(connection, changes, now)
    offering.write(connection, keys, changes, now)
    waitlist.write(connection, changes, now)
    put_out(connection, keys, [text for entry in entries for text in entry.texts], now)
    asked = [(entry.thread.id, entry.question) for entry in entries if entry.question is not None]
    put_questions(connection, keys, asked, now)
    _write_hand_overs(connection, entries, now)
    _write_audit(connection, entries, created, now)
    _write_events(connection, entries, created, now)


# --- threads and texts --------------------------------------------------------------------------------------------

_OF_THREAD = (
    "clinic_id",
    "state",
    "language",
    "session_patient_id",
    "session_until",
    "unclear",
    "undo",
    "noticed_at",
    "last_text_at",
)
_SET_THREAD = Many.update(
    lambda thread: (
        update(THREAD)
        .where(THREAD.c.id == thread["id"], THREAD.c.version == thread["version"])
        .values(version=THREAD.c.version + 1, **{name: thread[name] for name in _OF_THREAD})
    ),
    **{name: THREAD.c[name] for name in ("id", "version", *_OF_THREAD)},
)


def _write_threads(connection: Connection, entries: Iterable[Entry], now: datetime) -> None:
    rows = [
        {
            "id": thread.id,
            "version": thread.version,
            "clinic_id": thread.clinic_id,
            "state": thread.state,
            "language": thread.language,
            "session_patient_id": thread.session_patient_id,
            "session_until": thread.session_until,
            "unclear": thread.unclear,
            "undo": None if thread.undo is None else undo_data(thread.undo),
            "noticed_at": thread.noticed_at,
            "last_text_at": now,
        }
        for thread in (entry.thread for entry in entries)
    ]
    exactly(connection, _SET_THREAD, rows, "thread")


_OF_HANDLED = ("thread_id", "text", "intent", "outcome", "reason", "handled_at")
_SET_HANDLED = Many.update(
    lambda row: (
        update(INBOX)
        .where(INBOX.c.id == row["id"], INBOX.c.state.in_([fixed(InboxState.NEW), fixed(InboxState.PART)]))
        .values(state=InboxState.DONE, octets=None, **{name: row[name] for name in _OF_HANDLED})
    ),
    **{name: INBOX.c[name] for name in ("id", *_OF_HANDLED)},
)
_SET_JOINED = (
    update(INBOX)
    .where(INBOX.c.id == bindparam("row"), INBOX.c.state == fixed(InboxState.PART))
    .values(state=InboxState.JOINED, octets=None, thread_id=bindparam("thread"), handled_at=bindparam("now"))
)


def _write_handled(connection: Connection, keys: Keys, entries: Iterable[Entry], now: datetime) -> None:
    done = [(entry.thread.id, entry.handled) for entry in entries if entry.handled is not None]
    rows = [
        {
            "id": handled.inbox_id,
            "thread_id": thread_id,
            "text": seal_text(keys, "inbox.text", handled.inbox_id, handled.text),
            "intent": handled.intent,
            "outcome": handled.outcome,
            "reason": handled.reason,
            "handled_at": now,
        }
        for thread_id, handled in done
    ]
    exactly(connection, _SET_HANDLED, rows, "inbox")
    joined = [
        {"row": part, "thread": thread_id, "now": now}
        for thread_id, handled in done
        for part in handled.part_ids
        if part != handled.inbox_id
    ]
    if joined:
        connection.execute(_SET_JOINED, joined)


def _withdraw_numbers(connection: Connection, entries: Iterable[Entry], now: datetime) -> None:
    numbers = [entry.thread.number for entry in entries if entry.withdraw_number]
    if numbers:
        withdraw(connection, and_(OUTBOX.c.number.in_(numbers), UNSETTLED), "wrong_number", now)


_PUT_OUT = Many.insert(
    OUTBOX,
    "key thread_id number service_number patient_id appointment_id inbox_id purpose lane message body due_at expires_at"
    " created_at",
    ignoring=["key"],
)
_PROMOTE = (
    update(OUTBOX)
    .where(among(OUTBOX.c.number, "numbers"), UNSETTLED, OUTBOX.c.lane > bindparam("above"))
    .where(or_(OUTBOX.c.due_at <= bindparam("now"), OUTBOX.c.attempts > 0))
    .values(lane=bindparam("above"))
)


def put_out(connection: Connection, keys: Keys, texts: Sequence[TextOut], now: datetime) -> None:
    """Put texts in the outbox; one whose key is there already is not put again (guarantee 6).

    An answer takes earlier texts to its number, which are due or were tried and wait in slower lanes, along into its
    own: texts to one number go in the order in which they were written (guarantee 7), and answers go first.
    """
    if not texts:
        return
    rows = [
        {
            "key": text.key,
            "thread_id": text.thread_id,
            "number": text.number,
            "service_number": text.service_number,
            "patient_id": text.patient_id,
            "appointment_id": text.appointment_id,
            "inbox_id": text.inbox_id,
            "purpose": text.purpose,
            "lane": text.lane,
            "message": text.message,
            "body": seal_text(keys, "outbox.body", text.key, text.body),
            "due_at": text.due_at,
            "expires_at": text.expires_at,
            "created_at": now,
        }
        for text in texts
    ]
    _PUT_OUT(connection, rows)
    answered = [text.number for text in texts if text.lane == 0]
    if answered:
        connection.execute(_PROMOTE, {"numbers": answered, "above": 0, "now": now})


_OPEN_QUESTION = Many.insert(
    QUESTION,
    "thread_id kind patient_id appointment_id offer_id code outbox_key data asked_at expires_at",
)


def put_questions(
    connection: Connection, keys: Keys, questions: Iterable[tuple[int, QuestionOut]], now: datetime
) -> None:
    """Open questions on their threads (by id): what the answers to texts that are put out mean."""
    rows = [
        {
            "thread_id": thread_id,
            "kind": asked.kind,
            "patient_id": asked.patient_id,
            "appointment_id": asked.appointment_id,
            "offer_id": asked.offer_id,
            "code": asked.code,
            "outbox_key": asked.outbox_key,
            "data": seal_text(keys, "question.data", asked.outbox_key, asked.data),
            "asked_at": now,
            "expires_at": asked.expires_at,
        }
        for thread_id, asked in questions
    ]
    _OPEN_QUESTION(connection, rows)


def _write_hand_overs(connection: Connection, entries: Iterable[Entry], now: datetime) -> None:
    rows = [
        {
            "thread_id": entry.thread.id,
            "inbox_id": None if entry.handled is None else entry.handled.inbox_id,
            "patient_id": opened.patient_id,
            "reason": opened.reason,
            "urgent": opened.urgent,
            "command": None if opened.command is None else dict(opened.command),
            "opened_at": now,
            "promised_at": opened.promised_at,
        }
        for entry in entries
        if (opened := entry.hand_over) is not None
    ]
    if rows:
        connection.execute(insert(HAND_OVER), rows)


_AUDITED = Many.insert(AUDIT, "at actor action thread_id inbox_id patient_id appointment_id details")


def _write_audit(connection: Connection, entries: Iterable[Entry], created: Mapping[int, int], now: datetime) -> None:
    rows = [
        {
            "at": now,
            "actor": entry.actor,
            "action": entry.action,
            "thread_id": entry.thread.id,
            "inbox_id": None if entry.handled is None else entry.handled.inbox_id,
            "patient_id": entry.patient_id,
            "appointment_id": entry.appointment_id or _booked(entry, created),
            "details": dict(entry.details),
        }
        for entry in entries
    ]
    _AUDITED(connection, rows)


def _write_events(connection: Connection, entries: Iterable[Entry], created: Mapping[int, int], now: datetime) -> None:
    told: list[events.Told] = []
    for entry in entries:
        clinic = entry.thread.clinic_id
        if entry.handled is not None:
            told.append(events.event("text.received", f"in-{entry.handled.inbox_id}", clinic, now))
        if entry.hand_over is not None:
            told.append(events.event("handover.opened", str(entry.thread.id), clinic, now))
        if entry.changes:
            told += events.of_changes(entry.changes, created, clinic, now)
            told += events.of_consents(connection, entry.changes, clinic, now)
    events.tell(connection, told)


def _booked(entry: Entry, created: Mapping[int, int]) -> int | None:
    slots = (change.slot_id for change in entry.changes if isinstance(change, BookAppointment))
    return next((created[slot] for slot in slots if slot in created), None)
