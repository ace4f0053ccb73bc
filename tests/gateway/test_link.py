"""The link and a carrier that misbehaves: nothing is lost, nothing is stuck, and the gateway lives on."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from gateway.dispatch import Reconnect
from gateway.simulator.delivery import Outgoing, addresses
from gateway.simulator.thread import CarrierThread
from gateway.smpp.pdu import Pdu, Status, decode, encode
from gateway.smpp.session import Timing
from gateway.text import Lane, Verdict
from tests.gateway.stand_ins import CLINIC, Gateway, MemoryPost, patient, wait_until, wall


@pytest.fixture
def carrier():
    with CarrierThread(retry_seconds=0.05) as carrier:
        carrier.receipts.form = "none"
        yield carrier


def numbers(texts):
    return [text.number for text in texts]


def conversation(carrier, number):
    """Text and be answered, as the proof that all is well."""
    carrier.deliver(number, CLINIC, "Moi")
    return carrier.wait_for_text(number).text == "Kiitos: Moi"


# Binding


def test_the_carrier_may_start_after_the_gateway():
    with CarrierThread() as first:
        port = first.port
    with Gateway(port) as gateway:
        wait_until(lambda: gateway.links[0].counts["reconnects"] >= 2)
        with CarrierThread(port=port) as carrier:
            assert conversation(carrier, patient())


def test_a_refused_bind_is_reported_by_name_and_status_and_tried_again(carrier, caplog):
    carrier.faults.bind_status = Status.RINVPASWD

    with Gateway(carrier.port) as gateway:
        wait_until(lambda: gateway.links[0].counts["binds_refused"] >= 2)
        carrier.faults.bind_status = 0
        assert conversation(carrier, patient())

    assert "bind bind0 REFUSED by the carrier with ESME_RINVPASWD" in caplog.text


@pytest.mark.parametrize(("wrong", "status"), [("password", "ESME_RINVPASWD"), ("system_id", "ESME_RINVSYSID")])
def test_wrong_credentials_are_refused_and_never_logged(carrier, caplog, wrong, status):
    with Gateway(carrier.port, **{wrong: "wrongone"}) as gateway:
        wait_until(lambda: gateway.links[0].counts["binds_refused"])

    assert status in caplog.text
    assert "wrongone" not in caplog.text


def test_refused_credentials_are_not_hammered(carrier):
    carrier.faults.bind_status = Status.RINVPASWD

    with Gateway(carrier.port, reconnect=Reconnect(first=0.01, refused_first=60)) as gateway:
        wait_until(lambda: gateway.links[0].counts["binds_refused"])
        time.sleep(0.3)

        assert gateway.links[0].counts["binds_refused"] == 1


# A link that breaks


def test_texts_come_again_after_a_broken_link_and_are_taken_by_the_next(carrier):
    with Gateway(carrier.port) as gateway:
        carrier.wait_for_bind()
        carrier.faults.forget_acks_next = 1

        statuses = carrier.deliver(patient(), CLINIC, "1")

    assert statuses == [0]
    assert [text.octets for text in gateway.post.inbox] == [b"1", b"1"]
    assert gateway.post.inbox[0].session != gateway.post.inbox[1].session  # by which the post knows a redelivery


def test_what_was_under_way_when_the_link_broke_is_unknown_and_sent_again(carrier):
    carrier.faults.lose_next = 1

    with Gateway(carrier.port) as gateway:
        gateway.post.write(patient(), "Hei")
        wait_until(lambda: carrier.texts())
        carrier.disconnect()
        wait_until(lambda: gateway.post.states() == ["accepted"])

    assert [one.verdict for one in gateway.post.settlements] == [Verdict.UNKNOWN, Verdict.ACCEPTED]


@pytest.mark.parametrize("inside_pdu", [False, True])
def test_the_link_comes_back_after_a_break(carrier, inside_pdu):
    with Gateway(carrier.port):
        assert conversation(carrier, patient(1))
        carrier.disconnect(inside_pdu=inside_pdu)

        assert conversation(carrier, patient(2))


def test_a_carrier_that_restarts_loses_nothing(carrier):
    with Gateway(carrier.port, window=5) as gateway:
        for n in range(40):
            gateway.post.write(patient(n), f"Hei {n}")
        carrier.wait_for_bind()
        waiting = [carrier.post(patient(50 + n), CLINIC, f"teksti {n}") for n in range(20)]
        carrier.restart(0.3)
        for future in waiting:
            assert future.result(15) == [0]
        wait_until(lambda: set(gateway.post.states()) == {"accepted"})

    assert {f"Hei {n}" for n in range(40)} <= {text.text for text in carrier.texts()}


def test_the_carriers_unbind_is_answered_and_the_link_comes_back(carrier):
    with Gateway(carrier.port):
        assert conversation(carrier, patient(1))
        carrier.unbind()
        wait_until(lambda: not carrier.run(bound_count, 1))

        assert conversation(carrier, patient(2))


async def bound_count(carrier):
    return len(carrier.bound())


def test_a_half_open_link_is_noticed_by_its_silence():
    with CarrierThread() as carrier, Gateway(carrier.port, enquire_link_seconds=0.3, answer_seconds=0.3) as gateway:
        carrier.wait_for_bind()
        carrier.faults.half_open = True
        wait_until(lambda: gateway.links[0].report().state == "closed")
        carrier.faults.half_open = False

        assert conversation(carrier, patient())


def test_the_carriers_enquire_links_keep_the_link_up():
    with CarrierThread(timing=Timing(enquire=0.2, answer=0.3)) as carrier, Gateway(carrier.port) as gateway:
        carrier.wait_for_bind()
        time.sleep(1.5)

        assert conversation(carrier, patient())
        assert gateway.links[0].counts["reconnects"] == 0


def test_a_bind_is_made_again_when_the_carrier_knows_of_none(carrier):
    carrier.faults.status, carrier.faults.status_next = Status.RINVBNDSTS, 1

    with Gateway(carrier.port) as gateway:
        gateway.post.write(patient(), "Hei")
        wait_until(lambda: gateway.post.states() == ["accepted"])

    assert carrier.stats()["binds"] == 2


# Octets that mean nothing


@pytest.mark.parametrize(
    "octets",
    [
        b"GET / HTTP/1.1\r\nHost: carrier\r\n\r\n",
        bytes(64),
        b"\xff" * 64,
        b"\x00\x00\x00\x0f" + bytes(12),
        b"\x00\x01\x86\xa0" + bytes(60),
    ],
)
def test_garbage_costs_the_link_and_nothing_else(carrier, octets):
    with Gateway(carrier.port):
        assert conversation(carrier, patient(1))
        carrier.say(octets)

        assert conversation(carrier, patient(2))


def test_malformed_pdus_cost_nothing_at_all(carrier):
    broken = bytearray(encode(Pdu("deliver_sm", 99, 0, {"short_message": b"Moi", "source_addr": "1"})))
    broken[-4] = 200  # sm_length

    with Gateway(carrier.port) as gateway:
        carrier.wait_for_bind()
        carrier.say(bytes(broken) + (16).to_bytes(4) + (0x77).to_bytes(4) + bytes(4) + (98).to_bytes(4))
        wait_until(lambda: gateway.post.quarantined)
        assert conversation(carrier, patient())

    assert gateway.post.quarantined == [bytes(broken)]
    assert gateway.links[0].counts["reconnects"] == 0


# Submits that are answered otherwise


def test_throttling_loses_nothing_and_uses_what_the_carrier_allows(carrier):
    carrier.faults.rate = 20

    with Gateway(carrier.port) as gateway:
        for n in range(60):
            gateway.post.write(patient(n), f"Hei {n}")
        wait_until(lambda: set(gateway.post.states()) == {"accepted"}, timeout=60)

    assert sorted(text.text for text in carrier.texts()) == sorted(f"Hei {n}" for n in range(60))
    assert {one.verdict for one in gateway.post.settlements} == {Verdict.THROTTLED, Verdict.ACCEPTED}


def test_a_full_queue_loses_nothing(carrier):
    carrier.faults.status, carrier.faults.status_next = Status.RMSGQFUL, 5

    with Gateway(carrier.port) as gateway:
        for n in range(10):
            gateway.post.write(patient(n), "Hei")
        wait_until(lambda: set(gateway.post.states()) == {"accepted"})

    assert len(carrier.texts()) == 10


def test_our_rate_is_never_exceeded_in_any_second_as_the_carrier_counts(carrier):
    with Gateway(carrier.port, rate=40) as gateway:
        for n in range(130):
            gateway.post.write(patient(n), "Hei")
        wait_until(lambda: set(gateway.post.states()) == {"accepted"}, timeout=30)

    assert carrier.record.busiest_second() <= 40
    assert carrier.stats()["refused"] == 0


def test_without_a_share_of_the_rate_nothing_is_submitted(carrier):
    post = MemoryPost()
    post.rates = {}

    with Gateway(carrier.port, post=post) as gateway:
        post.write(patient(), "Hei")
        carrier.wait_for_bind()
        wait_until(lambda: len(post.reports) and post.reports[0].state == "bound as transceiver")
        assert post.states() == ["due"]
        post.rates = {"bind0": 0}
        wait_until(lambda: post.states() == ["accepted"])

    assert gateway.links[0].counts["submits"] == 1


@pytest.mark.parametrize("status", [Status.RINVDSTADR, 0x410])
def test_a_number_that_the_carrier_will_never_take_is_given_up(carrier, status):
    carrier.faults.number_status = {patient(1): status}

    with Gateway(carrier.port) as gateway:
        gateway.post.write(patient(1), "Hei")
        gateway.post.write(patient(2), "Hei")
        wait_until(lambda: gateway.post.states() == ["refused", "accepted"])

    assert {one.outbox_id: one.status for one in gateway.post.settlements} == {1: status, 2: 0}


def test_a_temporary_error_is_tried_again_later(carrier):
    carrier.faults.status, carrier.faults.status_next = Status.RSYSERR, 2

    with Gateway(carrier.port) as gateway:
        gateway.post.write(patient(), "Hei")
        wait_until(lambda: gateway.post.states() == ["accepted"])

    assert [one.verdict for one in gateway.post.settlements] == [Verdict.LATER, Verdict.LATER, Verdict.ACCEPTED]
    assert gateway.post.rows[1].text.attempt == 3


def test_a_nacked_submit_is_settled_and_tried_again(carrier):
    carrier.faults.nack_next = 1

    with Gateway(carrier.port) as gateway:
        gateway.post.write(patient(), "Hei")
        wait_until(lambda: gateway.post.states() == ["accepted"])

    assert gateway.post.settlements[0].verdict is Verdict.LATER


def test_a_lost_answer_frees_its_place_in_the_window_when_its_time_is_up(carrier):
    carrier.faults.lose_next = 1

    with Gateway(carrier.port, window=1, response_timeout_seconds=0.3) as gateway:
        gateway.post.write(patient(1), "Hei")
        gateway.post.write(patient(2), "Hei")
        wait_until(lambda: gateway.post.states() == ["accepted"] * 2)

    assert gateway.post.settlements[0].verdict is Verdict.UNKNOWN


def test_a_doubled_answer_counts_once(carrier):
    carrier.faults.double_next = 3

    with Gateway(carrier.port) as gateway:
        for n in range(5):
            gateway.post.write(patient(n), "Hei")
        wait_until(lambda: gateway.post.states() == ["accepted"] * 5)

    assert len(gateway.post.settlements) == 5


def test_the_window_is_never_exceeded_and_never_left_empty(carrier):
    carrier.faults.delay = 0.05
    most = 0

    with Gateway(carrier.port, window=7) as gateway:
        for n in range(70):
            gateway.post.write(patient(n), "Hei")
        while "accepted" not in gateway.post.states() or set(gateway.post.states()) != {"accepted"}:
            most = max(most, gateway.links[0].report().outstanding)
            time.sleep(0.001)

    assert most == 7


def test_a_part_that_was_refused_alone_is_sent_again_alone(carrier):
    long = "Hei! " + "Haluaisin siirtää aikani ensi viikolle. " * 8
    carrier.faults.status, carrier.faults.status_next = Status.RTHROTTLED, 1

    with Gateway(carrier.port) as gateway:
        gateway.post.write(patient(), long)
        wait_until(lambda: gateway.post.states() == ["accepted"])

    parts = [(one.part, one.verdict) for one in gateway.post.settlements]
    assert sorted(parts) == [
        (1, Verdict.ACCEPTED),
        (1, Verdict.THROTTLED),
        (2, Verdict.ACCEPTED),
        (3, Verdict.ACCEPTED),
    ]
    assert [text.text for text in carrier.texts()] == [long]


def test_a_text_that_cannot_be_submitted_is_given_up_and_harms_no_other(carrier):
    with Gateway(carrier.port) as gateway:
        gateway.post.write("+" + "1" * 40, "Hei")
        gateway.post.write(patient(1), "x" * 50_000)
        gateway.post.write(patient(2), "Hei")
        wait_until(lambda: gateway.post.states() == ["refused", "refused", "accepted"])


def test_a_text_tells_the_carrier_how_long_it_is_worth_sending(carrier):
    expires_at = wall().replace(microsecond=0) + timedelta(hours=3)

    with Gateway(carrier.port) as gateway:
        gateway.post.write(patient(), "Hei", expires_at=expires_at)
        wait_until(lambda: gateway.post.states() == ["accepted"])

    [submitted] = carrier.record.submitted
    assert submitted.pdu.fields["validity_period"] == f"{expires_at:%y%m%d%H%M%S}000+"
    assert submitted.pdu.fields["registered_delivery"] == 1


def test_a_text_that_expired_while_it_waited_is_not_sent(carrier):
    with Gateway(carrier.port) as gateway:
        gateway.post.write(patient(), "Hei", expires_at=wall() - timedelta(seconds=1))
        wait_until(lambda: gateway.post.settlements)

    assert gateway.post.settlements[0].verdict is Verdict.LATER
    assert carrier.record.submitted == []


def test_answers_overtake_bulk_that_waits_for_the_rate(carrier):
    with Gateway(carrier.port, rate=20) as gateway:
        for n in range(30):
            gateway.post.write(patient(n), "Tiedote", lane=Lane.BULK)
        wait_until(lambda: len(carrier.texts()) >= 5)
        gateway.post.write(patient(90), "Vastaus", lane=Lane.ANSWER)
        gateway.turns.ring()
        answer = carrier.wait_for_text(patient(90))

    assert answer.id < 25


def test_a_slow_reader_slows_us_down_and_loses_nothing(carrier):
    carrier.faults.octets_per_second = 20_000

    with Gateway(carrier.port, window=50) as gateway:
        for n in range(99):
            gateway.post.write(patient(n), "Hei " * 20)
        wait_until(lambda: set(gateway.post.states()) == {"accepted"}, timeout=30)

    assert len(carrier.texts()) == 99


def test_addresses_go_out_with_their_types(carrier):
    with Gateway(carrier.port, numbers=(CLINIC, "Hammas", "15400")) as gateway:
        for sender in (CLINIC, "Hammas", "15400"):
            gateway.post.write(patient(), "Hei", service_number=sender)
        wait_until(lambda: gateway.post.states() == ["accepted"] * 3)

    fields = [one.pdu.fields for one in carrier.record.submitted]
    senders = [(f["source_addr_ton"], f["source_addr_npi"], f["source_addr"]) for f in fields]
    assert senders == [(1, 1, CLINIC[1:]), (5, 0, "Hammas"), (3, 0, "15400")]
    assert {(f["dest_addr_ton"], f["dest_addr_npi"], f["destination_addr"]) for f in fields} == {(1, 1, patient()[1:])}


# Texts that arrive otherwise


def test_a_text_refused_for_want_of_a_database_is_delivered_again_by_the_carrier(carrier):
    with Gateway(carrier.port) as gateway:
        carrier.wait_for_bind()
        gateway.post.failing = True
        waiting = carrier.post(patient(), CLINIC, "Peruuta")
        time.sleep(0.3)
        refused_meanwhile = not waiting.done()
        gateway.post.failing = False

        assert waiting.result(10) == [0]

    assert refused_meanwhile
    assert [text.octets for text in gateway.post.inbox] == [b"Peruuta"]


def test_a_flood_is_read_no_faster_than_it_is_stored(carrier):
    with CarrierThread(window=3000) as flood, Gateway(flood.port) as gateway:
        gateway.desk._answer = lambda text: None
        waiting = [flood.post(patient(n % 90), CLINIC, f"teksti {n}") for n in range(5000)]
        for future in waiting:
            assert future.result(30) == [0]

    assert [int(text.octets.split()[1]) for text in gateway.post.inbox] == list(range(5000))


def test_an_empty_text_and_a_payload_in_a_tlv_arrive(carrier):
    where = addresses(patient(), CLINIC)

    with Gateway(carrier.port) as gateway:
        gateway.desk._answer = lambda text: None
        statuses = carrier.deliver_pdus([Outgoing(where), Outgoing(where, {0x0424: b"pitka " * 100})])

    assert statuses == [0, 0]
    assert [text.octets for text in gateway.post.inbox] == [b"", b"pitka " * 100]


# Stopping


def test_a_clean_stop_waits_for_answers_gives_back_the_rest_and_unbinds(carrier):
    carrier.faults.delay = 0.3

    with Gateway(carrier.port, window=4) as gateway:
        for n in range(20):
            gateway.post.write(patient(n), "Hei")
        wait_until(lambda: len(carrier.record.submitted) >= 4)
        gateway.stop_links()
        submitted = len(carrier.record.submitted)
        wait_until(lambda: gateway.post.states().count("accepted") == submitted)
        wait_until(lambda: gateway.post.states().count("due") == 20 - submitted)

    assert Verdict.UNKNOWN not in {one.verdict for one in gateway.post.settlements}


def test_a_stop_commits_and_acknowledges_what_was_read(carrier):
    with Gateway(carrier.port) as gateway:
        carrier.wait_for_bind()
        waiting = [carrier.post(patient(n), CLINIC, "Moi") for n in range(30)]
        wait_until(lambda: gateway.post.inbox)
        gateway.stop_links()

    acknowledged = sum(future.done() and future.result() == [0] for future in waiting)
    assert acknowledged == len(gateway.post.inbox)


@pytest.mark.parametrize("fault", ["ignore_binds", "half_open"])
def test_a_stop_does_not_wait_for_a_carrier_that_says_nothing(carrier, fault):
    setattr(carrier.faults, fault, True)

    with Gateway(carrier.port, answer_seconds=0.5):
        time.sleep(0.3)

    assert carrier.stats()["bound"] == 0


def test_how_the_bind_stands_is_told_with_every_heartbeat(carrier):
    with Gateway(carrier.port) as gateway:
        conversation(carrier, patient())
        wait_until(lambda: gateway.post.reports and gateway.post.reports[0].counts.get("accepted"))

    report = gateway.post.reports[0]
    assert (report.name, report.account, report.state) == ("bind0", "tekstari", "bound as transceiver")
    assert (report.counts["arrived"], report.counts["submits"], report.outstanding) == (1, 1, 0)


def test_submits_look_as_the_standard_has_them(carrier):
    with Gateway(carrier.port) as gateway:
        gateway.post.write(patient(), "Hyvää päivää")
        wait_until(lambda: gateway.post.states() == ["accepted"])

    pdu = decode(encode(carrier.record.submitted[0].pdu))
    assert (pdu.fields["data_coding"], pdu.fields["esm_class"], pdu.fields["short_message"]) == (
        0,
        0,
        b"Hyv\x7b\x7b p\x7biv\x7b\x7b",
    )
