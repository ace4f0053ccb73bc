"""Delivery receipts as carriers write them, and the ids that they mean."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp.pdu import Pdu, Tag
from gateway.smpp.receipt import Kind, Match, candidates, key_of, kind_of, read_receipt, same_id
from gateway.text import Receipt, ReceiptState

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
USUAL = b"id:1a2b sub:001 dlvrd:001 submit date:2611220900 done date:2611220901 stat:DELIVRD err:000 text:Hei! Aikasi"


def a_notice(text=USUAL, *, esm_class=0x04, tlvs=None, **fields):
    known = {"source_addr": "358405550101", "esm_class": esm_class, "short_message": text}
    return Pdu("deliver_sm", 1, 0, known | fields, tlvs or {})


def read(pdu):
    return read_receipt(pdu, "main", NOW)


def test_a_receipt_says_which_part_reached_whom():
    assert read(a_notice()) == Receipt("main", "1a2b", ReceiptState.DELIVERED, "", "358405550101", NOW)


# What is a receipt


@pytest.mark.parametrize(
    ("esm_class", "kind"),
    [
        (0x00, Kind.TEXT),
        (0x01, Kind.TEXT),
        (0x40, Kind.TEXT),
        (0x04, Kind.RECEIPT),
        (0x44, Kind.RECEIPT),
        (0x07, Kind.RECEIPT),
        (0x08, Kind.DELIVERY_ACK),
        (0x10, Kind.TEXT),
        (0x18, Kind.TEXT),
        (0x20, Kind.INTERMEDIATE),
        (0x24, Kind.INTERMEDIATE),
    ],
)
def test_esm_class_alone_says_what_a_message_is(esm_class, kind):
    assert kind_of(a_notice(b"peru aika", esm_class=esm_class)) is kind


def test_a_patient_may_write_like_a_receipt():
    assert read(a_notice(USUAL, esm_class=0)) is None


def test_what_a_person_wrote_to_acknowledge_is_a_text():
    assert read(a_notice(b"1", esm_class=0x10)) is None


def test_a_receipt_that_says_nothing_is_still_no_text():
    receipt = read(a_notice(b"", source_addr=""))

    assert (receipt.message_id, receipt.state, receipt.error, receipt.number) == ("", ReceiptState.UNKNOWN, "", "")


# State


@pytest.mark.parametrize(
    ("stat", "state"),
    [
        ("DELIVRD", ReceiptState.DELIVERED),
        ("delivered", ReceiptState.DELIVERED),
        ("EXPIRED", ReceiptState.EXPIRED),
        ("DELETED", ReceiptState.DELETED),
        ("UNDELIV", ReceiptState.UNDELIVERABLE),
        ("Undeliverable", ReceiptState.UNDELIVERABLE),
        ("FAILED", ReceiptState.UNDELIVERABLE),
        ("ACCEPTD", ReceiptState.ACCEPTED),
        ("REJECTD", ReceiptState.REJECTED),
        ("ENROUTE", ReceiptState.ENROUTE),
        ("BUFFRED", ReceiptState.ENROUTE),
        ("UNKNOWN", ReceiptState.UNKNOWN),
        ("PURPLE", ReceiptState.UNKNOWN),
    ],
)
def test_the_text_says_the_state_in_many_ways(stat, state):
    assert read(a_notice(f"id:1a2b stat:{stat} err:000".encode())).state is state


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (1, ReceiptState.ENROUTE),
        (2, ReceiptState.DELIVERED),
        (3, ReceiptState.EXPIRED),
        (4, ReceiptState.DELETED),
        (5, ReceiptState.UNDELIVERABLE),
        (6, ReceiptState.ACCEPTED),
        (7, ReceiptState.UNKNOWN),
        (8, ReceiptState.REJECTED),
    ],
)
@pytest.mark.parametrize("octets", [1, 2])
def test_the_parameter_says_the_state_by_number(number, state, octets):
    tlvs = {Tag.MESSAGE_STATE: number.to_bytes(octets, "big")}

    assert read(a_notice(b"id:1a2b", tlvs=tlvs)).state is state


@pytest.mark.parametrize("value", [b"", b"\x63"])
def test_a_parameter_that_says_no_state_leaves_it_to_the_text(value):
    assert read(a_notice(tlvs={Tag.MESSAGE_STATE: value})).state is ReceiptState.DELIVERED


@pytest.mark.parametrize("stat", ["DELIVRD", "EXPIRED", "UNDELIV", "REJECTD", "ENROUTE"])
def test_an_intermediate_notification_is_never_final(stat):
    assert not read(a_notice(f"id:1a2b stat:{stat}".encode(), esm_class=0x20)).state.final


@pytest.mark.parametrize(("stat", "state"), [("ACCEPTD", ReceiptState.ACCEPTED), ("UNKNOWN", ReceiptState.UNKNOWN)])
def test_an_intermediate_notification_says_what_is_not_final_as_it_is(stat, state):
    assert read(a_notice(f"id:1a2b stat:{stat}".encode(), esm_class=0x20)).state is state


def test_a_handsets_acknowledgement_says_that_the_text_is_there():
    assert read(a_notice(b"id:1a2b", esm_class=0x08)).state is ReceiptState.DELIVERED
    assert read(a_notice(b"id:1a2b stat:REJECTD", esm_class=0x08)).state is ReceiptState.REJECTED


# Parameters and text


def test_parameters_beat_the_text_field_by_field():
    tlvs = {
        Tag.RECEIPTED_MESSAGE_ID: b"6699\0",
        Tag.MESSAGE_STATE: b"\5",
        Tag.NETWORK_ERROR_CODE: b"\3\0\x1b",
    }

    receipt = read(a_notice(tlvs=tlvs))

    assert (receipt.message_id, receipt.state, receipt.error) == ("6699", ReceiptState.UNDELIVERABLE, "27")


def test_what_the_parameters_leave_out_the_text_says():
    receipt = read(a_notice(b"id:9 stat:UNDELIV err:034", tlvs={Tag.RECEIPTED_MESSAGE_ID: b"6699"}))

    assert (receipt.message_id, receipt.state, receipt.error) == ("6699", ReceiptState.UNDELIVERABLE, "034")


@pytest.mark.parametrize(
    ("value", "message_id"), [(b"abc123", "abc123"), (b"abc123\0", "abc123"), (b"abc\0\0 x", "abc")]
)
def test_an_id_without_its_nul_keeps_its_last_character(value, message_id):
    assert read(a_notice(tlvs={Tag.RECEIPTED_MESSAGE_ID: value})).message_id == message_id


@pytest.mark.parametrize(
    ("tlv", "written", "error"),
    [
        (b"\3\0\0", b"err:000", ""),
        (b"\3\1\0", b"err:000", "256"),
        (b"\3\1", b"err:00B", "00B"),
        (None, b"err:000", ""),
        (None, b"err:0", ""),
        (None, b"err:", ""),
        (None, b"", ""),
    ],
)
def test_an_error_of_zero_is_none(tlv, written, error):
    tlvs = {} if tlv is None else {Tag.NETWORK_ERROR_CODE: tlv}

    assert read(a_notice(b"id:1a2b stat:UNDELIV " + written, tlvs=tlvs)).error == error


@pytest.mark.parametrize(
    "text",
    [
        b"stat:UNDELIV err:034 id:1a2b",
        b"ID:1a2b SUB:001 DLVRD:000 STAT:UNDELIV ERR:034 TEXT:",
        b"id: 1a2b  stat : undeliv   err :034",
        b'id:"1a2b" stat:\'UNDELIV\' err:"034"',
        b"id:1a2b,stat:UNDELIV;err:034",
        b"id=1a2b stat=UNDELIV err=034",
        b"id:1a2b\nstat:UNDELIV\r\nerr:034\0",
        b'text:"Hei id:9 stat:DELIVRD" id:1a2b stat:UNDELIV err:034',
        b"id:1a2b stat:UNDELIV err:034 text:id:9 stat:DELIVRD err:999",
        b"id:1a2b sub:001 dlvrd:000 submit date: done date: stat:UNDELIV err:034 text: ",
        "id:1a2b stat:UNDELIV err:034".encode("utf-16-be"),
        b"message id:1a2b stat:UNDELIV err:034 \xe4\xe4",
    ],
)
def test_the_text_is_read_however_it_is_written(text):
    receipt = read(a_notice(text))

    assert (receipt.message_id, receipt.state, receipt.error) == ("1a2b", ReceiptState.UNDELIVERABLE, "034")


def test_an_empty_value_does_not_take_the_next_key():
    receipt = read(a_notice(b"id: sub:001 stat: err: text:x"))

    assert (receipt.message_id, receipt.state, receipt.error) == ("", ReceiptState.UNKNOWN, "")


def test_an_id_may_begin_like_a_key():
    assert read(a_notice(b"id:sub7 stat:DELIVRD")).message_id == "sub7"


@pytest.mark.parametrize("word", [b"paid:5 ", b"valid:5 "])
def test_a_key_is_a_whole_word(word):
    assert read(a_notice(word + b"stat:DELIVRD")).message_id == ""


def test_a_receipt_may_stand_in_the_message_payload_or_behind_a_header():
    assert read(a_notice(b"", tlvs={Tag.MESSAGE_PAYLOAD: USUAL})).message_id == "1a2b"
    assert read(a_notice(b"\x06\x05\x04\x0b\x84\0\0" + USUAL, esm_class=0x44)).message_id == "1a2b"


def test_a_data_sm_may_be_a_receipt_of_parameters_alone():
    tlvs = {Tag.RECEIPTED_MESSAGE_ID: b"1a2b\0", Tag.MESSAGE_STATE: b"\2"}

    receipt = read(Pdu("data_sm", 1, 0, {"esm_class": 4, "source_addr": "358405550101"}, tlvs))

    assert (receipt.message_id, receipt.state) == ("1a2b", ReceiptState.DELIVERED)


@given(
    st.binary(max_size=200),
    st.sampled_from([0x04, 0x08, 0x20, 0x44]),
    st.dictionaries(st.sampled_from(list(Tag)), st.binary(max_size=9)),
)
def test_octets_from_anywhere_are_some_receipt(text, esm_class, tlvs):
    assert read(a_notice(text, esm_class=esm_class, tlvs=tlvs)).account == "main"


# Ids


@pytest.mark.parametrize(
    ("submitted", "in_receipt", "match"),
    [
        ("1a2b", "1a2b", Match.EXACT),
        ("1A2B", "1a2b", Match.FOLDED),
        ("00001a2b", "1A2B", Match.FOLDED),
        ("0x1a2b", "1A2B", Match.FOLDED),
        ("0", "0000", Match.FOLDED),
        ("1a2b", "6699", Match.RADIX),
        ("0000001A2B", "0000006699", Match.RADIX),
        ("6699", "1a2b", Match.RADIX),
        ("9f9baf32-7d4e-4b2c", "9F9BAF32-7D4E-4B2C", Match.FOLDED),
        ("1a2b", "1a2c", Match.NONE),
        ("6699", "6700", Match.NONE),
        ("", "", Match.NONE),
        ("0", "", Match.NONE),
        ("1a2b", "zz", Match.NONE),
    ],
)
def test_ids_are_one_exactly_or_but_for_writing_or_across_bases(submitted, in_receipt, match):
    assert same_id(submitted, in_receipt) is match


def test_no_match_is_false_and_the_surest_is_the_smallest():
    assert not Match.NONE
    assert Match.EXACT < Match.FOLDED < Match.RADIX


@given(st.integers(1, 2**64))
def test_every_number_is_found_by_its_key_in_either_base(number):
    assert key_of(f"{number:X}") in candidates(str(number))
    assert key_of(str(number)) in candidates(f"{number:012x}")


@given(st.text(max_size=80))
def test_any_id_finds_itself(message_id):
    keys = candidates(message_id)

    assert keys[:1] == [key_of(message_id)] if key_of(message_id) else keys == []
    assert len(keys) == len(set(keys)) <= 3


def test_a_very_long_id_is_no_number_and_its_key_fits_an_index():
    assert candidates("7" * 60_000) == ["7" * 128]
    assert same_id("7" * 100, "0" + "7" * 100) is Match.FOLDED
