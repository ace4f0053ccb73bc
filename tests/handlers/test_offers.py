"""When a free time is offered, to whom, and why not to others: the rules alone, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import offers
from handlers.offers import OfferRules
from models.candidates import CODES
from models.facts import Catalogue, StopFacts
from models.offer_facts import DEEPEST, Candidate, FreedSlot, OpenOffer, Wish
from models.states import FreedBy, Purpose, StopSource
from parser.command import Context, ContextKind, Intent
from parser.reading import parse
from tests.builders import NOW, OTHER_NUMBER, a_clinic, a_person, a_service, a_visit, instant

RULES = OfferRules()
CATALOGUE = Catalogue(1, {1: a_clinic()}, {1: a_service(), 2: a_service(id=2, key="ortho", patient_may=frozenset())})
FRIDAY = instant(8, 10)


def a_freed_slot(**values):
    known = {
        "id": 5, "version": 1, "clinic_id": 1, "practitioner_id": None, "starts_at": FRIDAY,
        "ends_at": FRIDAY + timedelta(minutes=30), "held": False, "services": (1,), "freed_at": NOW,
        "freed_by": FreedBy.TEXT, "service_id": 1, "offer_id": None, "depth": 0,
    }  # fmt: skip
    return FreedSlot(**known | values)


def an_offer(**values):
    known = {
        "id": 9, "key": "o-9", "code": "4K7", "slot_id": 5, "clinic_id": 1, "service_id": 1, "starts_at": FRIDAY,
        "ends_at": FRIDAY + timedelta(minutes=30), "deadline": FRIDAY - timedelta(hours=1), "wave_size": 10,
        "wave_minutes": 10, "waves": 0,
    }  # fmt: skip
    return OpenOffer(**known | values)


def a_wish(**values):
    known = {
        "id": 3, "service_id": 1, "clinics": None, "days": None, "hours": None, "notice_minutes": 0,
        "weekly_max": None, "appointment_id": None, "by_text": False,
    }  # fmt: skip
    return Wish(**known | values)


def a_candidate(id_=1, **values):
    person = values.pop("person", a_person(id_, consents={"offers": True}, numbers=(f"+35840555{id_:04d}",)))
    return Candidate(**{"person": person, "wish": a_wish()} | values)


def why(candidate, offer=None, busy=()):
    found = offers.choose([candidate], offer or an_offer(), CATALOGUE, RULES, busy, 10, NOW)
    return found.skipped.get(candidate.person.id)


# --- beginning ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("freed_by", "starts_in", "minutes"),
    [
        (FreedBy.TEXT, timedelta(days=3), 5),
        (FreedBy.TEXT, timedelta(hours=2), 0),
        (FreedBy.STAFF, timedelta(days=3), 0),
        (FreedBy.LAPSE, timedelta(days=3), 0),
        (FreedBy.UNDO, timedelta(days=3), 0),
        (FreedBy.CLAIM, timedelta(days=3), 10),
        (FreedBy.CLAIM, timedelta(hours=2), 10),
    ],
)
def test_a_time_is_offered_when_nobody_can_take_it_back_any_more(freed_by, starts_in, minutes):
    slot = a_freed_slot(freed_by=freed_by, starts_at=NOW + starts_in)

    assert offers.looked_at_from(slot, RULES) == NOW + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("slot", "rules", "reason"),
    [
        (a_freed_slot(), RULES, None),
        (a_freed_slot(), replace(RULES, auto=False), "off"),
        (a_freed_slot(service_id=2, services=(1, 2)), RULES, "staff_only"),
        (a_freed_slot(service_id=None, services=(1, 2)), RULES, "no_service"),
        (a_freed_slot(service_id=1, services=(2,)), RULES, "no_service"),
        (a_freed_slot(starts_at=NOW + timedelta(days=7, minutes=1)), RULES, "too_far"),
        (a_freed_slot(starts_at=NOW + timedelta(minutes=59)), RULES, "too_late"),
        (a_freed_slot(starts_at=NOW - timedelta(days=1)), RULES, "too_late"),
        (a_freed_slot(depth=DEEPEST), RULES, "too_deep"),
    ],
)
def test_the_rule_begins_an_offer_only_where_it_makes_sense(slot, rules, reason):
    assert offers.why_not_offered(slot, CATALOGUE, rules, NOW) == reason


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)), st.integers(1, 600))
def test_no_wave_goes_out_in_quiet_hours_or_after_the_deadline(now, hours):
    until = now + timedelta(hours=hours)

    due = offers.next_wave(now, until, a_clinic(), RULES)

    if due is None:
        return
    clock = due.astimezone(a_clinic().zone).time()
    assert now <= due < until
    assert time(8) <= clock < time(21)


# --- whom ---------------------------------------------------------------------------------------------------------


def test_who_may_be_asked_is_asked_at_their_own_number():
    found = offers.choose([a_candidate()], an_offer(), CATALOGUE, RULES, (), 10, NOW)

    assert [(invited.number, invited.releases) for invited in found.invited] == [("+358405550001", None)]
    assert found.skipped == {}


@pytest.mark.parametrize(
    ("reason", "values"),
    [
        ("no_number", {"person": a_person(numbers=(), consents={"offers": True})}),
        ("do_not_text", {"person": a_person(do_not_text=True, consents={"offers": True})}),
        ("deceased", {"person": a_person(deceased=True, consents={"offers": True})}),
        ("silenced", {"person": a_person(silenced=True, consents={"offers": True})}),
        ("not_mobile", {"person": a_person(numbers=("+358912345678",), consents={"offers": True})}),
        ("no_consent", {"person": a_person(consents={"reminders": True})}),
        ("stop", {"stops": {"+358405550001": (StopFacts(None, StopSource.STOP),)}}),
        ("stop", {"stops": {"+358405550001": (StopFacts(Purpose.OFFERS, StopSource.STOP),)}}),
        ("no_care_relationship", {"in_care": False}),
        ("held_by_person", {"held_numbers": frozenset({"+358405550001"})}),
        ("said_no", {"said_no": True}),
        ("clinic", {"wish": a_wish(clinics=(2,))}),
        ("day", {"wish": a_wish(days=(1, 2, 3, 4))}),
        ("hour", {"wish": a_wish(hours=(("08:00", "10:00"),))}),
        ("notice", {"wish": a_wish(notice_minutes=4 * 24 * 60)}),
        ("weekly_max", {"asked_this_week": 3}),
        ("weekly_max", {"asked_this_week": 1, "wish": a_wish(weekly_max=1)}),
        ("busy_then", {"visits": (a_visit(FRIDAY + timedelta(minutes=15), service_id=2),)}),
        ("earlier_visit", {"visits": (a_visit(instant(7, 9)),)}),
        ("series", {"visits": (a_visit(instant(14, 9)), a_visit(instant(21, 9), id=42))}),
        ("another_visit", {"visits": (a_visit(),), "wish": a_wish(appointment_id=77)}),
    ],
)
def test_whoever_is_not_asked_is_named_with_the_reason(reason, values):
    assert why(a_candidate(**values)) == reason


def test_a_later_visit_past_its_cut_off_keeps_its_patient_out():
    tomorrow = an_offer(starts_at=instant(6, 8), ends_at=instant(6, 8, 30))

    assert why(a_candidate(visits=(a_visit(instant(6, 9)),)), tomorrow) == "cannot_release"


def test_limits_that_fit_keep_nobody_out():
    wish = a_wish(clinics=(1,), days=(5,), hours=(("10:00", "10:01"),), notice_minutes=60, weekly_max=1)

    assert why(a_candidate(wish=wish)) is None


def test_a_time_shorter_than_the_service_is_offered_to_nobody():
    assert why(a_candidate(), an_offer(ends_at=FRIDAY + timedelta(minutes=20))) == "too_short"


def test_a_later_visit_is_named_as_what_would_be_given_up():
    later = a_visit(instant(14, 9, 15))

    found = offers.choose([a_candidate(visits=(later,))], an_offer(), CATALOGUE, RULES, (), 10, NOW)

    assert found.invited[0].releases == later


def test_a_number_is_asked_once_in_an_offer():
    both = [a_candidate(id_, person=a_person(id_, consents={"offers": True})) for id_ in (1, 2)]

    found = offers.choose(both, an_offer(), CATALOGUE, RULES, (), 10, NOW)

    assert [invited.candidate.person.id for invited in found.invited] == [1]
    assert found.skipped == {2: "number_asked"}


def test_a_wave_is_no_larger_than_its_room_and_says_nothing_of_those_after_it():
    found = offers.choose([a_candidate(n) for n in range(1, 6)], an_offer(), CATALOGUE, RULES, (), 3, NOW)

    assert [invited.candidate.person.id for invited in found.invited] == [1, 2, 3]
    assert found.skipped == {}


@pytest.mark.parametrize(("born", "acts", "asked"), [(2019, False, True), (2012, False, False), (2012, True, True)])
def test_a_child_is_asked_through_a_guardian_who_may_act(born, acts, asked):
    child = a_person(2, numbers=(), born_on=datetime(born, 3, 1).date(), acts_from_12=acts, consents={"offers": True})
    mother = a_person(1, numbers=(OTHER_NUMBER,), wards=(2,))
    candidate = a_candidate(person=child, guardians=(mother,))

    found = offers.choose([candidate], an_offer(), CATALOGUE, RULES, (), 10, NOW)

    assert [invited.number for invited in found.invited] == ([OTHER_NUMBER] if asked else [])


# --- codes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "word"), [("fi", "Otan"), ("sv", "Tar"), ("en", "Take")])
def test_every_code_is_read_as_taking_the_offer(language, word):
    now, at = datetime(2026, 5, 5, 12), datetime(2026, 5, 8, 10)

    misread = []
    for code in CODES:
        command = parse(f"{word} {code}", now, Context(ContextKind.OFFER, at=at, code=code, language=language))
        if (command.intent, command.choice_code, command.when) != (Intent.ACCEPT, code, None):
            misread.append(code)

    assert misread == []
