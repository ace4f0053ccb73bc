"""What a patient's wish finds in the diary."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.facts import SlotSearch, Window
from models.openings import FAR_AWAY, MOST_WINDOWS, find_slots, is_free
from models.states import SlotState
from tests.rows import TOMORROW, a_clinic, a_practitioner, a_service, a_slot

HELSINKI = ZoneInfo("Europe/Helsinki")
HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
ANY_TIME = Window(TOMORROW - DAY, None)


def local(day, clock):
    """The instant of a wall-clock time in Helsinki, in 2026."""
    return datetime.strptime(f"2026-{day} {clock}", "%Y-%m-%d %H:%M").replace(tzinfo=HELSINKI).astimezone(UTC)


@dataclass(frozen=True)
class House:
    """Two clinics with a service and two practitioners."""

    clinic: int
    other_clinic: int
    service: int
    other_service: int
    dentist: int
    other_dentist: int

    @property
    def anything(self):
        """A search that every free slot of the service meets."""
        clinics = (self.clinic, self.other_clinic)
        return SlotSearch(service_id=self.service, clinic_ids=clinics, windows=(ANY_TIME,), minutes=20)


@pytest.fixture
def house(database):
    with database.transaction() as connection:
        return House(
            a_clinic(connection),
            a_clinic(connection),
            a_service(connection),
            a_service(connection),
            a_practitioner(connection),
            a_practitioner(connection),
        )


def slot_at(database, house, starts_at, clinic=None, service=None, **values):
    with database.transaction() as connection:
        clinic, service = clinic or house.clinic, service or house.service
        return a_slot(connection, clinic, service, starts_at=starts_at, **values)


def found(database, search):
    """The ids of the slots that *search* finds, in its order."""
    with database.reading() as connection:
        return [slot.id for slot in find_slots(connection, [search])[0]]


def during(house, *windows, **values):
    return replace(house.anything, windows=tuple(Window(start, end) for start, end in windows), **values)


# --- which slots --------------------------------------------------------------------------------------------------


def test_a_found_slot_tells_where_and_when(database, house):
    slot = slot_at(database, house, TOMORROW, practitioner_id=house.dentist)

    with database.reading() as connection:
        facts = find_slots(connection, [house.anything])[0][0]

    assert (facts.id, facts.clinic_id, facts.practitioner_id) == (slot, house.clinic, house.dentist)
    assert (facts.starts_at, facts.ends_at) == (TOMORROW, TOMORROW + HOUR / 2)


@pytest.mark.parametrize("state", [SlotState.TAKEN, SlotState.HELD, SlotState.WITHDRAWN])
def test_only_free_slots_are_found(database, house, state):
    slot_at(database, house, TOMORROW, state=state)

    assert found(database, house.anything) == []


def test_a_slot_for_another_service_is_not_found(database, house):
    slot_at(database, house, TOMORROW, service=house.other_service)

    assert found(database, house.anything) == []


def test_a_slot_for_several_services_is_found_once(database, house):
    with database.transaction() as connection:
        slot = a_slot(connection, house.clinic, house.service, house.other_service)

    assert found(database, house.anything) == [slot]


@pytest.mark.parametrize(("minutes", "fits"), [(19, False), (20, True), (21, True)])
def test_a_slot_is_long_enough_or_not_found(database, house, minutes, fits):
    slot = slot_at(database, house, TOMORROW, minutes=minutes)

    assert found(database, house.anything) == [slot] * fits


def test_a_slot_at_a_clinic_that_was_not_asked_for_is_not_found(database, house):
    slot_at(database, house, TOMORROW, clinic=house.other_clinic)

    assert found(database, replace(house.anything, clinic_ids=(house.clinic,))) == []


def test_a_practitioners_slot_at_a_clinic_that_was_not_asked_for_is_not_found(database, house):
    slot_at(database, house, TOMORROW, clinic=house.other_clinic, practitioner_id=house.dentist)
    search = replace(house.anything, clinic_ids=(house.clinic,), practitioner_id=house.dentist)

    assert found(database, search) == []


# --- windows ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "inside"),
    [(TOMORROW - MINUTE, False), (TOMORROW, True), (TOMORROW + HOUR - MINUTE, True), (TOMORROW + HOUR, False)],
)
def test_a_window_holds_its_start_and_not_its_end(database, house, start, inside):
    slot = slot_at(database, house, start)

    assert found(database, during(house, (TOMORROW, TOMORROW + HOUR))) == [slot] * inside


@pytest.mark.parametrize(("seconds", "inside"), [(-1, False), (0, True), (59, True), (60, False)])
def test_a_point_in_time_is_its_minute(database, house, seconds, inside):
    slot = slot_at(database, house, TOMORROW + timedelta(seconds=seconds))

    assert found(database, during(house, (TOMORROW, TOMORROW))) == [slot] * inside


def test_a_window_without_an_end_holds_what_is_years_away(database, house):
    slot = slot_at(database, house, TOMORROW + 1000 * DAY)

    assert found(database, house.anything) == [slot]


def test_a_wish_without_any_window_finds_nothing(database, house):
    slot_at(database, house, TOMORROW)

    assert found(database, during(house)) == []


def test_slots_between_two_windows_are_not_found(database, house):
    morning, _, evening = (slot_at(database, house, TOMORROW + n * HOUR) for n in (0, 4, 8))
    windows = [(TOMORROW + n * HOUR, TOMORROW + (n + 1) * HOUR) for n in (8, 0)]

    assert found(database, during(house, *windows)) == [morning, evening]


def test_a_slot_in_two_windows_is_found_once(database, house):
    slot = slot_at(database, house, TOMORROW)

    assert found(database, during(house, (TOMORROW, TOMORROW + HOUR), (TOMORROW - HOUR, TOMORROW + HOUR))) == [slot]


@pytest.mark.parametrize("windows", [2, 3, MOST_WINDOWS, MOST_WINDOWS + 1, 3 * MOST_WINDOWS + 1])
def test_a_wish_in_many_pieces_finds_all_of_them_and_nothing_between(database, house, windows):
    hits = [slot_at(database, house, TOMORROW + n * DAY) for n in range(windows)]
    for n in range(windows):
        slot_at(database, house, TOMORROW + n * DAY + HOUR)
    days = [(TOMORROW + n * DAY, TOMORROW + n * DAY + HOUR) for n in reversed(range(windows))]

    assert found(database, during(house, *days, limit=1000)) == hits


def test_of_a_wish_in_many_pieces_the_first_slots_are_found_whoever_stands_between(database, house):
    days = [(TOMORROW + n * DAY, TOMORROW + n * DAY + HOUR) for n in range(MOST_WINDOWS + 8)]
    with database.transaction() as connection:
        for n in range(300):
            a_slot(connection, house.clinic, house.service, starts_at=TOMORROW + HOUR + n * MINUTE)
    last = slot_at(database, house, days[-1][0])

    assert found(database, during(house, *days, practitioner_id=house.dentist, clinic_id=house.clinic)) == [last]


def test_of_two_half_days_both_are_found_however_full_the_first_is(database, house):
    morning = [slot_at(database, house, TOMORROW + n * 10 * MINUTE) for n in range(12)]
    later = [slot_at(database, house, TOMORROW + DAY + n * 10 * MINUTE) for n in range(12)]

    windows = [(TOMORROW, TOMORROW + 3 * HOUR), (TOMORROW + DAY, TOMORROW + DAY + 3 * HOUR)]
    assert found(database, during(house, *windows)) == morning[:6] + later[:6]


def test_the_fallback_is_searched_only_when_the_windows_hold_nothing(database, house):
    soon, later = slot_at(database, house, TOMORROW), slot_at(database, house, TOMORROW + DAY)
    fallback = (Window(TOMORROW + DAY, None),)

    assert found(database, during(house, (TOMORROW, TOMORROW + HOUR), fallback=fallback)) == [soon]
    assert found(database, during(house, (TOMORROW + HOUR, TOMORROW + 2 * HOUR), fallback=fallback)) == [later]


# --- over a change of the clocks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("day", ["03-28", "03-29", "10-24", "10-25"])  # summer time begins on 29.3. and ends on 25.10.
def test_nine_in_the_morning_is_nine_on_the_wall_on_either_side_of_a_change_of_the_clocks(database, house, day):
    slots = [slot_at(database, house, local(day, clock)) for clock in ("08:00", "09:00", "10:00")]
    nine = local(day, "09:00")

    assert found(database, during(house, (nine, nine))) == [slots[1]]


def test_the_hour_that_comes_twice_is_in_a_window_over_both(database, house):
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    slots = [slot_at(database, house, start) for start in (first, second)]

    assert [start.astimezone(HELSINKI).strftime("%H:%M") for start in (first, second)] == ["03:30", "03:30"]
    assert found(database, during(house, (local("10-25", "00:00"), local("10-26", "00:00")))) == slots


# --- in which order -----------------------------------------------------------------------------------------------


def test_slots_come_by_time_and_those_of_one_time_in_the_order_in_which_they_were_made(database, house):
    later = slot_at(database, house, TOMORROW + HOUR)
    twins = [slot_at(database, house, TOMORROW) for _ in range(3)]

    assert found(database, house.anything) == [*twins, later]


def test_the_same_practitioner_comes_first_then_the_same_clinic_then_the_others(database, house):
    elsewhere = slot_at(database, house, TOMORROW, clinic=house.other_clinic)
    colleague = slot_at(database, house, TOMORROW + HOUR, practitioner_id=house.other_dentist)
    own_elsewhere = slot_at(
        database, house, TOMORROW + 2 * HOUR, clinic=house.other_clinic, practitioner_id=house.dentist
    )
    own = slot_at(database, house, TOMORROW + 3 * HOUR, practitioner_id=house.dentist)
    search = replace(house.anything, practitioner_id=house.dentist, clinic_id=house.clinic)

    assert found(database, search) == [own_elsewhere, own, colleague, elsewhere]
    assert found(database, replace(search, limit=3)) == [own_elsewhere, own, colleague]


def test_clinics_that_are_all_the_same_to_the_patient_come_by_time_together(database, house):
    slots = [
        slot_at(database, house, TOMORROW + n * HOUR, clinic=(house.clinic, house.other_clinic)[n % 2])
        for n in range(6)
    ]

    assert found(database, replace(house.anything, limit=4)) == slots[:4]


def test_never_more_than_was_asked_for(database, house):
    slots = [slot_at(database, house, TOMORROW + n * HOUR) for n in range(5)]

    assert found(database, replace(house.anything, limit=3)) == slots[:3]


# --- all at once --------------------------------------------------------------------------------------------------

STARTS = [TOMORROW + n * timedelta(minutes=30) for n in range(-4, 12)]


@pytest.fixture
def full_house(database, house):
    """Slots at every half hour of the morning: some taken, some short, some elsewhere, some of nobody."""
    slots = []
    for n, start in enumerate(STARTS):
        clinic = (house.clinic, house.other_clinic)[n % 3 == 0]
        dentist = (house.dentist, house.other_dentist, None)[n % 3 - 1]
        state = SlotState.TAKEN if n % 7 == 0 else SlotState.FREE
        minutes = 15 if n % 5 == 0 else 30
        service = house.other_service if n % 11 == 1 else house.service
        values = {"clinic": clinic, "practitioner_id": dentist, "state": state, "minutes": minutes}
        slot = slot_at(database, house, start, service=service, **values)
        if state is SlotState.FREE:
            slots.append((slot, start, clinic, dentist, service, minutes))
    return slots


MOMENTS = st.sampled_from(STARTS + [start + MINUTE for start in STARTS])
WINDOWS = st.lists(st.tuples(MOMENTS, st.one_of(st.none(), MOMENTS)), max_size=40)


def expected(house, slots, search):
    """What the promise of `SlotSearch` says, without any database."""

    def distance(slot):
        near = (slot[3] == search.practitioner_id, slot[2] == search.clinic_id)
        return 0 if search.practitioner_id and near[0] else 1 if search.clinic_id and near[1] else 2

    def nearest(spans, most):
        good = [s for s in slots if s[2] in search.clinic_ids and s[4] == search.service_id and s[5] >= search.minutes]
        fitting = [s for s in good if any(a <= s[1] < b for a, b in spans)]
        return [slot[0] for slot in sorted(fitting, key=lambda slot: (distance(slot), slot[1]))][:most]

    spans = apart(search.windows)
    if 1 < len(spans) <= 4:
        share = -(-search.limit // len(spans))
        return [slot for span in spans for slot in nearest([span], share)][: search.limit]
    return nearest(spans, search.limit)


def apart(windows):
    """*windows* in order, with those that touch made one."""
    spans = []
    for start, end in sorted((w.start, max(w.end, w.start + MINUTE) if w.end else FAR_AWAY) for w in windows):
        if spans and start <= spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], end)
        else:
            spans.append([start, end])
    return spans


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_wished_the_promise_is_kept(database, house, full_house, data):
    searches = data.draw(st.lists(st.builds(partial(wish, data, house)), min_size=1, max_size=5))

    with database.reading() as connection:
        found = [[slot.id for slot in slots] for slots in find_slots(connection, searches)]

    assert found == [expected(house, full_house, search) for search in searches]


def wish(data, house):
    """Any search at all."""
    windows = [(start, end if end is None or end >= start else start) for start, end in data.draw(WINDOWS)]
    return during(
        house,
        *windows,
        limit=data.draw(st.integers(1, 12)),
        minutes=data.draw(st.sampled_from([20, 31])),
        service_id=data.draw(st.sampled_from([house.service, house.other_service])),
        practitioner_id=data.draw(st.sampled_from([None, house.dentist])),
        clinic_id=data.draw(st.sampled_from([None, house.clinic])),
        clinic_ids=data.draw(st.sampled_from([(house.clinic,), (house.clinic, house.other_clinic)])),
    )


def test_which_of_some_slots_are_free_now(database, house):
    free, taken = slot_at(database, house, TOMORROW), slot_at(database, house, TOMORROW, state=SlotState.TAKEN)

    with database.reading() as connection:
        assert is_free(connection, [free, taken, 4711]) == {free}
