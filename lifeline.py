"""Runs a program that ends with its parent: `python lifeline.py PARENT_PID PROGRAM ARGUMENTS…`.

On Linux the kernel signals a child whose parent was killed (PR_SET_PDEATHSIG); it must be asked for in the child. A
small launcher asks, and then becomes the program: unlike a preexec_fn it is safe in a process with threads. The kernel
looks at the parent's *thread*: start such children from one that lives as long as they should, the main one.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PARENT_GONE = 75  # EX_TEMPFAIL


def tied(command: list[str]) -> list[str]:
    """Return *command* such that the program gets SIGTERM when this process dies; unchanged outside Linux."""
    if sys.platform != "linux":
        return command
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def _run(parent: int, command: list[str]) -> None:
    """Become *command*, unless the parent died before the kernel was asked."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        raise SystemExit(_PARENT_GONE)
    os.execvp(command[0], command)


if __name__ == "__main__":
    _run(int(sys.argv[1]), sys.argv[2:])
