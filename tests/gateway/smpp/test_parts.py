"""Long texts in parts: cut as phones join them, placed as phones and carriers number them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import LocalProtocolError
from gateway.smpp.parts import UDHI, Mode, join, read_part, split
from gateway.smpp.pdu import Pdu, Tag, decode, encode
from gateway.text import PartRef
from lang.alphabet import decode_text

LONG = "Hei! Aikasi perjantaina 14.5. klo 9.15 on peruttu. " * 8
texts = st.text("aä€ 😀š", max_size=600) | st.text("aä€[", max_size=600)


def an_inbound(octets=b"", *, esm_class=UDHI, tlvs=None, coding=0):
    fields = {"esm_class": esm_class, "data_coding": coding, "short_message": octets}
    return Pdu("deliver_sm", 1, 0, fields, tlvs or {})


def over_the_line(part):
    """Return *part* as the other side reads it."""
    fields = {"short_message": part.octets, "data_coding": part.coding, "esm_class": part.esm_class}
    return read_part(decode(encode(Pdu("submit_sm", 1, 0, fields, part.tlvs))))


@given(texts, st.integers(0, 0xFFFF), st.sampled_from(list(Mode)))
def test_a_text_in_parts_is_the_same_text_again(text, reference, mode):
    arrived = [over_the_line(part) for part in split(text, reference, mode=mode)]

    whole = join({place.part.number if place.part else 1: place.octets for place in arrived})
    assert decode_text(whole, arrived[0].coding) == text


@given(texts, st.sampled_from(list(Mode)))
def test_no_part_is_longer_than_an_sms_or_ends_within_a_pair(text, mode):
    for part in split(text, 1, mode=mode):
        header = 1 + part.octets[0] if part.esm_class else 0
        body = part.octets[header:]
        septets = part.coding == 0
        assert (header * 8 + 6) // 7 + len(body) <= 160 if septets else len(part.octets) <= 140
        assert "\ufffd" not in decode_text(body, part.coding)
        assert not (septets and body.endswith(b"\x1b"))


@pytest.mark.parametrize("mode", Mode)
def test_a_text_of_one_part_has_no_header(mode):
    [part] = split("Aikasi on peruttu.", 7, mode=mode)

    assert (part.octets, part.coding, part.esm_class, part.tlvs) == (b"Aikasi on peruttu.", 0, 0, {})


def test_an_empty_text_is_one_empty_part():
    assert [part.octets for part in split("", 7)] == [b""]


def test_a_header_of_eight_bits_is_the_standards():
    first, second, third = split(LONG, 0x1234)

    assert first.octets[:6] == bytes([5, 0, 3, 0x34, 3, 1])
    assert third.octets[:6] == bytes([5, 0, 3, 0x34, 3, 3])
    assert (len(first.octets), len(second.octets)) == (6 + 153, 6 + 153)
    assert first.esm_class == UDHI


def test_a_header_of_sixteen_bits_is_the_standards():
    first, *_ = split(LONG, 0x1234, mode="udh16")

    assert first.octets[:7] == bytes([6, 8, 4, 0x12, 0x34, 3, 1])
    assert len(first.octets) == 7 + 152


def test_sar_parts_carry_parameters_and_no_header():
    first, *_ = split(LONG, 0x1234, mode="sar")

    assert first.tlvs == {
        Tag.SAR_MSG_REF_NUM: b"\x12\x34",
        Tag.SAR_TOTAL_SEGMENTS: b"\3",
        Tag.SAR_SEGMENT_SEQNUM: b"\1",
    }
    assert first.esm_class == 0
    assert first.octets == LONG[:152].encode()


def test_a_text_of_more_than_255_parts_is_our_bug():
    assert len(split("a" * 153 * 255, 1)) == 255
    with pytest.raises(LocalProtocolError):
        split("a" * 153 * 255 + "a", 1)


# What arrives


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ([5, 0, 3, 0xAA, 2, 1], PartRef("udh8", 0xAA, 2, 1)),
        ([6, 8, 4, 0x12, 0x34, 3, 3], PartRef("udh16", 0x1234, 3, 3)),
        ([11, 5, 4, 0x0B, 0x84, 0, 0, 0, 3, 0xAA, 2, 2], PartRef("udh8", 0xAA, 2, 2)),  # behind port addresses
        ([8, 0, 3, 0xAA, 2, 1, 0x24, 1, 1], PartRef("udh8", 0xAA, 2, 1)),  # before a national table
        ([6, 5, 4, 0x0B, 0x84, 0, 0], None),
        ([0], None),
        ([5, 0, 3, 0xAA, 2, 0], None),
        ([5, 0, 3, 0xAA, 2, 3], None),
        ([5, 0, 3, 0xAA, 0, 0], None),
        ([5, 0, 3, 0xAA, 1, 1], None),
        ([4, 0, 2, 0xAA, 2], None),  # the element is an octet short
    ],
)
def test_the_header_says_where_a_part_belongs(header, part):
    arrived = read_part(an_inbound(bytes(header) + b"peru"))

    assert arrived == (b"peru", part, 0, False)


@pytest.mark.parametrize("octets", [b"", b"\x05", b"\xff peru", b"\x05\x00\x09\xaa\x02\x01peru", b"\x01\x00peru"])
def test_a_broken_header_costs_no_text_and_is_told(octets):
    assert read_part(an_inbound(octets)) == (octets, None, 0, True)


def test_without_the_indicator_nothing_is_taken_for_a_header():
    octets = bytes([5, 0, 3, 0xAA, 2, 1]) + b"peru"

    assert read_part(an_inbound(octets, esm_class=0)) == (octets, None, 0, False)


@pytest.mark.parametrize(
    ("reference", "total", "number", "part"),
    [
        (b"\x12\x34", b"\2", b"\1", PartRef("sar", 0x1234, 2, 1)),
        (b"\x34", b"\0\2", b"\0\1", PartRef("sar", 0x34, 2, 1)),  # lengths that the standard does not have
        (b"\x12\x34", b"\2", b"\3", None),
        (b"\x12\x34", b"\2", b"\0", None),
        (b"\x12\x34", b"\1", b"\1", None),
        (b"\x12\x34", b"", b"\1", None),
        (b"\xff" * 40, b"\2", b"\1", None),
        (b"\x12\x34", b"\xff\xff", b"\1", None),
    ],
)
def test_sar_parameters_say_where_a_part_belongs(reference, total, number, part):
    tlvs = {Tag.SAR_MSG_REF_NUM: reference, Tag.SAR_TOTAL_SEGMENTS: total, Tag.SAR_SEGMENT_SEQNUM: number}

    assert read_part(an_inbound(b"peru", esm_class=0, tlvs=tlvs)).part == part


def test_sar_parameters_that_are_not_all_there_place_nothing():
    assert read_part(an_inbound(b"peru", esm_class=0, tlvs={Tag.SAR_MSG_REF_NUM: b"\0\1"})).part is None


def test_sar_parameters_count_beside_a_header_of_other_things():
    tlvs = {Tag.SAR_MSG_REF_NUM: b"\0\1", Tag.SAR_TOTAL_SEGMENTS: b"\2", Tag.SAR_SEGMENT_SEQNUM: b"\2"}

    arrived = read_part(an_inbound(bytes([6, 5, 4, 0x0B, 0x84, 0, 0]) + b"peru", tlvs=tlvs))

    assert arrived == (b"peru", PartRef("sar", 1, 2, 2), 0, False)


def test_the_text_may_stand_in_the_message_payload():
    payload = {Tag.MESSAGE_PAYLOAD: "šš".encode("utf-16-be")}

    assert read_part(an_inbound(esm_class=0, tlvs=payload, coding=8)) == (payload[Tag.MESSAGE_PAYLOAD], None, 8, False)


def test_a_message_payload_may_begin_with_a_header():
    payload = {Tag.MESSAGE_PAYLOAD: bytes([5, 0, 3, 0xAA, 2, 1]) + b"peru"}

    assert read_part(an_inbound(tlvs=payload)) == (b"peru", PartRef("udh8", 0xAA, 2, 1), 0, False)


def test_a_data_sm_has_no_short_message_at_all():
    pdu = Pdu("data_sm", 1, 0, {"esm_class": 0, "data_coding": 0}, {Tag.MESSAGE_PAYLOAD: b"peru"})

    assert read_part(decode(encode(pdu))) == (b"peru", None, 0, False)


def test_a_surrogate_pair_that_a_carrier_split_between_parts_is_one_character():
    octets = "ok 😀!".encode("utf-16-be")
    first, second = octets[:8], octets[8:]

    assert decode_text(join({2: second, 1: first}), 8) == "ok 😀!"


def test_ten_parts_are_joined_by_number():
    assert join({number: b"%d " % number for number in (10, 2, 1, 9)}) == b"1 2 9 10 "


@given(st.binary(max_size=140), st.integers(0, 255), st.dictionaries(st.sampled_from(list(Tag)), st.binary(max_size=5)))
def test_octets_from_anywhere_keep_their_text(octets, esm_class, tlvs):
    arrived = read_part(an_inbound(octets, esm_class=esm_class, tlvs=tlvs))

    assert (octets or tlvs.get(Tag.MESSAGE_PAYLOAD, b"")).endswith(arrived.octets)
    assert arrived.part is None or 1 <= arrived.part.number <= arrived.part.total <= 255
