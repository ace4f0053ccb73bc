from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from getpass import getuser
from pathlib import Path

import pytest
import redis

from models.database import connect
from tests import servers
from tests.servers import PostgreSQL, Valkey

HOLDER = """
import time
from tests.servers import PostgreSQL, Valkey
postgresql, valkey = PostgreSQL(), Valkey()
postgresql.start()
valkey.start()
print(postgresql.directory, valkey.directory, flush=True)
time.sleep(600)
"""


def answers(path):
    """Whether somebody listens on the socket at *path*."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def eventually_silent(path):
    """Whether nobody listens at *path* any more, or soon."""
    deadline = time.monotonic() + servers.PATIENCE
    while answers(path) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not answers(path)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_servers_end_with_a_test_run_that_was_killed():
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True) as holder:
        postgresql, valkey = (Path(word) for word in holder.stdout.readline().split())
        listening = answers(postgresql / ".s.PGSQL.5432"), answers(valkey / "socket")
        holder.send_signal(signal.SIGKILL)

    assert listening == (True, True)
    assert eventually_silent(postgresql / ".s.PGSQL.5432")
    assert eventually_silent(valkey / "socket")
    for directory in (postgresql, valkey):
        servers.shutil.rmtree(directory)


def test_what_was_committed_survives_a_crash_of_a_durable_server(tmp_path):
    with PostgreSQL(durable=True) as server:
        database = connect(server.url(), data_dir=tmp_path)
        with database.transaction() as connection:
            connection.exec_driver_sql("CREATE TABLE note AS SELECT 1 AS n")

        server.stop(signal.SIGQUIT)
        server.start()

        with database.reading() as connection:
            assert connection.exec_driver_sql("SELECT n FROM note").scalar_one() == 1


def test_a_server_that_cannot_start_fails_with_its_log_and_leaves_nothing(monkeypatch):
    server = PostgreSQL()
    monkeypatch.setitem(server._settings, "shared_buffers", "nonsense")

    with pytest.raises(RuntimeError, match="shared_buffers"), server:
        pass

    assert not server.directory.exists()


def test_programs_that_another_user_cannot_reach_are_copied_with_their_libraries(monkeypatch, tmp_path):
    monkeypatch.setattr(servers, "reachable", lambda program, user: False)

    copied = servers.programs(tmp_path, getuser())

    assert tmp_path in copied.parents
    assert b"PostgreSQL" in subprocess.run([copied / "postgres", "--version"], check=True, capture_output=True).stdout


def test_each_test_finds_valkey_empty(valkey):
    with redis.Redis.from_url(valkey.url) as client:
        client.set("left", "behind")
    valkey.flush()

    with redis.Redis.from_url(valkey.url) as client:
        assert client.keys() == []


def test_valkey_comes_back_empty_after_a_restart():
    with Valkey() as server, redis.Redis.from_url(server.url) as client:
        client.set("left", "behind")

        server.stop()
        server.start()

        assert client.keys() == []
