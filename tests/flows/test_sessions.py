"""An identification lasts fifteen minutes in its thread, and belongs to one person (product.md section 2)."""

from __future__ import annotations

import pytest

from models.states import HandOverReason


@pytest.mark.parametrize(("minutes", "message"), [(14, "cancelled"), (15, "code_missing")])
def test_for_fifteen_minutes_a_follow_up_needs_no_code(clinic, minutes, message):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    aino.texts("Milloin aikani on? {code}")
    clinic.later(minutes=minutes)

    answer = aino.texts("Peruisin sen ajan")

    assert answer.message == message


@pytest.mark.parametrize("pick", ["2", "jälkimmäinen käy", "torstai käy", "12.3. sopii", "se klo 14 aika"])
def test_a_pick_in_words_needs_no_code(clinic, pick):
    aino = clinic.patient()
    clinic.free("11.3. 9.00", "12.3. 14.00")
    aino.texts("Haluaisin varata ajan tarkastukseen ensi viikolle. {name} {code}")

    answer = aino.texts(pick)

    assert answer.message == "booked"
    assert aino.diary == ["12.3. 14.00 booked"]


def test_a_session_belongs_to_one_person(clinic):
    aino = clinic.patient()
    eero = clinic.child(aino)
    clinic.visit(aino, "11.3. 9.00")
    clinic.visit(eero, "12.3. 9.00")
    eero.texts("Milloin Eeron aika on? {code}")

    answer = aino.texts("Peruisin aikani")

    assert answer.message == "cancelled"
    assert (aino.diary, eero.diary) == (["11.3. 9.00 booked"], ["12.3. 9.00 cancelled"])


def test_in_a_session_another_name_needs_its_own_code(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    aino.texts("Milloin aikani on? {code}")

    answer = aino.texts("Perukaa Bertta Mallisen aika")

    assert answer.message == "code_missing"
    assert aino.diary == ["11.3. 9.00 booked"]


def test_a_session_does_not_go_with_the_patient_to_another_phone(clinic):
    home, work = clinic.phone(), clinic.phone()
    aino = clinic.patient(phone=home, numbers=[home, work])
    clinic.visit(aino, "11.3. 9.00")
    aino.texts("Milloin aikani on? {code}")

    answer = work.texts("Peruisin aikani")

    assert answer.message == "code_missing"


# --- shared numbers -----------------------------------------------------------------------------------------------


def a_couple(clinic):
    """Two adults who share a phone, each with a visit."""
    aino = clinic.patient()
    bertta = clinic.patient("Bertta Mallinen", phone=aino.phone)
    clinic.visit(aino, "11.3. 9.00")
    clinic.visit(bertta, "12.3. 9.00")
    return aino, bertta


def test_on_a_shared_number_a_new_command_needs_the_code_again(clinic):
    aino, bertta = a_couple(clinic)
    aino.texts("Milloin aikani on? {code}")

    answer = aino.texts("Peruisin aikani")

    assert answer.message == "code_missing"
    assert aino.diary + bertta.diary == ["11.3. 9.00 booked", "12.3. 9.00 booked"]


def test_on_a_shared_number_the_question_just_asked_is_answered_without_a_code(clinic):
    aino, bertta = a_couple(clinic)
    clinic.free("18.3. 9.00", "19.3. 9.00")
    aino.texts("Siirtäisin aikani. {code}")

    answer = aino.texts("2")

    assert answer.message == "moved"
    assert aino.diary + bertta.diary == ["19.3. 9.00 booked", "12.3. 9.00 booked"]


def test_on_a_shared_number_a_text_says_whose_time_it_is_by_one_letter(clinic):
    aino, bertta = a_couple(clinic)

    answer = bertta.texts("Peruisin aikani {code}")

    assert "B:n ajan" in answer.text
    assert bertta.diary == ["12.3. 9.00 cancelled"]
    assert aino.diary == ["11.3. 9.00 booked"]


def test_on_a_shared_number_a_code_opens_its_owner_only(clinic):
    _, bertta = a_couple(clinic)

    answer = bertta.texts("Mitkä ajat minulla on? {code}")

    assert "12.3." in answer.text
    assert "11.3." not in answer.text


def test_two_of_one_initial_are_told_apart_when_both_are_meant(clinic):
    aino = clinic.patient()
    eero = clinic.child(aino, "Eero Esimerkki")
    elli = clinic.child(aino, "Elli Esimerkki")
    clinic.free("12.3. 9.00")

    asked = aino.texts("Varaan lapselle tarkastusajan 12.3. klo 9 {code}")
    answer = aino.texts("2")

    assert "1) Ee 2) El" in asked.text
    assert answer.message == "booked"
    assert eero.diary == []
    assert elli.diary == ["12.3. 9.00 booked"]


# --- who may be acted for -----------------------------------------------------------------------------------------


def test_a_mother_cancels_for_her_child_with_her_own_code_and_is_told_whose(clinic):
    aino = clinic.patient()
    eero = clinic.child(aino)
    clinic.visit(eero, "11.3. 9.00")

    answer = aino.texts("Lapseni aika pitäisi perua, {name} {code}")

    assert "lapsesi ajan" in answer.text
    assert eero.diary == ["11.3. 9.00 cancelled"]


def test_the_childs_code_from_the_mothers_phone_opens_the_child_only(clinic):
    aino = clinic.patient()
    eero = clinic.child(aino)
    clinic.visit(aino, "11.3. 9.00")
    clinic.visit(eero, "12.3. 9.00")

    answer = eero.texts("Mitä aikoja on varattu? Eero Esimerkki {code}")

    assert "12.3." in answer.text
    assert "11.3." not in answer.text


@pytest.mark.parametrize("signed", ["Eero Esimerkki", "t. Aino Esimerkki"])
def test_the_childs_code_with_the_childs_or_the_mothers_name_is_right(clinic, signed):
    aino = clinic.patient()
    eero = clinic.child(aino)
    clinic.visit(eero, "12.3. 9.00")

    answer = eero.texts(f"Perutaan hammaslääkäriaika {eero.code} {signed}")

    assert answer.message == "cancelled"
    assert eero.diary == ["12.3. 9.00 cancelled"]


def test_the_guardians_code_lists_both_by_initial(clinic):
    aino = clinic.patient()
    eero = clinic.child(aino)
    clinic.visit(aino, "11.3. 9.00")
    clinic.visit(eero, "12.3. 9.00")

    answer = aino.texts("Listaa ajat {code}")

    assert "11.3. klo 9.00 (A)" in answer.text
    assert "12.3. klo 9.00 (E)" in answer.text


def test_somebody_elses_child_is_nobodys_business(clinic):
    bertta = clinic.patient("Bertta Mallinen")
    aino = clinic.patient()
    eero = clinic.child(aino)
    clinic.visit(eero, "12.3. 9.00")

    answer = bertta.phone.texts(f"Peru Eero Esimerkin aika {eero.code}")

    assert answer.message == "wrong_details"
    assert answer.handed is HandOverReason.NUMBER_NOT_ON_FILE
    assert eero.diary == ["12.3. 9.00 booked"]


@pytest.mark.parametrize(
    ("now", "message", "status"),
    [("5.3. 10.00", "cancelled", "cancelled"), ("6.3. 10.00", "handed_over_open", "booked")],
)
def test_a_guardian_acts_until_the_child_is_twelve(clinic, now, message, status):
    aino = clinic.patient()
    eero = clinic.child(aino, born=clinic.birthday(12, "6.3."))
    clinic.visit(eero, "18.3. 9.00")
    clinic.at(now)

    answer = eero.texts("Perutaan lapsen aika {code}")

    assert answer.message == message
    assert eero.diary == [f"18.3. 9.00 {status}"]


def test_from_twelve_on_staff_ask_the_young_person(clinic):
    aino = clinic.patient()
    eero = clinic.child(aino, born=clinic.birthday(12, "2.3."))
    clinic.visit(eero, "18.3. 9.00")

    own = aino.texts("Peru Eero Esimerkin aika {code}")
    with_the_childs = eero.texts("Peru Eeron aika {code}")

    assert own.handed is HandOverReason.MINOR
    assert with_the_childs.handed is HandOverReason.MINOR
    assert eero.diary == ["18.3. 9.00 booked"]
    assert "18.3." not in own.text + with_the_childs.text


def test_from_twelve_on_a_guardian_acts_if_the_young_person_said_so(clinic):
    aino = clinic.patient()
    eero = clinic.child(aino, born=clinic.birthday(15, "2.3."), acts_from_12=True)
    clinic.visit(eero, "18.3. 9.00")

    answer = aino.texts("Peruisin lapseni ajan {code}")

    assert answer.message == "cancelled"
    assert eero.diary == ["18.3. 9.00 cancelled"]


@pytest.mark.parametrize(("now", "status"), [("5.3. 10.00", "cancelled"), ("6.3. 0.01", "booked")])
def test_a_guardian_acts_no_more_from_the_eighteenth_birthday_on(clinic, now, status):
    aino = clinic.patient()
    eero = clinic.child(aino, born=clinic.birthday(18, "6.3."), acts_from_12=True)
    clinic.visit(eero, "18.3. 9.00")
    clinic.at(now)

    eero.texts("Perutaan aika {code}")

    assert eero.diary == [f"18.3. 9.00 {status}"]


def test_a_minor_acts_alone_from_a_phone_of_their_own(clinic):
    aino, phone = clinic.patient(), clinic.phone()
    eero = clinic.patient("Eero Esimerkki", born=clinic.birthday(13, "2.3."), phone=phone)
    clinic.guardian(aino, eero)
    clinic.visit(eero, "18.3. 9.00")

    answer = eero.texts("moi peruisin mun ajan {code}")

    assert answer.message == "cancelled"
    assert answer.elsewhere == ()
    assert eero.diary == ["18.3. 9.00 cancelled"]


def test_one_guardians_change_is_not_told_to_the_other(clinic):
    aino = clinic.patient()
    olli = clinic.patient("Olli Esimerkki")
    eero = clinic.child(aino)
    clinic.guardian(olli, eero)
    clinic.visit(eero, "18.3. 9.00")

    answer = aino.texts("Peruisin lapseni ajan {code}")

    assert answer.message == "cancelled"
    assert answer.elsewhere == ()
    assert olli.phone.shows == []


def test_a_guardianship_ends_on_its_day(clinic):
    aino = clinic.patient()
    eero = clinic.patient("Eero Esimerkki", born=clinic.birthday(8, "2.3."), phone=aino.phone, numbers=())
    clinic.guardian(aino, eero, until=clinic.day("2.3."))
    clinic.visit(eero, "18.3. 9.00")

    aino.texts("Peruisin Eero Esimerkin ajan {code}")

    assert eero.diary == ["18.3. 9.00 booked"]


# --- whom the text names ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", ["Peruisin Liisan ajan", "Avboka Liisas tid tack", "Please cancel Liisa's appointment", "liisan aika pois"]
)
@pytest.mark.parametrize("place", ["{words} {code}", "{words}, t. Aino Esimerkki {code}"])
def test_the_child_named_is_the_child_meant(clinic, words, place):
    aino = clinic.patient()
    eero, liisa = clinic.child(aino, "Eero Esimerkki"), clinic.child(aino, "Liisa Esimerkki")
    clinic.visit(eero, "11.3. 9.00")
    clinic.visit(liisa, "12.3. 9.00")

    aino.texts(place.replace("{words}", words))

    assert (eero.diary, liisa.diary) == (["11.3. 9.00 booked"], ["12.3. 9.00 cancelled"])


def test_the_wrong_child_never_loses_a_time_to_the_one_without(clinic):
    aino = clinic.patient()
    eero = clinic.child(aino, "Eero Esimerkki")
    clinic.child(aino, "Liisa Esimerkki")
    clinic.visit(aino, "10.3. 9.00")
    clinic.visit(eero, "11.3. 9.00")

    answer = aino.texts("Peru Liisan aika {code}")

    assert answer.message == "no_visits"
    assert aino.diary + eero.diary == ["10.3. 9.00 booked", "11.3. 9.00 booked"]


def test_a_reminder_of_one_child_is_not_answered_by_a_command_about_another(clinic):
    aino = clinic.patient()
    eero, liisa = clinic.child(aino, "Eero Esimerkki"), clinic.child(aino, "Liisa Esimerkki")
    clinic.remind(eero, clinic.visit(eero, "11.3. 9.00"))
    clinic.visit(liisa, "12.3. 9.00")

    asked = aino.texts("Peru Liisan aika")
    done = aino.texts("{code}")

    assert asked.message == "code_missing"
    assert done.message == "cancelled"
    assert (eero.diary, liisa.diary) == (["11.3. 9.00 booked"], ["12.3. 9.00 cancelled"])


def test_a_time_is_booked_for_the_child_named(clinic):
    aino = clinic.patient()
    eero, liisa = clinic.child(aino, "Eero Esimerkki"), clinic.child(aino, "Liisa Esimerkki")
    clinic.free("12.3. 9.00")

    answer = aino.texts("Varaisin Eerolle tarkastuksen 12.3. klo 9 {code}")

    assert answer.message == "booked"
    assert (aino.diary, eero.diary, liisa.diary) == ([], ["12.3. 9.00 booked"], [])


def test_with_two_children_named_we_ask_which(clinic):
    aino = clinic.patient()
    eero, liisa = clinic.child(aino, "Eero Esimerkki"), clinic.child(aino, "Liisa Esimerkki")
    for child, wall in ((aino, "10.3. 9.00"), (eero, "11.3. 9.00"), (liisa, "12.3. 9.00")):
        clinic.visit(child, wall)

    answer = aino.texts("Peruisin Eeron ja Liisan ajat {code}")

    assert answer.message == "which_cancel"
    assert "(E)" in answer.text
    assert "(L)" in answer.text
    assert "10.3." not in answer.text


def test_on_a_couples_phone_one_code_does_not_open_the_other_by_name(clinic):
    aino, bertta = a_couple(clinic)

    answer = aino.texts("Peru Bertan aika {code}")

    assert answer.message == "wrong_details"
    assert answer.handed is HandOverReason.NAME_CONTRADICTS_CODE
    assert aino.diary + bertta.diary == ["11.3. 9.00 booked", "12.3. 9.00 booked"]


@pytest.mark.parametrize("word", ["aamulla", "aamuajan", "AAMU"])
def test_a_name_that_is_a_word_is_none_where_the_word_is_meant(clinic, word):
    aino = clinic.patient()
    aamu = clinic.child(aino, "Aamu Esimerkki")
    clinic.visit(aino, "11.3. 9.00")
    clinic.visit(aamu, "12.3. 9.00")
    clinic.free("13.3. 9.00")

    aino.texts(f"Siirtäisin oman aikani 11.3. perjantaille 13.3., mieluiten {word} {{code}}")

    assert aamu.diary == ["12.3. 9.00 booked"]


def test_a_mother_who_signs_for_her_child_loses_no_time_of_her_own(clinic):
    aino = clinic.patient()
    eero = clinic.child(aino)
    clinic.visit(aino, "11.3. 9.00")
    clinic.visit(eero, "12.3. 9.00")

    aino.texts("Lapseni aika pitäisi perua, t. {name} {code}")

    assert (aino.diary, eero.diary) == (["11.3. 9.00 booked"], ["12.3. 9.00 cancelled"])


@pytest.mark.parametrize(
    "words",
    ["Lapsi oksentaa, peruisin aikani", "Barnet är sjukt, avboka min tid", "Kid is sick, cancel my appointment"],
)
def test_a_child_that_is_only_the_reason_is_not_whom_the_time_is_for(clinic, words):
    aino = clinic.patient()
    eero = clinic.child(aino)
    clinic.visit(aino, "11.3. 9.00")
    clinic.visit(eero, "12.3. 9.00")

    asked = aino.texts(words + " {code}")

    assert asked.message == "which_cancel"
    assert aino.diary + eero.diary == ["11.3. 9.00 booked", "12.3. 9.00 booked"]


def test_a_child_whom_the_file_does_not_know_costs_the_mother_no_time(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")

    asked = aino.texts("Peruuttakaa tytön aika {code}")

    assert asked.message == "visit_is_another"
    assert aino.diary == ["11.3. 9.00 booked"]
