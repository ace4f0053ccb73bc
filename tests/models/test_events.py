"""The feed of events: nothing is passed over by who follows it, and what is old is put away."""

from __future__ import annotations

import contextlib
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from handlers.clerk import upkeep
from models import events
from models.events import EVENT, event, read, tell

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
WRITERS, EACH = 4, 40


def write(database, *subjects, at=NOW):
    with database.transaction() as connection:
        tell(connection, [event("offer.opened", subject, None, at) for subject in subjects])


def page(database, after=0, limit=100, now=NOW):
    with database.reading() as connection:
        return [(row.id, row.subject) for row in read(connection, after, None, limit, now)]


def subjects(database, after=0, now=NOW):
    return [subject for _, subject in page(database, after, now=now)]


def test_events_are_read_in_order_from_a_cursor_on(database):
    write(database, "a", "b", "c")
    (first, _), *_ = page(database, limit=1)

    assert subjects(database) == ["a", "b", "c"]
    assert subjects(database, after=first) == ["b", "c"]


def test_what_was_written_earlier_and_appears_later_is_waited_for(postgresql_database):
    database = postgresql_database
    write(database, "before")
    begun, go_on = threading.Event(), threading.Event()

    def slowly():
        with database.transaction() as connection:
            tell(connection, [event("offer.opened", "slow", None, NOW)])
            begun.set()
            go_on.wait(20)

    slow = threading.Thread(target=slowly)
    slow.start()
    assert begun.wait(20)
    write(database, "quick")
    meanwhile = subjects(database)
    go_on.set()
    slow.join(20)

    assert meanwhile == ["before"], "a cursor after the quick one would pass the slow one over"
    assert subjects(database) == ["before", "slow", "quick"]


def test_whose_ids_are_missing_is_waited_for_though_others_began_earlier(postgresql_database):
    database = postgresql_database
    older, younger = database.writer.connect(), database.writer.connect()
    with older, younger, older.begin(), younger.begin():
        older.exec_driver_sql("SELECT pg_current_xact_id()")
        tell(younger, [event("offer.opened", "slow", None, NOW)])
        tell(older, [event("offer.opened", "quick", None, NOW)])
        older.commit()
        meanwhile = subjects(database)
        younger.commit()

    assert meanwhile == [], "all that ran before the quick one are over, and yet a lower id is still to come"
    assert subjects(database) == ["slow", "quick"]


@pytest.mark.parametrize("minutes", [1, 3], ids=["young", "old"])
def test_what_stands_behind_a_gap_waits_while_it_is_young(postgresql_database, minutes):
    database = postgresql_database
    write(database, "before", at=NOW - timedelta(minutes=9))
    with contextlib.suppress(LookupError), database.transaction() as connection:
        tell(connection, [event("offer.opened", "undone", None, NOW)])
        raise LookupError
    write(database, "behind", at=NOW - timedelta(minutes=minutes))
    write(database, "last")

    assert subjects(database) == (["before"] if minutes == 1 else ["before", "behind", "last"])


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_follower_misses_nothing_of_many_who_write_at_once(database):
    def work(writer):
        for number in range(EACH):
            with database.transaction() as connection:
                tell(connection, [event("offer.opened", f"{writer}.{number}", None, NOW)])
                connection.exec_driver_sql(f"SELECT pg_sleep({0.004 * (writer + number) % 0.011})")
                tell(connection, [event("offer.won", f"{writer}.{number}", None, NOW)])

    writers = [threading.Thread(target=work, args=(writer,)) for writer in range(WRITERS)]
    for writer in writers:
        writer.start()
    followed, cursor = [], 0
    while any(writer.is_alive() for writer in writers) or page(database, cursor):
        new = page(database, cursor, limit=7)
        followed += [id_ for id_, _ in new]
        cursor = followed[-1] if followed else 0

    with database.reading() as connection:
        every = connection.execute(select(EVENT.c.id).order_by(EVENT.c.id)).scalars().all()
    assert followed == every
    assert len(every) == 2 * WRITERS * EACH


def test_what_was_rolled_back_holds_nobody_up_for_long(database):
    write(database, "before")
    with contextlib.suppress(LookupError), database.transaction() as connection:
        tell(connection, [event("offer.opened", "undone", None, NOW)])
        raise LookupError
    write(database, "after")

    assert subjects(database, now=NOW + timedelta(minutes=3)) == ["before", "after"]


def test_old_events_are_put_away_and_young_ones_stay(database):
    write(database, *map(str, range(1200)), at=NOW - timedelta(days=91))
    write(database, "young", at=NOW - timedelta(days=89))

    assert upkeep.forget_events(database, NOW, timedelta(days=90)) == 1200
    assert subjects(database) == ["young"]
    assert upkeep.forget_events(database, NOW, timedelta(days=90)) == 0


def test_no_more_is_put_away_at_once_than_asked(database):
    write(database, "a", "b", "c", at=NOW - timedelta(days=2))

    with database.transaction() as connection:
        assert events.forget(connection, NOW, 2) == 2
    assert subjects(database) == ["c"]
