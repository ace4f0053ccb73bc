"""The smaller commands: stop and start, undo, late, a call, help, language, is it real?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from handlers.wording import body
from models.changes import LiftStop, RestoreAppointment, ReturnAppointment, SetStop
from models.facts import HandOverFacts, StopFacts
from models.states import AppointmentStatus, HandOverReason, Outcome, Purpose, QuestionKind, StopSource, ThreadState
from parser.command import Command, Intent, Interval, Topic
from tests.builders import (
    NOW,
    OTHER_NUMBER,
    PATIENT_NUMBER,
    a_child,
    a_clinic,
    a_person,
    a_question,
    a_reminder,
    a_slot,
    a_thread,
    a_visit,
    after,
    answers,
    at,
    decided,
    facts,
    in_session,
    instant,
    kinds,
    local,
    message,
    reason,
    says,
)

# --- stop and start -----------------------------------------------------------------------------------------------

STOP, START = says(Intent.CONSENT_STOP), says(Intent.CONSENT_START)
OWN_STOP = StopFacts(None, StopSource.STOP)


def test_stop_takes_effect_at_once_for_every_purpose_and_offers_to_keep_reminders():
    known = facts(a_visit())

    stopped = decided(STOP, known)
    kept = decided(answers(1), after(known, stopped))

    assert SetStop(PATIENT_NUMBER, None, StopSource.STOP) in stopped.changes
    assert kinds(stopped) == ["SetStop"], "bookings stand"
    assert stopped.ask.kind is QuestionKind.KEEP_REMINDERS
    assert LiftStop(PATIENT_NUMBER, StopSource.STOP, Purpose.REMINDERS) in kept.changes


def test_stopping_twice_sets_one_stop():
    decision = decided(STOP, facts(stops=(OWN_STOP,)))

    assert kinds(decision) == []
    assert message(decision) == "stopped"


@pytest.mark.parametrize(
    ("kind", "purpose"), [(QuestionKind.OFFER, Purpose.OFFERS), (QuestionKind.SURVEY, Purpose.SURVEYS)]
)
def test_stop_in_answer_to_an_offer_or_a_survey_ends_that_purpose_only(kind, purpose):
    decision = decided(STOP, facts(questions=(a_question(kind),)))

    assert SetStop(PATIENT_NUMBER, purpose, StopSource.STOP) in decision.changes
    assert decision.ask is None


def test_start_lifts_only_what_a_stop_on_this_number_set():
    stops = (OWN_STOP, StopFacts(Purpose.OFFERS, StopSource.STAFF))

    decision = decided(START, facts(stops=stops))

    assert [change for change in decision.changes if isinstance(change, LiftStop)] == [
        LiftStop(PATIENT_NUMBER, StopSource.STOP)
    ]


@pytest.mark.parametrize("stops", [(), (StopFacts(None, StopSource.STAFF),)])
def test_start_without_a_stop_changes_nothing(stops):
    decision = decided(START, facts(stops=stops))

    assert kinds(decision) == []
    assert message(decision) == "not_stopped"


def test_texts_from_a_stopped_number_are_still_answered():
    decision = decided(says(Intent.CANCEL, code=1), facts(a_visit(), stops=(OWN_STOP,)))

    assert kinds(decision) == ["CancelAppointment"]


def test_cancel_in_any_language_is_no_stop():
    decision = decided(says(Intent.CANCEL), facts(a_visit()))

    assert "SetStop" not in kinds(decision)


# --- undo ---------------------------------------------------------------------------------------------------------

UNDO = says(Intent.FREE, topic=Topic.UNDO)


def test_undo_restores_the_cancelled_visit_as_it_was():
    visit = a_visit(status=AppointmentStatus.CONFIRMED)
    known = facts(visit)
    cancelled = decided(says(Intent.CANCEL, code=1), known)

    undone = decided(UNDO, after(known, cancelled, visits=(), undo_slot_free=True))

    assert RestoreAppointment(41, 410, AppointmentStatus.CONFIRMED) in undone.changes
    assert undone.reply.blanks["when"] == visit.starts_at
    assert undone.thread.undo is None


def test_undo_moves_the_moved_visit_back():
    known = facts(a_visit())
    moved = decided(says(Intent.RESCHEDULE, code=1, when=at(19, 10)), known, [a_slot(instant(19, 10))])

    undone = decided(UNDO, after(known, moved, undo_slot_free=True))

    assert ReturnAppointment(41, 410, AppointmentStatus.BOOKED) in undone.changes


def test_undo_of_a_time_that_somebody_else_has_says_so():
    known = facts(a_visit())
    cancelled = decided(says(Intent.CANCEL, code=1), known)

    decision = decided(UNDO, after(known, cancelled, undo_slot_free=False))

    assert message(decision) == "undo_cancel_gone"
    assert kinds(decision) == []


def test_undo_ends_after_half_an_hour():
    known = facts(a_visit())
    cancelled = decided(says(Intent.CANCEL, code=1), known)

    late = after(known, cancelled, undo_slot_free=True, now=NOW + timedelta(minutes=30))

    assert message(decided(UNDO, late)) == "nothing_to_undo"


def test_undo_without_a_change_from_this_number_changes_nothing():
    assert message(decided(UNDO, facts(a_visit(), undo_slot_free=True))) == "nothing_to_undo"


def test_undo_needs_the_number_to_be_on_file_still():
    known = facts(a_visit())
    cancelled = decided(says(Intent.CANCEL, code=1), known)
    gone = facts(thread=cancelled.thread, people=[a_person(numbers=(OTHER_NUMBER,))], undo_slot_free=True)

    assert message(decided(UNDO, gone)) == "nothing_to_undo"


# --- late ---------------------------------------------------------------------------------------------------------


def _late(minutes: int | None) -> Command:
    return says(Intent.FREE, topic=Topic.LATE, minutes=minutes, needs_human=True)


@pytest.mark.parametrize(
    ("minutes", "said"), [(10, "late_ok"), (15, "late_ok"), (16, "late_asked"), (None, "late_asked")]
)
def test_the_clinic_is_told_of_a_late_patient_and_the_patient_whether_they_are_seen(minutes, said):
    soon = a_visit(starts_at=NOW + timedelta(minutes=20))

    decision = decided(_late(minutes), facts(soon))

    assert message(decision) == said
    assert reason(decision) is HandOverReason.RUNNING_LATE
    assert decision.hand_over.command["visit"] == soon.id
    assert kinds(decision) == []


def test_a_visit_that_has_just_begun_may_still_be_late():
    begun = a_visit(starts_at=NOW - timedelta(minutes=5))

    assert message(decided(_late(5), facts(begun))) == "late_ok"


def test_the_answer_to_a_late_patient_says_nothing_of_the_visit():
    decision = decided(_late(10), facts(a_visit(starts_at=NOW + timedelta(minutes=20))))

    assert set(decision.reply.blanks) == {"limit", "phone"}


def test_a_late_patient_whom_we_cannot_find_reaches_a_person():
    decision = decided(_late(10), facts(thread=a_thread(number=OTHER_NUMBER)))

    assert reason(decision) is HandOverReason.RUNNING_LATE
    assert message(decision) == "handed_over_open"


# --- a call -------------------------------------------------------------------------------------------------------

CALL = says(Intent.CALLBACK)


def test_a_call_is_promised_within_the_hour_while_the_clinic_is_open():
    decision = decided(CALL, facts())

    assert message(decision) == "call_by"
    assert decision.hand_over.promised_at == NOW + timedelta(hours=1)


def test_with_the_clinic_closed_a_call_is_promised_after_the_next_opening():
    decision = decided(CALL, facts(now=instant(8, 18)))  # Friday evening

    assert decision.hand_over.promised_at == instant(11, 10)


def test_a_window_of_the_patients_is_kept():
    window = (Interval(local(6, 14), local(7)),)

    decision = decided(replace(CALL, when=window), facts())

    assert message(decision) == "call_then"
    assert decision.reply.blanks["when"] == instant(6, 14)


def test_a_window_outside_opening_hours_is_not_promised():
    sunday = (Interval(local(10), local(11)),)

    decision = decided(replace(CALL, when=sunday), facts())

    assert message(decision) == "call_outside_hours"


def test_a_number_that_is_not_on_file_may_ask_for_a_call():
    decision = decided(CALL, facts(thread=a_thread(number=OTHER_NUMBER)))

    assert reason(decision) is HandOverReason.ASKED_FOR_CALL


# --- reaching a person --------------------------------------------------------------------------------------------


def test_a_person_is_one_step_away_from_any_question():
    visit = a_visit()

    decision = decided(says(Intent.HUMAN), facts(visit, questions=(a_reminder(visit),)))

    assert reason(decision) is HandOverReason.ASKED_FOR_PERSON
    assert decision.thread.state is ThreadState.WAITING


@pytest.mark.parametrize(
    ("now", "said", "promised"),
    [
        (instant(5, 12), "handed_over_open", instant(5, 13)),
        (instant(5, 15, 40), "handed_over_open", instant(5, 16)),
        (instant(5, 15, 55), "handed_over_closed", instant(6, 10)),
        (instant(5, 20), "handed_over_closed", instant(6, 10)),
        (instant(13, 20), "handed_over_closed", instant(15, 10)),  # Thursday 14 May is Ascension Day
    ],
)
def test_the_promise_is_one_that_the_clinic_can_keep(now, said, promised):
    decision = decided(says(Intent.HUMAN), facts(now=now))

    assert message(decision) == said
    assert decision.hand_over.promised_at == promised


def test_a_clinic_without_hours_promises_no_time():
    decision = decided(says(Intent.HUMAN), facts(clinics=[a_clinic(hours={})]))

    assert message(decision) == "handed_over"
    assert decision.hand_over.promised_at is None


def test_asking_again_tells_the_time_that_was_promised():
    held = HandOverFacts(9, HandOverReason.ASKED_FOR_PERSON, NOW + timedelta(minutes=40))
    waiting = a_thread(state=ThreadState.WAITING)

    decision = decided(says(Intent.HUMAN), facts(thread=waiting, hand_over=held))

    assert message(decision) == "added_to_hand_over"
    assert decision.reply.blanks["by"] == held.promised_at


# --- public facts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (says(Intent.HELP), "VARAA, SIIRRÄ, PERU"),
        (says(Intent.FREE, topic=Topic.OPENING_HOURS), "ma-pe 8-16"),
        (says(Intent.FREE, topic=Topic.DIRECTIONS), "Esimerkkikatu 1, Helsinki"),
    ],
)
def test_anybody_may_know_public_facts(command, words):
    decision = decided(command, facts(thread=a_thread(number=OTHER_NUMBER)))

    assert words in body(decision.reply, None)
    assert decision.outcome is Outcome.ANSWERED


@pytest.mark.parametrize(
    "topic", [Topic.PRICE, Topic.PRESCRIPTION, Topic.CARE_QUESTION, Topic.CONTACT_CHANGE, Topic.WAITLIST_LIMIT]
)
def test_what_the_rules_cannot_answer_goes_to_a_person(topic):
    decision = decided(says(Intent.FREE, topic=topic), facts())

    assert reason(decision) is HandOverReason.NEEDS_HUMAN


def test_feedback_without_a_survey_is_thanked_for_and_read():
    decision = decided(says(Intent.FEEDBACK, score=9), facts())

    assert message(decision) == "feedback_passed_on"
    assert decision.outcome is Outcome.HANDED_OVER


# --- is it real? --------------------------------------------------------------------------------------------------

REAL = says(Intent.FREE, topic=Topic.AUTHENTIC)


def test_a_number_hears_when_we_last_texted_it():
    decision = decided(REAL, facts(last_sent_at=NOW - timedelta(days=2)))

    assert message(decision) == "real_yes"
    assert decision.reply.blanks["when"] == NOW - timedelta(days=2)


def test_a_number_that_we_have_not_texted_is_warned():
    assert message(decided(REAL, facts())) == "real_no"


# --- language -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "thread", "language"),
    [
        (says(Intent.HELP, language="sv", certain_language=True), a_thread(language="en"), "sv"),
        (says(Intent.HELP, language="sv"), a_thread(language="en"), "en"),
        (says(Intent.HELP, language="sv"), a_thread(), "fi"),
        (says(Intent.HELP), a_thread(), "fi"),
        (says(Intent.HELP, language="et", certain_language=True), a_thread(language="en"), "en"),
    ],
)
def test_the_answer_is_in_the_language_of_text_thread_or_file(command, thread, language):
    decision = decided(command, facts(thread=thread))

    assert decision.reply.languages == (language,)


def test_on_an_unknown_number_the_likely_language_of_the_text_is_taken():
    stranger = a_thread(number=OTHER_NUMBER)

    decision = decided(says(Intent.HELP, language="sv"), facts(thread=stranger))

    assert decision.reply.languages == ("sv",)
    assert decision.thread.language is None


def test_a_certain_language_is_the_threads_from_now_on():
    decision = decided(says(Intent.HELP, language="sv", certain_language=True), facts())

    assert decision.thread.language == "sv"


def test_another_language_is_asked_for_and_given():
    decision = decided(says(Intent.FREE, topic=Topic.LANGUAGE, wanted_language="en"), facts())

    assert decision.thread.language == "en"
    assert body(decision.reply, None).startswith("OK, let us go on in English")


def test_a_language_that_we_do_not_write_gets_a_person_and_an_answer_in_three():
    decision = decided(says(Intent.FREE, topic=Topic.FOREIGN_LANGUAGE), facts())

    assert reason(decision) is HandOverReason.OTHER_LANGUAGE
    assert decision.reply.languages == ("en", "fi", "sv")


# --- several people and places ------------------------------------------------------------------------------------


def test_the_clinic_of_a_visit_becomes_the_threads():
    clinics = (a_clinic(), a_clinic(id=2, key="ranta"))
    known = facts(a_visit(clinic_id=2), clinics=clinics, thread=a_thread(clinic_id=None))

    decision = decided(says(Intent.CANCEL, code=1), known)

    assert decision.thread.clinic_id == 2


def test_children_with_the_same_initial_are_told_apart():
    people = (a_person(wards=[2, 3]), a_child(), a_child(3, given_names="Elli"))

    asked = decided(says(Intent.BOOK, code=1, child=True), facts(people=people, thread=in_session()))

    assert [item.what for item in asked.reply.blanks["people"]] == ["Ee", "El"]
