"""Opening hours, working days, cut-offs and wishes on the clinic's calendar, across both DST nights."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import family, hours, rules, wishes
from handlers.numbers import is_answered
from models.facts import Window
from parser.command import Command, Intent, Interval, Recur
from tests.builders import HELSINKI, NOW, a_clinic, a_person, at, instant, local, on_day

CLINIC = a_clinic()


def _windows(when=None, recur=None, now=NOW):
    return wishes.windows(Command(Intent.BOOK, when=when, recur=recur), now, HELSINKI)


# --- hours --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 5, 13), True),
        (date(2026, 5, 14), False),  # Ascension Day
        (date(2026, 5, 16), False),  # a Saturday
        (date(2026, 12, 25), False),
        (date(2026, 12, 28), True),
    ],
)
def test_working_days_are_weekdays_that_are_no_holidays(day, works):
    assert hours.is_working_day(day, CLINIC, "FI") is works


def test_a_region_without_a_known_calendar_has_no_holidays():
    assert hours.is_working_day(date(2026, 12, 25), CLINIC, "XX")


def test_a_day_without_hours_is_no_working_day():
    closed_on_wednesdays = a_clinic(hours={"mon": (("08:00", "16:00"),)})

    assert not hours.is_working_day(date(2026, 5, 13), closed_on_wednesdays, "FI")


def test_a_clinic_may_open_twice_a_day():
    clinic = a_clinic(hours={"tue": (("08:00", "11:00"), ("12:00", "16:00"))})

    assert hours.closing(clinic, instant(5, 10), "FI") == instant(5, 11)
    assert hours.closing(clinic, instant(5, 11, 30), "FI") is None
    assert hours.next_opening(clinic, instant(5, 11, 30), "FI") == instant(5, 12)


def test_opening_hours_are_the_same_on_the_wall_across_the_beginning_of_summer_time():
    clinic = a_clinic(hours={"sun": (("08:00", "16:00"),)})

    assert hours.next_opening(clinic, instant(28, 12, month=3), "FI") == datetime(2026, 3, 29, 5, 0, tzinfo=UTC)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)))
def test_a_promise_is_always_ahead_and_round_and_when_the_clinic_is_there(moment):
    now = moment.replace(tzinfo=UTC)

    promise = hours.promise(CLINIC, now, "FI")

    assert promise.by > now
    assert promise.by.minute % 5 == 0
    start = promise.opens_at or promise.by - timedelta(minutes=5)
    assert hours.closing(CLINIC, start, "FI") is not None


@pytest.mark.parametrize(
    ("clinic_hours", "spans"),
    [
        (dict.fromkeys(hours.DAYS[:5], (("08:00", "16:00"),)), ((1, 5, "8", "16"),)),
        (
            {"mon": (("08:00", "15:30"),), "tue": (("08:00", "15:30"),), "thu": (("10:00", "18:00"),)},
            ((1, 2, "8", "15.30"), (4, 4, "10", "18")),
        ),
    ],
)
def test_a_week_is_said_in_spans_of_days(clinic_hours, spans):
    assert hours.week(a_clinic(hours=clinic_hours)).spans == spans


# --- cut-offs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "length"), [("24h", timedelta(hours=24)), ("90m", timedelta(minutes=90)), ("1.5d", timedelta(hours=36))]
)
def test_a_duration_is_read(written, length):
    assert rules.duration(written) == length


@pytest.mark.parametrize("written", ["", "h", "24", "24 hours"])
def test_what_is_no_duration_is_refused(written):
    with pytest.raises(ValueError, match=r"."):
        rules.duration(written)


def test_a_day_earlier_is_the_same_hour_on_the_wall():
    after_the_change = instant(29, 10, month=3)

    assert rules.earlier(after_the_change, timedelta(days=1), CLINIC) == instant(28, 10, month=3)
    assert after_the_change - instant(28, 10, month=3) == timedelta(hours=23)


# --- wishes -------------------------------------------------------------------------------------------------------


def test_a_day_is_as_long_as_it_is_on_the_wall():
    now = instant(1, month=10)

    [window] = _windows(on_day(25, month=10), now=now)

    assert window.end - window.start == timedelta(hours=25)


def test_today_begins_now():
    [window] = _windows(on_day(5))

    assert window == Window(NOW, instant(6))


def test_what_is_past_or_further_than_200_days_is_no_wish():
    assert _windows(on_day(4)) == ()
    assert _windows((Interval(datetime(2027, 5, 5), datetime(2027, 5, 6)),)) == ()


def test_an_open_end_ends_after_200_days():
    [window] = _windows((Interval(local(20), None),))

    assert window == Window(instant(20), NOW + timedelta(days=200))


def test_a_minute_stays_a_minute():
    assert _windows(at(19, 9)) == (Window(instant(19, 9), instant(19, 9)),)


def test_weekdays_after_four_within_a_wished_week():
    week = (Interval(local(11), local(18)),)

    found = _windows(week, Recur((1, 2, 3, 4, 5), "16:00", None))

    assert found == tuple(Window(instant(day, 16), instant(day + 1)) for day in range(11, 16))


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    st.sets(st.integers(1, 7), min_size=1),
    st.integers(0, 23),
    st.integers(1, 24),
)
def test_a_repeated_wish_lies_ahead_on_its_days_in_its_hours(moment, weekdays, first, length):
    now = moment.replace(tzinfo=UTC)
    recur = Recur(tuple(sorted(weekdays)), f"{first:02}:00", f"{min(24, first + length):02}:00")

    for window in _windows(recur=recur, now=now):
        assert now <= window.start < window.end
        start = window.start.astimezone(HELSINKI)
        assert start.isoweekday() in weekdays
        # The hour that DST leaves out begins at its end.
        assert start.hour >= first
        assert wishes.is_wished(window.start, (window,))
        assert not wishes.is_wished(window.end, (window,))


@pytest.mark.parametrize(
    ("spans", "one_day"),
    [
        (on_day(14), True),
        (at(14, 9), True),
        ((Interval(local(14, 8), local(14, 12)),), True),
        ((Interval(local(11), local(18)),), False),
        ((Interval(local(14), None),), False),
        ((*on_day(14), *on_day(15)), False),
        (None, False),
    ],
)
def test_an_exact_date_is_one_stretch_within_one_day(spans, one_day):
    assert wishes.names_one_day(spans) is one_day


# --- people and numbers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("day", "years"), [(date(2026, 2, 28), 13), (date(2026, 3, 1), 14)])
def test_who_was_born_on_a_leap_day_has_a_birthday_on_the_first_of_march(day, years):
    assert family.age(a_person(born_on=date(2012, 2, 29)), day) == years


@pytest.mark.parametrize(
    ("number", "region", "answered"),
    [
        ("+358405550101", "FI", True),
        ("+358505550101", "FI", True),
        ("+358912345678", "FI", False),
        ("+46701234567", "FI", False),
        ("+46701234567", "SE", True),
        ("16400", "FI", False),
        ("Kela", "FI", False),
    ],
)
def test_mobile_numbers_of_the_country_are_answered(number, region, answered):
    assert is_answered(number, region) is answered
