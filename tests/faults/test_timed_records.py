"""A few bad records among many: nobody else's reminder is stopped, and each bad one is on the list, with the reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, insert, select, update

import config
from app import create_app
from bench.world import build
from handlers.reminders import TimedRules
from handlers.rounds.planner import Planner
from handlers.rounds.reminders import ReminderRound
from models.access import make_key
from models.clinic import Clinic, Service
from models.patient import ContactNumber, Patient
from models.post import Outbox
from models.queries import APPOINTMENT
from models.register import bump_catalogue
from models.reminding import REMINDER
from tests.rows import KEYS, how_many

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)  # a Tuesday noon: no quiet hours
NO_NUMBER, BAD_NUMBER, NO_LANGUAGE, BAD_ZONE, FOLDER_ZONE, BAD_STEPS, NO_SERVICE, BAD_STATUS, SPOILT = range(
    3, 990, 120
)
WHY = {
    NO_NUMBER: "no_number",
    BAD_ZONE: "data_error",
    FOLDER_ZONE: "data_error",
    BAD_STEPS: "data_error",
    NO_SERVICE: "data_error",
}


def spoil(database) -> None:
    """Break the records of a few patients: what an import gone wrong, or an old program, may leave."""
    with database.transaction() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # foreign keys sleep
        connection.execute(delete(ContactNumber).where(ContactNumber.patient_id == NO_NUMBER))
        connection.execute(update(ContactNumber).where(ContactNumber.patient_id == BAD_NUMBER).values(number="040?"))
        connection.execute(update(Patient).where(Patient.id == NO_LANGUAGE).values(language="xx"))
        for patient, clinic, zone in ((BAD_ZONE, 2, "Mars/Olympus"), (FOLDER_ZONE, 3, "Europe")):
            _copy(connection, Clinic, clinic, timezone=zone)
            visit_of(connection, patient, clinic_id=clinic)
        _copy(connection, Service, 2, reminder_steps=["soon"])
        visit_of(connection, BAD_STEPS, service_id=2)
        bump_catalogue(connection)
    _lose_service(database)


def _lose_service(database) -> None:
    """A visit whose service is gone; on SQLite foreign keys can only sleep outside of a transaction."""
    connection = database.writer.raw_connection()
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = OFF" if database.is_sqlite else "SET session_replication_role = replica")
    cursor.execute(f"UPDATE appointment SET service_id = 77 WHERE patient_id = {NO_SERVICE}")
    cursor.execute("PRAGMA foreign_keys = ON" if database.is_sqlite else "RESET session_replication_role")
    connection.commit()
    connection.close()


def _copy(connection, model, id_: int, **values) -> None:
    row = connection.execute(select(model.__table__)).first()
    connection.execute(insert(model).values(row._asdict() | {"id": id_, "key": f"bad-{id_}"} | values))


def visit_of(connection, patient: int, **values) -> None:
    """Change the visit of *patient*."""
    mine = update(APPOINTMENT).where(APPOINTMENT.c.patient_id == patient)
    connection.execute(mine.values(version=APPOINTMENT.c.version + 1, **values))


def carry_out(database) -> None:
    """Plan all visits, and have all first reminders fall due."""
    planner, rounds = Planner(database, TimedRules()), ReminderRound(database, KEYS, TimedRules())
    while planner.run(NOW):
        pass
    with database.transaction() as connection:
        connection.execute(update(REMINDER).where(REMINDER.c.step == "3d").values(due_at=NOW - timedelta(seconds=1)))
    while rounds.run(NOW):
        pass


def not_reminded(database, folder) -> dict[str, str]:
    """By patient, as a clinic's program reads it."""
    (folder / "config.toml").write_text("")
    settings = config.load(folder / "config.toml", {})
    with database.transaction() as connection:
        key = make_key(connection, KEYS, "reader", ["read"], None, NOW)
    program = create_app(settings, database, KEYS, clock=lambda: NOW).test_client()
    headers = {"Authorization": f"Bearer {key}"}
    items = program.get("/api/v1/reminders?state=not_sent&limit=1000", headers=headers).json["items"]
    return {item["patient"]: item["reason"] for item in items}


def everybody_else_is_reminded(database, folder, patients: int) -> None:
    build(database, KEYS, patients, NOW)
    spoil(database)

    carry_out(database)

    assert not_reminded(database, folder) == {f"p-{patient}": why for patient, why in WHY.items()}
    assert how_many(database, Outbox) == patients - len(WHY)


def test_a_bad_record_among_a_thousand_stops_nobody_elses_reminder(database, tmp_path):
    everybody_else_is_reminded(database, tmp_path, 1000)


@pytest.mark.long
def test_a_bad_record_among_ten_thousand_stops_nobody_elses_reminder(database, tmp_path):
    everybody_else_is_reminded(database, tmp_path, 10_000)
