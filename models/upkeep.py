"""What grows old and is put away: questions past their time, answers kept for repeated requests."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from models.base import fixed
from models.ledger import QUESTION
from models.staff import IdempotentRequest
from models.states import QuestionState

_OPEN = QUESTION.c.state == fixed(QuestionState.OPEN)


def questions_due(connection: Connection, now: datetime, limit: int) -> list[int]:
    """The first open questions whose time has passed."""
    due = select(QUESTION.c.id).where(_OPEN, QUESTION.c.expires_at <= now).order_by(QUESTION.c.expires_at)
    return [row[0] for row in connection.execute(due.limit(limit))]


def expire_questions(connection: Connection, ids: list[int], now: datetime) -> int:
    """End these questions, unless somebody was quicker; returns how many."""
    expired = update(QUESTION).where(QUESTION.c.id.in_(ids), _OPEN, QUESTION.c.expires_at <= now)
    return connection.execute(expired.values(state=QuestionState.EXPIRED, closed_at=now)).rowcount


def forget_requests(connection: Connection, before: datetime) -> int:
    """Drop the answers that were kept for requests made before then; returns how many."""
    return connection.execute(delete(IdempotentRequest).where(IdempotentRequest.at < before)).rowcount
