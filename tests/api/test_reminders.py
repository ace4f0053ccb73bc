"""Reminders by the API: what is planned, what went, what did not and why; and one that the clinic asks for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from handlers.reminders import TimedRules
from handlers.rounds.planner import Planner
from handlers.rounds.reminders import ReminderRound
from models.ledger import OUTBOX
from models.states import OutboxState
from tests.api.conftest import NOW, a_visit


@pytest.fixture
def tick(database, keys):
    def run(now=NOW):
        Planner(database, TimedRules()).run(now)
        ReminderRound(database, keys, TimedRules()).run(now)

    return run


@pytest.fixture
def visit(clinic):
    """A clinic's program, and a visit "v1" in a week."""
    assert clinic.put("/appointments/v1", a_visit()).status_code == 201
    return clinic


def listed(program, query=""):
    return [(item["step"], item["state"], item["reason"]) for item in program.get(f"/reminders{query}").json["items"]]


def test_what_is_planned_is_listed_by_time(visit, database, tick):
    tick()

    assert listed(visit) == [("3d", "planned", None), ("1d", "planned", None)]
    assert listed(visit, "?state=sent") == []


def test_a_reminder_that_the_carrier_could_not_deliver_is_on_the_list_of_those_not_sent(visit, database, tick):
    tick()
    tick(NOW + timedelta(days=4))
    with database.transaction() as connection:
        connection.execute(update(OUTBOX).values(state=OutboxState.FAILED, reason="receipt undeliverable"))

    assert listed(visit, "?state=not_sent") == [("3d", "not_sent", "receipt undeliverable")]


def test_how_long_due_reminders_wait_for_a_worker_is_in_the_figures(visit, app, clock, tick):
    tick()
    before = app.test_client().get("/metrics").text
    clock.now = NOW + timedelta(days=4, minutes=2)  # the visit is in a week, its first reminder was due two minutes ago

    after = app.test_client().get("/metrics").text

    assert "tekstari_reminders_due 0\ntekstari_reminders_oldest_due_seconds 0\n" in _figures(before)
    assert "tekstari_reminders_due 1\ntekstari_reminders_oldest_due_seconds 120\n" in _figures(after)


def _figures(metrics):
    return "".join(f"{line}\n" for line in metrics.splitlines() if line.startswith("tekstari_reminders"))


def test_a_clinic_may_push_a_reminder_and_twice_in_a_minute_is_once(visit, database, tick):
    first = visit.post("/appointments/v1/remind", {})
    second = visit.post("/appointments/v1/remind", {})
    tick()

    assert (first.status_code, first.json["kind"], first.json["state"]) == (201, "push", "planned")
    assert second.json["id"] == first.json["id"]
    assert [state for step, state, _ in listed(visit) if step not in ("3d", "1d")] == ["queued"]


def test_a_pushed_reminder_waits_for_the_end_of_the_night(visit, database, tick):
    pushed = visit.post("/appointments/v1/remind", {"at": (NOW + timedelta(hours=10)).isoformat()})

    assert pushed.json["due_at"] == "2026-11-25T08:00:00+02:00"


def test_only_a_coming_visit_is_reminded_of(visit, database, tick):
    assert visit.post("/appointments/nothing/remind", {}).status_code == 404
    late = visit.post("/appointments/v1/remind", {"at": (NOW + timedelta(days=8)).isoformat()})
    assert late.status_code == 422
    visit.put("/appointments/v1", {"patient": "aino", "slot": "s1", "service": "checkup", "status": "cancelled"})
    assert visit.post("/appointments/v1/remind", {}).status_code == 409


def test_a_list_of_reminders_goes_on_page_by_page(visit, database, tick):
    tick()

    first = visit.get("/reminders?limit=1").json
    second = visit.get(f"/reminders?limit=1&cursor={first['cursor']}").json

    assert [item["step"] for item in (*first["items"], *second["items"])] == ["3d", "1d"]
    assert second["cursor"] is None
