"""Whether and when a text that we start may go."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from handlers.permission import Recipient, outside_quiet_hours, why_not
from models.facts import StopFacts
from models.states import Purpose, StopSource

HELSINKI = ZoneInfo("Europe/Helsinki")
NIGHT = (time(21), time(8))


def a_recipient(*, do_not_text=False, deceased=False, silenced=False, **consents):
    return Recipient(do_not_text, deceased, silenced, consents)


@pytest.mark.parametrize(
    ("purpose", "consents", "reason"),
    [
        (Purpose.REMINDERS, {}, None),
        (Purpose.SURVEYS, {}, None),
        (Purpose.REMINDERS, {"reminders": False}, "objection"),
        (Purpose.CARE, {}, "no_consent"),
        (Purpose.OFFERS, {}, "no_consent"),
        (Purpose.OFFERS, {"offers": True}, None),
    ],
)
def test_each_purpose_has_its_own_ground(purpose, consents, reason):
    person = a_recipient(**consents)

    assert why_not(purpose, [person], [person], [], answers=False) == reason


@pytest.mark.parametrize("flag", ["do_not_text", "deceased", "silenced"])
def test_prohibitions_hold_even_for_answers(flag):
    person = a_recipient(care=True, **{flag: True})

    assert why_not(Purpose.CARE, [person], [person], [], answers=True) == flag


def test_a_number_of_somebody_who_must_not_be_texted_is_closed_to_all():
    child, mother = a_recipient(care=True), a_recipient(do_not_text=True)

    assert why_not(Purpose.CARE, [child], [child, mother], [], answers=False) == "do_not_text"


def test_the_silence_of_one_is_not_the_silence_of_another_on_the_number():
    widow, late = a_recipient(), a_recipient(deceased=True)

    assert why_not(Purpose.REMINDERS, [widow], [widow, late], [], answers=False) is None


@pytest.mark.parametrize(
    ("stop", "answers", "reason"),
    [
        (StopFacts(None, StopSource.STOP), False, "stop"),
        (StopFacts(Purpose.REMINDERS, StopSource.STOP), False, "stop"),
        (StopFacts(Purpose.SURVEYS, StopSource.STOP), False, None),
        (StopFacts(None, StopSource.STOP), True, None),
        (StopFacts(None, StopSource.STAFF), False, "stop"),
        (StopFacts(None, StopSource.WRONG_NUMBER), True, "wrong_number"),
    ],
)
def test_stops_hold_for_what_we_start(stop, answers, reason):
    person = a_recipient()

    assert why_not(Purpose.REMINDERS, [person], [person], [stop], answers=answers) == reason


@pytest.mark.parametrize(("purpose", "reason"), [(Purpose.REMINDERS, None), (Purpose.CARE, "no_consent")])
def test_a_number_that_is_nobodys(purpose, reason):
    assert why_not(purpose, [], [], [], answers=False) == reason


@pytest.mark.parametrize(
    ("wanted", "goes"),
    [
        ("2026-11-24T20:59", "2026-11-24T20:59"),
        ("2026-11-24T21:00", "2026-11-25T08:00"),
        ("2026-11-24T23:59", "2026-11-25T08:00"),
        ("2026-11-25T00:00", "2026-11-25T08:00"),
        ("2026-11-25T07:59", "2026-11-25T08:00"),
        ("2026-11-25T08:00", "2026-11-25T08:00"),
        ("2026-10-24T22:00", "2026-10-25T08:00"),  # the clock goes back in that night
        ("2026-03-28T22:00", "2026-03-29T08:00"),  # and forward in that
    ],
)
def test_quiet_hours_are_those_of_the_clinics_wall_clock(wanted, goes):
    moment = datetime.fromisoformat(wanted).replace(tzinfo=HELSINKI).astimezone(UTC)

    found = outside_quiet_hours(moment, NIGHT, HELSINKI)

    assert found == datetime.fromisoformat(goes).replace(tzinfo=HELSINKI)


@pytest.mark.parametrize(
    ("wanted", "goes"), [("11:59", "11:59"), ("12:00", "13:00"), ("12:59", "13:00"), ("23:00", "23:00")]
)
def test_quiet_hours_may_be_within_a_day(wanted, goes):
    moment = datetime.fromisoformat(f"2026-11-24T{wanted}").replace(tzinfo=HELSINKI)

    found = outside_quiet_hours(moment, (time(12), time(13)), HELSINKI)

    assert found.strftime("%H:%M") == goes


def test_without_quiet_hours_nothing_waits():
    moment = datetime(2026, 11, 24, 23, 0, tzinfo=UTC)

    assert outside_quiet_hours(moment, None, HELSINKI) == moment
