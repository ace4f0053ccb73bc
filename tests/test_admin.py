"""What operators do from a shell, as they do it: `python app.py admin …`."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import argon2
import pytest
from sqlalchemy import insert, select

from handlers.offers import OfferRules
from handlers.rounds.offers import OfferRound
from models.access import API_KEY, USER, find_key
from models.crypto import Keys
from models.database import connect
from models.diary import SLOT
from models.offering import WAITLIST, NewOffer, open_offer
from models.register import PATIENT, SERVICE
from secret import read_secret
from tests.forks import run_main

ROOT = Path(__file__).parent.parent
SECRET = "0f" * 32


def configured(folder):
    (folder / "config.toml").write_text('[service]\ndata_dir = "data"\n')
    return folder


@pytest.fixture
def clinic(tmp_path):
    return configured(tmp_path)


def admin(clinic, *arguments, stdin=""):
    environment = {"PATH": os.environ["PATH"], "TEKSTARI_SECRET_KEY": SECRET}
    command = ["admin", *arguments, "--config", clinic / "config.toml"]
    return run_main("app", command, environment=environment, folder=clinic, stdin=stdin)


def rows(clinic, table):
    database = connect("", data_dir=clinic / "data")
    with database.reading() as connection:
        found = connection.execute(select(table)).all()
    database.close()
    return found


def test_a_key_is_printed_once_and_alone(clinic):
    made = admin(clinic, "key-create", "--name", "diary", "--scopes", "read,write")

    key = made.stdout.strip()
    database = connect("", data_dir=clinic / "data")
    with database.reading() as connection:
        found = find_key(connection, Keys(read_secret(SECRET, "test")), key)
    database.close()

    assert (made.returncode, made.stdout.count("\n"), found.scopes) == (0, 1, ["read", "write"])
    assert key.encode() not in rows(clinic, API_KEY)[0].digest


@pytest.mark.parametrize(
    "arguments",
    [
        ("key-create", "--name", "x", "--scopes", "read,everything"),
        ("key-create", "--name", "x", "--scopes", ""),
        ("key-create", "--name", "x", "--scopes", "read", "--clinics", "nowhere"),
        ("import", "missing.json"),
        ("erase-person", "nobody"),
    ],
)
def test_what_cannot_be_done_is_said_on_stderr(clinic, arguments):
    refused = admin(clinic, *arguments)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_user_is_made_with_a_password_from_stdin(clinic):
    made = admin(clinic, "user-create", "--name", "raija", "--role", "nurse", stdin="a long enough password\n")
    again = admin(clinic, "user-create", "--name", "raija", stdin="a long enough password\n")
    short = admin(clinic, "user-create", "--name", "kai", stdin="short\n")

    [user] = rows(clinic, USER)
    assert (made.returncode, again.returncode, short.returncode) == (0, 1, 1)
    assert user.role == "nurse"
    assert argon2.PasswordHasher().verify(user.password, "a long enough password")


def test_a_file_is_imported_and_its_bad_rows_reported(clinic):
    people = [
        {"id": "a", "given_names": "Aino", "family_name": "Virtanen", "numbers": ["+358405550101"]},
        {"id": "b", "given_names": "Bo", "family_name": "Rask", "numbers": ["09 123"]},
    ]
    (clinic / "people.json").write_text(json.dumps({"patients": people}))

    kept_out = admin(clinic, "import", str(clinic / "people.json"), "--all-or-nothing")
    none = rows(clinic, PATIENT)
    imported = admin(clinic, "import", str(clinic / "people.json"))

    assert (kept_out.returncode, none) == (1, [])
    assert (imported.returncode, [row.key for row in rows(clinic, PATIENT)]) == (1, ["a"])
    assert "patients[1].numbers[0]" in imported.stderr
    assert imported.stdout.startswith("1 patients imported")


def test_the_demo_is_seeded_and_a_person_of_it_erased(clinic):
    seeded = admin(clinic, "seed-demo")
    expected = admin(clinic, "erase-person", "p-lindstrom")
    erased = admin(clinic, "erase-person", "p-lahtinen")

    names = {row.family_name for row in rows(clinic, PATIENT)}
    assert (seeded.returncode, seeded.stderr) == (0, "")
    assert expected.returncode == 1
    assert "coming visits" in expected.stderr
    assert (erased.returncode, "Lahtinen" in names, "Lindström" in names) == (0, False, True)


def test_wrong_settings_are_all_said_at_once(clinic):
    (clinic / "config.toml").write_text('[web]\nport = "abc"\n[service]\nnmae = "x"\n')

    checked = admin(clinic, "config-check")

    assert checked.returncode == 1
    assert "web.port" in checked.stderr
    assert "service.nmae" in checked.stderr


def test_right_settings_are_right_and_migrating_twice_is_harmless(clinic):
    assert [admin(clinic, name).returncode for name in ("config-check", "migrate", "migrate")] == [0, 0, 0]


@pytest.fixture(scope="module")
def _offered(tmp_path_factory):
    """The data of a demo clinic with an offer that has been put to somebody."""
    clinic = configured(tmp_path_factory.mktemp("offered"))
    assert admin(clinic, "seed-demo").returncode == 0
    database, keys, now = connect("", data_dir=clinic / "data"), Keys(read_secret(SECRET, "test")), datetime.now(UTC)
    with database.transaction() as connection:
        slot = connection.execute(select(SLOT).where(SLOT.c.state == "free").order_by(SLOT.c.starts_at.desc())).first()
        waiting = connection.execute(select(PATIENT.c.id).where(PATIENT.c.key == "p-jarvi")).scalar_one()
        service = connection.execute(select(SERVICE.c.id).where(SERVICE.c.key == "checkup")).scalar_one()
        entry = {"patient_id": waiting, "service_id": service, "created_by": "key:1", "joined_at": now}
        connection.execute(insert(WAITLIST).values(key="w-1", **entry))
        new = NewOffer(
            key="o-1",
            slot_id=slot.id,
            clinic_id=slot.clinic_id,
            service_id=service,
            code="4K7",
            wave_size=10,
            wave_minutes=10,
            deadline=slot.starts_at,
            next_wave_at=now,
            created_by="key:1",
        )
        open_offer(connection, keys, new, slot.version, now)
    OfferRound(database, keys, OfferRules(quiet=None)).run(now)
    database.close()
    return clinic / "data"


@pytest.fixture
def offered(clinic, _offered):
    """The key of an offer that has been put to somebody, in a demo clinic of the test's own."""
    shutil.copytree(_offered, clinic / "data")
    return "o-1"


def test_an_offers_ledger_that_is_as_it_was_written_is_said_to_be(clinic, offered):
    verified = admin(clinic, "verify-offer", offered)

    assert verified.returncode == 0, verified.stderr
    assert verified.stdout == "2 lines; by the ledger nobody was the first to take it; the offer is open\n"


@pytest.mark.parametrize(
    ("tampering", "said"),
    [
        ("DELETE FROM offer_entry WHERE step = 'asked'", "the offer had 2 lines"),
        ("UPDATE offer_entry SET patient_id = 1 WHERE step = 'asked'", "line 2 (asked) is not as it was written"),
        ("DELETE FROM offer_entry WHERE step = 'opened'", "line 1 is missing"),
        ("UPDATE offer SET state = 'won', winner_id = 1", "the offer says won, its ledger open"),
    ],
)
def test_an_offer_whose_ledger_was_tampered_with_is_told_and_fails(clinic, offered, tampering, said):
    with closing(sqlite3.connect(clinic / "data" / "tekstari.db")) as connection, connection:
        connection.execute(tampering)

    verified = admin(clinic, "verify-offer", offered)

    assert verified.returncode == 1
    assert f"TAMPERED WITH: {said}" in verified.stderr


def test_an_offer_that_there_is_not_fails_with_a_word(clinic):
    verified = admin(clinic, "verify-offer", "o-9")

    assert verified.returncode == 1
    assert "no such offer" in verified.stderr
