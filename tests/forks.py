"""Programs of ours as processes of their own, forked from one that has imported us: milliseconds, not seconds, each."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from subprocess import CompletedProcess

from tests.servers import end_with_us

forks = get_context("forkserver")
forks.set_forkserver_preload(["app", "gateway.__main__", "jobs", "startup", "worker"])  # one server for all: named here


def start_main(
    module: str, arguments: Sequence[object], *, environment: Mapping[str, str], streams: Sequence[Path]
) -> ForkServerProcess:
    """Start *module*'s `main` as `python -m MODULE ARGUMENTS…` would be; it ends with us.

    *streams*: the files of stdin, stdout and stderr, to which what it says is added.
    """
    command = [module, *map(str, arguments)]
    process = forks.Process(target=_become, args=(module, command, dict(environment), streams), daemon=True)
    process.start()
    return process


def run_main(
    module: str, arguments: Sequence[object], *, environment: Mapping[str, str], folder: Path, stdin: str = ""
) -> CompletedProcess[str]:
    """Run *module*'s `main` until it ends, its streams in files of *folder*."""
    streams = [folder / name for name in ("stdin", "stdout", "stderr")]
    for path, content in zip(streams, (stdin, "", ""), strict=True):
        path.write_text(content)
    process = start_main(module, arguments, environment=environment, streams=streams)
    process.join(60)
    if process.exitcode is None:
        process.kill()
    return CompletedProcess([module, *arguments], process.exitcode or 0, streams[1].read_text(), streams[2].read_text())


def _become(module: str, command: list[str], environment: dict[str, str], streams: Sequence[Path]) -> None:
    if tie := end_with_us(signal.SIGKILL):  # our parent, which ends with the test run
        tie()
    os.environ.clear()
    os.environ.update(environment)
    for number, path in enumerate(streams):
        opened = os.open(path, (os.O_WRONLY | os.O_CREAT | os.O_APPEND) if number else os.O_RDONLY, 0o600)
        os.dup2(opened, number)
    sys.argv = command
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115 - for as long as it lives
    importlib.import_module(module).main()
