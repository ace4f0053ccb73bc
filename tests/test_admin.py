"""What operators do from a shell, as they do it: `python app.py admin …`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import argon2
import pytest
from sqlalchemy import select

from models.access import API_KEY, USER, find_key
from models.crypto import Keys
from models.database import connect
from models.register import PATIENT
from secret import read_secret

ROOT = Path(__file__).parent.parent
SECRET = "0f" * 32


@pytest.fixture
def clinic(tmp_path):
    (tmp_path / "config.toml").write_text('[service]\ndata_dir = "data"\n')
    return tmp_path


def admin(clinic, *arguments, stdin=""):
    environment = {"PATH": os.environ["PATH"], "TEKSTARI_SECRET_KEY": SECRET}
    command = [sys.executable, ROOT / "app.py", "admin", *arguments, "--config", clinic / "config.toml"]
    return subprocess.run(
        command, capture_output=True, text=True, input=stdin, env=environment, timeout=60, check=False
    )


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
