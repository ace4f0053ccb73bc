from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pkgutil import iter_modules

import pytest
from sqlalchemy import inspect

import models
from models.check import describe, differences
from models.database import Database, connect
from models.schema import VERSION_TABLE, SchemaTooNew, metadata, migrate, newest, version
from models.steps import downgrade, upgrade

STARTER = """
import sys
from pathlib import Path
from models.database import connect
from models.schema import migrate
migrate(connect(sys.argv[1], data_dir=Path()))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request, tmp_path):
    """A database without any table."""
    if request.param == "sqlite":
        database = connect("", data_dir=tmp_path)
        yield database
        database.close()
        return
    server = request.getfixturevalue("postgresql_server")
    server.execute("CREATE DATABASE bare")
    database = connect(server.url("bare"), data_dir=tmp_path)
    yield database
    database.close()
    server.execute("DROP DATABASE bare WITH (FORCE)")


def tables(database: Database) -> set[str]:
    return set(inspect(database.writer).get_table_names()) - {VERSION_TABLE}


def test_the_migrations_make_every_table(empty):
    migrate(empty)

    assert tables(empty) == set(metadata().tables)
    assert version(empty) == newest()


def test_a_module_that_defines_tables_is_known_to_the_migrations():
    known = set(metadata().tables)

    for module in iter_modules(models.__path__):
        import_module(f"models.{module.name}")

    assert set(metadata().tables) == known


def test_migrating_again_changes_nothing(database):
    before = tables(database)

    migrate(database)

    assert tables(database) == before


def test_the_schema_can_be_taken_back_and_brought_forward_again(database):
    downgrade(database, "base")
    assert tables(database) == set()

    migrate(database)
    assert tables(database) == set(metadata().tables)


def test_processes_that_start_together_migrate_once(empty):
    url = empty.url.render_as_string(hide_password=False)

    starters = [
        subprocess.Popen([sys.executable, "-c", STARTER, url], stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    said = [starter.communicate()[1] for starter in starters]

    assert [starter.returncode for starter in starters] == [0] * 3, said
    assert tables(empty) == set(metadata().tables)


def test_a_schema_newer_than_the_code_stops_the_start(database):
    with database.transaction() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(SchemaTooNew, match="9999"):
        migrate(database)


def test_a_database_that_is_up_to_date_is_opened_without_the_weight_of_alembic(sqlite_database):
    url = sqlite_database.url.render_as_string(hide_password=False)

    asked = subprocess.run(
        [sys.executable, "-c", f"{STARTER}\nprint('alembic' in sys.modules)", url], capture_output=True, text=True
    )

    assert asked.stdout == "False\n"


def test_walking_the_steps_again_changes_nothing(database):
    before = describe(database)

    upgrade(database)

    assert describe(database) == before


def test_a_step_that_leaves_a_row_referring_to_nothing_is_undone(sqlite_database, monkeypatch):
    def leave_an_orphan(configuration, _revision):
        configuration.attributes["connection"].exec_driver_sql("INSERT INTO slot_service VALUES (1, 1)")

    monkeypatch.setattr("models.steps.command.upgrade", leave_an_orphan)

    with pytest.raises(RuntimeError, match="refer to missing"):
        upgrade(sqlite_database)

    with sqlite_database.reading() as connection:
        assert connection.exec_driver_sql("SELECT * FROM slot_service").all() == []


def test_a_failing_migration_leaves_the_schema_as_it_was(empty, monkeypatch):
    monkeypatch.setattr("models.steps._refuse_broken_references", lambda connection: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        migrate(empty)

    assert tables(empty) == set()


def test_the_migrations_make_what_the_tables_say(empty):
    metadata().create_all(empty.writer)
    wanted = describe(empty)
    metadata().drop_all(empty.writer)

    migrate(empty)

    assert differences(describe(empty), wanted) == []


@pytest.mark.parametrize(
    "forgotten",
    [
        "DROP INDEX ix_audit_thread",
        "CREATE UNIQUE INDEX uq_more ON clinic (name)",
        "ALTER TABLE clinic ADD COLUMN more VARCHAR",
        "ALTER TABLE clinic RENAME COLUMN phone TO telephone",
        "ALTER TABLE clinic ADD COLUMN more VARCHAR CONSTRAINT ck_clinic_more CHECK (more <> '')",
    ],
)
def test_the_check_sees_what_a_migration_forgot(database, forgotten):
    wanted = describe(database)
    with database.transaction() as connection:
        connection.exec_driver_sql(forgotten)

    assert differences(describe(database), wanted)


@pytest.mark.parametrize(
    "forgotten",
    [
        "ALTER TABLE clinic ALTER COLUMN name DROP NOT NULL",
        "ALTER TABLE clinic ALTER COLUMN address SET DEFAULT 'there'",
        "ALTER TABLE clinic ALTER COLUMN version TYPE INTEGER",
        "ALTER TABLE slot DROP CONSTRAINT fk_slot_clinic_id",
        "ALTER TABLE slot DROP CONSTRAINT ck_slot_state_is_known, ADD CONSTRAINT ck_slot_state_is_known CHECK (true)",
    ],
)
def test_the_check_sees_what_only_postgresql_can_alter(postgresql_database, forgotten):
    test_the_check_sees_what_a_migration_forgot(postgresql_database, forgotten)
