"""What was said: texts, in and out together, and the threads that they belong to."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from sqlalchemy import Row

from api.access import actor
from api.blueprint import v1
from api.office import office
from api.paging import Limit, PageQuery, Query, cursor_of, place_of
from api.schemas import TextPage, ThreadPage, WholeThreadView
from api.spec import operation
from api.views import text_view, thread_view
from handlers.contact import e164
from handlers.entries import Line
from handlers.refusals import Invalid, Unknown
from models.correspondence import (
    Marks,
    Wanted,
    newest_texts,
    open_hand_overs,
    read_feed,
    thread_before,
    threads_of,
    threads_where,
)
from models.ledger import THREAD
from models.states import ThreadState

SHOWN_WITH_A_THREAD = 100
_MARKS = re.compile(r"(\d{1,18})\.(\d{1,18})", re.ASCII)


def _unescaped(value: Any) -> Any:
    """Take a + that was not escaped and so came as a space."""
    return f"+{value[1:]}" if isinstance(value, str) and value.startswith(" ") else value


class TextQuery(Query):
    """Which texts, and from where on."""

    direction: Literal["in", "out"] | None = None
    number: Annotated[Line, BeforeValidator(_unescaped)] | None = None
    after: Annotated[str, Field(max_length=40)] | None = Field(
        default=None, description="the cursor of the answer before; left out: from the beginning"
    )
    limit: Limit = 100


class ThreadQuery(PageQuery):
    """Which threads."""

    state: ThreadState | None = None


@v1.get("/texts")
@operation("read", "texts", TextPage)
def list_texts(query: TextQuery) -> dict[str, Any]:
    """List texts in and out, oldest first, from a cursor on. Nothing that appears later is passed over.

    An inbound text appears once it has been handled, with its outcome.
    """
    wanted = Wanted(
        inbound=query.direction != "out",
        outbound=query.direction != "in",
        number=None if query.number is None else _number(query.number),
        clinics=actor().clinics,
    )
    with office().database.reading() as connection:
        feed = read_feed(connection, wanted, _marks(query.after), query.limit, office().clock())
    return {
        "items": [text_view(row, office().keys, office().zone) for row in feed.texts],
        "cursor": f"{feed.marks.inbox}.{feed.marks.outbox}",
        "more": feed.more,
    }


@v1.get("/threads")
@operation("read", "threads", ThreadPage)
def list_threads(query: ThreadQuery) -> dict[str, Any]:
    """List threads, the one with the newest text first."""
    conditions = [threads_of(actor().clinics)]
    if query.state is not None:
        conditions.append(THREAD.c.state == query.state)
    if query.cursor is not None:
        conditions.append(thread_before(*place_of(query.cursor)))
    with office().database.reading() as connection:
        rows = connection.execute(threads_where(*conditions).limit(query.limit + 1)).all()
        page = rows[: query.limit]
        waiting = open_hand_overs(connection, [row.id for row in page])
    last: Row[Any] | None = page[-1] if len(rows) > query.limit else None
    return {
        "items": [thread_view(row, waiting.get(row.id), office().zone) for row in page],
        "cursor": None if last is None else cursor_of(last.last_text_at, last.id),
    }


@v1.get("/threads/<int(max=9007199254740991):thread_id>")
@operation("read", "threads", WholeThreadView, errors=(404,))
def get_thread(thread_id: int) -> dict[str, Any]:
    """Read a thread with its newest texts, oldest first."""
    return _thread(thread_id)


@v1.post("/threads/<int(max=9007199254740991):thread_id>/close")
@operation("messages", "threads", WholeThreadView, errors=(404,))
def close_thread(thread_id: int) -> dict[str, Any]:
    """Say that staff are done with a thread: what waited is closed, and the next text is the bot's again."""
    office().clerk.close_thread(actor(), thread_id, office().clock())
    return _thread(thread_id)


def _thread(thread_id: int) -> dict[str, Any]:
    with office().database.reading() as connection:
        row = connection.execute(threads_where(THREAD.c.id == thread_id, threads_of(actor().clinics))).first()
        if row is None:
            raise Unknown.because("no such thread")
        waiting = open_hand_overs(connection, [row.id]).get(row.id)
        texts = newest_texts(connection, row.id, SHOWN_WITH_A_THREAD)
    shown = [text_view(text, office().keys, office().zone) for text in texts]
    return {**thread_view(row, waiting, office().zone), "texts": shown}


def _number(written: str) -> str:
    """A number as the texts have it; what is none (a name that a sender wrote) is looked for as it is."""
    try:
        return e164(written, office().region)
    except ValueError:
        return written


def _marks(cursor: str | None) -> Marks:
    if cursor is None:
        return Marks()
    found = _MARKS.fullmatch(cursor)
    if found is None:
        raise Invalid.because("expected a cursor from an earlier answer", "after")
    return Marks(int(found[1]), int(found[2]))
