"""Which question does "1" or "joo" answer? (the end of product.md section 3)"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from models.changes import CancelAppointment, CloseQuestion
from models.states import HandOverReason, Outcome, QuestionKind, QuestionState, ThreadState
from parser.command import Command, Intent
from tests.builders import (
    NOW,
    a_question,
    a_reminder,
    a_slot,
    a_thread,
    a_visit,
    after,
    answers,
    asked_by,
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
)

TUESDAY, LATER = a_slot(instant(19, 10)), a_slot(instant(19, 14), id=901)
FIRST, SECOND = a_visit(), a_visit(instant(23, 13), id=42, slot_id=420)
TWO_REMINDERS = (a_reminder(FIRST), a_reminder(SECOND, id=63))


def test_the_only_open_question_is_answered():
    decision = decided(answers(2), facts(FIRST, questions=(a_reminder(FIRST),)))

    assert kinds(decision) == ["CancelAppointment"]


def test_a_digit_that_fits_two_questions_is_asked_back_and_nothing_is_cancelled():
    known = facts(FIRST, SECOND, questions=TWO_REMINDERS)

    asked = decided(answers(2), known)

    assert asked.ask.kind is QuestionKind.CLARIFY
    assert asked.changes == ()
    assert [choice.key for choice in asked.ask.choices] == ["A", "B"]


def test_the_answer_to_the_asking_back_does_what_the_digit_meant():
    known = facts(FIRST, SECOND, questions=TWO_REMINDERS)
    asked = decided(answers(2), known)
    known = replace(known, thread=asked.thread, questions=(*TWO_REMINDERS, asked_by(asked, id=64)))

    done = decided(answers("B"), known)

    assert CancelAppointment(42, 3, 420) in done.changes
    assert {c.question_id for c in done.changes if isinstance(c, CloseQuestion)} == {63, 64}


def test_a_word_that_fits_two_questions_is_asked_back_too():
    known = facts(FIRST, SECOND, questions=TWO_REMINDERS)
    asked = decided(Command(Intent.CANCEL), known)
    known = replace(known, thread=asked.thread, questions=(*TWO_REMINDERS, asked_by(asked, id=64)))

    done = decided(answers("A"), known)

    assert kinds(asked) == []
    assert CancelAppointment(41, 3, 410) in done.changes


def test_the_day_in_a_word_tells_which_reminder_is_meant():
    known = facts(FIRST, SECOND, questions=TWO_REMINDERS)

    decision = decided(Command(Intent.CANCEL, ref=on_day(23)), known)

    assert decision.appointment_id == 42


def test_a_later_question_carries_letters_while_a_reminder_stands():
    known = facts(FIRST, questions=(a_reminder(FIRST),))

    asked = decided(says(Intent.BOOK, code=1, when=on_day(19)), known, [TUESDAY, LATER])

    assert [choice.key for choice in asked.ask.choices] == ["A", "B"]
    assert asked.reply.blanks["key"] == "A"


def test_a_letter_picks_from_the_later_question():
    known = facts(FIRST, questions=(a_reminder(FIRST),))
    asked = decided(says(Intent.BOOK, code=1, when=on_day(19)), known, [TUESDAY, LATER])
    both = replace(known, thread=asked.thread, questions=(a_reminder(FIRST), asked_by(asked)))

    done = decided(answers("B"), both, [LATER])

    assert kinds(done) == ["BookAppointment"]


@pytest.mark.parametrize(("seconds", "kind"), [(59, QuestionKind.CLARIFY), (61, None)])
def test_a_bare_digit_within_a_minute_of_the_second_question_is_asked_back(seconds, kind):
    known = facts(FIRST, questions=(a_reminder(FIRST),))
    asked = decided(says(Intent.BOOK, code=1, when=on_day(19)), known, [TUESDAY, LATER])
    both = replace(known, thread=asked.thread, questions=(a_reminder(FIRST), asked_by(asked)))

    decision = decided(answers(2), replace(both, now=NOW + timedelta(seconds=seconds)))

    assert (decision.ask.kind if decision.ask and decision.ask.choices else None) is kind


def test_a_full_command_beats_an_open_question():
    known = facts(FIRST)
    asked = decided(says(Intent.RESCHEDULE, code=1), known, [TUESDAY, LATER])

    decision = decided(says(Intent.CANCEL), after(known, asked))

    assert kinds(decision) == ["CancelAppointment"]
    assert CloseQuestion(62, QuestionState.SUPERSEDED) in decision.changes


def test_a_new_question_of_the_conversation_takes_the_place_of_the_old():
    known = facts(FIRST, SECOND, thread=in_session())
    asked = decided(says(Intent.RESCHEDULE, ref=on_day(14)), known, [TUESDAY])

    again = decided(says(Intent.CANCEL), after(known, asked))

    assert CloseQuestion(62, QuestionState.SUPERSEDED) in again.changes
    assert [choice.key for choice in again.ask.choices] == ["1", "2"]


def test_a_date_is_no_choice():
    known = facts(FIRST)
    asked = decided(says(Intent.RESCHEDULE, code=1), known, [TUESDAY, LATER])

    decision = decided(Command(Intent.RESCHEDULE, when=on_day(1, month=6)), after(known, asked), [a_slot(instant(19))])

    assert kinds(decision) == []


def test_an_answer_about_a_visit_that_is_gone_changes_nothing():
    decision = decided(answers(2), facts(questions=(a_reminder(FIRST),)))

    assert kinds(decision) == []


def test_an_answer_about_a_visit_that_has_begun_changes_nothing():
    begun = a_visit(starts_at=NOW - timedelta(minutes=1))

    decision = decided(answers(2), facts(begun, questions=(a_reminder(begun),)))

    assert kinds(decision) == []


def test_a_digit_without_an_open_question_is_said_to_answer_nothing_and_then_a_person_has_it():
    first = decided(answers(1), facts())
    second = decided(answers(1), facts(thread=first.thread))

    assert message(first) == "no_open_question"
    assert reason(second) is HandOverReason.NOT_UNDERSTOOD


def test_one_whole_question_is_asked_again_in_its_own_words():
    known = facts(FIRST, questions=(a_reminder(FIRST),))

    decision = decided(Command(Intent.FREE), known)

    assert message(decision) == "again_visit"
    assert decision.changes == ()


def test_options_that_were_not_understood_are_listed_again():
    known = facts(FIRST)
    asked = decided(says(Intent.RESCHEDULE, code=1), known, [TUESDAY, LATER])

    decision = decided(Command(Intent.FREE), after(known, asked))

    assert message(decision) == "again_choices"
    assert [item.key for item in decision.reply.blanks["options"]] == ["1", "2"]


@pytest.mark.parametrize(
    ("digit", "asked_for"), [(1, "code_missing"), (2, "code_missing"), (3, "code_missing"), (4, None)]
)
def test_the_menu_leads_to_its_four_ways(digit, asked_for):
    known = facts(FIRST)
    menu = decided(Command(Intent.FREE), known)

    decision = decided(answers(digit), after(known, menu))

    assert menu.ask.expires_at == NOW + timedelta(hours=24)
    if asked_for is None:
        assert reason(decision) is HandOverReason.ASKED_FOR_PERSON
    else:
        assert message(decision) == asked_for


def test_the_menus_choice_in_a_session_is_done_at_once():
    known = facts(FIRST, thread=in_session())
    menu = decided(Command(Intent.FREE), known)

    decision = decided(answers(2), after(known, menu))

    assert kinds(decision) == ["CancelAppointment"]


def test_none_of_the_visits_asked_about_changes_nothing():
    known = facts(FIRST, SECOND)
    asked = decided(says(Intent.CANCEL, code=1), known)

    decision = decided(Command(Intent.DECLINE), after(known, asked))

    assert message(decision) == "nothing_changed"
    assert kinds(decision) == []


# --- a thread that a person has -----------------------------------------------------------------------------------

HELD = a_thread(state=ThreadState.PERSON)


def test_a_held_thread_gets_no_answer_to_a_new_request():
    decision = decided(says(Intent.CANCEL, code=1), facts(FIRST, thread=HELD))

    assert decision.outcome is Outcome.NO_ANSWER_NEEDED
    assert decision.reason == "held by a person"
    assert decision.changes == ()


def test_an_answer_to_our_own_question_is_handled_in_a_held_thread():
    decision = decided(answers(2), facts(FIRST, thread=HELD, questions=(a_reminder(FIRST),)))

    assert kinds(decision) == ["CancelAppointment"]
    assert decision.thread.state is ThreadState.PERSON


@pytest.mark.parametrize("intent", [Intent.HUMAN, Intent.CONSENT_STOP])
def test_a_person_and_stop_are_handled_in_a_held_thread(intent):
    decision = decided(says(intent), facts(thread=HELD))

    assert decision.reply is not None
    assert decision.thread.state is ThreadState.PERSON


def test_while_a_hand_over_waits_clear_commands_are_answered():
    waiting = a_thread(state=ThreadState.WAITING)

    decision = decided(says(Intent.CANCEL, code=1), facts(FIRST, thread=waiting))

    assert kinds(decision) == ["CancelAppointment"]


def test_a_question_of_a_later_kind_goes_to_staff():
    proposal = a_question(QuestionKind.PROPOSAL)

    decision = decided(Command(Intent.ACCEPT), facts(questions=(proposal,)))

    assert reason(decision) is HandOverReason.NEEDS_HUMAN


def test_an_exact_time_in_answer_to_options_is_taken_if_free():
    known = facts(FIRST)
    asked = decided(says(Intent.RESCHEDULE, code=1), known, [TUESDAY, LATER])

    decision = decided(Command(Intent.RESCHEDULE, when=at(20, 9)), after(known, asked), [a_slot(instant(20, 9))])

    assert kinds(decision) == ["MoveAppointment"]


def test_a_yes_to_nothing_confirms_nothing_and_we_say_so():
    decision = decided(Command(Intent.CONFIRM), facts(FIRST))

    assert message(decision) == "no_open_question"
    assert kinds(decision) == []


def test_a_yes_with_a_code_is_a_command_of_its_own():
    decision = decided(says(Intent.CONFIRM, code=1, whole=False), facts(FIRST))

    assert kinds(decision) == ["ConfirmAppointment"]
