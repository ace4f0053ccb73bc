"""Rows → what is known of offers: by the conversation, by whoever reads a ledger, and by whoever checks one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, Row, select
from sqlalchemy.sql.elements import ColumnElement

from models.among import among
from models.applying import APPOINTMENT, SLOT
from models.chain import Line, Placed, Told, number_digest
from models.crypto import Keys
from models.facts import OfferFacts, WaitlistFacts
from models.ledger import INBOX
from models.offering import ENTRY, OFFER, SKIPPED, WAITLIST
from models.register import CLINIC, PATIENT
from models.schedule import IS_COMING
from models.states import SlotState, WaitlistState

_OFFERS = (
    select(
        OFFER.c.id,
        OFFER.c.state,
        OFFER.c.code,
        OFFER.c.clinic_id,
        OFFER.c.service_id,
        SLOT.c.practitioner_id,
        OFFER.c.slot_id,
        SLOT.c.state,
        SLOT.c.starts_at,
        SLOT.c.ends_at,
        OFFER.c.deadline,
        OFFER.c.winner_id,
    )
    .join(SLOT, SLOT.c.id == OFFER.c.slot_id)
    .where(among(OFFER.c.id, "ids"))
)
_ENTRIES = (
    select(
        WAITLIST.c.id,
        WAITLIST.c.patient_id,
        WAITLIST.c.service_id,
        WAITLIST.c.days,
        WAITLIST.c.hours,
        WAITLIST.c.weekly_max,
    )
    .where(among(WAITLIST.c.patient_id, "ids"), WAITLIST.c.state == WaitlistState.ACTIVE)
    .order_by(WAITLIST.c.id)
)


def offers(connection: Connection, ids: Collection[int]) -> dict[int, OfferFacts]:
    """These offers as they stand."""
    rows = connection.execute(_OFFERS, {"ids": ids})
    return {row[0]: OfferFacts(*cast(Sequence[Any], row)) for row in rows}


def waitlist(connection: Connection, patients: Collection[int]) -> dict[int, list[WaitlistFacts]]:
    """The active waitlist entries of each of these patients."""
    found: dict[int, list[WaitlistFacts]] = {}
    for row in connection.execute(_ENTRIES, {"ids": patients}):
        found.setdefault(row[1], []).append(_entry(*cast(Sequence[Any], row)))
    return found


def _entry(id_: int, patient_id: int, service_id: int, days: Any, hours: Any, weekly_max: int | None) -> WaitlistFacts:
    return WaitlistFacts(
        id=id_,
        patient_id=patient_id,
        service_id=service_id,
        days=None if days is None else tuple(days),
        hours=None if hours is None else tuple((span[0], span[1]) for span in hours),
        weekly_max=weekly_max,
    )


def stands_as_won(connection: Connection, offer_id: int) -> bool:
    """Whether the visit that the winner of this offer got is still to come, and in its place."""
    won = select(OFFER.c.id).join(APPOINTMENT, APPOINTMENT.c.id == OFFER.c.appointment_id)
    mine = won.where(OFFER.c.id == offer_id, APPOINTMENT.c.slot_id == OFFER.c.slot_id, IS_COMING)
    return connection.execute(mine).first() is not None


def is_kept_for(connection: Connection, slot_id: int, offer_id: int) -> bool:
    """Whether a winner's old slot is still held for their undo."""
    kept = select(SLOT.c.id).where(SLOT.c.id == slot_id, SLOT.c.state == SlotState.HELD)
    return connection.execute(kept.where(SLOT.c.freed_offer_id == offer_id)).first() is not None


TURN_NOT_COME = "turn_not_come"  # why somebody was not asked: the offer went to others, or ended, before

# --- ledgers ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ledger:
    """An offer with everything that happened to it. *skipped* are those who were not asked, by id, and why; *words* the
    sealed texts of answers, by inbox id."""

    offer: Row[Any]
    lines: tuple[Placed, ...]
    skipped: tuple[tuple[int, str], ...]
    patients: dict[int, str]  # keys
    words: dict[int, bytes]
    slot_key: str
    clinic_key: str
    zone: str
    winner_key: str | None
    next_key: str | None  # of the offer of the winner's old time

    @property
    def told(self) -> Told:
        """What the offer's row says."""
        row = self.offer
        return Told(row.key, row.state, row.winner_id, row.appointment_id, row.entries, bytes(row.head))


def ledger(connection: Connection, *conditions: ColumnElement[bool]) -> Ledger | None:
    """The offer that meets *conditions*, with its ledger."""
    child = OFFER.alias()
    next_key = select(child.c.key).where(child.c.parent_id == OFFER.c.id).order_by(child.c.id).limit(1)
    query = (
        select(
            OFFER,
            SLOT.c.key.label("slot_key"),
            CLINIC.c.key.label("clinic_key"),
            CLINIC.c.timezone,
            next_key.scalar_subquery().label("next_key"),
        )
        .join(SLOT, SLOT.c.id == OFFER.c.slot_id)
        .join(CLINIC, CLINIC.c.id == OFFER.c.clinic_id)
    )
    row = connection.execute(query.where(*conditions)).first()
    if row is None:
        return None
    lines = _lines(connection, row.id)
    skipped = connection.execute(
        select(SKIPPED.c.patient_id, SKIPPED.c.reason)
        .where(SKIPPED.c.offer_id == row.id)
        .order_by(SKIPPED.c.patient_id)
    ).all()
    asked = {each.line.patient_id for each in lines if each.line.patient_id is not None}
    passed_over = {each[0]: each[1] for each in skipped if each[0] not in asked}
    passed_over |= dict.fromkeys(_unreached(connection, row) - asked - passed_over.keys(), TURN_NOT_COME)
    ids = asked | passed_over.keys()
    keys = connection.execute(select(PATIENT.c.id, PATIENT.c.key).where(PATIENT.c.id.in_(ids)))
    patients = {each[0]: each[1] for each in keys}
    return Ledger(
        offer=row,
        lines=lines,
        skipped=tuple(sorted(passed_over.items())),
        patients=patients,
        words=_words(connection, lines),
        slot_key=row.slot_key,
        clinic_key=row.clinic_key,
        zone=row.timezone,
        winner_key=patients.get(row.winner_id),
        next_key=row.next_key,
    )


def _unreached(connection: Connection, offer: Row[Any]) -> set[int]:
    """Everybody who could have been asked and waits yet."""
    waiting = (WAITLIST.c.service_id == offer.service_id, WAITLIST.c.state == WaitlistState.ACTIVE)
    query = select(WAITLIST.c.patient_id).where(*waiting)
    if offer.closed_at is not None:
        query = query.where(WAITLIST.c.joined_at <= offer.closed_at)
    found = set(connection.execute(query).scalars())
    return found if offer.only is None else set(offer.only)


def _lines(connection: Connection, offer_id: int) -> tuple[Placed, ...]:
    rows = connection.execute(select(ENTRY).where(ENTRY.c.offer_id == offer_id).order_by(ENTRY.c.position, ENTRY.c.id))
    return tuple(Placed(row.position, _line(row), bytes(row.seal)) for row in rows)


def _line(row: Row[Any]) -> Line:
    return Line(
        step=row.step,
        at=row.at,
        patient_id=row.patient_id,
        number=None if row.number is None else bytes(row.number),
        wave=row.wave,
        inbox_id=row.inbox_id,
        received_at=row.received_at,
        outbox_key=row.outbox_key,
        appointment_id=row.appointment_id,
        reason=row.reason,
    )


def _words(connection: Connection, lines: Sequence[Placed]) -> dict[int, bytes]:
    ids = [each.line.inbox_id for each in lines if each.line.inbox_id is not None]
    rows = connection.execute(select(INBOX.c.id, INBOX.c.text).where(INBOX.c.id.in_(ids), INBOX.c.text.is_not(None)))
    return {row[0]: bytes(row[1]) for row in rows}


def unlike_inbox(connection: Connection, keys: Keys, lines: Sequence[Placed]) -> list[str]:
    """Where answers in a ledger are not as the inbox still has them: from another number, or at another time."""
    answers = {each.line.inbox_id: each for each in lines if each.line.inbox_id is not None}
    rows = connection.execute(select(INBOX.c.id, INBOX.c.number, INBOX.c.received_at).where(INBOX.c.id.in_(answers)))
    return [
        f"line {answers[row.id].position} is not the answer that was received"
        for row in rows
        if (number_digest(keys, row.number), row.received_at)
        != (answers[row.id].line.number, answers[row.id].line.received_at)
    ]
