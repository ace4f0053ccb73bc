"""Timed work in batches: what is wrong with one item stops no other, and what is in the way is not waited for often."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy.exc import OperationalError

from handlers.rounds.batches import Batches
from models.ledger import Conflict
from tests.rows import NOW

LOCKED = sqlite3.OperationalError("database is locked")
LOCKED.sqlite_errorcode = sqlite3.SQLITE_BUSY


class Chores(Batches[int]):
    """Numbers to be done, by twos; *trouble* is what doing some of them raises."""

    item = "chore"
    most_batches = 2

    def __init__(self, database, chores, trouble=None):
        super().__init__(database)
        self.left, self.trouble = list(chores), trouble or {}
        self.done, self.given_up, self.tries = [], [], 0

    def _has_work(self, now):
        return bool(self.left)

    def _take(self, connection, now):
        return self.left[:2]

    def _take_one(self, connection, id_):
        return [id_]

    def _next_ids(self, connection, now):
        return self.left[:2]

    def _do(self, connection, items, now):
        self.tries += 1
        for item in items:
            if item in self.trouble:
                raise self.trouble[item]
        self.done += items
        self.left = [chore for chore in self.left if chore not in items]

    def _give_up(self, connection, id_, now):
        self.given_up.append(id_)
        self.left.remove(id_)
        return 1


def test_a_run_ends_after_some_batches_and_the_next_goes_on(sqlite_database):
    chores = Chores(sqlite_database, range(5))

    assert [chores.run(NOW), chores.run(NOW), chores.run(NOW)] == [4, 1, 0]
    assert chores.done == [0, 1, 2, 3, 4]


def test_one_that_cannot_be_done_is_given_up_and_the_others_are_done(sqlite_database):
    chores = Chores(sqlite_database, range(4), {1: ValueError()})

    assert chores.run(NOW) == 4
    assert (chores.done, chores.given_up) == ([0, 2, 3], [1])


def test_one_that_somebody_changed_meanwhile_waits_for_the_next_run(sqlite_database):
    chores = Chores(sqlite_database, range(2), {1: Conflict()})

    chores.run(NOW)
    chores.trouble = {}
    chores.run(NOW)

    assert (chores.done, chores.given_up) == ([0, 1], [])


def test_a_batch_in_whose_way_others_are_is_left_to_the_next_run_whole(sqlite_database):
    chores = Chores(sqlite_database, range(2), {1: OperationalError("UPDATE", None, LOCKED)})

    with pytest.raises(OperationalError):
        chores.run(NOW)

    assert (chores.tries, chores.left) == (1, [0, 1])
