"""Confirming visits, and listing them."""

from __future__ import annotations

import pytest

from models.changes import ConfirmAppointment
from models.states import AppointmentStatus, HandOverReason
from parser.command import Command, Intent
from tests.builders import (
    a_child,
    a_person,
    a_reminder,
    a_service,
    a_visit,
    after,
    answers,
    decided,
    facts,
    instant,
    kinds,
    message,
    on_day,
    reason,
    says,
)

CONFIRM, LIST = says(Intent.CONFIRM, code=1), says(Intent.LIST, code=1)


@pytest.mark.parametrize("status", [AppointmentStatus.BOOKED, AppointmentStatus.PROVISIONAL])
def test_a_booked_or_provisional_visit_is_confirmed(status):
    decision = decided(CONFIRM, facts(a_visit(status=status)))

    assert decision.changes == (ConfirmAppointment(41, 3),)
    assert message(decision) == "confirmed"


def test_confirming_twice_changes_nothing_and_is_answered_alike():
    decision = decided(CONFIRM, facts(a_visit(status=AppointmentStatus.CONFIRMED)))

    assert decision.changes == ()
    assert message(decision) == "confirmed"


@pytest.mark.parametrize("command", [answers(1), Command(Intent.CONFIRM), Command(Intent.ACCEPT)])
def test_a_reminder_is_answered_by_1_or_yes(command):
    visit = a_visit()
    known = facts(visit, a_visit(instant(23, 13), id=42), questions=(a_reminder(visit),))

    decision = decided(command, known)

    assert ConfirmAppointment(41, 3) in decision.changes


def test_coming_with_a_question_is_confirmed_and_the_question_given_to_a_person():
    visit = a_visit()

    decision = decided(Command(Intent.CONFIRM, needs_human=True), facts(visit, questions=(a_reminder(visit),)))

    assert kinds(decision) == ["ConfirmAppointment"]
    assert decision.reply.tail == "rest_to_person"
    assert reason(decision) is HandOverReason.NEEDS_HUMAN


def test_a_service_that_only_staff_confirm():
    decision = decided(CONFIRM, facts(a_visit(), services=[a_service(patient_may=frozenset())]))

    assert message(decision) == "staff_only_confirm"
    assert kinds(decision) == []


def test_with_several_visits_we_ask_which_to_confirm():
    known = facts(a_visit(), a_visit(instant(23, 13), id=42, version=9))

    asked = decided(CONFIRM, known)
    done = decided(Command(Intent.CHOOSE, when=on_day(23)), after(known, asked))

    assert message(asked) == "which_confirm"
    assert ConfirmAppointment(42, 9) in done.changes


def test_the_coming_visits_are_listed():
    known = facts(a_visit(), a_visit(instant(23, 13), id=42, status=AppointmentStatus.PROVISIONAL))

    decision = decided(LIST, known)

    assert message(decision) == "visits"
    assert [item.what for item in decision.reply.blanks["visits"]] == [instant(14, 9, 15), instant(23, 13)]
    assert decision.reply.blanks["visits"][1].note.name == "provisional"


@pytest.mark.parametrize(
    ("status", "said"),
    [(AppointmentStatus.BOOKED, "one_visit"), (AppointmentStatus.PROVISIONAL, "one_visit_provisional")],
)
def test_a_single_visit_is_listed_with_its_place(status, said):
    decision = decided(LIST, facts(a_visit(status=status)))

    assert message(decision) == said
    assert decision.reply.blanks["clinic"]["fi"] == "Keskustan hoitola"


def test_more_visits_than_fit_are_counted():
    visits = [a_visit(instant(10 + n, 9), id=n) for n in range(1, 7)]

    decision = decided(LIST, facts(*visits))

    assert message(decision) == "visits_and_more"
    assert len(decision.reply.blanks["visits"]) == 4
    assert decision.reply.blanks["more"] == 2


def test_dependants_visits_are_listed_by_initial():
    people = (a_person(wards=[2]), a_child())
    known = facts(a_visit(), a_visit(instant(23, 13), id=42, patient_id=2), people=people)

    decision = decided(LIST, known)

    assert [item.note for item in decision.reply.blanks["visits"]] == ["A", "E"]


def test_with_a_childs_code_only_the_childs_visits_are_listed():
    people = (a_person(wards=[2]), a_child())
    known = facts(a_visit(), a_visit(instant(23, 13), id=42, patient_id=2), people=people)

    decision = decided(says(Intent.LIST, code=2), known)

    assert decision.appointment_id == 42


def test_no_visits_are_said_to_be_none():
    assert message(decided(LIST, facts())) == "no_visits"
