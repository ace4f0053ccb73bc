"""Runs processes of ours: tied to this one, each with a log, started again when one dies, ended together.

Use it from the main thread: on Linux a child ends with the thread that started it.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import lifeline

ROOT: Final = Path(__file__).resolve().parent.parent
PATIENCE: Final = 60.0  # seconds to come up; a laptop that compiles everything for the first time needs some
TO_STOP: Final = 20.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # between a death and the next start
STEADY: Final = 10.0  # who lived so long starts anew with the shortest pause
LAST_LINES: Final = 12

Say = Callable[[str], None]


class DoesNotRun(Exception):
    """A process does not come up; the message says which, and how its log ends."""


@dataclass(slots=True)
class Child:
    """One process and its log. *pause* is how long its next death keeps it away."""

    name: str
    command: list[str]
    log: Path
    process: subprocess.Popen[bytes]
    started_at: float
    pause: float = FIRST_PAUSE
    starts_again_at: float | None = None

    def last_words(self) -> str:
        """How its log ends."""
        return tail(self.log.read_text(encoding="utf-8", errors="replace"))


class Supervisor:
    """The processes of one folder, which holds their logs. *environ* is what they all get."""

    def __init__(self, folder: Path, environ: Mapping[str, str], say: Say) -> None:
        self._folder = folder
        self._environ = dict(environ)
        self._say = say
        self._children: list[Child] = []
        self._all_up = False
        self.deaths = 0

    def start(self, name: str, *arguments: str) -> Child:
        """Start `python *arguments*`; its log is *name*.log."""
        log, command = self._folder / f"{name}.log", [sys.executable, *arguments]
        child = Child(name, command, log, self._launch(command, log), time.monotonic())
        self._children.append(child)
        return child

    def run(self, name: str, *arguments: str) -> str:
        """Run `python *arguments*` to its end and return what it printed. Raises `DoesNotRun` when it fails."""
        command = lifeline.tied([sys.executable, *arguments])
        pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
        with subprocess.Popen(
            command, cwd=ROOT, env=self._environ, stdin=nothing, stdout=pipe, stderr=pipe, text=True
        ) as process:
            printed, complaint = self._await_end(process)
        if process.returncode:
            raise DoesNotRun(f"{name} failed (code {process.returncode}):\n{tail(complaint or printed)}")
        return printed.strip()

    def wait(self, trouble: Callable[[], str], patience: float = PATIENCE) -> None:
        """Wait until *trouble*() is "". Raises `DoesNotRun` when that takes too long."""
        deadline = time.monotonic() + patience
        while found := trouble():
            self.tend()
            if time.monotonic() > deadline:
                logs = "\n".join(f"{child.name}:\n{child.last_words()}" for child in self._children)
                raise DoesNotRun(f"not ready after {patience:.0f} s: {found}\n{logs}")
            time.sleep(0.1)

    def keep_up(self) -> None:
        """All are up: from now on who dies is started again, where before it raised `DoesNotRun`."""
        self._all_up = True

    def tend(self) -> None:
        """Look after the processes; call it often."""
        for child in self._children:
            if child.starts_again_at is not None:
                self._start_again(child)
            elif child.process.poll() is not None:
                self._mourn(child)

    def restart(self, *names: str) -> None:
        """End these and start them again; they may not be up when this returns."""
        again = [child for child in self._children if child.name in names]
        _end(again)
        for child in again:
            child.process, child.started_at = self._launch(child.command, child.log), time.monotonic()
            child.starts_again_at = None

    def stop(self) -> None:
        """End all of them, the last one first, and wait until they are gone."""
        _end(self._children)

    def _await_end(self, process: subprocess.Popen[str]) -> tuple[str, str]:
        """What *process* printed, and complained of, until its end; meanwhile the others are looked after."""
        try:
            while True:
                try:
                    return process.communicate(timeout=0.1)
                except subprocess.TimeoutExpired:
                    self.tend()
        except BaseException:
            process.kill()
            raise

    def _launch(self, command: list[str], log: Path) -> subprocess.Popen[bytes]:
        with log.open("ab") as written:
            return subprocess.Popen(
                lifeline.tied(command),
                cwd=ROOT,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                start_new_session=True,  # Ctrl-C is for us, who end them in order
            )

    def _mourn(self, child: Child) -> None:
        code = child.process.returncode
        if not self._all_up:
            raise DoesNotRun(f"{child.name} does not run (code {code}); the end of its log:\n{child.last_words()}")
        now = time.monotonic()
        if now - child.started_at > STEADY:
            child.pause = FIRST_PAUSE
        self.deaths += 1
        self._say(f"{child.name} ended (code {code}) and is started again; the end of its log:\n{child.last_words()}")
        child.starts_again_at = now + child.pause
        child.pause = min(child.pause * 2, LONGEST_PAUSE)

    def _start_again(self, child: Child) -> None:
        now = time.monotonic()
        if child.starts_again_at is not None and now >= child.starts_again_at:
            child.process, child.started_at = self._launch(child.command, child.log), now
            child.starts_again_at = None


def _end(children: Sequence[Child]) -> None:
    for child in reversed(children):
        child.process.terminate()
    for child in reversed(children):
        try:
            child.process.wait(TO_STOP)
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()


def our_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """*environ* without Tekstari's own variables: whoever has them set means another house than this one."""
    return {name: value for name, value in environ.items() if not name.startswith("TEKSTARI_")}


def tail(written: str) -> str:
    """The last lines of *written*, indented."""
    lines = written.rstrip().splitlines()[-LAST_LINES:]
    return "\n".join(f"    {line}" for line in lines) or "    (nothing)"
