"""Rows → whom to ask next: slots that fell free, offers that are due, and the people whose turn it is."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection, Row, Select, Table, and_, bindparam, func, literal_column, or_, select

from models.among import among
from models.applying import APPOINTMENT, QUESTION, SLOT
from models.base import fixed
from models.facts import PersonFacts
from models.offer_facts import Candidate, FreedSlot, OpenOffer, Wish
from models.offering import ENTRY, OFFER, THREAD, WAITLIST
from models.openings import SLOT_SERVICE, minutes_between
from models.patient import Guardianship
from models.queries import People, add_people, shared_numbers, stops, visits
from models.states import (
    AppointmentStatus,
    OfferState,
    OfferStep,
    QuestionState,
    SlotState,
    ThreadState,
    WaitlistState,
)

GUARDIAN = cast(Table, Guardianship.__table__)
# No vowels, which make words, nothing that one reads as something else (0 and O, 1, I and L), and no letters that mean
# something by themselves: N is a no, V a week, T an hour.
LETTERS = "BCDFGHJKMPQRSWXZ"
CODES = [f"{first}{letter}{last}" for first in "23456789" for letter in LETTERS for last in "23456789"]
WEEK, YEAR = timedelta(days=7), timedelta(days=365)
LATE_CANCEL = 24 * 60  # minutes before the visit
UNDO_MINUTES = 10  # within which a winner who gives the time back breaks nothing
OFTEN = 2  # won times that somebody misses or cancels late before they come last
_OPEN = OFFER.c.state == fixed(OfferState.OPEN)


# --- what is due --------------------------------------------------------------------------------------------------


_PARENT = OFFER.alias()
_FREED = (
    select(SLOT, func.coalesce(_PARENT.c.depth, 0).label("depth"))
    .outerjoin(_PARENT, _PARENT.c.id == SLOT.c.freed_offer_id)
    .where(SLOT.c.freed_at.is_not(None))
    .order_by(SLOT.c.freed_at, SLOT.c.id)  # as the index has them: by ids it would go through all slots
    .limit(bindparam("most"))
)
_FREED_LATER = _FREED.where(
    SLOT.c.freed_at >= bindparam("at"), or_(SLOT.c.freed_at > bindparam("at"), SLOT.c.id > bindparam("id_"))
)
_SERVICES_OF = (
    select(SLOT_SERVICE.c.slot_id, SLOT_SERVICE.c.service_id)
    .where(among(SLOT_SERVICE.c.slot_id, "slots"))
    .order_by(SLOT_SERVICE.c.service_id)
)


def freed_slots(connection: Connection, after: FreedSlot | None, most: int) -> list[FreedSlot]:
    """Up to *most* slots that fell free and were not looked at, the first freed first, from that one on."""
    later = {} if after is None else {"at": after.freed_at, "id_": after.id}
    rows = connection.execute(_FREED_LATER if later else _FREED, {"most": most} | later).all()
    if not rows:
        return []
    services: dict[int, list[int]] = defaultdict(list)
    for slot_id, service_id in connection.execute(_SERVICES_OF, {"slots": [row.id for row in rows]}):
        services[slot_id].append(service_id)
    return [_freed(row, services[row.id]) for row in rows]


def _freed(row: Row[Any], services: Sequence[int]) -> FreedSlot:
    return FreedSlot(
        id=row.id,
        version=row.version,
        clinic_id=row.clinic_id,
        practitioner_id=row.practitioner_id,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        held=row.state is SlotState.HELD,
        services=tuple(services),
        freed_at=row.freed_at,
        freed_by=row.freed_by,
        service_id=row.freed_service_id,
        offer_id=row.freed_offer_id,
        depth=row.depth,
    )


_OVER = (
    select(OFFER.c.id)
    .where(_OPEN, OFFER.c.deadline <= bindparam("now"))
    .order_by(OFFER.c.deadline)
    .limit(bindparam("most"))
)


def offers_over(connection: Connection, now: datetime, most: int) -> list[int]:
    """Open offers whose deadline has passed."""
    return [row[0] for row in connection.execute(_OVER, {"now": now, "most": most})]


_WAVES = (
    select(OFFER)
    .where(_OPEN, OFFER.c.next_wave_at <= bindparam("now"), OFFER.c.deadline > bindparam("now"))
    .order_by(OFFER.c.next_wave_at)
    .limit(bindparam("most"))
)
# By themselves: in a join SQLite, which believes that there are many offers where it has counted none, reads all slots.
_TIMES = select(*(SLOT.c[name] for name in ("id", "starts_at", "ends_at"))).where(among(SLOT.c.id, "slots"))


def waves_due(connection: Connection, now: datetime, most: int) -> list[OpenOffer]:
    """Open offers whose next wave is due."""
    rows = connection.execute(_WAVES, {"now": now, "most": most}).all()
    if not rows:
        return []
    times = {slot.id: slot for slot in connection.execute(_TIMES, {"slots": [row.slot_id for row in rows]})}
    return [_open_offer(row, times[row.slot_id]) for row in rows]


def _open_offer(row: Row[Any], slot: Row[Any]) -> OpenOffer:
    return OpenOffer(
        id=row.id,
        key=row.key,
        code=row.code,
        slot_id=row.slot_id,
        clinic_id=row.clinic_id,
        service_id=row.service_id,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        deadline=row.deadline,
        wave_size=row.wave_size,
        wave_minutes=row.wave_minutes,
        waves=row.waves,
    )


def new_code(connection: Connection) -> str:
    """A code of three characters ("4K7") that no open offer has, as long as there is one."""
    used = {row[0] for row in connection.execute(select(OFFER.c.code).where(_OPEN))}
    return secrets.choice([code for code in CODES if code not in used] or CODES)


def new_key() -> str:
    """The name of an offer to the outside."""
    return f"o-{secrets.token_hex(8)}"


# --- whose turn it is ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Turn:
    """A place in the fair order: a patient, and their waitlist entry if they have one."""

    patient_id: int
    entry: Row[Any] | None


def turns(connection: Connection, offer: OpenOffer, now: datetime, after: int, most: int) -> list[Turn]:
    """Up to *most* of those who have not been asked, in fair order, leaving out the first *after*.

    First by class of care need, then who was asked longest ago; whoever broke two won times within a year comes last.
    Those whom staff picked come in the same order.
    """
    only = connection.execute(select(OFFER.c.only).where(OFFER.c.id == offer.id)).scalar()
    asked = select(ENTRY.c.patient_id).where(ENTRY.c.offer_id == offer.id, ENTRY.c.step == fixed(OfferStep.ASKED))
    waiting = (
        select(WAITLIST)
        .where(WAITLIST.c.service_id == offer.service_id, WAITLIST.c.state == fixed(WaitlistState.ACTIVE))
        .where(WAITLIST.c.patient_id.not_in(asked))
        .order_by(
            WAITLIST.c.patient_id.in_(_who_broke(now)),
            func.coalesce(WAITLIST.c.care_class, literal_column("99")),
            WAITLIST.c.last_asked_at.is_not(None),
            WAITLIST.c.last_asked_at,
            WAITLIST.c.joined_at,
            WAITLIST.c.id,
        )
    )
    if only is None:
        rows = connection.execute(waiting.limit(most).offset(after)).all()
        return [Turn(row.patient_id, row) for row in rows]
    rows = connection.execute(waiting.where(WAITLIST.c.patient_id.in_(only))).all()
    listed = [Turn(row.patient_id, row) for row in rows]
    gone = {row[0] for row in connection.execute(asked)} | {turn.patient_id for turn in listed}
    return [*listed, *(Turn(id_, None) for id_ in only if id_ not in gone)][after : after + most]


def _who_broke(now: datetime) -> Select[Any]:
    """Those who broke two won times within a year."""
    return _broken(now).group_by(OFFER.c.winner_id).having(func.count() >= OFTEN)


def _broken(now: datetime) -> Select[Any]:
    """Who missed times that they had won within a year, or cancelled them on the last day: once for each."""
    late = and_(
        APPOINTMENT.c.status == fixed(AppointmentStatus.CANCELLED),
        minutes_between(APPOINTMENT.c.changed_at, APPOINTMENT.c.starts_at) < LATE_CANCEL,
        minutes_between(OFFER.c.closed_at, APPOINTMENT.c.changed_at) > UNDO_MINUTES,
    )
    missed = APPOINTMENT.c.status == fixed(AppointmentStatus.MISSED)
    return (
        select(OFFER.c.winner_id)
        .join(APPOINTMENT, APPOINTMENT.c.id == OFFER.c.appointment_id)
        .where(OFFER.c.winner_id.is_not(None), OFFER.c.closed_at > now - YEAR, or_(missed, late))
    )


def candidates(connection: Connection, offer: OpenOffer, turns: Sequence[Turn], now: datetime) -> list[Candidate]:
    """What decides whether each of these may be asked, by one query per kind. Somebody unknown is left out."""
    ids = [turn.patient_id for turn in turns]
    people = People()
    add_people(connection, people, set(ids), now)
    guardians = _guardians(connection, people, ids, now)
    coming = visits(connection, ids, now)
    every = {number for person in people.persons.values() for number in person.numbers}
    stopped = stops(connection, every)
    held = _held(connection, every)
    shared = shared_numbers(connection, every)
    in_care, week = _in_care(connection, ids), _asked_since(connection, ids, now - WEEK)
    broken, no = _broken_by(connection, ids, now), _said_no(connection, offer, ids)
    return [
        Candidate(
            person=people.persons[turn.patient_id],
            wish=None if turn.entry is None else _wish(turn.entry),
            guardians=tuple(guardians.get(turn.patient_id, ())),
            visits=tuple(coming.get(turn.patient_id, ())),
            stops={number: tuple(found) for number, found in stopped.items()},
            held_numbers=held,
            shared_numbers=shared,
            in_care=turn.patient_id in in_care or (turn.entry is not None and turn.entry.created_by != "text"),
            asked_this_week=week.get(turn.patient_id, 0),
            broken=broken.get(turn.patient_id, 0),
            said_no=turn.patient_id in no,
        )
        for turn in turns
        if turn.patient_id in people.persons
    ]


def _wish(row: Row[Any]) -> Wish:
    return Wish(
        id=row.id,
        service_id=row.service_id,
        clinics=None if row.clinics is None else tuple(row.clinics),
        days=None if row.days is None else tuple(row.days),
        hours=None if row.hours is None else tuple((span[0], span[1]) for span in row.hours),
        notice_minutes=row.notice_minutes,
        weekly_max=row.weekly_max,
        appointment_id=row.appointment_id,
        by_text=row.created_by == "text",
    )


def _guardians(
    connection: Connection, people: People, ids: Collection[int], now: datetime
) -> Mapping[int, list[PersonFacts]]:
    rows = connection.execute(
        select(GUARDIAN.c.dependant_id, GUARDIAN.c.guardian_id).where(GUARDIAN.c.dependant_id.in_(ids))
    ).all()
    add_people(connection, people, {row[1] for row in rows}, now)
    found: dict[int, list[PersonFacts]] = defaultdict(list)
    for dependant, guardian in sorted(tuple(row) for row in rows):
        if guardian in people.persons:
            found[dependant].append(people.persons[guardian])
    return found


def _held(connection: Connection, numbers: Collection[str]) -> frozenset[str]:
    """Those of these numbers with a thread that a person has."""
    query = select(THREAD.c.number).where(THREAD.c.number.in_(numbers), THREAD.c.state == ThreadState.PERSON)
    return frozenset(row[0] for row in connection.execute(query))


def _in_care(connection: Connection, ids: Collection[int]) -> frozenset[int]:
    """Those of these patients who have or had a visit."""
    rows = connection.execute(select(APPOINTMENT.c.patient_id).where(APPOINTMENT.c.patient_id.in_(ids)).distinct())
    return frozenset(row[0] for row in rows)


def _asked_since(connection: Connection, ids: Collection[int], since: datetime) -> dict[int, int]:
    asked = and_(ENTRY.c.step == fixed(OfferStep.ASKED), ENTRY.c.patient_id.in_(ids), ENTRY.c.at > since)
    rows = connection.execute(select(ENTRY.c.patient_id, func.count()).where(asked).group_by(ENTRY.c.patient_id))
    return {row[0]: row[1] for row in rows}


def _broken_by(connection: Connection, ids: Collection[int], now: datetime) -> dict[int, int]:
    theirs = _broken(now).where(OFFER.c.winner_id.in_(ids)).add_columns(func.count()).group_by(OFFER.c.winner_id)
    return {row[0]: row[1] for row in connection.execute(theirs)}


def _said_no(connection: Connection, offer: OpenOffer, ids: Collection[int]) -> frozenset[int]:
    """Those who declined this very time, or gave it back, when it was offered before."""
    no = ENTRY.c.step.in_([OfferStep.DECLINED, OfferStep.UNDONE])
    before = select(OFFER.c.id).where(OFFER.c.slot_id == offer.slot_id, OFFER.c.id < offer.id)
    query = select(ENTRY.c.patient_id).where(ENTRY.c.offer_id.in_(before), no, ENTRY.c.patient_id.in_(ids))
    return frozenset(row[0] for row in connection.execute(query))


def numbers_asked(connection: Connection, offer_id: int) -> frozenset[str]:
    """The numbers on which a question of this offer waits for an answer."""
    query = (
        select(THREAD.c.number)
        .join(QUESTION, QUESTION.c.thread_id == THREAD.c.id)
        .where(QUESTION.c.offer_id == offer_id, QUESTION.c.state == fixed(QuestionState.OPEN))
    )
    return frozenset(row[0] for row in connection.execute(query))
