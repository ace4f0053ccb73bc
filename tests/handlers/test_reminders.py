"""Plans of reminders and provisional times over random calendars: DST nights, year's end, leap day (section 4)."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import provisional, reminders
from handlers.reminders import TimedRules, Visit, named
from models.facts import ClinicFacts, ServiceFacts
from models.states import COMING, AppointmentStatus, ReminderKind

HELSINKI = ZoneInfo("Europe/Helsinki")
RULES = TimedRules()
ODD_DAYS = [  # both DST changes, year's end, leap day
    datetime(2026, 3, 29, tzinfo=UTC),
    datetime(2026, 10, 25, tzinfo=UTC),
    datetime(2027, 1, 1, tzinfo=UTC),
    datetime(2028, 2, 29, tzinfo=UTC),
]
minutes = st.integers(0, 40 * 24 * 60)
starts = st.builds(lambda day, by: day + timedelta(days=-20, minutes=by), st.sampled_from(ODD_DAYS), minutes)
steps = st.lists(st.sampled_from(["30m", "2h", "9h", "24h", "1d", "2d", "3d", "7d"]), max_size=4)
zones = st.sampled_from(["Europe/Helsinki", "Europe/Stockholm", "America/New_York", "Australia/Lord_Howe"])


def a_clinic(zone="Europe/Helsinki"):
    return ClinicFacts(1, "c", {}, "+358405550100", "", "", ZoneInfo(zone), {}, None, {})


def a_service(steps=None, lapse=None):
    return ServiceFacts(1, "s", {}, 30, "checkup", frozenset(), None, lapse, steps, {})


def a_visit(starts_at, status=AppointmentStatus.BOOKED, made=timedelta(days=60)):
    return Visit(starts_at, status, starts_at - made)


def helsinki(*wall):
    return datetime(*wall, tzinfo=HELSINKI).astimezone(UTC)


def is_quiet(moment, clinic):
    clock = moment.astimezone(clinic.zone).time()
    return clock >= time(21) or clock < time(8)


@given(starts, steps, zones, st.sampled_from(sorted(AppointmentStatus)))
def test_reminders_are_never_at_night_never_twice_never_after_the_visit_and_only_of_coming_ones(
    start, steps, zone, status
):
    clinic = a_clinic(zone)

    plans = reminders.plan(a_visit(start, status), a_service(tuple(steps)), clinic, RULES)

    dues = [plan.due_at for plan in plans]
    assert not [due for due in dues if is_quiet(due, clinic) or due >= start]
    assert len({plan.step for plan in plans}) == len(set(dues)) == len(plans)
    assert dues == sorted(dues)
    assert status in COMING or not plans


@given(starts, zones, st.timedeltas(timedelta(hours=1), timedelta(days=40)))
def test_a_provisional_time_lapses_by_day_before_the_visit_with_time_to_answer_an_asking(start, zone, made):
    clinic = a_clinic(zone)

    plans = provisional.plan(a_visit(start, AppointmentStatus.PROVISIONAL, made), a_service(), clinic, RULES)

    lapses = [plan for plan in plans if plan.kind is ReminderKind.LAPSE]
    assert not [plan for plan in plans if is_quiet(plan.due_at, clinic) or plan.due_at >= start]
    assert len(lapses) == bool(plans)
    assert all(plan.due_at < lapses[0].due_at for plan in plans if plan.kind is ReminderKind.PROVISIONAL_ASK)


@pytest.mark.parametrize(
    ("start", "due"),
    [
        (helsinki(2026, 3, 29, 10, 0), helsinki(2026, 3, 28, 10, 0)),  # the clocks went forward in the night between
        (helsinki(2026, 10, 25, 10, 0), helsinki(2026, 10, 24, 10, 0)),
        (helsinki(2028, 3, 1, 9, 15), helsinki(2028, 2, 29, 9, 15)),
        (helsinki(2027, 1, 1, 12, 0), helsinki(2026, 12, 31, 12, 0)),
        (helsinki(2026, 3, 12, 7, 30), helsinki(2026, 3, 10, 20, 59)),
        (helsinki(2026, 3, 12, 21, 0), helsinki(2026, 3, 11, 20, 59)),
        (helsinki(2026, 3, 12, 8, 0), helsinki(2026, 3, 11, 8, 0)),
    ],
)
def test_a_day_before_is_the_same_hour_on_the_wall_or_the_last_minute_before_the_night(start, due):
    [plan] = reminders.plan(a_visit(start), a_service(("1d",)), a_clinic(), RULES)

    assert plan.due_at == due


def test_two_steps_that_fall_before_one_night_are_one_reminder():
    start = helsinki(2026, 3, 12, 7, 0)

    plans = reminders.plan(a_visit(start), a_service(("9h", "8h")), a_clinic(), RULES)

    assert [plan.step for plan in plans] == ["8h"]


def test_who_has_confirmed_is_reminded_once():
    start = helsinki(2026, 3, 12, 9, 15)

    plans = reminders.plan(a_visit(start, AppointmentStatus.CONFIRMED), a_service(), a_clinic(), RULES)

    assert [plan.step for plan in plans] == ["3d"]


@pytest.mark.parametrize(
    ("made", "kinds"),
    [
        (30, ["21d", "16d", "14d"]),
        (17, ["21d", "16d", "14d"]),  # the first is past, and the planner skips it
        (15, ["21d", "16d", "14d"]),  # too near to ask in time: the rounds let nothing lapse unasked
        (13, []),
    ],
)
def test_a_time_made_after_its_lapse_stays_until_staff_decide(made, kinds):
    visit = a_visit(helsinki(2026, 6, 5, 10, 0), AppointmentStatus.PROVISIONAL, timedelta(days=made))

    assert [plan.step for plan in provisional.plan(visit, a_service(), a_clinic(), RULES)] == kinds


def test_a_service_with_an_early_lapse_is_asked_about_before_it():
    visit = a_visit(helsinki(2026, 6, 5, 10, 0), AppointmentStatus.PROVISIONAL)

    plans = provisional.plan(visit, a_service(lapse="30d"), a_clinic(), RULES)

    assert [plan.step for plan in plans] == ["32d", "30d"]


@pytest.mark.parametrize(
    ("step", "name"),
    [
        (timedelta(hours=24), "1d"),
        (timedelta(hours=36), "36h"),
        (timedelta(minutes=90), "90m"),
        (timedelta(seconds=90), "90s"),
    ],
)
def test_one_step_has_one_name(step, name):
    assert named(step) == name
