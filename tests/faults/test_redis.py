"""Redis emptied, killed, away or hanging while reminders fall due: each goes once, and worker and gateway live on."""

from __future__ import annotations

import time
from datetime import timedelta
from itertools import islice

import psutil
import pytest

from tests.faults.harness import a_service, wait_until
from tests.faults.workers import AWAKE, Worker, check_reminded, check_shown, fall_due, left
from tests.servers import Valkey

PEOPLE = 120  # whose reminders fall due during one fault
AWAY = 5.0  # seconds
DUE_WITHIN = timedelta(seconds=4)


def empty_it(valkey: Valkey, seconds: float) -> None:
    """FLUSHALL, again and again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        valkey.flush()
        time.sleep(0.05)


def restart_it(valkey: Valkey, seconds: float) -> None:
    """kill -9 and a new start, with nothing kept, again and again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        valkey.stop()
        valkey.start()
        time.sleep(0.5)


def take_it_away(valkey: Valkey, seconds: float) -> None:
    """Gone for so long."""
    valkey.stop()
    time.sleep(seconds)
    valkey.start()


def let_it_hang(valkey: Valkey, seconds: float) -> None:
    """It takes connections and says nothing for so long."""
    valkey.freeze()
    time.sleep(seconds)
    valkey.thaw()


FAULTS = pytest.mark.parametrize("fault", [empty_it, restart_it, take_it_away, let_it_hang])


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    """A clinic on SQLite with a Redis of its own, one worker and one gateway, all at work."""
    with Valkey() as valkey, pytest.MonkeyPatch.context() as environment:
        for name, value in (AWAKE | {"TEKSTARI_REDIS__URL": valkey.url}).items():
            environment.setenv(name, value)
        with a_service("sqlite", tmp_path_factory.mktemp("redis"), 20 * PEOPLE) as service:
            service.valkey, service.queue = valkey, iter(service.people)
            service.worker, service.sender = Worker(service.configure()), service.gateway()
            service.sender.start()
            service.worker.start()
            service.carrier.wait_for_bind(timeout=60)
            wait_until(lambda: len(service.worker.children()) == 3)
            yield service
            assert service.worker.stop() == 0
            assert service.sender.stop() == 0


def suffer(clinic, fault, seconds: float) -> list[float]:
    """Reminders fall due before, during and after the *fault*; returns how many seconds late each was, sorted."""
    people = list(islice(clinic.queue, PEOPLE))
    fall_due(clinic, people, DUE_WITHIN if seconds == AWAY else timedelta(seconds=seconds))
    fault(clinic.valkey, seconds)
    wait_until(lambda: not left(clinic, people), why=lambda: left(clinic, people))
    clinic.settle()

    late = check_reminded(clinic, people)
    check_shown(clinic, people)
    assert clinic.worker.running
    assert clinic.sender.running
    return late


@FAULTS
def test_whatever_redis_does_each_reminder_goes_once(clinic, fault):
    suffer(clinic, fault, AWAY)


@pytest.mark.long
@FAULTS
def test_whatever_redis_does_for_a_minute_each_reminder_goes_once(clinic, fault, capsys):
    late = suffer(clinic, fault, 60.0)

    with capsys.disabled():
        print(f"\n{fault.__name__}: late {late[len(late) // 2]:.1f} s (median), {late[-1]:.1f} s (worst)")


def test_the_embedded_redis_is_killed_and_each_reminder_goes_once(tmp_path, monkeypatch):
    for name, value in AWAKE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("TEKSTARI_REDIS__URL", raising=False)  # of the clinic above, which may be at work still
    with a_service("sqlite", tmp_path, PEOPLE) as service:
        worker = Worker(service.configure())
        worker.start()
        wait_until(lambda: len(worker.children()) == 3)
        fall_due(service, service.people, DUE_WITHIN)
        for _ in range(3):
            wait_until(lambda: servers(worker), why=lambda: worker.log.read_text()[-2000:])
            servers(worker)[0].kill()
            time.sleep(1.0)
        wait_until(lambda: not left(service, service.people))

        check_reminded(service, service.people)
        assert worker.stop() == 0


def servers(worker: Worker) -> list[psutil.Process]:
    """The embedded servers that live."""
    found = psutil.Process(worker.pid).children()
    living = [one for one in found if one.status() != psutil.STATUS_ZOMBIE]
    return [one for one in living if "valkey" in one.name() or "redis" in one.name()]
