"""Workers killed with -9 while reminders fall due: each due step goes once, whoever dies where."""

from __future__ import annotations

import random
import time
from datetime import timedelta

import pytest

from tests.faults.harness import a_service, wait_until
from tests.faults.workers import AWAKE, Mill, Worker, check_reminded, fall_due, left

VISITS = 2000
KILLS = 10


@pytest.fixture(autouse=True)
def awake(monkeypatch):
    """No quiet hours, for every process."""
    for name, value in AWAKE.items():
        monkeypatch.setenv(name, value)


def grind_and_die(service, chance: random.Random) -> None:
    """Two processes do the work; each time that more falls due one of them is killed, and another takes its place."""
    config = service.configure(name="mill")
    mills = [Mill(config), Mill(config)]
    for n in range(KILLS):
        fall_due(service, service.people[n::KILLS], timedelta(seconds=0.3))
        place = chance.randrange(2)
        mills[place].kill(after=chance.uniform(0.0, 0.3))
        mills[place] = Mill(config)
    wait_until(lambda: not left(service, service.people))
    for mill in mills:
        mill.kill(after=0.0)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_workers_killed_at_random_remind_everybody_once(kind, request, tmp_path):
    server = request.getfixturevalue("postgresql_server") if kind == "postgresql" else None
    with a_service(kind, tmp_path, VISITS, server=server) as service:
        grind_and_die(service, random.Random(20261122))

        check_reminded(service, service.people)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_whole_worker_processes_killed_for_minutes_remind_everybody_once(kind, tmp_path, valkey, monkeypatch, capsys):
    monkeypatch.setenv("TEKSTARI_REDIS__URL", valkey.url)
    chance, kills = random.Random(20261122), 0
    with a_service(kind, tmp_path, 5 * VISITS) as service:
        workers = [Worker(service.configure(name=f"worker-{n}"), f"worker-{n}") for n in range(2)]
        for worker in workers:
            worker.start()
        fall_due(service, service.people, timedelta(minutes=2), after=timedelta(seconds=5))
        while left(service, service.people):
            time.sleep(chance.uniform(0.5, 6.0))
            victim = chance.choice(workers)
            victim.massacre()
            victim.start()
            kills += 1
        late = check_reminded(service, service.people)
        for worker in workers:
            worker.massacre()
        with capsys.disabled():
            print(f"\n{kind}: {kills} kills; late {late[len(late) // 2]:.1f} s (median), {late[-1]:.1f} s (worst)")
