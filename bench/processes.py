"""Real processes of ours under measurement: started on a config of their own, and asked what they cost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")

CONFIG = """
[service]
data_dir = "{data_dir}"

[database]
url = "{url}"

[[smpp]]
port = {port}
numbers = ["{number}"]
window = {window}
rate = 0
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process has used so far: CPU seconds, and memory in MiB now and at its highest."""

    cpu: float
    memory: float
    peak: float


class Process:
    """One of our processes. Use it as a context: it ends by SIGTERM, cleanly."""

    def __init__(self, module: str, arguments: list[str], folder: Path) -> None:
        """*folder* gets its log."""
        self._command = [sys.executable, "-m", module, *arguments]
        self._log = folder / f"{module}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=log, stderr=log)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(30)

    @property
    def pid(self) -> int:
        """The process id."""
        if self._process is None:
            raise RuntimeError("not started")
        return self._process.pid

    def cost(self) -> Cost:
        """What it has used until now (Linux alone tells; elsewhere zeros)."""
        return cost_of(self.pid)


def cost_of(pid: int | str) -> Cost:
    """What process *pid* ("self" for this one) has used until now."""
    stat, status = Path(f"/proc/{pid}/stat"), Path(f"/proc/{pid}/status")
    if not stat.exists():
        return Cost(0.0, 0.0, 0.0)
    fields = stat.read_text().rpartition(")")[2].split()
    memory = dict(line.split(":", 1) for line in status.read_text().splitlines() if line.startswith("Vm"))
    return Cost(
        cpu=(int(fields[11]) + int(fields[12])) / TICKS,
        memory=_mebibytes(memory["VmRSS"]),
        peak=_mebibytes(memory["VmHWM"]),
    )


def _mebibytes(written: str) -> float:
    return int(written.split()[0]) / 1024


def write_config(folder: Path, *, url: str, port: int, number: str, window: int, more: str = "") -> Path:
    """A config.toml in *folder* for processes under measurement; *more* are further sections."""
    path = folder / "config.toml"
    path.write_text(CONFIG.format(data_dir=folder, url=url, port=port, number=number, window=window) + more)
    return path
