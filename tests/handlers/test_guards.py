"""Emergencies, prohibitions, limits and texts that need no answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from handlers import conversation
from handlers.wording import body
from models.changes import CloseQuestion, SetStop, SilencePatient
from models.facts import HandOverFacts, StopFacts
from models.states import HandOverReason, Outcome, QuestionState, StopSource, ThreadState
from parser.command import Command, Intent, Topic
from tests.builders import (
    NOW,
    OTHER_NUMBER,
    PATIENT_NUMBER,
    a_child,
    a_clinic,
    a_person,
    a_reminder,
    a_slot,
    a_thread,
    a_visit,
    after,
    answers,
    decided,
    facts,
    in_session,
    instant,
    kinds,
    message,
    reason,
    says,
)

EMERGENCY = says(Intent.HUMAN, emergency=True)


# --- emergencies --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"thread": a_thread(state=ThreadState.PERSON)},
        {"people": [a_person(do_not_text=True)]},
        {"people": []},
        {"answers_last_hour": 99},
        {"failures_of_number": 9},
        {"stops": (StopFacts(None, StopSource.STOP),)},
        {"stops": (StopFacts(None, StopSource.WRONG_NUMBER),)},
        {"thread": a_thread(number="+3589123456")},
    ],
)
def test_an_emergency_comes_before_every_other_rule(values):
    decision = decided(EMERGENCY, facts(**values))

    assert message(decision) in ("emergency", "emergency_short")
    assert reason(decision) is HandOverReason.EMERGENCY
    assert decision.hand_over.urgent


def test_a_command_in_an_emergency_text_is_shown_to_staff_and_not_carried_out():
    decision = decided(says(Intent.CANCEL, code=1, emergency=True), facts(a_visit()))

    assert kinds(decision) == []
    assert decision.hand_over.command["command"]["intent"] == "cancel"


def test_after_an_emergency_nothing_is_read_as_an_answer_to_what_we_had_offered():
    known = facts(thread=in_session())
    asked = decided(says(Intent.BOOK), known, [a_slot(instant(19, 9))])

    decision = decided(EMERGENCY, after(known, asked))

    assert CloseQuestion(62, QuestionState.SUPERSEDED) in decision.changes


def test_an_emergency_in_an_unknown_language_is_answered_in_three():
    decision = decided(EMERGENCY, facts(people=[]))

    assert decision.reply.languages == ("en", "fi", "sv")
    assert body(decision.reply, None).count("112") == 3


def test_the_thread_or_the_file_tells_the_language_of_an_emergency():
    assert decided(EMERGENCY, facts(people=[], thread=a_thread(language="sv"))).reply.languages == ("sv",)
    assert decided(EMERGENCY, facts()).reply.languages == ("fi",)


def test_with_the_clinic_closed_whoever_is_on_call_is_texted_and_told_nothing_of_it():
    clinic = a_clinic(urgent={"on_call": "+358405550111"})

    closed = decided(EMERGENCY, facts(clinics=[clinic], now=instant(5, 20)))
    open_ = decided(EMERGENCY, facts(clinics=[clinic]))

    [notice] = closed.notices
    assert notice.number == "+358405550111"
    assert set(notice.blanks) == {"clinic", "when"}
    assert open_.notices == ()


def test_the_crisis_line_is_named_where_the_clinic_has_one():
    decision = decided(EMERGENCY, facts(clinics=[a_clinic(urgent={"crisis_line": "09 2525 0111"})]))

    assert "09 2525 0111" in body(decision.reply, None)


def test_the_emergency_text_promises_nobody():
    for language in ("fi", "sv", "en"):
        decision = decided(EMERGENCY, facts(people=[a_person(language=language)]))
        said = body(decision.reply, None).lower()
        assert not any(word in said for word in ("lukee", "vastaa", "tulossa", "läser det", "kommer", "is coming"))


# --- texts that need no answer ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "values", "why"),
    [
        (says(Intent.FREE, topic=Topic.THANKS), {}, "thanks need no answer"),
        (says(Intent.FREE, topic=Topic.AUTO_REPLY), {}, "an automatic reply"),
        (says(Intent.CANCEL, topic=Topic.AUTO_REPLY), {}, "an automatic reply"),
        (says(Intent.FREE, topic=Topic.SPAM), {}, "an advertisement"),
        (says(Intent.CANCEL, code=1), {"last_body_echo": True}, "our own text came back"),
        (EMERGENCY, {"last_body_echo": True}, "our own text came back"),
    ],
)
def test_some_texts_need_no_answer_and_the_record_says_why(command, values, why):
    decision = decided(command, facts(a_visit(), **values))

    assert decision.outcome is Outcome.NO_ANSWER_NEEDED
    assert decision.reason == why
    assert decision.reply is None
    assert decision.changes == ()


def test_thanks_with_a_question_reach_a_person():
    decision = decided(says(Intent.FREE, topic=Topic.THANKS, needs_human=True), facts())

    assert reason(decision) is HandOverReason.NEEDS_HUMAN


@pytest.mark.parametrize("number", ["+3589123456", "+46701234567", "12345", "KELA", "+447700900123"])
def test_only_mobile_numbers_of_the_clinics_country_are_answered(number):
    decision = decided(says(Intent.HELP), facts(people=[], thread=a_thread(number=number)))

    assert decision.outcome is Outcome.NO_ANSWER_NEEDED
    assert decision.reason == "not a mobile number of the clinic's country"


def test_a_foreign_number_on_file_is_answered():
    swede = a_person(numbers=("+46701234567",))

    decision = decided(says(Intent.HELP), facts(people=[swede], thread=a_thread(number="+46701234567")))

    assert message(decision) == "help"


# --- limits -------------------------------------------------------------------------------------------------------


def test_over_twenty_answers_in_an_hour_make_one_hand_over_and_then_silence():
    known = facts(a_visit(), answers_last_hour=21)

    first = decided(says(Intent.CANCEL, code=1), known)
    held = HandOverFacts(9, HandOverReason.TOO_MANY_ANSWERS, None)
    second = decided(says(Intent.CANCEL, code=1), replace(known, hand_over=held))

    assert reason(first) is HandOverReason.TOO_MANY_ANSWERS
    assert first.reply is None
    assert (second.outcome, second.reply) == (Outcome.NO_ANSWER_NEEDED, None)
    assert kinds(first) == kinds(second) == []


def test_twenty_answers_are_not_too_many():
    decision = decided(says(Intent.CANCEL, code=1), facts(a_visit(), answers_last_hour=20))

    assert kinds(decision) == ["CancelAppointment"]


@pytest.mark.parametrize(("intent", "said"), [(Intent.HUMAN, "handed_over_open"), (Intent.CONSENT_STOP, "stopped")])
def test_a_person_and_stop_still_work_after_that(intent, said):
    decision = decided(says(intent), facts(answers_last_hour=50))

    assert message(decision) == said


# --- wrong number, or a death -------------------------------------------------------------------------------------

WRONG = says(Intent.FREE, topic=Topic.WRONG_NUMBER)
DEATH = says(Intent.FREE, topic=Topic.DECEASED)


def test_a_wrong_number_gets_nothing_more_and_a_person_checks():
    visit = a_visit()

    decision = decided(WRONG, facts(visit, thread=in_session(), questions=(a_reminder(visit),)))

    assert SetStop(PATIENT_NUMBER, None, StopSource.WRONG_NUMBER) in decision.changes
    assert CloseQuestion(61, QuestionState.WITHDRAWN) in decision.changes
    assert decision.withdraw_number
    assert decision.thread.session_patient_id is None
    assert reason(decision) is HandOverReason.WRONG_NUMBER
    assert kinds(decision) == ["SetStop"], "visits stand"


def test_start_does_not_lift_what_a_wrong_number_set():
    stops = (StopFacts(None, StopSource.WRONG_NUMBER), StopFacts(None, StopSource.STOP))

    decision = decided(says(Intent.CONSENT_START), facts(stops=stops))

    assert kinds(decision) == []
    assert reason(decision) is HandOverReason.WRONG_NUMBER


def test_a_death_silences_that_patient():
    decision = decided(DEATH, facts(a_visit()))

    assert kinds(decision) == ["SilencePatient"]
    assert SilencePatient(1) in decision.changes
    assert message(decision) == "condolence"
    assert reason(decision) is HandOverReason.DECEASED


def test_on_a_shared_number_the_name_says_who_died_and_the_others_go_on():
    people = (a_person(), a_person(3, given_names="Kalle", family_name="Toinen"))

    decision = decided(replace(DEATH, name="Kalle Toinen"), facts(people=people))

    assert SilencePatient(3) in decision.changes
    assert not decision.withdraw_number


def test_where_it_is_not_clear_who_died_the_number_is_silent_until_staff_have_checked():
    people = (a_person(), a_person(3, given_names="Kalle", family_name="Toinen"))

    decision = decided(DEATH, facts(people=people))

    assert kinds(decision) == ["SetStop"]
    assert decision.withdraw_number


def test_nobody_is_silenced_from_an_unknown_number():
    decision = decided(replace(DEATH, identity_code="code-of-1"), facts(thread=a_thread(number=OTHER_NUMBER)))

    assert decision.changes == ()
    assert decision.hand_over.patient_id == 1


def test_a_mother_may_say_that_her_child_died():
    people = (a_person(wards=[2]), a_child())

    decision = decided(replace(DEATH, name="Eero Esimerkki"), facts(people=people))

    assert SilencePatient(2) in decision.changes


# --- what nobody understands --------------------------------------------------------------------------------------


def test_an_unclear_text_gets_one_question_and_then_a_person_automatically():
    known = facts()

    first = decided(Command(Intent.FREE), known)
    second = decided(Command(Intent.FREE), after(known, first))

    assert message(first) == "menu"
    assert first.thread.unclear == 1
    assert reason(second) is HandOverReason.NOT_UNDERSTOOD
    assert second.thread.state is ThreadState.WAITING


def test_a_text_that_is_understood_forgives_the_one_before():
    decision = decided(says(Intent.HELP), facts(thread=a_thread(unclear=1)))

    assert decision.thread.unclear == 0


def test_a_command_that_was_hardly_read_is_asked_about():
    decision = decided(says(Intent.CANCEL, code=1, confidence=0.3), facts(a_visit()))

    assert message(decision) == "menu"
    assert kinds(decision) == []


def test_what_needs_a_person_goes_to_one_at_once():
    decision = decided(says(Intent.FREE, needs_human=True), facts())

    assert reason(decision) is HandOverReason.NEEDS_HUMAN


def test_more_of_the_same_joins_the_open_hand_over():
    held = HandOverFacts(9, HandOverReason.NEEDS_HUMAN, NOW + timedelta(minutes=40))
    waiting = a_thread(state=ThreadState.WAITING)

    decision = decided(Command(Intent.FREE), facts(thread=waiting, hand_over=held))

    assert message(decision) == "added_to_hand_over"
    assert decision.hand_over is None
    assert decision.outcome is Outcome.HANDED_OVER


def test_a_hand_over_that_is_closed_no_longer_waits():
    decision = decided(says(Intent.HELP), facts(thread=a_thread(state=ThreadState.WAITING)))

    assert decision.thread.state is ThreadState.BOT


def test_a_text_with_missing_parts_is_read_by_a_person_only():
    decision = decided(says(Intent.CANCEL, code=1), facts(a_visit(), complete=False))

    assert message(decision) == "incomplete_text"
    assert kinds(decision) == []


# --- the house ----------------------------------------------------------------------------------------------------


def test_every_intent_has_a_handler():
    assert set(conversation.HANDLERS) == set(Intent)


def test_every_topic_is_dealt_with_somewhere():
    elsewhere = {
        Topic.UNDO,
        Topic.AUTHENTIC,
        Topic.WRONG_NUMBER,
        Topic.DECEASED,
        Topic.THANKS,
        Topic.AUTO_REPLY,
        Topic.SPAM,
        Topic.OFFER_QUESTION,
    }
    assert set(Topic) - elsewhere == set(conversation.TOPICS)


@pytest.mark.parametrize("digit", [1, 2, 3])
def test_an_answer_is_never_given_to_a_protected_persons_reminder(digit):
    visit = a_visit()
    known = facts(visit, people=[a_person(do_not_text=True)], questions=(a_reminder(visit),))

    assert kinds(decided(answers(digit), known)) == []
