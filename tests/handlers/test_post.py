"""What arrives is stored once, in its order: redelivered texts, honest second ones, and parts in any order."""

from __future__ import annotations

import os
import socket
import subprocess
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.text import InboundText, PartRef
from handlers.post import PostOffice, process_name
from models import inbox
from models.crypto import open_bytes
from models.post import Inbox, LinkSession, Quarantine, Thread
from models.states import InboxState
from tests.rows import CLINIC_NUMBER, KEYS, NOW, PATIENT_NUMBER, how_many, look, rows_of

OTHER_NUMBER = "+358405550102"
SECOND = timedelta(seconds=1)
ELSEWHERE = "another-machine:77:1"


def a_dead_process():
    """The name of a process of this machine that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return f"{socket.gethostname()}:{process.pid}:1"


def a_living_process():
    """The name of another process of this machine that lives."""
    return f"{socket.gethostname()}:{os.getppid()}:1"


@pytest.fixture
def post(database):
    return PostOffice(database, KEYS, process_name(NOW))


@pytest.fixture
def session(post):
    return post.session_opened("main", NOW)


def a_text(session, words=b"1", **values):
    """A whole text of one part, just come."""
    harmless = InboundText("main", session, PATIENT_NUMBER, CLINIC_NUMBER, words, 0, None, NOW)
    return replace(harmless, **values)


def a_part(session, number, total=3, words=None, reference=17, **values):
    """One part of a long text."""
    words = b"osa %d" % number if words is None else words
    return a_text(session, words, part=PartRef("udh8", reference, total, number), **values)


def store(post, *texts, at=NOW):
    """Store *texts* as they came *at* that time; returns the ids of the rows, None for what we had already."""
    return [stored.inbox_id for stored in post.store([replace(text, received_at=at) for text in texts], at)]


def octets(database):
    """What the waiting rows hold, in order."""
    rows = rows_of(database, Inbox)
    return [open_bytes(KEYS, "inbox.octets", bytes(row.digest).hex(), row.octets) for row in rows]


# --- storing ------------------------------------------------------------------------------------------------------


def test_a_text_is_stored_sealed_with_all_that_came_with_it(database, post, session):
    stored = post.store([a_text(session, b"Moi", coding=3)], NOW)

    row = look(database, Inbox, stored[0].inbox_id)
    assert octets(database) == [b"Moi"]
    assert b"Moi" not in row.octets
    assert (row.bind, row.session_id, row.number, row.service_number, row.coding) == (
        "main",
        session,
        PATIENT_NUMBER,
        CLINIC_NUMBER,
        3,
    )
    assert (row.state, row.received_at, row.part_set, row.attempts) == (InboxState.NEW, NOW, None, 0)
    assert stored[0].text.octets == b"Moi"


def test_texts_of_one_delivery_have_ids_in_their_order(database, post, session):
    words = [b"%d" % n for n in range(300)]

    ids = store(post, *(a_text(session, each) for each in words))

    assert ids == sorted(ids)
    assert octets(database) == words


def test_later_texts_have_higher_ids_whoever_stored_them(database, post, session):
    other = PostOffice(database, KEYS, ELSEWHERE)
    elsewhere = other.session_opened("main", NOW)

    ids = [
        store(who, a_text(at, b"%d" % n, source=f"+3584055501{n:02d}"))[0]
        for n, (who, at) in enumerate([(post, session), (other, elsewhere)] * 5)
    ]

    assert ids == sorted(ids)


def test_a_thread_is_made_for_every_new_pair_of_numbers(database, post, session):
    store(post, a_text(session), a_text(session, b"2"), a_text(session, source=OTHER_NUMBER))
    store(post, a_text(session, b"3"), a_text(session, b"3", destination=OTHER_NUMBER))

    assert [(row.number, row.service_number) for row in rows_of(database, Thread)] == [
        (PATIENT_NUMBER, CLINIC_NUMBER),
        (OTHER_NUMBER, CLINIC_NUMBER),
        (PATIENT_NUMBER, OTHER_NUMBER),
    ]


def test_a_delivery_that_cannot_be_stored_wholly_is_not_stored_at_all(database, post, session):
    with pytest.raises(Exception, match=r"FOREIGN KEY|foreign key"):
        store(post, a_text(session), a_text(4711, b"2"))

    assert how_many(database, Inbox) == how_many(database, Thread) == 0
    assert store(post, a_text(session)) != [None]
    assert how_many(database, Thread) == 1


def test_an_id_is_never_given_again_even_after_an_erasure(database, post, session):
    first = store(post, a_text(session))[0]
    with database.transaction() as connection:
        connection.execute(Inbox.__table__.delete())

    assert store(post, a_text(session, b"2"))[0] > first


def test_what_nobody_can_read_is_kept_sealed(database, post):
    post.quarantine("main", b"\x00\x00", "bad length", NOW)

    row = rows_of(database, Quarantine)[0]
    assert open_bytes(KEYS, "quarantine.octets", row.key, row.octets) == b"\x00\x00"
    assert (row.bind, row.reason, row.at) == ("main", "bad length", NOW)


# --- the same text again ------------------------------------------------------------------------------------------


def test_the_same_words_in_the_same_session_are_a_second_text(database, post, session):
    first = store(post, a_text(session))
    second = store(post, a_text(session), at=NOW + SECOND)

    assert None not in first + second


def test_the_same_words_twice_in_one_delivery_are_two_texts(database, post, session):
    assert None not in store(post, a_text(session), a_text(session))


@pytest.mark.parametrize(
    ("closed_after", "again_after", "is_redelivery"),
    [
        (0, 10, True),
        (5, 10, True),  # the acknowledgement may not have been read
        (6, 10, False),  # it was: the patient wrote again
        (2, 599, True),
        (2, 600, False),  # a carrier gives up before
    ],
)
def test_a_text_that_comes_again_after_its_session_was_closed(
    database, post, session, closed_after, again_after, is_redelivery
):
    store(post, a_text(session))
    post.session_closed(session, NOW + closed_after * SECOND)
    again = NOW + again_after * SECOND
    session = post.session_opened("main", again)

    assert (store(post, a_text(session), at=again) == [None]) is is_redelivery


@pytest.mark.parametrize(
    "values",
    [{"octets": b"2"}, {"source": OTHER_NUMBER}, {"destination": OTHER_NUMBER}, {"coding": 8}],
)
def test_a_text_that_differs_in_anything_is_no_redelivery(database, post, session, values):
    store(post, a_text(session))
    post.session_closed(session, NOW)
    session = post.session_opened("main", NOW)

    assert store(post, replace(a_text(session), **values)) != [None]


def test_a_text_that_comes_a_third_time_is_still_the_first(database, post, session):
    store(post, a_text(session))
    for _ in range(2):
        post.session_closed(session, NOW)
        session = post.session_opened("main", NOW)
        assert store(post, a_text(session)) == [None]

    assert how_many(database, Inbox) == 1


def test_an_honest_second_text_is_not_hidden_by_a_first_that_was_read(database, post, session):
    """The first copy's acknowledgement was read; that of the second may not have been."""
    store(post, a_text(session))
    store(post, a_text(session), at=NOW + 60 * SECOND)
    post.session_closed(session, NOW + 61 * SECOND)
    session = post.session_opened("main", NOW + 62 * SECOND)

    assert store(post, a_text(session), at=NOW + 62 * SECOND) == [None]
    assert how_many(database, Inbox) == 2


def test_a_text_comes_again_after_its_process_died(database, post):
    dead = PostOffice(database, KEYS, a_dead_process())
    theirs = dead.session_opened("main", NOW)
    store(dead, a_text(theirs))

    session = post.session_opened("main", NOW + SECOND)

    assert store(post, a_text(session), at=NOW + SECOND) == [None]


def test_a_text_comes_again_to_a_living_process_the_moment_its_process_is_killed(database, post, session):
    """Nobody has buried the dead yet: the next heartbeat would."""
    process = subprocess.Popen(["sleep", "60"])
    killed = PostOffice(database, KEYS, f"{socket.gethostname()}:{process.pid}:1")
    store(killed, a_text(killed.session_opened("main", NOW)))
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and nobody has asked for it

    assert store(post, a_text(session), at=NOW + SECOND / 10) == [None]
    process.wait()
    assert store(post, a_text(session), at=NOW + SECOND / 5) == [None]
    assert how_many(database, Inbox) == 1


def test_a_text_that_comes_again_before_a_broken_link_is_written_down_is_waited_for(database, post, session):
    other = PostOffice(database, KEYS, a_living_process())
    theirs = other.session_opened("main", NOW)
    store(other, a_text(theirs))
    again = replace(a_text(session), received_at=NOW + SECOND / 10)

    [at_once] = post.store([again], NOW + SECOND / 10)
    other.session_closed(theirs, NOW + SECOND / 5)
    [later] = post.store([again], NOW + SECOND)

    assert (at_once.inbox_id, at_once.undecided) == (None, True)
    assert (later.inbox_id, later.undecided) == (None, False)
    assert how_many(database, Inbox) == 1


def test_what_a_process_had_acknowledged_long_before_it_died_is_no_redelivery(database, post):
    dead = PostOffice(database, KEYS, a_dead_process())
    theirs = dead.session_opened("main", NOW)
    store(dead, a_text(theirs))
    dead.heartbeat("dead", [], NOW + 10 * SECOND)

    session = post.session_opened("main", NOW + 12 * SECOND)

    assert store(post, a_text(session), at=NOW + 12 * SECOND) != [None]


@pytest.mark.parametrize(("name", "seconds"), [(a_living_process, 1), (lambda: ELSEWHERE, 6)])
def test_the_same_words_to_another_process_that_lives_are_a_second_text(database, post, session, name, seconds):
    other = PostOffice(database, KEYS, name())
    theirs = other.session_opened("main", NOW)
    store(other, a_text(theirs))
    other.heartbeat("other", [], NOW + seconds * SECOND)

    later = NOW + (seconds + 1) * SECOND
    post.heartbeat("ours", [], later)

    assert store(post, a_text(session), at=later) != [None]


def test_whether_a_process_of_another_machine_has_just_died_is_waited_for(database, post, session):
    other = PostOffice(database, KEYS, ELSEWHERE)
    theirs = other.session_opened("main", NOW)
    store(other, a_text(theirs))
    other.heartbeat("other", [], NOW + SECOND)
    again = replace(a_text(session), received_at=NOW + 2 * SECOND)

    [at_once], [later] = post.store([again], NOW + 2 * SECOND), post.store([again], NOW + 5 * SECOND)

    assert (at_once.inbox_id, at_once.undecided) == (None, True)
    assert (later.inbox_id, later.undecided) == (None, False)
    assert how_many(database, Inbox) == 1


def test_a_process_of_another_machine_that_is_silent_for_long_is_held_for_dead(database, post, session):
    other = PostOffice(database, KEYS, ELSEWHERE)
    theirs = other.session_opened("main", NOW)
    store(other, a_text(theirs))

    assert store(post, a_text(session), at=NOW + 4 * SECOND) == [None]


@pytest.mark.parametrize(("waited", "repeats"), [(9, True), (1, False)], ids=["kept waiting", "at once"])
def test_a_text_that_waited_here_while_it_came_again_elsewhere_is_one_text(database, post, session, waited, repeats):
    other = PostOffice(database, KEYS, f"{socket.gethostname()}:{os.getppid()}:5")  # lives, on this machine
    elsewhere = other.session_opened("main", NOW)
    now = NOW + timedelta(seconds=waited)
    other.heartbeat("5", [], now)
    store(other, a_text(elsewhere), at=now - timedelta(seconds=0.5))
    other.heartbeat("5", [], now + timedelta(seconds=9))

    late = post.store([replace(a_text(session), received_at=NOW)], now)

    assert (late[0].inbox_id is None and not late[0].undecided) is repeats


def test_a_process_that_started_again_under_the_same_number_knows_that_the_first_is_gone(database):
    """In a container the first process always has the same one."""
    before = PostOffice(database, KEYS, process_name(NOW))
    store(before, a_text(before.session_opened("main", NOW)))

    after = PostOffice(database, KEYS, process_name(NOW + SECOND))
    session = after.session_opened("main", NOW + SECOND)

    assert store(after, a_text(session), at=NOW + SECOND) == [None]


def test_the_sessions_of_the_living_stay_open(database, post):
    theirs = PostOffice(database, KEYS, a_living_process()).session_opened("main", NOW)
    session = post.session_opened("main", NOW)

    post.heartbeat("ours", [], NOW + SECOND)

    assert look(database, LinkSession, theirs).closed_at is None
    assert look(database, LinkSession, session).last_seen == NOW + SECOND


# --- parts --------------------------------------------------------------------------------------------------------


def sets(database):
    """The parts that wait together, by set: their numbers in order of arrival."""
    waiting = rows_of(database, Inbox, state=InboxState.PART)
    with database.reading() as connection:
        found = inbox.parts_of(connection, {bytes(row.part_set) for row in waiting})
    return sorted([part.part_number for part in parts] for parts in found.values())


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
def test_parts_wait_together_in_whatever_order_they_come(database, post, session, order):
    for number in order:
        store(post, a_part(session, number))

    assert sets(database) == [list(order)]


def test_parts_of_one_delivery_wait_together(database, post, session):
    assert None not in store(post, *(a_part(session, number) for number in (2, 1, 3)))

    assert sets(database) == [[2, 1, 3]]


def test_a_part_that_comes_twice_is_there_once(database, post, session):
    assert store(post, a_part(session, 1), a_part(session, 1))[1] is None
    assert store(post, a_part(session, 1), at=NOW + SECOND) == [None]

    assert sets(database) == [[1]]


@pytest.mark.parametrize(
    "other",
    [
        {"reference": 18},
        {"total": 2},
        {"source": OTHER_NUMBER},
        {"destination": OTHER_NUMBER},
    ],
)
def test_parts_of_other_texts_wait_apart(database, post, session, other):
    store(post, a_part(session, 1), a_part(session, 2, **other))

    assert sets(database) == [[1], [2]]


def test_references_of_eight_and_of_sixteen_bits_are_apart(database, post, session):
    wide = replace(a_part(session, 2), part=PartRef("udh16", 17, 3, 2))

    store(post, a_part(session, 1), wide)

    assert sets(database) == [[1], [2]]


def test_a_reference_used_again_with_other_words_begins_a_text_of_its_own(database, post, session):
    store(post, a_part(session, 1), a_part(session, 2))
    store(post, a_part(session, 1, words=b"toinen"), at=NOW + SECOND)
    store(post, a_part(session, 3), at=NOW + 2 * SECOND)
    store(post, a_part(session, 2, words=b"toinen 2"), at=NOW + 3 * SECOND)

    assert sets(database) == [[1, 2], [1, 2, 3]]


def handle_all(database):
    """As the desk leaves parts that it has read."""
    with database.transaction() as connection:
        connection.execute(Inbox.__table__.update().values(state=InboxState.JOINED, octets=None))


@pytest.mark.parametrize(("minutes", "known"), [(0, True), (9, True), (10, False)])
def test_a_text_that_was_handled_is_remembered_for_ten_minutes(database, post, session, minutes, known):
    store(post, a_part(session, 1), a_part(session, 2), a_part(session, 3))
    handle_all(database)

    again = store(post, a_part(session, 2), at=NOW + timedelta(minutes=minutes))

    assert (again == [None]) is known


def test_a_handled_text_does_not_swallow_a_new_one_of_the_same_reference(database, post, session):
    store(post, a_part(session, 1), a_part(session, 2), a_part(session, 3))
    handle_all(database)

    store(post, *(a_part(session, number, words=b"uusi %d" % number) for number in (1, 2, 3)))

    assert sets(database) == [[1, 2, 3]]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_two_long_texts_of_one_sender_come_apart_however_their_parts_are_mixed_and_repeated(database, post, data):
    with database.transaction() as connection:
        connection.execute(Inbox.__table__.delete())
    session = post.session_opened("main", NOW)
    parts = [a_part(session, number, reference=reference) for reference in (1, 2) for number in (1, 2, 3)]
    arriving = data.draw(st.permutations(parts + data.draw(st.lists(st.sampled_from(parts), max_size=6))))
    cut = data.draw(st.integers(0, len(arriving)))

    store(post, *arriving[:cut])
    store(post, *arriving[cut:])

    assert [sorted(each) for each in sets(database)] == [[1, 2, 3], [1, 2, 3]]
