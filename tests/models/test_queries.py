"""Rows to facts: what a decision may know, and that it is found by an index however many rows there are."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from models import queries
from models.gathering import code_index
from models.queries import People
from models.register import bump_catalogue
from models.states import (
    COMING,
    AppointmentStatus,
    HandOverReason,
    HandOverState,
    OutboxState,
    Purpose,
    QuestionState,
    StopSource,
)
from tests.rows import (
    CLINIC_NUMBER,
    KEYS,
    NOW,
    PATIENT_NUMBER,
    TOMORROW,
    a_clinic,
    a_failure,
    a_guardian,
    a_hand_over,
    a_number,
    a_patient,
    a_question,
    a_queued_text,
    a_service,
    a_slot,
    a_stop,
    a_thread,
    an_appointment,
    identity_code,
)

OTHER_NUMBER = "+358405550102"
THIRD_NUMBER = "+358405550103"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


# --- clinics and services -----------------------------------------------------------------------------------------


def test_the_catalogue_holds_every_clinic_and_service_with_its_rules(database):
    with database.transaction() as connection:
        hours = {"mon": [["08:00", "12:00"], ["13:00", "16:00"]]}
        clinic = a_clinic(connection, hours=hours, cutoff="previous_working_day 14:00")
        service = a_service(connection, patient_may=["cancel"], reminder_steps=["2h"], synonyms={"fi": ["huolto"]})

    with database.reading() as connection:
        catalogue = queries.read_catalogue(connection)

    found, kind = catalogue.clinics[clinic], catalogue.services[service]
    assert (found.zone, found.cutoff) == (ZoneInfo("Europe/Helsinki"), "previous_working_day 14:00")
    assert found.hours == {"mon": (("08:00", "12:00"), ("13:00", "16:00"))}
    assert found.names["sv"] == "Centrums tandklinik"
    assert (kind.patient_may, kind.reminder_steps) == (frozenset({"cancel"}), ("2h",))
    assert (kind.synonyms, kind.lapse) == ({"fi": ("huolto",)}, None)


def test_clinics_of_one_number_come_in_the_order_in_which_they_were_set_up(database):
    with database.transaction() as connection:
        first, _, third = (a_clinic(connection, number=n) for n in (CLINIC_NUMBER, OTHER_NUMBER, CLINIC_NUMBER))

    with database.reading() as connection:
        clinics = queries.read_catalogue(connection).clinics_at(CLINIC_NUMBER)

    assert [clinic.id for clinic in clinics] == [first, third]


def test_the_revision_grows_with_every_change_of_the_catalogue(database):
    revisions = []
    for _ in range(3):
        with database.reading() as connection:
            revisions.append(queries.revision_of_catalogue(connection))
        with database.transaction() as connection:
            bump_catalogue(connection)

    assert revisions == [0, 1, 2]


# --- threads, questions, hand-overs -------------------------------------------------------------------------------


def test_a_thread_is_of_both_numbers(database):
    with database.transaction() as connection:
        mine = a_thread(connection)
        a_thread(connection, service_number=OTHER_NUMBER)
        a_thread(connection, OTHER_NUMBER)

    with database.reading() as connection:
        found = queries.threads(connection, [(PATIENT_NUMBER, CLINIC_NUMBER), (THIRD_NUMBER, CLINIC_NUMBER)])

    assert {pair: thread.id for pair, thread in found.items()} == {(PATIENT_NUMBER, CLINIC_NUMBER): mine}


def test_only_open_questions_that_have_not_expired_await_an_answer(database):
    with database.transaction() as connection:
        thread, other = a_thread(connection), a_thread(connection, OTHER_NUMBER)
        first = a_question(connection, thread)
        for state in set(QuestionState) - {QuestionState.OPEN}:
            a_question(connection, thread, state=state)
        a_question(connection, thread, expires_at=NOW)
        second = a_question(connection, thread, expires_at=NOW + timedelta(seconds=1))
        elsewhere = a_question(connection, other)

    with database.reading() as connection:
        found = queries.questions(connection, KEYS, [thread, other], NOW)

    assert {id_: [question.id for question in asked] for id_, asked in found.items()} == {
        thread: [first, second],
        other: [elsewhere],
    }


def test_the_newest_open_hand_over_speaks_for_its_thread(database):
    with database.transaction() as connection:
        thread, quiet = a_thread(connection), a_thread(connection, OTHER_NUMBER)
        a_hand_over(connection, thread)
        taken = a_hand_over(connection, thread, state=HandOverState.TAKEN, reason=HandOverReason.EMERGENCY)
        a_hand_over(connection, thread, state=HandOverState.CLOSED)
        a_hand_over(connection, quiet, state=HandOverState.CLOSED)

    with database.reading() as connection:
        found = queries.hand_overs(connection, [thread, quiet])

    assert {id_: (one.id, one.reason) for id_, one in found.items()} == {thread: (taken, HandOverReason.EMERGENCY)}


# --- people -------------------------------------------------------------------------------------------------------


def people_on(database, *numbers, now=NOW):
    with database.reading() as connection:
        return queries.people_on(connection, numbers, now)


def test_the_people_of_a_number_are_those_whose_file_has_it(database):
    with database.transaction() as connection:
        first = a_patient(connection, numbers=[OTHER_NUMBER, PATIENT_NUMBER])
        second = a_patient(connection, numbers=[PATIENT_NUMBER])
        a_patient(connection, numbers=[OTHER_NUMBER])

    people = people_on(database, PATIENT_NUMBER)

    assert people.on_number == {PATIENT_NUMBER: [first, second]}
    assert people.persons[first].numbers == (OTHER_NUMBER, PATIENT_NUMBER)
    assert people.shared == {PATIENT_NUMBER}


def test_numbers_stand_in_the_order_of_the_file(database):
    with database.transaction() as connection:
        patient = a_patient(connection)
        a_number(connection, patient, THIRD_NUMBER, position=2)
        a_number(connection, patient, PATIENT_NUMBER, position=1)
        a_number(connection, patient, OTHER_NUMBER, position=0)

    person = people_on(database, PATIENT_NUMBER).persons[patient]

    assert person.numbers == (OTHER_NUMBER, PATIENT_NUMBER, THIRD_NUMBER)


@pytest.mark.parametrize(
    ("values", "trusted"),
    [
        ({}, True),
        ({"proven_at": NOW - 364 * DAY}, True),
        ({"proven_at": NOW - 365 * DAY}, False),
        ({"failed_at": NOW}, False),
    ],
)
def test_a_number_that_fails_or_is_long_unproven_shows_nobody(database, values, trusted):
    with database.transaction() as connection:
        patient = a_patient(connection, code=identity_code(), numbers=[OTHER_NUMBER])
        a_number(connection, patient, PATIENT_NUMBER, position=1, **values)

    people = people_on(database, PATIENT_NUMBER)
    with database.reading() as connection:
        queries.add_people(connection, people, {patient}, NOW)

    person = people.persons[patient]
    assert people.on_number == ({PATIENT_NUMBER: [patient]} if trusted else {})
    assert (PATIENT_NUMBER in person.numbers, PATIENT_NUMBER in person.stale_numbers) == (trusted, not trusted)


def test_a_number_is_shared_also_with_somebody_for_whom_it_is_not_proven_any_more(database):
    with database.transaction() as connection:
        patient = a_patient(connection, numbers=[PATIENT_NUMBER])
        a_patient(connection, numbers=[PATIENT_NUMBER], proven_at=NOW - 400 * DAY)

    people = people_on(database, PATIENT_NUMBER)

    assert people.on_number == {PATIENT_NUMBER: [patient]}
    assert people.shared == {PATIENT_NUMBER}


def test_which_numbers_stand_on_more_than_one_file(database):
    with database.transaction() as connection:
        a_patient(connection, numbers=[PATIENT_NUMBER, OTHER_NUMBER])
        a_patient(connection, numbers=[PATIENT_NUMBER])

    with database.reading() as connection:
        shared = queries.shared_numbers(connection, [PATIENT_NUMBER, OTHER_NUMBER, THIRD_NUMBER])

    assert shared == {PATIENT_NUMBER}


@pytest.fixture
def family(database):
    """A grandmother who acts for a daughter, who acts for her own child until a day."""
    with database.transaction() as connection:
        grandmother, daughter, child = (
            a_patient(connection, code=identity_code(individual=900 + n), numbers=[number], given_names=name)
            for n, (number, name) in enumerate(
                [(PATIENT_NUMBER, "Helmi"), (OTHER_NUMBER, "Aino"), (THIRD_NUMBER, "Eino")]
            )
        )
        a_guardian(connection, grandmother, daughter)
        a_guardian(connection, daughter, child, until=date(2030, 1, 1))
    return grandmother, daughter, child


def wards(people, person):
    return [(link.dependant_id, link.until) for link in people.persons[person].dependants]


def test_a_guardian_comes_with_dependants_and_not_with_theirs(database, family):
    grandmother, daughter, _ = family

    people = people_on(database, PATIENT_NUMBER)

    assert wards(people, grandmother) == [(daughter, None)]
    assert people.persons.keys() == {grandmother, daughter}
    assert people.persons[daughter].dependants == ()


def test_a_code_opens_a_person_and_whom_they_may_act_for(database, family):
    _, daughter, child = family
    people = People()

    with database.reading() as connection:
        indexes = [code_index(KEYS, identity_code(individual=901)), code_index(KEYS, identity_code(individual=999))]
        queries.find_by_code(connection, people, indexes, NOW)

    assert people.by_index[indexes[0]] == daughter
    assert indexes[1] not in people.by_index
    assert wards(people, daughter) == [(child, date(2030, 1, 1))]


def test_whoever_came_as_a_dependant_is_a_guardian_all_the_same_when_their_own_code_opens_them(database, family):
    grandmother, daughter, child = family
    people = people_on(database, PATIENT_NUMBER)

    with database.reading() as connection:
        queries.find_by_code(connection, people, [code_index(KEYS, identity_code(individual=901))], NOW)

    assert wards(people, daughter) == [(child, date(2030, 1, 1))]
    assert child in people.persons
    assert wards(people, grandmother) == [(daughter, None)]


def test_the_facts_of_a_person_hold_no_identity_code(database, family):
    people = people_on(database, PATIENT_NUMBER)

    assert not any(identity_code(individual=900 + n) in repr(people) for n in range(3))


# --- visits -------------------------------------------------------------------------------------------------------


def a_visit(connection, patient, starts_at, status=AppointmentStatus.BOOKED, minutes=30):
    clinic, service = a_clinic(connection), a_service(connection)
    slot = a_slot(connection, clinic, service, starts_at=starts_at, minutes=minutes)
    return an_appointment(connection, patient, slot, service, status)


def visits(database, *patients):
    with database.reading() as connection:
        found = queries.visits(connection, patients, NOW)
    return {patient: [visit.id for visit in those] for patient, those in found.items()}


def test_coming_visits_are_told_by_time_for_each_person(database):
    with database.transaction() as connection:
        patient, other, third = (a_patient(connection) for _ in range(3))
        later, sooner = (a_visit(connection, patient, TOMORROW + n * DAY) for n in (1, 0))
        others = a_visit(connection, other, TOMORROW)
        a_visit(connection, third, TOMORROW)

    assert visits(database, patient, other) == {patient: [sooner, later], other: [others]}


@pytest.mark.parametrize("status", AppointmentStatus)
def test_a_visit_comes_while_it_is_provisional_booked_or_confirmed(database, status):
    with database.transaction() as connection:
        patient = a_patient(connection)
        visit = a_visit(connection, patient, TOMORROW, status)

    assert visits(database, patient) == ({patient: [visit]} if status in COMING else {})


@pytest.mark.parametrize(("began", "counts"), [(29, True), (30, False), (31, False)])
def test_a_visit_that_has_begun_counts_until_its_end(database, began, counts):
    with database.transaction() as connection:
        patient = a_patient(connection)
        visit = a_visit(connection, patient, NOW - timedelta(minutes=began))

    assert visits(database, patient) == ({patient: [visit]} if counts else {})


def test_a_long_visit_counts_until_its_end_too(database):
    with database.transaction() as connection:
        patient = a_patient(connection)
        visit = a_visit(connection, patient, NOW - 7 * HOUR, minutes=8 * 60)

    assert visits(database, patient) == {patient: [visit]}


# --- what limits and colours an answer ----------------------------------------------------------------------------


def test_stops_in_force_are_told_by_number_purpose_and_source(database):
    with database.transaction() as connection:
        a_stop(connection, purpose=Purpose.OFFERS)
        a_stop(connection, source=StopSource.STAFF)
        a_stop(connection, lifted_at=NOW)
        a_stop(connection, OTHER_NUMBER)

    with database.reading() as connection:
        found = queries.stops(connection, [PATIENT_NUMBER])

    assert {(stop.purpose, stop.source) for stop in found[PATIENT_NUMBER]} == {
        (Purpose.OFFERS, StopSource.STOP),
        (None, StopSource.STAFF),
    }
    assert OTHER_NUMBER not in found


def test_only_answers_of_the_last_hour_are_counted(database):
    with database.transaction() as connection:
        thread, other = a_thread(connection), a_thread(connection, OTHER_NUMBER)
        for minutes in (59, 30, 60, 90):
            at = NOW - timedelta(minutes=minutes)
            a_queued_text(connection, thread, purpose=Purpose.ANSWER, created_at=at)
        a_queued_text(connection, thread)
        a_queued_text(connection, other, purpose=Purpose.ANSWER)

    with database.reading() as connection:
        assert queries.answers_since(connection, [PATIENT_NUMBER], NOW - HOUR) == {PATIENT_NUMBER: 2}


def test_failed_proofs_are_counted_by_number_and_by_person_from_the_beginning_of_the_day(database):
    with database.transaction() as connection:
        patient = a_patient(connection)
        a_failure(connection, patient_id=patient)
        a_failure(connection)
        a_failure(connection, OTHER_NUMBER, patient_id=patient)
        a_failure(connection, patient_id=patient, at=NOW - DAY - timedelta(seconds=1))
        a_failure(connection, THIRD_NUMBER, at=NOW - DAY)

    with database.reading() as connection:
        by_number = queries.failures_of_numbers(connection, [PATIENT_NUMBER, THIRD_NUMBER], NOW - DAY)
        by_person = queries.failures_of_patients(connection, [patient], NOW - DAY)

    assert by_number == {PATIENT_NUMBER: 2, THIRD_NUMBER: 1}
    assert by_person == {patient: 2}


def test_the_last_text_that_went_to_a_number_is_told_with_its_words(database):
    with database.transaction() as connection:
        thread = a_thread(connection)
        sent = {"state": OutboxState.SENT, "sent_at": NOW}
        a_queued_text(connection, thread, "vanha", created_at=NOW - HOUR, **sent)
        a_queued_text(connection, thread, "viimeisin", **(sent | {"state": OutboxState.DELIVERED}))
        a_queued_text(connection, thread, "jonossa")
        a_queued_text(connection, thread, "epäonnistui", state=OutboxState.FAILED)

    with database.reading() as connection:
        assert queries.last_sent(connection, KEYS, PATIENT_NUMBER, NOW - DAY) == ("viimeisin", NOW)
        assert queries.last_sent(connection, KEYS, PATIENT_NUMBER, NOW) is None
        assert queries.last_sent(connection, KEYS, OTHER_NUMBER, NOW - DAY) is None


def test_a_visit_is_known_to_a_number_once_a_text_about_it_went_there(database):
    with database.transaction() as connection:
        patient = a_patient(connection)
        known, queued, told_elsewhere = (a_visit(connection, patient, TOMORROW + n * HOUR) for n in range(3))
        thread, other = a_thread(connection), a_thread(connection, OTHER_NUMBER)
        for _ in range(2):
            a_queued_text(connection, thread, appointment_id=known, state=OutboxState.DELIVERED)
        a_queued_text(connection, thread, appointment_id=queued)
        a_queued_text(connection, other, appointment_id=told_elsewhere, state=OutboxState.SENT)

    with database.reading() as connection:
        found = queries.texted_visits(connection, PATIENT_NUMBER, [known, queued, told_elsewhere])

    assert found == {known}
