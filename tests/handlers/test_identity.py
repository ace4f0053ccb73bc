"""Who is writing: the identity ladder (product.md section 2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from models.changes import ProveNumber, RecordFailure
from models.facts import HandOverFacts, Link, StopFacts
from models.states import HandOverReason, QuestionKind, StopSource
from parser.command import Command, Intent
from tests.builders import (
    HELSINKI,
    NOW,
    OTHER_NUMBER,
    PATIENT_NUMBER,
    YOUTH,
    IdentityRules,
    a_child,
    a_person,
    a_reminder,
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
    message,
    on_day,
    reason,
    says,
)

CANCEL = says(Intent.CANCEL, code=1)
ELSEWHERE = a_thread(number=OTHER_NUMBER)


# --- L2: two facts ------------------------------------------------------------------------------------------------


def test_a_number_on_file_and_the_code_are_two_facts():
    decision = decided(CANCEL, facts(a_visit()))

    assert kinds(decision) == ["CancelAppointment"]
    assert decision.details == {"level": 2}


def test_a_code_opens_a_session_of_fifteen_minutes_for_that_person():
    decision = decided(says(Intent.LIST, code=1), facts(a_visit()))

    assert decision.thread.session_patient_id == 1
    assert decision.thread.session_until == NOW + timedelta(minutes=15)


def test_in_the_session_the_next_command_needs_no_code():
    decision = decided(says(Intent.CANCEL), facts(a_visit(), thread=in_session()))

    assert kinds(decision) == ["CancelAppointment"]


def test_after_the_session_the_code_is_needed_again():
    decision = decided(says(Intent.CANCEL), facts(a_visit(), thread=in_session(minutes=0)))

    assert message(decision) == "code_missing"
    assert kinds(decision) == []


def test_a_session_does_not_outlive_the_number_on_the_file():
    person = a_person(numbers=("+358405550109",))
    known = facts(a_visit(), people=[person, a_person(3)], thread=in_session())

    decision = decided(says(Intent.CANCEL), known)

    assert message(decision) == "code_missing"


def test_in_a_session_another_name_is_somebody_else():
    command = says(Intent.CANCEL, name="Pekka Toinen")

    decision = decided(command, facts(a_visit(), thread=in_session()))

    assert message(decision) == "code_missing"


def test_a_failing_number_counts_as_unknown_until_a_right_code_proves_it():
    person = a_person(numbers=(), stale_numbers=(PATIENT_NUMBER,))

    bare = decided(says(Intent.CANCEL), facts(a_visit(), people=[person]))
    coded = decided(CANCEL, facts(a_visit(), people=[person]))

    assert message(bare) == "number_not_on_file"
    assert ProveNumber(PATIENT_NUMBER, 1) in coded.changes
    assert "CancelAppointment" in kinds(coded)


@pytest.mark.parametrize("name", ["Aino Esimerkki", "Esimerkki Aino", "Maria Esimerkki"])
def test_the_name_of_the_file_in_any_order_goes_with_the_code(name):
    decision = decided(replace(CANCEL, name=name), facts(a_visit()))

    assert kinds(decision) == ["CancelAppointment"]


# --- missing and malformed facts ----------------------------------------------------------------------------------


def test_a_command_without_a_code_waits_and_the_code_alone_completes_it():
    known = facts(a_visit())

    asked = decided(says(Intent.CANCEL, ref=None), known)
    done = decided(says(Intent.FREE, code=1), after(known, asked))

    assert asked.ask.kind is QuestionKind.IDENTITY
    assert asked.ask.expires_at == NOW + timedelta(minutes=30)
    assert kinds(asked) == []
    assert kinds(done) == ["CancelAppointment"]


def test_the_waiting_command_keeps_its_wish_and_never_a_code():
    asked = decided(says(Intent.BOOK, when=at(14, 9), service="checkup"), facts())

    assert "code" not in str(asked.ask.pending)
    assert asked.ask.pending["command"]["when"] == [["2026-05-14T09:00:00", "2026-05-14T09:00:00"]]


def test_a_malformed_code_is_asked_again_and_not_counted():
    known = facts(a_visit())

    asked = decided(says(Intent.CANCEL, identity_status="malformed"), known)
    done = decided(says(Intent.FREE, code=1), after(known, asked))

    assert message(asked) == "code_malformed"
    assert kinds(asked) == []
    assert kinds(done) == ["CancelAppointment"]


def test_a_number_that_nobody_has_on_file_is_told_nothing():
    decision = decided(says(Intent.CANCEL), facts(a_visit(), thread=ELSEWHERE))

    assert message(decision) == "number_not_on_file"
    assert kinds(decision) == []


# --- nothing leaks by differing -----------------------------------------------------------------------------------


def _answer(command: Command, **values: object) -> tuple[object, ...]:
    decision = decided(command, facts(a_visit(), **values))
    return decision.reply, decision.ask, kinds(decision)[-1:]


def test_a_wrong_code_an_unknown_one_a_wrong_name_and_a_right_code_from_elsewhere_get_the_same_text():
    wrong = _answer(says(Intent.CANCEL, identity_status="invalid"))
    unknown = _answer(says(Intent.CANCEL, identity_code="nobody's", identity_status="ok"), by_code={"nobody's": None})
    name = _answer(replace(CANCEL, name="Pekka Toinen"))
    elsewhere = _answer(replace(CANCEL, language="fi", certain_language=True), thread=ELSEWHERE)

    assert wrong == unknown == name == elsewhere
    assert wrong[0].message == "wrong_details"


def test_the_text_after_a_right_code_from_elsewhere_is_answered_as_after_a_wrong_one():
    nothing = Command(Intent.FREE, language="fi", certain_language=True)
    right = decided(CANCEL, facts(a_visit(), thread=ELSEWHERE))
    wrong = decided(says(Intent.CANCEL, identity_status="invalid"), facts(thread=ELSEWHERE))
    held = HandOverFacts(9, HandOverReason.NUMBER_NOT_ON_FILE, NOW + timedelta(hours=1))

    after_right = decided(nothing, facts(thread=right.thread, hand_over=held))
    after_wrong = decided(nothing, facts(thread=wrong.thread))

    assert after_right.reply == after_wrong.reply
    assert after_right.ask == after_wrong.ask


@pytest.mark.parametrize(
    ("command", "whose"),
    [
        (says(Intent.CANCEL, identity_status="invalid"), None),
        (says(Intent.CANCEL, identity_code="nobody's", identity_status="ok"), None),
        (replace(CANCEL, name="Pekka Toinen"), 1),
    ],
)
def test_a_failure_is_counted_against_the_number_and_whom_it_names(command, whose):
    decision = decided(command, facts(a_visit()))

    assert RecordFailure(PATIENT_NUMBER, whose) in decision.changes


def test_a_name_that_contradicts_the_code_is_a_persons_matter():
    decision = decided(replace(CANCEL, name="Pekka Toinen"), facts(a_visit()))

    assert reason(decision) is HandOverReason.NAME_CONTRADICTS_CODE
    assert decision.hand_over.patient_id == 1
    assert "CancelAppointment" not in kinds(decision)


# --- L3: a right code from a number that is not on file -----------------------------------------------------------


def test_a_right_code_from_elsewhere_changes_nothing_and_staff_get_the_command():
    decision = decided(replace(CANCEL, ref=on_day(14)), facts(a_visit(), thread=ELSEWHERE))

    assert "CancelAppointment" not in kinds(decision)
    assert reason(decision) is HandOverReason.NUMBER_NOT_ON_FILE
    assert decision.hand_over.patient_id == 1
    assert decision.hand_over.command["command"]["intent"] == "cancel"
    assert decision.thread.session_patient_id is None


def test_the_number_on_file_hears_of_it_once_a_day():
    first = decided(CANCEL, facts(a_visit(), thread=ELSEWHERE))
    second = decided(CANCEL, facts(a_visit(), thread=ELSEWHERE, inbox_id=78))
    tomorrow = decided(CANCEL, facts(a_visit(), thread=ELSEWHERE, now=NOW + timedelta(days=1)))

    [notice] = first.notices
    assert (notice.number, notice.message) == (PATIENT_NUMBER, "someone_wrote")
    assert notice.key == second.notices[0].key
    assert notice.key != tomorrow.notices[0].key
    assert first.thread.noticed_at == NOW


@pytest.mark.parametrize(
    "values",
    [
        {"shared_numbers": frozenset({PATIENT_NUMBER})},
        {"people": [a_person(do_not_text=True)]},
        {"people": [a_person(numbers=())]},
        {"people": [a_person(deceased=True)]},
    ],
)
def test_a_shared_number_a_protected_person_and_the_dead_get_no_notice(values):
    decision = decided(CANCEL, facts(a_visit(), thread=ELSEWHERE, **values))

    assert decision.notices == ()
    assert message(decision) == "wrong_details"


# --- no guessing --------------------------------------------------------------------------------------------------


def test_after_five_failures_even_a_right_code_gets_the_neutral_text_and_staff_are_told_once():
    known = facts(a_visit(), failures_of_number=5)

    first = decided(CANCEL, known)
    told = HandOverFacts(9, HandOverReason.TOO_MANY_FAILURES, None)
    second = decided(CANCEL, replace(known, hand_over=told))

    assert message(first) == message(second) == "wrong_details"
    assert reason(first) is HandOverReason.TOO_MANY_FAILURES
    assert second.hand_over is None
    assert kinds(first) == kinds(second) == []


def test_five_failures_about_a_patient_count_over_all_numbers():
    decision = decided(CANCEL, facts(a_visit(), failures_of_person={1: 5}))

    assert message(decision) == "wrong_details"
    assert reason(decision) is HandOverReason.TOO_MANY_FAILURES
    assert kinds(decision) == []


def test_four_failures_are_forgiven():
    decision = decided(CANCEL, facts(a_visit(), failures_of_number=4))

    assert kinds(decision) == ["CancelAppointment"]


@pytest.mark.parametrize("intent", [Intent.HUMAN, Intent.CONSENT_STOP])
def test_a_person_and_stop_still_work_after_five_failures(intent):
    decision = decided(says(intent), facts(failures_of_number=5))

    assert message(decision) != "wrong_details"


# --- L1: what a number on file may do without a code --------------------------------------------------------------


def test_naming_the_date_of_a_visit_that_we_texted_to_this_number_opens_that_visit_only():
    other = a_visit(instant(23, 13), id=42, slot_id=420)
    known = facts(a_visit(), other, texted_visits=frozenset({41}))

    decision = decided(says(Intent.CANCEL, ref=on_day(14)), known)

    assert kinds(decision) == ["CancelAppointment"]
    assert decision.appointment_id == 41
    assert decision.details == {"level": 1}
    assert decision.thread.session_patient_id is None


@pytest.mark.parametrize("day", [14, 20])
def test_a_date_that_we_did_not_text_and_one_without_a_visit_look_the_same_and_count(day):
    decision = decided(says(Intent.CANCEL, ref=on_day(day)), facts(a_visit()))

    assert message(decision) == "code_missing"
    assert kinds(decision) == ["RecordFailure"]


def test_a_week_is_no_exact_date():
    week = on_day(11)[0]
    known = facts(a_visit(), texted_visits=frozenset({41}))

    decision = decided(says(Intent.CANCEL, ref=(replace(week, end=week.end + timedelta(days=6)),)), known)

    assert message(decision) == "code_missing"
    assert kinds(decision) == []


def test_the_wish_of_a_move_names_no_visit():
    known = facts(a_visit(), texted_visits=frozenset({41}))

    decision = decided(says(Intent.RESCHEDULE, when=on_day(14)), known)

    assert message(decision) == "code_missing"


def test_the_list_of_visits_needs_the_code_even_where_a_date_is_known():
    known = facts(a_visit(), texted_visits=frozenset({41}))

    decision = decided(says(Intent.LIST, ref=on_day(14)), known)

    assert message(decision) == "code_missing"


def test_an_answer_to_a_reminder_needs_the_number_to_be_on_file_still():
    visit = a_visit()
    gone = a_person(numbers=("+358405550109",))

    decision = decided(answers(2), facts(visit, people=[gone], questions=(a_reminder(visit),)))

    assert kinds(decision) == []


def test_an_answer_with_a_wrong_code_is_no_answer():
    visit = a_visit()
    command = Command(Intent.CANCEL, identity_status="invalid")

    decision = decided(command, facts(visit, questions=(a_reminder(visit),)))

    assert message(decision) == "wrong_details"
    assert kinds(decision) == ["RecordFailure"]


# --- shared numbers -----------------------------------------------------------------------------------------------

TWO = (a_person(1), a_person(3, given_names="Kalle", family_name="Toinen"))


def test_on_a_shared_number_a_new_command_needs_the_code_again():
    decision = decided(says(Intent.CANCEL), facts(a_visit(), people=TWO, thread=in_session()))

    assert message(decision) == "code_missing"


def test_on_a_shared_number_an_answer_to_the_question_just_asked_needs_no_code():
    known = facts(a_visit(), a_visit(instant(23, 13), id=42), people=TWO)

    asked = decided(CANCEL, known)
    done = decided(answers(1), after(known, asked))

    assert kinds(done) == ["CancelAppointment"]


def test_on_a_shared_number_a_code_opens_its_own_person_only():
    known = facts(a_visit(), a_visit(instant(23, 13), id=42, patient_id=3), people=TWO)

    decision = decided(CANCEL, known)

    assert decision.appointment_id == 41


def test_a_text_to_a_shared_number_says_whose_by_one_initial():
    decision = decided(says(Intent.CANCEL, code=3), facts(a_visit(patient_id=3), people=TWO))

    whose = decision.reply.blanks["whose"]
    assert (whose.kind, whose.initial) == ("initial", "K")


# --- guardians ----------------------------------------------------------------------------------------------------

MOTHER, CHILD_OF_HERS = a_person(1, wards=[2]), a_child(2)


def test_a_childs_code_from_the_mothers_number_opens_the_child_only():
    known = facts(a_visit(), a_visit(instant(23, 13), id=42, patient_id=2), people=(MOTHER, CHILD_OF_HERS))

    decision = decided(says(Intent.CANCEL, code=2), known)

    assert decision.appointment_id == 42


def test_the_mothers_code_opens_herself_and_the_child():
    known = facts(a_visit(), a_visit(instant(23, 13), id=42, patient_id=2), people=(MOTHER, CHILD_OF_HERS))

    decision = decided(CANCEL, known)

    assert message(decision) == "which_cancel"
    assert [choice.id for choice in decision.ask.choices] == [41, 42]


def test_the_mother_may_sign_with_her_own_name_under_the_childs_code():
    command = says(Intent.CANCEL, code=2, name="Aino Esimerkki")

    decision = decided(command, facts(a_visit(patient_id=2), people=(MOTHER, CHILD_OF_HERS)))

    assert kinds(decision) == ["CancelAppointment"]


def test_the_childs_name_with_the_mothers_code_means_the_child():
    known = facts(a_visit(), a_visit(instant(23, 13), id=42, patient_id=2), people=(MOTHER, CHILD_OF_HERS))

    decision = decided(says(Intent.CANCEL, code=1, name="Eero Esimerkki"), known)

    assert decision.appointment_id == 42


@pytest.mark.parametrize("command", [says(Intent.CANCEL, code=2), says(Intent.CANCEL, code=1, name="Eero Esimerkki")])
def test_from_twelve_on_the_link_sleeps_and_staff_ask(command):
    young = a_child(2, born_on=YOUTH)

    decision = decided(command, facts(a_visit(patient_id=2), people=(MOTHER, young)))

    assert reason(decision) is HandOverReason.MINOR
    assert kinds(decision) == []


def test_the_mothers_number_on_the_young_persons_file_does_not_wake_the_link():
    young = a_child(2, born_on=YOUTH, numbers=(PATIENT_NUMBER,))

    decision = decided(says(Intent.CANCEL, code=2), facts(a_visit(patient_id=2), people=(MOTHER, young)))

    assert reason(decision) is HandOverReason.MINOR


def test_the_young_person_may_have_decided_that_guardians_act():
    young = a_child(2, born_on=YOUTH, acts_from_12=True)

    decision = decided(says(Intent.CANCEL, code=2), facts(a_visit(patient_id=2), people=(MOTHER, young)))

    assert kinds(decision) == ["CancelAppointment"]


@pytest.mark.parametrize(("days", "mine"), [(0, True), (1, False)])
def test_the_link_of_a_child_sleeps_from_the_twelfth_birthday(days, mine):
    today = NOW.astimezone(HELSINKI).date()
    child = a_child(2, born_on=today.replace(year=today.year - 12) + timedelta(days=1 - days))

    decision = decided(says(Intent.CANCEL, code=2), facts(a_visit(patient_id=2), people=(MOTHER, child)))

    assert ("CancelAppointment" in kinds(decision)) is mine


def test_at_eighteen_the_link_ends():
    today = NOW.astimezone(HELSINKI).date()
    adult = a_child(2, born_on=today.replace(year=today.year - 18), acts_from_12=True)

    decision = decided(says(Intent.CANCEL, code=2), facts(a_visit(patient_id=2), people=(MOTHER, adult)))

    assert message(decision) == "wrong_details"
    assert reason(decision) is HandOverReason.NUMBER_NOT_ON_FILE


def test_a_link_ends_with_the_day_that_the_file_says():
    yesterday = NOW.astimezone(HELSINKI).date() - timedelta(days=1)
    mother = a_person(1, dependants=(Link(2, yesterday),))

    decision = decided(says(Intent.CANCEL, code=2), facts(a_visit(patient_id=2), people=(mother, CHILD_OF_HERS)))

    assert "CancelAppointment" not in kinds(decision)


def test_a_minor_acts_alone_from_their_own_number():
    young = a_child(2, born_on=YOUTH, numbers=(PATIENT_NUMBER,))

    decision = decided(says(Intent.CANCEL, code=2), facts(a_visit(patient_id=2), people=[young]))

    assert kinds(decision) == ["CancelAppointment"]


# --- the other policy ---------------------------------------------------------------------------------------------

TRUSTING = IdentityRules(policy="code_and_name")
NAMED = replace(CANCEL, name="Aino Esimerkki")


def test_code_and_name_identify_from_any_number_where_the_policy_says_so():
    decision = decided(NAMED, facts(a_visit(), thread=ELSEWHERE, rules=TRUSTING))

    assert "CancelAppointment" in kinds(decision)


def test_even_then_times_and_places_are_told_only_to_the_number_on_file():
    decision = decided(NAMED, facts(a_visit(), thread=ELSEWHERE, rules=TRUSTING))

    assert message(decision) == "done_and_told_elsewhere"
    assert dict(decision.reply.blanks) == {}
    assert [notice.number for notice in decision.notices] == [PATIENT_NUMBER]
    assert decision.thread.session_patient_id is None


@pytest.mark.parametrize("intent", [Intent.LIST, Intent.BOOK])
def test_what_would_only_tell_goes_to_staff(intent):
    command = replace(NAMED, intent=intent)

    decision = decided(command, facts(a_visit(), thread=ELSEWHERE, rules=TRUSTING))

    assert message(decision) == "wrong_details"
    assert reason(decision) is HandOverReason.NUMBER_NOT_ON_FILE


@pytest.mark.parametrize("command", [CANCEL, replace(CANCEL, name="Pekka Toinen")])
def test_without_the_right_name_the_policy_changes_nothing(command):
    decision = decided(command, facts(a_visit(), thread=ELSEWHERE, rules=TRUSTING))

    assert "CancelAppointment" not in kinds(decision)
    assert message(decision) == "wrong_details"


# --- prohibitions and the dead ------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [CANCEL, says(Intent.HUMAN), says(Intent.CONSENT_STOP), answers(1)])
def test_a_protected_person_gets_one_fixed_neutral_answer_and_a_person(command):
    decision = decided(command, facts(a_visit(), people=[a_person(do_not_text=True)]))

    assert message(decision) == "received"
    assert reason(decision) is HandOverReason.DO_NOT_TEXT
    assert kinds(decision) == []
    assert decision.notices == ()


def test_a_guardian_cannot_reach_a_protected_child():
    child = a_child(2, do_not_text=True, numbers=())

    decision = decided(says(Intent.CANCEL, code=2), facts(a_visit(patient_id=2), people=(MOTHER, child)))

    assert "CancelAppointment" not in kinds(decision)
    assert message(decision) in ("received", "wrong_details")


@pytest.mark.parametrize("values", [{"deceased": True}, {"silenced": True}])
def test_nobody_writes_in_the_name_of_the_dead(values):
    decision = decided(CANCEL, facts(a_visit(), people=[a_person(**values)]))

    assert "CancelAppointment" not in kinds(decision)
    assert message(decision) == "wrong_details"


def test_a_disowned_number_is_nobodys_until_staff_have_checked():
    stops = (StopFacts(None, StopSource.WRONG_NUMBER),)

    bare = decided(says(Intent.CANCEL), facts(a_visit(), thread=in_session(), stops=stops))
    coded = decided(CANCEL, facts(a_visit(), stops=stops))

    assert message(bare) == "number_not_on_file"
    assert "CancelAppointment" not in kinds(coded)
