"""Offers that staff start and stop."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from handlers.clerk.once import Once, once
from handlers.clerk.order import Order
from handlers.entries import OfferEntry
from handlers.offers import last_answer, next_wave
from handlers.refusals import Clash, Fault, Invalid, Unknown
from models import queries
from models.candidates import new_code, new_key
from models.diary import SLOT, SLOT_SERVICE, slots, slots_where
from models.offering import OFFER, NewOffer, end, open_offer
from models.register import PATIENT, in_clinics
from models.rows import ids_by_key
from models.states import OfferState, SlotState


def start(order: Order, entry: OfferEntry, request: Once | None) -> str:
    """Offer a free slot; returns the offer's key, the same for a repeated request.

    Raises `Invalid`, `Forbidden`, `Clash` (the slot is taken, offered already, or begins too soon).
    """
    return str(once(order, request, lambda: {"key": _start(order, entry)})["key"])


def _start(order: Order, entry: OfferEntry) -> str:
    rules = order.rules.offers
    row = _slot(order, entry.slot)
    clinic = queries.read_catalogue(order.connection).clinics[row.clinic_id]
    until = min(entry.deadline or last_answer(row.starts_at, rules), row.starts_at)
    wave = next_wave(order.now, until, clinic, rules)
    if wave is None:
        raise Clash.because("there is no time left to ask anybody before the visit", "slot")
    new = NewOffer(
        key=new_key(),
        slot_id=row.id,
        clinic_id=row.clinic_id,
        service_id=_service(order, row.id, entry),
        code=new_code(order.connection),
        wave_size=entry.wave_size or rules.wave_size,
        wave_minutes=entry.wave_minutes or rules.wave_minutes,
        deadline=until,
        next_wave_at=wave,
        created_by=order.actor.name,
        only=_patients(order, entry),
    )
    id_ = open_offer(order.connection, order.keys, new, row.version, order.now)
    if id_ is None:
        raise Clash.because("somebody else has just changed this slot", "slot")
    order.record("opened_offer", offer=id_, slot=row.id)
    return new.key


def withdraw(order: Order, key: str) -> None:
    """Stop an offer; stopping one that has ended is harmless. Raises `Unknown`."""
    mine = select(OFFER).where(OFFER.c.key == key, in_clinics(OFFER.c.clinic_id, order.actor.clinics))
    row = order.connection.execute(mine).first()
    if row is None:
        raise Unknown.because("no such offer")
    if end(order.connection, order.keys, row.id, OfferState.WITHDRAWN, "staff stopped it", order.now):
        order.record("withdrew_offer", offer=row.id)


def _slot(order: Order, key: str) -> Row[Any]:
    found = slots(order.connection, slots_where(SLOT.c.key == key))
    if not found:
        raise Invalid.because("no such slot", "slot")
    order.require_clinic(found[0].row.clinic_key, "slot")
    row: Row[Any] = found[0].row
    running = select(OFFER.c.id).where(OFFER.c.slot_id == row.id, OFFER.c.state == OfferState.OPEN)
    if order.connection.execute(running).first() is not None:
        raise Clash.because("this slot is being offered already", "slot")
    if row.state not in (SlotState.FREE, SlotState.HELD) or row.starts_at <= order.now:
        raise Clash.because("this slot is not free", "slot")
    return row


def _service(order: Order, slot_id: int, entry: OfferEntry) -> int:
    good_for = select(SLOT_SERVICE.c.service_id).where(SLOT_SERVICE.c.slot_id == slot_id)
    ids: list[int] = [row[0] for row in order.connection.execute(good_for)]
    if entry.service is not None:
        services = queries.read_catalogue(order.connection).services
        ids = [id_ for id_ in ids if services[id_].key == entry.service]
    if len(ids) != 1:
        why = "the slot cannot be used for it" if entry.service else "the slot has several services: say which"
        raise Invalid.because(why, "service")
    return ids[0]


def _patients(order: Order, entry: OfferEntry) -> tuple[int, ...] | None:
    if entry.patients is None:
        return None
    ids = ids_by_key(order.connection, PATIENT, set(entry.patients))
    faults = [Fault(f"patients[{n}]", "no such patient") for n, key in enumerate(entry.patients) if key not in ids]
    if faults:
        raise Invalid(*faults)
    return tuple(dict.fromkeys(ids[key] for key in entry.patients))
