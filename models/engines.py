"""Engines for the two databases, set up so that a small transaction costs little and a committed one is on the disk.

SQLite runs in WAL with `synchronous=FULL`, its writers begin with BEGIN IMMEDIATE and its readers never wait for them.
PostgreSQL runs by psycopg 3 with its defaults for durability.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.array import ListBinaryDumper
from psycopg.types.numeric import Int8BinaryDumper, Int8Dumper
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

WAIT_FOR_LOCK = 5  # seconds until a statement that waits for another writer gives up (`database.is_conflict`)
IDLE_BEFORE_PING = 5.0  # seconds after which a pooled connection is asked whether it still lives

SQLITE_PRAGMAS = (
    f"busy_timeout = {WAIT_FOR_LOCK * 1000}",  # first: the others may wait for a process that starts beside us
    "journal_mode = WAL",
    "synchronous = FULL",  # a commit is on the disk before the carrier hears of it
    "foreign_keys = ON",
    "secure_delete = ON",  # wiped octets do not stay readable in free pages
    "temp_store = MEMORY",  # no sorted texts in temporary files
    "cache_size = -4096",  # KiB for each of a process's two connections; no mmap, which would count as its memory
    f"journal_size_limit = {64 * 1024 * 1024}",  # the WAL shrinks again after a burst
)
POSTGRESQL_OPTIONS = " ".join(
    f"-c {setting}"
    for setting in (
        "timezone=UTC",
        f"lock_timeout={WAIT_FOR_LOCK}s",
        "idle_in_transaction_session_timeout=60s",
        # Plans are kept, also those by which keys are checked. One made while a table was small would read it from end
        # to end ever after, until somebody analyses it; every statement of ours has an index to go by.
        "enable_seqscan=off",
    )
)
POSTGRESQL_ARGUMENTS = {  # of libpq: a dead server or path is noticed within seconds, not after the kernel's two hours
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "application_name": "tekstari",
}
ENGINE_SETTINGS: dict[str, Any] = {
    "query_cache_size": 2000,  # every statement of the house stays compiled
    "pool_size": 5,
    "hide_parameters": True,  # exceptions name no number and no name
    "json_serializer": partial(json.dumps, ensure_ascii=False, separators=(",", ":")),
}


def sqlite_engine(url: URL, *, begin: str, read_only: bool = False, foreign_keys: bool = True) -> Engine:
    """An engine on a SQLite file whose transactions start with *begin*; the file is its owner's alone (0600)."""
    if not url.database or url.database == ":memory:":
        raise ValueError("SQLite needs a file: other processes read it too")
    _private_file(Path(url.database))
    # No skip_autocommit_rollback here: it takes `isolation_level = None` for autocommit and leaves transactions open.
    engine = create_engine(url, max_overflow=-1, **ENGINE_SETTINGS)
    own = ("query_only = ON",) * read_only + ("foreign_keys = OFF",) * (not foreign_keys)

    @event.listens_for(engine, "connect")
    def set_up(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        cursor = connection.cursor()
        for pragma in (*SQLITE_PRAGMAS, *own):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Connection) -> None:
        try:
            connection.connection.driver_connection.execute(begin)  # type: ignore[union-attr]
        except sqlite3.OperationalError as error:  # by the driver it costs a third of `exec_driver_sql`
            raise OperationalError(begin, None, error) from error

    return engine


def postgresql_engine(url: URL, *, read_only: bool = False) -> Engine:
    """An engine on PostgreSQL: READ COMMITTED, or with *read_only* one unchanging snapshot for each transaction."""
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True} if read_only else {}
    arguments = POSTGRESQL_ARGUMENTS | {"options": POSTGRESQL_OPTIONS}
    given = {name: value for name, value in arguments.items() if name not in url.query}
    engine = create_engine(
        url, connect_args=given, execution_options=options, max_overflow=15, pool_timeout=5, **ENGINE_SETTINGS
    )
    event.listen(engine, "connect", _keep_statements_prepared)
    event.listen(engine, "checkin", _remember_use)
    event.listen(engine, "checkout", _ping_after_idling)
    event.listen(engine, "handle_error", _leave_out_values)
    return engine


@contextlib.contextmanager
def begin_lightly(connection: Connection) -> Iterator[None]:
    """A transaction whose commit does not wait for the disk."""
    if connection.dialect.name == "postgresql":
        with connection.begin():
            connection.exec_driver_sql("SET LOCAL synchronous_commit TO OFF")
            yield
        return
    pragma: Any = connection.connection.driver_connection
    pragma.execute("PRAGMA synchronous = NORMAL")  # not within a transaction (sqlite.org/pragma.html)
    try:
        with connection.begin():
            yield
    finally:
        pragma.execute("PRAGMA synchronous = FULL")


def _private_file(path: Path) -> None:
    """Make the file (and its directory) before SQLite does, which would let everybody read it.

    One that is there is never opened: closing it would drop every lock that this process has on it, and the next
    process to leave would take the log away under us, with all that we commit from then on
    (sqlite.org/howtocorrupt.html, section 2.2).
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _keep_statements_prepared(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Let each statement be one prepared statement: psycopg's width of integers by value would make many of it.

    Lists go in binary form, which of times and octets takes a tenth of the time to write.
    """
    for kind, dumper in ((int, Int8BinaryDumper), (int, Int8Dumper), (list, ListBinaryDumper)):  # the last one counts
        connection.adapters.register_dumper(kind, dumper)
    connection.prepared_max = 500


def _remember_use(_connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
    entry.info["used_at"] = time.monotonic()


def _ping_after_idling(connection: DBAPIConnection, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
    """Replace a connection that died while nobody used it; one in steady use is never asked, which costs nothing."""
    if time.monotonic() - entry.info.get("used_at", time.monotonic()) < IDLE_BEFORE_PING:
        return
    try:
        connection.cursor().execute("SELECT 1")
        connection.rollback()
    except psycopg.Error as error:
        raise DisconnectionError from error


def _leave_out_values(context: ExceptionContext) -> None:
    """Cut the server's DETAIL out of an error: "Key (number)=(+358…) already exists" would reach the log."""
    original, wrapped = context.original_exception, context.sqlalchemy_exception
    if isinstance(original, psycopg.Error) and original.diag.message_detail and wrapped:
        original.args = (original.diag.message_primary,)
        wrapped.args = (f"({type(original).__name__}) {original.diag.message_primary}",)
