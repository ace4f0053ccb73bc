"""The gateway against a carrier made by hand, octet by octet: framing (F), parameters (T), session (S), texts in (M),
texts out (O) and receipts (D), labelled as an independent carrier's cases are.
"""

from __future__ import annotations

import struct
from datetime import timedelta

import pytest

from gateway.text import Lane, ReceiptState, Verdict
from lang.alphabet import decode_text
from tests.gateway.smsc import (
    ALERT,
    BIND_RX,
    BIND_TRX,
    BIND_TX,
    CLINIC,
    DATA,
    DELIVER,
    ENQUIRE,
    NACK,
    OUTBIND,
    PATIENT,
    RESP,
    SUBMIT,
    UNBIND,
    Smsc,
    c_string,
    data_sm,
    deliver,
    message,
    pdu,
    tlv,
)
from tests.gateway.stand_ins import EchoDesk, Gateway, MemoryPost, wait_until

NUMBER = "+" + PATIENT
RINVMSGLEN, RINVCMDLEN, RINVCMDID, RINVBNDSTS, RX_T_APPN = 0x01, 0x02, 0x03, 0x04, 0x64
RINVPARLEN, RINVOPTPARSTREAM = 0xC2, 0xC0
RECEIPT = "id:{id} sub:001 dlvrd:001 submit date:2611220900 done date:2611220901 stat:{stat} err:{err} text:Moi"


@pytest.fixture
def smsc():
    smsc = Smsc()
    yield smsc
    smsc.close()


@pytest.fixture
def gateway(smsc):
    """A gateway that answers nothing and is bound."""
    post = MemoryPost()
    timing = {"response_timeout_seconds": 0.8, "answer_seconds": 0.5}
    with Gateway(smsc.port, post=post, desk=EchoDesk(post, lambda text: ""), **timing) as gateway:
        smsc.bound()
        yield gateway
        smsc.close()


def texts(gateway):
    """What arrived, as words."""
    return [decode_text(one.octets, one.coding) for one in gateway.post.inbox]


def acknowledged(smsc, *sequences):
    """Whether just these deliver_sm are acknowledged, in any order."""
    answers = [smsc.hear_next(DELIVER | RESP, NACK) for _ in sequences]
    return sorted(answer.sequence for answer in answers) == sorted(sequences) and not any(a.status for a in answers)


# --- F: framing ---------------------------------------------------------------------------------------------------


def test_f01_pdus_in_one_write_are_told_apart(gateway, smsc):
    smsc.say(deliver(1, b"yksi") + pdu(ENQUIRE, 2) + deliver(3, b"kaksi"))

    assert acknowledged(smsc, 1, 3)
    assert texts(gateway) == ["yksi", "kaksi"]


@pytest.mark.parametrize("cut", [1, 3, 4, 7, 12, 15, 16, 17, 40, -1])
def test_f02_a_pdu_cut_anywhere_is_put_together(gateway, smsc, cut):
    octets = deliver(1, b"palasina")
    smsc.say(octets[:cut])
    assert smsc.hears_nothing()
    smsc.say(octets[cut:])

    assert acknowledged(smsc, 1)
    assert texts(gateway) == ["palasina"]


def test_f03_octet_by_octet(gateway, smsc):
    for octet in deliver(1, b"hitaasti"):
        smsc.say(bytes([octet]))

    assert acknowledged(smsc, 1)


@pytest.mark.parametrize("length", [0, 1, 3, 4, 8, 15, 0x00020000, 0x7FFFFFFF, 0xFFFFFFFF])
def test_f04_a_length_that_cannot_be_is_nacked_and_the_link_built_anew(gateway, smsc, length):
    smsc.say(struct.pack(">IIII", length, DELIVER, 0, 7))

    nack = smsc.hear_next(NACK)
    assert (nack.status, nack.sequence) == (RINVCMDLEN, 0)
    assert smsc.hears_the_end()
    smsc.bound()
    assert smsc.lives()


def test_f05_half_a_pdu_and_the_end_costs_only_the_link(gateway, smsc):
    smsc.say(deliver(1)[:20])
    smsc.hang_up()

    smsc.bound()
    smsc.say(deliver(1, b"uudestaan"))
    assert acknowledged(smsc, 1)
    assert texts(gateway) == ["uudestaan"]


@pytest.mark.parametrize("command", [0x00, 0x0A, 0x22, 0x104, 0x10200, 0x7FFFFFFF])
def test_f07_an_unknown_command_is_nacked_by_its_sequence(gateway, smsc, command):
    smsc.say(pdu(command, 77, b"\0whatever"))

    nack = smsc.hear_next(NACK)
    assert (nack.status, nack.sequence) == (RINVCMDID, 77)
    assert smsc.lives()


@pytest.mark.parametrize("command", [0x03, SUBMIT, 0x07, 0x08, 0x21, 0x111])
def test_f08_a_command_that_is_not_for_us_is_refused_and_the_link_lives(gateway, smsc, command):
    smsc.say(pdu(command, 78, b"\0" * 20))

    refusal = smsc.hear()
    assert (refusal.command & RESP, refusal.sequence) == (RESP, 78)
    assert refusal.status
    assert smsc.lives()


@pytest.mark.parametrize(
    "command", [SUBMIT | RESP, 0x80000022, DATA | RESP, 0xFFFFFFFF, BIND_TRX | RESP, UNBIND | RESP]
)
def test_f09_an_answer_to_nothing_is_not_answered(gateway, smsc, command):
    smsc.say(pdu(command, 4242, c_string("x")))

    assert smsc.hears_nothing()
    assert smsc.lives()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", RINVPARLEN),
        (b"\0\1\1358405550101", RINVPARLEN),
        (message()[:-2], RINVMSGLEN),
        (message(source=(1, 1, "3" * 30)), RINVPARLEN),
        (message(service="toolong"), RINVPARLEN),
        (message(schedule="1" * 17), RINVPARLEN),
        (message(tlvs=b"\x14\x00"), RINVOPTPARSTREAM),
        (message(tlvs=b"\x14\x00\x00\x05ab"), RINVOPTPARSTREAM),
    ],
    ids=["no body", "no end", "short text", "long number", "long service", "long time", "half a TLV", "long TLV"],
)
def test_f11_a_body_that_cannot_be_read_is_refused_and_kept(gateway, smsc, body, status):
    smsc.say(deliver(1, b"ennen") + pdu(DELIVER, 2, body) + deliver(3, b"jalkeen"))

    answers = {(said := smsc.hear_next(DELIVER | RESP)).sequence: said.status for _ in range(3)}
    assert answers == {1: 0, 2: status, 3: 0}
    assert texts(gateway) == ["ennen", "jalkeen"]
    assert gateway.post.quarantined == [pdu(DELIVER, 2, body)]


def test_f13_a_request_with_a_status_is_a_request(gateway, smsc):
    smsc.say(pdu(DELIVER, 1, message(), status=8))

    assert acknowledged(smsc, 1)
    assert texts(gateway) == ["Moi"]


def test_f15_hundreds_in_one_write_are_all_acknowledged_in_order(gateway, smsc):
    smsc.say(b"".join(deliver(n, b"%d" % n) for n in range(1, 301)))

    assert [smsc.hear_next(DELIVER | RESP).sequence for _ in range(300)] == list(range(1, 301))
    assert texts(gateway) == [str(n) for n in range(1, 301)]


def test_f16_the_longest_payload_arrives(gateway, smsc):
    smsc.say(deliver(1, b"", tlvs=tlv(0x0424, b"a" * 65_000)))

    assert acknowledged(smsc, 1)
    assert len(gateway.post.inbox[0].octets) == 65_000


@pytest.mark.parametrize("body", [b"\0", b"junk" * 50])
def test_f17_an_enquire_link_with_a_body_is_answered(gateway, smsc, body):
    smsc.say(pdu(ENQUIRE, 5, body))

    said = smsc.hear()
    assert said == (ENQUIRE | RESP, 0, 5, b"")


# --- T: optional parameters ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters",
    [
        tlv(0x1400, b"vendor"),
        tlv(0x3FFF, b""),
        tlv(0x0006, b"\1"),
        tlv(0x020C, b"\0\0\0\1"),
        tlv(0x0427, b"\0\2"),
        tlv(0x0204, b"\0\1") + tlv(0x0204, b"\0\2"),
        tlv(0xFFFF, b"x" * 1000),
        tlv(0x0005, b"\1") + tlv(0x1500, b"y") + tlv(0x000D, b"\1"),
    ],
    ids=["vendor", "empty", "out of place", "wrong width", "wide state", "twice", "long", "several"],
)
def test_t01_parameters_that_mean_nothing_to_us_cost_nothing(gateway, smsc, parameters):
    smsc.say(deliver(1, b"teksti", tlvs=parameters))

    assert acknowledged(smsc, 1)
    assert texts(gateway) == ["teksti"]


@pytest.mark.parametrize("before", [b"", tlv(0x1400, b"v"), tlv(0x0204, b"\0\1")])
def test_t07_the_text_may_be_a_payload(gateway, smsc, before):
    smsc.say(deliver(1, b"", tlvs=before + tlv(0x0424, b"kuormana")))

    assert acknowledged(smsc, 1)
    assert texts(gateway) == ["kuormana"]


def test_t08_a_short_message_beats_a_payload_beside_it(gateway, smsc):
    smsc.say(deliver(1, b"lyhyt", tlvs=tlv(0x0424, b"kuorma")))

    assert acknowledged(smsc, 1)
    assert texts(gateway) == ["lyhyt"]


@pytest.mark.parametrize("parameters", [tlv(0x0210, b"\x34"), tlv(0x1401, b"x") + tlv(0x0210, b"\x33"), b"\x02\x10\0"])
def test_t10_parameters_of_a_bind_answer_do_not_keep_us_out(smsc, parameters):
    with Gateway(smsc.port):
        bind = smsc.accept()
        smsc.say(pdu(bind.command | RESP, bind.sequence, c_string("carrier") + parameters))

        assert smsc.lives()
        smsc.say(deliver(1))
        assert smsc.hear_submit().text == "Kiitos: Moi"
        smsc.close()


# --- S: the session -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "command"), [("transceiver", BIND_TRX), ("transmitter", BIND_TX), ("receiver", BIND_RX)]
)
def test_s01_the_bind_is_as_the_standard_has_it(smsc, mode, command):
    with Gateway(smsc.port, mode=mode, system_id="klinikka", password="salainen"):
        bind = smsc.bound()
        smsc.close()

    assert bind.command == command
    assert bind.sequence >= 1
    assert bind.body.startswith(c_string("klinikka") + c_string("salainen") + c_string(""))
    assert bind.body[len("klinikka") + len("salainen") + 3] == 0x34


@pytest.mark.parametrize("status", [0x05, 0x0D, 0x0E, 0x0F, 0x08, 0x64, 0x400])
@pytest.mark.parametrize("body", [b"", c_string("carrier")], ids=["header", "body"])
def test_s02_a_refused_bind_is_tried_again(smsc, status, body):
    with Gateway(smsc.port):
        bind = smsc.accept()
        smsc.say(pdu(bind.command | RESP, bind.sequence, body, status=status))
        assert smsc.hears_the_end()

        smsc.bound()
        assert smsc.lives()
        smsc.close()


def test_s02_a_nacked_bind_is_tried_again(smsc):
    with Gateway(smsc.port):
        bind = smsc.accept()
        smsc.say(pdu(NACK, bind.sequence, status=RINVCMDID))
        assert smsc.hears_the_end()

        smsc.bound()
        smsc.close()


@pytest.mark.parametrize(
    "before",
    [
        pdu(BIND_TRX | RESP, 999, c_string("carrier")),
        pdu(BIND_RX | RESP, 1, c_string("carrier")),
        pdu(ENQUIRE | RESP, 1),
        pdu(ALERT, 3, bytes([1, 1]) + c_string(PATIENT) + bytes([1, 1]) + c_string(CLINIC)),
        pdu(OUTBIND, 4, c_string("carrier") + c_string("word")),
        pdu(NACK, 0, status=3),
    ],
    ids=["other sequence", "other bind", "enquire_link_resp", "alert", "outbind", "nack to nothing"],
)
def test_s06_only_the_answer_to_our_bind_binds(smsc, before):
    with Gateway(smsc.port) as gateway:
        bind = smsc.accept()
        smsc.say(before)
        assert smsc.hears_nothing()
        assert gateway.post.sessions == {}
        smsc.say(pdu(bind.command | RESP, bind.sequence, c_string("carrier")))
        smsc.say(deliver(1))

        assert smsc.hear_submit().text == "Kiitos: Moi"
        smsc.close()


def test_s04_an_enquire_link_before_the_bind_is_answered(smsc):
    with Gateway(smsc.port):
        bind = smsc.accept()
        assert smsc.lives()
        smsc.say(pdu(bind.command | RESP, bind.sequence, c_string("carrier")))
        assert smsc.lives()
        smsc.close()


def test_s05_a_text_before_the_bind_is_refused(smsc):
    with Gateway(smsc.port) as gateway:
        bind = smsc.accept()
        smsc.say(deliver(1))
        assert smsc.hear_next(DELIVER | RESP).status == RINVBNDSTS
        smsc.say(pdu(bind.command | RESP, bind.sequence, c_string("carrier")))
        assert smsc.lives()
        assert texts(gateway) == []
        smsc.close()


@pytest.mark.parametrize("sequence", [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_s08_whatever_sequence_a_request_has_its_answer_has_too(gateway, smsc, sequence):
    smsc.say(pdu(ENQUIRE, sequence))
    assert smsc.hear_next(ENQUIRE | RESP).sequence == sequence
    smsc.say(deliver(sequence))

    assert smsc.hear_next(DELIVER | RESP).sequence == sequence


@pytest.mark.parametrize("text", [b"", deliver(8, b"viimeinen")], ids=["alone", "behind a text"])
def test_s10_an_unbind_is_answered_after_what_came_before_it_and_we_come_back(gateway, smsc, text):
    smsc.say(text + pdu(UNBIND, 9))

    if text:
        assert acknowledged(smsc, 8)
    assert smsc.hear_next(UNBIND | RESP)[:3] == (UNBIND | RESP, 0, 9)
    assert smsc.hears_the_end()
    smsc.bound()
    assert smsc.lives()


@pytest.mark.parametrize("answer", [None, "nack", "late"])
def test_s12_our_enquire_link_finds_out_who_is_there(smsc, answer):
    with Gateway(smsc.port, enquire_link_seconds=0.3, answer_seconds=0.5) as gateway:
        smsc.bound()
        ask = smsc.hear_ask(ENQUIRE)
        if answer is None:
            assert smsc.hears_the_end()
            smsc.bound()
        elif answer == "nack":
            smsc.say(pdu(NACK, ask.sequence, status=RINVCMDID))
        else:
            smsc.say(pdu(ENQUIRE | RESP, ask.sequence + 1000))
            assert smsc.hears_the_end()
            smsc.bound()
        assert smsc.lives()
        smsc.close()
        assert gateway.links[0].counts["binds_refused"] == 0


def test_s13_a_session_that_fell_silent_ended_when_it_was_last_heard(smsc):
    """What was acknowledged since may not have been read, however long it takes to find out."""
    with Gateway(smsc.port, enquire_link_seconds=1.0, answer_seconds=0.5) as gateway:
        closed = []
        gateway.post.session_closed = lambda session, at: closed.append(at)
        smsc.bound()
        smsc.say(deliver(1))
        assert smsc.hears_the_end()  # no enquire_link of the gateway's is answered
        wait_until(lambda: closed)
        smsc.close()

    assert closed[0] - gateway.post.inbox[0].received_at < timedelta(seconds=1)


@pytest.mark.parametrize("rudely", [False, True])
def test_s14_a_link_that_is_cut_is_built_anew(gateway, smsc, rudely):
    smsc.hang_up(rudely=rudely)

    smsc.bound()
    assert smsc.lives()


@pytest.mark.parametrize(
    "notice",
    [
        pdu(ALERT, 3, bytes([1, 1]) + c_string(PATIENT) + bytes([1, 1]) + c_string(CLINIC)),
        pdu(ALERT, 3),
        pdu(OUTBIND, 4, c_string("carrier") + c_string("word")),
        pdu(NACK, 0, status=RINVCMDLEN),
        pdu(NACK, 5555, status=RINVCMDID),
        pdu(BIND_TRX | RESP, 1, c_string("carrier")),
    ],
    ids=["alert", "alert without a body", "outbind", "nack of nothing", "nack of an unknown", "a second bind answer"],
)
def test_s16_what_asks_nothing_is_tolerated(gateway, smsc, notice):
    smsc.say(notice)

    assert smsc.hears_nothing()
    assert smsc.lives()


def test_s17_a_bind_from_the_carrier_is_refused_and_the_link_lives(gateway, smsc):
    smsc.say(pdu(BIND_TRX, 6, c_string("carrier") + c_string("word") + b"\0\x34\0\0\0"))

    assert smsc.hear().status
    assert smsc.lives()


@pytest.mark.parametrize("answers", [True, False])
def test_s19_at_the_end_we_take_leave(smsc, answers):
    with Gateway(smsc.port, answer_seconds=0.5) as gateway:
        smsc.bound()
        gateway.links[0].loop.call_soon_threadsafe(lambda: gateway.links[0].loop.create_task(gateway.links[0].stop()))
        unbind = smsc.hear_next(UNBIND)
        smsc.say(deliver(3, b"viela"))
        assert acknowledged(smsc, 3)
        if answers:
            smsc.say(pdu(UNBIND | RESP, unbind.sequence))
        assert smsc.hears_the_end()


def test_s22_a_receiver_submits_nothing(smsc):
    with Gateway(smsc.port, mode="receiver") as gateway:
        smsc.bound()
        smsc.say(deliver(1))
        assert acknowledged(smsc, 1)
        assert smsc.hears_nothing(0.5)
        assert gateway.post.states() == ["due"]
        smsc.close()


def test_s23_a_text_to_a_transmitter_is_refused(smsc):
    with Gateway(smsc.port, mode="transmitter"):
        smsc.bound()
        smsc.say(deliver(1))
        assert smsc.hear_next(DELIVER | RESP, NACK).status == RINVBNDSTS
        assert smsc.lives()
        smsc.close()


# --- M: texts from patients ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("coding", "octets", "words"),
    [
        (0x00, b"Hei", "Hei"),
        (0x00, bytes([0x7B, 0x7C, 0x0F, 0x5B, 0x5C, 0x0E]), "äöåÄÖÅ"),
        (0x00, bytes([0x1B, 0x65, 0x20, 0x00]), "€ @"),
        (0x00, b"", ""),
        (0x01, b"ASCII", "ASCII"),
        (0x03, "päivää".encode("latin-1"), "päivää"),
        (0x08, "šakki 👍".encode("utf-16-be"), "šakki 👍"),
        (0x18, "luokka 0".encode("utf-16-be"), "luokka 0"),
        (0x10, b"luokka", "luokka"),
        (0xF0, b"luokka", "luokka"),
        (0xF1, b"luokka", "luokka"),
    ],
)
def test_m01_every_alphabet_is_read(gateway, smsc, coding, octets, words):
    smsc.say(deliver(1, octets, coding=coding))

    assert acknowledged(smsc, 1)
    assert texts(gateway) == [words]


@pytest.mark.parametrize(
    ("coding", "octets"),
    [(0x08, b"\0A\0"), (0x08, b"\xd8\x3d"), (0x00, b"abc\x1b"), (0x04, bytes(range(256))[:200]), (0x77, b"\xff\x80")],
    ids=["odd", "half a pair", "escape at the end", "binary", "reserved"],
)
def test_m05_octets_that_no_alphabet_has_are_kept_and_acknowledged(gateway, smsc, coding, octets):
    smsc.say(deliver(1, octets, coding=coding))

    assert acknowledged(smsc, 1)
    assert gateway.post.inbox[0].octets == octets
    assert isinstance(texts(gateway)[0], str)


UDH8 = b"\5\0\3\x42"
UDH16 = b"\6\x08\4\x12\x34"


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
@pytest.mark.parametrize(
    "header", [UDH8, UDH16, b"\x0b\5\4\x15\x8a\0\0\0\3\x42"], ids=["8 bits", "16 bits", "and ports"]
)
def test_m10_parts_say_where_they_belong(gateway, smsc, header, order):
    for n in order:
        smsc.say(deliver(n, header + bytes([3, n]) + b"osa %d" % n, esm=0x40))

    assert acknowledged(smsc, *order)
    found = [(one.part.total, one.part.number, bytes(one.octets)) for one in gateway.post.inbox]
    assert found == [(3, n, b"osa %d" % n) for n in order]
    assert len({(one.part.kind, one.part.reference) for one in gateway.post.inbox}) == 1


def test_m11_parts_by_sar_parameters(gateway, smsc):
    for n in (2, 1):
        sar = tlv(0x020C, b"\0\7") + tlv(0x020E, b"\2") + tlv(0x020F, bytes([n]))
        smsc.say(deliver(n, b"osa %d" % n, tlvs=sar))

    assert acknowledged(smsc, 1, 2)
    assert [one.part for one in gateway.post.inbox] == [("sar", 7, 2, 2), ("sar", 7, 2, 1)]


@pytest.mark.parametrize(
    "octets",
    [b"\x8cabc", b"", b"\5\0\3\1\2", b"\5\0\3\1\2\0abc", b"\5\0\3\1\2\3abc", b"\5\0\3\1\0\0abc", b"\3\0\3\1abc"],
    ids=["header past the end", "no header", "cut header", "part 0", "part 3 of 2", "of none", "broken element"],
)
def test_m12_a_header_that_makes_no_sense_costs_no_text(gateway, smsc, octets):
    smsc.say(deliver(1, octets, esm=0x40))

    assert acknowledged(smsc, 1)
    assert [one.part for one in gateway.post.inbox] == [None]


@pytest.mark.parametrize(
    ("source", "number"),
    [
        ((1, 1, PATIENT), NUMBER),
        ((1, 1, "+" + PATIENT), NUMBER),
        ((2, 1, "0405550101"), NUMBER),
        ((0, 0, PATIENT), NUMBER),
        ((0, 0, "0405550101"), NUMBER),
        ((0, 0, "00" + PATIENT), NUMBER),
        ((3, 0, "16400"), "16400"),
        ((5, 0, "Posti"), "Posti"),
        ((0, 0, ""), ""),
    ],
)
def test_m20_a_sender_is_known_however_it_is_written(gateway, smsc, source, number):
    smsc.say(deliver(1, source=source))

    assert acknowledged(smsc, 1)
    assert gateway.post.inbox[0].source == number


def test_m21_the_same_text_twice_is_two_texts(gateway, smsc):
    smsc.say(deliver(1, b"1") + deliver(2, b"1"))

    assert acknowledged(smsc, 1, 2)
    assert texts(gateway) == ["1", "1"]


def test_m22_two_texts_under_one_sequence_are_both_answered(gateway, smsc):
    smsc.say(deliver(5, b"a") + deliver(5, b"b"))

    assert acknowledged(smsc, 5, 5)
    assert texts(gateway) == ["a", "b"]


@pytest.mark.parametrize("esm", [0x00, 0x01, 0x02, 0x03, 0x80])
def test_m23_modes_and_reply_paths_change_nothing(gateway, smsc, esm):
    smsc.say(deliver(1, esm=esm, priority=3, protocol=0x41, registered=1, service="CMT", schedule="261122100000000+"))

    assert acknowledged(smsc, 1)
    assert texts(gateway) == ["Moi"]


def test_m25_a_data_sm_is_a_text_and_answered_by_its_own_response(gateway, smsc):
    smsc.say(data_sm(4, tlv(0x0424, "päivää".encode("utf-16-be")), coding=8))

    said = smsc.hear_next(DATA | RESP)
    assert (said.status, said.sequence) == (0, 4)
    assert texts(gateway) == ["päivää"]


def test_m30_a_text_that_is_not_stored_is_not_acknowledged(gateway, smsc):
    gateway.post.failing = True
    smsc.say(deliver(1))

    assert smsc.hear_next(DELIVER | RESP).status == RX_T_APPN
    gateway.post.failing = False
    smsc.say(deliver(2))
    wait_until(lambda: texts(gateway) == ["Moi"])
    assert acknowledged(smsc, 2)


def test_m31_an_acknowledgement_has_a_message_id_of_no_length(gateway, smsc):
    smsc.say(deliver(1))

    assert smsc.hear_next(DELIVER | RESP) == (DELIVER | RESP, 0, 1, b"\0")


# --- O: texts to patients -----------------------------------------------------------------------------------------


def write(gateway, body="Hei", **fields):
    """Put a text into the outbox and ring."""
    row = gateway.post.write(fields.pop("number", NUMBER), body, lane=Lane.ANSWER, **fields)
    gateway.turns.ring()
    return row


def test_o01_a_submit_is_as_the_standard_has_it(gateway, smsc):
    write(gateway)
    submit = smsc.take_submit()

    assert (submit.source, submit.destination) == ((1, 1, CLINIC), (1, 1, PATIENT))
    assert (submit.esm_class, submit.registered & 1, submit.coding, submit.message) == (0, 1, 0, b"Hei")
    assert submit.tlvs == b""
    wait_until(lambda: gateway.post.states() == ["accepted"])


@pytest.mark.parametrize(
    ("body", "coding", "octets"),
    [
        ("äöåÄÖÅ", 0, bytes([0x7B, 0x7C, 0x0F, 0x5B, 0x5C, 0x0E])),
        ("5 € [a]", 0, b"5 \x1b\x65 \x1b<a\x1b>"),
        ("a@b_c$", 0, b"a\0b\x11c\2"),
        ("šakki", 8, "šakki".encode("utf-16-be")),
        ("👍", 8, "👍".encode("utf-16-be")),
        ("x" * 160, 0, b"x" * 160),
        ("š" * 70, 8, ("š" * 70).encode("utf-16-be")),
    ],
    ids=["nordic", "two octets", "where ASCII differs", "UCS-2", "emoji", "160", "70"],
)
def test_o02_one_part_holds_what_one_part_can(gateway, smsc, body, coding, octets):
    write(gateway, body)
    submit = smsc.take_submit()

    assert (submit.coding, submit.message, submit.esm_class) == (coding, octets, 0)
    assert smsc.hears_nothing()


@pytest.mark.parametrize(
    ("body", "sizes"),
    [
        ("x" * 161, [153, 8]),
        ("x" * 152 + "€" + "y" * 20, [152, 22]),
        ("š" * 71, [134, 8]),
        ("š" * 66 + "👍" + "š" * 20, [132, 44]),
    ],
    ids=["161", "no escape is split", "71", "no pair is split"],
)
def test_o03_a_long_text_goes_in_numbered_parts(gateway, smsc, body, sizes):
    write(gateway, body)
    parts = [smsc.take_submit(str(n)) for n in range(2)]

    assert [part.esm_class for part in parts] == [0x40, 0x40]
    assert [part.message[:3] for part in parts] == [b"\5\0\3"] * 2
    assert [(part.message[4], part.message[5]) for part in parts] == [(2, 1), (2, 2)]
    assert parts[0].message[3] == parts[1].message[3]
    assert [len(part.message) - 6 for part in parts] == sizes
    wait_until(lambda: gateway.post.states() == ["accepted"])


def test_o06_a_submit_without_an_answer_goes_again_and_is_known_to_be_unsure(gateway, smsc):
    write(gateway)
    first = smsc.hear_submit()
    second = smsc.take_submit()

    assert first.message == second.message
    assert first.sequence != second.sequence
    wait_until(lambda: gateway.post.states() == ["accepted"])
    assert [one.verdict for one in gateway.post.settlements] == [Verdict.UNKNOWN, Verdict.ACCEPTED]


def test_o07_answers_may_come_in_any_order(gateway, smsc):
    for n in range(1, 6):
        write(gateway, f"Hei {n}", number=f"+35840555010{n}")
    submits = [smsc.hear_submit() for _ in range(5)]
    for submit in reversed(submits):
        smsc.say(pdu(SUBMIT | RESP, submit.sequence, c_string(f"id{submit.text[-1]}")))

    wait_until(lambda: gateway.post.states() == ["accepted"] * 5)
    assert {one.outbox_id: one.message_id for one in gateway.post.settlements} == {n: f"id{n}" for n in range(1, 6)}


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *((status, Verdict.THROTTLED) for status in (0x58, 0x14)),
        *((status, Verdict.LATER) for status in (0x08, 0x64, 0xFE, 0xFF, 0x45, 0x2222)),
        *((status, Verdict.REFUSED) for status in (0x01, 0x06, 0x0A, 0x0B, 0x0C, 0x15, 0x33, 0x40, 0x48, 0x61, 0x66)),
        *((status, Verdict.REFUSED) for status in (0xC0, 0xC4, 0x400, 0x4FF)),
    ],
    ids=lambda value: hex(value) if isinstance(value, int) else str(value),
)
@pytest.mark.parametrize("body", [b"", c_string("x")], ids=["header", "body"])
def test_o09_a_status_decides_and_the_link_lives(gateway, smsc, status, verdict, body):
    write(gateway)
    submit = smsc.hear_submit()
    smsc.say(pdu(SUBMIT | RESP, submit.sequence, body, status=status))

    wait_until(lambda: gateway.post.settlements)
    assert (gateway.post.settlements[0].verdict, gateway.post.settlements[0].status) == (verdict, status)
    if verdict is not Verdict.REFUSED:
        assert smsc.take_submit().message == submit.message
    assert smsc.lives()


def test_o10_a_recipient_whose_queue_stays_full_waits_alone(gateway, smsc):
    write(gateway)
    for _ in range(3):
        smsc.say(pdu(SUBMIT | RESP, smsc.hear_submit().sequence, status=0x14))

    wait_until(lambda: len(gateway.post.settlements) == 3, timeout=30)
    assert [one.verdict for one in gateway.post.settlements] == [Verdict.THROTTLED, Verdict.THROTTLED, Verdict.LATER]


def test_o17_a_carrier_that_does_not_know_our_bind_is_bound_anew(gateway, smsc):
    write(gateway)
    submit = smsc.hear_submit()
    smsc.say(pdu(SUBMIT | RESP, submit.sequence, status=RINVBNDSTS))

    assert smsc.hears_the_end()
    smsc.bound()
    assert smsc.take_submit().message == submit.message


@pytest.mark.parametrize("status", [0, RINVCMDID, 0x08])
def test_o18_a_nack_of_a_submit_frees_its_place_and_it_goes_again(gateway, smsc, status):
    write(gateway)
    smsc.say(pdu(NACK, smsc.hear_submit().sequence, status=status))

    assert smsc.take_submit().text == "Hei"
    wait_until(lambda: gateway.post.states() == ["accepted"])


@pytest.mark.parametrize(
    ("body", "message_id"),
    [
        (c_string("abc123"), "abc123"),
        (b"", ""),
        (b"abc123", "abc123"),
        (c_string("f" * 80), "f" * 64),
        (c_string("abc") + tlv(0x0427, b"\2"), "abc"),
        (c_string("abc") + b"\x04", "abc"),
    ],
    ids=["an id", "no id", "no end", "too long", "a parameter", "junk"],
)
def test_o19_an_acceptance_counts_however_its_body_is(gateway, smsc, body, message_id):
    write(gateway)
    smsc.say(pdu(SUBMIT | RESP, smsc.hear_submit().sequence, body))

    wait_until(lambda: gateway.post.states() == ["accepted"])
    assert gateway.post.settlements[0].message_id.startswith(message_id)
    assert smsc.lives()


def test_o20_an_answer_that_comes_twice_counts_once(gateway, smsc):
    write(gateway)
    answer = pdu(SUBMIT | RESP, smsc.hear_submit().sequence, c_string("1"))
    smsc.say(answer + answer)

    wait_until(lambda: gateway.post.states() == ["accepted"])
    assert smsc.lives()
    assert len(gateway.post.settlements) == 1


def test_o21_the_window_is_kept_and_filled(smsc):
    with Gateway(smsc.port, window=4, response_timeout_seconds=30) as gateway:
        smsc.bound()
        for n in range(10, 22):
            write(gateway, number=f"+3584055501{n}")
        submits = [smsc.hear_submit() for _ in range(4)]
        assert smsc.hears_nothing()
        for submit in submits[:2]:
            smsc.say(pdu(SUBMIT | RESP, submit.sequence, c_string("1")))
        assert [smsc.hear_submit().text for _ in range(2)] == ["Hei", "Hei"]
        assert smsc.hears_nothing()
        smsc.close()


def test_o22_what_was_under_way_when_the_link_broke_goes_again(gateway, smsc):
    write(gateway)
    first = smsc.hear_submit()
    smsc.hang_up(rudely=True)

    smsc.bound()
    assert smsc.take_submit().message == first.message
    wait_until(lambda: gateway.post.states() == ["accepted"])
    assert [one.verdict for one in gateway.post.settlements] == [Verdict.UNKNOWN, Verdict.ACCEPTED]


def test_o23_answers_and_texts_and_enquire_links_may_be_mixed_in_one_write(gateway, smsc):
    write(gateway)
    submit = smsc.hear_submit()
    smsc.say(pdu(ENQUIRE, 1) + deliver(2, b"a") + pdu(SUBMIT | RESP, submit.sequence, c_string("1")) + deliver(3, b"b"))

    assert {smsc.hear_next(ENQUIRE | RESP, DELIVER | RESP).sequence for _ in range(3)} == {1, 2, 3}
    wait_until(lambda: gateway.post.states() == ["accepted"])


@pytest.mark.parametrize(
    ("number", "address"), [("+" + PATIENT, (1, 1, PATIENT)), ("16400", (3, 0, "16400"))], ids=["E.164", "short code"]
)
def test_o24_addresses_go_out_with_their_types(gateway, smsc, number, address):
    write(gateway, number=number)

    assert smsc.take_submit().destination == address


# --- D: delivery receipts -----------------------------------------------------------------------------------------


def received(gateway, smsc, octets, command=DELIVER):
    """Say a receipt; the one that the post gets."""
    smsc.say(octets)
    assert smsc.hear_next(command | RESP).status == 0
    wait_until(lambda: gateway.post.receipts)
    assert texts(gateway) == []
    [receipt] = gateway.post.receipts
    return receipt


@pytest.mark.parametrize(
    ("stat", "number", "state"),
    [
        ("DELIVRD", 2, ReceiptState.DELIVERED),
        ("EXPIRED", 3, ReceiptState.EXPIRED),
        ("DELETED", 4, ReceiptState.DELETED),
        ("UNDELIV", 5, ReceiptState.UNDELIVERABLE),
        ("ACCEPTD", 6, ReceiptState.ACCEPTED),
        ("UNKNOWN", 7, ReceiptState.UNKNOWN),
        ("REJECTD", 8, ReceiptState.REJECTED),
        ("ENROUTE", 1, ReceiptState.ENROUTE),
    ],
)
@pytest.mark.parametrize("form", ["text", "parameters", "both"])
def test_d01_a_receipt_says_what_became_of_a_text(gateway, smsc, form, stat, number, state):
    words = b"" if form == "parameters" else RECEIPT.format(id="abc123", stat=stat, err="000").encode()
    given = b"" if form == "text" else tlv(0x001E, c_string("abc123")) + tlv(0x0427, bytes([number]))
    receipt = received(gateway, smsc, deliver(1, words, esm=0x04, tlvs=given))

    assert (receipt.message_id, receipt.state, receipt.error) == ("abc123", state, "")


def test_d02_an_id_without_its_end_is_whole(gateway, smsc):
    receipt = received(gateway, smsc, deliver(1, b"", esm=0x04, tlvs=tlv(0x001E, b"abc123") + tlv(0x0427, b"\2")))

    assert receipt.message_id == "abc123"


@pytest.mark.parametrize(
    "words",
    [
        "ID:77 STAT:DELIVRD",
        "stat:DELIVRD id:77",
        "id: 77 sub:001 dlvrd:001 stat: DELIVRD err: 0",
        "id:77 stat:DELIVERED err:0000 text:",
        "id:77;stat:DELIVRD;err:0",
        "id:77 stat:DELIVRD text:id:88 stat:UNDELIV",
    ],
)
def test_d05_receipts_are_read_however_they_are_written(gateway, smsc, words):
    receipt = received(gateway, smsc, deliver(1, words.encode(), esm=0x04))

    assert (receipt.message_id, receipt.state) == ("77", ReceiptState.DELIVERED)


@pytest.mark.parametrize(
    "octets",
    [
        deliver(1, b"", esm=0x04, tlvs=tlv(0x0424, RECEIPT.format(id="9", stat="DELIVRD", err="000").encode())),
        deliver(1, RECEIPT.format(id="9", stat="DELIVRD", err="0").encode("utf-16-be")[:254], esm=0x04, coding=8),
        deliver(1, RECEIPT.format(id="9", stat="DELIVRD", err="0").encode(), esm=0x44 & ~0x40, coding=3),
        deliver(1, b"id:9 stat:DELIVRD", esm=0x84),
    ],
    ids=["payload", "UCS-2", "Latin-1", "reply path"],
)
def test_d08_a_receipt_may_be_dressed_otherwise(gateway, smsc, octets):
    receipt = received(gateway, smsc, octets)

    assert (receipt.message_id, receipt.state) == ("9", ReceiptState.DELIVERED)


def test_d09_a_receipt_may_come_by_data_sm(gateway, smsc):
    octets = data_sm(1, tlv(0x001E, c_string("9")) + tlv(0x0427, b"\5") + tlv(0x0423, b"\3\0\x0b"), esm=0x04)
    receipt = received(gateway, smsc, octets, command=DATA)

    assert (receipt.message_id, receipt.state, receipt.error) == ("9", ReceiptState.UNDELIVERABLE, "11")


def test_d10_an_intermediate_notification_is_never_final(gateway, smsc):
    receipt = received(gateway, smsc, deliver(1, b"id:9 stat:UNDELIV err:001", esm=0x20))

    assert not receipt.state.final


@pytest.mark.parametrize("words", [b"", b"nonsense", b"id: stat:", b"\xff\xfe\x00"])
def test_d11_a_receipt_that_says_nothing_is_acknowledged_and_is_no_text(gateway, smsc, words):
    receipt = received(gateway, smsc, deliver(1, words, esm=0x04))

    assert not receipt.state.final


def test_d12_a_patient_may_write_like_a_receipt(gateway, smsc):
    smsc.say(deliver(1, b"id:9 stat:DELIVRD"))

    assert acknowledged(smsc, 1)
    assert texts(gateway) == ["id:9 stat:DELIVRD"]
    assert gateway.post.receipts == []


def test_d13_a_receipt_may_overtake_the_answer_to_its_submit(gateway, smsc):
    write(gateway)
    submit = smsc.hear_submit()
    receipt = received(gateway, smsc, deliver(1, b"id:e1 stat:DELIVRD", esm=0x04))
    smsc.say(pdu(SUBMIT | RESP, submit.sequence, c_string("e1")))

    wait_until(lambda: gateway.post.states() == ["accepted"])
    assert receipt.message_id == "e1"


def test_d14_a_receipt_that_cannot_be_recorded_stays_with_the_carrier(gateway, smsc):
    gateway.post.failing = True
    smsc.say(deliver(1, b"id:9 stat:DELIVRD", esm=0x04))

    assert smsc.hear_next(DELIVER | RESP).status == RX_T_APPN
