"""A clinic of any size, written straight into the database: patients with a visit each, and free times to book."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Table, insert

from models.clinic import Catalogue, Clinic, Practitioner, Service
from models.crypto import Keys, seal_text
from models.database import Database
from models.gathering import code_index
from models.patient import ContactNumber, Patient
from models.schedule import Appointment, Slot, SlotService
from models.states import AppointmentStatus, SlotState

ZONE = ZoneInfo("Europe/Helsinki")
SERVICE_NUMBER = "+358405550100"
CHECK = "0123456789ABCDEFHJKLMNPRSTUVWXY"
ROWS = 10_000  # written at a time
FIRST_BIRTH = date(1920, 1, 1)
WISH_DAYS = 100  # working days on which bookings are wished for, from next week on
VISIT_DAYS = 60  # further working days, over which the visits that stand are spread
CHAIRS = 4  # slots at the same time
MINUTES = 20
LANGUAGES = ("fi", "sv", "en")


@dataclass(frozen=True, slots=True)
class Person:
    """A made-up patient: individual numbers 900-999 are never given to anybody."""

    id: int
    code: str
    number: str
    language: str
    wish: date  # the day on which they want a new time, in the morning or (odd ids) in the afternoon


def person(index: int, days: list[date]) -> Person:
    """The *index*-th patient (from 0)."""
    born = FIRST_BIRTH + timedelta(days=index // 100 % 36_500)
    sign = "-" if born.year < 2000 else "A"
    digits = f"{born:%d%m%y}{900 + index % 100}"
    code = f"{born:%d%m%y}{sign}{900 + index % 100}{CHECK[int(digits) % 31]}"
    return Person(
        id=index + 1,
        code=code,
        number=f"+35850{1_000_000 + index}",
        language=LANGUAGES[index % 3],
        wish=days[index // 2 % WISH_DAYS],
    )


def working_days(now: datetime) -> list[date]:
    """The Mondays to Fridays from the week after next on, which no cut-off has passed; as many as the diary is open."""
    monday = now.astimezone(ZONE).date() + timedelta(days=14 - now.astimezone(ZONE).weekday())
    days = (monday + timedelta(days=offset) for offset in range(1000))
    return list(islice((day for day in days if day.weekday() < 5), WISH_DAYS + VISIT_DAYS))


def build(database: Database, keys: Keys, patients: int, now: datetime) -> list[Person]:
    """Fill an empty *database* with *patients* and return them; each has one visit, booked for a later month."""
    days = working_days(now)
    people = [person(index, days) for index in range(patients)]
    with database.transaction() as connection:
        _clinic(connection)
        _free_slots(connection, days[:WISH_DAYS])
        _write(connection, Patient, (_patient(keys, one, now) for one in people))
        _write(connection, ContactNumber, (_number(one, now) for one in people))
        _visits(connection, people, days[WISH_DAYS:], now)
    _analyse(database)
    return people


def _clinic(connection: Connection) -> None:
    clinic = {
        "id": 1,
        "key": "centre",
        "name": {"fi": "Keskustan hoitola", "sv": "Centrums klinik", "en": "Centre clinic"},
        "number": SERVICE_NUMBER,
        "phone": "09 555 0100",
        "address": "",
        "timezone": ZONE.key,
        "hours": {day: [["08:00", "16:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
        "cutoff": "24h",
        "urgent": {"emergency": "112", "advice": "116117"},
        "version": 1,
    }
    service = {
        "id": 1,
        "key": "check-up",
        "name": {"fi": "Tarkastus", "sv": "Kontroll", "en": "Check-up"},
        "minutes": MINUTES,
        "kind": "checkup",
        "patient_may": ["book", "cancel", "move", "confirm"],
        "synonyms": {},
        "version": 1,
    }
    _write(connection, Clinic, [clinic])
    _write(connection, Service, [service])
    _write(connection, Practitioner, [{"id": n + 1, "key": f"dentist-{n}", "name": ""} for n in range(CHAIRS)])
    _write(connection, Catalogue, [{"id": 1, "revision": 1}])


def _free_slots(connection: Connection, days: Iterable[date]) -> None:
    slots = list(_slots(days))
    _write(connection, Slot, slots)
    _write(connection, SlotService, ({"slot_id": slot["id"], "service_id": 1} for slot in slots))


def _slots(days: Iterable[date]) -> Iterator[dict[str, Any]]:
    number = 0
    for day in days:
        for step in range(24):  # 8.00 to 15.40
            for chair in range(CHAIRS):
                number += 1
                yield _slot(number, day, step, chair, SlotState.FREE)


def _slot(number: int, day: date, step: int, chair: int, state: SlotState) -> dict[str, Any]:
    start = datetime.combine(day, time(8), ZONE).astimezone(UTC) + step * timedelta(minutes=MINUTES)
    return {
        "id": number,
        "key": f"slot-{number}",
        "clinic_id": 1,
        "practitioner_id": chair % CHAIRS + 1,
        "starts_at": start,
        "ends_at": start + timedelta(minutes=MINUTES),
        "state": state,
        "version": 1,
    }


def _patient(keys: Keys, one: Person, now: datetime) -> dict[str, Any]:
    key = f"p-{one.id}"
    return {
        "id": one.id,
        "key": key,
        "identity_code": seal_text(keys, "patient.identity_code", key, one.code),
        "code_index": code_index(keys, one.code),
        "code_mask": f"{one.code[:6]}-****",
        "given_names": "Elli",
        "family_name": "Esimerkki",
        "born_on": FIRST_BIRTH + timedelta(days=(one.id - 1) // 100 % 36_500),
        "language": one.language,
        "do_not_text": False,
        "deceased": False,
        "silenced": False,
        "acts_from_12": False,
        "consents": {"reminders": True, "care": False, "offers": False, "surveys": True},
        "created_at": now,
        "version": 1,
    }


def _number(one: Person, now: datetime) -> dict[str, Any]:
    return {
        "patient_id": one.id,
        "number": one.number,
        "position": 0,
        "source": "clinic",
        "proven_at": now,
        "failed_at": None,
    }


def _visits(connection: Connection, people: list[Person], days: list[date], now: datetime) -> None:
    first = WISH_DAYS * 24 * CHAIRS + 1
    where = [(days[n % len(days)], n // len(days) % 24) for n in range(len(people))]
    slots = [_slot(first + n, day, step, n, SlotState.TAKEN) for n, (day, step) in enumerate(where)]
    _write(connection, Slot, slots)
    _write(connection, SlotService, ({"slot_id": slot["id"], "service_id": 1} for slot in slots))
    _write(connection, Appointment, (_visit(one, slot, now) for one, slot in zip(people, slots, strict=True)))


def _visit(one: Person, slot: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "patient_id": one.id,
        "clinic_id": 1,
        "service_id": 1,
        "practitioner_id": slot["practitioner_id"],
        "slot_id": slot["id"],
        "starts_at": slot["starts_at"],
        "ends_at": slot["ends_at"],
        "status": AppointmentStatus.BOOKED,
        "created_by": "api",
        "created_at": now,
        "changed_at": now,
        "version": 1,
    }


def _write(connection: Connection, model: type[Any], rows: Iterable[dict[str, Any]]) -> None:
    table = cast(Table, model.__table__)
    waiting = iter(rows)
    while chunk := list(islice(waiting, ROWS)):
        connection.execute(insert(table), chunk)


def _analyse(database: Database) -> None:
    """Let the planner know the sizes; on PostgreSQL the sequences must follow the ids that we gave."""
    with database.transaction() as connection:
        if not database.is_sqlite:
            for table in ("clinic", "service", "practitioner", "patient", "slot"):
                connection.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
                )
        connection.exec_driver_sql("ANALYZE")
