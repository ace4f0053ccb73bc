"""The whole service in a folder of its own: started on free ports, seeded with the demo clinic, gone afterwards."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from demo.carrier import SERVICE_NUMBER, Phones
from demo.clinic import Clinic
from demo.supervisor import DoesNotRun, Say, Supervisor, our_environment
from demo.wire import HOST, Unanswered, Wire

WEB_PORT, SMPP_PORT, CONTROL_PORT = 8080, 2775, 8775  # where they are free
ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
OF_THE_CLOCK: Final = ("worker", "gateway", "web")  # who reads it
_CONFIG: Final = """\
# What differs from the defaults of config.toml.
[service]
data_dir = "."
clock_offset = "{offset}"

[reminders]
quiet = []  # the demo is played at any hour

[offers]
wave_size = 12

[[smpp]]
port = {smpp}
numbers = ["{number}"]

[web]
port = {web}
"""


@dataclass(slots=True)
class House:
    """The running service: its folder, where it listens, an API key, the processes, and how far ahead its clock is."""

    folder: Path
    smpp_port: int
    web_port: int
    control_port: int
    supervisor: Supervisor
    offset: timedelta
    key: str = ""

    def now(self) -> datetime:
        """The time of the service."""
        return datetime.now(UTC) + self.offset

    def later(self, by: timedelta) -> None:
        """Let time pass: whoever reads the clock starts again with one that is so much further ahead."""
        self.offset += by
        self.configure()
        self.supervisor.restart(*OF_THE_CLOCK)
        self.supervisor.wait(self.trouble)

    def configure(self) -> Path:
        """Write config.toml for the clock as it is; returns its path."""
        path = self.folder / "config.toml"
        ahead = f"{self.offset / timedelta(hours=1):.4f}h" if self.offset else "0s"
        ports = {"smpp": self.smpp_port, "web": self.web_port}
        path.write_text(_CONFIG.format(offset=ahead, number=SERVICE_NUMBER, **ports), encoding="utf-8")
        return path

    def trouble(self) -> str:
        """What keeps the house from working; "" for nothing."""
        try:
            Phones(self.control_port).shown()
            Wire(self.web_port).get("/readyz")
        except Unanswered as missing:
            return str(missing)
        return ""

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
def open_house(say: Say, offset: timedelta = timedelta(0), *, usual_ports: bool = True) -> Iterator[House]:
    """Start everything, with a clock that is *offset* ahead; end and remove everything. Raises `DoesNotRun`.

    Without *usual_ports* two that start at the same moment do not both find the same ones free.
    """
    environ = our_environment(os.environ) | {"TEKSTARI_TEST": "1"}  # as in every trial whose clock is moved
    with tempfile.TemporaryDirectory(prefix="tekstari-demo-") as name:
        supervisor = Supervisor(Path(name), environ, say)
        try:
            yield _furnish(Path(name), supervisor, offset, usual_ports=usual_ports)
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


def _furnish(folder: Path, supervisor: Supervisor, offset: timedelta, *, usual_ports: bool) -> House:
    smpp, control, web = (free_port(port if usual_ports else 0) for port in (SMPP_PORT, CONTROL_PORT, WEB_PORT))
    house = House(folder, smpp, web, control, supervisor, offset)
    ours = ("--config", str(house.configure()))
    supervisor.start("carrier", "-m", "gateway.simulator", "--port", str(smpp), "--http", str(control))
    supervisor.start("worker", "worker.py", *ours)
    supervisor.start("gateway", "-m", "gateway", *ours)
    supervisor.start("web", "app.py", *ours)
    supervisor.run("seed-demo", "app.py", *ours, "admin", "seed-demo")
    asked = ("--name", "demo", "--scopes", "read,write,messages")
    house.key = supervisor.run("key-create", "app.py", *ours, "admin", "key-create", *asked)
    supervisor.wait(house.trouble)
    supervisor.keep_up()
    return house


@contextmanager
def _undisturbed() -> Iterator[None]:
    """A second Ctrl-C must not leave half of it behind: no signal interrupts what is done inside."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
