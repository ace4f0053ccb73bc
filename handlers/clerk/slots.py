"""Slots of the diary, one or a thousand at once: all written or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, select

from handlers.clerk.order import Order
from handlers.entries import SlotEntry
from handlers.refusals import Clash, Fault, Forbidden, Invalid, Unknown, raise_first
from models.diary import SlotValues, insert_slots, stored_slots, update_slot, withdraw_slot
from models.offering import end_on_slots
from models.register import CLINIC, SERVICE, in_clinics, practitioner_ids
from models.rows import ANY, Condition, ids_by_key
from models.states import SlotState


@dataclass(frozen=True, slots=True)
class SlotOrder:
    """A slot to be written: its key, what is said of it, and how its faults are named ("slots[3]")."""

    key: str
    entry: SlotEntry
    path: str = ""


@dataclass(slots=True)
class _Known:
    """The ids of everything that the slots refer to."""

    clinics: dict[str, int]
    services: dict[str, int]
    practitioners: dict[str, int] = field(default_factory=dict)


def put_slots(order: Order, slots: Sequence[SlotOrder], condition: Condition = ANY) -> set[str]:
    """Write the slots; returns the keys of those that are new.

    A taken slot stays as its appointment has it. Raises `Forbidden`, `Invalid` or `Clash` with every fault, and
    `StaleVersion`.
    """
    for slot in slots:
        order.require_plain(slot.key, slot.path)
    known = _look_up(order, slots)
    raise_first(
        (Forbidden, _foreign(order, slots)),
        (Invalid, [fault for slot in slots for fault in _unknown(slot, known)]),
    )
    known.practitioners = practitioner_ids(
        order.connection, {slot.entry.practitioner for slot in slots if slot.entry.practitioner is not None}
    )
    values = [_values(slot, known) for slot in slots]
    stored = stored_slots(order.connection, [each.key for each in values])
    for each in values:
        condition.check(row.version if (row := stored.rows.get(each.key)) else None)
    changed = [each for each in values if each.key in stored.rows and stored.differs(each)]
    _refuse_taken(order, slots, {each.key for each in changed}, stored.rows)
    _end_offers(order, [stored.rows[each.key].id for each in changed])
    new = [each for each in values if each.key not in stored.rows]
    insert_slots(order.connection, new)
    for each in changed:
        update_slot(order.connection, stored, each)
    if new or changed:
        order.record("put_slots", new=len(new), changed=len(changed))
    return {each.key for each in new}


def delete_slot(order: Order, key: str, condition: Condition) -> None:
    """Take a slot off the diary. Raises `Unknown`, `Clash` when an appointment has it, `StaleVersion`."""
    row = stored_slots(order.connection, [key]).rows.get(key)
    if row is None or not _is_theirs(order, row.clinic_id):
        raise Unknown.because("no such slot")
    condition.check(row.version)
    if row.state is SlotState.WITHDRAWN:
        return
    _end_offers(order, [row.id])
    if not withdraw_slot(order.connection, row.id):
        raise Clash.because("an appointment has this slot: move or cancel it first")
    order.record("withdraw_slot", slot=row.id)


def _end_offers(order: Order, slots: Sequence[int]) -> None:
    """What is changed by staff is no longer the time that was offered."""
    end_on_slots(order.connection, order.keys, slots, "staff changed the time", order.now)


def _look_up(order: Order, slots: Sequence[SlotOrder]) -> _Known:
    return _Known(
        clinics=ids_by_key(order.connection, CLINIC, {slot.entry.clinic for slot in slots}),
        services=ids_by_key(order.connection, SERVICE, {key for slot in slots for key in slot.entry.services}),
    )


def _foreign(order: Order, slots: Sequence[SlotOrder]) -> list[Fault]:
    reason = "this clinic is not one of yours"
    return [Fault("clinic", reason).inside(s.path) for s in slots if not order.actor.may_touch(s.entry.clinic)]


def _unknown(slot: SlotOrder, known: _Known) -> list[Fault]:
    faults = [
        Fault(f"services[{index}]", "no such service").inside(slot.path)
        for index, service in enumerate(slot.entry.services)
        if service not in known.services
    ]
    if slot.entry.clinic not in known.clinics:
        faults.append(Fault("clinic", "no such clinic").inside(slot.path))
    return faults


def _values(slot: SlotOrder, known: _Known) -> SlotValues:
    entry = slot.entry
    return SlotValues(
        key=slot.key,
        clinic_id=known.clinics[entry.clinic],
        practitioner_id=None if entry.practitioner is None else known.practitioners[entry.practitioner],
        starts_at=entry.start,
        ends_at=entry.end,
        state=None if entry.state is None else SlotState(entry.state),
        services=frozenset(known.services[key] for key in entry.services),
    )


def _refuse_taken(order: Order, slots: Sequence[SlotOrder], changed: set[str], rows: Mapping[str, Row[Any]]) -> None:
    """Refuse to change a slot that an appointment has, or that is another clinic's."""
    mine = {slot.key: slot.path for slot in slots if slot.key in changed}
    raise_first(
        (
            Forbidden,
            [
                Fault(path, "another clinic has a slot with this id")
                for key, path in mine.items()
                if not _is_theirs(order, rows[key].clinic_id)
            ],
        ),
        (
            Clash,
            [
                Fault(path, "an appointment has this slot: move or cancel it first")
                for key, path in mine.items()
                if rows[key].state is SlotState.TAKEN
            ],
        ),
    )


def _is_theirs(order: Order, clinic_id: int) -> bool:
    return (
        order.connection.execute(
            select(CLINIC.c.id).where(CLINIC.c.id == clinic_id, in_clinics(CLINIC.c.id, order.actor.clinics))
        ).first()
        is not None
    )
