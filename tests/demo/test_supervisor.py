"""The supervisor: who does not come up is named, who dies is started again, and nobody is left at the end."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demo.supervisor import ROOT, DoesNotRun, Supervisor, our_environment

SLEEPS = "import time; time.sleep(60)"


@pytest.fixture
def said():
    return []


@pytest.fixture
def supervisor(tmp_path, said):
    supervisor = Supervisor(tmp_path, os.environ, said.append)
    yield supervisor
    supervisor.stop()


def tend_until(supervisor, true):
    """Look after the processes until *true*() is."""
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, "it never came to be"
        supervisor.tend()
        time.sleep(0.01)


def test_a_process_that_does_not_come_up_is_named_with_the_end_of_its_log(supervisor):
    supervisor.start("web", "-c", "print('first'); print('address already in use'); raise SystemExit(3)")

    with pytest.raises(DoesNotRun, match=r"web does not run \(code 3\)(?s:.)*address already in use"):
        supervisor.wait(lambda: "no answer", patience=10)


def test_what_never_gets_ready_is_told_with_everybodys_log(supervisor, tmp_path):
    supervisor.start("gateway", "-c", f"print('no carrier', flush=True); {SLEEPS}")
    tend_until(supervisor, lambda: "no carrier" in (tmp_path / "gateway.log").read_text())

    with pytest.raises(DoesNotRun, match=r"not ready after 0 s: bind main(?s:.)*gateway:\n +no carrier"):
        supervisor.wait(lambda: "bind main", patience=0.2)


def test_who_dies_once_all_are_up_is_started_again_and_it_is_said(supervisor, said, tmp_path):
    mark = tmp_path / "it was here before"
    code = f"import pathlib, time; m = pathlib.Path({str(mark)!r}); time.sleep(60 if m.exists() else 0); m.touch()"
    child = supervisor.start("worker", "-c", code)
    supervisor.keep_up()
    first = child.process.pid

    tend_until(supervisor, lambda: child.process.pid != first)

    assert supervisor.deaths == 1
    assert child.process.poll() is None
    assert said[0].startswith("worker ended (code 0) and is started again")


def test_each_death_keeps_a_process_away_for_longer(supervisor):
    child = supervisor.start("worker", "-c", "pass")
    first = child.pause
    supervisor.keep_up()

    tend_until(supervisor, lambda: supervisor.deaths == 2)

    assert child.pause == 4 * first


def test_a_restart_takes_those_that_are_named_and_is_no_death(supervisor):
    one, other = (supervisor.start(name, "-c", SLEEPS) for name in ("one", "other"))
    supervisor.keep_up()
    before = one.process.pid, other.process.pid

    supervisor.restart("one")
    supervisor.tend()

    assert one.process.pid != before[0]
    assert one.process.poll() is None
    assert other.process.pid == before[1]
    assert supervisor.deaths == 0


def test_stopping_ends_every_process_and_waits_for_it(supervisor):
    children = [supervisor.start(name, "-c", SLEEPS) for name in ("one", "two")]

    supervisor.stop()

    assert [child.process.poll() is not None for child in children] == [True, True]


def test_a_command_that_fails_says_why(supervisor):
    with pytest.raises(DoesNotRun, match=r"seed-demo failed \(code 1\):\n    no such clinic"):
        supervisor.run("seed-demo", "-c", "raise SystemExit('no such clinic')")


def test_a_command_that_works_gives_what_it_printed(supervisor):
    assert supervisor.run("key-create", "-c", "print('the key')") == "the key"


def test_variables_that_mean_another_house_are_left_out():
    ours = our_environment({"TEKSTARI_DATABASE__URL": "postgresql://real", "PATH": "/bin"})

    assert ours == {"PATH": "/bin"}


def test_nobody_outlives_a_supervisor_that_was_killed(tmp_path):
    code = (
        "import os, pathlib, sys, time; from demo.supervisor import Supervisor; "
        f"child = Supervisor(pathlib.Path({str(tmp_path)!r}), os.environ, print).start('web', '-c', {SLEEPS!r}); "
        "print(child.process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())

        parent.kill()

    end = time.monotonic() + 10
    while _runs(child):
        assert time.monotonic() < end, "it lives on"
        time.sleep(0.01)


def _runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
