"""Outbound texts on their way to submit_sm."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.smpp.outgoing import Lanes, absolute_time, submissions
from gateway.text import Lane, OutboundText
from tests.gateway.stand_ins import CLINIC, patient


def text(row_id=1, body="Hei", lane=Lane.ANSWER, accepted=()):
    return OutboundText(row_id, CLINIC, patient(), body, lane, 7, frozenset(accepted), 1, None)


def parts(lane, row_id=1, now=0.0):
    return submissions(text(row_id, lane=lane), "udh8", now)


def test_a_long_text_is_submitted_in_parts_with_the_same_reference_at_every_try():
    first = submissions(text(body="Haluaisin " * 40), "udh8", 0.0)
    again = submissions(text(body="Haluaisin " * 40, accepted=[1, 3]), "udh8", 0.0)

    assert [(one.number, one.total) for one in first] == [(1, 3), (2, 3), (3, 3)]
    assert [one.octets for one in again] == [first[1].octets]


def test_the_more_urgent_lane_goes_first_and_within_one_the_older():
    lanes = Lanes()
    for row_id, lane in enumerate([Lane.BULK, Lane.ANSWER, Lane.REMINDER, Lane.ANSWER, Lane.OFFER], 1):
        lanes.extend(parts(lane, row_id))

    assert [lanes.pop().text.id for _ in range(len(lanes))] == [2, 4, 5, 3, 1]
    with pytest.raises(IndexError):
        lanes.pop()


def test_what_has_waited_long_can_be_taken_out():
    lanes = Lanes()
    lanes.extend(parts(Lane.BULK, 1, now=1.0))
    lanes.extend(parts(Lane.ANSWER, 2, now=2.0))
    lanes.extend(parts(Lane.BULK, 3, now=3.0))

    assert [one.text.id for one in lanes.take_older(2.5)] == [2, 1]
    assert [one.text.id for one in lanes.clear()] == [3]
    assert len(lanes) == 0


def test_a_time_goes_out_in_utc_and_to_the_second():
    assert absolute_time(datetime(2026, 3, 2, 9, 5, 7, 999, tzinfo=UTC)) == "260302090507000+"
