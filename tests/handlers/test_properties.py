"""What holds for every text: nobody unidentified changes anything, nothing leaks, nothing raises."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from handlers import conversation, pending
from handlers.case import VISIT_CHANGES
from handlers.decision import Decision
from handlers.wording import body
from lang.messages import render
from models.changes import BookAppointment
from models.facts import SlotSearch
from models.states import Outcome, ThreadState
from tests.builders import NOW, IdentityRules, a_slot
from tests.handlers.chance import Chance

SECRET = "code-of-"
SLOTS = tuple(a_slot(NOW + timedelta(hours=20 * n + 1), id=900 + n) for n in range(6))

chances = st.integers(0, 2**64 - 1).map(Chance)
RUNS = settings(max_examples=600, deadline=None)


def _decide(command, known, slots=SLOTS):
    decision = conversation.decide(command, known)
    if isinstance(decision, SlotSearch):
        assert decision.windows, "a search has somewhere to look"
        assert decision.clinic_ids
        decision = conversation.decide(command, replace(known, slots=slots))
    assert isinstance(decision, Decision), "one search is enough"
    return decision


def _visit_changes(decision):
    return [change for change in decision.changes if isinstance(change, VISIT_CHANGES)]


def test_the_random_texts_reach_every_kind_of_change():
    reached = Counter()
    for seed in range(3000):
        chance = Chance(seed)
        reached.update(
            type(change).__name__ for change in _visit_changes(_decide(chance.command(), chance.situation()))
        )

    wanted = {"BookAppointment", "CancelAppointment", "ConfirmAppointment", "MoveAppointment", "RestoreAppointment"}
    assert wanted <= reached.keys()
    assert reached.total() > 150


@RUNS
@given(chances)
def test_every_text_is_decided_and_every_decision_can_be_said(chance):
    decision = _decide(chance.command(), chance.situation(), SLOTS[: chance.pick(range(7))])

    said = [] if decision.reply is None else [body(decision.reply, None)]
    said += [render(notice.message, notice.language, notice.blanks) for notice in decision.notices]
    assert all(said)
    assert SECRET not in "".join(said)
    assert SECRET not in repr(decision), "no code is ever kept"
    if decision.outcome is Outcome.NO_ANSWER_NEEDED:
        assert decision.reply is None
        assert decision.reason
    if decision.ask is not None:
        assert decision.reply is not None


@RUNS
@given(chances)
def test_no_visit_is_changed_twice_and_none_of_somebody_who_is_never_texted(chance):
    known = chance.situation()

    changes = _visit_changes(_decide(chance.command(), known))

    assert len(changes) <= 1
    owners = {visit.id: visit.patient_id for visit in known.visits}
    undone = known.thread.undo.patient_id if known.thread.undo else 0
    for change in changes:
        whose = change.patient_id if isinstance(change, BookAppointment) else owners.get(change.appointment_id, undone)
        assert known.people[whose].textable


@RUNS
@given(chances)
def test_a_number_that_is_on_nobodys_file_changes_no_visit(chance):
    known = chance.situation(rules=IdentityRules())
    stranger = replace(known, thread=replace(known.thread, number="+358405550199"), on_number=())

    assert _visit_changes(_decide(chance.command(), stranger)) == []


@RUNS
@given(chances)
def test_without_a_code_a_session_a_question_or_a_texted_date_nothing_changes(chance):
    bare = replace(chance.command(), identity_code=None, identity_status="none")
    known = chance.situation(questions=(), texted_visits=frozenset())
    alone = replace(known, thread=replace(known.thread, session_patient_id=None, undo=None))

    assert _visit_changes(_decide(bare, alone)) == []


@RUNS
@given(chances)
def test_after_five_failures_no_code_opens_anything(chance):
    known = chance.situation(failures_of_number=5, questions=(), rules=IdentityRules())
    alone = replace(known, thread=replace(known.thread, undo=None))

    assert _visit_changes(_decide(chance.command(), alone)) == []


@RUNS
@given(chances)
def test_an_emergency_changes_no_visit_and_is_always_answered(chance):
    decision = _decide(replace(chance.command(), emergency=True), chance.situation())

    assert _visit_changes(decision) == []
    assert decision.reply is not None
    assert decision.hand_over is not None
    assert decision.hand_over.urgent


@RUNS
@given(chances)
def test_what_is_held_by_a_person_is_changed_only_by_answers_to_our_questions(chance):
    known = chance.situation(questions=())
    held = replace(known, thread=replace(known.thread, state=ThreadState.PERSON))

    assert _visit_changes(_decide(chance.command(), held)) == []


@RUNS
@given(chances)
def test_a_command_that_waits_comes_back_as_it_was_without_its_code(chance):
    command, settled = chance.command(), pending.Settled(1, None, 3)

    waiting, kept = pending.take(pending.put(command, settled))

    assert kept == settled
    assert waiting.identity_code is None
    for part in ("intent", "topic", "when", "ref", "recur", "service", "name", "also", "minutes", "child"):
        assert getattr(waiting, part) == getattr(command, part)


@RUNS
@given(chances)
def test_what_waits_for_staff_names_nobody(chance):
    command = replace(chance.command(), name="Aino Esimerkki")

    assert "Aino" not in str(pending.for_staff(command, pending.NOTHING))
