"""What every table shares: names of constraints, and how Python types become columns on SQLite and PostgreSQL."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Dialect,
    Enum,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    literal_column,
    or_,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeDecorator, TypeEngine

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LONGEST_STATE = 32  # characters: fixed, so that a new member of an enum never widens its column

CONSTRAINT_NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware on the way in (anything naive is refused), aware UTC on the way out.

    PostgreSQL keeps a timestamptz. SQLite keeps whole microseconds since 1970 as an integer, which sorts, compares
    and indexes as the instants do and is the quickest to write; `datetime(x / 1000000, 'unixepoch')` shows it.
    """

    impl = BigInteger
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """The type of the values: `datetime`."""
        return datetime

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column's own type on *dialect*."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(BigInteger())

    # The processors are overridden instead of `process_bind_param`: one Python call per value, not three.
    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        """How an instant is written on *dialect*. Raises `ValueError` for one without a zone."""
        return _checked if dialect.name == "postgresql" else _to_microseconds

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:  # noqa: ARG002
        """How an instant is read on *dialect*."""
        return _to_utc if dialect.name == "postgresql" else _from_microseconds

    def literal_processor(self, dialect: Dialect) -> Callable[[datetime | None], str]:
        """The instant as SQL text, for server defaults and the clauses of indexes."""
        return _quoted if dialect.name == "postgresql" else lambda value: str(_to_microseconds(value))


def _checked(value: datetime | None) -> datetime | None:
    if value is not None and value.tzinfo is None:
        raise ValueError("an instant needs a zone")
    return value


def _quoted(value: datetime | None) -> str:
    return f"'{_checked(value)}'"


def _to_microseconds(value: datetime | None) -> int | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("an instant needs a zone")
    return (value - EPOCH) // MICROSECOND


def _from_microseconds(value: int | None) -> datetime | None:
    return None if value is None else EPOCH + timedelta(microseconds=value)


def _to_utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


INTEGER = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows by itself only for INTEGER
DOCUMENT = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

Instant = Annotated[datetime, "instant"]
Json = Annotated[dict[str, Any] | list[Any], "json"]
Sealed = Annotated[bytes, "sealed"]  # made by crypto.seal_text, bound to its table, column and row
Digest = Annotated[bytes, "digest"]  # made by crypto.Keys.blind: finds equal values, tells nothing else


def fixed(state: enum.StrEnum | str) -> ColumnElement[Any]:
    """*state* written into the SQL itself: a partial index serves a query only where both say the same in full."""
    return literal_column(f"'{state}'")


class Base(DeclarativeBase):
    """The base of all tables. `Mapped[SomeStrEnum]` is a short text that a CHECK keeps to the enum's values."""

    metadata = MetaData(naming_convention=CONSTRAINT_NAMES)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own declaration of it
        int: INTEGER,
        bytes: LargeBinary(),
        enum.Enum: Enum(
            enum.Enum,
            native_enum=False,
            create_constraint=False,
            length=LONGEST_STATE,
            values_callable=lambda members: [str(member.value) for member in members],
        ),
        Instant: UtcDateTime(),
        Json: DOCUMENT,
        Sealed: LargeBinary(),
        Digest: LargeBinary(),
    }

    def __init_subclass__(cls, **options: Any) -> None:
        """Add a CHECK per enum column, named after it: `Enum`'s own would clash where a table has two of one enum.

        And never give an id a second time, even when its row was deleted: SQLite would, and an audit line or an outbox
        key that names it would then speak of another row.
        """
        super().__init_subclass__(**options)
        table: Table | None = cls.__dict__.get("__table__")
        if table is None:  # an abstract class
            return
        if [column.name for column in table.primary_key] == ["id"]:
            table.dialect_kwargs["sqlite_autoincrement"] = True
        for column in table.columns:
            if isinstance(column.type, Enum):
                # Not IN: for every row that is written SQLite would build a table of the list.
                known = or_(*(column == state for state in column.type.enums))
                table.append_constraint(CheckConstraint(known, name=f"{column.name}_is_known"))
