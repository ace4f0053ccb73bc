"""Reminders and provisional times, from the planner to the patient's answer, over the socket (product.md section 4)."""

from __future__ import annotations

import pytest

from handlers.reminders import TimedRules
from handlers.rounds.planner import Planner
from handlers.rounds.reminders import ReminderRound
from models.schedule import Slot
from models.states import AppointmentStatus, ReminderState
from models.timed import Reminder
from tests.rows import KEYS, rows_of

PROVISIONAL = AppointmentStatus.PROVISIONAL


def tick(clinic):
    """What the timed workers do, and what the gateway then sends."""
    Planner(clinic.database, TimedRules()).run(clinic.now)
    ReminderRound(clinic.database, KEYS, TimedRules()).run(clinic.now)
    clinic.service.settle()


def tick_at(clinic, *walls):
    for wall in walls:
        clinic.at(wall)
        tick(clinic)


def states(clinic, state):
    return [(row.step, row.reason) for row in rows_of(clinic.database, Reminder, state=state)]


# --- reminders ----------------------------------------------------------------------------------------------------


def test_a_visit_is_reminded_of_three_days_and_one_day_before_at_its_own_hour(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "12.3. 9.15")
    tick(clinic)

    shown = []
    for wall in ("9.3. 9.14", "9.3. 9.15", "9.3. 9.16", "11.3. 9.14", "11.3. 9.15", "12.3. 9.20"):
        tick_at(clinic, wall)
        shown.append(len(aino.phone.shows))

    assert shown == [0, 1, 1, 1, 2, 2]
    assert aino.phone.shows[0].startswith("Hei! Aikasi on to 12.3. klo 9.15, Keskustan hammashoitola. Vastaa 1 = tulen")


@pytest.mark.parametrize(
    ("answer", "message", "diary"),
    [
        ("1", "confirmed", "12.3. 9.15 confirmed"),
        ("2", "cancelled", "12.3. 9.15 cancelled"),
        ("Tulen kyllä", "confirmed", "12.3. 9.15 confirmed"),
    ],
)
def test_a_reminder_is_answered_by_a_digit_or_in_words(clinic, answer, message, diary):
    aino = clinic.patient()
    clinic.visit(aino, "12.3. 9.15")
    tick_at(clinic, "3.3. 12.00", "9.3. 9.15")

    answered = aino.texts(answer)

    assert answered.message == message
    assert aino.diary == [diary]


def test_a_three_moves_the_visit_and_the_new_time_is_reminded_of(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "12.3. 9.15")
    clinic.free("16.3. 10.00")
    tick_at(clinic, "3.3. 12.00", "9.3. 9.15")

    offered = aino.texts("3")
    key = offered.text.split(")")[0][-1]
    aino.texts(key)
    tick(clinic)
    before = len(aino.phone.shows)
    tick_at(clinic, "11.3. 9.15", "13.3. 10.00")

    assert aino.diary == ["16.3. 10.00 booked"]
    assert [text.split(",")[0] for text in aino.phone.shows[before:]] == ["Hei! Aikasi on ma 16.3. klo 10.00"]


def test_who_has_confirmed_is_not_reminded_again(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "12.3. 9.15")
    tick_at(clinic, "3.3. 12.00", "9.3. 9.15")
    aino.texts("1")

    tick_at(clinic, "11.3. 9.15")

    assert len(aino.phone.shows) == 2
    assert ("1d", "not_needed") in states(clinic, ReminderState.WITHDRAWN)


def test_at_night_nothing_goes_and_the_last_minute_before_it_is_taken(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "12.3. 7.30")
    tick(clinic)

    shown = []
    for wall in ("8.3. 20.58", "8.3. 20.59"):
        tick_at(clinic, wall)
        shown.append(len(aino.phone.shows))

    assert shown == [0, 1]


def test_a_worker_that_was_away_until_night_waits_for_the_morning(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "12.3. 9.15")
    tick(clinic)

    tick_at(clinic, "9.3. 22.00")
    at_night = len(aino.phone.shows)
    tick_at(clinic, "10.3. 8.00")

    assert (at_night, len(aino.phone.shows)) == (0, 1)


def test_a_worker_that_was_away_for_days_sends_one_reminder_not_two(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "12.3. 9.15")
    tick(clinic)

    tick_at(clinic, "11.3. 12.00")

    assert len(aino.phone.shows) == 1
    assert states(clinic, ReminderState.WITHDRAWN) == [("3d", "a later one is due")]


def test_two_visits_of_one_person_on_one_day_get_one_text(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "12.3. 9.15")
    clinic.visit(aino, "12.3. 11.00")
    tick(clinic)

    tick_at(clinic, "9.3. 9.15", "9.3. 11.00")

    [text] = aino.phone.shows
    assert "to 12.3. klo 9.15, to 12.3. klo 11.00" in text


def test_one_yes_confirms_both_visits_of_the_day_and_a_cancel_asks_which(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "12.3. 9.15")
    clinic.visit(aino, "12.3. 11.00")
    tick_at(clinic, "3.3. 12.00", "9.3. 9.15")

    asked = aino.texts("Peruutan")
    before = aino.diary
    clinic.later(minutes=31)
    confirmed = aino.texts("1")

    assert asked.message == "which_question"
    assert before == ["12.3. 9.15 booked", "12.3. 11.00 booked"]
    assert confirmed.message == "confirmed_all"
    assert aino.diary == ["12.3. 9.15 confirmed", "12.3. 11.00 confirmed"]


def test_a_childs_reminder_goes_to_the_guardian_and_says_whose_it_is(clinic):
    mother = clinic.patient()
    child = clinic.child(mother)
    clinic.visit(child, "12.3. 9.15")
    tick_at(clinic, "3.3. 12.00", "9.3. 9.15")

    [text] = mother.phone.shows
    answered = mother.phone.texts("1")

    assert text.startswith("Hei! Lapsesi aika on to 12.3. klo 9.15")
    assert answered.message == "confirmed"
    assert child.diary == ["12.3. 9.15 confirmed"]


def test_on_a_shared_number_an_initial_says_whose_and_letters_tell_the_answers_apart(clinic):
    phone = clinic.phone()
    aino = clinic.patient("Aino Esimerkki", phone=phone)
    eino = clinic.patient("Eino Esimerkki", phone=phone)
    clinic.visit(aino, "12.3. 9.15")
    clinic.visit(eino, "12.3. 9.15", service=clinic.checkup)
    tick_at(clinic, "3.3. 12.00", "9.3. 9.15")

    first, second = phone.shows
    phone.texts("A")

    assert first.startswith("Hei! A:n aika on")
    assert "1 = tulen" in first
    assert second.startswith("Hei! E:n aika on")
    assert "A = tulen" in second
    assert (aino.diary, eino.diary) == (["12.3. 9.15 booked"], ["12.3. 9.15 confirmed"])


def test_what_only_staff_change_can_be_confirmed_and_nothing_else(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "12.3. 9.15", service=clinic.ortho)
    tick_at(clinic, "3.3. 12.00", "9.3. 9.15")

    assert "Muutosta ei voi tehdä viestillä" in aino.phone.shows[0]
    assert aino.texts("1").message == "confirmed"


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ({"consents": {"reminders": False}}, "objection"),
        ({"do_not_text": True}, "do_not_text"),
        ({"deceased": True}, "deceased"),
        ({"silenced": True}, "silenced"),
        ({"numbers": ()}, "no_number"),
    ],
)
def test_who_is_not_reminded_stands_on_the_list_with_the_reason(clinic, file, why):
    aino = clinic.patient(**file)
    clinic.visit(aino, "12.3. 9.15")

    tick_at(clinic, "3.3. 12.00", "9.3. 9.15")

    assert aino.phone.shows == []
    assert states(clinic, ReminderState.NOT_SENT) == [("3d", why)]


def test_after_a_stop_no_reminder_goes(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "12.3. 9.15")
    aino.texts("STOP")
    said = len(aino.phone.shows)

    tick_at(clinic, "3.3. 12.00", "9.3. 9.15")

    assert len(aino.phone.shows) == said
    assert states(clinic, ReminderState.NOT_SENT) == [("3d", "stop")]


def test_another_step_of_the_service_changes_what_was_planned(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "12.3. 9.15")
    tick(clinic)
    clinic.rule(clinic.checkup, reminder_steps=["2d"])
    tick(clinic)

    shown = []
    for wall in ("9.3. 9.15", "10.3. 9.15", "11.3. 9.15"):
        tick_at(clinic, wall)
        shown.append(len(aino.phone.shows))

    assert shown == [0, 1, 1]


# --- provisional times --------------------------------------------------------------------------------------------


def test_a_provisional_time_is_asked_about_twice_and_lapses_with_telling(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "8.4. 10.00", status=PROVISIONAL)
    tick_at(clinic, "3.3. 12.00", "18.3. 10.00", "23.3. 10.00")
    asked = list(aino.phone.shows)

    tick_at(clinic, "25.3. 9.59", "25.3. 10.00")

    assert len(asked) == 2
    assert "Alustava varaus: ke 8.4. klo 10.00" in asked[0]
    assert "Raukeaa ke 25.3." in asked[0]
    assert aino.diary == ["8.4. 10.00 lapsed"]
    assert clinic.free_times == ["8.4. 10.00"]
    assert "raukesi" in aino.phone.shows[-1]
    assert [row.freed_by for row in rows_of(clinic.database, Slot)] == ["lapse"]


@pytest.mark.parametrize(("answer", "diary"), [("1", "8.4. 10.00 confirmed"), ("2", "8.4. 10.00 cancelled")])
def test_an_answer_keeps_a_provisional_time_or_gives_it_up(clinic, answer, diary):
    aino = clinic.patient()
    clinic.visit(aino, "8.4. 10.00", status=PROVISIONAL)
    tick_at(clinic, "3.3. 12.00", "18.3. 10.00")

    aino.texts(answer)
    tick_at(clinic, "23.3. 10.00", "25.3. 10.00")

    assert aino.diary == [diary]
    assert len(aino.phone.shows) == 2


def test_nobody_loses_a_time_that_they_were_never_asked_about(clinic):
    aino = clinic.patient(numbers=())
    clinic.visit(aino, "8.4. 10.00", status=PROVISIONAL)

    tick_at(clinic, "3.3. 12.00", "18.3. 10.00", "23.3. 10.00", "25.3. 10.00")

    assert aino.diary == ["8.4. 10.00 provisional"]
    assert ("14d", "never_asked") in states(clinic, ReminderState.NOT_SENT)


def test_moving_a_provisional_time_confirms_it(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "8.4. 10.00", status=PROVISIONAL)
    clinic.free("10.4. 10.00")
    tick_at(clinic, "3.3. 12.00", "18.3. 10.00")

    offered = aino.texts("3")
    aino.texts(offered.text.split(")")[0][-1])
    tick_at(clinic, "25.3. 10.00", "27.3. 10.00")

    assert aino.diary == ["10.4. 10.00 confirmed"]
