"""Engines for PostgreSQL: psycopg 3 with its defaults for durability.

Imported only where a database is one: the driver takes 10 MiB, which no clinic on SQLite need give.
"""

from __future__ import annotations

import time

import psycopg
from psycopg.types.array import ListBinaryDumper
from psycopg.types.numeric import Int8BinaryDumper, Int8Dumper
from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from models.engines import ENGINE_SETTINGS, WAIT_FOR_LOCK

IDLE_BEFORE_PING = 5.0  # seconds after which a pooled connection is asked whether it still lives
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
