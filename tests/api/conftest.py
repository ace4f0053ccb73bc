"""A clinic's program against the API, on either database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import config
from app import create_app
from models.access import make_key
from models.crypto import Keys
from models.database import Database
from settings import Settings

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)  # a Tuesday, 12.00 in Helsinki
AINO = "140385-901E"
ONNI = "210920A9033"
NUMBER = "+358405550101"
SERVICE_NUMBER = "+358405550100"


on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # where the database decides nothing


@dataclass
class Clock:
    """Stands still until a test moves it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Program:
    """A clinic's program with a key."""

    client: FlaskClient
    key: str
    headers: dict[str, str] = field(default_factory=dict)

    def request(self, method: str, path: str, json: Any = None, **headers: str) -> TestResponse:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Authorization": f"Bearer {self.key}"} | given
        return self.client.open(f"/api/v1{path}", method=method, json=json, headers=sent)

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.request("GET", path, **headers)

    def put(self, path: str, json: Any, **headers: str) -> TestResponse:
        return self.request("PUT", path, json, **headers)

    def post(self, path: str, json: Any, **headers: str) -> TestResponse:
        return self.request("POST", path, json, **headers)

    def delete(self, path: str, **headers: str) -> TestResponse:
        return self.request("DELETE", path, **headers)


@pytest.fixture
def keys() -> Keys:
    return Keys(b"a secret of thirty-two bytes ....")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "config.toml"
    file.write_text('[[smpp]]\nnumbers = ["+358405550100", "+358405550200"]\n')
    return config.load(file, {})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(settings: Settings, database: Database, keys: Keys, clock: Clock) -> Flask:
    made = create_app(settings, database, keys, clock=clock)
    made.testing = True
    return made


@pytest.fixture
def key_for(database: Database, keys: Keys, clock: Clock) -> Callable[..., str]:
    def make(*scopes: str, clinics: list[str] | None = None) -> str:
        with database.transaction() as connection:
            return make_key(connection, keys, "a program", scopes, clinics, clock())

    return make


@pytest.fixture
def program_for(app: Flask, key_for: Callable[..., str]) -> Callable[..., Program]:
    def make(*scopes: str, clinics: list[str] | None = None) -> Program:
        return Program(app.test_client(), key_for(*scopes, clinics=clinics))

    return make


@pytest.fixture
def program(program_for: Callable[..., Program]) -> Iterator[Program]:
    return program_for("read", "write", "messages")


def a_clinic(**other: Any) -> dict[str, Any]:
    hours = {day: [["08:00", "16:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    return {"name": "Keskustan hoitola", "number": SERVICE_NUMBER, "phone": "+35891234567", "hours": hours} | other


def a_service(**other: Any) -> dict[str, Any]:
    return {"name": {"fi": "Tarkastus", "sv": "Kontroll", "en": "Check-up"}, "minutes": 30, "kind": "checkup"} | other


def a_patient(**other: Any) -> dict[str, Any]:
    aino = {"identity_code": AINO, "given_names": "Aino Maria", "family_name": "Virtanen", "language": "fi"}
    return aino | {"numbers": [NUMBER]} | other


def a_slot(**other: Any) -> dict[str, Any]:
    start = NOW + timedelta(days=7)
    times = {"start": start.isoformat(), "end": (start + timedelta(minutes=30)).isoformat()}
    return {"clinic": "keskusta", "services": ["checkup"]} | times | other


def a_visit(**other: Any) -> dict[str, Any]:
    return {"patient": "aino", "slot": "s1", "service": "checkup"} | other


@pytest.fixture
def clinic(program: Program) -> Program:
    """A program whose clinic has a service, a patient and a free slot."""
    for path, body in (
        ("/clinics/keskusta", a_clinic()),
        ("/services/checkup", a_service()),
        ("/patients/aino", a_patient()),
        ("/slots/s1", a_slot()),
    ):
        answer = program.put(path, body)
        assert answer.status_code == 201, answer.get_data(as_text=True)
    return program
