"""`python -m models.check`: do the migrations make what the tables say? On both databases, for `make check`.

An empty database is migrated to head, another is made from the tables, and the two are compared as the server itself
describes them: so a changed CHECK or server default shows, which Alembic's autogenerate does not see.
`python -m models.check --revise "adds offers"` writes the migration that is missing, to be read and mended by hand.
Until the first release there is one: remove it and `--revise "the first tables"` writes it anew.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from sqlalchemy import inspect

from models.database import Database, connect
from models.schema import SCRIPTS, VERSION_TABLE, metadata, migrate, newest
from models.steps import configuration


def differences(found: dict[str, str], wanted: dict[str, str]) -> list[str]:
    """Where two descriptions part, one line each; empty when they agree."""
    return [
        f"{name}: the migrations make {found.get(name)}, the tables say {wanted.get(name)}"
        for name in sorted(found.keys() | wanted.keys())
        if found.get(name) != wanted.get(name)
    ]


def describe(database: Database) -> dict[str, str]:
    """Every part of a schema ("table.kind.name") and how the database itself describes it."""
    inspector = inspect(database.writer)
    parts: dict[str, str] = {}
    for table in set(inspector.get_table_names()) - {VERSION_TABLE}:
        described: dict[str, Sequence[Any]] = {
            "column": inspector.get_columns(table),
            "primary key": [inspector.get_pk_constraint(table)],
            "foreign key": inspector.get_foreign_keys(table),
            "unique": inspector.get_unique_constraints(table),
            "index": inspector.get_indexes(table),
            "check": inspector.get_check_constraints(table),
        }
        for kind, each in described.items():
            parts |= {f"{table}.{kind}.{part['name']}": _plainly(part) for part in each}
    return parts


def _plainly(part: Any) -> str:
    """A part in words that are equal when it is: types, clauses and dialect options by their text."""
    if isinstance(part, dict):
        return ", ".join(f"{name}={_plainly(value)}" for name, value in sorted(part.items()))
    if isinstance(part, list | tuple):
        return f"({', '.join(_plainly(each) for each in part)})"
    return str(part)


@contextmanager
def databases() -> Iterator[list[tuple[Database, Database]]]:
    """Two empty databases of each kind: SQLite files, and a PostgreSQL server that ends with the block."""
    from tests.servers import PostgreSQL

    with PostgreSQL() as server, tempfile.TemporaryDirectory() as directory:
        server.execute("CREATE DATABASE created")
        sqlite = f"sqlite:///{directory}/migrated.db", f"sqlite:///{directory}/created.db"
        postgresql = server.url(), server.url("created")
        pairs = [(_open(migrated), _open(created)) for migrated, created in (sqlite, postgresql)]
        yield pairs
        for database in (database for pair in pairs for database in pair):
            database.close()


def _open(url: str) -> Database:
    return connect(url, data_dir=Path())


def check() -> list[str]:
    """The differences on both databases."""
    found: list[str] = []
    with databases() as pairs:
        for migrated, created in pairs:
            migrate(migrated)
            metadata().create_all(created.writer)
            kind = migrated.writer.dialect.name
            found += [f"{kind}: {line}" for line in differences(describe(migrated), describe(created))]
    return found


def revise(message: str) -> Path:
    """Write the next numbered migration from what the tables have and the migrations do not; returns its file."""
    number = f"{int(newest() or 0) + 1:04}"
    with tempfile.TemporaryDirectory() as directory:
        database = _open(f"sqlite:///{directory}/a.db")
        migrate(database)
        with database.writer.connect() as connection:
            command.revision(configuration(connection), message, autogenerate=True, rev_id=number)
        database.close()
    written = next((SCRIPTS / "versions").glob(f"{number}_*.py"))
    _tidy(written)
    return written


def _tidy(script: Path) -> None:
    """Lay a written migration out as the rest of the house is."""
    lines = [line for line in script.read_text().splitlines() if "# ###" not in line]
    script.write_text("\n".join(lines).replace(", schema=None", "") + "\n")
    for arguments in (["check", "--quiet", "--fix-only"], ["format", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *arguments, script], check=True)
    lines = [f"{line}  # noqa: E501" if len(line) > 120 else line for line in script.read_text().splitlines()]
    script.write_text("\n".join(lines) + "\n")


def main() -> int:
    """Print the differences; 1 when there are any."""
    parser = argparse.ArgumentParser(prog="python -m models.check", description="Compare migrations and tables.")
    parser.add_argument("--revise", metavar="MESSAGE", help="write the migration that is missing")
    message = parser.parse_args().revise
    if message:
        print(revise(message))
        return 0
    found = check()
    print("\n".join(found) or "The migrations make what the tables say, on SQLite and PostgreSQL.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
