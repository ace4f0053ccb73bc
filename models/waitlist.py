"""The waitlist → rows: who joins it, limits what they hear of, and leaves it by text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, bindparam, insert, select, update

from models.base import fixed
from models.changes import Change, JoinWaitlist, LeaveWaitlist, LimitWaitlist
from models.offering import WAITLIST
from models.states import WaitlistState

_ACTIVE = WAITLIST.c.state == fixed(WaitlistState.ACTIVE)
_LEAVE = (
    update(WAITLIST)
    .where(WAITLIST.c.id == bindparam("entry"), _ACTIVE)
    .values(state=WaitlistState.LEFT, version=WAITLIST.c.version + 1)
)
Limits = JoinWaitlist | LimitWaitlist


def write(connection: Connection, changes: Sequence[Change], now: datetime) -> None:
    """Carry out what *changes* say of the waitlist. Joining twice is joining once, for the visit told last."""
    leaving = [{"entry": change.entry_id} for change in changes if isinstance(change, LeaveWaitlist)]
    if leaving:
        connection.execute(_LEAVE, leaving)
    for change in changes:
        if isinstance(change, JoinWaitlist):
            _join(connection, change, now)
        elif isinstance(change, LimitWaitlist):
            mine = update(WAITLIST).where(WAITLIST.c.id == change.entry_id, _ACTIVE)
            connection.execute(mine.values(version=WAITLIST.c.version + 1, **_limits(change)))


def _limits(change: Limits) -> dict[str, Any]:
    return {
        "days": None if change.days is None else list(change.days),
        "hours": None if change.hours is None else [list(span) for span in change.hours],
        "weekly_max": change.weekly_max,
    }


def _join(connection: Connection, change: JoinWaitlist, now: datetime) -> None:
    mine = (WAITLIST.c.patient_id == change.patient_id, WAITLIST.c.service_id == change.service_id, _ACTIVE)
    known = connection.execute(select(WAITLIST.c.id).where(*mine)).scalar()
    if known is not None:
        said = {name: value for name, value in _limits(change).items() if value is not None}
        newer = {"appointment_id": change.appointment_id, "version": WAITLIST.c.version + 1}
        connection.execute(update(WAITLIST).where(WAITLIST.c.id == known).values(**newer, **said))
        return
    row: dict[str, Any] = {
        "key": f"w-{uuid4().hex[:12]}",
        "patient_id": change.patient_id,
        "service_id": change.service_id,
        "appointment_id": change.appointment_id,
        **_limits(change),
        "created_by": "text",
        "joined_at": now,
    }
    connection.execute(insert(WAITLIST).values(**row))
