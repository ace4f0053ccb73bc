"""Who is writing, through the socket: the identity ladder under both policies (product.md section 2)."""

from __future__ import annotations

import pytest

from models.states import HandOverReason, ThreadState

NEUTRAL = "wrong_details"


# --- L0: nothing known --------------------------------------------------------------------------------------------


def test_anybody_may_ask_when_the_clinic_is_open(clinic):
    answer = clinic.phone().texts("Moi, mitkä ovat aukioloaikanne?")

    assert answer.message == "opening_hours"
    assert "8-16" in answer.text


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Soittakaa minulle, kiitos", HandOverReason.ASKED_FOR_CALL),
        ("IHMINEN", HandOverReason.ASKED_FOR_PERSON),
        ("En saa henkeä, kurkku turpoaa", HandOverReason.EMERGENCY),
    ],
)
def test_anybody_may_ask_for_a_call_or_a_person_or_tell_of_an_emergency(clinic, words, reason):
    answer = clinic.phone().texts(words)

    assert answer.handed is reason
    assert answer.text


def test_an_unknown_number_learns_nothing_of_any_visit(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")

    answer = clinic.phone().texts("Milloin Aino Esimerkin aika on?")

    assert answer.message == "number_not_on_file"
    assert "11.3." not in answer.text


# --- L1: a number on file -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message", "diary"),
    [
        ("1", "confirmed", "11.3. 9.00 confirmed"),
        ("joo tulen", "confirmed", "11.3. 9.00 confirmed"),
        ("2", "cancelled", "11.3. 9.00 cancelled"),
        ("peru", "cancelled", "11.3. 9.00 cancelled"),
        ("3", "move_options", "11.3. 9.00 booked"),
    ],
)
def test_an_answer_to_our_own_question_needs_no_code(clinic, words, message, diary):
    aino = clinic.patient()
    clinic.free("12.3. 9.00", "13.3. 14.00")
    clinic.remind(aino, clinic.visit(aino, "11.3. 9.00"))

    answer = aino.texts(words)

    assert answer.message == message
    assert aino.diary == [diary]


def test_the_exact_date_of_a_visit_that_we_texted_opens_that_visit_only(clinic):
    aino = clinic.patient()
    clinic.remind(aino, clinic.visit(aino, "11.3. 9.00"), hours=1)
    clinic.visit(aino, "18.3. 9.00")
    clinic.later(hours=2)  # the question is over, what we texted is not forgotten

    answer = aino.texts("Peruisin aikani 11.3.")

    assert answer.message == "cancelled"
    assert aino.diary == ["11.3. 9.00 cancelled", "18.3. 9.00 booked"]


def test_the_date_of_a_visit_that_we_never_texted_opens_nothing_and_counts_as_a_guess(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")

    answer = aino.texts("Peruisin aikani 11.3.")

    assert answer.message == "code_missing"
    assert aino.diary == ["11.3. 9.00 booked"]
    assert aino.phone.failures == 1


def test_who_answers_a_reminder_still_learns_nothing_more(clinic):
    aino = clinic.patient()
    clinic.remind(aino, clinic.visit(aino, "11.3. 9.00"))
    clinic.visit(aino, "18.3. 9.00")

    answer = aino.texts("Milloin mun muut ajat on?")

    assert answer.message == "code_missing"
    assert "18.3." not in answer.text


def test_our_question_is_answered_only_from_the_number_that_it_went_to(clinic):
    aino = clinic.patient()
    clinic.remind(aino, clinic.visit(aino, "11.3. 9.00"))

    answer = clinic.phone().texts("2")

    assert answer.message == "no_open_question"
    assert aino.diary == ["11.3. 9.00 booked"]


# --- L2: a number on file and the code ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message", "diary"),
    [
        ("Haluan perua aikani. {name} {code}", "cancelled", ["11.3. 9.00 cancelled"]),
        ("Vahvistan aikani, {name}, {code}", "confirmed", ["11.3. 9.00 confirmed"]),
        ("Milloin mulla on aika? {code} {name}", "one_visit", ["11.3. 9.00 booked"]),
        ("Siirrä aikani 12.3. klo 9, {name} {code}", "moved", ["12.3. 9.00 booked"]),
        ("Varaisin tarkastuksen 12.3. klo 9. {name} {code}", "booked", ["11.3. 9.00 booked", "12.3. 9.00 booked"]),
        ("Jag vill avboka min tid, {name} {code}", "cancelled", ["11.3. 9.00 cancelled"]),
        ("Jag bekräftar min tid {code}", "confirmed", ["11.3. 9.00 confirmed"]),
        ("När har jag min tid? {code}", "one_visit", ["11.3. 9.00 booked"]),
        ("Kan ni flytta min tid till 12.3 kl 9? {code}", "moved", ["12.3. 9.00 booked"]),
        ("Please cancel my appointment, {name} {code}", "cancelled", ["11.3. 9.00 cancelled"]),
        ("I confirm my appointment. {code}", "confirmed", ["11.3. 9.00 confirmed"]),
        ("When is my appointment? {code}", "one_visit", ["11.3. 9.00 booked"]),
        ("Please move my appointment to 12.3. at 9, {code}", "moved", ["12.3. 9.00 booked"]),
    ],
)
def test_two_facts_carry_out_every_command_in_three_languages(clinic, words, message, diary):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    clinic.free("12.3. 9.00")

    answer = aino.texts(words)

    assert answer.message == message
    assert aino.diary == diary


def test_a_name_that_contradicts_the_code_changes_nothing_and_goes_to_a_person(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")

    answer = aino.texts("Peruisin aikani, Pekka Toinen {code}")

    assert answer.message == NEUTRAL
    assert answer.handed is HandOverReason.NAME_CONTRADICTS_CODE
    assert aino.diary == ["11.3. 9.00 booked"]


# --- L3: a right code from elsewhere ------------------------------------------------------------------------------


def test_a_right_code_from_a_strange_number_changes_and_tells_nothing(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    stranger = clinic.phone()

    answer = stranger.texts(f"Peruisin aikani, Aino Esimerkki {aino.code}")

    assert answer.message == NEUTRAL
    assert aino.diary == ["11.3. 9.00 booked"]
    assert answer.handed is HandOverReason.NUMBER_NOT_ON_FILE
    assert stranger.state is ThreadState.WAITING
    assert [(told.number, told.message) for told in answer.elsewhere] == [(aino.phone.number, "someone_wrote")]


def test_the_number_on_file_hears_of_it_once_a_day_at_most(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    words = f"Peruisin aikani, Aino Esimerkki {aino.code}"

    told = []
    for stranger in (clinic.phone(), clinic.phone()):
        told.append(len(stranger.texts(words).elsewhere))
    clinic.later(days=1)
    told.append(len(clinic.phone().texts(words).elsewhere))

    assert told == [1, 0, 1]


def test_a_number_that_serves_several_patients_never_hears_of_it(clinic):
    aino = clinic.patient()
    clinic.patient("Bertta Mallinen", phone=aino.phone)

    answer = clinic.phone().texts(f"Peruisin aikani, {aino.code}")

    assert answer.message == NEUTRAL
    assert answer.elsewhere == ()


def test_who_must_never_be_texted_never_hears_of_it(clinic):
    aino = clinic.patient(do_not_text=True)

    answer = clinic.phone().texts(f"Peruisin aikani, {aino.code}")

    assert answer.message == NEUTRAL
    assert answer.elsewhere == ()


def test_staff_get_the_command_as_it_was_read(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    stranger = clinic.phone()

    stranger.texts(f"Siirtäisin aikani 11.3. perjantaille 13.3., Aino Esimerkki {aino.code}")

    command = stranger.hand_over.command
    assert command["command"]["intent"] == "reschedule"
    assert command["command"]["when"] == [["2026-03-13T00:00:00", "2026-03-14T00:00:00"]]
    assert stranger.hand_over.patient_id == aino.id
    assert aino.code not in str(command)


# --- the other policy ---------------------------------------------------------------------------------------------


def test_code_and_name_change_the_visit_from_any_number_where_the_clinic_trusts_them(trusting_clinic):
    aino = trusting_clinic.patient()
    trusting_clinic.visit(aino, "11.3. 9.00")

    answer = trusting_clinic.phone().texts(f"Peruisin aikani, Aino Esimerkki {aino.code}")

    assert answer.message == "done_and_told_elsewhere"
    assert "11.3." not in answer.text
    assert aino.diary == ["11.3. 9.00 cancelled"]
    assert [(told.number, "11.3." in told.text) for told in answer.elsewhere] == [(aino.phone.number, True)]


@pytest.mark.parametrize("words", ["Peruisin aikani {code}", "Peruisin aikani, Bertta Mallinen {code}"])
def test_the_code_without_its_name_changes_nothing_there_either(trusting_clinic, words):
    aino = trusting_clinic.patient()
    trusting_clinic.visit(aino, "11.3. 9.00")

    answer = trusting_clinic.phone().texts(words.format(code=aino.code))

    assert answer.message == NEUTRAL
    assert aino.diary == ["11.3. 9.00 booked"]


def test_times_are_told_only_to_the_number_on_file_there_too(trusting_clinic):
    aino = trusting_clinic.patient()
    trusting_clinic.visit(aino, "11.3. 9.00")

    answer = trusting_clinic.phone().texts(f"Milloin aikani on? Aino Esimerkki {aino.code}")

    assert answer.message == NEUTRAL
    assert "11.3." not in answer.text
    assert answer.handed is HandOverReason.NUMBER_NOT_ON_FILE


def test_from_the_number_on_file_nothing_differs_there(trusting_clinic):
    aino = trusting_clinic.patient()
    trusting_clinic.visit(aino, "11.3. 9.00")

    answer = aino.texts("Peruisin aikani {code}")

    assert answer.message == "cancelled"
    assert aino.diary == ["11.3. 9.00 cancelled"]
