"""Timed work: woken once however many tick, done without Redis too, by workers that are kept alive."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
import redis
from rq import Queue, SimpleWorker

import config
import jobs
import worker
from embedded import socket_path
from gateway.bell import Doorbell
from gateway.bell import connect as connect_redis
from models.clinic import Heartbeat
from models.database import connect
from models.heartbeats import beat, beats
from models.post import Inbox, Question
from models.schema import newest, version
from models.staff import IdempotentRequest
from models.states import InboxState, Outcome, QuestionState
from startup import House
from tests.rows import (
    KEYS,
    NOW,
    a_clinic,
    a_patient,
    a_question,
    a_received_text,
    a_session,
    a_thread,
    how_many,
    rows_of,
)

ROOT = Path(__file__).parent.parent


@pytest.fixture
def house(tmp_path, database):
    (tmp_path / "config.toml").write_text("")
    return House(config.load(tmp_path / "config.toml", {}), database, KEYS, lambda: NOW)


@pytest.fixture
def shop(house):
    jobs.begin(house)
    return house


def beat_names(database):
    with database.reading() as connection:
        return {beat.name for beat in beats(connection)}


# --- the work -----------------------------------------------------------------------------------------------------


def test_questions_end_when_their_time_has_passed(shop, database):
    with database.transaction() as connection:
        a_clinic(connection)
        thread = a_thread(connection)
        old = a_question(connection, thread, expires_at=NOW)
        young = a_question(connection, thread, expires_at=NOW + timedelta(seconds=1))

    jobs.run("questions")

    states = {row.id: row.state for row in rows_of(database, Question)}
    assert states == {old: QuestionState.EXPIRED, young: QuestionState.OPEN}


def test_a_text_that_a_dead_process_left_is_answered(shop, database):
    with database.transaction() as connection:
        a_clinic(connection)
        a_patient(connection)
        a_received_text(connection, a_session(connection), b"IHMINEN", received_at=NOW - timedelta(minutes=1))

    jobs.run("sweep")

    [text] = rows_of(database, Inbox)
    assert (text.state, text.outcome) == (InboxState.DONE, Outcome.HANDED_OVER)


def test_answers_to_old_requests_are_forgotten(shop, database):
    with database.transaction() as connection:
        for key, age in (("old", 25), ("young", 23)):
            row = {"key": key, "request": b"", "status": 201, "answer": b"", "at": NOW - timedelta(hours=age)}
            connection.execute(IdempotentRequest.__table__.insert().values(**row))

    jobs.run("requests")

    assert [row.key for row in rows_of(database, IdempotentRequest)] == ["young"]


@pytest.mark.parametrize("kind", sorted(jobs.KINDS))
def test_every_kind_says_that_it_ran_and_may_run_twice(shop, database, kind):
    jobs.run(kind)
    jobs.run(kind)

    assert beat_names(database) == {f"timed:{kind}"}


def test_work_that_fails_is_logged_and_tried_again(shop, database, monkeypatch):
    def fail(_shop, _now):
        raise RuntimeError("broken")

    monkeypatch.setitem(jobs.KINDS, "sweep", jobs.Kind("urgent", timedelta(seconds=5), fail))

    jobs.run("sweep")

    assert how_many(database, Heartbeat) == 0


# --- the tick -----------------------------------------------------------------------------------------------------


def waiting(connection):
    return {name: Queue(name, connection=connection).job_ids for name in jobs.QUEUES}


def test_the_ticks_of_two_processes_wake_each_kind_once(valkey):
    connection = redis.Redis.from_url(valkey.url)
    ticks = [worker.Tick(connection) for _ in range(2)]

    for tick in ticks:
        tick(NOW)
        tick(NOW + timedelta(milliseconds=900))

    per_queue = {queue: sum(kind.queue == queue for kind in jobs.KINDS.values()) for queue in jobs.QUEUES}
    assert {queue: len(ids) for queue, ids in waiting(connection).items()} == per_queue


def test_each_kind_is_woken_as_often_as_it_wants(valkey):
    connection = redis.Redis.from_url(valkey.url)
    tick = worker.Tick(connection)

    for second in range(30):
        tick(NOW + timedelta(seconds=second))

    woken = Counter(job_id.rpartition("-")[0] for ids in waiting(connection).values() for job_id in ids)
    assert woken == {name: max(1, 30 // int(kind.every.total_seconds())) for name, kind in jobs.KINDS.items()}


def test_a_wake_up_reaches_a_worker_by_name(shop, database, valkey):
    connection = redis.Redis.from_url(valkey.url)
    worker.Tick(connection)(NOW)

    for queue in jobs.QUEUES:
        SimpleWorker([queue], connection=connection).work(burst=True)

    assert beat_names(database) == {f"timed:{kind}" for kind in jobs.KINDS}


def test_without_redis_the_tick_does_the_work_itself(tmp_path):
    done = []
    tick = worker.Tick(redis.Redis(unix_socket_path=str(tmp_path / "nothing.sock")), run=done.append)

    tick(NOW)
    tick(NOW)

    assert sorted(done) == sorted(jobs.KINDS)


class DeadRedis(redis.Redis):
    """Counts how often it is asked, and fails."""

    asked = 0

    def execute_command(self, *_arguments, **_options):
        self.asked += 1
        raise redis.TimeoutError

    def pipeline(self, *_arguments, **_options):
        return self.execute_command()

    transaction = eval_ = pipeline


def test_a_redis_that_hangs_is_asked_once_in_five_seconds(monkeypatch):
    steady = [100.0]
    monkeypatch.setattr(worker.time, "monotonic", lambda: steady[0])
    hanging, done, asked = DeadRedis(), [], []
    tick = worker.Tick(hanging, run=done.append)

    for second in range(10):
        tick(NOW + timedelta(seconds=second))
        steady[0] += 1.0
        asked.append(hanging.asked)

    assert len(set(asked)) == 2
    assert Counter(done)["reminders"] == 10


def test_a_redis_that_does_not_hear_the_bell_holds_no_work_up():
    deaf = DeadRedis()
    bell = Doorbell(deaf)

    bell.ring()
    bell.ring()

    assert deaf.asked == 1


def test_work_whose_wake_ups_nobody_takes_is_seen(database):
    with database.transaction() as connection:
        beat(connection, "timed:plan", NOW, {})
        beat(connection, "timed:offers", NOW - timedelta(days=1), {})
    long = NOW + timedelta(seconds=10)

    with database.reading() as connection:
        left = {began: worker.unanswered(connection, began, long) for began in (NOW - timedelta(hours=1), long)}

    never_or_long_ago = [kind for kind in jobs.KINDS if kind != "plan"]
    assert left == {NOW - timedelta(hours=1): never_or_long_ago, long: ["offers"]}


def test_a_foreman_does_what_no_worker_does(house, database):
    foreman = worker.Foreman(house, worker.Supervisor([]))
    foreman._began = NOW - timedelta(minutes=1)
    jobs.begin(house)

    foreman._stand_in()

    assert beat_names(database) == {f"timed:{kind}" for kind in jobs.KINDS if kind not in ("events", "requests")}


def test_jobs_name_no_person(valkey):
    connection = redis.Redis.from_url(valkey.url)
    worker.Tick(connection)(NOW)

    found = [(job.func_name, job.args, job.kwargs) for job in Queue("urgent", connection=connection).jobs]

    assert sorted(found) == [("jobs.run", ("offers",), {}), ("jobs.run", ("sweep",), {})]


@pytest.mark.parametrize(
    ("url", "hosts", "service"),
    [
        ("redis+sentinel://a:26379,b:26380/clinic/2", [("a", 26379), ("b", 26380)], "clinic"),
        ("redis+sentinel://:p%40ss@a/clinic", [("a", 26379)], "clinic"),
        ("redis+sentinel://a:1", [("a", 1)], "mymaster"),
    ],
)
def test_sentinels_are_asked_for_the_master(url, hosts, service):
    pool = connect_redis(url).connection_pool

    asked = [each.connection_pool.connection_kwargs for each in pool.sentinel_manager.sentinels]
    assert [(each["host"], each["port"]) for each in asked] == hosts
    assert pool.service_name == service


# --- supervision --------------------------------------------------------------------------------------------------


def test_a_worker_that_ends_is_started_again_and_one_that_keeps_ending_ever_less_often(tmp_path):
    log = tmp_path / "starts"
    program = f"open({str(log)!r}, 'a').write('x')"
    supervisor = worker.Supervisor([sys.executable, "-c", program], [worker.Child("urgent", 0)])
    [child] = supervisor.children
    pauses = []

    now = 0.0
    while len(pauses) < 4:
        supervisor.look(now)
        child.process.wait()
        supervisor.look(now)
        pauses.append(child.pause)
        now = child.not_before

    assert pauses == [1.0, 2.0, 4.0, 8.0]
    assert len(log.read_text()) == 4


def test_a_worker_that_lived_long_is_started_again_at_once():
    supervisor = worker.Supervisor([sys.executable, "-c", ""], [worker.Child("urgent", 0, pause=16.0)])
    [child] = supervisor.children

    supervisor.look(0.0)
    child.process.wait()
    supervisor.look(worker.STEADY)

    assert child.pause == worker.SHORTEST_PAUSE


# --- the whole process --------------------------------------------------------------------------------------------


def eventually(true, patience=60):
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.1)


@pytest.fixture
def running(tmp_path):
    """A worker process on SQLite with the embedded Redis, as an operator starts it."""
    (tmp_path / "config.toml").write_text("")
    environment = {"PATH": os.environ["PATH"], "TEKSTARI_SECRET_KEY": "0f" * 32}
    command = [sys.executable, ROOT / "worker.py", "--config", tmp_path / "config.toml"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    yield tmp_path, process
    process.kill()
    process.wait()


def kinds_that_ran(data_dir, since):
    database = connect("", data_dir=data_dir)
    try:
        with database.reading() as connection:
            return {beat.name for beat in beats(connection, "timed:") if beat.at >= since}
    finally:
        database.close()


def test_the_process_does_its_work_and_outlives_its_workers_and_redis(running):
    folder, process = running
    data_dir = folder / "var"
    eventually((data_dir / "tekstari.db").exists)
    eventually(lambda: is_migrated(data_dir))
    eventually(lambda: {"timed:sweep", "timed:questions"} <= kinds_that_ran(data_dir, datetime.min.replace(tzinfo=UTC)))
    parent = psutil.Process(process.pid)
    eventually(lambda: len(queue_workers(parent)) == 3)

    victim = queue_workers(parent)[0]
    victim.kill()
    eventually(lambda: len(queue_workers(parent)) == 3 and victim.pid not in [w.pid for w in queue_workers(parent)])
    server = next(child for child in parent.children() if "valkey" in child.name() or "redis" in child.name())
    server.kill()
    eventually(lambda: answers(data_dir))
    killed = datetime.now(UTC)
    eventually(lambda: "timed:sweep" in kinds_that_ran(data_dir, killed))

    children = parent.children(recursive=True)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def test_the_process_ends_in_order_while_redis_hangs(running):
    folder, process = running
    data_dir = folder / "var"
    parent = psutil.Process(process.pid)
    eventually(lambda: len(queue_workers(parent)) == 3)
    eventually(lambda: answers(data_dir))
    eventually(lambda: registered_workers(data_dir) == 3)
    server = next(child for child in parent.children() if "valkey" in child.name() or "redis" in child.name())

    server.suspend()
    process.send_signal(signal.SIGTERM)
    eventually(lambda: not queue_workers(parent))
    server.resume()

    assert process.wait(30) == 0
    assert "worker_killed" not in (folder / "log").read_text()


def registered_workers(data_dir):
    return redis.Redis(unix_socket_path=str(socket_path(data_dir))).scard("rq:workers")


def is_migrated(data_dir):
    database = connect("", data_dir=data_dir)
    try:
        return version(database) == newest()
    finally:
        database.close()


def queue_workers(parent):
    living = [child for child in parent.children() if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in living if "--queue" in child.cmdline()]


def answers(data_dir):
    try:
        return redis.Redis(unix_socket_path=str(socket_path(data_dir))).ping()
    except redis.RedisError:
        return False
