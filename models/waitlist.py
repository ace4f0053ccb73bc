"""The waitlist → rows: who joins it and leaves it by text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, bindparam, insert, select, update

from models.base import fixed
from models.changes import Change, JoinWaitlist, LeaveWaitlist
from models.offering import WAITLIST
from models.states import WaitlistState

_ACTIVE = WAITLIST.c.state == fixed(WaitlistState.ACTIVE)
_LEAVE = (
    update(WAITLIST)
    .where(WAITLIST.c.id == bindparam("entry"), _ACTIVE)
    .values(state=WaitlistState.LEFT, version=WAITLIST.c.version + 1)
)


def write(connection: Connection, changes: Sequence[Change], now: datetime) -> None:
    """Carry out what *changes* say of the waitlist. Joining twice is joining once, for the visit told last."""
    leaving = [{"entry": change.entry_id} for change in changes if isinstance(change, LeaveWaitlist)]
    if leaving:
        connection.execute(_LEAVE, leaving)
    for change in changes:
        if isinstance(change, JoinWaitlist):
            _join(connection, change, now)


def _join(connection: Connection, change: JoinWaitlist, now: datetime) -> None:
    mine = (WAITLIST.c.patient_id == change.patient_id, WAITLIST.c.service_id == change.service_id, _ACTIVE)
    known = connection.execute(select(WAITLIST.c.id).where(*mine)).scalar()
    if known is not None:
        newer = {"appointment_id": change.appointment_id, "version": WAITLIST.c.version + 1}
        connection.execute(update(WAITLIST).where(WAITLIST.c.id == known).values(**newer))
        return
    row: dict[str, Any] = {
        "key": f"w-{uuid4().hex[:12]}",
        "patient_id": change.patient_id,
        "service_id": change.service_id,
        "appointment_id": change.appointment_id,
        "created_by": "text",
        "joined_at": now,
    }
    connection.execute(insert(WAITLIST).values(**row))
