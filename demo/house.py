"""The whole service in a folder of its own: started on free ports, seeded with the demo clinic, gone afterwards."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from demo.carrier import SERVICE_NUMBER, Phones
from demo.clinic import Clinic
from demo.supervisor import DoesNotRun, Say, Supervisor, our_environment
from demo.wire import HOST, Unanswered, Wire

WEB_PORT, SMPP_PORT, CONTROL_PORT = 8080, 2775, 8775  # where they are free
ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_CONFIG: Final = """\
# What differs from the defaults of config.toml.
[service]
data_dir = "."
clock_offset = "{offset}"

[[smpp]]
port = {smpp}
numbers = ["{number}"]

[web]
port = {web}
"""


@dataclass(frozen=True, slots=True)
class House:
    """The running service: its folder, where it listens, an API key, and the processes."""

    folder: Path
    web_port: int
    control_port: int
    key: str
    supervisor: Supervisor

    @property
    def phones(self) -> Phones:
        """The patients' side."""
        return Phones(self.control_port)

    @property
    def clinic(self) -> Clinic:
        """The clinic's side; its news begin with what was said first."""
        return Clinic(self.web_port, self.key)

    @property
    def web(self) -> str:
        """The address of the web process."""
        return f"http://{HOST}:{self.web_port}"

    @property
    def control(self) -> str:
        """The address of the carrier's HTTP control."""
        return f"http://{HOST}:{self.control_port}"


@contextmanager
def open_house(say: Say, offset: timedelta = timedelta(0)) -> Iterator[House]:
    """Start everything, with a clock that is *offset* ahead; end and remove everything. Raises `DoesNotRun`."""
    environ = our_environment(os.environ) | ({"TEKSTARI_TEST": "1"} if offset else {})
    with tempfile.TemporaryDirectory(prefix="tekstari-demo-") as name:
        supervisor = Supervisor(Path(name), environ, say)
        try:
            yield _furnish(Path(name), supervisor, offset)
        finally:
            with _undisturbed():
                supervisor.stop()


def free_port(wanted: int) -> int:
    """*wanted* where nobody listens on it, else a port that is free now."""
    for port in (wanted, 0):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((HOST, port))
            except OSError:
                continue
            return int(trial.getsockname()[1])
    raise DoesNotRun("this machine has no free port")


def _furnish(folder: Path, supervisor: Supervisor, offset: timedelta) -> House:
    smpp, control, web = free_port(SMPP_PORT), free_port(CONTROL_PORT), free_port(WEB_PORT)
    config = folder / "config.toml"
    ahead = f"{offset / timedelta(hours=1):.4f}h" if offset else "0s"
    config.write_text(_CONFIG.format(offset=ahead, smpp=smpp, web=web, number=SERVICE_NUMBER), encoding="utf-8")
    ours = ("--config", str(config))
    supervisor.start("carrier", "-m", "gateway.simulator", "--port", str(smpp), "--http", str(control))
    supervisor.start("worker", "worker.py", *ours)
    supervisor.start("gateway", "-m", "gateway", *ours)
    supervisor.start("web", "app.py", *ours)
    supervisor.run("seed-demo", "app.py", *ours, "admin", "seed-demo")
    asked = ("--name", "demo", "--scopes", "read,write,messages")
    key = supervisor.run("key-create", "app.py", *ours, "admin", "key-create", *asked)
    supervisor.wait(lambda: _trouble(Phones(control), Wire(web)))
    supervisor.keep_up()
    return House(folder, web, control, key, supervisor)


def _trouble(phones: Phones, web: Wire) -> str:
    """What keeps the house from working; "" for nothing."""
    try:
        phones.shown()
        web.get("/readyz")
    except Unanswered as missing:
        return str(missing)
    return ""


@contextmanager
def _undisturbed() -> Iterator[None]:
    """A second Ctrl-C must not leave half of it behind: no signal interrupts what is done inside."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
