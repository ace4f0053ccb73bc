"""Engines, set up so that a small transaction costs little and a committed one is on the disk.

SQLite runs in WAL with `synchronous=FULL`, its writers begin with BEGIN IMMEDIATE and its readers never wait for them.
Those of PostgreSQL are in `models.postgresql`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

WAIT_FOR_LOCK = 5  # seconds until a statement that waits for another writer gives up (`database.is_conflict`)

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
ENGINE_SETTINGS: dict[str, Any] = {
    "query_cache_size": 2000,  # every statement of the house stays compiled
    "pool_size": 5,
    "hide_parameters": True,  # exceptions name no number and no name
    "json_serializer": json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode,
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
