"""The outbox: what may be submitted next, what became of it, and what the carrier's receipts say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import (
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from models import events
from models.among import among
from models.base import fixed
from models.many import Many
from models.patient import ContactNumber, Guardianship, Patient, Stop
from models.post import Outbox, ParkedReceipt, RateShare, Submission
from models.states import OutboxState, Purpose

OUTBOX = cast(Table, Outbox.__table__)
SUBMISSION = cast(Table, Submission.__table__)
PARKED = cast(Table, ParkedReceipt.__table__)
SHARE = cast(Table, RateShare.__table__)
STOP = cast(Table, Stop.__table__)
PATIENT = cast(Table, Patient.__table__)
NUMBER = cast(Table, ContactNumber.__table__)
GUARDIAN = cast(Table, Guardianship.__table__)
LANES = 5
SHARING = 0x72617465  # "rate": the PostgreSQL lock under which gateways join and leave
_UNSETTLED = [fixed(OutboxState.QUEUED), fixed(OutboxState.LEASED)]
FINAL = ("delivered", "expired", "deleted", "undeliverable", "rejected")  # message states that no receipt can change


@dataclass(frozen=True, slots=True)
class Due:
    """A text that may be submitted now; *body* is sealed."""

    id: int
    key: str
    number: str
    service_number: str
    lane: int
    due_at: datetime
    purpose: Purpose
    body: bytes
    attempts: int
    expires_at: datetime | None
    created_at: datetime
    patient_id: int | None
    begun: bool  # the carrier has accepted some of its parts


def due_texts(connection: Connection, service_numbers: Sequence[str], room: int, now: datetime) -> list[Due]:
    """Up to *room* texts that may go now: by lane, then as they fell due.

    Only one text to a number is under way at a time, and a text waits for every earlier one to its number that is due
    or was tried before (guarantee 7).
    """
    values: dict[str, Any] = {f"number_{n}": number for n, number in enumerate(service_numbers)}
    rows = connection.execute(_due_statement(len(service_numbers)), values | {"now": now, "room": room})
    return [Due(*cast(Sequence[Any], row)) for row in rows]


@lru_cache(maxsize=8)
def _due_statement(numbers: int) -> Select[Any]:
    """One walk per service number and lane, each along its own stretch of the index of what is due."""
    walks = [_walk(lane, number) for lane in range(LANES) for number in range(numbers)]
    all_walks = union_all(*(select(walk.subquery()) for walk in walks)).subquery()
    return select(all_walks).order_by(all_walks.c.lane, all_walks.c.due_at, all_walks.c.id).limit(bindparam("room"))


def _must_wait(mine: FromClause) -> ColumnElement[bool]:
    """Whether an earlier text to the number of *mine*, or one that is under way, goes before it."""
    other = OUTBOX.alias("other")
    earlier = and_(other.c.id < mine.c.id, or_(other.c.due_at <= bindparam("now"), other.c.attempts > 0))
    under_way = and_(other.c.state == fixed(OutboxState.LEASED), other.c.id != mine.c.id)
    return exists().where(
        other.c.number == mine.c.number,
        other.c.service_number == mine.c.service_number,
        other.c.state.in_(_UNSETTLED),
        or_(under_way, earlier),
    )


def _walk(lane: int, number: int) -> Select[Any]:
    mine = OUTBOX.alias()
    accepted = select(SUBMISSION.c.part).where(SUBMISSION.c.outbox_id == mine.c.id).limit(1).scalar_subquery()
    return (
        select(
            mine.c.id,
            mine.c.key,
            mine.c.number,
            mine.c.service_number,
            mine.c.lane,
            mine.c.due_at,
            mine.c.purpose,
            mine.c.body,
            mine.c.attempts,
            mine.c.expires_at,
            mine.c.created_at,
            mine.c.patient_id,
            accepted.is_not(None).label("begun"),
        )
        .where(mine.c.service_number == bindparam(f"number_{number}"), mine.c.lane == lane)
        .where(mine.c.state == fixed(OutboxState.QUEUED), mine.c.due_at <= bindparam("now"), ~_must_wait(mine))
        .order_by(mine.c.due_at, mine.c.id)
        .limit(bindparam("room"))
    )


_LEASE = (
    update(OUTBOX)
    .where(among(OUTBOX.c.id, "ids"), OUTBOX.c.state == OutboxState.QUEUED)
    .values(state=OutboxState.LEASED, lease_by=bindparam("gateway"), lease_until=bindparam("until"))
    .returning(OUTBOX.c.id)
)


def lease(connection: Connection, ids: Collection[int], gateway: str, until: datetime) -> frozenset[int]:
    """Take these texts for *gateway*; returns those that nobody else took first."""
    return frozenset(row[0] for row in connection.execute(_LEASE, {"ids": ids, "gateway": gateway, "until": until}))


_LEASE_NEW = (
    update(OUTBOX)
    .where(among(OUTBOX.c.key, "keys"), OUTBOX.c.state == OutboxState.QUEUED, ~_must_wait(OUTBOX))
    .values(state=OutboxState.LEASED, lease_by=bindparam("gateway"), lease_until=bindparam("until"))
    .returning(OUTBOX.c.id, OUTBOX.c.key)
)


def lease_new(
    connection: Connection, keys: Collection[str], gateway: str, now: datetime, until: datetime
) -> list[tuple[int, str]]:
    """Take the texts with these keys, which this transaction wrote, but for those that must wait; returns (id, key)."""
    rows = connection.execute(_LEASE_NEW, {"keys": keys, "gateway": gateway, "now": now, "until": until})
    return [(row[0], row[1]) for row in rows]


def refusals(connection: Connection, texts: Collection[Due]) -> dict[int, str]:
    """Those of *texts* that may not go any more, with the reason: stops, prohibitions, numbers that left the file."""
    started = [text for text in texts if text.purpose is not Purpose.ANSWER]
    if not started:
        return {}
    stopped = _stopped(connection, {text.number for text in started})
    persons = {text.patient_id for text in started if text.patient_id is not None}
    silent = _silent(connection, persons)
    reached = _reached(connection, persons)
    return {
        text.id: why
        for text in started
        if (why := stopped.get((text.number, None)) or stopped.get((text.number, text.purpose)))
        or (why := silent.get(text.patient_id or 0))
        or (why := "number_left_file" if text.patient_id and (text.patient_id, text.number) not in reached else "")
    }


def _stopped(connection: Connection, numbers: Collection[str]) -> dict[tuple[str, Purpose | None], str]:
    rows = connection.execute(
        select(STOP.c.number, STOP.c.purpose, STOP.c.source).where(
            STOP.c.number.in_(numbers), STOP.c.lifted_at.is_(None)
        )
    )
    return {(number, purpose): source.value for number, purpose, source in rows}


def _silent(connection: Connection, patients: Collection[int]) -> dict[int, str]:
    rows = connection.execute(
        select(PATIENT.c.id, PATIENT.c.do_not_text).where(
            PATIENT.c.id.in_(patients),
            or_(PATIENT.c.do_not_text, PATIENT.c.deceased, PATIENT.c.silenced),
        )
    )
    return {row[0]: "do_not_text" if row[1] else "silenced" for row in rows}


def _reached(connection: Connection, patients: Collection[int]) -> set[tuple[int, str]]:
    """At which numbers each of these persons is reached: their own, and those of whoever acts for them."""
    own = select(NUMBER.c.patient_id, NUMBER.c.number).where(NUMBER.c.patient_id.in_(patients))
    guardians = (
        select(GUARDIAN.c.dependant_id, NUMBER.c.number)
        .join(NUMBER, NUMBER.c.patient_id == GUARDIAN.c.guardian_id)
        .where(GUARDIAN.c.dependant_id.in_(patients))
    )
    return {(row[0], row[1]) for row in connection.execute(union_all(own, guardians))}


_END = (
    update(OUTBOX)
    .where(OUTBOX.c.id == bindparam("row"))
    .where(OUTBOX.c.state.in_(_UNSETTLED))
    .values(state=bindparam("end"), reason=bindparam("why"), lease_by=None, lease_until=None)
)


def end(connection: Connection, ends: Collection[tuple[int, OutboxState, str]]) -> None:
    """Take texts out of the queue for good: (row, state, reason)."""
    connection.execute(_END, [{"row": row, "end": state, "why": why} for row, state, why in ends])


_PARTS_TAKEN = select(SUBMISSION.c.outbox_id, SUBMISSION.c.part).where(among(SUBMISSION.c.outbox_id, "ids"))


def parts_taken(connection: Connection, ids: Collection[int]) -> dict[int, set[int]]:
    """Which parts of these texts the carrier has accepted already."""
    found: dict[int, set[int]] = {}
    for outbox_id, part in connection.execute(_PARTS_TAKEN, {"ids": ids}):
        found.setdefault(outbox_id, set()).add(part)
    return found


@dataclass(frozen=True, slots=True)
class Accepted:
    """A part that the carrier has taken."""

    outbox_id: int
    part: int
    total: int
    account: str
    message_id: str
    match_key: str
    at: datetime


_SUBMITTED = Many.insert(
    SUBMISSION,
    "outbox_id part account message_id match_key submitted_at",
    ignoring=["outbox_id", "part"],
)
_SENT = Many.update(
    lambda row: (
        update(OUTBOX)
        .where(OUTBOX.c.id == row["id"], OUTBOX.c.state.in_(_UNSETTLED))
        .values(
            state=OutboxState.SENT,
            sent_at=row["now"],
            parts=row["total"],
            attempts=OUTBOX.c.attempts + 1,
            reason=None,
            lease_by=None,
            lease_until=None,
        )
    ),
    id=OUTBOX.c.id,
    now=OUTBOX.c.sent_at,
    total=OUTBOX.c.parts,
)


def accept(connection: Connection, parts: Sequence[Accepted]) -> None:
    """Record accepted parts; a text all of whose parts are accepted is sent."""
    rows = [
        {
            "outbox_id": part.outbox_id,
            "part": part.part,
            "account": part.account,
            "message_id": part.message_id,
            "match_key": part.match_key,
            "submitted_at": part.at,
        }
        for part in parts
    ]
    _SUBMITTED(connection, rows)
    whole = [part for part in parts if part.total == 1]
    several = {part.outbox_id: part for part in parts if part.total > 1}
    if several:
        taken = parts_taken(connection, list(several))
        whole += [part for outbox_id, part in several.items() if len(taken.get(outbox_id, ())) >= part.total]
    _SENT(connection, [{"id": part.outbox_id, "now": part.at, "total": part.total} for part in whole])
    if several:
        _conclude(connection, several)  # receipts of the first parts may have come before the last part was accepted


_AGAIN = (
    update(OUTBOX)
    .where(OUTBOX.c.id == bindparam("row"), OUTBOX.c.state == OutboxState.LEASED)
    .values(
        state=OutboxState.QUEUED,
        due_at=bindparam("due"),
        attempts=OUTBOX.c.attempts + bindparam("tries"),
        maybe_twice=or_(OUTBOX.c.maybe_twice, bindparam("twice")),
        reason=bindparam("why"),
        lease_by=None,
        lease_until=None,
    )
)


def queue_again(connection: Connection, tries: Collection[tuple[int, datetime, int, bool, str]]) -> None:
    """Put leased texts back: (row, due again at, tries to count, may the carrier have had it, why)."""
    rows = [{"row": row, "due": due, "tries": n, "twice": twice, "why": why} for row, due, n, twice, why in tries]
    connection.execute(_AGAIN, rows)


def attempts_of(connection: Connection, ids: Collection[int]) -> dict[int, int]:
    """How often each of these texts was tried."""
    rows = connection.execute(select(OUTBOX.c.id, OUTBOX.c.attempts).where(OUTBOX.c.id.in_(ids)))
    return {row[0]: row[1] for row in rows}


def fail_numbers(connection: Connection, outbox_ids: Collection[int], now: datetime) -> None:
    """The numbers of these texts do not exist or refuse us for good: they count as L0 until they are proven again."""
    numbers = select(OUTBOX.c.number).where(OUTBOX.c.id.in_(outbox_ids))
    failing = update(NUMBER).where(NUMBER.c.number.in_(numbers), NUMBER.c.failed_at.is_(None))
    connection.execute(failing.values(failed_at=now))


def release(connection: Connection, gateway: str) -> None:
    """Give back what *gateway* leased and did not submit."""
    mine = and_(OUTBOX.c.lease_by == gateway, OUTBOX.c.state == fixed(OutboxState.LEASED))
    connection.execute(update(OUTBOX).where(mine).values(state=OutboxState.QUEUED, lease_by=None, lease_until=None))


def lease_holders(connection: Connection) -> set[str]:
    """The gateways that have texts on lease."""
    holders = select(OUTBOX.c.lease_by).where(OUTBOX.c.state == fixed(OutboxState.LEASED)).distinct()
    return {row[0] for row in connection.execute(holders)}


def reclaim(connection: Connection, now: datetime, dead: Collection[str] = ()) -> int:
    """Put back what dead gateways had leased, as maybe sent already: their leases ran out, or they are known *dead*."""
    lost = or_(OUTBOX.c.lease_until < now, OUTBOX.c.lease_by.in_(dead)) if dead else OUTBOX.c.lease_until < now
    back = update(OUTBOX).where(OUTBOX.c.state == fixed(OutboxState.LEASED), lost)
    return connection.execute(
        back.values(
            state=OutboxState.QUEUED,
            attempts=OUTBOX.c.attempts + 1,
            maybe_twice=True,
            lease_by=None,
            lease_until=None,
        )
    ).rowcount


# --- receipts -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sent:
    """A submitted part that a receipt may be about."""

    id: int
    outbox_id: int
    account: str
    message_id: str
    match_key: str
    number: str
    submitted_at: datetime
    receipt_state: str | None


_MATCHES = (
    select(
        SUBMISSION.c.id,
        SUBMISSION.c.outbox_id,
        SUBMISSION.c.account,
        SUBMISSION.c.message_id,
        SUBMISSION.c.match_key,
        OUTBOX.c.number,
        SUBMISSION.c.submitted_at,
        SUBMISSION.c.receipt_state,
    )
    .join(OUTBOX, OUTBOX.c.id == SUBMISSION.c.outbox_id)
    .where(among(SUBMISSION.c.match_key, "match_keys"))
)


def submitted_parts(connection: Connection, match_keys: Collection[str]) -> list[Sent]:
    """The submitted parts whose message ids fold to one of *match_keys*."""
    rows = connection.execute(_MATCHES, {"match_keys": match_keys})
    return [Sent(*cast(Sequence[Any], row)) for row in rows]


_RECEIVED = (
    update(SUBMISSION)
    .where(SUBMISSION.c.id == bindparam("row"))
    .where(
        or_(SUBMISSION.c.receipt_state.is_(None), SUBMISSION.c.receipt_state.notin_([fixed(state) for state in FINAL]))
    )
    .values(receipt_state=bindparam("state"), receipt_at=bindparam("at"), error=bindparam("code"))
)
_FINAL_RECEIPTS = (
    select(
        SUBMISSION.c.outbox_id, SUBMISSION.c.receipt_state, SUBMISSION.c.error, SUBMISSION.c.receipt_at, OUTBOX.c.parts
    )
    .join(OUTBOX, OUTBOX.c.id == SUBMISSION.c.outbox_id)
    .where(among(SUBMISSION.c.outbox_id, "ids"), OUTBOX.c.state == OutboxState.SENT)
    .where(SUBMISSION.c.receipt_state.in_([fixed(state) for state in FINAL]))
    .order_by(SUBMISSION.c.receipt_at, SUBMISSION.c.id)
)
_SET_RECEIPT = (
    update(OUTBOX)
    .where(OUTBOX.c.id == bindparam("row"), OUTBOX.c.state == OutboxState.SENT)
    .values(
        state=bindparam("state_"), receipt_state=bindparam("said"), receipt_at=bindparam("at"), reason=bindparam("why")
    )
)


@dataclass(frozen=True, slots=True)
class Said:
    """What a receipt says of a submitted part."""

    submission_id: int
    outbox_id: int
    state: str  # a `ReceiptState`
    error: str
    at: datetime


def receive(connection: Connection, receipts: Sequence[Said]) -> None:
    """Record receipts. States only move forward: the first final one of a part wins; a text is as its worst part."""
    rows = [{"row": r.submission_id, "state": r.state, "at": r.at, "code": r.error or None} for r in receipts]
    connection.execute(_RECEIVED, rows)
    _conclude(connection, {receipt.outbox_id for receipt in receipts if receipt.state in FINAL})


def _conclude(connection: Connection, outbox_ids: Collection[int]) -> None:
    """What sent texts have become: delivered with the last of their parts, or failed with the first that failed."""
    if not outbox_ids:
        return
    receipts: dict[int, list[Any]] = defaultdict(list)
    for row in connection.execute(_FINAL_RECEIPTS, {"ids": outbox_ids}):
        receipts[row.outbox_id].append(row)
    changes = [change for each in receipts.values() if (change := _outcome(each)) is not None]
    if changes:
        connection.execute(_SET_RECEIPT, changes)
        failed = [change for change in changes if change["state_"] is not OutboxState.DELIVERED]
        events.tell_of_failed(connection, [change["row"] for change in failed], max(c["at"] for c in changes))


def _outcome(parts: Sequence[Any]) -> dict[str, Any] | None:
    """What the final receipts of a text's parts make of it, None while others are still to come."""
    failed = next((part for part in parts if part.receipt_state != "delivered"), None)
    last = failed or parts[-1]
    if failed is None and len(parts) < last.parts:
        return None
    state, why = OutboxState.DELIVERED, None
    if failed is not None:
        state = OutboxState.EXPIRED if failed.receipt_state == "expired" else OutboxState.FAILED
        why = f"receipt {failed.receipt_state}" + (f", error {failed.error}" if failed.error else "")
    return {"row": last.outbox_id, "state_": state, "said": last.receipt_state, "at": last.receipt_at, "why": why}


def park(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep receipts that came before their part was settled."""
    connection.execute(insert(PARKED), list(rows))


@dataclass(frozen=True, slots=True)
class Parked:
    """A receipt that waits for its part."""

    id: int
    account: str
    message_id: str
    number: str
    state: str
    error: str
    received_at: datetime


_PARKED: Select[Any] = select(
    PARKED.c.id,
    PARKED.c.account,
    PARKED.c.message_id,
    PARKED.c.number,
    PARKED.c.state,
    PARKED.c.error,
    PARKED.c.received_at,
).where(among(PARKED.c.match_key, "match_keys"))


def parked(connection: Connection, match_keys: Collection[str]) -> list[Parked]:
    """Parked receipts that may be about parts with these keys."""
    return [Parked(*cast(Sequence[Any], row)) for row in connection.execute(_PARKED, {"match_keys": match_keys})]


_PARKED_LATELY = (
    select(*_PARKED.selected_columns)
    .where(PARKED.c.received_at > bindparam("since"))
    .order_by(PARKED.c.received_at.desc())
    .limit(bindparam("most"))
)


def parked_lately(connection: Connection, since: datetime, most: int) -> list[Parked]:
    """The last receipts that were parked, by whichever process."""
    rows = connection.execute(_PARKED_LATELY, {"since": since, "most": most})
    return [Parked(*cast(Sequence[Any], row)) for row in rows]


def any_parked(connection: Connection) -> bool:
    """Whether any receipt is parked at all."""
    return connection.execute(select(PARKED.c.id).limit(1)).first() is not None


def unpark(connection: Connection, ids: Collection[int]) -> None:
    """These receipts found their parts."""
    connection.execute(delete(PARKED).where(PARKED.c.id.in_(ids)))


def drop_parked(connection: Connection, before: datetime) -> int:
    """Give up receipts that nothing was ever submitted for; returns how many."""
    return connection.execute(delete(PARKED).where(PARKED.c.received_at < before)).rowcount


# --- the rate, shared ---------------------------------------------------------------------------------------------

_SHARE_KEY = ["account", "gateway"]
_ON_SQLITE, _ON_POSTGRESQL = sqlite.insert(SHARE), postgresql.insert(SHARE)
_TAKE_SHARE = {
    "sqlite": _ON_SQLITE.on_conflict_do_update(index_elements=_SHARE_KEY, set_={"until": _ON_SQLITE.excluded.until}),
    "postgresql": _ON_POSTGRESQL.on_conflict_do_update(
        index_elements=_SHARE_KEY, set_={"until": _ON_POSTGRESQL.excluded.until}
    ),
}


def share_rate(connection: Connection, account: str, gateway: str, now: datetime, until: datetime) -> int:
    """Say that *gateway* submits on *account* until then; returns how many gateways do, this one among them."""
    take = _TAKE_SHARE[connection.dialect.name]
    if connection.dialect.name == "postgresql":  # two that join at the same moment must see each other
        connection.execute(text(f"SELECT pg_advisory_xact_lock({SHARING})"))
    connection.execute(take, {"account": account, "gateway": gateway, "until": until})
    connection.execute(delete(SHARE).where(SHARE.c.account == account, SHARE.c.until < now))
    return int(
        connection.execute(select(func.count()).select_from(SHARE).where(SHARE.c.account == account)).scalar_one()
    )
