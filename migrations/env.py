"""What Alembic runs: one transaction on the connection that `models.steps` or `models.check` hands over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import Enum

from models.base import DOCUMENT, INTEGER, UtcDateTime
from models.schema import metadata

SHORT = {repr(INTEGER): "INTEGER", repr(DOCUMENT): "DOCUMENT", repr(UtcDateTime()): "UtcDateTime()"}


def render(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """How a written migration names the house's column types; an enum is its text, and its CHECK stands beside it."""
    if kind != "type":
        return False
    if isinstance(item, Enum):
        return f"sa.String({item.length})"
    return SHORT.get(repr(item), False)


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata(),
    render_as_batch=bool(context.get_head_revisions()),  # SQLite alters little in place; the first step alters nothing
    render_item=render,
    transactional_ddl=True,  # SQLite's is too, once the driver begins nothing by itself (models/engines.py)
)
context.run_migrations()
