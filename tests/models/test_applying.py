"""What decisions change in the diary and in what a number has said: all of it as the decision saw it, or none."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from models.applying import Conflict, apply
from models.changes import (
    BookAppointment,
    CancelAppointment,
    CloseQuestion,
    ConfirmAppointment,
    LiftStop,
    MoveAppointment,
    ProveNumber,
    RecordConsent,
    RecordFailure,
    RestoreAppointment,
    ReturnAppointment,
    SetStop,
    SilencePatient,
)
from models.patient import Consent, ContactNumber, FailedProof, Patient, Stop
from models.post import Outbox, Question
from models.schedule import Appointment, Slot
from models.states import (
    COMING,
    AppointmentStatus,
    OutboxState,
    Purpose,
    QuestionState,
    SlotState,
    StopSource,
)
from tests.rows import (
    NOW,
    PATIENT_NUMBER,
    TOMORROW,
    a_clinic,
    a_patient,
    a_practitioner,
    a_question,
    a_queued_text,
    a_service,
    a_slot,
    a_stop,
    a_thread,
    an_appointment,
    look,
    rows_of,
    the,
)

LATER = NOW + timedelta(minutes=5)
OTHER_NUMBER = "+358405550102"


@dataclass(frozen=True)
class Diary:
    """A patient with a visit, and a free slot two hours later at another practitioner's."""

    patient: int
    service: int
    visit: int
    slot: int
    free: int
    thread: int


@pytest.fixture
def diary(database):
    with database.transaction() as connection:
        clinic, service = a_clinic(connection), a_service(connection)
        patient = a_patient(connection, numbers=[PATIENT_NUMBER])
        slot = a_slot(connection, clinic, service)
        visit = an_appointment(connection, patient, slot, service)
        practitioner = a_practitioner(connection)
        later = TOMORROW + timedelta(hours=2)
        free = a_slot(connection, clinic, service, starts_at=later, practitioner_id=practitioner)
        return Diary(patient, service, visit, slot, free, a_thread(connection))


def carry_out(database, *changes, now=LATER):
    with database.transaction() as connection:
        return apply(connection, changes, now)


def visit_of(database, diary):
    return look(database, Appointment, diary.visit)


def slot_states(database, diary):
    return [look(database, Slot, slot).state for slot in (diary.slot, diary.free)]


def cancel(diary, version=1):
    return CancelAppointment(diary.visit, version, diary.slot)


def move_to_the_free_slot(database, diary, version=1, status=AppointmentStatus.BOOKED):
    slot = look(database, Slot, diary.free)
    return MoveAppointment(
        diary.visit,
        version,
        diary.slot,
        slot.id,
        slot.clinic_id,
        slot.practitioner_id,
        slot.starts_at,
        slot.ends_at,
        status,
    )


def book_the_free_slot(database, diary):
    slot = look(database, Slot, diary.free)
    return BookAppointment(
        diary.patient,
        diary.service,
        slot.id,
        slot.clinic_id,
        slot.practitioner_id,
        slot.starts_at,
        slot.ends_at,
    )


def everything(database):
    """All rows that a change of the diary may touch."""
    return [rows_of(database, model) for model in (Slot, Appointment, Question, Outbox, Consent, Stop)]


# --- the diary ----------------------------------------------------------------------------------------------------


def test_a_booking_takes_its_slot_and_says_which_visit_it_made(database, diary):
    created = carry_out(database, book_the_free_slot(database, diary))

    visit = look(database, Appointment, created[diary.free])
    assert (visit.status, visit.slot_id, visit.patient_id) == (AppointmentStatus.BOOKED, diary.free, diary.patient)
    assert (visit.created_at, visit.created_by, visit.version) == (LATER, "text", 1)
    assert slot_states(database, diary) == [SlotState.TAKEN, SlotState.TAKEN]


def test_several_bookings_know_each_their_own_visit(database, diary):
    with database.transaction() as connection:
        slot = the(connection, Slot, diary.free)
        others = [a_slot(connection, slot.clinic_id, starts_at=slot.starts_at) for _ in range(20)]
    first = book_the_free_slot(database, diary)

    created = carry_out(database, first, *(replace(first, slot_id=other) for other in others))

    assert {look(database, Appointment, visit).slot_id: visit for visit in created.values()} == created
    assert created.keys() == {diary.free, *others}


@pytest.mark.parametrize("state", [SlotState.TAKEN, SlotState.HELD, SlotState.WITHDRAWN])
def test_only_a_free_slot_can_be_booked(database, diary, state):
    booking = book_the_free_slot(database, diary)
    with database.transaction() as connection:
        connection.execute(Slot.__table__.update().where(Slot.id == diary.free).values(state=state))
    before = everything(database)

    with pytest.raises(Conflict, match="slot"):
        carry_out(database, booking)

    assert everything(database) == before


def test_one_slot_is_not_booked_twice_by_one_batch(database, diary):
    booking = book_the_free_slot(database, diary)

    with pytest.raises(Conflict, match="slot"):
        carry_out(database, booking, booking)

    assert slot_states(database, diary) == [SlotState.TAKEN, SlotState.FREE]


def test_a_cancelled_visit_gives_its_slot_back(database, diary):
    carry_out(database, cancel(diary))

    visit = visit_of(database, diary)
    assert (visit.status, visit.version, visit.changed_at) == (AppointmentStatus.CANCELLED, 2, LATER)
    assert slot_states(database, diary) == [SlotState.FREE, SlotState.FREE]


def test_a_confirmed_visit_keeps_its_slot(database, diary):
    carry_out(database, ConfirmAppointment(diary.visit, 1))

    visit = visit_of(database, diary)
    assert (visit.status, visit.version, visit.changed_at) == (AppointmentStatus.CONFIRMED, 2, LATER)
    assert slot_states(database, diary) == [SlotState.TAKEN, SlotState.FREE]


def test_a_moved_visit_is_where_and_when_its_new_slot_is(database, diary):
    carry_out(database, move_to_the_free_slot(database, diary, status=AppointmentStatus.CONFIRMED))

    visit, slot = visit_of(database, diary), look(database, Slot, diary.free)
    assert (visit.slot_id, visit.starts_at, visit.ends_at) == (slot.id, slot.starts_at, slot.ends_at)
    assert (visit.clinic_id, visit.practitioner_id) == (slot.clinic_id, slot.practitioner_id)
    assert (visit.status, visit.version) == (AppointmentStatus.CONFIRMED, 2)
    assert slot_states(database, diary) == [SlotState.FREE, SlotState.TAKEN]


def test_a_visit_that_cannot_have_the_new_time_keeps_the_old_one(database, diary):
    move = move_to_the_free_slot(database, diary)
    carry_out(database, book_the_free_slot(database, diary))
    before = everything(database)

    with pytest.raises(Conflict, match="slot"):
        carry_out(database, move)

    assert everything(database) == before


@pytest.mark.parametrize("change", ["cancel", "confirm", "move"])
def test_a_visit_that_changed_since_it_was_read_is_left_as_it_is(database, diary, change):
    stale = {
        "cancel": cancel(diary),
        "confirm": ConfirmAppointment(diary.visit, 1),
        "move": move_to_the_free_slot(database, diary),
    }[change]
    carry_out(database, ConfirmAppointment(diary.visit, 1))
    before = everything(database)

    with pytest.raises(Conflict, match="appointment"):
        carry_out(database, stale)

    assert everything(database) == before


def set_status(database, diary, status):
    with database.transaction() as connection:
        connection.execute(Appointment.__table__.update().where(Appointment.id == diary.visit).values(status=status))


@pytest.mark.parametrize("status", sorted(COMING))
def test_a_coming_visit_can_be_cancelled(database, diary, status):
    set_status(database, diary, status)

    carry_out(database, cancel(diary))

    assert visit_of(database, diary).status is AppointmentStatus.CANCELLED


@pytest.mark.parametrize("status", sorted(set(AppointmentStatus) - COMING))
def test_a_visit_that_is_over_cannot_be_cancelled(database, diary, status):
    set_status(database, diary, status)

    with pytest.raises(Conflict, match="appointment"):
        carry_out(database, cancel(diary))

    assert visit_of(database, diary).status is status


def test_a_conflict_names_the_kind_of_row_and_not_whose(database, diary):
    with pytest.raises(Conflict) as told:
        carry_out(database, cancel(diary, version=7))

    assert str(told.value) == "appointment"


def test_a_batch_with_one_stale_change_changes_nothing(database, diary):
    before = everything(database)

    with pytest.raises(Conflict):
        carry_out(
            database,
            book_the_free_slot(database, diary),
            SetStop(PATIENT_NUMBER, None, StopSource.STOP),
            cancel(diary, version=7),
        )

    assert everything(database) == before


def test_a_slot_that_one_change_frees_can_be_taken_by_another_of_the_same_text(database, diary):
    booking = replace(book_the_free_slot(database, diary), slot_id=diary.slot)

    created = carry_out(database, cancel(diary), booking)

    assert look(database, Appointment, created[diary.slot]).status is AppointmentStatus.BOOKED
    assert visit_of(database, diary).status is AppointmentStatus.CANCELLED


# --- undo ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED])
def test_an_undone_cancel_stands_as_before(database, diary, before):
    carry_out(database, cancel(diary))

    carry_out(database, RestoreAppointment(diary.visit, diary.slot, before))

    visit = visit_of(database, diary)
    assert (visit.status, visit.slot_id, visit.version) == (before, diary.slot, 3)
    assert slot_states(database, diary) == [SlotState.TAKEN, SlotState.FREE]


def test_a_cancel_cannot_be_undone_when_the_slot_is_gone(database, diary):
    carry_out(database, cancel(diary))
    carry_out(database, replace(book_the_free_slot(database, diary), slot_id=diary.slot))

    with pytest.raises(Conflict, match="slot"):
        carry_out(database, RestoreAppointment(diary.visit, diary.slot, AppointmentStatus.BOOKED))

    assert visit_of(database, diary).status is AppointmentStatus.CANCELLED


def test_a_cancel_is_undone_once(database, diary):
    carry_out(database, cancel(diary))
    restore = RestoreAppointment(diary.visit, diary.slot, AppointmentStatus.BOOKED)
    carry_out(database, restore)

    with pytest.raises(Conflict):
        carry_out(database, restore)


def test_a_visit_that_was_not_cancelled_is_not_restored(database, diary):
    with database.transaction() as connection:
        missed = a_slot(connection, look(database, Slot, diary.slot).clinic_id)
        visit = an_appointment(connection, diary.patient, missed, diary.service, AppointmentStatus.LAPSED)

    with pytest.raises(Conflict, match="appointment"):
        carry_out(database, RestoreAppointment(visit, missed, AppointmentStatus.PROVISIONAL))

    assert look(database, Slot, missed).state is SlotState.FREE


def test_an_undone_move_is_back_in_its_old_slot(database, diary):
    before = visit_of(database, diary)
    carry_out(database, move_to_the_free_slot(database, diary, status=AppointmentStatus.CONFIRMED))

    carry_out(database, ReturnAppointment(diary.visit, diary.slot, AppointmentStatus.BOOKED))

    after = visit_of(database, diary)
    place = ("slot_id", "clinic_id", "practitioner_id", "starts_at", "ends_at")
    assert [getattr(after, name) for name in place] == [getattr(before, name) for name in place]
    assert after.status is AppointmentStatus.BOOKED
    assert slot_states(database, diary) == [SlotState.TAKEN, SlotState.FREE]


def test_a_move_cannot_be_undone_when_the_old_slot_is_gone(database, diary):
    carry_out(database, move_to_the_free_slot(database, diary))
    carry_out(database, replace(book_the_free_slot(database, diary), slot_id=diary.slot))

    with pytest.raises(Conflict, match="slot"):
        carry_out(database, ReturnAppointment(diary.visit, diary.slot, AppointmentStatus.BOOKED))

    assert visit_of(database, diary).slot_id == diary.free


def test_a_move_cannot_be_undone_when_the_visit_was_cancelled_since(database, diary):
    carry_out(database, move_to_the_free_slot(database, diary))
    carry_out(database, CancelAppointment(diary.visit, 2, diary.free))

    with pytest.raises(Conflict, match="appointment"):
        carry_out(database, ReturnAppointment(diary.visit, diary.slot, AppointmentStatus.BOOKED))

    assert slot_states(database, diary) == [SlotState.FREE, SlotState.FREE]


def test_an_undo_of_a_visit_that_is_gone_is_a_conflict(database, diary):
    with pytest.raises(Conflict, match="appointment"):
        carry_out(database, ReturnAppointment(4711, diary.free, AppointmentStatus.BOOKED))


# --- what was queued and asked about a visit ----------------------------------------------------------------------


@pytest.fixture
def reminded(database, diary):
    """A queued reminder, an answer and a question about the visit, and a reminder of another one."""
    with database.transaction() as connection:
        other = an_appointment(connection, diary.patient, diary.free, diary.service, AppointmentStatus.CANCELLED)
        return {
            "reminder": a_queued_text(connection, diary.thread, appointment_id=diary.visit),
            "answer": a_queued_text(connection, diary.thread, appointment_id=diary.visit, purpose=Purpose.ANSWER),
            "other": a_queued_text(connection, diary.thread, appointment_id=other),
            "question": a_question(connection, diary.thread, appointment_id=diary.visit),
            "other question": a_question(connection, diary.thread, appointment_id=other),
        }


@pytest.mark.parametrize("change", ["cancel", "move", "return"])
def test_what_was_queued_and_asked_about_a_visit_goes_with_it(database, diary, reminded, change):
    if change == "cancel":
        carry_out(database, cancel(diary))
    else:
        carry_out(database, move_to_the_free_slot(database, diary))
    if change == "return":
        with database.transaction() as connection:
            reminded["reminder"] = a_queued_text(connection, diary.thread, appointment_id=diary.visit)
            reminded["question"] = a_question(connection, diary.thread, appointment_id=diary.visit)
        carry_out(database, ReturnAppointment(diary.visit, diary.slot, AppointmentStatus.BOOKED))

    texts = {name: look(database, Outbox, reminded[name]).state for name in ("reminder", "answer", "other")}
    assert texts == {
        "reminder": OutboxState.WITHDRAWN,
        "answer": OutboxState.QUEUED,
        "other": OutboxState.QUEUED,
    }
    asked, other = look(database, Question, reminded["question"]), look(database, Question, reminded["other question"])
    assert (asked.state, asked.closed_at) == (QuestionState.WITHDRAWN, LATER)
    assert (other.state, other.closed_at) == (QuestionState.OPEN, None)


def test_a_text_that_the_carrier_has_already_stays_sent_when_its_visit_goes(database, diary):
    with database.transaction() as connection:
        sent = a_queued_text(connection, diary.thread, appointment_id=diary.visit, state=OutboxState.SENT)

    carry_out(database, cancel(diary))

    assert look(database, Outbox, sent).state is OutboxState.SENT


def test_a_reminder_that_is_under_way_when_its_visit_goes_is_not_tried_again(database, diary):
    with database.transaction() as connection:
        leased = a_queued_text(connection, diary.thread, appointment_id=diary.visit, state=OutboxState.LEASED)

    carry_out(database, cancel(diary))

    text = look(database, Outbox, leased)
    assert (text.state, text.expires_at) == (OutboxState.LEASED, LATER)


def test_an_answered_question_does_not_become_a_withdrawn_one(database, diary):
    with database.transaction() as connection:
        question = a_question(connection, diary.thread, appointment_id=diary.visit)

    carry_out(database, cancel(diary), CloseQuestion(question, QuestionState.ANSWERED))

    assert look(database, Question, question).state is QuestionState.ANSWERED


def test_a_question_that_ended_by_itself_meanwhile_stays_as_it_ended(database, diary):
    with database.transaction() as connection:
        question = a_question(connection, diary.thread, state=QuestionState.EXPIRED, closed_at=NOW)

    carry_out(database, CloseQuestion(question, QuestionState.ANSWERED))

    assert look(database, Question, question).state is QuestionState.EXPIRED


# --- stops and consents -------------------------------------------------------------------------------------------


def stops(database, number=PATIENT_NUMBER):
    """The stops in force on the number, with their sources."""
    return {(row.purpose, row.source) for row in rows_of(database, Stop, number=number, lifted_at=None)}


ALL = {Purpose.REMINDERS, Purpose.CARE, Purpose.OFFERS, Purpose.SURVEYS}


def test_a_stop_holds_for_every_purpose_and_withdraws_what_is_queued_but_answers(database, diary):
    with database.transaction() as connection:
        texts = {p: a_queued_text(connection, diary.thread, purpose=p) for p in Purpose}
        other_thread = a_thread(connection, OTHER_NUMBER)
        others = a_queued_text(connection, other_thread)

    carry_out(database, SetStop(PATIENT_NUMBER, None, StopSource.STOP))

    states = {purpose: look(database, Outbox, text).state for purpose, text in texts.items()}
    assert states == dict.fromkeys(ALL, OutboxState.WITHDRAWN) | {Purpose.ANSWER: OutboxState.QUEUED}
    assert look(database, Outbox, others).state is OutboxState.QUEUED
    assert stops(database) == {(None, StopSource.STOP)}


def test_a_stop_of_one_purpose_leaves_the_others(database, diary):
    with database.transaction() as connection:
        texts = {p: a_queued_text(connection, diary.thread, purpose=p) for p in ALL}

    carry_out(database, SetStop(PATIENT_NUMBER, Purpose.OFFERS, StopSource.STOP))

    withdrawn = {p for p, text in texts.items() if look(database, Outbox, text).state is OutboxState.WITHDRAWN}
    assert withdrawn == {Purpose.OFFERS}
    assert stops(database) == {(Purpose.OFFERS, StopSource.STOP)}


@pytest.mark.parametrize(("purpose", "recorded"), [(None, ALL), (Purpose.SURVEYS, {Purpose.SURVEYS})])
def test_a_stop_is_recorded_with_its_day_for_each_purpose(database, diary, purpose, recorded):
    carry_out(database, SetStop(PATIENT_NUMBER, purpose, StopSource.STOP))

    records = rows_of(database, Consent, number=PATIENT_NUMBER)
    assert {row.purpose for row in records} == recorded
    assert {(row.granted, row.at, row.how) for row in records} == {(False, LATER, "text")}


def test_start_lifts_only_what_a_stop_on_that_number_set(database, diary):
    with database.transaction() as connection:
        a_stop(connection)
        a_stop(connection, source=StopSource.WRONG_NUMBER)
        a_stop(connection, source=StopSource.STAFF)
        a_stop(connection, OTHER_NUMBER)

    carry_out(database, LiftStop(PATIENT_NUMBER, StopSource.STOP))

    assert stops(database) == {(None, StopSource.WRONG_NUMBER), (None, StopSource.STAFF)}
    assert stops(database, OTHER_NUMBER) == {(None, StopSource.STOP)}


def test_who_keeps_reminders_after_a_stop_gets_only_reminders(database, diary):
    with database.transaction() as connection:
        a_stop(connection)

    carry_out(database, LiftStop(PATIENT_NUMBER, StopSource.STOP, Purpose.REMINDERS))

    assert stops(database) == {(purpose, StopSource.STOP) for purpose in ALL - {Purpose.REMINDERS}}


def test_lifting_one_purpose_leaves_a_stop_of_another(database, diary):
    with database.transaction() as connection:
        a_stop(connection, purpose=Purpose.OFFERS)
        a_stop(connection, purpose=Purpose.SURVEYS)

    carry_out(database, LiftStop(PATIENT_NUMBER, StopSource.STOP, Purpose.OFFERS))

    assert stops(database) == {(Purpose.SURVEYS, StopSource.STOP)}


def test_a_narrowed_stop_can_be_lifted_wholly(database, diary):
    with database.transaction() as connection:
        a_stop(connection)
    carry_out(database, LiftStop(PATIENT_NUMBER, StopSource.STOP, Purpose.REMINDERS))

    carry_out(database, LiftStop(PATIENT_NUMBER, StopSource.STOP))

    assert stops(database) == set()


def test_a_consent_is_recorded_with_its_wording_and_changes_the_file(database, diary):
    carry_out(database, RecordConsent(diary.patient, PATIENT_NUMBER, Purpose.OFFERS, False, "EI"))

    record = rows_of(database, Consent)[0]
    assert (record.patient_id, record.number, record.purpose) == (diary.patient, PATIENT_NUMBER, Purpose.OFFERS)
    assert (record.granted, record.at, record.how, record.wording) == (False, LATER, "text", "EI")
    patient = look(database, Patient, diary.patient)
    assert patient.consents == {"reminders": True, "care": True, "offers": False, "surveys": True}
    assert patient.version == 2


def test_two_consents_of_one_person_both_reach_the_file(database, diary):
    purposes = (Purpose.OFFERS, Purpose.CARE)

    carry_out(database, *(RecordConsent(diary.patient, PATIENT_NUMBER, p, False, "") for p in purposes))

    consents = look(database, Patient, diary.patient).consents
    assert consents == {"reminders": True, "care": False, "offers": False, "surveys": True}


def test_consents_that_come_by_two_numbers_at_once_both_reach_the_file(database, diary):
    first = RecordConsent(diary.patient, PATIENT_NUMBER, Purpose.OFFERS, False, "")
    second = replace(first, number=OTHER_NUMBER, purpose=Purpose.CARE)
    other = threading.Thread(target=carry_out, args=(database, second))

    with database.transaction() as connection:
        apply(connection, [first], LATER)
        other.start()
        other.join(0.2)  # it has read, if nothing keeps it from reading
    other.join()

    consents = look(database, Patient, diary.patient).consents
    assert (consents["offers"], consents["care"]) == (False, False)


def test_a_consent_of_a_number_on_no_file_is_recorded(database, diary):
    carry_out(database, RecordConsent(None, OTHER_NUMBER, Purpose.CARE, True, "ALOITA"))

    assert [(row.patient_id, row.granted) for row in rows_of(database, Consent)] == [(None, True)]


# --- people -------------------------------------------------------------------------------------------------------


def test_a_failure_counts_against_the_number_and_the_person(database, diary):
    carry_out(database, RecordFailure(PATIENT_NUMBER, diary.patient), RecordFailure(OTHER_NUMBER, None))

    failures = [(row.number, row.patient_id, row.at) for row in rows_of(database, FailedProof)]
    assert failures == [(PATIENT_NUMBER, diary.patient, LATER), (OTHER_NUMBER, None, LATER)]


def test_a_proven_number_counts_again_on_that_file_alone(database, diary):
    with database.transaction() as connection:
        long_ago = NOW - timedelta(days=400)
        other = a_patient(connection, numbers=[PATIENT_NUMBER], proven_at=long_ago)
        connection.execute(ContactNumber.__table__.update().values(failed_at=long_ago, proven_at=long_ago))

    carry_out(database, ProveNumber(PATIENT_NUMBER, diary.patient))

    mine, others = (rows_of(database, ContactNumber, patient_id=id_)[0] for id_ in (diary.patient, other))
    assert (mine.proven_at, mine.failed_at) == (LATER, None)
    assert (others.proven_at, others.failed_at) == (long_ago, long_ago)


def test_nothing_more_goes_to_a_person_who_may_have_died(database, diary):
    with database.transaction() as connection:
        elsewhere = a_thread(connection, OTHER_NUMBER)
        mine = [a_queued_text(connection, thread, patient_id=diary.patient) for thread in (diary.thread, elsewhere)]
        other = a_queued_text(connection, diary.thread, patient_id=a_patient(connection))

    carry_out(database, SilencePatient(diary.patient))

    assert look(database, Patient, diary.patient).silenced
    assert {look(database, Outbox, text).state for text in mine} == {OutboxState.WITHDRAWN}
    assert look(database, Outbox, other).state is OutboxState.QUEUED
    assert visit_of(database, diary).status is AppointmentStatus.BOOKED
