"""The facts of one text among those of a batch: everything about its sender, nothing about the others."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models.facts import IdentityRules, UndoFacts
from models.gathering import Gathering
from models.queries import read_catalogue, undo_data
from models.states import AppointmentStatus, OutboxState, Purpose, SlotState, ThreadState
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
PAIR, OTHER_PAIR = (PATIENT_NUMBER, CLINIC_NUMBER), (OTHER_NUMBER, CLINIC_NUMBER)


def gathered(connection, *pairs):
    return Gathering(connection, KEYS, read_catalogue(connection), IdentityRules(), pairs or (PAIR,), NOW)


@pytest.fixture
def family(database):
    """A mother with her child, and a stranger; each has a visit, the mother's the last."""
    with database.transaction() as connection:
        clinic, service = a_clinic(connection), a_service(connection)
        mother, child, stranger = (
            a_patient(connection, code=identity_code(individual=900 + n), numbers=numbers)
            for n, numbers in enumerate([[PATIENT_NUMBER], [], [OTHER_NUMBER]])
        )
        a_guardian(connection, mother, child)
        visits = [
            an_appointment(
                connection,
                patient,
                a_slot(connection, clinic, service, starts_at=TOMORROW - n * timedelta(hours=1)),
                service,
            )
            for n, patient in enumerate((mother, child, stranger))
        ]
    return mother, child, stranger, visits


def test_a_text_knows_its_sender_whom_they_act_for_and_their_visits_by_time(database, family):
    mother, child, _, visits = family

    with database.reading() as connection:
        facts = gathered(connection, PAIR, OTHER_PAIR).facts(7, PAIR)

    assert (facts.inbox_id, facts.now, facts.thread.number) == (7, NOW, PATIENT_NUMBER)
    assert [person.id for person in facts.on_number] == [mother]
    assert facts.people.keys() == {mother, child}
    assert [visit.id for visit in facts.visits] == [visits[1], visits[0]]
    assert [clinic.number for clinic in facts.clinics] == [CLINIC_NUMBER]


def test_a_text_knows_nothing_about_who_else_writes_at_the_same_time(database, family):
    _, _, stranger, _ = family
    with database.transaction() as connection:
        threads = [a_thread(connection, number) for number in (PATIENT_NUMBER, OTHER_NUMBER)]
        asked = [a_question(connection, thread) for thread in threads]
        a_stop(connection, OTHER_NUMBER)

    with database.reading() as connection:
        batch = gathered(connection, PAIR, OTHER_PAIR)
        mine, theirs = batch.facts(1, PAIR), batch.facts(2, OTHER_PAIR)

    assert stranger not in mine.people
    assert ([q.id for q in mine.questions], [q.id for q in theirs.questions]) == ([asked[0]], [asked[1]])
    assert (len(mine.stops), len(theirs.stops)) == (0, 1)


def test_a_number_that_never_wrote_has_facts_too(database, family):
    with database.reading() as connection:
        facts = gathered(connection, (THIRD_NUMBER, CLINIC_NUMBER)).facts(0, (THIRD_NUMBER, CLINIC_NUMBER))

    assert (facts.thread.id, facts.thread.state, facts.people) == (0, ThreadState.BOT, {})


@pytest.mark.parametrize("state", ThreadState)
def test_an_open_hand_over_is_known_while_a_person_is_awaited_or_there(database, state):
    with database.transaction() as connection:
        a_clinic(connection)
        hand_over = a_hand_over(connection, a_thread(connection, state=state))

    with database.reading() as connection:
        facts = gathered(connection).facts(1, PAIR)

    awaited = state in {ThreadState.WAITING, ThreadState.PERSON}
    assert (facts.hand_over and facts.hand_over.id) == (hand_over if awaited else None)


def test_answers_of_the_last_hour_are_counted(database):
    with database.transaction() as connection:
        thread = a_thread(connection)
        for minutes in (10, 59, 61):
            at = NOW - timedelta(minutes=minutes)
            a_queued_text(connection, thread, purpose=Purpose.ANSWER, created_at=at)

    with database.reading() as connection:
        assert gathered(connection).facts(1, PAIR).answers_last_hour == 2


# --- what codes open ----------------------------------------------------------------------------------------------


def with_codes(connection, batch, *codes):
    batch.open_codes(codes)
    batch.count_failures([PATIENT_NUMBER], NOW - timedelta(hours=10))
    return batch.with_codes(batch.facts(1, PAIR), codes)


def test_a_code_opens_a_person_with_their_visits_whatever_number_it_comes_from(database, family):
    mother, child, stranger, visits = family

    with database.reading() as connection:
        facts = with_codes(connection, gathered(connection), identity_code(individual=902))

    assert facts.by_code == {identity_code(individual=902): stranger}
    assert facts.people.keys() == {mother, child, stranger}
    assert {visit.id for visit in facts.visits} == set(visits)


def test_a_code_that_nobody_has_opens_nobody(database, family):
    mother, child, _, _ = family

    with database.reading() as connection:
        facts = with_codes(connection, gathered(connection), identity_code(individual=999))

    assert facts.by_code == {identity_code(individual=999): None}
    assert facts.people.keys() == {mother, child}


def test_failures_are_counted_for_the_number_and_for_everybody_known(database, family):
    mother, _, stranger, _ = family
    with database.transaction() as connection:
        for patient, number in ((mother, PATIENT_NUMBER), (None, PATIENT_NUMBER), (stranger, THIRD_NUMBER)):
            a_failure(connection, number, patient_id=patient)

    with database.reading() as connection:
        facts = with_codes(connection, gathered(connection), identity_code(individual=902))

    assert facts.failures_of_number == 2
    assert facts.failures_of_person == {mother: 1, stranger: 1}


@pytest.mark.parametrize("opened_by_code", [False, True])
def test_a_number_that_serves_several_is_known_to_do_so(database, family, opened_by_code):
    with database.transaction() as connection:
        a_patient(connection, numbers=[OTHER_NUMBER if opened_by_code else PATIENT_NUMBER])

    with database.reading() as connection:
        batch = gathered(connection)
        codes = [identity_code(individual=902)] if opened_by_code else []
        facts = with_codes(connection, batch, *codes)

    assert facts.shared_numbers == {OTHER_NUMBER if opened_by_code else PATIENT_NUMBER}


# --- what only some texts need ------------------------------------------------------------------------------------


def test_which_visits_were_texted_to_this_number(database, family):
    _, _, _, visits = family
    with database.transaction() as connection:
        a_queued_text(connection, a_thread(connection), appointment_id=visits[0], state=OutboxState.SENT)

    with database.reading() as connection:
        batch = gathered(connection)
        facts = batch.with_texted_visits(batch.facts(1, PAIR))

    assert facts.texted_visits == {visits[0]}


@pytest.mark.parametrize(
    ("words", "is_echo"), [("Aikasi on ti 14.5. klo 9.15. ", True), ("Aikasi on ti 14.5. klo 9.30.", False)]
)
def test_our_own_words_that_come_back_are_known(database, words, is_echo):
    with database.transaction() as connection:
        sent = {"state": OutboxState.SENT, "sent_at": NOW}
        a_queued_text(connection, a_thread(connection), "Aikasi on ti 14.5. klo 9.15.", **sent)

    with database.reading() as connection:
        batch = gathered(connection)
        facts = batch.with_last_sent(batch.facts(1, PAIR), words)

    assert (facts.last_body_echo, facts.last_sent_at) == (is_echo, NOW)


def test_a_number_that_we_never_wrote_to_has_no_last_text(database):
    with database.reading() as connection:
        batch = gathered(connection)
        facts = batch.with_last_sent(batch.facts(1, PAIR), "Moi")

    assert (facts.last_body_echo, facts.last_sent_at) == (False, None)


@pytest.mark.parametrize(
    ("slot_state", "version", "offered", "free"),
    [
        (SlotState.FREE, 2, True, True),
        (SlotState.TAKEN, 2, True, False),
        (SlotState.HELD, 2, True, False),
        (SlotState.FREE, 3, False, False),  # staff have changed the visit since
    ],
)
def test_an_undo_is_of_the_last_change_only_and_needs_its_slot(database, slot_state, version, offered, free):
    with database.transaction() as connection:
        clinic, service, patient = a_clinic(connection), a_service(connection), a_patient(connection)
        slot = a_slot(connection, clinic, service, state=slot_state)
        visit = an_appointment(connection, patient, slot, service, AppointmentStatus.CANCELLED, version=version)
        undo = UndoFacts("cancel", visit, slot, AppointmentStatus.BOOKED, TOMORROW, patient, version=2)
        a_thread(connection, undo=undo_data(undo))

    with database.reading() as connection:
        batch = gathered(connection)
        facts = batch.with_undo(batch.facts(1, PAIR))

    assert facts.thread.undo == (undo if offered else None)
    assert facts.undo_slot_free is free
