"""`Many`: one change for many rows at once, by the quickest way of each database.

SQLite runs a statement row by row inside our own process: the driver's `executemany` is quickest when nothing stands
before it. PostgreSQL pays a message for every row: there the rows go as one array per column, in one statement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from operator import itemgetter
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Dialect, Table, bindparam, column, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.elements import ColumnElement

Cells = Mapping[str, ColumnElement[Any]]  # by name: what a row of values holds
Values = Mapping[str, Any]
Build = Callable[[Cells, bool], UpdateBase]
PLACE = "place"  # among the rows of an array


class Many:
    """A statement for rows of values. Call it with a connection and rows; it returns how many rows it changed.

    Where two rows of values are for the same row of a table, only one of them may take effect.
    """

    def __init__(self, columns: Mapping[str, Column[Any]], build: Build) -> None:
        """*columns*: what a row of values holds, each with the column whose type it has.

        *build* makes the statement of the cells; these are parameters, or, when it is told so, the columns of a table.
        """
        self._columns = columns
        self._build = build
        self._each: tuple[str, list[Callable[[Sequence[Values]], Any]]] | None = None
        self._together: UpdateBase | None = None
        self._returning: Any = None

    @classmethod
    def update(cls, build: Callable[[Cells], UpdateBase], **columns: Column[Any]) -> Many:
        """A change of rows."""
        return cls(columns, lambda cells, _: build(cells))

    @classmethod
    def insert(cls, table: Table, names: str, *, ignoring: Sequence[str] = ()) -> Many:
        """New rows with values for *names* (spaces between), but for those that are there by the columns *ignoring*."""
        columns = {name: table.c[name] for name in names.split()}
        return cls(columns, lambda cells, together: _insert(table, cells, together, ignoring))

    def __call__(self, connection: Connection, rows: Sequence[Values]) -> int:
        """Carry it out for *rows*, of which there may be none."""
        if not rows:
            return 0
        if connection.dialect.name == "postgresql":
            return connection.execute(self._for_all(), self._arrays(rows)).rowcount
        sql, parameters = self._for_each(connection.dialect)
        return connection.exec_driver_sql(sql, list(zip(*[each(rows) for each in parameters], strict=False))).rowcount

    def ids(self, connection: Connection, rows: Sequence[Values]) -> list[int]:
        """Insert *rows* in their order, ignoring none; returns the ids that they got, which rise."""
        if not rows:
            return []
        if connection.dialect.name == "postgresql":
            if self._returning is None:
                self._returning = self._for_all().returning(column("id", BigInteger))
            return sorted(row[0] for row in connection.execute(self._returning, self._arrays(rows)))
        self(connection, rows)
        # We alone write, and AUTOINCREMENT takes the next id each time (sqlite.org/autoinc.html).
        last = connection.exec_driver_sql("SELECT last_insert_rowid()").scalar_one()
        return list(range(last - len(rows) + 1, last + 1))

    def _arrays(self, rows: Sequence[Values]) -> dict[str, list[Any]]:
        return {f"all_{name}": [row[name] for row in rows] for name in self._columns}

    def _for_all(self) -> UpdateBase:
        if self._together is None:
            arrays = [bindparam(f"all_{name}", type_=ARRAY(column.type)) for name, column in self._columns.items()]
            given = func.unnest(*arrays).table_valued(*self._columns, with_ordinality=PLACE, name="given")
            statement = self._build(dict(given.render_derived().c), True)
            self._together = statement.execution_options(preserve_rowcount=True)  # of an INSERT too
        return self._together

    def _for_each(self, dialect: Dialect) -> tuple[str, list[Callable[[Sequence[Values]], Any]]]:
        """The SQL, and how the values of each of its parameters come from the rows."""
        if self._each is None:
            cells = {name: bindparam(name, type_=column.type) for name, column in self._columns.items()}
            compiled: Any = self._build(cells, False).compile(dialect=dialect)
            fixed, processors = compiled.construct_params(_check=False), compiled._bind_processors
            fixed |= {column.key: column.default.arg for column in compiled.insert_prefetch}
            self._each = (
                str(compiled),
                [
                    _given(name, processors.get(name)) if name in cells else _fixed(fixed[name], processors.get(name))
                    for name in compiled.positiontup
                ],
            )
        return self._each


def _given(name: str, process: Callable[[Any], Any] | None) -> Callable[[Sequence[Values]], Any]:
    get = itemgetter(name)
    return (lambda rows: map(get, rows)) if process is None else (lambda rows: map(process, map(get, rows)))


def _fixed(value: Any, process: Callable[[Any], Any] | None) -> Callable[[Sequence[Values]], Any]:
    ready = value if process is None else process(value)
    return lambda _: repeat(ready)


def _insert(table: Table, cells: Cells, together: bool, ignoring: Sequence[str]) -> UpdateBase:
    if not together:
        each = sqlite.insert(table).values({name: cells[name] for name in cells})
        return each.on_conflict_do_nothing(index_elements=ignoring) if ignoring else each
    names = [name for name in cells if name != PLACE]
    rows = select(*(cells[name] for name in names)).order_by(cells[PLACE])  # so that ids rise in this order
    new = postgresql.insert(table).from_select(names, rows)
    return new.on_conflict_do_nothing(index_elements=ignoring) if ignoring else new
