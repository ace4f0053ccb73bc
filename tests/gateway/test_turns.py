"""The database thread: what is stored before what, and what happens when the database says no."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.channel import Answered
from gateway.intake import Delivery
from gateway.smpp.events import Quarantined, ReceiptArrived, TextArrived
from gateway.smpp.pdu import Pdu
from gateway.text import Settlement, Verdict
from gateway.turns import Turns
from tests.gateway.stand_ins import CLINIC, EchoDesk, MemoryPost, patient, wait_until, wall


class Source:
    """A connection that remembers what it was told."""

    bind = "main"
    account = "tekstari"

    def __init__(self):
        self.accepted, self.rejected = [], []

    def answer(self, accepted, rejected):
        self.accepted += accepted
        self.rejected += rejected


class Line:
    """A link with *room* that remembers what it was given."""

    name = "main"
    numbers = (CLINIC,)

    def __init__(self, room=10):
        self.free = room
        self.texts = []
        self.rates = []

    def room(self):
        return self.free

    def submit(self, texts):
        self.texts += texts
        self.free -= len(texts)

    def set_rate(self, rate):
        self.rates.append(rate)

    def report(self):
        return None


def mo(body, n=1):
    pdu = Pdu("deliver_sm", 1, 0, {"short_message": body, "source_addr": patient(n)})
    return TextArrived(1, "deliver_sm", patient(n), CLINIC, body, 0, None, pdu)


def receipt():
    fields = {"esm_class": 4, "short_message": b"id:1a stat:DELIVRD", "source_addr": patient()}
    return ReceiptArrived(2, "deliver_sm", Pdu("deliver_sm", 2, 0, fields))


def delivery(source, *arrivals):
    return Delivery(source, list(arrivals), datetime(2026, 3, 2, 9, tzinfo=UTC))


def settlement(row_id, verdict=Verdict.ACCEPTED):
    return Settlement(row_id, "tekstari", 1, 1, verdict, "1a", 0, wall())


@pytest.fixture
def post():
    return MemoryPost()


@pytest.fixture
def desk(post):
    return EchoDesk(post)


@pytest.fixture(params=[False, True], ids=["one thread", "the desk beside"])
def turns(request, post, desk):
    turns = Turns(post, desk, gateway="test", clock=wall, beside=request.param)
    yield turns
    if turns.is_alive():
        turns.stop(10)
    assert not turns.is_alive()


def test_all_that_arrived_meanwhile_is_stored_in_one_go_and_in_order(turns, post):
    source, stores = Source(), []
    store = post.store
    post.store = lambda texts, now: stores.append(len(texts)) or store(texts, now)
    for n in range(5):
        turns.arrived(delivery(source, mo(b"%d a" % n), mo(b"%d b" % n)))

    turns.start()
    wait_until(lambda: len(source.accepted) == 10)

    assert stores == [10]
    assert [text.octets for text in post.inbox] == [b"%d %s" % (n, half) for n in range(5) for half in (b"a", b"b")]


class Slow:
    """A post that takes *seconds* to store, and the clock by which it does."""

    def __init__(self, post, seconds):
        self.now, self._seconds, self._store = (
            datetime(2026, 3, 2, 9, tzinfo=UTC),
            timedelta(seconds=seconds),
            post.store,
        )
        post.store = self.store

    def clock(self):
        return self.now

    def store(self, texts, now):
        self.now += self._seconds
        return self._store(texts, now)

    def deliver(self, turns, source, after, *arrivals):
        turns.arrived(Delivery(source, list(arrivals), datetime(2026, 3, 2, 9, tzinfo=UTC) + timedelta(seconds=after)))


@pytest.mark.parametrize(
    ("seconds", "again_after", "stored"),
    [(10, 9, 1), (10, 11, 2), (0.5, 0.4, 2)],
    ids=["sent again while it waited", "sent twice", "twice at once"],
)
def test_a_text_that_a_carrier_sends_again_while_it_waits_for_us_is_one_text(post, desk, seconds, again_after, stored):
    source, slow = Source(), Slow(post, seconds)
    turns = Turns(post, desk, gateway="test", clock=slow.clock)
    slow.deliver(turns, source, 0, mo(b"1"))
    turns.start()
    wait_until(lambda: len(source.accepted) == 1)

    slow.deliver(turns, source, again_after, mo(b"1"))
    wait_until(lambda: len(source.accepted) == 2)
    turns.stop(10)

    assert len(post.inbox) == stored


@pytest.mark.parametrize(("apart", "stored"), [(10, 1), (1, 2)], ids=["sent again", "twice at once"])
def test_a_text_that_came_again_while_all_of_it_waited_is_one_text(post, desk, apart, stored):
    source, slow = Source(), Slow(post, 15)
    turns = Turns(post, desk, gateway="test", clock=slow.clock)
    slow.deliver(turns, source, 0, mo(b"1"))
    slow.deliver(turns, source, apart, mo(b"1"), mo(b"2"))

    turns.start()
    wait_until(lambda: len(source.accepted) == 3)
    turns.stop(10)

    assert [text.octets for text in post.inbox] == [b"1"] * stored + [b"2"]


def test_what_came_again_while_it_waited_is_refused_with_the_first(post, desk):
    source, slow = Source(), Slow(post, 15)
    turns = Turns(post, desk, gateway="test", clock=slow.clock)
    post.failing = True
    slow.deliver(turns, source, 0, mo(b"1"))
    slow.deliver(turns, source, 10, mo(b"1"))

    turns.start()
    wait_until(lambda: len(source.rejected) == 2)
    turns.stop(10)

    assert post.inbox == []


def test_a_text_carries_its_session_and_when_it_arrived(turns, post):
    first, second = Source(), Source()

    turns.start()
    turns.arrived(delivery(first, mo(b"1")))
    turns.arrived(delivery(second, mo(b"2")))
    turns.arrived(delivery(first, mo(b"3")))
    wait_until(lambda: len(post.inbox) == 3)

    assert [text.session for text in post.inbox] == [1, 2, 1]
    assert {text.received_at for text in post.inbox} == {datetime(2026, 3, 2, 9, tzinfo=UTC)}


def test_a_session_ends_in_the_database_when_its_connection_does(turns, post):
    source = Source()
    turns.start()
    turns.arrived(delivery(source, mo(b"1")))

    turns.ended(source, wall())

    wait_until(lambda: post.sessions == {1: "closed"})


def test_what_comes_again_by_another_connection_finds_the_first_closed(turns, post):
    first, second, order = Source(), Source(), []
    store, close = post.store, post.session_closed
    post.store = lambda texts, now: order.extend(text.session for text in texts) or store(texts, now)
    post.session_closed = lambda session, now: order.append("closed") or close(session, now)
    turns.arrived(delivery(first, mo(b"1")))
    turns.ended(first, wall())
    turns.arrived(replace(delivery(second, mo(b"1")), at=wall() + timedelta(minutes=1)))

    turns.start()
    wait_until(lambda: second.accepted)

    assert order == [1, "closed", 2]


def test_what_may_be_a_redelivery_is_left_with_the_carrier(turns, post):
    source, store = Source(), post.store
    post.store = lambda texts, now: [replace(one, inbox_id=None, undecided=True) for one in store(texts, now)]

    turns.arrived(delivery(source, mo(b"1")))
    turns.start()
    wait_until(lambda: source.rejected)

    assert source.accepted == []
    assert post.rows == {}


def test_texts_are_refused_while_the_database_is_away_and_taken_when_it_is_back(turns, post):
    source = Source()
    post.failing = True
    turns.start()
    turns.arrived(delivery(source, mo(b"1"), mo(b"2"), mo(b"3")))
    wait_until(lambda: len(source.rejected) == 3)

    post.failing = False
    turns.arrived(delivery(source, mo(b"1")))
    wait_until(lambda: len(source.accepted) == 1)

    assert [text.octets for text in post.inbox] == [b"1"]


def test_a_commit_that_failed_ends_its_session_since_it_may_have_held(turns, post):
    source = Source()
    turns.start()
    turns.arrived(delivery(source, mo(b"1")))
    wait_until(lambda: source.accepted)
    post.refusing = lambda text: text.octets == b"2"
    turns.arrived(delivery(source, mo(b"2")))
    wait_until(lambda: source.rejected)
    post.refusing = lambda text: False

    turns.arrived(delivery(source, mo(b"2")))
    wait_until(lambda: len(source.accepted) == 2)

    assert post.inbox[-1].session > post.inbox[0].session
    assert post.sessions[1] == "closed"


def test_one_text_that_cannot_be_stored_harms_no_other_and_is_kept_raw_in_the_end(turns, post):
    source = Source()
    post.refusing = lambda text: text.octets == b"poison"
    turns.start()

    for again in range(3):
        turns.arrived(delivery(source, mo(b"a%d" % again), mo(b"poison"), mo(b"b%d" % again)))
        wait_until(lambda again=again: len(source.accepted) + len(source.rejected) == 3 * (again + 1))

    assert [text.octets for text in source.rejected] == [b"poison"] * 2
    assert [text.octets for text in post.inbox] == [b"a0", b"b0", b"a1", b"b1", b"a2", b"b2"]
    assert len(post.quarantined) == 1
    assert b"poison" in post.quarantined[0]


def test_a_malformed_pdu_is_answered_once_it_is_kept(turns, post):
    source = Source()
    broken = Quarantined(3, "deliver_sm", b"octets", "sm_length beyond the PDU", 1)
    post.failing = True
    turns.start()
    turns.arrived(delivery(source, broken))
    wait_until(lambda: source.rejected == [broken])

    post.failing = False
    turns.arrived(delivery(source, broken))
    wait_until(lambda: source.accepted == [broken])

    assert post.quarantined == [b"octets"]


def test_a_receipt_is_acknowledged_once_it_is_settled(turns, post):
    source = Source()
    post.failing = True
    turns.start()
    turns.arrived(delivery(source, receipt()))
    wait_until(lambda: len(source.rejected) == 1)

    post.failing = False
    turns.arrived(delivery(source, receipt()))
    wait_until(lambda: len(source.accepted) == 1)

    assert [one.message_id for one in post.receipts] == ["1a"]


def test_settlements_wait_until_the_database_is_back(turns, post):
    for n in (1, 2, 3):
        post.write(patient(n), "Hei")
    post.failing = True
    turns.start()
    turns.settled([settlement(1), settlement(2)])
    turns.settled([settlement(3)])
    wait_until(turns._queue.empty)

    post.failing = False

    wait_until(lambda: post.states() == ["accepted"] * 3)
    assert [one.outbox_id for one in post.settlements] == [1, 2, 3]


def test_a_settlement_that_fails_by_itself_holds_up_no_other(turns, post):
    post.write(patient(1), "Hei")

    turns.start()
    turns.settled([settlement(404), settlement(1)])  # no row 404: KeyError
    wait_until(lambda: post.states() == ["accepted"])
    post.write(patient(2), "Hei")
    turns.settled([settlement(2)])

    wait_until(lambda: post.states() == ["accepted"] * 2)


def test_texts_are_leased_for_a_line_with_room_and_no_more_than_that(turns, post):
    line = Line(room=3)
    for n in range(5):
        post.write(patient(n), "Hei")
    turns.add(line)

    turns.start()
    wait_until(lambda: len(line.texts) == 3)
    line.free = 10
    turns.wake()
    wait_until(lambda: len(line.texts) == 5)

    assert [text.id for text in line.texts] == [1, 2, 3, 4, 5]


def test_an_answer_is_leased_right_after_the_desk_wrote_it(turns):
    source, line = Source(), Line()
    turns.add(line)
    turns.start()

    turns.arrived(delivery(source, mo(b"Moi")))
    wait_until(lambda: line.texts)

    assert [text.body for text in line.texts] == ["Kiitos: Moi"]


def test_the_share_of_the_rate_is_passed_on(turns, post):
    line = Line()
    post.rates = {"main": 40.0}
    turns.add(line)
    turns.start()
    wait_until(lambda: line.rates)

    post.rates = {}
    wait_until(lambda: len(line.rates) >= 2)

    assert (line.rates[0], line.rates[-1]) == (40.0, None)


def test_a_desk_that_stumbles_does_not_stop_the_post_and_tries_again(turns, post, desk):
    source = Source()
    desk.failing = True
    turns.start()
    turns.arrived(delivery(source, mo(b"1")))
    wait_until(lambda: desk.batches)
    turns.arrived(delivery(source, mo(b"2")))
    wait_until(lambda: len(source.accepted) == 2)

    desk.failing = False
    wait_until(lambda: len(post.rows) == 2)

    assert [row.text.body for row in post.rows.values()] == ["Kiitos: 1", "Kiitos: 2"]


def test_what_the_desk_never_manages_is_left_to_its_sweep(turns, post, desk, monkeypatch):
    monkeypatch.setattr("gateway.turns._AWAY_FIRST", 0.01)
    source, answer = Source(), desk.answer

    def stumble(stored, now, room):
        desk.failing = any(one.text.octets == b"poison" for one in stored)
        return answer(stored, now, room)

    desk.answer = stumble
    turns.start()
    turns.arrived(delivery(source, mo(b"poison")))
    wait_until(lambda: len(desk.batches) == 5)
    turns.arrived(delivery(source, mo(b"2")))

    wait_until(lambda: [row.text.body for row in post.rows.values()] == ["Kiitos: 2"])


def test_texts_that_arrive_wait_for_one_desk_batch_at_most(post, desk):
    turns = Turns(post, desk, gateway="test", clock=wall)
    source, order, gate = Source(), [], threading.Semaphore(0)
    store, answer = post.store, desk.answer

    def slow_answer(stored, now, room):
        gate.acquire()
        order.append("desk")
        return answer(stored, now, room)

    post.store = lambda texts, now: order.append("store") or store(texts, now)
    desk.answer = slow_answer
    turns._desk_batch = 1
    turns.arrived(delivery(source, *[mo(b"%d" % n) for n in range(3)]))
    turns.start()
    wait_until(lambda: len(source.accepted) == 3)

    turns.arrived(delivery(source, mo(b"new")))
    for _ in range(4):
        gate.release()
    wait_until(lambda: len(post.rows) == 4)

    turns.stop(10)
    assert order == ["store", "desk", "store", "desk", "desk", "desk"]


def test_a_senders_next_text_waits_with_the_one_that_must_wait(turns, desk, monkeypatch):
    monkeypatch.setattr("gateway.turns._HOLD", 0.3)
    source, seen, answer = Source(), [], desk.answer

    def hold_the_first(stored, now, room):
        seen.append([one.text.octets for one in stored])
        if len(seen) == 1:
            return Answered(waiting=stored)
        return answer(stored, now, room)

    desk.answer = hold_the_first
    turns.start()
    turns.arrived(delivery(source, mo(b"1")))
    wait_until(lambda: seen)
    turns.arrived(delivery(source, mo(b"no, 2"), mo(b"Hei", n=2)))
    wait_until(lambda: sum(map(len, seen)) == 4)

    assert seen == [[b"1"], [b"Hei"], [b"1", b"no, 2"]]


def test_where_the_desk_works_beside_what_arrives_waits_for_no_batch(post, desk):
    turns, line = Turns(post, desk, gateway="test", clock=wall, beside=True), Line()
    source, gate, answer = Source(), threading.Event(), desk.answer
    desk.answer = lambda stored, now, room: gate.wait() and answer(stored, now, room)
    post.rates = {"main": 0.0}
    turns.add(line)
    turns.start()
    turns.arrived(delivery(source, mo(b"1")))
    wait_until(lambda: len(source.accepted) == 1)

    turns.arrived(delivery(source, mo(b"2", n=4)))
    turns.settled([settlement(post.write(patient(3), "Terve"))])
    post.write(patient(2), "Hei")
    turns.ring()
    wait_until(lambda: len(source.accepted) == 2 and line.texts)
    assert [text.body for text in line.texts] == ["Hei"]

    gate.set()
    wait_until(lambda: len(line.texts) == 3)
    turns.stop(10)
    assert [text.body for text in line.texts] == ["Hei", "Kiitos: 1", "Kiitos: 2"]


def test_stopping_waits_for_the_desk_beside_and_takes_back_what_it_did(post, desk):
    turns, line = Turns(post, desk, gateway="test", clock=wall, beside=True), Line()
    source, begun, gate, answer = Source(), threading.Event(), threading.Event(), desk.answer
    post.lease, lease = lambda *_: [], post.lease  # the desk alone leases

    def slow_answer(stored, now, room):
        begun.set()
        gate.wait()
        answer(stored, now, room)
        return Answered(leased=lease("test", [CLINIC], 1, now))

    desk.answer = slow_answer
    turns.add(line)
    turns.start()
    turns.arrived(delivery(source, mo(b"Moi")))
    begun.wait()
    threading.Timer(0.1, gate.set).start()
    turns.stop(10)

    assert [text.body for text in line.texts] == ["Kiitos: Moi"]
    assert post.released


def test_stopping_settles_what_was_handed_over_and_gives_back_the_rest(turns, post):
    source = Source()
    post.write(patient(), "Hei")
    turns.arrived(delivery(source, mo(b"Moi")))
    turns.settled([settlement(1)])

    turns.start()
    turns.stop(10)

    assert len(source.accepted) == 1
    assert post.rows[1].state == "accepted"
    assert post.released
    assert post.sessions == {1: "closed"}


def test_a_log_of_trouble_quotes_nothing(turns, post, caplog):
    source = Source()

    def store(texts, now):
        raise ValueError(f"INSERT INTO inbox VALUES ('{texts[0].source}', 'kipu')")

    post.store = store
    turns.start()
    turns.arrived(delivery(source, mo(b"kipu")))
    wait_until(lambda: source.rejected)

    assert "could not be stored: ValueError at store:" in caplog.text
    assert "kipu" not in caplog.text
    assert patient() not in caplog.text
