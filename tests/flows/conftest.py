"""`clinic`: the whole service with one clinic, empty of patients, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.simulator.thread import CarrierThread
from models.database import Database, connect
from models.facts import IdentityRules
from models.schema import metadata, migrate
from tests.flows.clinic import Clinic
from tests.flows.service import Service
from tests.servers import PostgreSQL

KEPT = {"catalogue"}  # a single row, which only ever grows


@pytest.fixture(scope="session")
def carrier() -> Iterator[CarrierThread]:
    """A carrier, whose record grows from test to test."""
    with CarrierThread(retry_seconds=0.05) as carrier:
        yield carrier


@pytest.fixture(scope="session")
def _sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    yield from _migrated("", tmp_path_factory.mktemp("flows"))


@pytest.fixture(scope="session")
def _postgresql(postgresql_server: PostgreSQL) -> Iterator[Database]:
    postgresql_server.execute("CREATE DATABASE flows")
    yield from _migrated(postgresql_server.url("flows"), Path())


def _migrated(url: str, folder: Path) -> Iterator[Database]:
    database = connect(url, data_dir=folder)
    migrate(database)
    yield database
    database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """A migrated database without a row, the same for all tests of these flows: each kind once."""
    database: Database = request.getfixturevalue(f"_{request.param}")
    _empty(database)
    return database


@pytest.fixture
def clinic(database: Database, carrier: CarrierThread) -> Iterator[Clinic]:
    """A clinic that takes two facts for an identity."""
    with Service(database, carrier) as service:
        yield Clinic(service)


@pytest.fixture
def trusting_clinic(database: Database, carrier: CarrierThread) -> Iterator[Clinic]:
    """A clinic whose policy is "code_and_name"."""
    with Service(database, carrier, IdentityRules(policy="code_and_name")) as service:
        yield Clinic(service)


def _empty(database: Database) -> None:
    with database.transaction() as connection:
        for table in reversed(metadata().sorted_tables):
            if table.name not in KEPT:
                connection.execute(table.delete())
