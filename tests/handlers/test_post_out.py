"""What leaves: in which order, until when, what became of it, and what the carrier's receipts say."""

from __future__ import annotations

import os
import socket
import subprocess
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from gateway.channel import BindReport
from gateway.text import Lane, Receipt, ReceiptState, Settlement, Verdict
from handlers.post import PostOffice, process_name
from models import heartbeats
from models.patient import ContactNumber, Patient
from models.post import Outbox, ParkedReceipt, Submission
from models.states import OutboxState, Purpose, StopSource
from tests.rows import (
    CLINIC_NUMBER,
    KEYS,
    NOW,
    PATIENT_NUMBER,
    a_guardian,
    a_number,
    a_patient,
    a_queued_text,
    a_stop,
    a_thread,
    how_many,
    look,
    rows_of,
)

OTHER_NUMBER = "+358405550102"
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
OURS = process_name(NOW)
ELSEWHERE = "another-machine:77:1"


@pytest.fixture
def post(database):
    return PostOffice(database, KEYS, OURS)


@pytest.fixture
def thread(database):
    with database.transaction() as connection:
        return a_thread(connection)


def queue(database, thread, body="Moi", **values):
    with database.transaction() as connection:
        return a_queued_text(connection, thread, body, **values)


def queue_to(database, number, body="Moi", **values):
    with database.transaction() as connection:
        return a_queued_text(connection, a_thread(connection, number), body, **values)


def lease(post, room=10, at=NOW, gateway=OURS, numbers=(CLINIC_NUMBER,)):
    return post.lease(gateway, numbers, room, at)


def leased_ids(post, **how):
    return [text.id for text in lease(post, **how)]


def the_end(outbox_id, verdict=Verdict.ACCEPTED, part=1, total=1, message_id="m1", status=0, at=NOW):
    """The end of one try of one part."""
    message_id = message_id if verdict is Verdict.ACCEPTED else ""
    return Settlement(outbox_id, "main", part, total, verdict, message_id, status, at)


def settle(post, *settlements, at=NOW):
    post.settle(settlements, [], at)


def a_receipt(message_id="m1", state=ReceiptState.DELIVERED, number=PATIENT_NUMBER, at=NOW, **values):
    return replace(Receipt("main", message_id, state, "", number, at), **values)


def receive(post, *receipts, at=NOW):
    post.settle([], receipts, at)


def state_of(database, outbox_id):
    return look(database, Outbox, outbox_id).state


# --- what goes next -----------------------------------------------------------------------------------------------


def test_a_leased_text_is_whole_and_opened(database, post, thread):
    text = queue(database, thread, "Aikasi on ti 14.5. klo 9.15.", lane=2, expires_at=NOW + MINUTE)

    leased = lease(post)[0]

    assert (leased.id, leased.body, leased.lane) == (text, "Aikasi on ti 14.5. klo 9.15.", Lane.CALL_NOTICE)
    assert (leased.number, leased.service_number) == (PATIENT_NUMBER, CLINIC_NUMBER)
    assert (leased.attempt, leased.accepted, leased.expires_at) == (1, frozenset(), NOW + MINUTE)
    row = look(database, Outbox, text)
    assert (row.state, row.lease_by, row.lease_until) == (OutboxState.LEASED, OURS, NOW + 90 * SECOND)


def test_a_leased_text_is_nobody_elses(database, post, thread):
    queue(database, thread)
    lease(post)

    assert lease(PostOffice(database, KEYS, ELSEWHERE), gateway=ELSEWHERE) == []


def test_answers_go_first_then_offers_call_notices_reminders_and_bulk(database, post):
    texts = [queue_to(database, f"+3584055501{lane:02d}", lane=lane) for lane in (4, 2, 0, 3, 1)]

    assert leased_ids(post) == [texts[n] for n in (2, 4, 1, 3, 0)]


def test_within_a_lane_they_go_as_they_fell_due(database, post):
    due = [queue_to(database, f"+3584055501{n:02d}", due_at=NOW - n * MINUTE) for n in range(4)]

    assert leased_ids(post) == due[::-1]


def test_no_more_than_there_is_room_for(database, post):
    texts = [queue_to(database, f"+3584055501{n:02d}") for n in range(4)]

    assert leased_ids(post, room=3) == texts[:3]
    assert leased_ids(post, room=3) == texts[3:]
    assert lease(post, room=0) == []


def test_only_texts_of_the_binds_own_numbers_are_leased(database, post):
    with database.transaction() as connection:
        mine = a_queued_text(connection, a_thread(connection))
        other = a_queued_text(connection, a_thread(connection, service_number=OTHER_NUMBER))

    assert leased_ids(post, numbers=()) == []
    assert leased_ids(post, numbers=(OTHER_NUMBER,)) == [other]
    assert leased_ids(post, numbers=(OTHER_NUMBER, CLINIC_NUMBER)) == [mine]


def test_what_is_not_due_yet_waits(database, post, thread):
    text = queue(database, thread, due_at=NOW + SECOND)

    assert lease(post) == []
    assert leased_ids(post, at=NOW + SECOND) == [text]


def test_a_stored_text_that_does_not_open_harms_no_other(database, post, thread):
    broken = queue(database, thread, body="x")
    with database.transaction() as connection:
        connection.execute(Outbox.__table__.update().values(body=b"broken"))
    good = queue_to(database, OTHER_NUMBER)

    assert leased_ids(post) == [good]
    assert state_of(database, broken) is OutboxState.FAILED


# --- order to one number (guarantee 7) ----------------------------------------------------------------------------


def test_texts_to_one_number_go_one_by_one_in_the_order_in_which_they_were_written(database, post, thread):
    texts = [queue(database, thread, due_at=NOW - n * SECOND) for n in range(3)]
    went = []

    for n in range(3):
        leased = lease(post)
        went += [text.id for text in leased]
        settle(post, *(the_end(text.id, message_id=f"m{n}") for text in leased))

    assert went == texts


def test_two_service_numbers_do_not_wait_for_each_other(database, post):
    with database.transaction() as connection:
        texts = [
            a_queued_text(connection, a_thread(connection, service_number=number))
            for number in (CLINIC_NUMBER, OTHER_NUMBER)
        ]

    assert leased_ids(post, numbers=(CLINIC_NUMBER, OTHER_NUMBER)) == texts


def test_an_answer_does_not_overtake_an_earlier_text_that_is_due(database, post, thread):
    earlier = queue(database, thread, lane=4)
    queue(database, thread, lane=0)

    assert leased_ids(post) == [earlier]


def test_a_text_that_is_planned_for_later_holds_nothing_up(database, post, thread):
    queue(database, thread, due_at=NOW + MINUTE)
    now = queue(database, thread)

    assert leased_ids(post) == [now]


def test_a_planned_text_does_not_go_while_a_later_one_is_under_way(database, post, thread):
    planned = queue(database, thread, due_at=NOW + MINUTE)
    now = queue(database, thread)
    lease(post)

    assert lease(post, at=NOW + MINUTE) == []

    settle(post, the_end(now), at=NOW + MINUTE)
    assert leased_ids(post, at=NOW + MINUTE) == [planned]


@pytest.mark.parametrize("verdict", [Verdict.THROTTLED, Verdict.LATER, Verdict.UNKNOWN])
def test_a_text_that_must_be_tried_again_keeps_its_place(database, post, thread, verdict):
    first, second = queue(database, thread), queue(database, thread)
    lease(post)

    settle(post, the_end(first, verdict, status=0x58))

    assert leased_ids(post) == ([] if verdict is Verdict.LATER else [first])
    settle(post, the_end(first), at=NOW + MINUTE)
    assert leased_ids(post, at=NOW + MINUTE) == [second]


# --- what may not go any more -------------------------------------------------------------------------------------


@pytest.fixture
def patient(database):
    with database.transaction() as connection:
        return a_patient(connection, numbers=[PATIENT_NUMBER])


def blocked(database, post, text):
    """Why *text* was blocked when it should have been leased; "leased" when it was."""
    taken = leased_ids(post)
    row = look(database, Outbox, text)
    assert (row.state is OutboxState.LEASED) == (taken == [text])
    return row.reason if row.state is OutboxState.BLOCKED else row.state.value


@pytest.mark.parametrize(
    ("stop", "purpose", "outcome"),
    [
        ({}, Purpose.REMINDERS, "stop"),
        ({}, Purpose.ANSWER, "leased"),
        ({"purpose": Purpose.OFFERS}, Purpose.OFFERS, "stop"),
        ({"purpose": Purpose.OFFERS}, Purpose.REMINDERS, "leased"),
        ({"source": StopSource.WRONG_NUMBER}, Purpose.CARE, "wrong_number"),
        ({"lifted_at": NOW}, Purpose.REMINDERS, "leased"),
        ({"number": OTHER_NUMBER}, Purpose.REMINDERS, "leased"),
    ],
)
def test_a_stop_is_looked_for_when_a_text_is_leased(database, post, thread, stop, purpose, outcome):
    text = queue(database, thread, purpose=purpose)
    with database.transaction() as connection:
        a_stop(connection, **stop)

    assert blocked(database, post, text) == outcome


@pytest.mark.parametrize(
    ("person", "outcome"),
    [
        ({"do_not_text": True}, "do_not_text"),
        ({"deceased": True}, "silenced"),
        ({"silenced": True}, "silenced"),
        ({}, "leased"),
    ],
)
def test_a_prohibition_is_looked_for_when_a_text_is_leased(database, post, thread, patient, person, outcome):
    text = queue(database, thread, patient_id=patient)
    with database.transaction() as connection:
        connection.execute(Patient.__table__.update().values(version=2, **person))

    assert blocked(database, post, text) == outcome


def test_what_was_asked_for_is_answered_whatever_holds(database, post, thread, patient):
    text = queue(database, thread, patient_id=patient, purpose=Purpose.ANSWER)
    with database.transaction() as connection:
        connection.execute(Patient.__table__.update().values(do_not_text=True))
        connection.execute(ContactNumber.__table__.delete())

    assert blocked(database, post, text) == "leased"


def test_nothing_goes_to_a_number_that_left_the_file(database, post, thread, patient):
    text = queue(database, thread, patient_id=patient)
    with database.transaction() as connection:
        connection.execute(ContactNumber.__table__.delete())
        a_number(connection, patient, OTHER_NUMBER)

    assert blocked(database, post, text) == "number_left_file"


def test_a_text_about_a_child_goes_to_the_guardian(database, post, thread, patient):
    with database.transaction() as connection:
        child = a_patient(connection)
        a_guardian(connection, patient, child)
    text = queue(database, thread, patient_id=child)

    assert blocked(database, post, text) == "leased"


@pytest.mark.parametrize(("seconds_left", "state"), [(1, OutboxState.LEASED), (0, OutboxState.EXPIRED)])
def test_a_text_whose_time_has_passed_is_not_sent(database, post, thread, seconds_left, state):
    text = queue(database, thread, expires_at=NOW + seconds_left * SECOND)

    lease(post)

    assert state_of(database, text) is state


@pytest.mark.parametrize(("hours", "state"), [(47, OutboxState.LEASED), (48, OutboxState.EXPIRED)])
def test_a_text_without_a_deadline_is_tried_for_two_days(database, post, thread, hours, state):
    text = queue(database, thread, created_at=NOW - timedelta(hours=hours))

    lease(post)

    assert state_of(database, text) is state


def test_a_text_that_may_not_go_holds_the_next_one_up_no_longer(database, post, thread):
    queue(database, thread, expires_at=NOW)
    following = queue(database, thread)
    lease(post)

    assert leased_ids(post) == [following]


# --- what became of it --------------------------------------------------------------------------------------------


@pytest.fixture
def under_way(database, post, thread):
    """A text that is leased."""
    text = queue(database, thread)
    lease(post)
    return text


def test_an_accepted_text_is_sent_and_known_by_the_carriers_id(database, post, under_way):
    settle(post, the_end(under_way, message_id="00AB", at=NOW + SECOND))

    row = look(database, Outbox, under_way)
    assert (row.state, row.sent_at, row.attempts, row.parts) == (OutboxState.SENT, NOW + SECOND, 1, 1)
    assert (row.lease_by, row.lease_until) == (None, None)
    part = rows_of(database, Submission)[0]
    assert (part.outbox_id, part.part, part.account, part.message_id, part.match_key) == (
        under_way,
        1,
        "main",
        "00AB",
        "ab",
    )


@pytest.mark.parametrize(
    ("verdict", "attempts", "maybe_twice", "reason"),
    [
        (Verdict.THROTTLED, 0, False, "status 0x00000058"),
        (Verdict.LATER, 1, False, "status 0x00000058"),
        (Verdict.UNKNOWN, 1, True, "no answer from the carrier"),
    ],
)
def test_what_was_not_taken_is_queued_again(database, post, under_way, verdict, attempts, maybe_twice, reason):
    settle(post, the_end(under_way, verdict, status=0x58))

    row = look(database, Outbox, under_way)
    assert (row.state, row.attempts, row.maybe_twice) == (OutboxState.QUEUED, attempts, maybe_twice)
    assert (row.reason, row.lease_by) == (reason, None)


@pytest.mark.parametrize(("verdict", "waits"), [(Verdict.THROTTLED, 0), (Verdict.UNKNOWN, 0), (Verdict.LATER, 4)])
def test_only_a_temporary_error_waits_before_the_next_try(database, post, under_way, verdict, waits):
    settle(post, the_end(under_way, verdict))

    assert look(database, Outbox, under_way).due_at >= NOW + waits * SECOND
    assert leased_ids(post) == ([] if waits else [under_way])


def test_every_temporary_error_waits_longer(database, post, under_way):
    waits, at = [], NOW
    for _ in range(4):
        settle(post, the_end(under_way, Verdict.LATER), at=at)
        waits.append(look(database, Outbox, under_way).due_at - at)
        at = look(database, Outbox, under_way).due_at
        lease(post, at=at)

    assert all(later > earlier * 1.5 for earlier, later in pairwise(waits))


def test_a_sent_text_no_longer_says_why_it_was_delayed(database, post, under_way):
    settle(post, the_end(under_way, Verdict.THROTTLED, status=0x58))
    lease(post)

    settle(post, the_end(under_way))

    assert look(database, Outbox, under_way).reason is None


@pytest.mark.parametrize(("status", "fails"), [(0x0B, True), (0x45, False)])
def test_a_refused_text_has_failed_and_a_number_that_is_none_counts_no_more(
    database, post, under_way, patient, status, fails
):
    settle(post, the_end(under_way, Verdict.REFUSED, status=status))

    row = look(database, Outbox, under_way)
    assert (row.state, row.reason) == (OutboxState.FAILED, f"status 0x{status:08X}")
    assert (rows_of(database, ContactNumber)[0].failed_at == NOW) is fails


def test_a_late_answer_to_a_text_that_went_back_to_the_queue_still_counts(database, post, under_way):
    post.heartbeat(OURS, [], NOW + 91 * SECOND)  # the lease ran out

    settle(post, the_end(under_way), at=NOW + 92 * SECOND)

    assert state_of(database, under_way) is OutboxState.SENT
    assert look(database, Outbox, under_way).maybe_twice


def test_a_late_failure_does_not_take_a_text_from_whoever_has_it_now(database, post, under_way):
    settle(post, the_end(under_way))

    settle(post, the_end(under_way, Verdict.LATER), the_end(under_way, Verdict.REFUSED))

    assert state_of(database, under_way) is OutboxState.SENT


def test_many_ends_are_recorded_together(database, post):
    texts = [queue_to(database, f"+3584055501{n:02d}") for n in range(6)]
    lease(post)
    verdicts = [*Verdict, Verdict.ACCEPTED]

    settle(post, *(the_end(t, v, message_id=f"m{t}") for t, v in zip(texts, verdicts, strict=True)))

    assert [state_of(database, text) for text in texts] == [
        OutboxState.SENT,
        OutboxState.QUEUED,
        OutboxState.QUEUED,
        OutboxState.FAILED,
        OutboxState.QUEUED,
        OutboxState.SENT,
    ]


# --- long texts ---------------------------------------------------------------------------------------------------


def test_a_long_text_is_sent_when_its_last_part_is_accepted(database, post, under_way):
    settle(post, the_end(under_way, part=2, total=2, message_id="b"))
    assert state_of(database, under_way) is OutboxState.LEASED

    settle(post, the_end(under_way, part=1, total=2, message_id="a"))

    assert (state_of(database, under_way), look(database, Outbox, under_way).parts) == (OutboxState.SENT, 2)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("verdict", [Verdict.THROTTLED, Verdict.LATER, Verdict.UNKNOWN])
def test_only_the_parts_that_the_carrier_does_not_have_go_again(database, post, under_way, order, together, verdict):
    ends = [
        the_end(under_way, part=1, total=3, message_id="a"),
        the_end(under_way, verdict, part=2, total=3),
        the_end(under_way, part=3, total=3, message_id="c"),
    ]
    coming = [ends[n] for n in order]

    for batch in [coming] if together else [[end] for end in coming]:
        settle(post, *batch)

    again = lease(post, at=NOW + MINUTE)
    assert [(text.id, text.accepted) for text in again] == [(under_way, {1, 3})]
    settle(post, the_end(under_way, part=2, total=3, message_id="b"), at=NOW + MINUTE)
    assert state_of(database, under_way) is OutboxState.SENT


def test_a_long_text_is_not_tried_again_while_one_of_its_parts_is_under_way(database, post, under_way):
    settle(post, the_end(under_way, Verdict.THROTTLED, part=1, total=2))

    assert lease(post) == []
    assert state_of(database, under_way) is OutboxState.LEASED

    settle(post, the_end(under_way, part=2, total=2))
    assert [text.accepted for text in lease(post)] == [{2}]


def test_a_long_text_fares_as_its_worst_part(database, post, under_way):
    settle(
        post,
        the_end(under_way, Verdict.REFUSED, part=1, total=3, status=0x0B),
        the_end(under_way, Verdict.LATER, part=2, total=3),
        the_end(under_way, part=3, total=3),
    )

    assert state_of(database, under_way) is OutboxState.FAILED


def test_a_long_text_that_was_never_tried_whole_goes_on_after_a_clean_stop(database, post, under_way):
    settle(post, the_end(under_way, part=1, total=2))

    post.release(OURS, NOW)

    assert [text.accepted for text in lease(PostOffice(database, KEYS, ELSEWHERE))] == [{1}]


def test_a_settlement_that_could_not_be_recorded_can_be_told_again(database, post, under_way, monkeypatch):
    def away(*_):
        raise ConnectionError

    ends = [the_end(under_way, Verdict.THROTTLED, part=1, total=2), the_end(under_way, part=2, total=2)]
    with monkeypatch.context() as broken:
        broken.setattr("models.outbox.queue_again", away)
        with pytest.raises(ConnectionError):
            settle(post, *ends)

    settle(post, *ends)

    assert [text.accepted for text in lease(post)] == [{2}]


# --- receipts -----------------------------------------------------------------------------------------------------


@pytest.fixture
def sent(post, under_way):
    """A text that the carrier accepted as "m1"."""
    settle(post, the_end(under_way))
    return under_way


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (ReceiptState.DELIVERED, OutboxState.DELIVERED),
        (ReceiptState.EXPIRED, OutboxState.EXPIRED),
        (ReceiptState.DELETED, OutboxState.FAILED),
        (ReceiptState.UNDELIVERABLE, OutboxState.FAILED),
        (ReceiptState.REJECTED, OutboxState.FAILED),
        (ReceiptState.ENROUTE, OutboxState.SENT),
        (ReceiptState.ACCEPTED, OutboxState.SENT),
        (ReceiptState.UNKNOWN, OutboxState.SENT),
    ],
)
def test_a_receipt_says_what_became_of_a_text(database, post, sent, said, state):
    receive(post, a_receipt(state=said, at=NOW + SECOND))

    row = look(database, Outbox, sent)
    assert row.state is state
    assert row.receipt_at == (NOW + SECOND if said.final else None)
    assert rows_of(database, Submission)[0].receipt_state == said.value


def test_a_failed_text_says_which_error_the_carrier_named(database, post, sent):
    receive(post, a_receipt(state=ReceiptState.UNDELIVERABLE, error="12"))

    assert look(database, Outbox, sent).reason == "receipt undeliverable, error 12"


@pytest.mark.parametrize(
    ("said", "fails"),
    [
        (ReceiptState.UNDELIVERABLE, True),
        (ReceiptState.REJECTED, True),
        (ReceiptState.EXPIRED, False),
        (ReceiptState.DELETED, False),
        (ReceiptState.DELIVERED, False),
    ],
)
def test_a_number_that_fails_for_good_counts_no_more(database, post, sent, patient, said, fails):
    receive(post, a_receipt(state=said))

    assert (rows_of(database, ContactNumber)[0].failed_at == NOW) is fails


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(
    ("first", "then", "state", "fails"),
    [
        (ReceiptState.DELIVERED, ReceiptState.UNDELIVERABLE, OutboxState.DELIVERED, False),
        (ReceiptState.UNDELIVERABLE, ReceiptState.DELIVERED, OutboxState.FAILED, True),
        (ReceiptState.DELIVERED, ReceiptState.ENROUTE, OutboxState.DELIVERED, False),
        (ReceiptState.ENROUTE, ReceiptState.DELIVERED, OutboxState.DELIVERED, False),
    ],
)
def test_the_first_final_receipt_holds(database, post, sent, patient, first, then, state, fails, together):
    receipts = [a_receipt(state=first), a_receipt(state=then, at=NOW + SECOND)]

    for batch in [receipts] if together else [[receipt] for receipt in receipts]:
        receive(post, *batch)

    assert state_of(database, sent) is state
    assert (rows_of(database, ContactNumber)[0].failed_at is not None) is fails


@pytest.mark.parametrize(
    ("submitted", "in_receipt"),
    [("AB12", "ab12"), ("0000AB12", "AB12"), ("ab12", "0xAB12"), ("ff", "255"), ("255", "FF"), ("00ff", "255")],
)
def test_an_id_in_another_dress_is_known(database, post, under_way, submitted, in_receipt):
    settle(post, the_end(under_way, message_id=submitted))

    receive(post, a_receipt(in_receipt))

    assert state_of(database, under_way) is OutboxState.DELIVERED


@pytest.mark.parametrize(
    "values",
    [
        {"number": "+358405550199"},
        {"received_at": NOW + timedelta(days=7)},
        {"account": "another"},
    ],
)
def test_an_id_that_only_resembles_ours_must_fit_in_everything_else(database, post, under_way, values):
    settle(post, the_end(under_way, message_id="ff"))

    receive(post, a_receipt("255", **values))

    assert state_of(database, under_way) is OutboxState.SENT


@pytest.mark.parametrize("number", ["", "0405550101", "358405550101"])
def test_a_receipts_number_may_be_written_in_any_way(database, post, under_way, number):
    settle(post, the_end(under_way, message_id="ff"))

    receive(post, a_receipt("255", number=number))

    assert state_of(database, under_way) is OutboxState.DELIVERED


def test_a_resemblance_of_two_texts_counts_for_neither(database, post):
    texts = [queue_to(database, number) for number in (PATIENT_NUMBER, OTHER_NUMBER)]
    lease(post)
    settle(post, the_end(texts[0], message_id="ff"), the_end(texts[1], message_id="0FF"))

    receive(post, a_receipt("255", number=""))

    assert [state_of(database, text) for text in texts] == [OutboxState.SENT] * 2


def test_the_same_id_counts_before_one_that_resembles_it(database, post):
    texts = [queue_to(database, number) for number in (PATIENT_NUMBER, OTHER_NUMBER)]
    lease(post)
    settle(post, the_end(texts[0], message_id="255"), the_end(texts[1], message_id="ff"))

    receive(post, a_receipt("ff", number=""))

    assert [state_of(database, text) for text in texts] == [OutboxState.SENT, OutboxState.DELIVERED]


def test_an_id_that_a_carrier_uses_again_means_the_newest_text(database, post):
    old, new = queue_to(database, PATIENT_NUMBER), queue_to(database, OTHER_NUMBER)
    lease(post)
    settle(post, the_end(old, at=NOW - timedelta(days=30)), the_end(new))

    receive(post, a_receipt())

    assert [state_of(database, text) for text in (old, new)] == [OutboxState.SENT, OutboxState.DELIVERED]


@pytest.mark.parametrize(
    ("parts", "state"),
    [
        ((ReceiptState.DELIVERED,), OutboxState.SENT),
        ((ReceiptState.DELIVERED, ReceiptState.DELIVERED), OutboxState.DELIVERED),
        ((ReceiptState.DELIVERED, ReceiptState.UNDELIVERABLE), OutboxState.FAILED),
        ((ReceiptState.UNDELIVERABLE, ReceiptState.DELIVERED), OutboxState.FAILED),
    ],
)
@pytest.mark.parametrize("early", [True, False])
def test_a_long_text_is_as_its_worst_part_even_when_a_receipt_comes_before_the_last_part_is_accepted(
    database, post, under_way, parts, state, early
):
    receipts = [a_receipt(f"m{n}", said) for n, said in enumerate(parts, 1)]
    settle(post, the_end(under_way, part=1, total=2, message_id="m1"))
    if early:
        receive(post, *receipts)
        settle(post, the_end(under_way, part=2, total=2, message_id="m2"))
    else:
        settle(post, the_end(under_way, part=2, total=2, message_id="m2"))
        receive(post, *receipts)

    assert state_of(database, under_way) is state


# --- receipts that come too early ---------------------------------------------------------------------------------


def test_a_receipt_that_overtakes_the_answer_waits_for_it(database, post, under_way):
    receive(post, a_receipt())
    assert (state_of(database, under_way), how_many(database, ParkedReceipt)) == (OutboxState.LEASED, 1)

    settle(post, the_end(under_way))

    assert (state_of(database, under_way), how_many(database, ParkedReceipt)) == (OutboxState.DELIVERED, 0)


def test_a_receipt_in_the_same_breath_as_the_answer_is_not_parked(database, post, under_way):
    post.settle([the_end(under_way)], [a_receipt()], NOW)

    assert (state_of(database, under_way), how_many(database, ParkedReceipt)) == (OutboxState.DELIVERED, 0)


@pytest.mark.parametrize(("submitted", "in_receipt"), [("ff", "255"), ("255", "ff"), ("0AB", "ab")])
def test_an_early_receipt_is_known_in_another_dress_too(database, post, under_way, submitted, in_receipt):
    receive(post, a_receipt(in_receipt))

    settle(post, the_end(under_way, message_id=submitted))

    assert state_of(database, under_way) is OutboxState.DELIVERED


def test_a_receipt_that_another_process_parked_is_found(database, post, under_way):
    settle(post, the_end(under_way, Verdict.THROTTLED))  # by now we believe that none is parked
    post.heartbeat(OURS, [], NOW)
    lease(post)
    receive(PostOffice(database, KEYS, ELSEWHERE), a_receipt())
    settle(post, the_end(under_way))

    post.heartbeat(OURS, [], NOW + SECOND)

    assert (state_of(database, under_way), how_many(database, ParkedReceipt)) == (OutboxState.DELIVERED, 0)


def test_a_receipt_for_nothing_of_ours_is_dropped_after_a_day(database, post):
    receive(post, a_receipt("unknown"))

    post.heartbeat(OURS, [], NOW + timedelta(hours=24))
    assert how_many(database, ParkedReceipt) == 1

    post.heartbeat(OURS, [], NOW + timedelta(hours=24, seconds=1))
    assert how_many(database, ParkedReceipt) == 0


def test_a_receipt_without_an_id_is_nobodys(database, post, sent):
    receive(post, a_receipt(""))

    assert (state_of(database, sent), how_many(database, ParkedReceipt)) == (OutboxState.SENT, 0)


# --- who lives, and who may submit how fast -----------------------------------------------------------------------


def a_dead_process():
    process = subprocess.Popen(["true"])
    process.wait()
    return f"{socket.gethostname()}:{process.pid}:1"


@pytest.mark.parametrize(
    ("name", "seconds", "state"),
    [
        (a_dead_process, 1, OutboxState.QUEUED),
        (lambda: ELSEWHERE, 90, OutboxState.LEASED),
        (lambda: ELSEWHERE, 91, OutboxState.QUEUED),
        (lambda: f"{socket.gethostname()}:{os.getppid()}:1", 90, OutboxState.LEASED),
    ],
)
def test_what_a_dead_process_had_under_way_comes_back_as_maybe_sent(database, post, thread, name, seconds, state):
    text, gateway = queue(database, thread), name()
    lease(PostOffice(database, KEYS, gateway), gateway=gateway)

    post.heartbeat(OURS, [], NOW + seconds * SECOND)

    row = look(database, Outbox, text)
    assert row.state is state
    assert row.maybe_twice is (state is OutboxState.QUEUED)


def test_a_clean_stop_gives_back_what_was_not_submitted_as_never_sent(database, post):
    mine, others = queue_to(database, PATIENT_NUMBER), queue_to(database, OTHER_NUMBER)
    lease(post, room=1)
    lease(post, gateway=ELSEWHERE)

    post.release(OURS, NOW)

    row = look(database, Outbox, mine)
    assert (row.state, row.maybe_twice, row.attempts) == (OutboxState.QUEUED, False, 0)
    assert state_of(database, others) is OutboxState.LEASED


def a_bind(name="main", account="main", rate=100.0, **values):
    harmless = BindReport(name, account, True, rate, "bound_trx", NOW, 0, 0, {"texts_in": 3})
    return replace(harmless, **values)


def test_a_process_alone_has_the_whole_rate_at_once(post):
    assert post.heartbeat(OURS, [a_bind()], NOW) == {"main": 100.0}


def test_binds_of_one_account_share_its_rate_and_receivers_take_none(post):
    binds = [a_bind("one"), a_bind("two"), a_bind("in", submits=False), a_bind("other", "other", 10.0)]

    assert post.heartbeat(OURS, binds, NOW) == {"one": 50.0, "two": 50.0, "other": 10.0}


def test_a_process_that_joins_others_waits_until_they_have_heard_of_it(database, post):
    other = PostOffice(database, KEYS, ELSEWHERE)
    post.heartbeat(OURS, [a_bind()], NOW)

    assert other.heartbeat(ELSEWHERE, [a_bind()], NOW) == {}
    assert post.heartbeat(OURS, [a_bind()], NOW + SECOND) == {"main": 50.0}
    assert other.heartbeat(ELSEWHERE, [a_bind()], NOW + SECOND) == {}
    assert post.heartbeat(OURS, [a_bind()], NOW + 2 * SECOND) == {"main": 50.0}
    assert other.heartbeat(ELSEWHERE, [a_bind()], NOW + 2.5 * SECOND) == {"main": 50.0}


def test_a_dead_processs_part_of_the_rate_returns_when_its_lease_ends(database, post):
    PostOffice(database, KEYS, ELSEWHERE).heartbeat(ELSEWHERE, [a_bind()], NOW)
    for second in range(1, 4):
        post.heartbeat(OURS, [a_bind()], NOW + second * SECOND)

    assert post.heartbeat(OURS, [a_bind()], NOW + 3.1 * SECOND) == {"main": 100.0}


def test_a_process_that_was_silent_joins_anew(database, post):
    other = PostOffice(database, KEYS, ELSEWHERE)
    other.heartbeat(ELSEWHERE, [a_bind()], NOW)
    for second in range(1, 8):
        post.heartbeat(OURS, [a_bind()], NOW + second * SECOND)  # by now it has the whole rate

    assert other.heartbeat(ELSEWHERE, [a_bind()], NOW + 7.5 * SECOND) == {}


def test_an_account_without_a_rate_needs_no_sharing(database, post):
    other = PostOffice(database, KEYS, ELSEWHERE)
    post.heartbeat(OURS, [a_bind(rate=0.0)], NOW)

    assert other.heartbeat(ELSEWHERE, [a_bind(rate=0.0)], NOW) == {"main": 0.0}


def test_a_heartbeat_says_how_the_binds_stand_and_long_ended_gateways_are_forgotten(database, post):
    PostOffice(database, KEYS, ELSEWHERE).heartbeat("old", [], NOW - timedelta(hours=2))

    post.heartbeat(OURS, [a_bind()], NOW)

    with database.reading() as connection:
        beats = heartbeats.beats(connection, "gateway:")
    assert [(beat.name, beat.at) for beat in beats] == [(f"gateway:{OURS}", NOW)]
    bind = beats[0].data["binds"]["main"]
    assert (bind["state"], bind["since"], bind["counts"]) == ("bound_trx", NOW.isoformat(), {"texts_in": 3})
