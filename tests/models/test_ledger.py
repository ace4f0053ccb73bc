"""One decision, written: its changes, its texts and its records commit together or not at all (guarantees 2, 3, 6)."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from models.audit import Audit
from models.changes import BookAppointment, CancelAppointment, RecordConsent, SetStop
from models.crypto import open_text
from models.database import is_conflict
from models.facts import Choice, UndoFacts
from models.ledger import Conflict, Entry, Handled, HandOverOut, QuestionOut, TextOut, put_out, write
from models.patient import Patient
from models.post import HandOver, Inbox, Outbox, Question, Thread
from models.queries import question_data, questions, threads
from models.schedule import Appointment, Slot
from models.states import (
    AppointmentStatus,
    HandOverReason,
    HandOverState,
    InboxState,
    OutboxState,
    Outcome,
    Purpose,
    QuestionKind,
    SlotState,
    StopSource,
    ThreadState,
)
from tests.rows import (
    CLINIC_NUMBER,
    KEYS,
    NOW,
    PATIENT_NUMBER,
    TOMORROW,
    a_clinic,
    a_patient,
    a_queued_text,
    a_received_text,
    a_service,
    a_session,
    a_slot,
    a_thread,
    an_appointment,
    how_many,
    look,
    rows_of,
    written,
)

LATER = NOW + timedelta(minutes=5)
OTHER_NUMBER = "+358405550102"


def thread_facts(database, number=PATIENT_NUMBER):
    with database.reading() as connection:
        return threads(connection, [(number, CLINIC_NUMBER)])[number, CLINIC_NUMBER]


def a_text(thread, key="reply:1", body="Aikasi on peruttu.", **values):
    harmless = TextOut(
        key=key,
        thread_id=thread.id,
        number=thread.number,
        service_number=thread.service_number,
        purpose=Purpose.ANSWER,
        lane=0,
        message="cancelled",
        body=body,
        due_at=NOW,
    )
    return replace(harmless, **values)


def handled(inbox_id, **values):
    harmless = Handled(
        inbox_id=inbox_id,
        part_ids=(),
        text="170580-**** Aino peru",
        intent="cancel",
        outcome=Outcome.ANSWERED,
        reason=None,
    )
    return replace(harmless, **values)


def an_entry(thread, **values):
    """A decision that changes nothing and says nothing."""
    harmless = Entry(thread=thread, changes=(), texts=(), actor="patient", action="looked", details={})
    return replace(harmless, **values)


def write_all(database, *entries, now=LATER):
    with database.transaction() as connection:
        write(connection, KEYS, entries, now)


@pytest.fixture
def thread(database):
    """The thread of a patient who has written, as a decision sees it."""
    with database.transaction() as connection:
        a_thread(connection)
    return thread_facts(database)


@pytest.fixture
def inbox_id(database, thread):
    """Their text, which waits."""
    with database.transaction() as connection:
        return a_received_text(connection, a_session(connection))


# --- the thread ---------------------------------------------------------------------------------------------------


def test_a_thread_is_read_as_the_decision_left_it(database, thread):
    with database.transaction() as connection:
        clinic, patient = a_clinic(connection), a_patient(connection)
    undo = UndoFacts("cancel", 41, 7, AppointmentStatus.CONFIRMED, LATER, patient, TOMORROW, 8)
    changed = replace(
        thread,
        clinic_id=clinic,
        state=ThreadState.WAITING,
        language="sv",
        session_patient_id=patient,
        session_until=LATER,
        unclear=1,
        undo=undo,
        noticed_at=NOW,
    )

    write_all(database, an_entry(changed))

    assert thread_facts(database) == replace(changed, version=2)
    assert look(database, Thread, thread.id).last_text_at == LATER


def test_an_undo_that_is_over_leaves_the_thread(database, thread):
    undo = UndoFacts("move", 41, 7, AppointmentStatus.BOOKED, LATER, 3)
    write_all(database, an_entry(replace(thread, undo=undo)))

    write_all(database, an_entry(replace(thread_facts(database), undo=None)))

    assert thread_facts(database).undo is None


def test_two_decisions_on_the_same_facts_of_a_thread_do_not_both_stand(database, thread):
    write_all(database, an_entry(thread, action="first"))

    with pytest.raises(Conflict, match="thread"):
        write_all(database, an_entry(thread, action="second"))

    assert [line.action for line in rows_of(database, Audit)] == ["first"]


def test_two_decisions_on_one_thread_in_one_batch_do_not_stand(database, thread):
    with pytest.raises(Conflict, match="thread"):
        write_all(database, an_entry(thread), an_entry(thread))

    assert thread_facts(database) == thread


# --- the text that was handled ------------------------------------------------------------------------------------


def test_a_handled_text_keeps_its_masked_words_sealed_and_loses_its_octets(database, thread, inbox_id):
    write_all(database, an_entry(thread, handled=handled(inbox_id, reason="too_late")))

    row = look(database, Inbox, inbox_id)
    assert open_text(KEYS, "inbox.text", inbox_id, row.text) == "170580-**** Aino peru"
    assert b"Aino" not in row.text
    assert (row.state, row.octets, row.thread_id) == (InboxState.DONE, None, thread.id)
    assert (row.intent, row.outcome, row.reason) == ("cancel", Outcome.ANSWERED, "too_late")
    assert row.handled_at == LATER


@pytest.mark.parametrize("state", [InboxState.DONE, InboxState.FAILED, InboxState.JOINED])
def test_a_text_is_handled_once(database, thread, inbox_id, state):
    with database.transaction() as connection:
        connection.execute(Inbox.__table__.update().values(state=state))

    with pytest.raises(Conflict, match="inbox"):
        write_all(database, an_entry(thread, handled=handled(inbox_id), texts=(a_text(thread),)))

    assert rows_of(database, Outbox) == []


def test_all_parts_of_a_handled_text_lose_their_octets(database, thread):
    with database.transaction() as connection:
        session = a_session(connection)
        parts = [
            a_received_text(
                connection, session, state=InboxState.PART, part_set=b"set", part_number=number, part_total=3
            )
            for number in (1, 2, 3)
        ]
        other = a_received_text(connection, session, state=InboxState.PART, part_set=b"other")

    write_all(database, an_entry(thread, handled=handled(parts[2], part_ids=tuple(parts))))

    rows = [look(database, Inbox, part) for part in parts]
    assert [row.state for row in rows] == [InboxState.JOINED, InboxState.JOINED, InboxState.DONE]
    assert [row.octets for row in rows] == [None] * 3
    assert {row.thread_id for row in rows} == {thread.id}
    assert look(database, Inbox, other).state is InboxState.PART


def test_a_part_that_came_after_the_text_was_given_up_keeps_its_octets(database, thread):
    with database.transaction() as connection:
        session = a_session(connection)
        first, late = (
            a_received_text(connection, session, state=InboxState.PART, part_set=b"set", part_number=number)
            for number in (1, 2)
        )

    write_all(database, an_entry(thread, handled=handled(first, part_ids=(first,))))

    row = look(database, Inbox, late)
    assert row.state is InboxState.PART
    assert row.octets is not None


# --- what is said, asked and handed over --------------------------------------------------------------------------


def test_an_answer_waits_sealed_in_the_outbox(database, thread):
    text = a_text(thread, expires_at=TOMORROW, inbox_id=41)

    write_all(database, an_entry(thread, texts=(text,)))

    row = rows_of(database, Outbox)[0]
    assert written(row) == "Aikasi on peruttu."
    assert b"peruttu" not in row.body
    assert (row.key, row.thread_id, row.number, row.service_number) == (
        "reply:1",
        thread.id,
        PATIENT_NUMBER,
        CLINIC_NUMBER,
    )
    assert (row.state, row.attempts, row.maybe_twice, row.created_at) == (OutboxState.QUEUED, 0, False, LATER)
    assert (row.due_at, row.expires_at, row.inbox_id) == (NOW, TOMORROW, 41)


def test_a_text_that_is_put_out_twice_is_there_once(database, thread):
    for body in ("Muistutus.", "Muistutus, toisen kerran."):
        with database.transaction() as connection:
            put_out(connection, KEYS, [a_text(thread, "reminder:41:1d", body)], NOW)

    assert [written(row) for row in rows_of(database, Outbox)] == ["Muistutus."]


def test_a_text_that_stands_twice_in_one_batch_is_there_once(database, thread):
    with database.transaction() as connection:
        put_out(connection, KEYS, [a_text(thread, "offer:1:1"), a_text(thread, "offer:1:1")], NOW)

    assert how_many(database, Outbox) == 1


def test_a_key_is_used_once_even_when_its_text_is_long_sent(database, thread):
    with database.transaction() as connection:
        sent = a_queued_text(connection, thread.id, key="reminder:41:1d", state=OutboxState.SENT)
        put_out(connection, KEYS, [a_text(thread, "reminder:41:1d")], NOW)

    assert [row.id for row in rows_of(database, Outbox)] == [sent]


def test_a_question_is_read_with_what_its_answers_mean(database, thread):
    with database.transaction() as connection:
        patient = a_patient(connection)
    choices = (Choice("1", "slot", 7, TOMORROW), Choice("2", "human"))
    asked = QuestionOut(
        kind=QuestionKind.OPTIONS,
        outbox_key="reply:1",
        data=question_data(choices, {"intent": "book"}),
        expires_at=TOMORROW,
        patient_id=patient,
        appointment_id=None,
        code="4K7",
    )

    write_all(database, an_entry(thread, question=asked))

    with database.reading() as connection:
        found = questions(connection, KEYS, [thread.id], LATER)[thread.id]
    assert [(q.kind, q.choices, q.pending, q.code) for q in found] == [
        (QuestionKind.OPTIONS, choices, {"intent": "book"}, "4K7")
    ]
    assert (found[0].asked_at, found[0].expires_at, found[0].patient_id) == (LATER, TOMORROW, patient)
    assert b"slot" not in rows_of(database, Question)[0].data


def test_a_hand_over_says_why_until_when_and_what_was_read(database, thread, inbox_id):
    with database.transaction() as connection:
        patient = a_patient(connection)
    opened = HandOverOut(HandOverReason.NUMBER_NOT_ON_FILE, TOMORROW, True, patient, {"intent": "cancel", "visit": 41})

    write_all(database, an_entry(thread, handled=handled(inbox_id), hand_over=opened))

    row = rows_of(database, HandOver)[0]
    assert (row.reason, row.promised_at, row.urgent) == (HandOverReason.NUMBER_NOT_ON_FILE, TOMORROW, True)
    assert (row.state, row.thread_id, row.inbox_id) == (HandOverState.OPEN, thread.id, inbox_id)
    assert (row.patient_id, row.command, row.opened_at) == (patient, {"intent": "cancel", "visit": 41}, LATER)


def test_every_decision_has_its_audit_line(database, thread, inbox_id):
    entry = an_entry(
        thread,
        handled=handled(inbox_id),
        action="cancelled",
        details={"level": "L2"},
        patient_id=3,
        appointment_id=41,
    )

    write_all(database, entry)

    line = rows_of(database, Audit)[0]
    assert (line.at, line.actor, line.action, line.details) == (LATER, "patient", "cancelled", {"level": "L2"})
    assert (line.thread_id, line.inbox_id, line.patient_id, line.appointment_id) == (thread.id, inbox_id, 3, 41)


def test_the_audit_line_of_a_booking_names_the_visit_that_it_made(database, thread):
    with database.transaction() as connection:
        patient, slot = a_patient(connection), a_slot(connection, a_clinic(connection))
        service = a_service(connection)
    place = look(database, Slot, slot)
    booking = BookAppointment(patient, service, slot, place.clinic_id, None, place.starts_at, place.ends_at)

    write_all(database, an_entry(thread, changes=(booking,), action="booked"))

    assert rows_of(database, Audit)[0].appointment_id == rows_of(database, Appointment)[0].id


# --- order to one number (guarantee 7) ----------------------------------------------------------------------------


def lanes(database):
    return {row.key: row.lane for row in rows_of(database, Outbox)}


@pytest.mark.parametrize(
    ("waits", "lane"),
    [
        ({}, 0),
        ({"state": OutboxState.LEASED}, 0),  # it may come back throttled, and then stands before the answer
        ({"due_at": LATER + timedelta(minutes=1), "attempts": 1}, 0),  # it backs off, and stands before the answer
        ({"due_at": LATER + timedelta(minutes=1)}, 4),
        ({"state": OutboxState.SENT}, 4),
        ({"number": OTHER_NUMBER}, 4),
    ],
)
def test_an_answer_takes_along_what_stands_before_it(database, thread, waits, lane):
    with database.transaction() as connection:
        a_queued_text(connection, thread.id, key="bulk:1", **({"lane": 4} | waits))

    write_all(database, an_entry(thread, texts=(a_text(thread),)))

    assert lanes(database) == {"bulk:1": lane, "reply:1": 0}


def test_what_is_no_answer_takes_nothing_along(database, thread):
    with database.transaction() as connection:
        a_queued_text(connection, thread.id, key="bulk:1", lane=4)
        put_out(connection, KEYS, [a_text(thread, "offer:1:1", lane=1)], LATER)

    assert lanes(database) == {"bulk:1": 4, "offer:1:1": 1}


# --- wrong number -------------------------------------------------------------------------------------------------


def test_a_wrong_number_gets_its_one_answer_and_nothing_that_was_queued(database, thread):
    with database.transaction() as connection:
        queued = [a_queued_text(connection, thread.id, purpose=purpose) for purpose in Purpose]
        leased = a_queued_text(connection, thread.id, state=OutboxState.LEASED)
        elsewhere = a_queued_text(connection, a_thread(connection, OTHER_NUMBER))

    write_all(database, an_entry(thread, texts=(a_text(thread),), withdraw_number=True))

    states = {row.id: row.state for row in rows_of(database, Outbox) if row.key != "reply:1"}
    assert states == dict.fromkeys(queued, OutboxState.WITHDRAWN) | {
        leased: OutboxState.LEASED,
        elsewhere: OutboxState.QUEUED,
    }
    assert look(database, Outbox, leased).expires_at == LATER
    assert rows_of(database, Outbox, key="reply:1")[0].state is OutboxState.QUEUED


# --- all or nothing (guarantee 2) ---------------------------------------------------------------------------------


def whole(database):
    """Every row that a decision may touch."""
    models = (Thread, Inbox, Outbox, Question, HandOver, Audit, Slot, Appointment, Patient)
    return [rows_of(database, model) for model in models]


def test_of_a_batch_with_one_conflict_nothing_is_written(database, thread, inbox_id):
    with database.transaction() as connection:
        a_thread(connection, OTHER_NUMBER)
        clinic, service, patient = a_clinic(connection), a_service(connection), a_patient(connection)
        slot = a_slot(connection, clinic, service)
        visit = an_appointment(connection, patient, slot, service)
    before = whole(database)
    good = an_entry(
        thread,
        handled=handled(inbox_id),
        texts=(a_text(thread),),
        changes=(
            SetStop(PATIENT_NUMBER, None, StopSource.STOP),
            RecordConsent(patient, PATIENT_NUMBER, Purpose.CARE, False, ""),
        ),
        hand_over=HandOverOut(HandOverReason.TOO_LATE, None, False, None, None),
    )
    stale = an_entry(thread_facts(database, OTHER_NUMBER), changes=(CancelAppointment(visit, 9, slot),))

    with pytest.raises(Conflict):
        write_all(database, good, stale)

    assert whole(database) == before


# --- one slot, one winner (guarantee 3) ---------------------------------------------------------------------------


class Claimers:
    """Patients who all answer the same offer at the same moment, each on their own thread."""

    def __init__(self, database, count):
        self.database = database
        self.numbers = [f"+3584055501{n:02d}" for n in range(count)]
        with database.transaction() as connection:
            clinic, service = a_clinic(connection), a_service(connection)
            self.slot = a_slot(connection, clinic, service)
            bookings = []
            for number in self.numbers:
                a_thread(connection, number)
                booking = BookAppointment(
                    a_patient(connection), service, self.slot, clinic, None, TOMORROW, TOMORROW + timedelta(minutes=30)
                )
                bookings.append(booking)
        self.entries = [
            an_entry(
                thread_facts(database, number),
                changes=(booking,),
                texts=(a_text(thread_facts(database, number), f"reply:{number}"),),
                action="booked",
            )
            for number, booking in zip(self.numbers, bookings, strict=True)
        ]
        self.won, self.lost, self.errors = [], [], []

    def race(self):
        ready = threading.Barrier(len(self.entries))
        threads = [threading.Thread(target=self._claim, args=(entry, ready)) for entry in self.entries]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    def _claim(self, entry, ready):
        ready.wait()
        try:
            self._write(entry)
            self.won.append(entry)
        except Conflict:
            self.lost.append(entry)
        except Exception as error:
            self.errors.append(error)

    def _write(self, entry):
        while True:
            try:
                return write_all(self.database, entry)
            except Exception as error:
                if not is_conflict(error):
                    raise


def test_of_fifty_who_claim_one_slot_at_once_one_wins(database):
    claimers = Claimers(database, 50)

    claimers.race()

    assert claimers.errors == []
    assert (len(claimers.won), len(claimers.lost)) == (1, 49)
    winner = claimers.won[0]
    visits = rows_of(database, Appointment)
    assert [(visit.patient_id, visit.slot_id) for visit in visits] == [(winner.changes[0].patient_id, claimers.slot)]
    assert look(database, Slot, claimers.slot).state is SlotState.TAKEN
    assert [row.number for row in rows_of(database, Outbox)] == [winner.thread.number]
    assert [line.action for line in rows_of(database, Audit)] == ["booked"]


def test_the_table_itself_refuses_a_second_live_visit_in_a_slot(database):
    with database.transaction() as connection:
        clinic, service = a_clinic(connection), a_service(connection)
        slot = a_slot(connection, clinic, service)
        an_appointment(connection, a_patient(connection), slot, service, AppointmentStatus.CANCELLED)
        an_appointment(connection, a_patient(connection), slot, service)

    with pytest.raises(Exception, match=r"UNIQUE|unique"), database.transaction() as connection:
        an_appointment(connection, a_patient(connection), slot, service, AppointmentStatus.PROVISIONAL)

    assert how_many(database, Appointment) == 2
