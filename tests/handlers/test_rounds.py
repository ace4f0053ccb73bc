"""The rounds of timed work against the database: once whoever runs, and nobody stopped by another's bad record."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from handlers import reminding as rule
from handlers.reminders import TimedRules
from handlers.rounds import reminders as rounds
from handlers.rounds.planner import Planner
from handlers.rounds.reminders import ReminderRound
from models import reminding
from models.clinic import Clinic, Service
from models.post import Outbox, Question
from models.register import bump_catalogue
from models.states import ReminderState
from models.timed import Reminder
from tests.rows import KEYS, NOW, a_clinic, a_patient, a_service, a_slot, an_appointment, how_many, rows_of

IN_A_WEEK = NOW + timedelta(days=7)
DUE = IN_A_WEEK - timedelta(days=3)


def plan(database, now=NOW):
    return Planner(database, TimedRules()).run(now)


def remind(database, now=DUE):
    return ReminderRound(database, KEYS, TimedRules()).run(now)


def visits(database, count, clinic=None, service=None, starts_at=IN_A_WEEK):
    """So many patients of a clinic, each with a visit, in a week unless said otherwise."""
    with database.transaction() as connection:
        clinic = clinic or a_clinic(connection)
        service = service or a_service(connection)
        return [
            an_appointment(
                connection,
                a_patient(connection, numbers=[f"+35850555{n:04d}"]),
                a_slot(connection, clinic, service, starts_at=starts_at),
                service,
            )
            for n in range(count)
        ]


def reasons(database):
    return [row.reason for row in rows_of(database, Reminder, state=ReminderState.NOT_SENT)]


def test_several_rounds_at_once_have_one_effect(database):
    visits(database, 300)

    def work(_):
        plan(database)
        return remind(database)

    with ThreadPoolExecutor(4) as pool:
        done = sum(pool.map(work, range(4)))
    done += remind(database)

    assert how_many(database, Reminder) == 600
    assert (done, how_many(database, Outbox), how_many(database, Question)) == (300, 300, 300)


def test_what_one_worker_is_at_stops_no_other(postgresql_database):
    visits(postgresql_database, 300)
    plan(postgresql_database)

    with postgresql_database.transaction() as connection:
        held = len(reminding.take_due(connection, DUE, 100))
        meanwhile = remind(postgresql_database)

    assert (held, meanwhile, remind(postgresql_database)) == (100, 200, 100)


def test_all_visits_of_a_person_are_one_workers_so_that_one_text_tells_of_a_day(postgresql_database):
    with postgresql_database.transaction() as connection:
        clinic, service = a_clinic(connection), a_service(connection)
        aino = a_patient(connection, numbers=["+358505550001"])
        for hours in (0, 2):
            slot = a_slot(connection, clinic, service, starts_at=IN_A_WEEK + timedelta(hours=hours))
            an_appointment(connection, aino, slot, service)
    plan(postgresql_database)

    with postgresql_database.transaction() as connection:
        held = len(reminding.take_due(connection, DUE + timedelta(hours=3), 1))
        meanwhile = remind(postgresql_database, DUE + timedelta(hours=3))
    remind(postgresql_database, DUE + timedelta(hours=3))

    assert (held, meanwhile, how_many(postgresql_database, Outbox)) == (2, 0, 1)


@pytest.mark.parametrize(("waited", "said"), [(59, []), (60, [60])])
def test_reminders_that_were_kept_up_are_carried_out_and_said_to_be_late(database, waited, said):
    visits(database, 3)
    plan(database)

    with capture_logs() as lines:
        done = remind(database, DUE + timedelta(seconds=waited))

    assert done == 3
    assert [line["seconds"] for line in lines if line["event"] == "reminders_late"] == said


def test_a_round_with_nothing_to_do_does_nothing(database):
    visits(database, 1)
    plan(database)

    assert (plan(database), remind(database, NOW)) == (0, 0)


def test_a_record_that_breaks_the_rule_stops_nobody_else_and_stands_on_the_list(database, monkeypatch):
    broken = visits(database, 20)[7]
    plan(database)

    def decide(due, beside, known):
        if due.visit.id == broken:
            raise KeyError("broken")
        return rule.decide(due, beside, known)

    monkeypatch.setattr(rounds, "decide", decide)
    remind(database)

    assert how_many(database, Outbox) == 19
    assert reasons(database) == ["data_error"]


def test_a_visit_that_breaks_the_planner_stops_nobody_else_and_stands_on_the_list(database, monkeypatch):
    broken = visits(database, 20)[7]
    plans = Planner._plans

    def break_down(self, visit, now):
        if visit.id == broken:
            raise KeyError("broken")
        return plans(self, visit, now)

    monkeypatch.setattr(Planner, "_plans", break_down)
    plan(database)
    remind(database)

    assert how_many(database, Outbox) == 19
    assert reasons(database) == ["data_error"]
    assert plan(database) == 0


@pytest.mark.parametrize("when", ["before it is planned", "before its reminder falls due"])
def test_a_visit_that_cannot_be_read_stops_nobody_else_and_stands_on_the_list(sqlite_database, when):
    spoilt = visits(sqlite_database, 20)[7]
    if when == "before its reminder falls due":
        plan(sqlite_database)
    with sqlite_database.transaction() as connection:
        connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        connection.exec_driver_sql(f"UPDATE appointment SET status = 'odd' WHERE id = {spoilt}")
        connection.exec_driver_sql("PRAGMA ignore_check_constraints = OFF")

    plan(sqlite_database)
    remind(sqlite_database)

    assert how_many(sqlite_database, Outbox) == 19
    assert reasons(sqlite_database) == ["data_error"]


@pytest.mark.parametrize(
    ("model", "broken"), [(Clinic, {"timezone": "Mars/Olympus"}), (Service, {"reminder_steps": ["soon"]})]
)
def test_a_rule_that_cannot_be_read_stops_only_its_own_visits(database, model, broken):
    with database.transaction() as connection:
        clinic, service = a_clinic(connection), a_service(connection)
        other_clinic, other_service = a_clinic(connection), a_service(connection)
    visits(database, 3, clinic, service)
    visits(database, 2, other_clinic, other_service)
    with database.transaction() as connection:
        bad = {Clinic: other_clinic, Service: other_service}[model]
        connection.execute(update(model).where(model.id == bad).values(**broken))
        bump_catalogue(connection)

    plan(database)
    remind(database)

    assert how_many(database, Outbox) == 3
    assert reasons(database) == ["data_error", "data_error"]


def test_what_fails_before_the_commit_is_done_by_the_next_round(database, monkeypatch):
    visits(database, 5)
    plan(database)

    def fall(*_arguments):
        raise SystemExit

    with monkeypatch.context() as context:
        context.setattr(rounds.reminding, "record", fall)
        with pytest.raises(SystemExit):
            remind(database)
    assert how_many(database, Outbox) == 0

    remind(database)

    assert (how_many(database, Outbox), how_many(database, Question)) == (5, 5)


def test_a_booking_inside_a_steps_window_skips_that_step(database):
    visits(database, 1, starts_at=NOW + timedelta(days=2))

    plan(database)

    assert [row.step for row in rows_of(database, Reminder)] == ["1d"]
