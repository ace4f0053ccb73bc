"""The web process, as an operator starts and stops it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from models.database import connect
from models.schema import migrate

ROOT = Path(__file__).parent.parent
SECRET = {"TEKSTARI_SECRET_KEY": "0f" * 32}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Web:
    """A web process with a folder of its own."""

    def __init__(self, folder, **environment):
        self.folder, self.port = folder, free_port()
        (folder / "config.toml").write_text(f"[web]\nport = {self.port}\n")
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, ROOT / "app.py", "--config", folder / "config.toml"],
                env={"PATH": os.environ["PATH"]} | SECRET | environment,
                stdout=log,
                stderr=log,
            )

    def get(self, path, key=None):
        """The status and the JSON of an answer, or None while nobody listens."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
        except OSError:
            return None

    def eventually(self, true, patience=60):
        deadline = time.monotonic() + patience
        while not (result := true()):
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)
        return result

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@pytest.fixture
def start(tmp_path):
    started = []

    def make(**environment):
        started.append(Web(tmp_path, **environment))
        return started[-1]

    yield make
    for web in started:
        web.process.kill()
        web.process.wait()


def test_the_first_process_on_a_fresh_machine_makes_what_it_needs(start):
    web = start()

    web.eventually(lambda: database_of(web) == "up")
    status, ready = web.get("/readyz")
    command = [sys.executable, ROOT / "app.py", "--config", web.folder / "config.toml", "admin", "key-create"]
    made = subprocess.run(
        [*command, "--name", "x", "--scopes", "read"],
        env={"PATH": os.environ["PATH"]} | SECRET,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert (status, ready["status"]) == (503, "not ready")  # no worker, no gateway
    assert ready["parts"]["bind:main"] == "no gateway runs it"
    assert web.get("/api/v1/clinics", made.stdout.strip()) == (200, {"items": [], "cursor": None})
    assert web.stop() == 0


def database_of(web):
    answer = web.get("/readyz")
    return answer and answer[1]["parts"]["database"]


def test_a_database_that_is_away_at_the_start_is_waited_for_and_said_to_be_away(start):
    web = start(TEKSTARI_DATABASE__URL="postgresql+psycopg://nobody@/none?host=/nowhere")

    status, ready = web.eventually(lambda: web.get("/readyz"))
    call = web.get("/api/v1/clinics")

    assert status == 503
    assert ready["parts"]["database"].startswith("away")
    assert (call[0], web.get("/healthz")) == (503, (200, {"status": "up"}))
    assert web.eventually(lambda: "database_away" in web.log.read_text())
    assert web.stop() == 0


def test_a_schema_newer_than_the_release_stops_the_start_with_a_reason(start, tmp_path):
    (tmp_path / "var").mkdir()
    database = connect("", data_dir=tmp_path / "var")
    migrate(database)
    with database.transaction() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()

    web = start()

    assert web.process.wait(60) == 1
    assert "9999" in web.log.read_text()


def test_wrong_settings_stop_the_start_and_are_named(start):
    web = start(TEKSTARI_WEB__THREADS="many")

    assert web.process.wait(60) == 1
    assert "web.threads" in web.log.read_text()
