"""What every test may ask for: a migrated, empty database on SQLite and on a real PostgreSQL, and a real Valkey.

A server that cannot start fails the test that needs it; nothing is skipped. Each xdist worker has servers of its own.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from models.database import FILE_NAME, Database, connect
from models.schema import migrate
from tests.servers import PostgreSQL, Valkey

TEMPLATE = "migrated"
NUMBERS = count(1)


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
    database = connect("", data_dir=tmp_path)
    yield database
    database.close()


@pytest.fixture
def postgresql_database(_postgresql_template: str, postgresql_server: PostgreSQL) -> Iterator[Database]:
    """A migrated, empty PostgreSQL database; whoever is still connected at the end of the test is cut off."""
    name = f"test_{next(NUMBERS)}"
    postgresql_server.execute(f"CREATE DATABASE {name} TEMPLATE {_postgresql_template}")
    database = connect(postgresql_server.url(name), data_dir=Path())
    yield database
    database.close()
    postgresql_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """A migrated, empty database: the test runs once on each kind."""
    return request.getfixturevalue(f"{request.param}_database")


@pytest.fixture
def valkey(valkey_server: Valkey) -> Valkey:
    """An empty Valkey; its `url` is what redis-py and RQ take."""
    valkey_server.flush()
    return valkey_server
