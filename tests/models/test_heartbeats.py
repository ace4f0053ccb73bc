"""Who lives, as /readyz and the console read it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models.heartbeats import Beat, beat, beats, forget
from tests.rows import NOW


def beating(database, *names, at=NOW, data=None):
    with database.transaction() as connection:
        for name in names:
            beat(connection, name, at, data or {})


def alive(database, prefix=""):
    with database.reading() as connection:
        return beats(connection, prefix)


def test_the_last_heartbeat_of_a_name_holds(database):
    beating(database, "gateway:a", at=NOW, data={"binds": {"main": "open"}})
    beating(database, "gateway:a", at=NOW + timedelta(seconds=1), data={"binds": {}})

    assert alive(database) == [Beat("gateway:a", NOW + timedelta(seconds=1), {"binds": {}})]


@pytest.mark.parametrize(
    ("prefix", "found"),
    [("gateway:", ["gateway:a", "gateway:b"]), ("sweep", ["sweep"]), ("%", []), ("gateway_", []), ("none", [])],
)
def test_heartbeats_are_found_by_the_beginning_of_their_names(database, prefix, found):
    beating(database, "sweep", "gateway:b", "gateway:a")

    assert [each.name for each in alive(database, prefix)] == found


def test_only_old_heartbeats_of_processes_are_forgotten(database):
    beating(database, "gateway:old", "sweep", at=NOW - timedelta(seconds=1))
    beating(database, "gateway:new")

    with database.transaction() as connection:
        forget(connection, NOW, "gateway:")

    assert [each.name for each in alive(database)] == ["gateway:new", "sweep"]
