"""Writing rows that are known by the clinic system's own key: idempotent, with a version that tells who saw what."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, insert, select, update


class StaleVersion(Exception):
    """The row is not at the version that the writer had seen."""


@dataclass(frozen=True, slots=True)
class Put:
    """What became of a row: *created*, *changed* or neither, and its version now."""

    id: int
    version: int
    created: bool
    changed: bool


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold before the write: the row's *versions* (If-Match), or that there is none (*absent*)."""

    versions: frozenset[int] | None = None
    absent: bool = False

    def check(self, version: int | None) -> None:
        """Raise `StaleVersion` unless a row at *version* (None: no row) may be written."""
        if self.absent and version is not None:
            raise StaleVersion
        if self.versions is not None and version not in self.versions:
            raise StaleVersion

    @property
    def names_a_version(self) -> bool:
        """Whether the writer says which state they have seen."""
        return self.versions is not None


ANY = Condition()


def find(connection: Connection, table: Table, key: str, *, lock: bool = False) -> Row[Any] | None:
    """The row of *table* with this key; *lock* keeps it as it is until the transaction ends."""
    query = select(table).where(table.c.key == key)
    return connection.execute(query.with_for_update() if lock else query).first()


def ids_by_key(connection: Connection, table: Table, keys: Collection[str]) -> dict[str, int]:
    """The ids of those keys that there are."""
    if not keys:
        return {}
    rows = connection.execute(select(table.c.key, table.c.id).where(table.c.key.in_(keys)))
    return {row[0]: row[1] for row in rows}


def keys_by_id(connection: Connection, table: Table, ids: Collection[int | None]) -> dict[int | None, str]:
    """The clinic system's own keys of these rows; None has none."""
    wanted = {id_ for id_ in ids if id_ is not None}
    if not wanted:
        return {}
    rows = connection.execute(select(table.c.id, table.c.key).where(table.c.id.in_(wanted)))
    return {row[0]: row[1] for row in rows}


def put(
    connection: Connection,
    table: Table,
    key: str,
    values: Mapping[str, Any],
    *,
    only_new: Mapping[str, Any] | None = None,
    condition: Condition = ANY,
) -> Put:
    """Make the row with this key, or bring it to *values*; *only_new* is written only to a new one.

    A row that has these values already keeps its version. Raises `StaleVersion`.
    """
    row = find(connection, table, key, lock=True)
    condition.check(None if row is None else row.version)
    if row is None:
        return Put(insert_row(connection, table, {"key": key, **values, **(only_new or {})}), 1, True, True)
    if all(getattr(row, name) == value for name, value in values.items()):
        return Put(row.id, row.version, False, False)
    change(connection, table, row.id, row.version, values)
    return Put(row.id, row.version + 1, False, True)


def insert_row(connection: Connection, table: Table, values: Mapping[str, Any]) -> int:
    """Insert one row and return its id."""
    return int(connection.execute(insert(table).values(**values).returning(table.c.id)).scalar_one())


def change(connection: Connection, table: Table, id_: int, version: int, values: Mapping[str, Any]) -> None:
    """Write *values* to the row if it is still at *version*, and count the version up. Raises `StaleVersion`."""
    written = connection.execute(
        update(table).where(table.c.id == id_, table.c.version == version).values(**values, version=version + 1)
    )
    if written.rowcount != 1:
        raise StaleVersion
