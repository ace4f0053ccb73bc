"""Clinics, services and people as the clinic's own system knows them: written and read by its keys."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import Connection, Row, Table, and_, delete, exists, insert, or_, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ColumnElement

from models.applying import UNSETTLED, withdraw
from models.clinic import Catalogue, Clinic, Practitioner, Service
from models.events import event, tell
from models.offer import OfferSkipped, WaitlistEntry
from models.patient import Consent, ContactNumber, FailedProof, Guardianship, Patient
from models.post import Outbox, Thread
from models.rows import ids_by_key
from models.schedule import Appointment
from models.states import COMING, Purpose

CLINIC = cast(Table, Clinic.__table__)
SERVICE = cast(Table, Service.__table__)
PRACTITIONER = cast(Table, Practitioner.__table__)
PATIENT = cast(Table, Patient.__table__)
NUMBER = cast(Table, ContactNumber.__table__)
GUARDIAN = cast(Table, Guardianship.__table__)
CONSENT = cast(Table, Consent.__table__)
FAILED = cast(Table, FailedProof.__table__)
CATALOGUE = cast(Table, Catalogue.__table__)
APPOINTMENT = cast(Table, Appointment.__table__)
OUTBOX = cast(Table, Outbox.__table__)
THREAD = cast(Table, Thread.__table__)

MOST_FOUND = 50  # people that a search by name returns


# --- clinics, services, practitioners -----------------------------------------------------------------------------


def bump_catalogue(connection: Connection) -> None:
    """Count the catalogue's revision up, so that every reader of clinics and services reads them anew."""
    dialect = {"sqlite": sqlite, "postgresql": postgresql}[connection.dialect.name]
    first = dialect.insert(CATALOGUE).values(id=1, revision=1)
    connection.execute(first.on_conflict_do_update(index_elements=["id"], set_={"revision": CATALOGUE.c.revision + 1}))


def practitioner_ids(connection: Connection, keys: Collection[str]) -> dict[str, int]:
    """The practitioners with these keys. One who is mentioned for the first time is made."""
    if not keys:
        return {}
    dialect = {"sqlite": sqlite, "postgresql": postgresql}[connection.dialect.name]
    connection.execute(
        dialect.insert(PRACTITIONER).on_conflict_do_nothing(index_elements=["key"]),
        [{"key": key, "name": ""} for key in sorted(keys)],
    )
    return ids_by_key(connection, PRACTITIONER, keys)


def listed(connection: Connection, table: Table, after: int, limit: int) -> Sequence[Row[Any]]:
    """Rows of a small table in the order in which they were made."""
    return connection.execute(select(table).where(table.c.id > after).order_by(table.c.id).limit(limit)).all()


# --- people: writing ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NumberValues:
    """A contact number for a file. *proven_at* None: as it was, or now for a new one."""

    number: str
    source: str
    proven_at: datetime | None


def replace_numbers(connection: Connection, patient_id: int, numbers: Sequence[NumberValues], now: datetime) -> bool:
    """Make *numbers* the file's numbers, in this order; returns whether that changed anything.

    Texts queued for this person to a number that leaves the file are withdrawn.
    """
    rows = connection.execute(select(NUMBER).where(NUMBER.c.patient_id == patient_id)).all()
    there = {row.number: row for row in rows}
    gone = there.keys() - {each.number for each in numbers}
    if gone:
        connection.execute(delete(NUMBER).where(NUMBER.c.patient_id == patient_id, NUMBER.c.number.in_(gone)))
        withdraw(connection, and_(_queued_for(patient_id), OUTBOX.c.number.in_(gone)), "number_left_file", now)
    changed = bool(gone)
    for position, each in enumerate(numbers):
        row = there.get(each.number)
        if row is None:
            changed = True
            connection.execute(
                insert(NUMBER).values(
                    patient_id=patient_id,
                    number=each.number,
                    position=position,
                    source=each.source,
                    proven_at=each.proven_at or now,
                )
            )
        else:
            changed |= _keep_number(connection, row, each, position)
    return changed


def _keep_number(connection: Connection, row: Row[Any], new: NumberValues, position: int) -> bool:
    """Bring a number that stays on file up to date. A newer proof ends an earlier failure."""
    values: dict[str, Any] = {"position": position, "source": new.source}
    if new.proven_at is not None and new.proven_at > row.proven_at:
        values |= {"proven_at": new.proven_at}
        if row.failed_at is not None and new.proven_at > row.failed_at:
            values |= {"failed_at": None}
    if all(getattr(row, name) == value for name, value in values.items()):
        return False
    connection.execute(update(NUMBER).where(NUMBER.c.id == row.id).values(**values))
    return True


def replace_dependants(connection: Connection, guardian_id: int, links: Mapping[int, date | None]) -> bool:
    """Make *links* (dependant → until when) all that this person may act for; returns whether that changed anything."""
    rows = connection.execute(
        select(GUARDIAN.c.dependant_id, GUARDIAN.c.until).where(GUARDIAN.c.guardian_id == guardian_id)
    )
    if {row[0]: row[1] for row in rows} == dict(links):
        return False
    connection.execute(delete(GUARDIAN).where(GUARDIAN.c.guardian_id == guardian_id))
    new = [{"guardian_id": guardian_id, "dependant_id": id_, "until": until} for id_, until in links.items()]
    if new:
        connection.execute(insert(GUARDIAN), new)
    return True


def last_told(connection: Connection, patient_id: int, how: str) -> dict[str, bool]:
    """What was last recorded of each purpose in this way (*how*): it tells news from repetition."""
    rows = connection.execute(
        select(CONSENT.c.purpose, CONSENT.c.granted)
        .where(CONSENT.c.patient_id == patient_id, CONSENT.c.how == how)
        .order_by(CONSENT.c.id)
    )
    return {row[0].value: row[1] for row in rows}


def record_consents(
    connection: Connection, patient_id: int, consents: Mapping[str, bool], how: str, now: datetime
) -> None:
    """Write a dated record for each of these consents (true) and objections (false)."""
    rows = [
        {"patient_id": patient_id, "purpose": Purpose(purpose), "granted": granted, "at": now, "how": how}
        for purpose, granted in consents.items()
    ]
    if rows:
        connection.execute(insert(CONSENT), rows)
        key = connection.execute(select(PATIENT.c.key).where(PATIENT.c.id == patient_id)).scalar_one()
        tell(connection, [event("consent.changed", key, None, now)])


def withdraw_for(connection: Connection, patient_id: int, numbers: Iterable[str], reason: str, now: datetime) -> None:
    """Withdraw what is queued for this person, and what is queued for nobody in particular to their numbers."""
    nobodys = and_(UNSETTLED, OUTBOX.c.patient_id.is_(None), OUTBOX.c.number.in_(list(numbers)))
    withdraw(connection, _queued_for(patient_id), reason, now)
    withdraw(connection, nobodys, reason, now)


def withdraw_purposes(
    connection: Connection, patient_id: int, purposes: Collection[str], reason: str, now: datetime
) -> None:
    """Withdraw what is queued for this person for purposes that they now object to."""
    objected = OUTBOX.c.purpose.in_([Purpose(purpose) for purpose in purposes])
    withdraw(connection, and_(_queued_for(patient_id), objected), reason, now)


def _queued_for(patient_id: int) -> ColumnElement[bool]:
    return and_(UNSETTLED, OUTBOX.c.patient_id == patient_id)


# --- people: reading ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PatientRecord:
    """A patient's file: the row, its numbers in order, and (dependant's key, until) of whom they may act for."""

    row: Row[Any]
    numbers: tuple[Row[Any], ...]
    dependants: tuple[tuple[str, date | None], ...]


def patient_records(connection: Connection, rows: Sequence[Row[Any]]) -> list[PatientRecord]:
    """The files of these patient rows."""
    ids = [row.id for row in rows]
    numbers = connection.execute(
        select(NUMBER).where(NUMBER.c.patient_id.in_(ids)).order_by(NUMBER.c.position, NUMBER.c.id)
    ).all()
    wards = connection.execute(
        select(GUARDIAN.c.guardian_id, PATIENT.c.key, GUARDIAN.c.until)
        .join(PATIENT, PATIENT.c.id == GUARDIAN.c.dependant_id)
        .where(GUARDIAN.c.guardian_id.in_(ids))
        .order_by(PATIENT.c.key)
    ).all()
    return [
        PatientRecord(
            row=row,
            numbers=tuple(number for number in numbers if number.patient_id == row.id),
            dependants=tuple((key, until) for guardian, key, until in wards if guardian == row.id),
        )
        for row in rows
    ]


def by_code_index(index: bytes) -> ColumnElement[bool]:
    """Who has the identity code of this blind index."""
    return PATIENT.c.code_index == index


def by_number(number: str) -> ColumnElement[bool]:
    """Whose file has this number."""
    return exists().where(NUMBER.c.patient_id == PATIENT.c.id, NUMBER.c.number == number)


def by_name(words: Sequence[str]) -> ColumnElement[bool]:
    """Whose given or family names contain each of these words, whatever their case."""
    return and_(*(or_(*_spellings(word)) for word in words))


def _spellings(word: str) -> list[ColumnElement[bool]]:
    """SQLite folds only ASCII, so the usual cases of a word are all asked for."""
    spelled = {word, word.lower(), word.upper(), word.capitalize()}
    columns = (PATIENT.c.given_names, PATIENT.c.family_name)
    return [column.icontains(each, autoescape=True) for column in columns for each in sorted(spelled)]


def search_patients(
    connection: Connection, condition: ColumnElement[bool], clinics: Collection[str] | None
) -> list[PatientRecord]:
    """Up to 50 files that meet *condition* and that a member of these clinics (None: of all) may see."""
    query = select(PATIENT).where(condition, seen_by(clinics)).order_by(PATIENT.c.id).limit(MOST_FOUND)
    return patient_records(connection, connection.execute(query).all())


def seen_by(clinics: Collection[str] | None) -> ColumnElement[bool]:
    """Patients whom a member of these clinics may see: with a visit at one of them, or with no visit anywhere yet."""
    if clinics is None:
        return true()
    visits = APPOINTMENT.c.patient_id == PATIENT.c.id
    return or_(exists().where(visits, in_clinics(APPOINTMENT.c.clinic_id, clinics)), ~exists().where(visits))


def in_clinics(column: ColumnElement[int], clinics: Collection[str] | None) -> ColumnElement[bool]:
    """Rows whose clinic is one of these keys (None: any)."""
    return true() if clinics is None else column.in_(select(CLINIC.c.id).where(CLINIC.c.key.in_(clinics)))


def numbers_of(connection: Connection, patient_id: int) -> list[str]:
    """The numbers on a person's file, the one that we text first; those whose receipts failed for good come last."""
    rows = connection.execute(
        select(NUMBER.c.number)
        .where(NUMBER.c.patient_id == patient_id)
        .order_by(NUMBER.c.failed_at.is_not(None), NUMBER.c.position, NUMBER.c.id)
    )
    return [row[0] for row in rows]


# --- people: erasing ----------------------------------------------------------------------------------------------


def has_coming_visits(connection: Connection, patient_id: int, now: datetime) -> bool:
    """Whether the person is still expected."""
    coming = and_(APPOINTMENT.c.status.in_(sorted(COMING)), APPOINTMENT.c.ends_at > now)
    query = select(APPOINTMENT.c.id).where(APPOINTMENT.c.patient_id == patient_id, coming)
    return connection.execute(query.limit(1)).first() is not None


def erase(connection: Connection, patient_id: int) -> None:
    """Delete what tells who a person was: texts, numbers, names, code. The row stays under a name that says nothing."""
    numbers = numbers_of(connection, patient_id)
    others = select(NUMBER.c.number).where(NUMBER.c.number.in_(numbers), NUMBER.c.patient_id != patient_id)
    only_theirs = and_(THREAD.c.number.in_(numbers), THREAD.c.number.not_in(others))
    connection.execute(delete(THREAD).where(only_theirs))  # its texts, questions and hand-overs go with it
    connection.execute(delete(OUTBOX).where(OUTBOX.c.patient_id == patient_id))
    for table, column in ((NUMBER, NUMBER.c.patient_id), (GUARDIAN, GUARDIAN.c.guardian_id)):
        connection.execute(delete(table).where(column == patient_id))
    connection.execute(delete(GUARDIAN).where(GUARDIAN.c.dependant_id == patient_id))
    connection.execute(delete(FAILED).where(FAILED.c.patient_id == patient_id))
    connection.execute(delete(WaitlistEntry).where(WaitlistEntry.patient_id == patient_id))
    connection.execute(delete(OfferSkipped).where(OfferSkipped.patient_id == patient_id))
    connection.execute(update(CONSENT).where(CONSENT.c.patient_id == patient_id).values(number=None))
    connection.execute(update(PATIENT).where(PATIENT.c.id == patient_id).values(**_ERASED, key=f"erased-{patient_id}"))


_ERASED: dict[str, Any] = {
    "identity_code": None,
    "code_index": None,
    "code_mask": "",
    "given_names": "",
    "family_name": "",
    "born_on": None,
    "language": None,
    "do_not_text": True,
}
