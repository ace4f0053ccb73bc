"""The outbox between several gateways: a text goes by one of them, and each counts the others."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from models import outbox
from models.post import Outbox
from models.states import OutboxState
from tests.rows import CLINIC_NUMBER, NOW, a_queued_text, a_thread, rows_of

SECOND = timedelta(seconds=1)
GATEWAYS = [f"gateway-{n}:1:0" for n in range(4)]


def together(work, *each):
    """Do *work* for each in a thread of its own, all at once; returns what they returned."""
    ready, results, errors = threading.Barrier(len(each)), {}, []

    def run(one):
        ready.wait()
        try:
            results[one] = work(one)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in each]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    return results


def test_of_gateways_that_want_the_same_texts_one_gets_each(database):
    with database.transaction() as connection:
        texts = [a_queued_text(connection, a_thread(connection, f"+3584055501{n:02d}")) for n in range(40)]

    def take(gateway):
        with database.reading() as connection:
            due = outbox.due_texts(connection, [CLINIC_NUMBER], 40, NOW)
        with database.transaction() as connection:
            return outbox.lease(connection, [text.id for text in due], gateway, NOW + SECOND)

    taken = together(take, *GATEWAYS)

    assert sorted(text for each in taken.values() for text in each) == texts
    assert {row.lease_by for row in rows_of(database, Outbox)} <= set(GATEWAYS)


def test_gateways_that_join_at_the_same_moment_see_each_other(database):
    def join(gateway):
        with database.transaction() as connection:
            return outbox.share_rate(connection, "main", gateway, NOW, NOW + SECOND)

    assert sorted(together(join, *GATEWAYS).values()) == [1, 2, 3, 4]


def test_an_accounts_shares_are_its_own_and_end(database):
    with database.transaction() as connection:
        for account, gateway, at in (("main", "a", NOW), ("other", "a", NOW), ("main", "b", NOW + SECOND)):
            outbox.share_rate(connection, account, gateway, at, at + SECOND)
        now, later = (
            outbox.share_rate(connection, "main", "b", NOW + after * SECOND, NOW + (after + 1) * SECOND)
            for after in (1, 1.1)
        )

    assert (now, later) == (2, 1)


def test_who_holds_leases_is_known(database):
    with database.transaction() as connection:
        thread = a_thread(connection)
        a_queued_text(connection, thread, state=OutboxState.LEASED, lease_by="a:1:0")
        a_queued_text(connection, thread, state=OutboxState.SENT, lease_by="b:1:0")
        holders = outbox.lease_holders(connection)

    assert holders == {"a:1:0"}


@pytest.mark.parametrize("lanes", [1, 5])
def test_a_backlog_is_walked_by_lane_and_then_in_order(database, lanes):
    with database.transaction() as connection:
        threads = [a_thread(connection, f"+35840555{n:04d}") for n in range(300)]
        texts = [a_queued_text(connection, thread, lane=n % lanes) for n, thread in enumerate(threads)]

    with database.reading() as connection:
        due = [text.id for text in outbox.due_texts(connection, [CLINIC_NUMBER], 1000, NOW)]

    assert due == sorted(texts, key=lambda text: (texts.index(text) % lanes, text))
