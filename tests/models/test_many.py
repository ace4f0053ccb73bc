"""Many rows at once: the same rows as one statement each, on both databases, whatever the values are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from sqlalchemy import Table, update

from models.audit import Audit
from models.many import Many
from models.post import Outbox, Thread
from models.states import OutboxState, Purpose, ThreadState
from tests.rows import a_thread, how_many, rows_of

NOW = datetime(2026, 4, 14, 6, 0, 0, 123456, tzinfo=UTC)
THREAD = cast(Table, Thread.__table__)
SET_STATE = Many.update(
    lambda row: (
        update(THREAD)
        .where(THREAD.c.id == row["id"], THREAD.c.version == row["seen"])
        .values(state=row["state"], undo=row["undo"], noticed_at=row["at"], version=THREAD.c.version + 1)
    ),
    id=THREAD.c.id,
    seen=THREAD.c.version,
    state=THREAD.c.state,
    undo=THREAD.c.undo,
    at=THREAD.c.noticed_at,
)
AUDITED = Many.insert(cast(Table, Audit.__table__), "at actor action thread_id details")
NEW_THREADS = Many.insert(THREAD, "number service_number last_text_at", ignoring=["number", "service_number"])
PUT_OUT = Many.insert(
    cast(Table, Outbox.__table__), "key thread_id number service_number purpose lane message body due_at created_at"
)


@pytest.fixture
def threads(database):
    with database.transaction() as connection:
        return [a_thread(connection, f"+35840555011{n}", version=n + 1) for n in range(4)]


def test_each_row_gets_its_own_values(database, threads):
    rows = [
        {"id": threads[0], "seen": 1, "state": ThreadState.WAITING, "undo": {"ä": [1, None, "€"]}, "at": NOW},
        {"id": threads[1], "seen": 2, "state": ThreadState.PERSON, "undo": None, "at": None},
    ]

    with database.transaction() as connection:
        assert SET_STATE(connection, rows) == 2

    first, second, third, _ = rows_of(database, Thread)
    assert (first.state, first.undo, first.noticed_at, first.version) == (
        ThreadState.WAITING,
        {"ä": [1, None, "€"]},
        NOW,
        2,
    )
    assert (second.state, second.undo, second.noticed_at, second.version) == (ThreadState.PERSON, None, None, 3)
    assert (third.state, third.version) == (ThreadState.BOT, 3)


def test_rows_that_are_not_as_they_were_seen_are_not_counted(database, threads):
    rows = [{"id": id_, "seen": 2, "state": ThreadState.WAITING, "undo": None, "at": None} for id_ in [*threads, 2**40]]

    with database.transaction() as connection:
        assert SET_STATE(connection, rows) == 1

    assert [thread.state for thread in rows_of(database, Thread)].count(ThreadState.WAITING) == 1


def test_no_rows_is_no_change(database, threads):
    with database.transaction() as connection:
        assert SET_STATE(connection, []) == 0
        assert AUDITED.ids(connection, []) == []

    assert how_many(database, Audit) == 0


def test_new_rows_get_rising_ids_in_their_order_and_the_defaults_of_their_table(database, threads):
    rows = [
        {
            "key": f"k{n}",
            "thread_id": threads[0],
            "number": "+358405550110",
            "service_number": "+358405550100",
            "purpose": Purpose.ANSWER,
            "lane": 0,
            "message": "received",
            "body": bytes([n % 256]) * 3,
            "due_at": NOW + timedelta(seconds=n),
            "created_at": NOW,
        }
        for n in range(700)
    ]

    with database.transaction() as connection:
        ids = PUT_OUT.ids(connection, rows)

    assert ids == sorted(ids)
    stored = {row.id: row for row in rows_of(database, Outbox)}
    assert [(stored[id_].key, bytes(stored[id_].body), stored[id_].due_at) for id_ in ids] == [
        (row["key"], row["body"], row["due_at"]) for row in rows
    ]
    assert {(row.state, row.attempts, row.parts, row.maybe_twice) for row in stored.values()} == {
        (OutboxState.QUEUED, 0, 1, False)
    }


def test_ids_follow_those_of_rows_that_were_deleted(database, threads):
    row = {"at": NOW, "actor": "patient", "action": "list", "thread_id": threads[0], "details": {}}
    with database.transaction() as connection:
        first = AUDITED.ids(connection, [row, row])
        connection.execute(cast(Table, Audit.__table__).delete())

    with database.transaction() as connection:
        then = AUDITED.ids(connection, [row])

    assert then[0] > first[-1]


def test_rows_that_are_there_are_left_as_they_are(database, threads):
    service_number = rows_of(database, Thread)[0].service_number
    rows = [
        {"number": number, "service_number": service_number, "last_text_at": NOW}
        for number in ("+358405550110", "+358405550119", "+358405550119")
    ]

    with database.transaction() as connection:
        assert NEW_THREADS(connection, rows) == 1

    assert how_many(database, Thread) == 5
    assert rows_of(database, Thread)[0].last_text_at != NOW
