"""A backlog at the carrier's rate: what is urgent overtakes what is not, whoever submits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from bench.outbound import queue_up
from bench.talk import conversation
from gateway.text import Lane
from models.states import Purpose
from tests.faults.harness import Bind, Letter, a_service, wait_until

RATE = 150
BACKLOG = 1000
WRITERS = 5
EARLY = 50  # texts of the backlog have gone when the patients write
LANES = {
    Lane.BULK: Purpose.SURVEYS,
    Lane.REMINDER: Purpose.REMINDERS,
    Lane.CALL_NOTICE: Purpose.CARE,
    Lane.OFFER: Purpose.OFFERS,
    Lane.ANSWER: Purpose.ANSWER,
}


def numbers_shown(service) -> list[str]:
    """To whom texts came, in their order."""
    return [text.number for text in service.carrier.texts()]


def test_answers_go_first_then_offers_call_notices_reminders_and_bulk(tmp_path):
    with a_service("sqlite", tmp_path, 40 * len(LANES), rate=RATE) as service:
        lane_of = {}
        for n, (lane, purpose) in enumerate(LANES.items()):  # the least urgent are written first
            people = service.people[n * 40 : (n + 1) * 40]
            now = datetime.now(UTC)
            queue_up(service.database, service.keys, people, now, lane=lane, purpose=purpose)
            lane_of |= {one.number: lane for one in people}

        service.gateway().start()
        service.settle()

    went = [lane_of[number] for number in numbers_shown(service)]
    assert len(went) == len(lane_of)
    assert went == sorted(went)


@pytest.mark.parametrize(("kind", "gateways", "binds"), [("sqlite", 1, 2), ("postgresql", 2, 1)])
def test_answers_overtake_a_backlog_of_reminders(kind, gateways, binds, request, tmp_path):
    server = request.getfixturevalue("postgresql_server") if kind == "postgresql" else None
    with a_service(kind, tmp_path, BACKLOG + WRITERS, server=server) as service:
        writers, others = service.people[:WRITERS], service.people[WRITERS:]
        queue_up(service.database, service.keys, others, datetime.now(UTC) - timedelta(seconds=1))
        for n in range(gateways):
            entries = [Bind(service.carrier.port, name=f"bind-{m}", rate=RATE) for m in range(binds)]
            service.gateway(*entries, name=f"gateway-{n}").start()
        wait_until(lambda: len(service.carrier.texts()) > EARLY)
        service.write([Letter(one, "list", next(iter(conversation(one))).text) for one in writers])
        service.settle()

        check_overtaken(numbers_shown(service), [one.number for one in writers])


def check_overtaken(shown: Sequence[str], writers: Sequence[str]) -> None:
    """Everybody got one text, and when the last of the *writers* had theirs, most of the backlog was still to come."""
    assert len(shown) == len(set(shown)) == BACKLOG + WRITERS
    last = max(shown.index(number) for number in writers)
    assert BACKLOG + WRITERS - last > BACKLOG // 2
