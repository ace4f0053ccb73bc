"""Timed work in batches: each is one transaction, and one that breaks is done again one by one.

So a bad record stops nobody else's, and what a batch costs is shared by as many as it has room for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Generic, TypeVar

import structlog
from sqlalchemy import Connection

from models.database import Database, is_away, is_conflict
from models.ledger import Conflict

log = structlog.get_logger("rounds")
Item = TypeVar("Item")


class Batches(ABC, Generic[Item]):
    """Work that waits in the database until it is done. A run may come twice, late or never, in many processes."""

    item: str  # what the log calls one
    most_batches: int  # in one run; the next one goes on, maybe in another process

    def __init__(self, database: Database) -> None:
        self._database = database

    def run(self, now: datetime) -> int:
        """Do what there is to do; returns how many items. Writes only where there are any."""
        done = 0
        for _ in range(self.most_batches):
            taken = self._batch(now) if self._has_work(now) else 0
            done += taken
            if not taken:
                break  # nothing waits, or others hold the rest
        return done

    @abstractmethod
    def _has_work(self, now: datetime) -> bool:
        """Whether anything waits."""

    @abstractmethod
    def _take(self, connection: Connection, now: datetime) -> Sequence[Item]:
        """The items of the next batch, held until the transaction ends; none that others hold."""

    @abstractmethod
    def _take_one(self, connection: Connection, id_: int) -> Sequence[Item]:
        """This item alone, if it still waits and nobody holds it."""

    @abstractmethod
    def _next_ids(self, connection: Connection, now: datetime) -> Sequence[int]:
        """The items that the next batch would be of, held by nobody."""

    @abstractmethod
    def _do(self, connection: Connection, items: Sequence[Item], now: datetime) -> None:
        """Do the work of these *items*, of which there are some."""

    @abstractmethod
    def _give_up(self, connection: Connection, id_: int, now: datetime) -> int:
        """Record that this item could not be done, without looking at it; returns how many waited still."""

    def _batch(self, now: datetime) -> int:
        try:
            return self._together(lambda connection: self._take(connection, now), now)
        except Exception as error:
            if is_away(error) or is_conflict(error):
                raise  # one by one they would be in the way again, each for as long
            log.warning("one_by_one", item=self.item, error=type(error).__name__)
        with self._database.reading() as connection:
            ids = self._next_ids(connection, now)
        return sum(self._alone(id_, now) for id_ in ids)

    def _together(self, take: Callable[[Connection], Sequence[Item]], now: datetime) -> int:
        """Do in one transaction what it can *take*; returns how many."""
        with self._database.transaction() as connection:
            items = take(connection)
            if items:
                self._do(connection, items, now)
        return len(items)

    def _alone(self, id_: int, now: datetime) -> int:
        try:
            return self._together(lambda connection: self._take_one(connection, id_), now)
        except Exception as error:
            if is_away(error):
                raise
            if isinstance(error, Conflict) or is_conflict(error):
                return 0  # the next run finds it as it is then
            log.error("given_up", item=self.item, id=id_, error=type(error).__name__)
        with self._database.transaction() as connection:
            return self._give_up(connection, id_, now)
