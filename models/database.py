"""The database as the rest of the house sees it: transactions, readings, the schema's version, and what went wrong.

Everything uses Core connections; there is no ORM session. Instants are arguments, never `CURRENT_TIMESTAMP`.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakSet

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from models.engines import begin_lightly, sqlite_engine

FILE_NAME = "tekstari.db"
URL_EXPECTED = 'a database URL is "", "sqlite:///PATH" or "postgresql+psycopg://user@host/name"'
LONGEST_PAUSE = 5.0  # seconds between two tries to reach a database that is away

SQLITE_CONFLICTS = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
SQLITE_AWAY = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL}
POSTGRESQL_CONFLICTS = {"40001", "40P01", "55P03"}  # serialization failure, deadlock, lock timeout
POSTGRESQL_AWAY = ("08", "53", "57P", "25P03")  # connection, resources, shutdown or start-up, cut while idle


class Database:
    """The engines of one database: *writer* for transactions, *reader* for readings that cannot write."""

    def __init__(self, url: URL, writer: Engine, reader: Engine) -> None:
        self.url, self.writer, self.reader = url, writer, reader
        self._threads = threading.local()
        self._kept: WeakSet[Connection] = WeakSet()

    @property
    def is_sqlite(self) -> bool:
        """Whether this is a SQLite file (one writer at a time) and not PostgreSQL."""
        return self.writer.dialect.name == "sqlite"

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Connection]:
        """Everything done with the connection commits together when the block ends, or not at all when it raises.

        On SQLite it has the write lock from its first moment (BEGIN IMMEDIATE); on PostgreSQL it is READ COMMITTED.
        One that is not *durable* outlives the process, but is on the disk only with the next that is, or in a second.
        A thread has one at a time. Raises `OperationalError`: see `is_conflict` and `is_away`.
        """
        with (
            self._connection(self.writer, "writer") as connection,
            connection.begin() if durable else begin_lightly(connection),
        ):
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read-only view of one moment, which waits for no writer and holds none up."""
        with self._connection(self.reader, "reader") as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Close every connection. Call it when the threads that used them have ended."""
        for connection in tuple(self._kept):
            connection.close()
        self._threads = threading.local()
        self.writer.dispose()
        self.reader.dispose()

    def _connection(self, engine: Engine, name: str) -> AbstractContextManager[Connection]:
        """A pooled connection; on SQLite, where a pool saves nothing and costs 20 µs, the thread's own."""
        if not self.is_sqlite:
            return engine.connect()
        connection: Connection | None = getattr(self._threads, name, None)
        if connection is None:
            connection = engine.connect()
            setattr(self._threads, name, connection)
            self._kept.add(connection)
        return nullcontext(connection)


def connect(url: str, *, data_dir: Path) -> Database:
    """The database at *url*; an empty one means SQLite in *data_dir*. Makes no schema and connects to nothing yet.

    Raises `ValueError` for anything but SQLite and PostgreSQL, without quoting it: it may hold a password.
    """
    try:
        target = make_url(url) if url else URL.create("sqlite", database=str(data_dir / FILE_NAME))
    except ArgumentError:
        raise ValueError(URL_EXPECTED) from None
    match target.get_backend_name():
        case "sqlite":
            writer = sqlite_engine(target, begin="BEGIN IMMEDIATE")
            return Database(target, writer, sqlite_engine(target, begin="BEGIN", read_only=True))
        case "postgresql":
            from models.postgresql import postgresql_engine  # and with it the driver

            target = target.set(drivername="postgresql+psycopg")
            return Database(target, postgresql_engine(target), postgresql_engine(target, read_only=True))
        case _:
            raise ValueError(URL_EXPECTED)


class Log(Protocol):
    """The part of a structlog logger that waiting needs."""

    def warning(self, event: str, **fields: Any) -> Any:
        """Write one line."""


def wait_for_database(database: Database, log: Log, pause: Callable[[float], object] = time.sleep) -> bool:
    """Try until the database answers, saying so on the *log*. False when *pause* returned true: we are to stop.

    Give *pause* an event's `wait` to be stopped in the middle.
    """
    delay = 0.25
    while True:
        try:
            with database.writer.connect() as connection:
                connection.exec_driver_sql("SELECT 1")
            return True
        except (OperationalError, PoolTimeout) as error:
            log.warning("database_away", error=type(getattr(error, "orig", error)).__name__, again_in=delay)
        if pause(delay):
            return False
        delay = min(delay * 2, LONGEST_PAUSE)


def is_conflict(error: BaseException) -> bool:
    """Whether others were in the way (locked, deadlock, serialization): the same work may be done again at once."""
    original = _driver_error(error)
    if isinstance(original, sqlite3.Error):
        return _primary_code(original) in SQLITE_CONFLICTS
    return getattr(original, "sqlstate", None) in POSTGRESQL_CONFLICTS


def is_away(error: BaseException) -> bool:
    """Whether the database cannot be reached or has no room: the same work may succeed later."""
    if isinstance(error, PoolTimeout) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return True
    original = _driver_error(error)
    if isinstance(original, sqlite3.Error):
        return _primary_code(original) in SQLITE_AWAY
    if (state := getattr(original, "sqlstate", None)) is not None:
        return str(state).startswith(POSTGRESQL_AWAY)
    return isinstance(error, OperationalError)  # psycopg has no state for a connection that failed


def _driver_error(error: BaseException) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error


def _primary_code(error: sqlite3.Error) -> int:
    """The result code without its extension (sqlite.org/rescode.html)."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
