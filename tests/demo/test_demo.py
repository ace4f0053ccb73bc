"""`make demo` as a person starts it: real processes, real ports, and nothing left behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from demo.house import CONTROL_PORT, SMPP_PORT, WEB_PORT
from demo.scenes import SCENES
from demo.supervisor import ROOT
from embedded import socket_path

PATIENCE = 200  # seconds; a busy machine starts six interpreters slowly

pytestmark = pytest.mark.timeout(300)

BENT = """
import sys
from dataclasses import replace
from demo.__main__ import main
from demo.scene import hears
from demo.scenes import SCENES
bent = next(scene for scene in SCENES if scene.title == "Asks for help")
steps = (bent.steps[0], hears("HÖLYNPÖLY"), *bent.steps[2:])
sys.exit(main(["--once"], [replace(bent, steps=steps)]))
"""
TAKEN = """
import sys
from demo import house
from demo.__main__ import main
house.free_port = lambda wanted: {port}
sys.exit(main(["--once"]))
"""


class Demo:
    """A demo on a terminal of its own, whose temporary folders are all in *folder*."""

    def __init__(self, folder, *arguments):
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=os.environ | {"TMPDIR": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def read_until(self, line):
        """What it prints, up to the one that begins with *line*."""
        printed = []
        for one in self.process.stdout:
            printed.append(one)
            if one.startswith(line):
                return "".join(printed)
        pytest.fail("it ended: " + "".join(printed))

    def end(self):
        """What it prints until its end, and the exit code."""
        printed, _ = self.process.communicate(timeout=PATIENCE)
        return printed, self.process.returncode

    def interrupt(self):
        """Ctrl-C: the terminal tells everybody in the foreground."""
        os.killpg(self.process.pid, signal.SIGINT)

    def left_behind(self):
        """Processes that have its environment, and files in its folder."""
        mark = f"TMPDIR={self.folder}\0".encode()
        return [*_processes_with(mark), *os.listdir(self.folder)]


def _processes_with(mark):
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in environ.read_bytes():
                yield environ.parent.joinpath("cmdline").read_text()
        except OSError:  # another user's, or gone meanwhile
            continue


@pytest.fixture
def demo(tmp_path):
    started = []

    def start(*arguments):
        started.append(Demo(tmp_path, *arguments))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.terminate()
            one.process.wait(PATIENCE)
        one.process.stdout.close()


@pytest.fixture
def _usual_ports_taken():
    """Somebody listens on the usual ports: we, or whoever was first."""
    with ExitStack() as stack:
        for port in (WEB_PORT, SMPP_PORT, CONTROL_PORT):
            try:
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
        yield


@pytest.mark.usefixtures("_usual_ports_taken")
def test_every_conversation_ends_as_expected_and_nothing_is_left_behind(demo):
    whole = demo("-m", "demo", "--once")

    printed, code = whole.end()

    assert f"{len(SCENES)} of {len(SCENES)} conversations ended as expected" in printed, printed
    assert code == 0
    assert whole.left_behind() == []


def test_one_bent_expectation_turns_the_demo_red_and_says_what_came_instead(demo):
    printed, code = demo("-c", BENT).end()

    assert code == 1
    assert "✗ expected “HÖLYNPÖLY” in the answer; it was: “Kirjoita omin sanoin" in printed, printed
    assert "0 of 1 conversations ended as expected" in printed


def test_ctrl_c_ends_everything_and_leaves_nothing_behind(demo):
    running = demo("-m", "demo", "--only", "Asks for help")
    printed = running.read_until("or in one line")
    web = int(re.search(r"127\.0\.0\.1:(\d+)/readyz", printed)[1])
    data_dir = Path(re.search(r"logs +(\S+)", printed)[1])
    assert socket_path(data_dir).exists()

    running.interrupt()
    time.sleep(0.2)
    running.interrupt()  # an impatient one
    _, code = running.end()

    assert code == 0
    assert running.left_behind() == []
    assert not socket_path(data_dir).exists()
    with closing(socket.socket()) as nobody:
        assert nobody.connect_ex(("127.0.0.1", web)) != 0


def test_a_port_that_was_taken_meanwhile_is_said_with_the_log_of_whom_it_stopped(demo):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        late = demo("-c", TAKEN.format(port=taken.getsockname()[1]))

        printed, code = late.end()

    assert code == 1
    assert re.search(r"carrier does not run \(code 1\).*\n.*cannot listen", printed), printed
    assert late.left_behind() == []


@pytest.mark.long
@pytest.mark.parametrize(
    "moment",
    [
        "2026-12-23T17:00",
        "2026-12-31T23:58",
        "2027-03-25T15:59",  # before Easter
        "2027-03-28T02:30",  # an hour that there is not
        "2026-10-25T03:30",  # an hour that there is twice
        "2027-05-01T09:00",
        "2028-02-29T07:59",
        "2027-06-24T13:50",
    ],
)
def test_it_passes_at_any_hour_of_any_day(demo, moment):
    printed, code = demo("-m", "demo", "--once", "--at", moment).end()

    assert code == 0, printed
