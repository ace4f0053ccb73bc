"""What patients can do by text: cancel, move, book, confirm, list, late, undo (product.md section 3)."""

from __future__ import annotations

import pytest

from models.states import AppointmentStatus, HandOverReason, SlotState, ThreadState

PROVISIONAL = AppointmentStatus.PROVISIONAL


# --- cancel -------------------------------------------------------------------------------------------------------


def test_a_cancel_frees_the_time_and_offers_a_new_one_and_an_undo(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")

    answer = aino.texts("Peruisin aikani {code}")

    assert clinic.free_times == ["11.3. 9.00"]
    assert "ke 11.3. klo 9.00" in answer.text
    assert "VARAA" in answer.text
    assert "PALAUTA" in answer.text


@pytest.mark.parametrize(
    ("visit", "message", "status"),
    [("4.3. 12.00", "cancelled", "cancelled"), ("4.3. 11.59", "too_late_to_cancel", "booked")],
)
def test_a_visit_can_be_cancelled_until_a_day_before(clinic, visit, message, status):
    aino = clinic.patient()
    clinic.visit(aino, visit)

    answer = aino.texts("Peruisin aikani {code}")

    assert answer.message == message
    assert aino.diary == [f"{visit} {status}"]


def test_too_late_says_why_that_the_time_stands_and_opens_a_hand_over(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "4.3. 9.00")

    answer = aino.texts("Peruisin aikani {code}")

    for words in ("3.3. klo 9.00", "4.3. klo 9.00 on voimassa", "SOITA"):
        assert words in answer.text
    assert answer.handed is HandOverReason.TOO_LATE
    assert aino.phone.state is ThreadState.WAITING


@pytest.mark.parametrize(("now", "message"), [("6.3. 13.59", "cancelled"), ("6.3. 14.01", "too_late_to_cancel")])
def test_a_cut_off_may_be_the_previous_working_day_at_an_hour(clinic, now, message):
    clinic.rule(cutoff="previous_working_day 14:00")
    aino = clinic.patient()
    clinic.visit(aino, "9.3. 9.00")  # a Monday
    clinic.at(now)

    assert aino.texts("Peruisin aikani {code}").message == message


@pytest.mark.parametrize(("now", "message"), [("2.4. 13.59", "cancelled"), ("3.4. 10.00", "too_late_to_cancel")])
def test_good_friday_and_easter_monday_are_no_working_days(clinic, now, message):
    clinic.rule(cutoff="previous_working_day 14:00")
    aino = clinic.patient()
    clinic.visit(aino, "7.4. 9.00")  # the Tuesday after Easter
    clinic.at(now)

    assert aino.texts("Peruisin aikani {code}").message == message


def test_the_rule_of_the_service_beats_that_of_the_clinic(clinic):
    clinic.rule(clinic.checkup, cutoff="48h")
    aino = clinic.patient()
    clinic.visit(aino, "5.3. 9.00")

    assert aino.texts("Peruisin aikani {code}").message == "too_late_to_cancel"


@pytest.mark.parametrize(("now", "message"), [("28.3. 10.00", "cancelled"), ("28.3. 10.01", "too_late_to_cancel")])
def test_a_day_before_is_the_same_hour_when_summer_time_begins_in_between(clinic, now, message):
    aino = clinic.patient()
    clinic.visit(aino, "29.3. 10.00")
    clinic.at(now)

    assert aino.texts("Peruisin aikani {code}").message == message


def test_orthodontics_are_changed_by_staff_alone(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00", service=clinic.ortho)

    cancel = aino.texts("Peruisin oikomisajan {code}")
    move = aino.texts("No siirrettäiskö se sitten ensi viikkoon")

    assert (cancel.message, move.message) == ("staff_only_cancel", "staff_only_move")
    assert cancel.handed is HandOverReason.STAFF_ONLY
    assert aino.diary == ["11.3. 9.00 booked"]


def test_orthodontics_are_booked_by_staff_alone(clinic):
    answer = clinic.patient().texts("Haluaisin varata oikomishoidon ajan {code}")

    assert answer.message == "staff_only_book"
    assert answer.handed is HandOverReason.STAFF_ONLY


def test_with_several_visits_we_list_them_and_cancel_nothing_until_one_is_chosen(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    clinic.visit(aino, "18.3. 13.00")

    asked = aino.texts("Peruisin aikani {code}")
    before = aino.diary
    done = aino.texts("2")

    assert "1) ke 11.3. klo 9.00 2) ke 18.3. klo 13.00" in asked.text
    assert before == ["11.3. 9.00 booked", "18.3. 13.00 booked"]
    assert done.message == "cancelled"
    assert aino.diary == ["11.3. 9.00 booked", "18.3. 13.00 cancelled"]


@pytest.mark.parametrize("words", ["se 18. päivän aika", "jälkimmäinen", "2.", "ke 18.3.", "keskiviikko 18.3. klo 13"])
def test_which_visit_may_be_answered_in_words(clinic, words):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    clinic.visit(aino, "18.3. 13.00")
    aino.texts("Peruisin aikani {code}")

    aino.texts(words)

    assert aino.diary == ["11.3. 9.00 booked", "18.3. 13.00 cancelled"]


@pytest.mark.parametrize("words", ["en kumpaakaan", "ei mitään", "ei sittenkään"])
def test_none_of_them_cancels_none(clinic, words):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    clinic.visit(aino, "18.3. 13.00")
    aino.texts("Peruisin aikani {code}")

    aino.texts(words)

    assert aino.diary == ["11.3. 9.00 booked", "18.3. 13.00 booked"]


def test_a_day_without_a_visit_cancels_nothing_and_asks(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")

    asked = aino.texts("Peruisin 12.3. aikani {code}")
    before = aino.diary
    aino.texts("joo")

    assert asked.message == "visit_is_another"
    assert before == ["11.3. 9.00 booked"]
    assert aino.diary == ["11.3. 9.00 cancelled"]


def test_a_cancel_withdraws_the_reminder_that_waits(clinic):
    aino = clinic.patient()
    visit = clinic.visit(aino, "11.3. 9.00")
    clinic.remind(aino, visit)
    aino.texts("Peruisin aikani {code}")

    assert aino.phone.questions == ["detail"]


def test_after_a_cancel_varaa_finds_a_new_time_of_the_same_kind(clinic):
    clinic.service_of("hygiene")
    aino = clinic.patient()
    clinic.remind(aino, clinic.visit(aino, "11.3. 9.00"))
    clinic.free("17.3. 9.00")
    aino.texts("2")

    offered = aino.texts("VARAA")
    aino.texts("1")

    assert offered.message == "book_options"
    assert "11.3. 9.00 cancelled" in aino.diary
    assert len(aino.diary) == 2


# --- undo ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", ["PALAUTA", "ÅNGRA", "UNDO", "palauttakaa se aika, vahinko!", "Oho peruin vahingossa"]
)
def test_a_cancel_is_undone_for_half_an_hour(clinic, words):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00", status=AppointmentStatus.CONFIRMED)
    aino.texts("Peruisin aikani {code}")
    clinic.later(minutes=29)

    answer = aino.texts(words)

    assert answer.message == "undone"
    assert aino.diary == ["11.3. 9.00 confirmed"]
    assert clinic.free_times == []


def test_after_half_an_hour_it_is_not(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    aino.texts("Peruisin aikani {code}")
    clinic.later(minutes=30)

    answer = aino.texts("PALAUTA")

    assert answer.message == "nothing_to_undo"
    assert aino.diary == ["11.3. 9.00 cancelled"]


def test_a_time_that_went_meanwhile_is_not_had_back(clinic):
    aino, bertta = clinic.patient(), clinic.patient("Bertta Mallinen")
    clinic.visit(aino, "11.3. 9.00")
    aino.texts("Peruisin aikani {code}")
    bertta.texts("Varaan tarkastuksen 11.3. klo 9 {code}")

    answer = aino.texts("PALAUTA")

    assert answer.message == "undo_cancel_gone"
    assert aino.diary == ["11.3. 9.00 cancelled"]
    assert bertta.diary == ["11.3. 9.00 booked"]


def test_a_move_is_undone_too(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    clinic.free("12.3. 9.00")
    aino.texts("Siirrä aikani 12.3. klo 9 {code}")

    answer = aino.texts("PALAUTA")

    assert answer.message == "undone"
    assert aino.diary == ["11.3. 9.00 booked"]
    assert clinic.free_times == ["12.3. 9.00"]


def test_a_move_whose_old_time_went_stands(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    clinic.free("12.3. 9.00")
    aino.texts("Siirrä aikani 12.3. klo 9 {code}")
    clinic.take("11.3. 9.00")

    answer = aino.texts("PALAUTA")

    assert answer.message == "undo_move_gone"
    assert aino.diary == ["12.3. 9.00 booked"]


# --- move ---------------------------------------------------------------------------------------------------------


def test_a_move_offers_up_to_three_times_and_keeps_the_old_one_until_one_is_chosen(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    clinic.free("9.3. 9.00", "10.3. 9.00", "12.3. 9.00", "13.3. 9.00")

    asked = aino.texts("Siirtäisin aikani ensi viikolle {code}")
    before = aino.diary
    done = aino.texts("2")

    assert asked.message == "move_options"
    assert asked.text.count(")") == 3
    assert before == ["11.3. 9.00 booked"]
    assert done.message == "moved"
    assert aino.diary == ["10.3. 9.00 booked"]
    assert "11.3. 9.00" in clinic.free_times


def test_a_time_is_moved_to_an_equivalent_one_only(clinic):
    hygiene = clinic.service_of("hygiene")
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00", minutes=30)
    clinic.free("12.3. 9.00", minutes=20)
    clinic.free("12.3. 10.00", service=hygiene)
    clinic.free("12.3. 11.00", place=clinic.second_place())
    clinic.free("12.3. 13.00", minutes=45)

    answer = aino.texts("Siirrä aikani 12.3. {code}")

    assert "13.00" in answer.text
    for hour in ("9.00, ", "10.00", "11.00"):
        assert f"12.3. klo {hour}" not in answer.text


def test_the_same_practitioner_comes_first(clinic):
    mine, other = clinic.practitioner(), clinic.practitioner()
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00", practitioner_id=mine)
    clinic.free("12.3. 9.00", "12.3. 13.00", "13.3. 9.00", practitioner_id=other)
    clinic.free("18.3. 9.00", practitioner_id=mine)

    answer = aino.texts("Siirtäisin aikani {code}")

    assert "18.3." in answer.text


def test_with_nothing_free_the_old_time_stands_and_we_say_so(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")

    answer = aino.texts("Siirrä aikani ensi viikolle {code}")

    assert answer.message == "move_none"
    assert "11.3. klo 9.00 on voimassa" in answer.text
    assert aino.diary == ["11.3. 9.00 booked"]


def test_moving_a_provisional_time_confirms_it(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00", status=PROVISIONAL)
    clinic.free("12.3. 9.00")

    aino.texts("Siirrä aikani 12.3. klo 9 {code}")

    assert aino.diary == ["12.3. 9.00 confirmed"]


def test_a_move_that_comes_too_late_is_refused_like_a_cancel(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "4.3. 9.00")
    clinic.free("12.3. 9.00")

    answer = aino.texts("Siirrä aikani 12.3. klo 9 {code}")

    assert answer.message == "too_late_to_move"
    assert aino.diary == ["4.3. 9.00 booked"]


def test_the_pick_of_a_move_that_just_went_is_said_with_the_next_ones(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    clinic.free("17.3. 9.00", "18.3. 9.00")
    aino.texts("Siirtäisin aikani {code}")
    clinic.take("17.3. 9.00")

    answer = aino.texts("1")

    assert answer.message == "move_just_went"
    assert "18.3. klo 9.00" in answer.text
    assert aino.diary == ["11.3. 9.00 booked"]


def test_what_was_offered_may_be_asked_for_in_other_words(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    clinic.free("10.3. 9.00", "17.3. 13.00", "25.3. 9.00")
    aino.texts("Siirtäisin aikani ensi viikolle {code}")

    answer = aino.texts("Ei käy, entä viikolla 12?")

    assert answer.message == "move_options"
    assert "17.3. klo 13.00" in answer.text
    assert "10.3." not in answer.text


# --- book ---------------------------------------------------------------------------------------------------------


def test_a_wish_is_offered_up_to_three_times_and_nothing_is_booked_yet(clinic):
    aino = clinic.patient()
    clinic.free("10.3. 9.00", "10.3. 13.00", "11.3. 14.00", "12.3. 13.00", "10.3. 15.00")

    answer = aino.texts("Moi! Varaisin tarkastuksen, ensi viikon ti tai ke iltapäivällä kävis. {name} {code}")

    assert answer.message == "book_options"
    assert "10.3. klo 9.00" not in answer.text
    assert "12.3." not in answer.text
    assert "1) ti 10.3. klo 13.00" in answer.text
    assert "ke 11.3. klo 14.00" in answer.text
    assert aino.diary == []


def test_an_exact_and_free_time_is_booked_at_once(clinic):
    aino = clinic.patient()
    clinic.free("12.3. 9.00", "12.3. 9.30")

    answer = aino.texts("Varaan tarkastuksen 12.3. klo 9 {code}")

    assert "to 12.3. klo 9.00" in answer.text
    assert aino.diary == ["12.3. 9.00 booked"]


@pytest.mark.parametrize(
    "words",
    [
        "Varaan tarkastuksen pe 13. klo 15",
        "Boka en kontroll fredagen den 13:e kl 15",
        "Book a check-up friday the 13th at 3pm",
    ],
)
def test_a_day_named_by_weekday_and_number_is_that_day_and_not_the_next_friday(clinic, words):
    aino = clinic.patient()
    clinic.free("6.3. 15.00", "13.3. 15.00")

    aino.texts(words + " {code}")

    assert aino.diary == ["13.3. 15.00 booked"]


def test_an_exact_time_that_is_not_free_leads_to_options(clinic):
    aino = clinic.patient()
    clinic.free("12.3. 10.00")

    answer = aino.texts("Varaan tarkastuksen 12.3. klo 9 {code}")

    assert answer.message == "book_other_options"
    assert aino.diary == []


def test_two_patients_who_pick_one_time_get_one_winner_and_the_other_the_next_ones(clinic):
    aino, bertta = clinic.patient(), clinic.patient("Bertta Mallinen")
    clinic.free("12.3. 9.00", "13.3. 9.00")
    for person in (aino, bertta):
        person.texts("Varaisin tarkastuksen {code}")

    first, second = clinic.at_once((aino, "1"), (bertta, "1"))

    assert first.message == "booked"
    assert second.message == "book_just_went"
    assert "13.3. klo 9.00" in second.text
    assert (aino.diary, bertta.diary) == (["12.3. 9.00 booked"], [])


def test_a_whole_crowd_of_one_second_never_books_one_time_twice(clinic):
    people = [clinic.patient(f"{name} Mallinen") for name in ("Aino", "Bertta", "Cecilia", "Daavid", "Elmeri")]
    clinic.free("12.3. 9.00", "12.3. 10.00")

    answers = clinic.at_once(*[(person, "Varaan tarkastuksen 12.3. klo 9 {code}") for person in people])

    assert [answer.message for answer in answers].count("booked") == 1
    assert [person.diary for person in people].count(["12.3. 9.00 booked"]) == 1


def test_without_a_matter_we_ask_what_it_is_for_and_keep_the_wish(clinic):
    clinic.service_of("hygiene")
    aino = clinic.patient()
    clinic.free("12.3. 9.00", "19.3. 9.00")

    asked = aino.texts("Haluaisin varata ajan 12.3. {code}")
    offered = aino.texts("tarkastus")

    assert asked.message == "ask_matter"
    assert "12.3. klo 9.00" in offered.text
    assert "19.3." not in offered.text


def test_a_matter_that_we_cannot_read_goes_to_a_person(clinic):
    clinic.service_of("hygiene")
    aino = clinic.patient()
    aino.texts("Haluaisin varata ajan {code}")

    answer = aino.texts("semmonen juttu ku viimeksi")

    assert answer.handed is HandOverReason.NEEDS_HUMAN


def test_with_nothing_free_the_wish_goes_to_a_person_and_we_say_so(clinic):
    answer = clinic.patient().texts("Varaisin tarkastuksen ensi viikolle {code}")

    assert answer.message == "book_none"
    assert answer.handed is HandOverReason.NEEDS_HUMAN


def test_a_free_time_that_staff_hold_is_offered_to_nobody(clinic):
    aino = clinic.patient()
    clinic.free("12.3. 9.00", "13.3. 9.00")
    clinic.take("12.3. 9.00", SlotState.HELD)

    answer = aino.texts("Varaisin tarkastuksen {code}")

    assert "12.3." not in answer.text


def test_options_expire(clinic):
    aino = clinic.patient()
    clinic.free("12.3. 9.00")
    aino.texts("Varaisin tarkastuksen ensi viikolle {code}")
    clinic.later(hours=2)

    answer = aino.texts("1")

    assert answer.message == "no_open_question"
    assert aino.diary == []


# --- confirm and list ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [AppointmentStatus.BOOKED, PROVISIONAL])
def test_a_booked_or_provisional_visit_is_confirmed(clinic, status):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00", status=status)

    answer = aino.texts("Vahvistan aikani {code}")

    assert answer.message == "confirmed"
    assert aino.diary == ["11.3. 9.00 confirmed"]


def test_coming_visits_are_listed_with_their_places(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    clinic.visit(aino, "2.3. 9.00")
    clinic.visit(aino, "18.3. 9.00", status=AppointmentStatus.CANCELLED)

    answer = aino.texts("Milloin aikani on? {code}")

    assert "ke 11.3. klo 9.00, Keskustan hammashoitola" in answer.text
    assert "18.3." not in answer.text


def test_nothing_to_list_is_said(clinic):
    assert clinic.patient().texts("Mitkä ajat mulla on? {code}").message == "no_visits"


# --- late ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("Olen 10 min myöhässä!", "late_ok"),
        ("Jag är 10 min försenad", "late_ok"),
        ("Sorry running 10 min late", "late_ok"),
        ("myöhästyn puoli tuntia", "late_asked"),
        ("Bussi myöhässä, en ehdi ajoissa", "late_asked"),
    ],
)
def test_running_late_is_told_to_the_clinic_and_the_patient_hears_whether_they_are_seen(clinic, words, message):
    aino = clinic.patient()
    clinic.visit(aino, "3.3. 12.30")

    answer = aino.texts(words)

    assert answer.message == message
    assert answer.handed is HandOverReason.RUNNING_LATE
    assert aino.diary == ["3.3. 12.30 booked"]


def test_a_cancel_that_wishes_for_another_time_keeps_the_wish_for_varaa(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    clinic.free("10.3. 9.00", "13.3. 14.00")

    cancelled = aino.texts("Moi peruisin aikani ja varaisin uuden 13.3. {name} {code}")
    offered = aino.texts("VARAA")

    assert cancelled.message == "cancelled"
    assert "13.3. klo 14.00" in offered.text
    assert "10.3." not in offered.text


def test_times_that_clash_with_ones_own_visit_never_hide_the_others(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    clinic.free("11.3. 9.00", "12.3. 9.00")

    booking = aino.texts("Varaisin tarkastuksen 11.3. {code}")
    moving = aino.texts("Siirtäisin aikani 11.3. toiseen aikaan samana päivänä")

    assert booking.message == "book_other_options"
    assert "12.3. klo 9.00" in booking.text
    assert "12.3. klo 9.00" in moving.text


@pytest.mark.parametrize("words", ["Haluaisin perua ja siirtää aikani", "cancel and reschedule my appointment please"])
def test_who_cancels_to_move_keeps_the_old_time_until_the_new_one(clinic, words):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    clinic.free("12.3. 9.00")

    asked = aino.texts(words + " {code}")

    assert asked.message == "move_options"
    assert aino.diary == ["11.3. 9.00 booked"]
