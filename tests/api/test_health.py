"""Whether the house works, asked by monitors."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from app import create_app
from models.correspondence import thread_for
from models.database import connect
from models.heartbeats import beat
from models.ledger import HAND_OVER, TextOut, put_out
from models.register import CLINIC
from models.states import HandOverReason, Purpose
from tests.api.conftest import NOW, NUMBER, SERVICE_NUMBER, on_sqlite

BOUND = {"binds": {"main": {"state": "bound as transceiver", "counts": {"texts_in": 1_234_567}}}}


@pytest.fixture
def web(settings, database, keys, clock, valkey):
    redis = settings.redis.model_copy(update={"url": valkey.url})
    return create_app(settings.model_copy(update={"redis": redis}), database, keys, clock=clock).test_client()


def gateway_says(database, data, at=NOW, name="gateway:host:1:a"):
    with database.transaction() as connection:
        beat(connection, name, at, data)


def test_the_process_is_up_whatever_else_is_not(app):
    assert app.test_client().get("/healthz").json == {"status": "up"}


def test_ready_when_database_redis_and_every_bind_work(web, database):
    gateway_says(database, BOUND)

    answer = web.get("/readyz")

    assert (answer.status_code, answer.json["status"]) == (200, "ready")
    assert answer.json["parts"] == {"database": "up", "redis": "up", "bind:main": "up"}


@on_sqlite
@pytest.mark.parametrize(
    ("data", "age", "said"),
    [
        ({"binds": {"main": {"state": "open"}}}, 0, "open"),
        ({"binds": {"main": {"state": "refused: 0x0000000e"}}}, 1, "refused: 0x0000000e"),
        (BOUND, 60, "no gateway runs it"),
        ({"binds": {}}, 0, "no gateway runs it"),
    ],
)
def test_a_bind_that_is_not_bound_is_named(web, database, data, age, said):
    gateway_says(database, data, NOW - timedelta(seconds=age))

    answer = web.get("/readyz")

    assert (answer.status_code, answer.json["parts"]["bind:main"]) == (503, said)


def test_one_gateway_that_holds_the_bind_is_enough(web, database):
    gateway_says(database, BOUND)
    gateway_says(database, {"binds": {"main": {"state": "closed"}}}, name="gateway:other:2:b")

    assert web.get("/readyz").json["parts"]["bind:main"] == "up"


def test_redis_that_is_away_is_named(app, database):
    gateway_says(database, BOUND)

    answer = app.test_client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json["parts"]["redis"].startswith("away")
    assert answer.json["parts"]["database"] == "up"


def test_a_database_that_is_away_is_named_and_metrics_go_on(settings, keys, clock):
    gone = connect("postgresql+psycopg://nobody@/nothing?host=/nowhere", data_dir=settings.service.data_dir)
    web = create_app(settings, gone, keys, clock=clock).test_client()

    ready, metrics = web.get("/readyz"), web.get("/metrics")
    call = web.get("/api/v1/clinics", headers={"Authorization": "Bearer x"})

    assert ready.json["parts"]["database"].startswith("away")
    assert 'tekstari_up{part="database"} 0' in metrics.text
    assert (call.status_code, call.mimetype, call.headers["Retry-After"]) == (503, "application/problem+json", "2")


@on_sqlite
@pytest.mark.parametrize(("age", "said", "status"), [(40, "up", 200), (61, "late", 503)])
def test_timed_work_that_misses_its_turns_is_named(web, database, age, said, status):
    gateway_says(database, BOUND)
    gateway_says(database, {"done": 0, "every": 5}, NOW - timedelta(seconds=age), name="timed:sweep")

    answer = web.get("/readyz")

    assert (answer.json["parts"]["timed:sweep"], answer.status_code) == (said, status)


def test_metrics_tell_what_waits_and_for_how_long(web, clinic, database, keys):
    gateway_says(database, BOUND)
    with database.transaction() as connection:
        clinic_id = connection.execute(CLINIC.select()).one().id
        thread = thread_for(connection, NUMBER, SERVICE_NUMBER, clinic_id, NOW)
        due = NOW - timedelta(seconds=90)
        text = TextOut("one", thread.id, NUMBER, SERVICE_NUMBER, Purpose.REMINDERS, 3, "free", "Hei", due)
        put_out(connection, keys, [text], due)
        row = {"thread_id": thread.id, "reason": HandOverReason.TOO_LATE, "opened_at": NOW - timedelta(hours=1)}
        connection.execute(insert(HAND_OVER).values(**row))
        connection.execute(update(HAND_OVER).values(promised_at=NOW - timedelta(minutes=1)))

    lines = web.get("/metrics").text.splitlines()

    assert {
        'tekstari_up{part="redis"} 1',
        'tekstari_outbox_waiting{state="queued",lane="3"} 1',
        "tekstari_outbox_oldest_due_seconds 90",
        'tekstari_inbox_waiting{state="new"} 0',
        "tekstari_hand_overs_open 1",
        "tekstari_hand_overs_late 1",
        "tekstari_hand_overs_oldest_seconds 3600",
        'tekstari_bind_bound{bind="main",gateway="host:1:a"} 1',
        'tekstari_bind_events_total{bind="main",gateway="host:1:a",event="texts_in"} 1234567',
    } <= set(lines)


def test_metrics_hold_nothing_of_a_person(web, clinic):
    metrics = web.get("/metrics").text

    assert "tekstari_texts_in_total 0" in metrics
    assert not any(secret in metrics for secret in (NUMBER, "Aino", "Virtanen", "140385"))


@on_sqlite
def test_every_figure_has_its_help_once(web):
    lines = web.get("/metrics").text.splitlines()

    helped = [line.split()[2] for line in lines if line.startswith("# HELP")]
    told = {line.split("{")[0].split()[0] for line in lines if not line.startswith("#")}

    assert sorted(helped) == sorted(told)
