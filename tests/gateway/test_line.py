"""Texts through real sockets: the carrier simulator on one side, links and turns with a post in memory on the other."""

from __future__ import annotations

import pytest

from gateway.simulator.thread import CarrierThread
from gateway.smpp.events import Mode
from tests.gateway.stand_ins import CLINIC, Gateway, patient, wait_until


@pytest.fixture
def carrier():
    with CarrierThread(retry_seconds=0.05) as carrier:
        yield carrier


def test_a_text_is_stored_acknowledged_and_answered(carrier):
    with Gateway(carrier.port) as gateway:
        statuses = carrier.deliver(patient(), CLINIC, "Peruuta aikani")
        answer = carrier.wait_for_text(patient())

    assert statuses == [0]
    assert [text.octets for text in gateway.post.inbox] == [b"Peruuta aikani"]
    assert (answer.text, answer.service_number) == ("Kiitos: Peruuta aikani", CLINIC)


def test_long_texts_travel_in_parts_both_ways(carrier):
    long = "Hei! " + "Haluaisin siirtää aikani ensi viikolle. " * 8

    with Gateway(carrier.port) as gateway:
        gateway.desk._answer = lambda text: None
        statuses = carrier.deliver(patient(), CLINIC, long)
        gateway.post.write(patient(2), long)
        answer = carrier.wait_for_text(patient(2))

    assert statuses == [0, 0, 0]
    assert [text.part[2:] for text in gateway.post.inbox] == [(3, 1), (3, 2), (3, 3)]
    assert (answer.text, answer.parts) == (long, 3)


def test_many_texts_at_once_are_each_answered_once(carrier):
    with Gateway(carrier.port, window=20) as gateway:
        waiting = [carrier.post(patient(n), CLINIC, f"teksti {n}") for n in range(60)]
        for future in waiting:
            assert future.result(10) == [0]
        wait_until(lambda: len(carrier.texts()) == 60)

    assert sorted(text.text for text in carrier.texts()) == sorted(f"Kiitos: teksti {n}" for n in range(60))
    assert gateway.post.states() == ["accepted"] * 60


def test_receipts_come_back_to_the_post(carrier):
    with Gateway(carrier.port) as gateway:
        gateway.post.write(patient(), "Aikasi on huomenna")
        wait_until(lambda: gateway.post.receipts)

    [settlement], [receipt] = gateway.post.settlements, gateway.post.receipts
    assert (settlement.message_id, receipt.state) == (receipt.message_id, "delivered")


def test_a_pair_of_binds_sends_by_one_and_receives_by_the_other(carrier):
    with (
        Gateway(carrier.port, mode=Mode.RECEIVER) as receiver,
        Gateway(carrier.port, mode=Mode.TRANSMITTER, post=receiver.post, desk=receiver.desk),
    ):
        carrier.wait_for_bind(2)
        carrier.deliver(patient(), CLINIC, "Moi")
        answer = carrier.wait_for_text(patient())

    assert answer.text == "Kiitos: Moi"
