"""Clinics and services: few, changed seldom, and read by every text, so each change counts a revision up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handlers.clerk.order import Order
from handlers.contact import e164, mobile
from handlers.entries import ClinicEntry, ServiceEntry
from handlers.refusals import Fault, Invalid
from models.register import CLINIC, SERVICE, bump_catalogue
from models.rows import Condition, Put, put


def put_clinic(order: Order, key: str, entry: ClinicEntry, condition: Condition) -> Put:
    """Make or change a clinic. Raises `Invalid` for numbers that cannot be, `Forbidden`, `StaleVersion`."""
    order.require_plain(key)
    order.require_clinic(key, "id")
    values = {
        "name": _names(order, entry.name),
        "number": _service_number(order, entry.number),
        "phone": entry.phone,
        "address": entry.address,
        "timezone": entry.timezone or order.rules.zone.key,
        "hours": {day: [list(span) for span in spans] for day, spans in entry.hours.items()},
        "cutoff": entry.cutoff,
        "urgent": _urgent(order, entry),
    }
    done = put(order.connection, CLINIC, key, values, condition=condition)
    return _recorded(order, "put_clinic", key, done)


def put_service(order: Order, key: str, entry: ServiceEntry, condition: Condition) -> Put:
    """Make or change a service, which all clinics share. Raises `Forbidden`, `StaleVersion`."""
    order.require_plain(key)
    order.require_all_clinics()
    values = {
        "name": _names(order, entry.name),
        "minutes": entry.minutes,
        "kind": entry.kind,
        "patient_may": sorted(set(entry.patient_may)),
        "cutoff": entry.cutoff,
        "lapse": entry.lapse,
        "reminder_steps": entry.reminder_steps,
        "synonyms": entry.synonyms,
    }
    done = put(order.connection, SERVICE, key, values, condition=condition)
    return _recorded(order, "put_service", key, done)


def _recorded(order: Order, action: str, key: str, done: Put) -> Put:
    if done.changed:
        bump_catalogue(order.connection)
        order.record(action, key=key, version=done.version)
    return done


def _names(order: Order, name: str | Mapping[str, str]) -> dict[str, str]:
    """A name for each language; one name for all where only one is given."""
    if isinstance(name, str):
        return dict.fromkeys(order.rules.languages, name)
    first = next(iter(name.values()))
    return {language: name.get(language, first) for language in {**dict.fromkeys(order.rules.languages), **name}}


def _service_number(order: Order, written: str) -> str:
    try:
        number = e164(written, order.rules.region)
    except ValueError as error:
        raise Invalid.because(str(error), "number") from None
    if order.rules.service_numbers and number not in order.rules.service_numbers:
        raise Invalid.because("expected one of the binds' numbers (config.toml, [[smpp]] numbers)", "number")
    return number


def _urgent(order: Order, entry: ClinicEntry) -> dict[str, Any]:
    urgent = entry.urgent.model_dump(exclude_none=True)
    if "on_call" in urgent:
        try:
            urgent["on_call"] = mobile(urgent["on_call"], order.rules.region)
        except ValueError as error:
            raise Invalid(Fault("urgent.on_call", str(error))) from None
    return urgent
