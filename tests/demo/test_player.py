"""The judge: each thing that can go wrong in a conversation is found, and said with what came instead."""

from dataclasses import replace
from datetime import timedelta

import pytest

from demo import lines
from demo.clinic import Offer, Thread, Time
from demo.scene import (
    arranges,
    booked,
    cancelled,
    diary,
    hears,
    hears_nothing,
    held,
    lapsed,
    lets_wait,
    moved,
    offered,
    passes,
    pushes,
    says,
    scene,
    told,
    told_all,
)
from tests.demo.stand_ins import JOHAN, KARIN, NOON, MemoryClinic, a_visit, faults_of

HELLO = says("Hej")


def answer(text="Tack, vi ses!", to=KARIN, parts=1):
    return lambda _: [(to, text, parts)]


def karins(*steps, **options):
    return scene("Says hello", "p-lindstrom", HELLO, *steps, **options)


def test_a_conversation_that_goes_as_expected_has_no_faults():
    assert faults_of(karins(hears("tack", ("hej då", "VI SES"))), answer()) == []


def test_words_that_are_missing_are_named_with_the_answer_that_came():
    (fault,) = faults_of(karins(hears("bekräftad")), answer())

    assert fault == "expected “bekräftad” in the answer; it was: “Tack, vi ses!”"


def test_an_answer_that_never_comes_ends_the_scene(monkeypatch):
    monkeypatch.setattr(lines, "ANSWERED_WITHIN", 0.05)

    (fault,) = faults_of(karins(hears("tack"), diary(cancelled("checkup"))), lambda _: [])

    assert fault.startswith("expected a text; none came")


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (answer("Tack 280649-905R"), "expected no identity code in an answer"),
        (answer("Tack", parts=3), "expected at most 2 segments; they were 3"),
        (
            lambda _: [(KARIN, "Tack", 1), (JOHAN, "Hemligt", 1)],
            "expected no further text; Johan Söderholm got: “Hemligt”",
        ),
        (lambda _: [(KARIN, "Tack", 1), (KARIN, "Tack igen", 1)], "expected no further text; Karin Lindström got"),
    ],
)
def test_an_answer_that_says_too_much_is_a_fault(reply, fault):
    (found,) = faults_of(karins(hears("tack")), reply)

    assert found.startswith(fault)


def test_a_text_to_somebody_else_is_no_fault_when_it_is_expected():
    reply = lambda _: [(KARIN, "Tack", 1), (JOHAN, "Någon skrev", 1)]  # noqa: E731

    assert faults_of(karins(hears("tack"), told("p-soderholm", "någon skrev")), reply) == []


def test_an_answer_where_none_is_needed_is_a_fault():
    found = faults_of(karins(hears_nothing()), answer("Varsågod"))

    assert found == [
        "expected no answer to be needed; it was answered",
        "expected no further text; Karin Lindström got: “Varsågod”",
    ]


def test_silence_is_as_expected_when_the_api_says_that_none_was_needed():
    assert faults_of(karins(hears_nothing()), lambda _: [], outcome="no_answer_needed") == []


def test_a_text_that_the_api_does_not_list_is_a_fault():
    clinic = MemoryClinic()
    clinic.news = lambda: [text for text in _emptied(clinic.feed) if not text.outbound]

    (fault,) = faults_of(karins(hears("tack")), answer(), clinic)

    assert fault.startswith("expected the API to list what the phone shows")


def _emptied(feed):
    found = list(feed)
    feed.clear()
    return found


# --- the diary ----------------------------------------------------------------------------------------------------


def changing(visit, slots, text="Avbokade: ti 5.5 kl 12.00"):
    """A clinic whose diary becomes *visit* by the text, and the answer to it."""
    clinic = MemoryClinic()

    def reply(_):
        clinic.diary[visit.id] = visit
        clinic.slots.update(slots)
        return [(KARIN, text, 1)]

    return clinic, reply


def test_a_visit_that_is_cancelled_as_expected():
    clinic, reply = changing(a_visit(status="cancelled"), {"s-1": "free"})

    assert faults_of(karins(hears("avbokade"), diary(cancelled("checkup"))), reply, clinic) == []


def test_a_change_that_nobody_expected_is_a_fault():
    clinic, reply = changing(a_visit(status="cancelled"), {"s-1": "free"})

    (fault,) = faults_of(karins(hears("avbokade")), reply, clinic)

    assert fault == (
        "expected in the diary: no change; Karin Lindström, checkup: Tue 5.5. at 12.00, booked → cancelled"
    )


def test_a_change_that_did_not_come_is_a_fault():
    found = faults_of(karins(hears("tack"), diary(cancelled("checkup"))), answer())

    assert found == ["expected in the diary: Karin Lindström, checkup, cancelled; nothing changed"]


@pytest.mark.parametrize(
    "other", [{"patient": "p-soderholm"}, {"service": "hygiene"}, {"start": NOON + timedelta(days=1)}]
)
def test_the_same_change_of_another_visit_is_a_fault(other):
    clinic, reply = changing(a_visit(id="t-2", status="cancelled", **other), {"s-1": "free"})
    clinic.diary["t-2"] = a_visit(id="t-2", **(other | {"start": NOON}))

    found = faults_of(karins(hears("avbokade"), diary(cancelled("checkup"))), reply, clinic)

    assert any(fault.startswith("expected in the diary: Karin Lindström, checkup, cancelled") for fault in found)


def test_a_slot_that_stays_taken_by_a_cancelled_visit_is_a_fault():
    clinic, reply = changing(a_visit(status="cancelled"), {})

    (fault,) = faults_of(karins(hears("avbokade"), diary(cancelled("checkup"))), reply, clinic)

    assert fault == "expected the slot s-1 to be free; it is taken"


def test_an_answer_that_names_another_time_than_the_diary_is_a_fault():
    clinic, reply = changing(a_visit(status="cancelled"), {"s-1": "free"}, "Avbokade: on 6.5 kl 12.00")

    (fault,) = faults_of(karins(hears("avbokade"), diary(cancelled("checkup"))), reply, clinic)

    assert fault.startswith("expected the answer to name ti 5.5 kl 12.00")


def test_a_pick_that_gets_another_option_is_a_fault():
    clinic = MemoryClinic(slots={"s-1": "free", "s-2": "taken"})
    moved_visit = a_visit(slot="s-2", start=NOON + timedelta(days=1))

    def reply(text):
        if text == "Hej":
            return [(KARIN, "1) on 6.5 kl 12.00 2) to 7.5 kl 12.00", 1)]
        clinic.diary["t-1"] = moved_visit
        return [(KARIN, "Ny tid: on 6.5 kl 12.00", 1)]

    steps = (hears("1)"), says("2"), hears("ny tid"), diary(moved("checkup", option="2")))

    (fault,) = faults_of(karins(*steps), reply, clinic)

    assert fault.startswith("expected on 6.5 kl 12.00 as option 2")


def test_a_booking_at_another_minute_than_the_one_asked_for_is_a_fault():
    clinic = MemoryClinic(times=half_days())
    new = a_visit(id="t-2", slot="s-2", start=NOON)

    def reply(_):
        clinic.diary["t-2"], clinic.slots["s-2"] = new, "taken"
        return [(KARIN, "Bokad: ti 5.5 kl 12.00", 1)]

    (fault,) = faults_of(karins(hears("bokad"), diary(booked("checkup", exact=True)), wish="checkup"), reply, clinic)

    assert fault == "expected the visit on fr 8.5 kl 13.00; ti 5.5 kl 12.00"


def half_days():
    hours = [timedelta(days=day, hours=hour) for day in range(5) for hour in (-3, -2, -1, 1, 2, 3)]
    return [Time(f"f-{number}", NOON + after) for number, after in enumerate(hours)]


# --- threads and the clinic's own texts ---------------------------------------------------------------------------


def test_a_thread_that_a_person_should_hold_and_does_not_is_a_fault():
    (fault,) = faults_of(karins(hears("tack"), held("emergency")), answer())

    assert fault == "expected the thread waiting emergency; bot"


def test_a_thread_that_a_person_holds_unexpectedly_is_a_fault():
    (fault,) = faults_of(karins(hears("tack")), answer(), MemoryClinic(held=Thread("waiting", "needs_human")))

    assert fault == "expected the thread bot; waiting needs_human"


def test_a_text_of_the_clinic_that_goes_in_spite_of_a_stop_is_a_fault():
    (fault,) = faults_of(karins(hears("tack"), pushes("reminders", "Påminnelse", status="blocked")), answer())

    assert fault == "expected the text to be blocked; queued"


# --- by the clock -------------------------------------------------------------------------------------------------


def test_what_the_clinics_program_arranges_is_no_change_of_the_scene():
    clinic = MemoryClinic()

    assert faults_of(karins(hears("tack"), arranges("p-soderholm", "hygiene", days=16)), answer(), clinic) == []
    assert clinic.diary["t-2"].start == NOON + timedelta(days=16, seconds=4)


def test_a_visit_that_lapsed_is_expected_of_whom_the_scene_names():
    clinic = MemoryClinic()
    clinic.arrange("story", "p-soderholm", "hygiene", NOON, "provisional")

    def lapses(_):
        clinic.diary["t-2"] = replace(clinic.diary["t-2"], status="lapsed")
        clinic.slots["s-2"] = "free"
        return [(KARIN, "Tack", 1)]

    assert faults_of(karins(hears("tack"), diary(lapsed("hygiene", who="p-soderholm"))), lapses, clinic) == []


def test_a_time_that_must_be_held_and_is_free_is_a_fault():
    clinic = MemoryClinic()

    def cancels(_):
        clinic.diary["t-1"] = a_visit(status="cancelled")
        clinic.slots["s-1"] = "free"
        return [(KARIN, "Avbokad", 1)]

    expected = diary(cancelled("checkup", who="p-lindstrom", slot="held"))

    assert faults_of(karins(hears("avbokad"), expected), cancels, clinic) == [
        "expected the slot s-1 to be held; it is free"
    ]


def test_one_of_several_who_is_told_something_else_is_found():
    reply = lambda _: [(KARIN, "TAR 4K7", 1), (JOHAN, "Hej", 1)]  # noqa: E731
    everybody = told_all(("p-lindstrom", "p-soderholm"), "TAR", "{offer}")

    assert faults_of(karins(everybody), reply) == [
        "expected “TAR” in the answer; it was: “Hej”",
        "expected “4K7” in the answer; it was: “Hej”",
    ]


def test_an_offer_that_another_won_is_a_fault():
    clinic = MemoryClinic(offers=Offer("won", "p-laine", {"p-laine": "won", "p-lindstrom": "lost"}))
    waits = lets_wait(("p-lindstrom",), "checkup")

    assert faults_of(karins(waits, hears("tack"), offered("won", "p-laine", won=1, lost=1)), answer(), clinic) == []
    assert len(faults_of(karins(waits, hears("tack"), offered("won", "p-soderholm", won=1, lost=1)), answer(), clinic))
    assert clinic.waiting == ["p-lindstrom", "p-lindstrom"]


def test_while_time_passes_others_may_be_reminded_but_nobody_of_the_scene():
    reply = lambda _: [(KARIN, "Tack", 1), (JOHAN, "Påminnelse", 1)]  # noqa: E731

    assert faults_of(karins(hears("tack"), passes(days=2)), reply) == []
    assert len(faults_of(karins(hears("tack"), told("p-soderholm", "Påm"), passes(days=2)), answer())) == 1
    both = lambda _: [*reply(_), (JOHAN, "Påminnelse", 1)]  # noqa: E731
    (fault,) = faults_of(karins(hears("tack"), told("p-soderholm", "Påm"), passes(minutes=6)), both)
    assert fault.startswith("expected no further text; Johan")
