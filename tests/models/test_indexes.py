"""No query of the conversation scans a table: the cost of a text is the same in a small clinic and in a large one.

Every function is called on a database with many rows, and the database is asked how it goes about each statement.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, insert

from models import applying, candidates, inbox, ledger, openings, outbox, planning, queries, reminding, upkeep
from models.changes import (
    BookAppointment,
    CancelAppointment,
    CloseQuestion,
    ConfirmAppointment,
    LiftStop,
    MoveAppointment,
    ProveNumber,
    RecordConsent,
    RestoreAppointment,
    ReturnAppointment,
    SetStop,
    SilencePatient,
)
from models.crypto import seal_text
from models.database import FILE_NAME, Database, connect
from models.facts import SlotSearch, Window
from models.ledger import Entry, Handled, HandOverOut, TextOut
from models.offer import Offer
from models.outbox import Accepted, Said
from models.patient import ContactNumber, FailedProof, Guardianship, Patient, Stop
from models.post import (
    HandOver,
    Inbox,
    LinkSession,
    Outbox,
    ParkedReceipt,
    Question,
    Submission,
    Thread,
)
from models.schedule import Appointment, Slot, SlotService
from models.states import (
    AppointmentStatus,
    HandOverReason,
    HandOverState,
    InboxState,
    OfferState,
    OutboxState,
    Outcome,
    Purpose,
    QuestionKind,
    QuestionState,
    ReminderKind,
    ReminderState,
    SlotState,
    StopSource,
)
from models.timed import Reminder
from tests.rows import CLINIC_NUMBER, KEYS, NOW, TOMORROW, a_clinic, a_practitioner, a_service, a_session

MANY = 20_000
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
COPIES = count(1)


def number(n: int) -> str:
    """The number of the *n*-th of many made-up patients."""
    return f"+35850{n:07d}"


def digest(n: int) -> bytes:
    return n.to_bytes(32, "big")


def fill(connection: Connection, model, make: Callable[[int], dict], rows: int = MANY) -> None:
    for start in range(0, rows, 5000):
        connection.execute(insert(model.__table__), [make(n) for n in range(start + 1, min(rows, start + 5000) + 1)])


def fill_all(connection: Connection) -> None:
    """Every table of the conversation with as many rows as a clinic has after some years."""
    clinics = [a_clinic(connection) for _ in range(3)]
    service, dentist, session = a_service(connection), a_practitioner(connection), a_session(connection)
    mask = {"created_at": NOW, "family_name": "Esimerkki", "given_names": "Aino", "consents": {}}
    fill(connection, Patient, lambda n: mask | {"key": f"p{n}", "code_index": digest(n)})
    fill(connection, ContactNumber, lambda n: {"patient_id": n, "number": number(n), "proven_at": NOW})
    fill(connection, Guardianship, lambda n: {"guardian_id": n, "dependant_id": n % MANY + 1})
    fill(connection, Stop, lambda n: {"number": number(n), "source": StopSource.STOP, "set_at": NOW, "lifted_at": NOW})
    fill(connection, FailedProof, lambda n: {"number": number(n), "patient_id": n, "at": NOW})
    fill(
        connection,
        Slot,
        lambda n: {
            "key": f"s{n}",
            "clinic_id": clinics[n % 3],
            "practitioner_id": dentist if n % 10 == 0 else None,
            "starts_at": TOMORROW + n * MINUTE,
            "ends_at": TOMORROW + (n + 30) * MINUTE,
            "state": SlotState.TAKEN if n <= MANY // 2 else SlotState.FREE,
            "freed_at": NOW if n % 500 == 0 else None,
        },
    )
    fill(connection, SlotService, lambda n: {"slot_id": n, "service_id": service})
    fill(
        connection,
        Appointment,
        lambda n: {
            "patient_id": n,
            "clinic_id": clinics[n % 3],
            "service_id": service,
            "slot_id": n,
            "starts_at": TOMORROW + n * MINUTE,
            "ends_at": TOMORROW + (n + 30) * MINUTE,
            "status": AppointmentStatus.BOOKED if n <= MANY // 2 else AppointmentStatus.CANCELLED,
            "created_by": "api",
            "created_at": NOW,
            "changed_at": NOW,
        },
    )
    fill(
        connection,
        Thread,
        lambda n: {"number": number(n), "service_number": CLINIC_NUMBER, "last_text_at": NOW},
    )
    fill(connection, LinkSession, lambda n: _session(n))
    fill(connection, Question, lambda n: _question(n))
    fill(connection, HandOver, lambda n: _hand_over(n))
    fill(connection, Inbox, lambda n: _inbound(n, session))
    fill(connection, Outbox, lambda n: _outbound(n))
    fill(connection, Submission, lambda n: _submission(n))
    fill(connection, ParkedReceipt, lambda n: _parked(n))
    fill(connection, Reminder, lambda n: _reminder(n))
    fill(connection, Offer, lambda n: _offer(n, clinics[n % 3], service))


def _session(n: int) -> dict:
    return {"gateway": f"host:{n}:0", "bind": "main", "opened_at": NOW, "last_seen": NOW, "closed_at": NOW}


def _question(n: int) -> dict:
    open_ = n % 10 == 0
    return {
        "thread_id": n,
        "appointment_id": n,
        "kind": QuestionKind.REMINDER,
        "state": QuestionState.OPEN if open_ else QuestionState.EXPIRED,
        "outbox_key": f"q{n}",
        "data": seal_text(KEYS, "question.data", f"q{n}", "[[],null]") if open_ else b"",
        "asked_at": NOW,
        "expires_at": NOW + DAY,
    }


def _hand_over(n: int) -> dict:
    state = HandOverState.OPEN if n % 50 == 0 else HandOverState.CLOSED
    return {"thread_id": n, "reason": HandOverReason.TOO_LATE, "state": state, "opened_at": NOW}


def _inbound(n: int, session: int) -> dict:
    waiting = n > MANY - 100
    return {
        "bind": "main",
        "session_id": session,
        "number": number(n),
        "service_number": CLINIC_NUMBER,
        "digest": digest(n),
        "octets": b"" if waiting else None,
        "coding": 0,
        "part_set": digest(n // 2),
        "state": (InboxState.PART if n % 2 else InboxState.NEW) if waiting else InboxState.DONE,
        "received_at": NOW,
        "thread_id": n,
    }


def _outbound(n: int) -> dict:
    states = {0: OutboxState.QUEUED, 1: OutboxState.LEASED}
    state = states.get(n % 20, OutboxState.DELIVERED)
    return {
        "key": f"o{n}",
        "thread_id": n,
        "number": number(n),
        "service_number": CLINIC_NUMBER,
        "patient_id": n,
        "appointment_id": n,
        "purpose": Purpose.REMINDERS,
        "lane": n // 20 % 5,
        "message": "reminder",
        "body": seal_text(KEYS, "outbox.body", f"o{n}", "Moi"),
        "state": state,
        "due_at": NOW,
        "created_at": NOW,
        "sent_at": NOW,
        "lease_by": "host:1:0" if state is OutboxState.LEASED else None,
        "lease_until": NOW + DAY if state is OutboxState.LEASED else None,
    }


def _submission(n: int) -> dict:
    return {
        "outbox_id": n,
        "part": 1,
        "account": "main",
        "message_id": f"{n:x}",
        "match_key": f"{n:x}",
        "submitted_at": NOW,
    }


def _parked(n: int) -> dict:
    return {
        "account": "main",
        "message_id": f"z{n:x}",
        "match_key": f"z{n:x}",
        "number": number(n),
        "state": "delivered",
        "error": "",
        "received_at": NOW,
    }


def _reminder(n: int) -> dict:
    return {
        "appointment_id": n,
        "kind": ReminderKind.REMINDER,
        "step": "3d",
        "for_start": TOMORROW + n * MINUTE,
        "due_at": NOW + n * MINUTE - DAY,
        "state": ReminderState.PLANNED if n % 10 == 0 else ReminderState.QUEUED,
        "outbox_key": f"o{n}",
    }


def _offer(n: int, clinic: int, service: int) -> dict:
    return {
        "key": f"offer{n}",
        "slot_id": n,
        "clinic_id": clinic,
        "service_id": service,
        "state": OfferState.OPEN if n % 500 == 0 else OfferState.WON,
        "code": "4K7",
        "wave_size": 10,
        "wave_minutes": 10,
        "deadline": NOW + n * MINUTE - DAY,
        "next_wave_at": NOW + n * MINUTE - DAY,
        "created_by": "rule",
        "opened_at": NOW,
    }


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def large(request, tmp_path_factory) -> Iterator[Database]:
    """A database with many rows in every table, for all tests of this module."""
    if request.param == "sqlite":
        directory = tmp_path_factory.mktemp("large")
        shutil.copy(request.getfixturevalue("_sqlite_template"), directory / FILE_NAME)
        database = connect("", data_dir=directory)
    else:
        server, name = request.getfixturevalue("postgresql_server"), f"large_{next(COPIES)}"
        server.execute(f"CREATE DATABASE {name} TEMPLATE {request.getfixturevalue('_postgresql_template')}")
        database = connect(server.url(name), data_dir=Path())
    with database.transaction() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # no look at foreign keys
        fill_all(connection)
    with database.transaction() as connection:
        connection.exec_driver_sql("ANALYZE")
    yield database
    database.close()


class Undone(Exception):
    """The transaction of a test is rolled back: the next one finds the same rows."""


def plans_of(database: Database, work: Callable[[Connection], object]) -> list[tuple[str, list[str]]]:
    """Every statement that *work* runs, and how the database goes about it."""
    ran: list[tuple[str, object]] = []

    def note(_connection, _cursor, statement, parameters, _context, many):
        if re.match("SELECT|UPDATE|DELETE", statement):
            ran.append((statement, parameters[0] if many else parameters))

    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    plans = []
    try:
        with database.transaction() as connection:
            event.listen(database.writer, "before_cursor_execute", note)
            work(connection)
            event.remove(database.writer, "before_cursor_execute", note)
            for statement, parameters in ran:
                lines = connection.exec_driver_sql(explain + statement, parameters)
                plans.append((statement, [str(line[-1]).strip() for line in lines]))
            raise Undone
    except Undone:
        return plans


_WALKS_ALL = re.compile(
    r"^SCAN (?!json_each|\(?subquery|\(?CONSTANT|anon_|CONSTANT)(?P<table>\w+)"  # SQLite
    r"|Seq Scan on (?P<relation>\w+)"  # PostgreSQL
)


_UNDER_WAY = (  # all they hold
    "ix_link_session_open",
    "ix_outbox_about",
    "ix_outbox_leased",
    "ix_outbox_unsettled",
    "ix_appointment_unplanned",
)


def scans(plan: list[str]) -> list[str]:
    """The lines of a plan that walk through a whole table or index; one of what is under way may be walked."""
    return [line for line in plan if _WALKS_ALL.search(line) and not line.endswith(_UNDER_WAY)]


def test_a_round_of_offers_looks_at_what_fell_free_and_at_no_other_slot(large):
    (_, plan), _ = plans_of(large, lambda c: candidates.freed_slots(c, None, 50))

    assert any("ix_slot_freed" in line for line in plan), plan


FIRST, LAST = 7, MANY - 7  # patients with a visit, and with a cancelled one
SLOT, FREE = FIRST, MANY - 1
NUMBERS = [number(n) for n in (FIRST, 70, 700)]
IDS = [FIRST, 70, 700]
PLACE = (1, None, TOMORROW, TOMORROW + 30 * MINUTE)
WIDE = (Window(NOW, None),)
SEARCH = SlotSearch(service_id=1, clinic_ids=(1, 2, 3), windows=WIDE, minutes=20, practitioner_id=1, clinic_id=1)


def due(connection: Connection) -> list[reminding.Due]:
    """The reminders that a round takes."""
    reminding.go_by_index(connection)
    return reminding.take_due(connection, NOW, 5)


def change(*changes):
    return lambda connection: applying.apply(connection, changes, NOW)


def an_answer(connection: Connection) -> None:
    """A whole decision: thread, text of two parts, reply, hand-over, audit, and a number to be silent to."""
    pair = (number(MANY), CLINIC_NUMBER)
    thread = queries.threads(connection, [pair])[pair]
    text = TextOut("reply:1", thread.id, *pair, Purpose.ANSWER, 0, "help", "Moi", NOW)
    done = Handled(MANY, (MANY - 1, MANY), "Moi", "help", Outcome.ANSWERED, None)
    opened = HandOverOut(HandOverReason.WRONG_NUMBER, None, False, None, None)
    entry = Entry(thread, (), (text,), "patient", "x", {}, handled=done, hand_over=opened, withdraw_number=True)
    ledger.write(connection, KEYS, [entry], NOW)


READS = {
    "threads": lambda c: queries.threads(c, [(n, CLINIC_NUMBER) for n in NUMBERS]),
    "questions": lambda c: queries.questions(c, KEYS, [70, 700], NOW),
    "hand_overs": lambda c: queries.hand_overs(c, [50, 100]),
    "people_on": lambda c: queries.people_on(c, NUMBERS, NOW),
    "find_by_code": lambda c: queries.find_by_code(c, queries.People(), [digest(n) for n in IDS], NOW),
    "shared_numbers": lambda c: queries.shared_numbers(c, NUMBERS),
    "visits": lambda c: queries.visits(c, IDS, NOW),
    "stops": lambda c: queries.stops(c, NUMBERS),
    "answers_since": lambda c: queries.answers_since(c, NUMBERS, NOW - DAY),
    "failures_of_numbers": lambda c: queries.failures_of_numbers(c, NUMBERS, NOW - DAY),
    "failures_of_patients": lambda c: queries.failures_of_patients(c, IDS, NOW - DAY),
    "last_sent": lambda c: queries.last_sent(c, KEYS, NUMBERS[0], NOW - DAY),
    "texted_visits": lambda c: queries.texted_visits(c, NUMBERS[0], IDS),
    "find_slots": lambda c: openings.find_slots(c, [SEARCH]),
    "find_slots together": lambda c: openings.find_slots(c, [SEARCH, replace(SEARCH, practitioner_id=None), SEARCH]),
    "is_free": lambda c: openings.is_free(c, IDS),
    "earlier_copies": lambda c: inbox.earlier_copies(c, [digest(n) for n in IDS], NOW - DAY),
    "parts_of": lambda c: inbox.parts_of(c, [digest(MANY // 2 - n) for n in range(4)]),
    "still_waiting": lambda c: inbox.still_waiting(c, IDS),
    "waiting": lambda c: inbox.waiting(c, NOW, 0, 50),
    "due_texts": lambda c: outbox.due_texts(c, [CLINIC_NUMBER], 50, NOW),
    "parts_taken": lambda c: outbox.parts_taken(c, IDS),
    "attempts_of": lambda c: outbox.attempts_of(c, IDS),
    "submitted_parts": lambda c: outbox.submitted_parts(c, ["7", "46"]),
    "parked": lambda c: outbox.parked(c, ["z7", "z46"]),
    "is_any_unplanned": planning.is_any_unplanned,
    "reminders_of": lambda c: reminding.reminders_of(c, IDS),
    "first_due": lambda c: reminding.first_due(c, NOW),
    "due_ids": lambda c: reminding.due_ids(c, NOW, 50),
    "guardians_of": lambda c: reminding.guardians_of(c, IDS),
    "asked_visits": lambda c: reminding.asked_visits(c, IDS),
    "freed_slots": lambda c: candidates.freed_slots(c, None, 50),
    "offers_over": lambda c: candidates.offers_over(c, NOW, 50),
    "waves_due": lambda c: candidates.waves_due(c, NOW, 5),
    "questions_due": lambda c: upkeep.questions_due(c, NOW, 50),
    "open_sessions_of_others": lambda c: inbox.open_sessions_of_others(c, "host:9:0"),
}
WRITES = {
    "a decision": an_answer,
    "book": change(BookAppointment(LAST, 1, FREE, *PLACE)),
    "cancel": change(CancelAppointment(FIRST, 1, SLOT)),
    "confirm": change(ConfirmAppointment(FIRST, 1)),
    "move": change(MoveAppointment(FIRST, 1, SLOT, FREE, *PLACE, AppointmentStatus.BOOKED)),
    "return": change(ReturnAppointment(FIRST, FREE, AppointmentStatus.BOOKED)),
    "restore": change(RestoreAppointment(LAST, LAST, AppointmentStatus.BOOKED)),
    "stop": change(SetStop(NUMBERS[0], None, StopSource.STOP)),
    "lift": change(LiftStop(NUMBERS[0], StopSource.STOP, Purpose.REMINDERS)),
    "consent": change(RecordConsent(FIRST, NUMBERS[0], Purpose.CARE, True, "")),
    "silence": change(SilencePatient(FIRST)),
    "prove": change(ProveNumber(NUMBERS[0], FIRST)),
    "close question": change(CloseQuestion(70, QuestionState.ANSWERED)),
    "count_attempt": lambda c: inbox.count_attempt(c, MANY),
    "give_up": lambda c: inbox.give_up(c, MANY, [MANY - 1, MANY], 7, "why", NOW),
    "see_sessions": lambda c: inbox.see_sessions(c, "host:7:0", NOW),
    "close_session": lambda c: inbox.close_session(c, 7, NOW),
    "end_sessions_of": lambda c: inbox.end_sessions_of(c, ["host:7:0"]),
    "lease": lambda c: outbox.lease(c, [20, 40], "host:7:0", NOW + DAY),
    "refusals": lambda c: outbox.refusals(c, outbox.due_texts(c, [CLINIC_NUMBER], 50, NOW)),
    "end": lambda c: outbox.end(c, [(20, OutboxState.EXPIRED, "")]),
    "accept": lambda c: outbox.accept(
        c, [Accepted(21, 1, 2, "main", "y", "y", NOW), Accepted(41, 1, 1, "main", "x", "x", NOW)]
    ),
    "queue_again": lambda c: outbox.queue_again(c, [(21, NOW, 1, False, "")]),
    "fail_numbers": lambda c: outbox.fail_numbers(c, IDS, NOW),
    "release": lambda c: outbox.release(c, "host:7:0"),
    "reclaim": lambda c: outbox.reclaim(c, NOW, ["host:7:0"]),
    "receive": lambda c: outbox.receive(c, [Said(n, n, "delivered", "", NOW) for n in IDS]),
    "receive a failure": lambda c: outbox.receive(c, [Said(n, n, "undeliverable", "", NOW) for n in IDS]),
    "unpark": lambda c: outbox.unpark(c, IDS),
    "take_unplanned": lambda c: planning.set_planned(c, planning.take_unplanned(c, 50)),
    "take_due": due,
    "take_beside": lambda c: reminding.take_beside(c, due(c), NOW + DAY),
    "take_one": lambda c: reminding.take_one(c, 20),
    "settle": lambda c: reminding.settle(c, [reminding.Settled(20, ReminderState.WITHDRAWN, NOW)], NOW),
    "supersede": lambda c: reminding.supersede(c, [70], NOW),
    "place_threads": lambda c: reminding.place_threads(c, {70: 1}),
    "drop_parked": lambda c: outbox.drop_parked(c, NOW - DAY),
}


@pytest.mark.parametrize("work", [*READS, *WRITES])
def test_no_statement_of_the_conversation_walks_through_a_table(large, work):
    plans = plans_of(large, (READS | WRITES)[work])

    assert plans
    assert {statement: scans(plan) for statement, plan in plans if scans(plan)} == {}


def test_a_walk_through_a_table_would_be_seen(large):
    plans = plans_of(large, lambda connection: connection.exec_driver_sql("SELECT * FROM outbox WHERE message = 'x'"))

    assert scans(plans[0][1])
