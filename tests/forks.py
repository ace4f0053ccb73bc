"""Programs of ours as processes of their own, forked from one that has imported us: milliseconds, not seconds, each."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path
from subprocess import CompletedProcess

forks = get_context("forkserver")
forks.set_forkserver_preload(["app", "jobs", "startup"])  # one server for all of a test process: named here for all


def run_main(
    module: str, arguments: Sequence[object], *, environment: Mapping[str, str], folder: Path, stdin: str = ""
) -> CompletedProcess[str]:
    """Run *module*'s `main` as `python MODULE.py ARGUMENTS…` would be, its streams in files of *folder*."""
    streams = [folder / name for name in ("stdin", "stdout", "stderr")]
    streams[0].write_text(stdin)
    command = [f"{module}.py", *map(str, arguments)]
    process = forks.Process(target=_become, args=(module, command, dict(environment), streams))
    process.start()
    process.join(60)
    if process.exitcode is None:
        process.kill()
    return CompletedProcess(command, process.exitcode or 0, streams[1].read_text(), streams[2].read_text())


def _become(module: str, command: list[str], environment: dict[str, str], streams: list[Path]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    for number, path in enumerate(streams):
        opened = os.open(path, (os.O_WRONLY | os.O_CREAT | os.O_TRUNC) if number else os.O_RDONLY, 0o600)
        os.dup2(opened, number)
    sys.argv = command
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115 - for as long as it lives
    importlib.import_module(module).main()
