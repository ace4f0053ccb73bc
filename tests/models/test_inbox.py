"""The inbox itself: what waits, in which order, and that a later text never has a lower id (architecture section 5)."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from models import inbox
from models.inbox import PartIn
from models.post import Inbox, LinkSession
from models.states import InboxState
from tests.rows import CLINIC_NUMBER, NOW, PATIENT_NUMBER, a_received_text, a_session, look, rows_of

SECOND = timedelta(seconds=1)


@pytest.fixture
def session(database):
    with database.transaction() as connection:
        return a_session(connection)


def a_part(session, n):
    return PartIn(
        bind="main",
        session_id=session,
        number=PATIENT_NUMBER,
        service_number=CLINIC_NUMBER,
        digest=b"%d" % n,
        octets=b"",
        coding=0,
        part_set=None,
        part_number=None,
        part_total=None,
        state=InboxState.NEW,
        received_at=NOW,
    )


def waiting(database, before=NOW, after=0, most=10):
    with database.reading() as connection:
        return [part.id for part in inbox.waiting(connection, before, after, most)]


def test_what_waits_comes_in_order_of_arrival_and_in_pages(database, session):
    with database.transaction() as connection:
        ids = [a_received_text(connection, session) for _ in range(5)]

    assert waiting(database, most=3) == ids[:3]
    assert waiting(database, after=ids[2], most=3) == ids[3:]


@pytest.mark.parametrize("state", InboxState)
def test_only_what_nobody_has_handled_waits(database, session, state):
    with database.transaction() as connection:
        text = a_received_text(connection, session, state=state)

    with database.reading() as connection:
        still = [part.id for part in inbox.still_waiting(connection, [text])]
        number = inbox.count_waiting(connection)

    waits = state in {InboxState.NEW, InboxState.PART}
    assert (waiting(database), still, number) == (([text], [text], 1) if waits else ([], [], 0))


def test_a_text_that_came_after_the_moment_asked_for_does_not_wait_yet(database, session):
    with database.transaction() as connection:
        young = a_received_text(connection, session, received_at=NOW)

    assert waiting(database, before=NOW - SECOND) == []
    assert waiting(database, before=NOW) == [young]


def test_many_parts_get_their_ids_in_their_order(database, session):
    with database.transaction() as connection:
        ids = inbox.insert_parts(connection, [a_part(session, n) for n in range(1500)])

    assert [look(database, Inbox, ids[n]).digest for n in (0, 999, 1000, 1499)] == [b"0", b"999", b"1000", b"1499"]
    assert ids == sorted(ids)


def test_a_text_stored_first_has_the_lower_id_although_another_process_stores_at_the_same_time(database, session):
    """On PostgreSQL ids are given before the commit: without taking turns the later text could be seen first."""
    begun = threading.Event()

    def store_later():
        begun.set()
        with database.transaction() as connection:
            inbox.arrive_in_order(connection)
            inbox.insert_parts(connection, [a_part(session, 2)])

    other = threading.Thread(target=store_later)
    with database.transaction() as connection:
        inbox.arrive_in_order(connection)
        other.start()
        begun.wait()
        inbox.insert_parts(connection, [a_part(session, 1)])
    other.join()

    assert [row.digest for row in rows_of(database, Inbox)] == [b"1", b"2"]


def test_a_failed_try_counts_only_while_the_text_waits(database, session):
    with database.transaction() as connection:
        text = a_received_text(connection, session)
        tries = [inbox.count_attempt(connection, text) for _ in range(2)]
        connection.execute(Inbox.__table__.update().values(state=InboxState.DONE))
        late = inbox.count_attempt(connection, text)

    assert (tries, late) == ([1, 2], 0)


def test_the_sessions_of_a_dead_process_ended_when_they_were_last_seen(database):
    with database.transaction() as connection:
        dead = a_session(connection, gateway="dead:1:0", last_seen=NOW - SECOND)
        living = a_session(connection, gateway="living:1:0")
        over = a_session(connection, gateway="dead:1:0", closed_at=NOW - 9 * SECOND)

        others = inbox.open_sessions_of_others(connection, "living:1:0")
        inbox.end_sessions_of(connection, others)

    assert others == ["dead:1:0"]
    assert [look(database, LinkSession, id_).closed_at for id_ in (dead, living, over)] == [
        NOW - SECOND,
        None,
        NOW - 9 * SECOND,
    ]
