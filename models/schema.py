"""The schema's version: brought to what the code needs before a process works, by whichever process comes first."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import MetaData, inspect

from models import audit, clinic, event, offer, patient, post, schedule, staff, timed
from models.base import Base
from models.database import Database

SCRIPTS = Path(__file__).resolve().parent.parent / "migrations"
VERSION_TABLE = "alembic_version"
POSTGRESQL_LOCK = 0x74656B73746172  # "tekstar": the advisory lock that migrating processes take in turn
# Importing them is what fills `Base.metadata`.
TABLE_MODULES = (audit, clinic, event, offer, patient, post, schedule, staff, timed)


class SchemaTooNew(Exception):
    """The database was migrated by a newer release. This one would not understand it and must not start."""


def metadata() -> MetaData:
    """All tables of the house."""
    return Base.metadata


def newest() -> str:
    """The version that this code needs: the number of the last step ("0001" is the first)."""
    return max((step.name[:4] for step in (SCRIPTS / "versions").glob("[0-9]*.py")), default="")


def version(database: Database) -> str:
    """The version that *database* has; empty when it has none."""
    with database.reading() as connection:
        if not inspect(connection).has_table(VERSION_TABLE):
            return ""
        return connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar() or ""


def migrate(database: Database) -> None:
    """Bring *database* to the newest version. Processes that start together wait here for the first of them.

    Raises `SchemaTooNew`. A migration that fails leaves the schema as it was.
    """
    if _is_newest(database):
        return
    from models import steps  # heavy, and needed once in a release

    with _alone(database):
        if not _is_newest(database):
            steps.upgrade(database)


def _is_newest(database: Database) -> bool:
    found, needed = version(database), newest()
    if found > needed:
        raise SchemaTooNew(f"the database has schema {found}, this release knows up to {needed}: install the newer one")
    return found == needed


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
