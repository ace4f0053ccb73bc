"""kill -9 of the gateway under load: every acknowledged text is handled once, and everybody is answered, in order."""

from __future__ import annotations

import random

import pytest

from tests.faults.crowd import AT_ONCE, Crowd, finish
from tests.faults.harness import a_service
from tests.faults.kills import MUST_BE_HIT, SMALL, Ordeal, Plan, plans

KILLS = 200


def suffer(service, these: list[Plan]) -> Ordeal:
    """Live through *these* kills."""
    ordeal = Ordeal(service, Crowd(service.people))
    ordeal.start()
    for plan in these:
        ordeal.round(plan)
    service.write(ordeal.crowd.picks())
    finish(service)
    return ordeal


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_killed_gateway_loses_nothing_and_does_nothing_twice(kind, request, tmp_path):
    server = request.getfixturevalue("postgresql_server") if kind == "postgresql" else None
    with a_service(kind, tmp_path, len(SMALL) * AT_ONCE, server=server, window=10) as service:
        ordeal = suffer(service, list(SMALL))
        print(ordeal.report())

    assert [gap for gap in MUST_BE_HIT if not ordeal.gaps[gap]] == [], ordeal.report()


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_hundred_kills_lose_nothing_and_do_nothing_twice(kind, tmp_path, capsys):
    chance = random.Random(20261122)
    with a_service(kind, tmp_path, KILLS * AT_ONCE, window=10) as service:
        kills = plans(chance)
        ordeal = Ordeal(service, Crowd(service.people))
        ordeal.start()
        while ordeal.kills < KILLS:
            ordeal.round(next(kills))
        with capsys.disabled():
            print(f"\n{kind}: {ordeal.report()}")

    assert [gap for gap in MUST_BE_HIT if not ordeal.gaps[gap]] == []
