"""The feed of events, for programs that follow along."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from api.access import actor
from api.blueprint import v1
from api.office import office
from api.paging import Limit, Query
from api.schemas import EventPage
from api.spec import operation
from api.views import local, zone_of
from models.events import read

LARGEST = 2**53 - 1


class EventQuery(Query):
    """From where on."""

    after: int = Field(default=0, ge=0, le=LARGEST, description="the cursor of the answer before; left out: all")
    limit: Limit = 100


@v1.get("/events")
@operation("read", "events", EventPage)
def list_events(query: EventQuery) -> dict[str, Any]:
    """List what happened, oldest first, from a cursor on. Nothing that appears later is passed over.

    Events are thin: they say what changed and its id, and who may read that reads it there.
    """
    with office().database.reading() as connection:
        rows = read(connection, query.after, actor().clinics, query.limit + 1, office().clock())
    page = rows[: query.limit]
    return {
        "items": [
            {
                "id": row.id,
                "type": row.kind,
                "subject": row.subject,
                "at": local(row.at, office().zone if row.timezone is None else zone_of(row.timezone)),
            }
            for row in page
        ],
        "cursor": str(page[-1].id if page else query.after),
        "more": len(rows) > query.limit,
    }
