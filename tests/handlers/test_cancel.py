"""Cancelling a visit by text (product.md section 3)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models.changes import CancelAppointment, CloseQuestion
from models.states import HandOverReason, Outcome, QuestionKind, QuestionState
from parser.command import Intent
from tests.builders import (
    NOW,
    PATIENT_NUMBER,
    a_child,
    a_clinic,
    a_person,
    a_reminder,
    a_service,
    a_visit,
    after,
    answers,
    at,
    decided,
    facts,
    instant,
    kinds,
    message,
    on_day,
    reason,
    says,
    searched,
)

CANCEL = says(Intent.CANCEL, code=1)


def test_the_only_visit_is_cancelled_and_can_be_had_back_for_half_an_hour():
    visit = a_visit()

    decision = decided(CANCEL, facts(visit))

    assert decision.changes == (CancelAppointment(visit.id, visit.version, visit.slot_id),)
    assert message(decision) == "cancelled"
    assert decision.thread.undo is not None
    assert decision.thread.undo.until == NOW + timedelta(minutes=30)
    assert decision.thread.undo.starts_at == visit.starts_at


@pytest.mark.parametrize(("minutes_left", "answer"), [(24 * 60, "cancelled"), (24 * 60 - 1, "too_late_to_cancel")])
def test_a_visit_can_be_cancelled_until_a_day_before(minutes_left, answer):
    visit = a_visit(starts_at=NOW + timedelta(minutes=minutes_left))

    decision = decided(CANCEL, facts(visit))

    assert message(decision) == answer


def test_a_refusal_says_that_the_time_stands_and_gives_it_to_a_person():
    visit = a_visit(starts_at=NOW + timedelta(hours=3))

    decision = decided(CANCEL, facts(visit))

    assert kinds(decision) == []
    assert reason(decision) is HandOverReason.TOO_LATE
    assert decision.hand_over.command["visit"] == visit.id
    assert decision.outcome is Outcome.HANDED_OVER


def test_the_rule_of_the_service_beats_that_of_the_clinic():
    visit = a_visit(starts_at=NOW + timedelta(hours=30))

    decision = decided(CANCEL, facts(visit, services=[a_service(cutoff="48h")]))

    assert message(decision) == "too_late_to_cancel"


@pytest.mark.parametrize(("hour", "answer"), [(13, "cancelled"), (15, "too_late_to_cancel")])
def test_a_cut_off_may_be_the_previous_working_day_at_an_hour(hour, answer):
    # Monday's visit: the last working day before is Friday 8 May.
    visit = a_visit(starts_at=instant(11, 9))
    known = facts(visit, clinics=[a_clinic(cutoff="previous_working_day 14:00")], now=instant(8, hour))

    decision = decided(CANCEL, known)

    assert message(decision) == answer


def test_a_holiday_is_no_working_day():
    # Ascension Day is Thursday 14 May 2026: for Friday's visit the last working day is Wednesday.
    visit = a_visit(starts_at=instant(15, 9))
    clinics = [a_clinic(cutoff="previous_working_day 14:00")]

    in_time = decided(CANCEL, facts(visit, clinics=clinics, now=instant(13, 13, 59)))
    late = decided(CANCEL, facts(visit, clinics=clinics, now=instant(13, 14, 1)))

    assert [message(in_time), message(late)] == ["cancelled", "too_late_to_cancel"]


def test_a_day_before_is_the_same_hour_across_the_end_of_summer_time():
    # Sunday 25 October 2026 has 25 hours: a day before 10.00 is 10.00 on Saturday, 25 hours earlier.
    visit = a_visit(starts_at=instant(25, 10, month=10))

    in_time = decided(CANCEL, facts(visit, now=instant(24, 10, month=10)))
    late = decided(CANCEL, facts(visit, now=instant(24, 10, 1, month=10)))

    assert [message(in_time), message(late)] == ["cancelled", "too_late_to_cancel"]


def test_orthodontic_visits_are_cancelled_by_staff_only():
    visit = a_visit()

    decision = decided(CANCEL, facts(visit, services=[a_service(kind="ortho", patient_may=frozenset({"confirm"}))]))

    assert message(decision) == "staff_only_cancel"
    assert reason(decision) is HandOverReason.STAFF_ONLY
    assert kinds(decision) == []


def test_with_several_visits_we_ask_which_and_cancel_nothing_yet():
    known = facts(a_visit(), a_visit(instant(23, 13), id=42, slot_id=420))

    asked = decided(CANCEL, known)
    done = decided(answers(2), after(known, asked))

    assert message(asked) == "which_cancel"
    assert kinds(asked) == []
    assert asked.ask.kind is QuestionKind.WHICH_VISIT
    assert asked.ask.expires_at == NOW + timedelta(minutes=30)
    assert CancelAppointment(42, 3, 420) in done.changes
    assert CloseQuestion(62, QuestionState.ANSWERED) in done.changes


def test_the_day_in_the_text_says_which_visit():
    known = facts(a_visit(), a_visit(instant(23, 13), id=42, slot_id=420))

    decision = decided(says(Intent.CANCEL, code=1, ref=on_day(23)), known)

    assert decision.changes == (CancelAppointment(42, 3, 420),)


def test_a_day_without_a_visit_cancels_nothing_and_asks():
    known = facts(a_visit())

    asked = decided(says(Intent.CANCEL, code=1, ref=on_day(20)), known)
    done = decided(answers(1), after(known, asked))

    assert message(asked) == "visit_is_another"
    assert kinds(asked) == []
    assert kinds(done) == ["CancelAppointment"]


def test_a_time_named_as_a_wish_is_still_the_visits():
    known = facts(a_visit(), a_visit(instant(23, 13), id=42, slot_id=420))

    decision = decided(says(Intent.CANCEL, code=1, when=at(14, 9, 15)), known)

    assert decision.appointment_id == 41


def test_the_service_in_the_text_says_which_visit():
    services = [a_service(), a_service(id=2, key="hygiene", kind="hygiene")]
    known = facts(a_visit(), a_visit(instant(23, 13), id=42, slot_id=420, service_id=2), services=services)

    decision = decided(says(Intent.CANCEL, code=1, service="hygiene"), known)

    assert decision.appointment_id == 42


def test_the_reminder_that_stands_says_which_visit():
    visit = a_visit()
    known = facts(visit, a_visit(instant(23, 13), id=42, slot_id=420), questions=(a_reminder(visit),))

    decision = decided(CANCEL, known)

    assert decision.appointment_id == 41
    assert CloseQuestion(61, QuestionState.ANSWERED) in decision.changes


def test_without_a_visit_nothing_is_cancelled_and_we_say_so():
    decision = decided(CANCEL, facts())

    assert message(decision) == "no_visits"
    assert decision.changes == ()


def test_a_visit_that_has_begun_can_not_be_cancelled():
    decision = decided(CANCEL, facts(a_visit(starts_at=NOW - timedelta(minutes=5))))

    assert message(decision) == "no_visits"


def test_answering_2_to_a_reminder_cancels_that_visit_without_a_code():
    visit = a_visit()
    known = facts(visit, a_visit(instant(23, 13), id=42), questions=(a_reminder(visit),))

    decision = decided(answers(2), known)

    assert kinds(decision) == ["CancelAppointment"]
    assert decision.appointment_id == visit.id
    assert decision.details == {"level": 1}


def test_after_a_cancel_varaa_finds_a_time_of_the_same_kind_without_a_code():
    visit = a_visit()
    known = facts(visit, services=[a_service(), a_service(id=2)], questions=(a_reminder(visit),))
    cancelled = decided(answers(2), known)

    search = searched(says(Intent.BOOK), after(known, cancelled, visits=()))

    assert search.service_id == visit.service_id


def test_a_service_that_patients_cannot_book_is_not_offered_again():
    may = frozenset({"cancel"})

    decision = decided(CANCEL, facts(a_visit(), services=[a_service(patient_may=may)]))

    assert message(decision) == "cancelled_call"
    assert decision.ask is None


def test_what_else_the_text_asks_for_is_given_to_a_person():
    decision = decided(says(Intent.CANCEL, code=1, also=(Intent.LIST,)), facts(a_visit()))

    assert message(decision) == "cancelled"
    assert decision.reply.tail == "rest_to_person"
    assert reason(decision) is HandOverReason.NEEDS_HUMAN


def test_a_new_time_asked_for_with_the_cancel_is_what_the_answer_offers():
    decision = decided(says(Intent.CANCEL, code=1, also=(Intent.BOOK,)), facts(a_visit()))

    assert decision.reply.tail is None
    assert decision.hand_over is None


def test_a_mother_cancels_her_childs_visit_with_her_own_code():
    people = (a_person(wards=[2]), a_child())
    visit = a_visit(patient_id=2)

    decision = decided(says(Intent.CANCEL, code=1, child=True), facts(visit, people=people))

    assert kinds(decision) == ["CancelAppointment"]
    assert decision.patient_id == 2
    assert decision.reply.blanks["whose"].kind == "child"


def test_a_change_from_another_number_of_the_patients_is_told_to_the_first():
    person = a_person(numbers=("+358405550109", PATIENT_NUMBER))

    decision = decided(CANCEL, facts(a_visit(), people=[person]))

    [notice] = decision.notices
    assert (notice.number, notice.message) == ("+358405550109", "notice_cancelled")


def test_a_change_that_a_guardian_makes_is_not_told_to_the_other():
    people = (a_person(wards=[2]), a_child(numbers=("+358405550109",)))

    decision = decided(says(Intent.CANCEL, code=1), facts(a_visit(patient_id=2), people=people))

    assert kinds(decision) == ["CancelAppointment"]
    assert decision.notices == ()
