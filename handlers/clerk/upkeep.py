"""What the clerk puts away by the clock. Each may be done at any time, any number of times."""

from __future__ import annotations

from datetime import datetime, timedelta

from models import upkeep
from models.database import Database

AT_ONCE = 500  # questions in one transaction
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
