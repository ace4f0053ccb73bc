"""Reminders: what is planned, what went, what did not and why; and one that the clinic asks for."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from api.access import actor
from api.blueprint import v1
from api.office import office
from api.paging import Moment, PageQuery, cursor_of, instant, place_of
from api.schemas import ReminderPage, ReminderView
from api.spec import operation
from api.views import reminder_view
from handlers.entries import Key, RemindEntry
from models.register import CLINIC, in_clinics
from models.reminded import has_become, listed, listed_after
from models.reminding import REMINDER


class Became(StrEnum):
    """How far a reminder has come, with the outbox looked at."""

    PLANNED = "planned"
    QUEUED = "queued"
    SENT = "sent"
    WITHDRAWN = "withdrawn"
    NOT_SENT = "not_sent"


class ReminderQuery(PageQuery):
    """Which reminders: those due in [from, to), by time."""

    clinic: Key | None = None
    from_: Moment | None = Field(default=None, alias="from")
    to: Moment | None = None
    state: Became | None = None


@v1.post("/appointments/<string:key>/remind")
@operation("messages", "reminders", ReminderView, made=True, errors=(404, 409))
def remind(key: str, json: RemindEntry) -> tuple[dict[str, Any], int]:
    """Have a coming visit reminded of once more, now or at a time, outside quiet hours.

    Asking twice for the same minute is asking once. `GET /reminders` tells what became of it.
    """
    id_ = office().clerk.remind(actor(), key, json, office().clock())
    with office().database.reading() as connection:
        row = connection.execute(listed().where(REMINDER.c.id == id_)).one()
    return reminder_view(row), 201


@v1.get("/reminders")
@operation("read", "reminders", ReminderPage)
def list_reminders(query: ReminderQuery) -> dict[str, Any]:
    """List reminders by the time at which they are due; those not sent have the reason."""
    statement = listed().where(in_clinics(CLINIC.c.id, actor().clinics)).limit(query.limit + 1)
    if query.clinic is not None:
        statement = statement.where(CLINIC.c.key == query.clinic)
    if query.from_ is not None:
        statement = statement.where(REMINDER.c.due_at >= instant(query.from_, office().zone))
    if query.to is not None:
        statement = statement.where(REMINDER.c.due_at < instant(query.to, office().zone))
    if query.cursor is not None:
        statement = statement.where(listed_after(*place_of(query.cursor)))
    if query.state is not None:
        statement = statement.where(has_become() == query.state.value)
    with office().database.reading() as connection:
        rows = connection.execute(statement).all()
    page = rows[: query.limit]
    more = len(rows) > query.limit
    return {
        "items": [reminder_view(row) for row in page],
        "cursor": cursor_of(page[-1].due_at, page[-1].id) if more else None,
    }
