"""A carrier that misbehaves and a database that goes away, under load: nothing is lost, and the order holds.

Each round ends with `finish`, which waits until everybody is answered and checks every guarantee on all texts so far.
"""

from __future__ import annotations

import signal
import sqlite3
import struct
import threading
import time
from dataclasses import fields

import psycopg
import pytest

from gateway.simulator.faults import Faults
from gateway.smpp.pdu import Status
from models.database import FILE_NAME
from tests.faults.crowd import AT_ONCE, Crowd, finish
from tests.faults.harness import Bind, a_service, wait_until
from tests.servers import PostgreSQL

HELD = 7.0  # seconds: longer than a statement waits for a lock
STOPS = {"shut down": signal.SIGINT, "crashed": signal.SIGQUIT}


@pytest.fixture(scope="module")
def shared_service(tmp_path_factory):
    """One clinic on SQLite for all of a carrier's misdeeds."""
    folder = tmp_path_factory.mktemp("outages")
    with a_service("sqlite", folder, 30 * AT_ONCE, window=20, rate=100, response_timeout_seconds=2) as service:
        service.crowd = Crowd(service.people)
        yield service


@pytest.fixture
def service(shared_service):
    """A service with a gateway of its own, which ends cleanly; the carrier's faults end with the test."""
    gateway = shared_service.gateway()
    gateway.start()
    shared_service.carrier.wait_for_bind(timeout=60)
    yield shared_service
    for field in fields(Faults):
        setattr(shared_service.carrier.faults, field.name, getattr(Faults(), field.name))
    assert gateway.stop() == 0


@pytest.fixture
def server():
    """A PostgreSQL that a test may stop."""
    with PostgreSQL() as server:
        yield server


@pytest.mark.parametrize("status", [Status.RTHROTTLED, Status.RMSGQFUL])
def test_submits_refused_for_now_lose_nothing_and_nothing_goes_twice(service, status):
    marked = sum(answer.maybe_twice for answer in finish(service).outbox)
    service.carrier.faults.status = status
    service.carrier.faults.status_next = 15
    service.write(service.crowd.round())

    assert sum(answer.maybe_twice for answer in finish(service).outbox) == marked
    assert service.carrier.faults.status_next == 0


def test_a_carriers_own_rate_slows_us_down_and_loses_nothing(service):
    refused = service.carrier.stats()["refused"]
    service.carrier.faults.rate = 15
    service.write(service.crowd.round())

    finish(service)
    assert service.carrier.stats()["refused"] > refused


@pytest.mark.parametrize(
    "faults",
    [{"delay": 1.0}, {"double_next": 30}, {"lose_next": 8}, {"octets_per_second": 4000}],
    ids=lambda faults: next(iter(faults)),
)
def test_however_the_carrier_answers_submits_everybody_gets_every_text(service, faults):
    for name, value in faults.items():
        setattr(service.carrier.faults, name, value)
    service.write(service.crowd.round())

    books = finish(service)
    assert sum(answer.maybe_twice for answer in books.outbox) >= faults.get("lose_next", 0)


@pytest.mark.parametrize(
    "misdeed",
    [
        lambda carrier: carrier.disconnect(),
        lambda carrier: carrier.disconnect(inside_pdu=True),
        lambda carrier: carrier.unbind(),
        lambda carrier: carrier.restart(1.0),
        lambda carrier: carrier.say(b"\xff" * 64),
        lambda carrier: carrier.say(struct.pack(">IIII", 8, 5, 0, 1)),
    ],
    ids=["break", "break inside a PDU", "unbind", "restart", "garbage", "impossible length"],
)
def test_a_link_that_ends_under_load_loses_nothing(service, misdeed):
    came = threading.Semaphore(0)
    with service.trapped(lambda event: came.release()):
        service.write(service.crowd.round())
        came.acquire(timeout=30)  # some are acknowledged, most are not
        misdeed(service.carrier)

    finish(service)


def test_texts_whose_acknowledgements_were_lost_come_again_and_are_handled_once(service):
    service.carrier.faults.forget_acks_next = 2
    letters = service.crowd.round()
    service.write(letters)

    finish(service)
    assert service.carrier.faults.forget_acks_next == 0


@pytest.mark.long
def test_texts_stored_on_a_link_that_is_dead_already_come_again_and_are_handled_once(shared_service):
    """The silence is noticed long after the last acknowledgement that nobody read."""
    service = shared_service
    bind = Bind(service.carrier.port, enquire_link_seconds=2, response_timeout_seconds=2)
    gateway = service.gateway(bind, name="half_open")
    gateway.start()
    service.carrier.wait_for_bind(timeout=60)
    service.write(service.crowd.round(), deaf=True)
    wait_until(lambda: gateway.said("was not answered"))
    service.carrier.faults.half_open = False

    finish(service)
    assert gateway.stop() == 0


def test_a_database_that_another_writer_holds_for_seconds_loses_nothing(service):
    database = sqlite3.connect(service.folder / FILE_NAME, isolation_level=None)
    service.write(service.crowd.round(AT_ONCE // 2))
    database.execute("BEGIN IMMEDIATE")
    letters = service.crowd.round(AT_ONCE // 2)
    service.write(letters)
    time.sleep(HELD)
    taken_while_held = [letter for letter in letters if letter.acknowledged]
    database.execute("ROLLBACK")
    database.close()

    finish(service)
    assert taken_while_held == []


@pytest.mark.long
def test_tables_that_another_holds_for_seconds_lose_nothing(server, tmp_path):
    with a_service("postgresql", tmp_path, 2 * AT_ONCE, server=server) as service:
        crowd, gateway = Crowd(service.people), service.gateway()
        gateway.start()
        service.carrier.wait_for_bind(timeout=60)
        service.write(crowd.round())
        with psycopg.connect(service.url.replace("+psycopg", ""), application_name="another") as another:
            another.execute("LOCK TABLE inbox, outbox, thread")
            letters = crowd.round()
            service.write(letters)
            time.sleep(HELD)
            taken_while_held = [letter for letter in letters if letter.acknowledged]

        finish(service)
        assert taken_while_held == []


@pytest.mark.parametrize("how", ["shut down", "crashed"])
def test_a_database_server_that_goes_away_and_comes_back_loses_nothing(server, how, tmp_path):
    with a_service("postgresql", tmp_path, 3 * AT_ONCE, server=server) as service:
        crowd, gateway = Crowd(service.people), service.gateway()
        gateway.start()
        service.carrier.wait_for_bind(timeout=60)
        service.write(crowd.round())
        server.stop(STOPS[how])
        letters = crowd.round()
        service.write(letters)
        wait_until(lambda: gateway.said("could not be stored"))
        taken_while_away = [letter for letter in letters if letter.acknowledged]
        server.start()
        service.reconnect()
        service.write(crowd.round())

        finish(service)
        assert taken_while_away == []
        assert gateway.running


def test_when_one_of_two_gateways_is_killed_the_other_finishes_its_work(server, tmp_path):
    with a_service("postgresql", tmp_path, 2 * AT_ONCE, server=server, window=10) as service:
        crowd, one, other = Crowd(service.people), service.gateway(name="one"), service.gateway(name="other")
        one.start()
        other.start()
        service.carrier.wait_for_bind(2, timeout=60)
        came = threading.Semaphore(0)
        with service.trapped(lambda event: came.release()):
            service.write(crowd.round() + crowd.round())
            for _ in range(10):
                came.acquire(timeout=30)
            one.kill()

        finish(service)
        assert other.running


def test_a_gateway_waits_for_its_database_and_its_carrier_and_says_so(server, tmp_path):
    with a_service("postgresql", tmp_path, AT_ONCE, server=server) as service:
        server.stop()
        carrier_is_away = threading.Thread(target=service.carrier.restart, args=(5.0,))
        carrier_is_away.start()
        gateway = service.gateway()
        gateway.start()
        wait_until(lambda: gateway.said("database_away"))
        server.start()
        service.reconnect()
        wait_until(lambda: gateway.said("no connection to"))
        carrier_is_away.join()
        service.write(Crowd(service.people).round())

        finish(service)
        assert gateway.running


def test_a_refused_bind_is_named_with_its_status_and_harms_no_other(shared_service):
    port, service = shared_service.carrier.port, shared_service
    gateway = service.gateway(Bind(port), Bind(port, name="spare", password="wrong"), name="refused")
    gateway.start()
    service.carrier.wait_for_bind(timeout=60)
    service.write(service.crowd.round())

    finish(service)
    (refusal,) = gateway.said("REFUSED")  # and not one try a second
    assert "bind spare" in str(refusal["event"])
    assert "ESME_RINVPASWD" in str(refusal["event"])
    assert gateway.stop() == 0
