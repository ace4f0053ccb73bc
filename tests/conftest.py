"""What every test may ask for: a migrated, empty database on SQLite and on a real PostgreSQL, and a real Valkey.

A server that cannot start fails the test that needs it; nothing is skipped. Each xdist worker has servers of its own.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from models.database import FILE_NAME, Database, connect
from models.schema import migrate
from tests.servers import PostgreSQL, Valkey

TEMPLATE = "migrated"
SMALL = 128 * 1024  # octets of a table whose rows are deleted; TRUNCATE makes new files for it and each of its indexes
EMPTY = f"""
DO $$
DECLARE name text; filled boolean; large text[] := ARRAY[]::text[];
BEGIN
  PERFORM set_config('session_replication_role', 'replica', true);  -- in any order: foreign keys are not looked at
  PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
  EXECUTE (SELECT format('LOCK TABLE %s IN EXCLUSIVE MODE', string_agg(format('%I', tablename), ', '))
    FROM pg_tables WHERE schemaname = 'public');  -- what they were committing is in
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', name) INTO filled;
    IF filled AND pg_relation_size(format('%I', name)) > {SMALL} THEN large := large || format('%I', name);
    ELSIF filled THEN EXECUTE format('DELETE FROM %I', name);
    END IF;
  END LOOP;
  IF cardinality(large) > 0 THEN EXECUTE 'TRUNCATE ' || array_to_string(large, ', ') || ' CASCADE'; END IF;
  PERFORM setval(format('%I', sequencename), start_value, false)
    FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL;
END $$
"""
SHAPE = """
SELECT (SELECT string_agg(relname || relkind::text, ',' ORDER BY relname, oid)
          FROM pg_class WHERE relnamespace = 'public'::regnamespace),
       (SELECT string_agg(concat(attrelid, attname, atttypid, attnotnull), ',' ORDER BY attrelid, attnum)
          FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
         WHERE relnamespace = 'public'::regnamespace AND attnum > 0),
       (SELECT string_agg(conname || pg_get_constraintdef(oid), ',' ORDER BY conname, oid)
          FROM pg_constraint WHERE connamespace = 'public'::regnamespace),
       (SELECT count(*) FROM pg_attrdef),
       (SELECT max(version_num) FROM alembic_version)
"""


class CompiledStatements(dict[tuple[Any, ...], Any]):
    """SQLAlchemy's cache of compiled statements, for all engines of a kind: compiling costs a short test more than its
    statements do, and an engine of its own would begin with nothing."""

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return super().get((key[0].name, *key[1:]), default)  # key[0] is the engine's dialect, one object of many alike

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        super().__setitem__((key[0].name, *key[1:]), compiled)


COMPILED = CompiledStatements()


def opened(url: str, data_dir: Path) -> Database:
    """The database at *url* as `connect` gives it, but with the statements compiled that earlier tests used."""
    database = connect(url, data_dir=data_dir)
    for engine in (database.writer, database.reader):
        engine.update_execution_options(compiled_cache=COMPILED)
    return database


class SharedDatabase:
    """One database that many tests use in turn: emptied in milliseconds, where making a new one takes tenths."""

    def __init__(self, server: PostgreSQL, template: str) -> None:
        self._server, self._template = server, template
        self._numbers = count(1)
        self._make()
        self._shape = self._look()

    def empty(self) -> None:
        """Cut off whoever is connected and delete every row; a test that changed the schema costs a new database."""
        try:
            self._connection.execute(EMPTY)
            as_before = self._look() == self._shape
        except psycopg.Error:
            as_before = False
        if not as_before:
            self.close()
            self._server.execute(f"DROP DATABASE {self._name} WITH (FORCE)")
            self._make()
            self._shape = self._look()

    def close(self) -> None:
        """Leave the database as it is."""
        self._connection.close()

    def _make(self) -> None:
        self._name = f"test_{next(self._numbers)}"
        self._server.execute(f"CREATE DATABASE {self._name} TEMPLATE {self._template}")
        self.url = self._server.url(self._name)
        where = {"host": str(self._server.directory), "user": "postgres", "dbname": self._name}
        self._connection = psycopg.connect(**where, autocommit=True)  # kept: a new one reads the catalogue anew

    def _look(self) -> object:
        return self._connection.execute(SHAPE).fetchone()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQL]:
    """A running PostgreSQL that does not wait for the disk. Tests of durability start one with `durable=True`."""
    with PostgreSQL() as server:
        yield server


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Valkey]:
    """A running Valkey. Take `valkey` where it should be empty."""
    with Valkey() as server:
        yield server


@pytest.fixture(scope="session")
def _postgresql_template(postgresql_server: PostgreSQL) -> str:
    postgresql_server.execute(f"CREATE DATABASE {TEMPLATE}")
    database = connect(postgresql_server.url(TEMPLATE), data_dir=Path())
    migrate(database)
    database.close()  # a database that somebody is connected to cannot be copied
    return TEMPLATE


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("migrated")
    database = connect("", data_dir=directory)
    migrate(database)
    database.close()
    return directory / FILE_NAME


@pytest.fixture
def sqlite_database(_sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A migrated, empty SQLite database in *tmp_path*; `database.url` opens it from another process."""
    shutil.copy(_sqlite_template, tmp_path / FILE_NAME)
    database = opened("", tmp_path)
    yield database
    database.close()


@pytest.fixture(scope="session")
def _shared_postgresql(_postgresql_template: str, postgresql_server: PostgreSQL) -> Iterator[SharedDatabase]:
    with closing(SharedDatabase(postgresql_server, _postgresql_template)) as shared:
        yield shared


@pytest.fixture
def postgresql_database(_shared_postgresql: SharedDatabase) -> Iterator[Database]:
    """A migrated, empty PostgreSQL database; whoever is still connected at the end of the test is cut off."""
    database = opened(_shared_postgresql.url, Path())
    yield database
    database.close()
    _shared_postgresql.empty()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """A migrated, empty database: the test runs once on each kind."""
    return request.getfixturevalue(f"{request.param}_database")


@pytest.fixture
def valkey(valkey_server: Valkey) -> Valkey:
    """An empty Valkey; its `url` is what redis-py and RQ take."""
    valkey_server.flush()
    return valkey_server
