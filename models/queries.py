"""Rows → facts, for a whole batch of texts by one query per kind.

Every query here is on the conversation path: it must find its rows by an index, at any size of the clinic.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection, Row, Table, bindparam, func, select

from models.among import among
from models.base import fixed
from models.clinic import Catalogue as CatalogueRow
from models.clinic import Clinic, Service
from models.crypto import Keys, open_text
from models.facts import (
    Catalogue,
    Choice,
    ClinicFacts,
    HandOverFacts,
    Link,
    PersonFacts,
    QuestionFacts,
    ServiceFacts,
    StopFacts,
    ThreadFacts,
    UndoFacts,
    VisitFacts,
)
from models.patient import ContactNumber, FailedProof, Guardianship, Patient, Stop
from models.post import HandOver, Outbox, Question, Thread
from models.schedule import IS_COMING, Appointment
from models.states import AppointmentStatus, HandOverState, OutboxState, Purpose, QuestionState

PROOF_LASTS = timedelta(days=365)  # a number unproven for 12 months counts as L0 (product.md section 2)
LONGEST_VISIT = timedelta(hours=12)

THREAD = cast(Table, Thread.__table__)
PATIENT = cast(Table, Patient.__table__)
NUMBER = cast(Table, ContactNumber.__table__)
GUARDIAN = cast(Table, Guardianship.__table__)
APPOINTMENT = cast(Table, Appointment.__table__)
QUESTION = cast(Table, Question.__table__)
HAND_OVER = cast(Table, HandOver.__table__)
OUTBOX = cast(Table, Outbox.__table__)
STOP = cast(Table, Stop.__table__)
FAILED = cast(Table, FailedProof.__table__)

Pair = tuple[str, str]  # number, service number: what names a thread


# --- clinics and services -----------------------------------------------------------------------------------------

_REVISION = select(CatalogueRow.revision).where(CatalogueRow.id == 1)


def revision_of_catalogue(connection: Connection) -> int:
    """The revision of clinics and services; 0 before the first was set up."""
    return connection.execute(_REVISION).scalar() or 0


def fresh_catalogue(connection: Connection, known: Catalogue) -> Catalogue:
    """*known*, or the catalogue as it is now where that is another."""
    return known if revision_of_catalogue(connection) == known.revision else read_catalogue(connection)


def read_catalogue(connection: Connection) -> Catalogue:
    """All clinics and services. Few rows: kept by the desk until the revision changes."""
    revision = revision_of_catalogue(connection)
    clinics = connection.execute(select(Clinic.__table__).order_by(Clinic.id))
    services = connection.execute(select(Service.__table__).order_by(Service.id))
    return Catalogue(
        revision=revision,
        clinics={row.id: _clinic(row) for row in clinics if _has_zone(row)},
        services={row.id: _service(row) for row in services},
    )


def _has_zone(row: Row[Any]) -> bool:
    """Whether a clinic's clock can be read: one whose zone is broken stops no other clinic."""
    try:
        return bool(ZoneInfo(row.timezone))
    except (ZoneInfoNotFoundError, ValueError, OSError):  # "Europe" is a directory
        return False


def _clinic(row: Row[Any]) -> ClinicFacts:
    return ClinicFacts(
        id=row.id,
        key=row.key,
        names=row.name,
        number=row.number,
        phone=row.phone,
        address=row.address,
        zone=ZoneInfo(row.timezone),
        hours={day: tuple((span[0], span[1]) for span in spans) for day, spans in row.hours.items()},
        cutoff=row.cutoff,
        urgent=row.urgent,
    )


def _service(row: Row[Any]) -> ServiceFacts:
    return ServiceFacts(
        id=row.id,
        key=row.key,
        names=row.name,
        minutes=row.minutes,
        kind=row.kind,
        patient_may=frozenset(row.patient_may),
        cutoff=row.cutoff,
        lapse=row.lapse,
        reminder_steps=None if row.reminder_steps is None else tuple(row.reminder_steps),
        synonyms={language: tuple(words) for language, words in row.synonyms.items()},
    )


# --- threads ------------------------------------------------------------------------------------------------------

_THREADS = select(
    THREAD.c.id,
    THREAD.c.number,
    THREAD.c.service_number,
    THREAD.c.clinic_id,
    THREAD.c.state,
    THREAD.c.language,
    THREAD.c.session_patient_id,
    THREAD.c.session_until,
    THREAD.c.unclear,
    THREAD.c.undo,
    THREAD.c.noticed_at,
    THREAD.c.version,
).where(among(THREAD.c.number, "numbers"))


def threads(connection: Connection, pairs: Collection[Pair]) -> dict[Pair, ThreadFacts]:
    """The threads of these numbers that there are."""
    rows = connection.execute(_THREADS, {"numbers": list({number for number, _ in pairs})}).all()
    found: dict[Pair, Sequence[Any]] = {(row[1], row[2]): row for row in rows}
    return {pair: _thread(found[pair]) for pair in pairs if pair in found}


def _thread(row: Sequence[Any]) -> ThreadFacts:
    values = list(row)
    values[9] = None if values[9] is None else undo_from(values[9])
    return ThreadFacts(*values)


def undo_from(data: Mapping[str, Any]) -> UndoFacts:
    """What `undo_data` wrote."""
    return UndoFacts(
        kind=data["kind"],
        appointment_id=data["appointment"],
        slot_id=data["slot"],
        status=AppointmentStatus(data["status"]),
        until=datetime.fromisoformat(data["until"]),
        patient_id=data["patient"],
        starts_at=None if data["start"] is None else datetime.fromisoformat(data["start"]),
        version=data["version"],
        offer_id=data["offer"],
    )


def undo_data(undo: UndoFacts) -> dict[str, Any]:
    """An undo as the thread keeps it: ids and a time."""
    return {
        "kind": undo.kind,
        "appointment": undo.appointment_id,
        "slot": undo.slot_id,
        "status": undo.status.value,
        "until": undo.until.isoformat(),
        "patient": undo.patient_id,
        "start": None if undo.starts_at is None else undo.starts_at.isoformat(),
        "version": undo.version,
        "offer": undo.offer_id,
    }


_QUESTIONS = (
    select(
        QUESTION.c.thread_id,
        QUESTION.c.id,
        QUESTION.c.kind,
        QUESTION.c.asked_at,
        QUESTION.c.expires_at,
        QUESTION.c.patient_id,
        QUESTION.c.appointment_id,
        QUESTION.c.code,
        QUESTION.c.outbox_key,
        QUESTION.c.data,
    )
    .where(QUESTION.c.state == fixed(QuestionState.OPEN), among(QUESTION.c.thread_id, "threads"))
    .where(QUESTION.c.expires_at > bindparam("now"))
    .order_by(QUESTION.c.id)
)


def questions(
    connection: Connection, keys: Keys, thread_ids: Collection[int], now: datetime
) -> dict[int, list[QuestionFacts]]:
    """The open questions of each thread, the newest last."""
    found: dict[int, list[QuestionFacts]] = defaultdict(list)
    for row in connection.execute(_QUESTIONS, {"threads": thread_ids, "now": now}):
        values: Sequence[Any] = row
        choices, pending = question_from(open_text(keys, "question.data", values[8], values[9]))
        found[values[0]].append(QuestionFacts(*(*values[1:8], choices, pending)))
    return found


_briefly = json.JSONEncoder(separators=(",", ":")).encode  # `json.dumps` would make an encoder each time


def question_data(choices: Iterable[Choice], pending: Mapping[str, Any] | None) -> str:
    """What a question's answers mean, as it is sealed into its row."""
    listed = [[c.key, c.meaning, c.id, None if c.at is None else c.at.isoformat()] for c in choices]
    return _briefly([listed, pending])


def question_from(data: str) -> tuple[tuple[Choice, ...], Mapping[str, Any] | None]:
    """What `question_data` wrote."""
    listed, pending = json.loads(data)
    choices = tuple(
        Choice(key, meaning, id_, None if at is None else datetime.fromisoformat(at))
        for key, meaning, id_, at in listed
    )
    return choices, pending


_HAND_OVERS = select(HAND_OVER.c.thread_id, HAND_OVER.c.id, HAND_OVER.c.reason, HAND_OVER.c.promised_at).where(
    HAND_OVER.c.state != fixed(HandOverState.CLOSED), among(HAND_OVER.c.thread_id, "threads")
)


def hand_overs(connection: Connection, thread_ids: Collection[int]) -> dict[int, HandOverFacts]:
    """The open hand-over of each thread that has one (the newest)."""
    rows = connection.execute(_HAND_OVERS.order_by(HAND_OVER.c.id), {"threads": thread_ids})
    return {row[0]: HandOverFacts(*row[1:]) for row in rows}


# --- people -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class People:
    """The people whom a batch of texts may be about."""

    persons: dict[int, PersonFacts] = field(default_factory=dict)
    on_number: dict[str, list[int]] = field(default_factory=dict)  # proven numbers → patients
    by_index: dict[bytes, int] = field(default_factory=dict)  # blind index → patient
    shared: set[str] = field(default_factory=set)  # of those numbers, the ones on more than one file
    with_wards: set[int] = field(default_factory=set)  # of those persons, the ones whose dependants are read


_ON_NUMBERS = (
    select(NUMBER.c.number, NUMBER.c.patient_id, NUMBER.c.failed_at, NUMBER.c.proven_at)
    .where(among(NUMBER.c.number, "numbers"))
    .order_by(NUMBER.c.patient_id)
)
_WARDS = select(GUARDIAN.c.guardian_id, GUARDIAN.c.dependant_id, GUARDIAN.c.until).where(
    among(GUARDIAN.c.guardian_id, "ids")
)
_PERSON_COLUMNS = (
    PATIENT.c.id,
    PATIENT.c.given_names,
    PATIENT.c.family_name,
    PATIENT.c.born_on,
    PATIENT.c.language,
    PATIENT.c.do_not_text,
    PATIENT.c.deceased,
    PATIENT.c.silenced,
    PATIENT.c.acts_from_12,
    PATIENT.c.consents,
    PATIENT.c.code_index,
)
_PERSONS = select(*_PERSON_COLUMNS).where(among(PATIENT.c.id, "ids"))
_BY_INDEX = select(PATIENT.c.code_index, PATIENT.c.id).where(
    PATIENT.c.code_index.in_(bindparam("indexes", expanding=True))
)
_NUMBERS_OF = (
    select(NUMBER.c.patient_id, NUMBER.c.number, NUMBER.c.failed_at, NUMBER.c.proven_at)
    .where(among(NUMBER.c.patient_id, "ids"))
    .order_by(NUMBER.c.patient_id, NUMBER.c.position, NUMBER.c.id)
)


def people_on(connection: Connection, numbers: Collection[str], now: datetime, known: People | None = None) -> People:
    """The patients whose file has one of these numbers, and their dependants; with those that are *known* already."""
    people = People() if known is None else known
    seen: set[str] = set()
    for number, patient_id, failed_at, proven_at in connection.execute(_ON_NUMBERS, {"numbers": numbers}).all():
        (people.shared if number in seen else seen).add(number)
        if _is_trusted(failed_at, proven_at, now):
            people.on_number.setdefault(number, []).append(patient_id)
    add_people(connection, people, {id_ for ids in people.on_number.values() for id_ in ids}, now)
    return people


def find_by_code(connection: Connection, people: People, indexes: Collection[bytes], now: datetime) -> None:
    """Add to *people* those whom these blind indexes of identity codes open."""
    unknown = [index for index in indexes if people.by_index.get(index) not in people.with_wards]
    if unknown:
        found = {row[1] for row in connection.execute(_BY_INDEX, {"indexes": unknown})}
        add_people(connection, people, found, now)


def add_people(connection: Connection, people: People, ids: set[int], now: datetime) -> None:
    """Add persons by id, and whoever they are guardians of."""
    new = ids - people.with_wards  # somebody's dependant is there already, but not whom they in turn may act for
    if not new:
        return
    people.with_wards |= new
    links: dict[int, list[Link]] = defaultdict(list)
    for guardian, dependant, until in connection.execute(_WARDS, {"ids": list(new)}):
        links[guardian].append(Link(dependant, until))
    wanted = list(new | {link.dependant_id for wards in links.values() for link in wards} - people.persons.keys())
    good, stale = _numbers_of(connection, wanted, now)
    for row in connection.execute(_PERSONS, {"ids": wanted}).all():
        values: Sequence[Any] = row
        id_, index = values[0], values[-1]
        people.persons[id_] = PersonFacts(*(*values[:-1], tuple(good[id_]), tuple(links[id_]), tuple(stale[id_])))
        if index is not None:
            people.by_index[bytes(index)] = id_


_SHARED = (
    select(NUMBER.c.number).where(among(NUMBER.c.number, "numbers")).group_by(NUMBER.c.number).having(func.count() > 1)
)


def shared_numbers(connection: Connection, numbers: Collection[str]) -> frozenset[str]:
    """Those of these numbers that stand on more than one file."""
    rows = connection.execute(_SHARED, {"numbers": numbers})
    return frozenset(row[0] for row in rows)


def _numbers_of(
    connection: Connection, ids: Sequence[int], now: datetime
) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
    good: dict[int, list[str]] = defaultdict(list)
    stale: dict[int, list[str]] = defaultdict(list)
    for patient_id, number, failed_at, proven_at in connection.execute(_NUMBERS_OF, {"ids": ids}).all():
        (good if _is_trusted(failed_at, proven_at, now) else stale)[patient_id].append(number)
    return good, stale


def _is_trusted(failed_at: datetime | None, proven_at: datetime, now: datetime) -> bool:
    """Whether a number on a file shows who writes; else it counts as L0 until it is proven again."""
    return failed_at is None and proven_at > now - PROOF_LASTS


_VISITS = (
    select(
        APPOINTMENT.c.id,
        APPOINTMENT.c.patient_id,
        APPOINTMENT.c.clinic_id,
        APPOINTMENT.c.service_id,
        APPOINTMENT.c.practitioner_id,
        APPOINTMENT.c.slot_id,
        APPOINTMENT.c.starts_at,
        APPOINTMENT.c.ends_at,
        APPOINTMENT.c.status,
        APPOINTMENT.c.version,
    )
    .where(among(APPOINTMENT.c.patient_id, "ids"), APPOINTMENT.c.starts_at > bindparam("since"))
    .where(IS_COMING)
    .order_by(APPOINTMENT.c.starts_at)
)


_VERSION = select(APPOINTMENT.c.version).where(APPOINTMENT.c.id == bindparam("visit"))


def version_of_visit(connection: Connection, visit_id: int) -> int | None:
    """Which version a visit is at; None when there is none."""
    return connection.execute(_VERSION, {"visit": visit_id}).scalar()


def visits(connection: Connection, patient_ids: Collection[int], now: datetime) -> dict[int, list[VisitFacts]]:
    """The coming visits of these patients, by time; one that has begun counts until its end."""
    found: dict[int, list[VisitFacts]] = defaultdict(list)
    for row in connection.execute(_VISITS, {"ids": patient_ids, "since": now - LONGEST_VISIT}):
        values: Sequence[Any] = row
        visit = VisitFacts(*values)
        if visit.ends_at > now:
            found[visit.patient_id].append(visit)
    return found


# --- what limits and colours an answer ----------------------------------------------------------------------------

_STOPS = select(STOP.c.number, STOP.c.purpose, STOP.c.source).where(
    among(STOP.c.number, "numbers"), STOP.c.lifted_at.is_(None)
)
_ANSWERS = (
    select(OUTBOX.c.number, func.count())
    .where(among(OUTBOX.c.number, "numbers"), OUTBOX.c.created_at > bindparam("since"))
    .where(OUTBOX.c.purpose == Purpose.ANSWER)
    .group_by(OUTBOX.c.number)
)
_FAILED_BY_NUMBER = (
    select(FAILED.c.number, func.count())
    .where(among(FAILED.c.number, "numbers"), FAILED.c.at >= bindparam("since"))
    .group_by(FAILED.c.number)
)
_FAILED_BY_PATIENT = (
    select(FAILED.c.patient_id, func.count())
    .where(among(FAILED.c.patient_id, "ids"), FAILED.c.at >= bindparam("since"))
    .group_by(FAILED.c.patient_id)
)
_SENT = [fixed(OutboxState.SENT), fixed(OutboxState.DELIVERED)]
_LAST_SENT = (
    select(OUTBOX.c.key, OUTBOX.c.body, OUTBOX.c.sent_at)
    .where(OUTBOX.c.number == bindparam("number"), OUTBOX.c.created_at > bindparam("since"))
    .where(OUTBOX.c.state.in_(_SENT))
    .order_by(OUTBOX.c.created_at.desc(), OUTBOX.c.id.desc())
    .limit(1)
)
_TEXTED_VISITS = (
    select(OUTBOX.c.appointment_id)
    .where(OUTBOX.c.number == bindparam("number"), among(OUTBOX.c.appointment_id, "visits"))
    .where(OUTBOX.c.state.in_(_SENT))
    .distinct()
)


def stops(connection: Connection, numbers: Collection[str]) -> dict[str, list[StopFacts]]:
    """The stops in force on these numbers."""
    found: dict[str, list[StopFacts]] = defaultdict(list)
    for number, purpose, source in connection.execute(_STOPS, {"numbers": numbers}):
        found[number].append(StopFacts(purpose, source))
    return found


def answers_since(connection: Connection, numbers: Collection[str], since: datetime) -> dict[str, int]:
    """How many answers each number got since then."""
    rows = connection.execute(_ANSWERS, {"numbers": numbers, "since": since})
    return {row[0]: row[1] for row in rows}


def failures_of_numbers(connection: Connection, numbers: Collection[str], since: datetime) -> dict[str, int]:
    """Wrong codes and visit dates by number since then."""
    rows = connection.execute(_FAILED_BY_NUMBER, {"numbers": numbers, "since": since})
    return {row[0]: row[1] for row in rows}


def failures_of_patients(connection: Connection, ids: Collection[int], since: datetime) -> dict[int, int]:
    """Wrong names and visit dates against these patients, over all numbers, since then."""
    rows = connection.execute(_FAILED_BY_PATIENT, {"ids": ids, "since": since})
    return {row[0]: row[1] for row in rows}


def last_sent(connection: Connection, keys: Keys, number: str, since: datetime) -> tuple[str, datetime] | None:
    """What we last sent to *number* since then, and when."""
    row = connection.execute(_LAST_SENT, {"number": number, "since": since}).first()
    return None if row is None else (open_text(keys, "outbox.body", row[0], row[1]), row[2].astimezone(UTC))


def texted_visits(connection: Connection, number: str, visit_ids: Collection[int]) -> frozenset[int]:
    """Which of these visits we have texted about to *number*."""
    rows = connection.execute(_TEXTED_VISITS, {"number": number, "visits": visit_ids})
    return frozenset(row[0] for row in rows)
