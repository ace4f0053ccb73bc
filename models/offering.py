"""Offers → rows: opened, put to people in waves, won, ended. Every step is a compare-and-set on the offer's row.

Each appends to the offer's ledger, under the lock of that row; `write` does so for the decisions of a batch of texts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, Table, and_, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from models.applying import (
    APPOINTMENT,
    NEVER_FREED,
    OUTBOX,
    QUESTION,
    SLOT,
    UNSETTLED,
    forget_what_was_queued,
    just_one,
    new_visits,
    taken_back,
)
from models.base import fixed
from models.chain import ENDS, Line, number_digest, seal
from models.changes import AnswerOffer, Change, ClaimOffer, UndoClaim
from models.crypto import Keys
from models.events import event, tell
from models.offer import Offer, OfferEntry, OfferSkipped, WaitlistEntry
from models.offer_facts import FreedSlot
from models.post import Inbox, Thread
from models.schedule import IS_COMING
from models.states import (
    AppointmentStatus,
    FreedBy,
    InboxState,
    OfferState,
    OfferStep,
    OutboxState,
    QuestionState,
    SlotState,
    WaitlistState,
)

OFFER = cast(Table, Offer.__table__)
ENTRY = cast(Table, OfferEntry.__table__)
SKIPPED = cast(Table, OfferSkipped.__table__)
WAITLIST = cast(Table, WaitlistEntry.__table__)
INBOX = cast(Table, Inbox.__table__)
THREAD = cast(Table, Thread.__table__)

Lines = Mapping[int, Sequence[Line]]  # by offer
TOLD = (OfferStep.OPENED, *ENDS, OfferStep.UNDONE)  # steps that the feed of events tells of


# --- the ledger ---------------------------------------------------------------------------------------------------


def append(connection: Connection, keys: Keys, lines: Lines) -> None:
    """Append *lines* to the ledgers of these offers, whose rows stay locked until the transaction ends."""
    received = _received(connection, lines)
    rows = connection.execute(
        select(OFFER.c.id, OFFER.c.key, OFFER.c.clinic_id, OFFER.c.entries, OFFER.c.head)
        .where(OFFER.c.id.in_(lines))
        .order_by(OFFER.c.id)  # everybody locks them in this order
        .with_for_update()
    ).all()
    told = [
        event(f"offer.{line.step}", key, clinic_id, line.at)
        for id_, key, clinic_id, *_ in rows
        for line in lines[id_]
        if line.step in TOLD
    ]
    tell(connection, told)
    for id_, key, _, entries, head in rows:
        new: list[dict[str, Any]] = []
        last = bytes(head)
        for position, line in enumerate(lines[id_], start=entries + 1):
            whole = replace(line, received_at=received.get(line.inbox_id or 0))
            last = seal(keys, key, position, whole, last)
            new.append({"offer_id": id_, "position": position, "seal": last, **whole.columns()})
        connection.execute(insert(ENTRY), new)
        connection.execute(update(OFFER).where(OFFER.c.id == id_).values(entries=entries + len(new), head=last))


def _received(connection: Connection, lines: Lines) -> dict[int, datetime]:
    ids = {line.inbox_id for each in lines.values() for line in each if line.inbox_id is not None}
    if not ids:
        return {}
    rows = connection.execute(select(INBOX.c.id, INBOX.c.received_at).where(INBOX.c.id.in_(ids)))
    return {row[0]: row[1] for row in rows}


# --- opening and asking -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewOffer:
    """An offer to be opened."""

    key: str
    slot_id: int
    clinic_id: int
    service_id: int
    code: str
    wave_size: int
    wave_minutes: int
    deadline: datetime
    next_wave_at: datetime
    created_by: str
    only: tuple[int, ...] | None = None
    depth: int = 1
    parent_id: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody who is asked in a wave; *releases* is the later visit that a win would give up, *reason* why so late."""

    patient_id: int
    number: str
    outbox_key: str
    releases: int | None
    wish_id: int | None
    reason: str | None = None


def open_offer(connection: Connection, keys: Keys, new: NewOffer, version: int, now: datetime) -> int | None:
    """Hold the slot at *version* and open the offer; None when somebody changed the slot meanwhile."""
    open_ones = SLOT.c.state.in_([SlotState.FREE, SlotState.HELD])
    held = update(SLOT).where(SLOT.c.id == new.slot_id, SLOT.c.version == version, open_ones)
    values = {"state": SlotState.HELD, "version": SLOT.c.version + 1, **NEVER_FREED}
    if connection.execute(held.values(**values)).rowcount != 1:
        return None
    row: dict[str, Any] = {
        "key": new.key,
        "slot_id": new.slot_id,
        "clinic_id": new.clinic_id,
        "service_id": new.service_id,
        "code": new.code,
        "wave_size": new.wave_size,
        "wave_minutes": new.wave_minutes,
        "deadline": new.deadline,
        "next_wave_at": new.next_wave_at,
        "only": None if new.only is None else list(new.only),
        "depth": new.depth,
        "parent_id": new.parent_id,
        "created_by": new.created_by,
        "opened_at": now,
    }
    id_ = int(connection.execute(insert(OFFER).values(**row).returning(OFFER.c.id)).scalar_one())
    append(connection, keys, {id_: [Line(OfferStep.OPENED, now, reason=new.created_by)]})
    return id_


def look_no_more(connection: Connection, slot: FreedSlot) -> None:
    """Forget that the slot fell free; one that was held for an undo can be booked from now on."""
    mine = update(SLOT).where(SLOT.c.id == slot.id, SLOT.c.version == slot.version)
    free = {"state": SlotState.FREE} if slot.held else {}
    connection.execute(mine.values(version=SLOT.c.version + 1, **free, **NEVER_FREED))


def add_wave(
    connection: Connection,
    keys: Keys,
    offer_id: int,
    wave: int,
    asked: Sequence[Asked],
    next_at: datetime | None,
    now: datetime,
) -> bool:
    """Record the wave and when the next one is due; False when the offer ended or somebody else sent this wave."""
    mine = and_(OFFER.c.id == offer_id, OFFER.c.state == fixed(OfferState.OPEN), OFFER.c.waves == wave - 1)
    counted = wave if asked else wave - 1
    if connection.execute(update(OFFER).where(mine).values(waves=counted, next_wave_at=next_at)).rowcount != 1:
        return False
    if asked:
        lines = [
            Line(
                OfferStep.ASKED,
                now,
                patient_id=each.patient_id,
                number=number_digest(keys, each.number),
                wave=wave,
                outbox_key=each.outbox_key,
                appointment_id=each.releases,
                reason=each.reason,
            )
            for each in asked
        ]
        append(connection, keys, {offer_id: lines})
        wishes = [each.wish_id for each in asked if each.wish_id is not None]
        connection.execute(update(WAITLIST).where(WAITLIST.c.id.in_(wishes)).values(last_asked_at=now))
    return True


_ON_SQLITE, _ON_POSTGRESQL = sqlite.insert(SKIPPED), postgresql.insert(SKIPPED)
_SKIP_KEY = ["offer_id", "patient_id"]
_SKIP = {
    "sqlite": _ON_SQLITE.on_conflict_do_update(
        index_elements=_SKIP_KEY, set_={"reason": _ON_SQLITE.excluded.reason, "at": _ON_SQLITE.excluded.at}
    ),
    "postgresql": _ON_POSTGRESQL.on_conflict_do_update(
        index_elements=_SKIP_KEY, set_={"reason": _ON_POSTGRESQL.excluded.reason, "at": _ON_POSTGRESQL.excluded.at}
    ),
}


def record_skipped(connection: Connection, offer_id: int, why: Mapping[int, str], now: datetime) -> None:
    """Write why these patients were not asked when their turn came; the last reason stands."""
    rows = [{"offer_id": offer_id, "patient_id": id_, "reason": reason, "at": now} for id_, reason in why.items()]
    if rows:
        connection.execute(_SKIP[connection.dialect.name], rows)


# --- ending -------------------------------------------------------------------------------------------------------


def end(connection: Connection, keys: Keys, offer_id: int, state: OfferState, why: str | None, now: datetime) -> bool:
    """End an open offer that nobody won; its slot can be booked again. False when it had ended already."""
    mine = and_(OFFER.c.id == offer_id, OFFER.c.state == fixed(OfferState.OPEN))
    closed = {"state": state, "closed_at": now, "next_wave_at": None, "why": why}
    slot = connection.execute(update(OFFER).where(mine).values(**closed).returning(OFFER.c.slot_id)).scalar()
    if slot is None:
        return False
    held = and_(SLOT.c.id == slot, SLOT.c.state == SlotState.HELD)
    connection.execute(update(SLOT).where(held).values(state=SlotState.FREE, version=SLOT.c.version + 1))
    step = OfferStep.EXPIRED if state is OfferState.EXPIRED else OfferStep.WITHDRAWN
    append(connection, keys, {offer_id: [Line(step, now, reason=why)]})
    _take_back_texts(connection, [offer_id], now)
    return True


def end_on_slots(connection: Connection, keys: Keys, slots: Sequence[int], why: str, now: datetime) -> list[int]:
    """Withdraw the open offers of these slots, which staff gave another use; returns the offers."""
    mine = and_(OFFER.c.slot_id.in_(slots), OFFER.c.state == fixed(OfferState.OPEN))
    ids = [row[0] for row in connection.execute(select(OFFER.c.id).where(mine).order_by(OFFER.c.id))] if slots else []
    return [id_ for id_ in ids if end(connection, keys, id_, OfferState.WITHDRAWN, why, now)]


def _take_back_texts(connection: Connection, offers: Sequence[int], now: datetime) -> None:
    """Withdraw the texts of these offers that have not gone, and their questions, which nobody has seen."""
    texts = select(ENTRY.c.outbox_key).where(ENTRY.c.offer_id.in_(offers), ENTRY.c.outbox_key.is_not(None))
    connection.execute(
        update(OUTBOX).where(OUTBOX.c.key.in_(texts), UNSETTLED).values(**taken_back("the offer ended")), {"now": now}
    )
    unseen = select(OUTBOX.c.key).where(OUTBOX.c.key.in_(texts), OUTBOX.c.state == OutboxState.WITHDRAWN)
    asked = and_(QUESTION.c.offer_id.in_(offers), QUESTION.c.state == fixed(QuestionState.OPEN))
    connection.execute(
        update(QUESTION)
        .where(asked, QUESTION.c.outbox_key.in_(unseen))
        .values(state=QuestionState.WITHDRAWN, closed_at=now)
    )


# --- the answers of a batch ---------------------------------------------------------------------------------------

_WIN = (
    update(OFFER)
    .where(OFFER.c.id == bindparam("offer"), OFFER.c.state == fixed(OfferState.OPEN))
    .where(OFFER.c.slot_id == bindparam("slot"))
    .values(state=OfferState.WON, winner_id=bindparam("who"), closed_at=bindparam("now"), next_wave_at=None)
)
_TAKE_SLOT = (
    update(SLOT)
    .where(SLOT.c.id == bindparam("slot"), SLOT.c.state.in_([fixed(SlotState.HELD), fixed(SlotState.FREE)]))
    .values(state=SlotState.TAKEN, version=SLOT.c.version + 1, **NEVER_FREED)
)
_GIVE_UP_VISIT = (
    update(APPOINTMENT)
    .where(APPOINTMENT.c.id == bindparam("visit"), APPOINTMENT.c.version == bindparam("seen"), IS_COMING)
    .where(APPOINTMENT.c.slot_id == bindparam("slot"))
    .values(status=AppointmentStatus.CANCELLED, version=APPOINTMENT.c.version + 1, changed_at=bindparam("now"))
)
_KEEP_SLOT = (
    update(SLOT)
    .where(SLOT.c.id == bindparam("slot"), SLOT.c.state == fixed(SlotState.TAKEN))
    .values(
        state=SlotState.HELD,
        version=SLOT.c.version + 1,
        freed_at=bindparam("now"),
        freed_by=FreedBy.CLAIM,
        freed_service_id=bindparam("service"),
        freed_offer_id=bindparam("offer"),
    )
)
_SERVED = (
    update(WAITLIST)
    .where(WAITLIST.c.patient_id == bindparam("patient"), WAITLIST.c.service_id == bindparam("kind"))
    .where(WAITLIST.c.state == fixed(WaitlistState.ACTIVE))
    .values(state=WaitlistState.SERVED, version=WAITLIST.c.version + 1)
)


def write(connection: Connection, keys: Keys, changes: Sequence[Change], now: datetime) -> None:
    """Carry out the answers to offers among *changes*. Raises `Conflict` where an offer is not as was seen."""
    answers = [change for change in changes if isinstance(change, ClaimOffer | AnswerOffer | UndoClaim)]
    if not answers:
        return
    _lock(connection, {_offer_of(change) for change in answers})
    lines: dict[int, list[Line]] = defaultdict(list)
    for change in answers:
        lines[_offer_of(change)].append(_line(connection, keys, change, now))
    append(connection, keys, lines)


def _offer_of(change: ClaimOffer | AnswerOffer | UndoClaim) -> int:
    return change.about_offer if isinstance(change, AnswerOffer) else change.offer_id


def _lock(connection: Connection, offers: set[int]) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(select(OFFER.c.id).where(OFFER.c.id.in_(offers)).order_by(OFFER.c.id).with_for_update())


def _line(connection: Connection, keys: Keys, change: ClaimOffer | AnswerOffer | UndoClaim, now: datetime) -> Line:
    said = Line(
        OfferStep.WON,
        now,
        patient_id=change.patient_id,
        number=number_digest(keys, change.number),
        inbox_id=change.inbox_id,
    )
    if isinstance(change, AnswerOffer):
        return replace(said, step=change.step, reason=change.reason)
    if isinstance(change, UndoClaim):
        return replace(said, step=OfferStep.UNDONE, appointment_id=_undo(connection, change, now))
    return replace(said, appointment_id=_win(connection, change, now))


def _win(connection: Connection, won: ClaimOffer, now: datetime) -> int:
    """The offer is theirs, the slot taken, the new visit written, the old one given up; returns the new visit."""
    offer, who = won.offer_id, won.patient_id
    just_one(connection, _WIN, "offer", offer=offer, slot=won.slot_id, who=who, now=now)
    just_one(connection, _TAKE_SLOT, "slot", slot=won.slot_id)
    if won.released_id is not None:
        _release(connection, won, now)
    (visit,) = new_visits(connection, [won], now)
    tell(connection, [event("appointment.booked", f"t-{visit}", won.clinic_id, now)])
    connection.execute(update(OFFER).where(OFFER.c.id == won.offer_id).values(appointment_id=visit))
    connection.execute(_SERVED, {"patient": who, "kind": won.service_id})
    _take_back_texts(connection, [won.offer_id], now)
    return visit


def _release(connection: Connection, won: ClaimOffer, now: datetime) -> None:
    """Give the old visit up. Its slot is kept for the winner's undo, and offered on after that."""
    visit, slot = won.released_id, won.released_slot_id
    just_one(connection, _GIVE_UP_VISIT, "appointment", visit=visit, seen=won.released_version, slot=slot, now=now)
    just_one(connection, _KEEP_SLOT, "slot", slot=slot, service=won.service_id, offer=won.offer_id, now=now)
    forget_what_was_queued(connection, [visit] if visit is not None else [], now)


def _undo(connection: Connection, undo: UndoClaim, now: datetime) -> int:
    """The visit won is given up and its slot may be offered anew; the old visit stands again. Returns the former."""
    offer = connection.execute(select(OFFER).where(OFFER.c.id == undo.offer_id)).one()
    visit = offer.appointment_id
    mine = and_(APPOINTMENT.c.id == visit, APPOINTMENT.c.patient_id == undo.patient_id, IS_COMING)
    left = {"status": AppointmentStatus.CANCELLED, "version": APPOINTMENT.c.version + 1, "changed_at": now}
    gone = and_(mine, APPOINTMENT.c.slot_id == offer.slot_id)
    just_one(connection, update(APPOINTMENT).where(gone).values(**left), "appointment")
    freed = {
        "state": SlotState.FREE,
        "version": SLOT.c.version + 1,
        "freed_at": now,
        "freed_by": FreedBy.UNDO,
        "freed_service_id": offer.service_id,
        "freed_offer_id": offer.parent_id,
    }
    connection.execute(update(SLOT).where(SLOT.c.id == offer.slot_id).values(**freed))
    forget_what_was_queued(connection, [visit], now)
    tell(connection, [event("appointment.cancelled", f"t-{visit}", offer.clinic_id, now)])
    if undo.released_id is not None:
        _restore(connection, undo, now)
        tell(connection, [event("appointment.booked", f"t-{undo.released_id}", offer.clinic_id, now)])
    _wait_again(connection, undo.patient_id, offer.service_id)
    return int(visit)


def _wait_again(connection: Connection, patient_id: int, service_id: int) -> None:
    """Put the patient's entry that the win had closed back on the waitlist, unless they joined anew."""
    mine = and_(WAITLIST.c.patient_id == patient_id, WAITLIST.c.service_id == service_id)
    active = select(WAITLIST.c.id).where(mine, WAITLIST.c.state == fixed(WaitlistState.ACTIVE))
    if connection.execute(active).first() is None:
        served = select(func.max(WAITLIST.c.id)).where(mine, WAITLIST.c.state == WaitlistState.SERVED)
        again = update(WAITLIST).where(WAITLIST.c.id == served.scalar_subquery())
        connection.execute(again.values(state=WaitlistState.ACTIVE, version=WAITLIST.c.version + 1))


def _restore(connection: Connection, undo: UndoClaim, now: datetime) -> None:
    kept = and_(SLOT.c.id == undo.released_slot_id, SLOT.c.freed_offer_id == undo.offer_id)
    taken = {"state": SlotState.TAKEN, "version": SLOT.c.version + 1, **NEVER_FREED}
    just_one(connection, update(SLOT).where(kept, SLOT.c.state == SlotState.HELD).values(**taken), "slot")
    given_up = and_(APPOINTMENT.c.id == undo.released_id, APPOINTMENT.c.status == AppointmentStatus.CANCELLED)
    again = {"status": undo.status, "version": APPOINTMENT.c.version + 1, "changed_at": now}
    just_one(connection, update(APPOINTMENT).where(given_up).values(**again), "appointment")


# --- waiting for older answers ------------------------------------------------------------------------------------

_UNDECIDED = (
    select(INBOX.c.id, INBOX.c.number, INBOX.c.part_set, INBOX.c.part_number, INBOX.c.part_total)
    .where(INBOX.c.state.in_([fixed(InboxState.NEW), fixed(InboxState.PART)]), INBOX.c.id < bindparam("before"))
    .order_by(INBOX.c.id)
)
_ASKED_NUMBERS = (
    select(QUESTION.c.offer_id, THREAD.c.number)
    .join(THREAD, THREAD.c.id == QUESTION.c.thread_id)
    .where(QUESTION.c.offer_id.in_(bindparam("offers", expanding=True)))
)


def older_answers(connection: Connection, claims: Mapping[int, int], beside: Collection[int]) -> dict[int, set[int]]:
    """For each claim (inbox id → offer) the undecided texts that came before it from others who were asked.

    A text of several parts came with its last; *beside* are decided in the same transaction and do not count.
    """
    whole = _whole(connection.execute(_UNDECIDED, {"before": max(claims)}).all())
    waiting = {id_: number for id_, number in whole.items() if id_ not in beside}
    if not waiting:
        return {}
    asked = {tuple(row) for row in connection.execute(_ASKED_NUMBERS, {"offers": list(set(claims.values()))})}
    older = {
        mine: {id_ for id_, number in waiting.items() if id_ < mine and (offer, number) in asked}
        for mine, offer in claims.items()
    }
    return {mine: ids for mine, ids in older.items() if ids}


def _whole(rows: Iterable[Any]) -> dict[int, str]:
    """The texts that are all there, by the id of their last part."""
    sets: dict[object, list[Any]] = defaultdict(list)
    for row in rows:
        sets[row.id if row.part_set is None else bytes(row.part_set)].append(row)
    return {
        parts[-1].id: parts[-1].number
        for parts in sets.values()
        if len({part.part_number for part in parts}) >= (parts[0].part_total or 1)
    }
