"""Moving a visit by text (product.md section 3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from handlers.wishes import is_wished
from models.changes import MoveAppointment
from models.facts import Window
from models.states import AppointmentStatus, HandOverReason, QuestionKind
from parser.command import Command, Intent, Recur
from tests.builders import (
    NOW,
    a_clinic,
    a_person,
    a_reminder,
    a_service,
    a_slot,
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

MOVE = says(Intent.RESCHEDULE, code=1, when=on_day(19))
TUESDAY, NEXT = a_slot(instant(19, 10)), a_slot(instant(19, 14), id=901)


def test_equivalent_slots_are_looked_for_of_the_same_practitioner_first():
    visit = a_visit(ends_at=instant(14, 10))

    search = searched(MOVE, facts(visit))

    assert (search.service_id, search.minutes) == (visit.service_id, 45)
    assert (search.practitioner_id, search.clinic_id, search.clinic_ids) == (7, 1, (1,))
    assert search.windows == (Window(instant(19), instant(20)),)
    assert search.fallback


def test_the_old_time_is_kept_until_a_new_one_is_picked():
    visit = a_visit()
    known = facts(visit)

    asked = decided(MOVE, known, [TUESDAY, NEXT])
    done = decided(answers(2), after(known, asked), [NEXT])

    assert message(asked) == "move_options"
    assert kinds(asked) == []
    assert asked.ask.expires_at == NOW + timedelta(hours=2)
    [moved] = [change for change in done.changes if isinstance(change, MoveAppointment)]
    assert (moved.appointment_id, moved.old_slot_id, moved.slot_id) == (41, 410, 901)
    assert (moved.starts_at, moved.status) == (NEXT.starts_at, AppointmentStatus.BOOKED)
    assert done.thread.undo.slot_id == 410


def test_the_pick_is_looked_for_again_at_its_very_minute():
    known = facts(a_visit())
    asked = decided(MOVE, known, [TUESDAY, NEXT])

    search = searched(answers(2), after(known, asked))

    assert search.windows == (Window(NEXT.starts_at, NEXT.starts_at),)


def test_a_pick_that_just_went_is_said_and_the_next_ones_are_offered():
    known = facts(a_visit())
    asked = decided(MOVE, known, [TUESDAY, NEXT])

    gone = decided(answers(2), after(known, asked), [TUESDAY])

    assert message(gone) == "move_just_went"
    assert kinds(gone) == []
    assert [choice.id for choice in gone.ask.choices] == [900]


def test_another_slot_at_the_picked_minute_is_as_good():
    known = facts(a_visit())
    asked = decided(MOVE, known, [TUESDAY, NEXT])

    done = decided(answers(2), after(known, asked), [a_slot(NEXT.starts_at, id=999)])

    assert done.changes[0].slot_id == 999


def test_an_exact_and_free_time_moves_at_once():
    decision = decided(says(Intent.RESCHEDULE, code=1, when=at(19, 10)), facts(a_visit()), [TUESDAY])

    assert kinds(decision) == ["MoveAppointment"]
    assert message(decision) == "moved"


def test_with_nothing_free_in_the_wish_the_next_ones_are_offered_as_such():
    decision = decided(MOVE, facts(a_visit()), [a_slot(instant(26, 10))])

    assert message(decision) == "move_other_options"
    assert kinds(decision) == []


def test_with_nothing_free_at_all_the_old_time_stands_and_we_say_so():
    decision = decided(MOVE, facts(a_visit()), [])

    assert message(decision) == "move_none"
    assert decision.changes == ()
    assert decision.reply.blanks["when"] == a_visit().starts_at


def test_moving_a_provisional_time_confirms_it():
    visit = a_visit(status=AppointmentStatus.PROVISIONAL)

    decision = decided(says(Intent.RESCHEDULE, code=1, when=at(19, 10)), facts(visit), [TUESDAY])

    assert decision.changes[0].status is AppointmentStatus.CONFIRMED


def test_orthodontic_visits_are_moved_by_staff_only():
    decision = decided(MOVE, facts(a_visit(), services=[a_service(patient_may=frozenset({"confirm"}))]))

    assert message(decision) == "staff_only_move"
    assert reason(decision) is HandOverReason.STAFF_ONLY


def test_after_the_cut_off_a_person_moves_it():
    decision = decided(MOVE, facts(a_visit(starts_at=NOW + timedelta(hours=23))))

    assert message(decision) == "too_late_to_move"
    assert reason(decision) is HandOverReason.TOO_LATE
    assert kinds(decision) == []


def test_answering_3_to_a_reminder_offers_other_times_without_a_code():
    visit = a_visit()
    known = facts(visit, questions=(a_reminder(visit),))

    asked = decided(answers(3), known, [TUESDAY, NEXT])
    done = decided(answers(1), after(known, asked), [TUESDAY])

    assert message(asked) == "move_options"
    assert kinds(done) == ["MoveAppointment"]
    assert done.details == {"level": 1}


def test_another_wish_in_answer_to_the_options_is_looked_for():
    known = facts(a_visit())
    asked = decided(MOVE, known, [TUESDAY, NEXT])

    search = searched(Command(Intent.RESCHEDULE, when=on_day(20)), after(known, asked))

    assert search.windows == (Window(instant(20), instant(21)),)


def test_declining_the_options_leaves_the_old_time():
    known = facts(a_visit())
    asked = decided(MOVE, known, [TUESDAY, NEXT])

    decision = decided(Command(Intent.DECLINE), after(known, asked))

    assert message(decision) == "move_declined"
    assert kinds(decision) == []


def test_a_slot_that_clashes_with_another_visit_of_theirs_is_not_offered():
    other = a_visit(instant(19, 10, 15), id=42, slot_id=420)
    known = facts(a_visit(), other)

    decision = decided(replace(MOVE, ref=on_day(14)), known, [TUESDAY, NEXT])

    assert [choice.id for choice in decision.ask.choices] == [901]


def test_the_old_time_is_told_from_the_wish():
    other = a_visit(instant(23, 13), id=42, slot_id=420)

    decision = decided(replace(MOVE, ref=on_day(23)), facts(a_visit(), other), [TUESDAY])

    assert decision.ask.appointment_id == 42


def test_with_several_visits_the_wish_waits_while_we_ask_which():
    known = facts(a_visit(), a_visit(instant(23, 13), id=42, slot_id=420))

    asked = decided(MOVE, known)
    search = searched(answers(2), after(known, asked))

    assert asked.ask.kind is QuestionKind.WHICH_VISIT
    assert search.windows == (Window(instant(19), instant(20)),)


def test_a_wish_without_dates_is_looked_for_on_its_weekdays_and_hours():
    wish = Recur(weekdays=(2,), start="16:00", end=None)

    search = searched(says(Intent.RESCHEDULE, code=1, recur=wish), facts(a_visit()))

    assert search.windows[0] == Window(instant(5, 16), instant(6))
    assert search.windows[1] == Window(instant(12, 16), instant(13))


def test_a_wish_in_the_past_finds_the_next_free_times():
    search = searched(says(Intent.RESCHEDULE, code=1, when=on_day(1)), facts(a_visit()))

    assert (search.windows[0].start, search.windows[-1].end) == (NOW, NOW + timedelta(days=200))


def test_the_search_leaves_out_the_visit_s_own_time_and_what_clashes_with_others():
    mine, other = a_visit(), a_visit(instant(19, 12), id=42)

    search = searched(replace(MOVE, ref=on_day(14)), facts(mine, other))

    starts = [mine.starts_at, instant(19, 11, 31), instant(19, 12, 29)]
    assert not any(is_wished(start, search.windows) for start in starts)
    assert all(is_wished(start, search.windows) for start in (instant(19, 11, 30), instant(19, 12, 30)))


def test_options_are_not_three_in_a_row_where_the_diary_leaves_a_choice():
    slots = [a_slot(instant(19, 8 + n // 2, 30 * (n % 2)), id=900 + n) for n in range(12)]

    decision = decided(MOVE, facts(a_visit()), [*slots, a_slot(instant(20, 9), id=950)])

    chosen = [choice.at for choice in decision.ask.choices]
    assert chosen == sorted(chosen)
    assert {start.hour < 9 for start in chosen} == {True, False}


def test_the_place_is_named_where_the_options_are_not_all_at_one():
    clinics = (a_clinic(), a_clinic(id=2, key="ranta", names={"fi": "Rannan hoitola"}))
    slots = [TUESDAY, a_slot(instant(19, 15), id=902, clinic_id=2)]

    decision = decided(says(Intent.BOOK, code=1, when=on_day(19)), facts(clinics=clinics), slots)

    assert [item.note["fi"] for item in decision.reply.blanks["options"]] == ["Keskustan hoitola", "Rannan hoitola"]


@pytest.mark.parametrize("person", [a_person(), a_person(numbers=("+358405550109", "+358405550101"))])
def test_the_number_on_file_hears_of_a_move_from_another_number(person):
    known = facts(a_visit(), people=[person])

    decision = decided(says(Intent.RESCHEDULE, code=1, when=at(19, 10)), known, [TUESDAY])

    told = [notice.number for notice in decision.notices]
    assert told == [number for number in person.numbers[:1] if number != "+358405550101"]
