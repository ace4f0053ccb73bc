"""The schema's steps up and down, walked by Alembic: imported only when there is one to take, for it weighs 20 MB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine

from models.database import Database
from models.engines import sqlite_engine
from models.schema import SCRIPTS


def upgrade(database: Database) -> None:
    """Take every step up that the database has not taken, all of them or none."""
    with _work(database) as connection:
        command.upgrade(configuration(connection), "head")


def downgrade(database: Database, revision: str) -> None:
    """Go back to *revision* ("base" empties the database). Data that the older schema has no place for is lost."""
    with _work(database) as connection:
        command.downgrade(configuration(connection), revision)


def configuration(connection: Connection) -> Config:
    """Alembic's configuration for work on *connection*, found from this file and not from the working directory."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    return config


@contextmanager
def _work(database: Database) -> Iterator[Connection]:
    with _engine(database) as engine, engine.begin() as connection:
        yield connection
        _refuse_broken_references(connection)


@contextmanager
def _engine(database: Database) -> Iterator[Engine]:
    """The writer; on SQLite one that lets a step put a new table in the place of one that is referred to."""
    if not database.is_sqlite:
        yield database.writer
        return
    engine = sqlite_engine(database.url, begin="BEGIN IMMEDIATE", foreign_keys=False)
    try:
        yield engine
    finally:
        engine.dispose()


def _refuse_broken_references(connection: Connection) -> None:
    """Undo a step on SQLite that left a row referring to nothing: its foreign keys were off meanwhile."""
    if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise RuntimeError("a migration left rows that refer to missing ones")
