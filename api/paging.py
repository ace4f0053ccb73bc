"""Lists in pages: an opaque cursor that says where the next page begins, and times in the query."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, date, datetime, time
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from handlers.entries import EARLIEST, LATEST
from handlers.refusals import Invalid

MOST = 1000
_DIGITS = {str(digit) for digit in range(10)}


def _limit(value: Any) -> Any:
    """Take only digits: a query holds text, and "1e2" or " 5" is a slip."""
    if isinstance(value, str) and not (value and set(value) <= _DIGITS):
        raise ValueError(f"expected a whole number 1-{MOST}")
    return value


def _moment(value: Any) -> Any:
    """Take a day or an RFC 3339 time, also one whose + came as a space because it was not escaped."""
    moment = _written(value) if isinstance(value, str) else None
    if moment is None or not EARLIEST <= moment.year <= LATEST:
        raise ValueError("expected a day such as 2026-03-02 or a time with offset")
    return moment


def _written(value: str) -> datetime | date | None:
    try:
        if len(value) == len("2026-03-02"):
            return date.fromisoformat(value)
        moment = datetime.fromisoformat(value.replace(" ", "+"))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


Moment = Annotated[datetime | date, BeforeValidator(_moment)]
Limit = Annotated[int, BeforeValidator(_limit), Field(ge=1, le=MOST)]


class Query(BaseModel):
    """The query of a list. Unknown parameters are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(Query):
    """Which page of a list."""

    cursor: Annotated[str, Field(max_length=100)] | None = Field(default=None, description="from the page before")
    limit: Limit = 100


def instant(moment: datetime | date, zone: ZoneInfo) -> datetime:
    """The moment in UTC; a day is its first instant in *zone*."""
    if isinstance(moment, datetime):
        return moment.astimezone(UTC)
    return datetime.combine(moment, time(), zone).astimezone(UTC)


def cursor_of(moment: datetime, id_: int) -> str:
    """A cursor that stands behind this row of a list by time."""
    microseconds = int(moment.timestamp() * 1_000_000)
    return base64.urlsafe_b64encode(f"{microseconds}.{id_}".encode()).decode().rstrip("=")


def place_of(cursor: str) -> tuple[datetime, int]:
    """The row that *cursor* stands behind. Raises `Invalid`."""
    try:
        plain = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        microseconds, id_ = plain.split(".")
        return datetime.fromtimestamp(int(microseconds) / 1_000_000, UTC), _id(id_)
    except (ValueError, binascii.Error, OverflowError, OSError):
        raise Invalid.because("expected a cursor from an earlier answer", "cursor") from None


def _id(digits: str) -> int:
    if len(digits) > 18:
        raise ValueError
    return int(digits)
