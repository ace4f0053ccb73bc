"""What the clerk puts away by the clock. Each may be done at any time, any number of times."""

from __future__ import annotations

from datetime import datetime, timedelta

from models import events, upkeep
from models.database import Database

AT_ONCE = 500  # questions, or events, in one transaction
REQUESTS_KEPT = timedelta(hours=24)  # within which a repeated Idempotency-Key gets the same answer


def expire_questions(database: Database, now: datetime) -> int:
    """End the open questions whose time has passed; returns how many. Writes only where there are any."""
    ended = 0
    while True:
        with database.reading() as connection:
            due = upkeep.questions_due(connection, now, AT_ONCE)
        if not due:
            return ended
        with database.transaction() as connection:
            ended += upkeep.expire_questions(connection, due, now)


def forget_requests(database: Database, now: datetime) -> int:
    """Drop answers to requests that nobody repeats any more; returns how many."""
    with database.transaction() as connection:
        return upkeep.forget_requests(connection, now - REQUESTS_KEPT)


def forget_events(database: Database, now: datetime, kept: timedelta) -> int:
    """Put away the events of the feed that are older than *kept*; returns how many."""
    forgotten = 0
    while True:
        with database.transaction() as connection:
            done = events.forget(connection, now - kept, AT_ONCE)
        forgotten += done
        if done < AT_ONCE:
            return forgotten
