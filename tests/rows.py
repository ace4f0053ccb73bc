"""Rows of a made-up clinic for tests: whatever a test does not name is harmless. Every builder returns the row's id.

Call them inside a transaction. People have individual numbers 900-999, which are never given to anybody.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any, cast

from sqlalchemy import Connection, Row, Table, func, insert, select, update

from models.clinic import Clinic, Practitioner, Service
from models.crypto import Keys, open_text, seal_bytes, seal_text
from models.database import Database
from models.gathering import code_index
from models.patient import ContactNumber, FailedProof, Guardianship, Patient, Stop
from models.post import HandOver, Inbox, LinkSession, Outbox, Question, Thread
from models.queries import question_data
from models.register import bump_catalogue
from models.schedule import Appointment, Slot, SlotService
from models.states import (
    AppointmentStatus,
    HandOverReason,
    InboxState,
    OutboxState,
    Purpose,
    QuestionKind,
    QuestionState,
    SlotState,
    StopSource,
    ThreadState,
)
from parser.mask import mask

KEYS = Keys(b"the secret of a made-up clinic!!")
NOW = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)  # a Tuesday, noon in Helsinki
TOMORROW = datetime(2026, 3, 4, 7, 0, tzinfo=UTC)  # Wednesday at nine in Helsinki
CLINIC_NUMBER = "+358405550100"
PATIENT_NUMBER = "+358405550101"
CHECK_CHARACTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"
HALF_HOUR = timedelta(minutes=30)
_UNIQUE = count(1)


def identity_code(born: date = date(1980, 5, 17), individual: int = 900, separator: str = "") -> str:
    """A Finnish identity code with the right check character; *individual* from 900, which nobody is ever given."""
    if not 900 <= individual <= 999:
        raise ValueError("made-up people have individual numbers 900 to 999")
    digits = f"{born:%d%m%y}{individual}"
    sign = separator or ("A" if born.year >= 2000 else "-")
    return f"{born:%d%m%y}{sign}{individual}{CHECK_CHARACTERS[int(digits) % 31]}"


# --- the clinic ---------------------------------------------------------------------------------------------------


def a_clinic(connection: Connection, **values: Any) -> int:
    """A clinic at `CLINIC_NUMBER`, open on working days from eight to four."""
    week = {day: [["08:00", "16:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    harmless: dict[str, Any] = {
        "key": _key("clinic"),
        "name": {"fi": "Keskustan hammashoitola", "sv": "Centrums tandklinik", "en": "Centre Dental Clinic"},
        "number": CLINIC_NUMBER,
        "phone": "+358405550199",
        "address": "Esimerkkikatu 1",
        "timezone": "Europe/Helsinki",
        "hours": week,
        "urgent": {"emergency": "112", "advice": "116117"},
    }
    bump_catalogue(connection)
    return _insert(connection, Clinic, harmless | values)


def a_service(connection: Connection, **values: Any) -> int:
    """A check-up of half an hour, with which patients may do everything."""
    harmless: dict[str, Any] = {
        "key": _key("service"),
        "name": {"fi": "tarkastus", "sv": "undersökning", "en": "check-up"},
        "minutes": 30,
        "kind": "checkup",
        "patient_may": ["book", "cancel", "move", "confirm"],
        "cutoff": "24h",
        "synonyms": {},
    }
    bump_catalogue(connection)
    return _insert(connection, Service, harmless | values)


def a_practitioner(connection: Connection, **values: Any) -> int:
    """A practitioner."""
    return _insert(connection, Practitioner, {"key": _key("practitioner")} | values)


# --- people -------------------------------------------------------------------------------------------------------


def a_patient(
    connection: Connection,
    *,
    code: str | None = None,
    numbers: Collection[str] = (),
    proven_at: datetime = NOW,
    keys: Keys = KEYS,
    **values: Any,
) -> int:
    """An adult who agreed to everything. *code* is sealed and indexed; *numbers* are on file, the first one first."""
    harmless: dict[str, Any] = {
        "key": _key("patient"),
        "given_names": "Aino Maria",
        "family_name": "Esimerkki",
        "born_on": date(1980, 5, 17),
        "language": "fi",
        "consents": {"reminders": True, "care": True, "offers": True, "surveys": True},
        "created_at": NOW,
    }
    row = harmless | values
    if code is not None:
        row |= {
            "identity_code": seal_text(keys, "patient.identity_code", row["key"], code),
            "code_index": code_index(keys, code),
            "code_mask": mask(code),
        }
    patient = _insert(connection, Patient, row)
    for position, number in enumerate(numbers):
        a_number(connection, patient, number, position=position, proven_at=proven_at)
    return patient


def a_number(connection: Connection, patient: int, number: str = PATIENT_NUMBER, **values: Any) -> int:
    """A number on a patient's file, proven today."""
    return _insert(connection, ContactNumber, {"patient_id": patient, "number": number, "proven_at": NOW} | values)


def a_guardian(connection: Connection, guardian: int, dependant: int, until: date | None = None) -> int:
    """Let *guardian* act for *dependant*."""
    return _insert(connection, Guardianship, {"guardian_id": guardian, "dependant_id": dependant, "until": until})


def a_stop(connection: Connection, number: str = PATIENT_NUMBER, **values: Any) -> int:
    """The number's own stop for every purpose."""
    harmless = {"number": number, "purpose": None, "source": StopSource.STOP, "set_at": NOW}
    return _insert(connection, Stop, harmless | values)


def a_failure(connection: Connection, number: str = PATIENT_NUMBER, **values: Any) -> int:
    """A wrong code or date from the number, for nobody in particular."""
    return _insert(connection, FailedProof, {"number": number, "at": NOW} | values)


# --- the diary ----------------------------------------------------------------------------------------------------


def a_slot(
    connection: Connection,
    clinic: int,
    *services: int,
    starts_at: datetime = TOMORROW,
    minutes: int = 30,
    **values: Any,
) -> int:
    """A free half hour at *clinic* tomorrow morning, good for *services*."""
    harmless = {
        "key": _key("slot"),
        "clinic_id": clinic,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=minutes),
        "state": SlotState.FREE,
    }
    slot = _insert(connection, Slot, harmless | values)
    for service in services:
        connection.execute(insert(SlotService).values(slot_id=slot, service_id=service))
    return slot


def an_appointment(
    connection: Connection,
    patient: int,
    slot: int,
    service: int,
    status: AppointmentStatus = AppointmentStatus.BOOKED,
    **values: Any,
) -> int:
    """A visit in *slot*, which it takes as long as it is live."""
    place = the(connection, Slot, slot)
    if status.live:
        connection.execute(update(Slot).where(Slot.id == slot).values(state=SlotState.TAKEN))
    harmless = {
        "patient_id": patient,
        "clinic_id": place.clinic_id,
        "service_id": service,
        "practitioner_id": place.practitioner_id,
        "slot_id": slot,
        "starts_at": place.starts_at,
        "ends_at": place.ends_at,
        "status": status,
        "created_by": "api",
        "created_at": NOW,
        "changed_at": NOW,
    }
    return _insert(connection, Appointment, harmless | values)


# --- texts --------------------------------------------------------------------------------------------------------


def a_thread(connection: Connection, number: str = PATIENT_NUMBER, **values: Any) -> int:
    """The thread between *number* and the clinic, which the bot answers."""
    harmless = {
        "number": number,
        "service_number": CLINIC_NUMBER,
        "state": ThreadState.BOT,
        "last_text_at": NOW,
    }
    return _insert(connection, Thread, harmless | values)


def a_session(connection: Connection, **values: Any) -> int:
    """A session of a link that is bound."""
    harmless = {"gateway": "elsewhere:1:0", "bind": "main", "opened_at": NOW, "last_seen": NOW}
    return _insert(connection, LinkSession, harmless | values)


def a_received_text(
    connection: Connection,
    session: int,
    words: bytes = b"Moi",
    number: str = PATIENT_NUMBER,
    keys: Keys = KEYS,
    **values: Any,
) -> int:
    """A text in the inbox that nobody has handled; GSM 7-bit characters, one octet each."""
    digest = keys.blind(_key("digest"), "inbox.digest")
    harmless = {
        "bind": "main",
        "session_id": session,
        "number": number,
        "service_number": CLINIC_NUMBER,
        "digest": digest,
        "octets": seal_bytes(keys, "inbox.octets", digest.hex(), words),
        "coding": 0,
        "state": InboxState.NEW,
        "received_at": NOW,
    }
    return _insert(connection, Inbox, harmless | values)


def a_queued_text(
    connection: Connection, thread: int, body: str = "Muistutus ajastasi.", keys: Keys = KEYS, **values: Any
) -> int:
    """A reminder that is due now on *thread*."""
    row = the(connection, Thread, thread)
    harmless: dict[str, Any] = {
        "key": _key("reminder"),
        "thread_id": thread,
        "number": row.number,
        "service_number": row.service_number,
        "purpose": Purpose.REMINDERS,
        "lane": 3,
        "message": "reminder",
        "state": OutboxState.QUEUED,
        "due_at": NOW,
        "created_at": NOW,
    }
    values = harmless | values
    return _insert(connection, Outbox, {"body": seal_text(keys, "outbox.body", values["key"], body)} | values)


def a_question(connection: Connection, thread: int, keys: Keys = KEYS, **values: Any) -> int:
    """An open question of a reminder on *thread*, for a day."""
    key = _key("reminder")
    harmless: dict[str, Any] = {
        "thread_id": thread,
        "kind": QuestionKind.REMINDER,
        "state": QuestionState.OPEN,
        "outbox_key": key,
        "data": seal_text(keys, "question.data", key, question_data((), None)),
        "asked_at": NOW,
        "expires_at": NOW + timedelta(days=1),
    }
    return _insert(connection, Question, harmless | values)


def a_hand_over(connection: Connection, thread: int, **values: Any) -> int:
    """A thread that waits for a person because somebody asked for one."""
    harmless = {"thread_id": thread, "reason": HandOverReason.ASKED_FOR_PERSON, "opened_at": NOW}
    return _insert(connection, HandOver, harmless | values)


# --- looking ------------------------------------------------------------------------------------------------------


def the(connection: Connection, model: type[Any], id_: int) -> Row[Any]:
    """The row with this id."""
    return connection.execute(select(model.__table__).where(model.id == id_)).one()


def look(database: Database, model: type[Any], id_: int) -> Row[Any]:
    """The row with this id as it stands committed."""
    with database.reading() as connection:
        return the(connection, model, id_)


def rows_of(database: Database, model: type[Any], **where: Any) -> list[Row[Any]]:
    """The committed rows that have these values, in the order in which they were made."""
    query = select(model.__table__).filter_by(**where)
    with database.reading() as connection:
        return list(connection.execute(query.order_by(*cast(Table, model.__table__).primary_key)))


def how_many(database: Database, model: type[Any], **where: Any) -> int:
    """How many committed rows have these values."""
    with database.reading() as connection:
        query = select(func.count()).select_from(model.__table__).filter_by(**where)
        return int(connection.execute(query).scalar_one())


def written(row: Row[Any], keys: Keys = KEYS) -> str:
    """The words of an outbox row."""
    return open_text(keys, "outbox.body", row.key, row.body)


def _insert(connection: Connection, model: type[Any], values: Mapping[str, Any]) -> int:
    return int(connection.execute(insert(model.__table__).values(**values).returning(model.id)).scalar_one())


def _key(what: str) -> str:
    return f"{what}-{next(_UNIQUE)}"
