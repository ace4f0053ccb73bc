"""When texts go, and what an answer means."""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from heapq import heappop, heappush

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dispatch import NO_LIMIT, Pace, Reconnect, backoff, must_rebind, verdict_for
from gateway.text import Verdict

FINAL = [0x01, 0x06, 0x0A, 0x0B, 0x0C, 0x15, 0x33, 0x34, 0x40, 0x43, 0x48, 0x51, 0x61, 0x63, 0x65, 0x66, 0xC0, 0xC4]


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        ([0x00], Verdict.ACCEPTED),
        ([0x14, 0x58], Verdict.THROTTLED),
        ([0x08, 0x64, 0xFE, 0xFF, 0x04], Verdict.LATER),
        (FINAL, Verdict.REFUSED),
        ([0x400, 0x45F, 0x4FF], Verdict.REFUSED),
        ([0x02, 0x03, 0x0D, 0x3FF, 0x500, 0x7FFFFFFF], Verdict.LATER),
    ],
)
def test_a_status_says_what_becomes_of_the_text(statuses, verdict):
    assert {verdict_for(status, attempt=1) for status in statuses} == {verdict}


def test_a_submit_that_failed_without_a_reason_gets_three_tries():
    assert [verdict_for(0x45, attempt) for attempt in (1, 2, 3)] == [Verdict.LATER, Verdict.LATER, Verdict.REFUSED]


def test_a_queue_that_stays_full_for_one_text_slows_nobody_else():
    assert [verdict_for(0x14, 1, times_full=n) for n in (1, 2, 3, 9)] == [
        Verdict.THROTTLED,
        Verdict.THROTTLED,
        Verdict.LATER,
        Verdict.LATER,
    ]


def test_a_carrier_that_does_not_know_our_bind_is_bound_again():
    assert [status for status in range(0x100) if must_rebind(status)] == [0x04]


def test_tries_come_further_and_further_apart_up_to_ten_minutes():
    waits = [backoff(attempt, chance=lambda: 1.0) for attempt in (1, 2, 3, 8, 20)]

    assert waits == [5, 10, 20, 600, 600]
    assert backoff(1, chance=lambda: 0.0) == 4


def test_connecting_again_is_spread_over_a_growing_time():
    wait = Reconnect()

    assert [wait.delay(n, refused=False, chance=lambda: 1.0) for n in (0, 1, 3, 9, 500)] == [1, 2, 8, 60, 60]
    assert wait.delay(9, refused=False, chance=lambda: 0.0) == 0.1


def test_a_refused_bind_is_tried_again_slowly():
    wait = Reconnect()

    assert [wait.delay(n, refused=True, chance=lambda: 0.0) for n in (0, 1, 9)] == [30, 30, 300]
    assert [wait.delay(n, refused=True, chance=lambda: 1.0) for n in (0, 1, 9)] == [30, 60, 600]


def sent_under_backlog(pace, seconds, lateness):
    """The times of the submits of a sender that always has some and wakes up *lateness*() too late."""
    times, now = [], 0.0
    while now < seconds:
        count = min(pace.room(now), 10_000)
        pace.spend(count, now)
        times += [now] * count
        now = max(pace.next_at(now), now + 1e-6) + lateness()
    return times


def busiest(times, span):
    return max(index - bisect_left(times, at - span + 1e-9) + 1 for index, at in enumerate(times))


@settings(max_examples=60, deadline=None)
@given(
    rate=st.sampled_from([1, 2, 3.5, 10, 30, 100, 250]),
    late=st.sampled_from([0.0, 0.002, 0.02]),
    stall=st.sampled_from([0.0, 0.05, 0.4]),
    seed=st.integers(0, 1000),
)
def test_the_rate_holds_in_every_second_even_where_the_network_bunches_texts(rate, late, stall, seed):
    chance = random.Random(seed)
    pace = Pace(rate)

    times = sent_under_backlog(
        pace, 20.0, lambda: stall if stall and chance.random() < 0.01 else late * chance.random()
    )

    assert busiest(times, 1.025) <= rate


def read_under_backlog(pace, seconds, stalls, delay, window=100):
    """When a carrier that reads nothing during *stalls* read what it was sent, and answered *delay*() later."""
    read, under_way, now = [], [], 0.0  # under way: a heap of when it is answered, when it was sent
    while now < seconds:
        while under_way and under_way[0][0] <= now:
            answered_at, sent_at = heappop(under_way)
            pace.answered(sent_at, answered_at)
        count = min(pace.room(now), window - len(under_way))
        pace.spend(count, now)
        at = max([now, *(end for begin, end in stalls if begin <= now < end)])
        for _ in range(count):
            read.append(at)
            heappush(under_way, (at + delay(), now))
        soon = pace.next_at(now) if len(under_way) < window else math.inf
        now = max(now + 1e-6, min(soon, under_way[0][0] if under_way else math.inf))
    return read


@settings(max_examples=60, deadline=None)
@given(
    rate=st.sampled_from([30, 100, 250, 500]),
    stalls=st.lists(st.tuples(st.floats(1.0, 18.0), st.floats(0.02, 0.6)), max_size=6),
    delay=st.sampled_from([0.001, 0.02, 0.1]),
)
def test_the_rate_holds_for_a_carrier_that_reads_by_fits_and_starts(rate, stalls, delay):
    stalls = [(begin, begin + length) for begin, length in stalls]

    read = read_under_backlog(Pace(rate), 20.0, stalls, lambda: delay)

    assert busiest(sorted(read), 1.0) <= rate


def test_a_carrier_that_answers_now_sooner_now_later_has_the_whole_rate():
    chance = random.Random(7)

    read = read_under_backlog(Pace(250), 20.0, [], lambda: 0.02 + 0.2 * chance.random())

    assert len(read) >= 0.95 * 250 * 20


@pytest.mark.parametrize("rate", [10, 30, 100, 250, 1000])
def test_the_rate_is_used_to_ninety_five_percent_under_backlog(rate):
    chance = random.Random(7)

    times = sent_under_backlog(Pace(rate), 30.0, lambda: 0.003 * chance.random())

    assert len(times) >= 0.95 * rate * 30


def test_texts_are_spread_over_the_second_and_not_sent_in_a_burst():
    pace = Pace(100)
    times = sent_under_backlog(pace, 3.0, lambda: 0.001)

    assert busiest(times, 0.1) <= 21  # what is due, and what a late wake-up may make good


def test_without_a_rate_there_is_no_limit():
    pace = Pace(0)
    pace.spend(5000, now=0.0)

    assert pace.room(now=0.0) == NO_LIMIT


def test_a_share_of_less_than_one_a_second_is_kept_too():
    times = sent_under_backlog(Pace(0.5), 21.0, lambda: 0.0)

    assert 9 <= len(times) <= 11
    assert busiest(times, 1.99) == 1


def test_a_new_share_of_the_rate_holds_from_then_on():
    pace = Pace(100)
    pace.set_rate(10)

    assert len(sent_under_backlog(pace, 10.0, lambda: 0.0)) <= 101


def test_throttling_halves_the_rate_and_rests():
    pace = Pace(100, chance=lambda: 0.0)

    pace.throttled(sent_at=5.0, now=5.1)

    assert (pace.room(6.0), pace.limit(6.1)) == (0, 50)
    assert pace.room(6.2) > 0


def test_throttling_counts_once_for_what_was_under_way_together():
    pace = Pace(100, chance=lambda: 0.0)

    for _ in range(20):
        pace.throttled(sent_at=5.0, now=5.1)

    assert pace.limit(5.1) == 50


def test_the_rate_recovers_by_ten_percent_a_second():
    pace = Pace(100, chance=lambda: 0.0)
    pace.throttled(sent_at=5.0, now=5.1)

    assert pace.limit(7.1) == pytest.approx(55)
    assert pace.limit(14.0) == 100


def test_rests_grow_to_thirty_seconds_while_nothing_goes_through_and_no_further():
    pace = Pace(100, chance=lambda: 1.0)
    now, rests = 0.0, []
    for _ in range(8):
        pace.throttled(sent_at=now, now=now)
        rests.append(round(pace.next_at(now) - now, 2))
        now = pace.next_at(now) + 0.1

    assert rests == [1.25, 2.5, 5.0, 10.0, 20.0, 30.0, 30.0, 30.0]


def test_a_text_that_goes_through_ends_the_growth_of_rests():
    pace = Pace(100, chance=lambda: 0.0)
    pace.throttled(sent_at=0.0, now=0.0)
    pace.throttled(sent_at=1.0, now=1.0)

    pace.accepted(sent_at=4.0)
    pace.throttled(sent_at=4.0, now=4.0)

    assert pace.next_at(4.0) - 4.0 == pytest.approx(1.0, abs=0.1)


def test_throttling_without_a_rate_of_ours_finds_the_carriers():
    pace = Pace(0, chance=lambda: 0.0)
    pace.spend(50, now=10.0)

    pace.throttled(sent_at=10.0, now=10.1)

    assert pace.limit(10.1) == pytest.approx(50 / 1.03 / 2)
    assert pace.room(11.2) < 10
