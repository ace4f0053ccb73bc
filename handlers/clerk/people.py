"""People's files: who they are, where they are reached, whom they may act for, what they agreed to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Row, select

from handlers.clerk.order import Order
from handlers.codes import canonical
from handlers.contact import mobile
from handlers.entries import NumberEntry, PatientEntry
from handlers.permission import DEFAULTS
from handlers.refusals import Clash, Fault, Invalid, Unknown
from models.crypto import seal_text
from models.register import (
    PATIENT,
    NumberValues,
    erase,
    has_coming_visits,
    last_told,
    numbers_of,
    record_consents,
    replace_dependants,
    replace_numbers,
    seen_by,
    withdraw_for,
    withdraw_purposes,
)
from models.rows import Condition, Put, change, find, ids_by_key, insert_row
from parser.identity import birth_date
from parser.mask import mask

CODE_INDEX = "patient.identity_code"  # the purpose of the blind index, and the column of the sealed code


@dataclass(slots=True)
class _Checked:
    """An entry, normalised: numbers in E.164, dependants by id, the code as it is looked up; and what is wrong."""

    numbers: list[NumberValues] | None = None
    dependants: dict[int, date | None] | None = None
    code: str | None = None
    faults: list[Fault] = field(default_factory=list)


def put_patient(order: Order, key: str, entry: PatientEntry, condition: Condition) -> Put:
    """Make or change a patient's file. Left out fields stay as they are.

    Raises `Invalid`, `Unknown` (a patient of other clinics), `Clash` (somebody else's identity code), `StaleVersion`.
    """
    order.require_plain(key)
    row = find(order.connection, PATIENT, key, lock=True)
    if row is not None:
        _require_seen(order, row)
    condition.check(None if row is None else row.version)
    checked = _check(order, key, row, entry)
    if checked.faults:
        raise Invalid(*checked.faults)
    if row is None:
        return _make(order, key, entry, checked)
    return _change(order, row, entry, checked)


def erase_person(order: Order, key: str) -> None:
    """Erase a person's file and texts. Their visits and audit lines stay, with an id that leads to nobody.

    Raises `Unknown`, and `Clash` while they have coming visits, which somebody must cancel first.
    """
    row = find(order.connection, PATIENT, key, lock=True)
    if row is None:
        raise Unknown.because("no such patient")
    if has_coming_visits(order.connection, row.id, order.now):
        raise Clash.because("this patient has coming visits: cancel them first")
    erase(order.connection, row.id)
    order.record("erase_person", patient_id=row.id)


def _require_seen(order: Order, row: Row[Any]) -> None:
    clinics = order.actor.clinics
    if clinics is None:
        return
    seen = select(PATIENT.c.id).where(PATIENT.c.id == row.id, seen_by(clinics))
    if order.connection.execute(seen).first() is None:
        raise Unknown.because("no such patient")


# --- checking -----------------------------------------------------------------------------------------------------


def _check(order: Order, key: str, row: Row[Any] | None, entry: PatientEntry) -> _Checked:
    checked = _Checked()
    if entry.language is not None and entry.language not in order.rules.languages:
        checked.faults.append(Fault("language", f"expected one of {', '.join(order.rules.languages)}"))
    _check_code(order, row, entry, checked)
    _check_numbers(order, entry, checked)
    _check_dependants(order, key, entry, checked)
    return checked


def _check_code(order: Order, row: Row[Any] | None, entry: PatientEntry, checked: _Checked) -> None:
    if entry.identity_code is None or (row is not None and entry.identity_code == row.code_mask):
        return  # what a GET returned says nothing new
    code = canonical(entry.identity_code, order.rules.region, order.today)
    if code is None:
        checked.faults.append(Fault("identity_code", "expected a valid personal identity code, with its separator"))
        return
    checked.code = code
    holder = order.connection.execute(
        select(PATIENT.c.id).where(PATIENT.c.code_index == order.keys.blind(code, CODE_INDEX))
    ).scalar()
    if holder is not None and (row is None or holder != row.id):
        raise Clash.because("another patient has this identity code", "identity_code")


def _check_numbers(order: Order, entry: PatientEntry, checked: _Checked) -> None:
    if entry.numbers is None:
        return
    numbers: dict[str, NumberValues] = {}
    for index, given in enumerate(entry.numbers):
        each = given if isinstance(given, NumberEntry) else NumberEntry(number=given)
        try:
            number = mobile(each.number, order.rules.region)
        except ValueError as error:
            checked.faults.append(Fault(f"numbers[{index}]", str(error)))
            continue
        if each.proven_at is not None and each.proven_at > order.now:
            checked.faults.append(Fault(f"numbers[{index}].proven_at", "expected a time that has been"))
        numbers.setdefault(number, NumberValues(number, each.source, each.proven_at))
    checked.numbers = list(numbers.values())


def _check_dependants(order: Order, key: str, entry: PatientEntry, checked: _Checked) -> None:
    if entry.dependants is None:
        return
    ids = ids_by_key(order.connection, PATIENT, {each.patient for each in entry.dependants})
    checked.dependants = {}
    for index, each in enumerate(entry.dependants):
        if each.patient == key:
            checked.faults.append(Fault(f"dependants[{index}].patient", "nobody is their own dependant"))
        elif each.patient not in ids:
            checked.faults.append(Fault(f"dependants[{index}].patient", "no such patient"))
        else:
            checked.dependants[ids[each.patient]] = each.until


# --- writing ------------------------------------------------------------------------------------------------------


def _make(order: Order, key: str, entry: PatientEntry, checked: _Checked) -> Put:
    given = _given(entry)
    values = {
        "key": key,
        **_values(order, key, entry, checked),
        "consents": {**DEFAULTS, **given},
        "created_at": order.now,
    }
    id_ = insert_row(order.connection, PATIENT, values)
    record_consents(order.connection, id_, given, "api", order.now)
    _write_links(order, id_, checked)
    order.record("put_patient", patient_id=id_, version=1)
    return Put(id_, 1, created=True, changed=True)


def _change(order: Order, row: Row[Any], entry: PatientEntry, checked: _Checked) -> Put:
    values = _values(order, row.key, entry, checked) | _news_of_consents(order, row, entry)
    new = {name: value for name, value in values.items() if getattr(row, name) != value}
    linked = _write_links(order, row.id, checked)
    if not (new or linked):
        return Put(row.id, row.version, created=False, changed=False)
    change(order.connection, PATIENT, row.id, row.version, new)
    _withdraw(order, row, new)
    order.record("put_patient", patient_id=row.id, version=row.version + 1, fields=sorted(new))
    return Put(row.id, row.version + 1, created=False, changed=True)


def _values(order: Order, key: str, entry: PatientEntry, checked: _Checked) -> dict[str, Any]:
    """The columns that the entry speaks of."""
    values: dict[str, Any] = {"given_names": entry.given_names, "family_name": entry.family_name}
    for name in ("language", "do_not_text", "deceased", "acts_from_12"):
        if (value := getattr(entry, name)) is not None:
            values[name] = value
    if entry.deceased is not None:
        values["silenced"] = False  # the clinic has checked what a text said
    if checked.code is not None:
        values |= _code_columns(order, key, checked.code)
    return values


def _code_columns(order: Order, key: str, code: str) -> dict[str, Any]:
    index = order.keys.blind(code, CODE_INDEX)
    stored = order.connection.execute(
        select(PATIENT.c.identity_code).where(PATIENT.c.key == key, PATIENT.c.code_index == index)
    ).scalar()
    return {
        "identity_code": stored or seal_text(order.keys, CODE_INDEX, key, code),
        "code_index": index,
        "code_mask": mask(code),
        "born_on": birth_date(code, order.rules.region),
    }


def _given(entry: PatientEntry) -> dict[str, bool]:
    return entry.consents.model_dump(exclude_none=True)


def _news_of_consents(order: Order, row: Row[Any], entry: PatientEntry) -> dict[str, Any]:
    """The consents with what the entry says anew, recorded.

    A program that repeats what it last told us brings no news: it must not undo what the patient has said since then.
    """
    told = last_told(order.connection, row.id, "api")
    news = {
        purpose: granted
        for purpose, granted in _given(entry).items()
        if granted != told.get(purpose, row.consents.get(purpose, DEFAULTS[purpose]))
    }
    record_consents(order.connection, row.id, news, "api", order.now)
    return {"consents": {**row.consents, **news}}


def _write_links(order: Order, patient_id: int, checked: _Checked) -> bool:
    changed = False
    if checked.numbers is not None:
        changed |= replace_numbers(order.connection, patient_id, checked.numbers, order.now)
    if checked.dependants is not None:
        changed |= replace_dependants(order.connection, patient_id, checked.dependants)
    return changed


def _withdraw(order: Order, row: Row[Any], new: Mapping[str, Any]) -> None:
    """Withdraw queued texts that may no longer go."""
    for name in ("do_not_text", "deceased"):
        if new.get(name):
            withdraw_for(order.connection, row.id, numbers_of(order.connection, row.id), name, order.now)
    objected = [purpose for purpose, granted in new.get("consents", {}).items() if not granted]
    if objected:
        withdraw_purposes(order.connection, row.id, objected, "objection", order.now)
