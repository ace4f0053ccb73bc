"""Booking by text (product.md section 3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from models.changes import BookAppointment
from models.facts import Window
from models.states import HandOverReason, QuestionKind
from parser.command import Command, Intent
from tests.builders import (
    NOW,
    a_child,
    a_clinic,
    a_person,
    a_service,
    a_slot,
    a_visit,
    after,
    answers,
    at,
    decided,
    facts,
    in_session,
    instant,
    kinds,
    message,
    on_day,
    reason,
    says,
    searched,
)

BOOK = says(Intent.BOOK, code=1, when=on_day(19))
MORNING, NOON = a_slot(instant(19, 9)), a_slot(instant(19, 12), id=901)
SERVICES = (a_service(), a_service(id=2, key="hygiene", kind="hygiene", minutes=45))


def test_up_to_three_free_times_are_offered_and_the_pick_is_booked():
    known = facts()

    asked = decided(BOOK, known, [MORNING, NOON])
    done = decided(answers(2), after(known, asked), [NOON])

    assert message(asked) == "book_options"
    assert kinds(asked) == []
    assert [choice.key for choice in asked.ask.choices] == ["1", "2"]
    assert BookAppointment(1, 1, 901, 1, 7, NOON.starts_at, NOON.ends_at) in done.changes
    assert message(done) == "booked"


def test_an_exact_and_free_time_is_booked_at_once():
    decision = decided(says(Intent.BOOK, code=1, when=at(19, 9)), facts(), [MORNING])

    assert kinds(decision) == ["BookAppointment"]
    assert decision.reply.blanks["when"] == MORNING.starts_at


def test_a_free_slot_near_the_exact_time_is_only_offered():
    decision = decided(says(Intent.BOOK, code=1, when=at(19, 9)), facts(), [a_slot(instant(19, 9, 30))])

    assert kinds(decision) == []
    assert message(decision) == "book_other_options"


def test_a_pick_that_just_went_is_said_with_the_next_ones():
    known = facts()
    asked = decided(BOOK, known, [MORNING, NOON])

    gone = decided(answers(1), after(known, asked), [NOON])

    assert message(gone) == "book_just_went"
    assert kinds(gone) == []
    assert [choice.id for choice in gone.ask.choices] == [901]


def test_without_a_wish_the_next_free_times_are_looked_for():
    search = searched(says(Intent.BOOK, code=1), facts())

    assert search.windows == (Window(NOW, NOW + timedelta(days=200)),)


def test_every_clinic_behind_the_number_is_searched():
    search = searched(BOOK, facts(clinics=(a_clinic(), a_clinic(id=2, key="ranta"))))

    assert search.clinic_ids == (1, 2)


def test_the_kind_of_visit_named_is_looked_for():
    search = searched(replace(BOOK, service="hygiene"), facts(services=SERVICES))

    assert (search.service_id, search.minutes) == (2, 45)


def test_without_a_kind_we_ask_what_it_is_for_and_keep_the_wish():
    known = facts(services=SERVICES)

    asked = decided(BOOK, known)
    search = searched(Command(Intent.FREE, service="hygiene"), after(known, asked))

    assert (message(asked), asked.ask.kind) == ("ask_matter", QuestionKind.DETAIL)
    assert search.service_id == 2
    assert search.windows == (Window(instant(19), instant(20)),)


def test_a_matter_told_in_words_that_we_cannot_read_goes_to_a_person():
    known = facts(services=SERVICES)
    asked = decided(BOOK, known)

    decision = decided(Command(Intent.FREE), after(known, asked))

    assert reason(decision) is HandOverReason.NEEDS_HUMAN
    assert decision.hand_over.command["command"]["intent"] == "book"


def test_a_service_that_patients_may_not_book_is_refused_with_the_way_on():
    services = (a_service(), a_service(id=3, key="ortho", kind="ortho", patient_may=frozenset()))

    decision = decided(replace(BOOK, service="ortho"), facts(services=services))

    assert message(decision) == "staff_only_book"
    assert reason(decision) is HandOverReason.STAFF_ONLY


def test_pain_without_a_service_for_it_goes_to_a_person():
    decision = decided(replace(BOOK, service="pain"), facts(services=SERVICES))

    assert reason(decision) is HandOverReason.NEEDS_HUMAN


def test_with_nothing_free_the_wish_goes_to_a_person():
    decision = decided(BOOK, facts(), [])

    assert message(decision) == "book_none"
    assert reason(decision) is HandOverReason.NEEDS_HUMAN
    assert kinds(decision) == []


def test_a_slot_that_clashes_with_a_visit_of_theirs_is_not_offered():
    decision = decided(BOOK, facts(a_visit(instant(19, 9, 15))), [MORNING, NOON])

    assert [choice.id for choice in decision.ask.choices] == [901]


def test_a_slot_of_the_past_is_not_offered():
    decision = decided(says(Intent.BOOK, code=1), facts(), [a_slot(NOW - timedelta(minutes=1)), NOON])

    assert [choice.id for choice in decision.ask.choices] == [901]


def test_in_a_session_varaa_needs_no_code():
    search = searched(says(Intent.BOOK), facts(thread=in_session()))

    assert search.service_id == 1


def test_a_mother_books_for_herself_unless_she_speaks_of_her_child():
    people = (a_person(wards=[2]), a_child())

    own = decided(says(Intent.BOOK, code=1, when=at(19, 9)), facts(people=people), [MORNING])
    childs = decided(says(Intent.BOOK, code=1, when=at(19, 9), child=True), facts(people=people), [MORNING])

    assert [own.changes[0].patient_id, childs.changes[0].patient_id] == [1, 2]
    assert childs.reply.blanks["whose"].kind == "child"


def test_with_two_children_we_ask_for_whom_by_initial():
    people = (a_person(wards=[2, 3]), a_child(), a_child(3, given_names="Liisa"))
    known = facts(people=people)

    asked = decided(says(Intent.BOOK, code=1, when=at(19, 9), child=True), known)
    done = decided(answers(2), after(known, asked), [MORNING])

    assert asked.ask.kind is QuestionKind.WHICH_PERSON
    assert [item.what for item in asked.reply.blanks["people"]] == ["E", "L"]
    assert done.changes[0].patient_id == 3


def test_the_child_named_is_the_one():
    people = (a_person(wards=[2, 3]), a_child(), a_child(3, given_names="Liisa"))
    command = says(Intent.BOOK, code=1, when=at(19, 9), name="Liisa Esimerkki")

    decision = decided(command, facts(people=people), [MORNING])

    assert decision.changes[0].patient_id == 3


def test_the_text_that_offers_names_no_service():
    decision = decided(replace(BOOK, service="hygiene"), facts(services=SERVICES), [MORNING])

    assert "hygiene" not in str(decision.reply)


def test_declining_the_options_books_nothing():
    known = facts()
    asked = decided(BOOK, known, [MORNING, NOON])

    decision = decided(Command(Intent.DECLINE), after(known, asked))

    assert message(decision) == "book_declined"
    assert kinds(decision) == []


@pytest.mark.parametrize("more", [{}, {"code": 1}, {"code": 1, "service": "hygiene"}])
def test_other_times_wished_are_still_for_a_booking_though_they_have_a_visit(more):
    known = facts(visits=(a_visit(),), services=SERVICES)
    asked = decided(replace(BOOK, service="checkup"), known, [MORNING, NOON])
    wish = says(Intent.RESCHEDULE, when=on_day(20), **more)  # what a wish is read as while options are open

    decision = decided(wish, after(known, asked), [a_slot(instant(20, 9))])

    assert message(decision) == "book_options"
    assert kinds(decision) == []


def test_undo_of_an_earlier_cancel_survives_a_booking():
    undone = in_session()
    cancelled = decided(says(Intent.CANCEL), facts(a_visit(), thread=undone))

    booked = decided(says(Intent.BOOK, when=at(19, 9)), facts(thread=cancelled.thread), [MORNING])

    assert booked.thread.undo == cancelled.thread.undo
