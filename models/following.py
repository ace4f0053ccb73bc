"""Rows in the order of their ids, for readers who go on from a cursor: nothing that appears later is passed over.

PostgreSQL gives ids before the commit, so that a lower one may appear after a higher one. A missing id is of a
transaction that still runs, or of one that was rolled back. Nobody tells which (a snapshot's horizon does not: who
began first may write last), but none runs for long: so a reader waits at a gap that is young.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

UNSETTLED = timedelta(minutes=2)  # a transaction lasts a minute at most: what is missing for so long never appears


@dataclass(frozen=True, slots=True)
class Followed:
    """A table that is followed: its ids, and when each row was written."""

    id: ColumnElement[int]
    at: ColumnElement[datetime]

    def page(
        self, connection: Connection, query: Select[Any], after: int, limit: int, now: datetime
    ) -> Sequence[Row[Any]]:
        """Up to *limit* rows of *query* (which has the ids as *id*) after that id, oldest first.

        None of them stands behind one that may yet appear.
        """
        rows = connection.execute(query.where(self.id > after).order_by(self.id).limit(limit)).all()
        if not rows or connection.dialect.name != "postgresql":
            return rows
        gap = self._first_gap(connection, after, rows[-1].id, now)
        return rows if gap is None else [row for row in rows if row.id < gap]

    def _first_gap(self, connection: Connection, after: int, last: int, now: datetime) -> int | None:
        """The first row in this range before which a lower id is missing that may yet appear."""
        since = max(after, self._last_settled(connection, last, now))
        before = func.lag(self.id, 1, since).over(order_by=self.id)
        young = select(self.id.label("id"), before.label("before")).where(self.id > since, self.id <= last).subquery()
        gaps = select(func.min(young.c.id)).where(young.c.id > young.c.before + 1)
        return connection.execute(gaps).scalar()

    def _last_settled(self, connection: Connection, last: int, now: datetime) -> int:
        """The last row, up to that id, before which nothing can appear: it is older than any transaction."""
        old = select(self.id).where(self.id <= last, self.at <= now - UNSETTLED)
        return connection.execute(old.order_by(self.id.desc()).limit(1)).scalar() or 0
