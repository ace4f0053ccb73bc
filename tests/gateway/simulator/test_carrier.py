"""The carrier itself, where a test of the gateway would not notice its mistakes."""

from __future__ import annotations

import time

import pytest

from gateway.simulator.record import Record, Submitted
from gateway.simulator.thread import CarrierThread
from gateway.smpp.events import TextArrived
from gateway.smpp.pdu import Pdu, Tag
from gateway.smpp.receipt import same_id
from gateway.text import PartRef
from tests.gateway.stand_ins import CLINIC, Gateway, patient, wait_until


@pytest.fixture
def carrier():
    with CarrierThread(retry_seconds=0.05) as carrier:
        yield carrier


def submit(at=0.0, octets=b"Hei", part=None, status=0):
    pdu = Pdu("submit_sm", 1, 0, {})
    arrived = TextArrived(1, "submit_sm", CLINIC, patient(), octets, 0, part, pdu)
    return arrived, Submitted(at, patient(), pdu, status, "1a")


def test_the_parts_of_a_text_are_shown_as_one_in_the_right_order():
    record = Record()

    second = record.add(*submit(octets=b"loppu", part=PartRef("udh8", 7, 2, 2)))
    first = record.add(*submit(octets=b"alku ", part=PartRef("udh8", 7, 2, 1)))

    assert second is None
    assert (first.text, first.parts) == ("alku loppu", 2)


def test_refused_submits_are_recorded_and_not_shown():
    record = Record()
    record.add(*submit(status=0x58))

    assert (len(record.submitted), record.texts) == (1, [])


def test_the_busiest_second_is_any_second():
    record = Record()
    for at in (0.0, 0.6, 0.9, 1.1, 1.5, 1.61, 3.0):
        record.add(*submit(at))

    assert record.busiest_second() == 4


@pytest.mark.parametrize(
    ("form", "text", "tlvs"),
    [("tlv", False, True), ("text", True, False), ("both", True, True)],
)
def test_receipts_come_in_the_form_asked_for(carrier, form, text, tlvs):
    carrier.receipts.form = form
    arrived = []

    with Gateway(carrier.port) as gateway:
        settle = gateway.turns._intake.settle
        gateway.turns._intake.settle = lambda deliveries, *rest: (
            arrived.extend(a.pdu for d in deliveries for a in d.arrivals),
            settle(deliveries, *rest),
        )
        gateway.post.write(patient(), "Hei")
        wait_until(lambda: gateway.post.receipts)

    [pdu] = arrived
    assert (b"stat:DELIVRD" in pdu.fields["short_message"], Tag.MESSAGE_STATE in pdu.tlvs) == (text, tlvs)
    assert gateway.post.receipts[0].state == "delivered"


@pytest.mark.parametrize(
    ("answer", "in_receipt"), [("hex", "dec"), ("dec", "hex"), ("hex", "upper"), ("hex", "padded")]
)
def test_receipts_may_write_the_id_otherwise_than_the_answer(carrier, answer, in_receipt):
    carrier.receipts.answer_form, carrier.receipts.id_form = answer, in_receipt

    with Gateway(carrier.port) as gateway:
        gateway.post.write(patient(), "Hei")
        wait_until(lambda: gateway.post.receipts and gateway.post.settlements)

    answered, received = gateway.post.settlements[0].message_id, gateway.post.receipts[0].message_id
    assert answered != received
    assert same_id(answered, received)


def test_a_receipt_may_say_that_a_number_was_not_reached(carrier):
    carrier.receipts.number_state = {patient(1): "UNDELIV"}

    with Gateway(carrier.port) as gateway:
        gateway.post.write(patient(1), "Hei")
        gateway.post.write(patient(2), "Hei")
        wait_until(lambda: len(gateway.post.receipts) == 2)

    assert {one.number: one.state for one in gateway.post.receipts} == {
        patient(1)[1:]: "undeliverable",
        patient(2)[1:]: "delivered",
    }


def test_a_receipt_may_overtake_the_answer_to_its_submit(carrier):
    carrier.receipts.delay, carrier.faults.delay = -1.0, 0.2

    with Gateway(carrier.port) as gateway:
        gateway.post.write(patient(), "Hei")
        wait_until(lambda: gateway.post.receipts)
        early = list(gateway.post.settlements)
        wait_until(lambda: gateway.post.settlements)

    assert early == []


def test_an_enforced_rate_counts_any_second(carrier):
    carrier.faults.rate, carrier.receipts.form = 10, "none"

    with Gateway(carrier.port) as gateway:
        for n in range(30):
            gateway.post.write(patient(n), "Hei")
        wait_until(lambda: set(gateway.post.states()) == {"accepted"}, timeout=40)

    taken = [one.at for one in carrier.record.submitted if one.status == 0]
    assert len(taken) == 30
    assert all(later - earlier >= 1.0 for earlier, later in zip(taken, taken[10:], strict=False))


def test_texts_wait_for_a_gateway_and_go_in_order(carrier):
    waiting = [carrier.post(patient(), CLINIC, f"{n}") for n in range(20)]
    time.sleep(0.1)

    with Gateway(carrier.port) as gateway:
        for future in waiting:
            assert future.result(10) == [0]

    assert [int(text.octets) for text in gateway.post.inbox] == list(range(20))
