"""The schema's version: brought to what the code needs before a process works, by whichever process comes first."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData

from models import audit, clinic, patient, post, schedule, staff
from models.base import Base
from models.database import Database
from models.engines import sqlite_engine

SCRIPTS = Path(__file__).resolve().parent.parent / "migrations"
POSTGRESQL_LOCK = 0x74656B73746172  # "tekstar": the advisory lock that migrating processes take in turn
TABLE_MODULES = (audit, clinic, patient, post, schedule, staff)  # importing them is what fills `Base.metadata`


class SchemaTooNew(Exception):
    """The database was migrated by a newer release. This one would not understand it and must not start."""


def metadata() -> MetaData:
    """All tables of the house."""
    return Base.metadata


def migrate(database: Database, revision: str = "head") -> None:
    """Bring the schema up to *revision*. Processes that start together wait here for the first of them.

    Raises `SchemaTooNew`. A migration that fails leaves the schema as it was.
    """
    with _alone(database), _migrator(database) as engine, engine.begin() as connection:
        _refuse_newer(connection)
        command.upgrade(configuration(connection), revision)
        _refuse_broken_references(connection)


def downgrade(database: Database, revision: str) -> None:
    """Take the schema back to *revision* ("base" empties it). Data that the older schema has no place for is lost."""
    with _alone(database), _migrator(database) as engine, engine.begin() as connection:
        command.downgrade(configuration(connection), revision)
        _refuse_broken_references(connection)


def configuration(connection: Connection) -> Config:
    """Alembic's configuration for work on *connection*, found from this file and not from the working directory."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    return config


def _refuse_newer(connection: Connection) -> None:
    known = {script.revision for script in ScriptDirectory(str(SCRIPTS)).walk_revisions()}
    found = set(MigrationContext.configure(connection).get_current_heads())
    if found - known:
        newest = max(known, default="none")
        raise SchemaTooNew(f"the database has schema {', '.join(sorted(found))}; this release knows up to {newest}")


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """Hold the lock that one migrating process has at a time; after a crash the system or the server frees it."""
    if database.is_sqlite:
        with open(f"{database.url.database}.migrating", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        return
    with database.writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SET lock_timeout = 0")  # here we wait as long as it takes
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({POSTGRESQL_LOCK})")
        try:
            yield
        finally:
            connection.exec_driver_sql(f"SELECT pg_advisory_unlock({POSTGRESQL_LOCK})")
            connection.exec_driver_sql("RESET lock_timeout")


@contextmanager
def _migrator(database: Database) -> Iterator[Engine]:
    """The writer; on SQLite one that lets a batch migration put a new table in the place of one that is referred to."""
    if not database.is_sqlite:
        yield database.writer
        return
    engine = sqlite_engine(database.url, begin="BEGIN IMMEDIATE", foreign_keys=False)
    try:
        yield engine
    finally:
        engine.dispose()


def _refuse_broken_references(connection: Connection) -> None:
    """Undo a migration on SQLite that left a row referring to nothing: its foreign keys were off meanwhile."""
    if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise RuntimeError("a migration left rows that refer to missing ones")
