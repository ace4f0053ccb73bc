"""The codec: where smpplib and we agree, and what it gets wrong (the numbered defects are those of version 2.2.4)."""

from __future__ import annotations

import struct

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from smpplib import consts, smpp
from smpplib.ptypes import ostr

from gateway.errors import LocalProtocolError
from gateway.smpp import pdu as codec
from gateway.smpp.pdu import MAX_OCTETS, Header, Pdu, PduError, Status, Tag, cut, decode, encode, status_name

OCTET = st.integers(0, 255)
SEQUENCE = st.integers(0, 0xFFFFFFFF)


class Client:
    """What smpplib asks its PDUs' owner for."""

    sequence = 0

    def next_sequence(self):
        self.sequence += 1
        return self.sequence


def c_string(most):
    return st.text("aZ09+ äÖ\x01\xff", max_size=most)


MESSAGE_FIELDS = {
    "service_type": c_string(5),
    "source_addr_ton": OCTET,
    "source_addr_npi": OCTET,
    "source_addr": c_string(20),
    "dest_addr_ton": OCTET,
    "dest_addr_npi": OCTET,
    "destination_addr": c_string(20),
    "esm_class": OCTET,
    "protocol_id": OCTET,
    "priority_flag": OCTET,
    "schedule_delivery_time": c_string(16),
    "validity_period": c_string(16),
    "registered_delivery": OCTET,
    "replace_if_present_flag": OCTET,
    "data_coding": OCTET,
    "sm_default_msg_id": OCTET,
    "short_message": st.binary(max_size=254),
}


@st.composite
def messages(draw):
    """A well-formed submit_sm or deliver_sm with optional parameters of those that its command has."""
    command = draw(st.sampled_from(["submit_sm", "deliver_sm"]))
    fields = draw(st.fixed_dictionaries(MESSAGE_FIELDS))
    blank = smpp.make_pdu(command, client=Client())
    names = [name for name in blank.params_order if name in consts.OPTIONAL_PARAMS]
    chosen = draw(st.sets(st.sampled_from(names), max_size=4))
    tlvs = {}
    for name in [name for name in names if name in chosen]:  # in smpplib's order
        param = blank.params[name]
        if param.type is int:
            tlvs[consts.OPTIONAL_PARAMS[name]] = draw(st.binary(min_size=param.size, max_size=param.size))
        elif param.type is ostr:
            tlvs[consts.OPTIONAL_PARAMS[name]] = draw(st.binary(min_size=1, max_size=40))
    if Tag.MESSAGE_PAYLOAD in tlvs:
        fields["short_message"] = b""
    return Pdu(command, draw(SEQUENCE), draw(st.sampled_from([0, 0, 0, 8, 0x58])), fields, tlvs)


def responses():
    return st.builds(
        Pdu,
        st.sampled_from(["submit_sm_resp", "deliver_sm_resp"]),
        SEQUENCE,
        SEQUENCE,
        st.fixed_dictionaries({"message_id": c_string(64)}),
    )


HOT = messages() | responses()


def by_smpplib(pdu):
    """Return *pdu* as smpplib's object."""
    other = smpp.make_pdu(pdu.command, client=Client())
    for name, value in pdu.fields.items():
        setattr(other, name, value)
    for tag, value in pdu.tlvs.items():
        name = next(name for name, code in consts.OPTIONAL_PARAMS.items() if code == tag)
        setattr(other, name, int.from_bytes(value, "big") if other.params[name].type is int else value)
    other.sequence, other.status = pdu.sequence, pdu.status
    return other


def a_deliver_sm(*, tlvs=None, **fields):
    known = {"source_addr": "358405550101", "destination_addr": "358405550100", "short_message": b"peru aika"}
    return Pdu("deliver_sm", 7, 0, known | fields, tlvs or {})


def with_body(command_id, body, *, status=0, sequence=7):
    return struct.pack(">IIII", 16 + len(body), command_id, status, sequence) + body


def refused(raw):
    with pytest.raises(PduError) as caught:
        decode(raw)
    return caught.value


# smpplib as the oracle


@given(HOT)
def test_the_struct_path_writes_what_smpplib_writes(pdu):
    assert encode(pdu) == by_smpplib(pdu).generate()


@given(HOT)
def test_the_struct_path_reads_what_smpplib_reads(pdu):
    raw = by_smpplib(pdu).generate()
    other = smpp.parse_pdu(raw, client=Client(), allow_unknown_opt_params=True)

    ours = decode(raw)

    assert (ours.command, ours.sequence, ours.status) == (other.command, other.sequence, other.status)
    for name, value in ours.fields.items():
        theirs = getattr(other, name)
        if name == "short_message":
            theirs = theirs or b""  # None when nothing stands behind sm_length
        assert (value.encode("latin-1") if isinstance(value, str) else value) == theirs
    for tag, value in ours.tlvs.items():
        name = next(name for name, code in consts.OPTIONAL_PARAMS.items() if code == tag)
        theirs = getattr(other, name)
        assert (int.from_bytes(value, "big") if isinstance(theirs, int) else value) == theirs


@given(HOT)
def test_what_was_written_reads_as_it_was_meant(pdu):
    assert decode(encode(pdu)) == pdu


@pytest.mark.parametrize(
    "pdu",
    [
        Pdu("bind_transceiver", 1, 0, {"system_id": "tekstari", "password": "secret", "interface_version": 0x34}),
        Pdu("bind_receiver_resp", 1, 0, {"system_id": "carrier"}, {Tag.SC_INTERFACE_VERSION: b"\x34"}),
        Pdu("outbind", 4, 0, {"system_id": "carrier", "password": "secret"}),
        Pdu("data_sm", 5, 0, {"source_addr": "358405550101", "data_coding": 8}, {Tag.MESSAGE_PAYLOAD: b"\0a"}),
        Pdu("data_sm_resp", 5, 0, {"message_id": "1a"}),
        Pdu("query_sm_resp", 6, 0, {"message_id": "1a", "message_state": 2, "error_code": 0}),
        Pdu("alert_notification", 8, 0, {"source_addr": "358405550101", "esme_addr": "tekstari"}),
        Pdu("enquire_link", 9),
        Pdu("enquire_link_resp", 9),
        Pdu("unbind", 10),
        Pdu("unbind_resp", 10),
        Pdu("generic_nack", 0, Status.RINVCMDLEN),
    ],
    ids=lambda pdu: pdu.command,
)
def test_every_rare_command_goes_there_and_back(pdu):
    back = decode(encode(pdu))

    assert (back.command, back.sequence, back.status, back.tlvs) == (pdu.command, pdu.sequence, pdu.status, pdu.tlvs)
    assert {name: back.fields[name] for name in pdu.fields} == pdu.fields


# Octets from anywhere

COMMAND_IDS = st.sampled_from([*codec.COMMANDS, 0x00000022, 0x80000022, 0xFFFFFFFF])


BODIES = st.binary(max_size=120) | st.lists(st.sampled_from([b"\0", b"a", b"\x04"]), max_size=60).map(b"".join)


def outcome(raw):
    """Return the PDU in *raw*, or the `PduError` that refuses it; anything else that is raised fails the test."""
    try:
        return decode(raw)
    except PduError as error:
        return error


@given(st.binary(max_size=80))
def test_octets_from_anywhere_are_a_pdu_or_a_pdu_error(raw):
    assert isinstance(outcome(raw), Pdu | PduError)


@given(COMMAND_IDS, BODIES)
def test_any_body_behind_a_true_header_is_a_pdu_or_an_error_that_can_be_answered(command_id, body):
    raw = with_body(command_id, body)

    match outcome(raw):
        case Pdu(sequence=sequence):
            assert sequence == 7
        case PduError(header=header, status=status):
            assert header == Header(len(raw), command_id, 0, 7)
            assert status_name(status).startswith("ESME_R")


@given(HOT, st.data())
def test_a_pdu_with_one_octet_changed_is_read_or_refused_by_its_header(pdu, data):
    raw = bytearray(encode(pdu))
    place = data.draw(st.integers(4, len(raw) - 1))
    raw[place] = data.draw(OCTET)

    result = outcome(bytes(raw))

    assert isinstance(result, Pdu) or result.header.length == len(raw)


@settings(max_examples=60)
@given(st.lists(HOT | st.just(Pdu("enquire_link", 3)), min_size=1, max_size=4), st.data())
def test_every_split_of_a_stream_gives_the_same_pdus(pdus, data):
    stream = b"".join(map(encode, pdus))
    places = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    buffer, arrived = bytearray(), []

    for start, end in zip([0, *places], [*places, len(stream)], strict=True):
        buffer += stream[start:end]
        while raw := cut(buffer):
            arrived.append(decode(raw))

    assert arrived == pdus
    assert not buffer


@given(messages(), st.data())
def test_a_message_cut_short_is_never_read_as_a_shorter_one(pdu, data):
    assume(not pdu.tlvs)
    raw = encode(pdu)
    left = raw[: data.draw(st.integers(16, len(raw) - 1))]

    assert refused(struct.pack(">I", len(left)) + left[4:]).status in (Status.RINVPARLEN, Status.RINVMSGLEN)


# The stream


def test_half_a_pdu_stays_whole_until_the_rest_comes():  # defect 1
    raw = encode(a_deliver_sm())
    buffer = bytearray(raw[:9])

    assert cut(buffer) is None
    assert buffer == raw[:9]
    buffer += raw[9:]
    assert cut(buffer) == raw


@pytest.mark.parametrize("length", [0, 3, 4, 8, 15, MAX_OCTETS + 1, 0x7FFFFFFF, 0xFFFFFFFF])  # defects 2 and 3
def test_a_length_that_cannot_be_is_refused_at_once(length):
    with pytest.raises(PduError) as caught:
        cut(bytearray(struct.pack(">I", length)))

    assert caught.value.status == Status.RINVCMDLEN
    assert caught.value.header is None


def test_a_length_that_is_not_the_length_is_refused():
    assert refused(struct.pack(">IIII", 17, 0x15, 0, 7)).status == Status.RINVCMDLEN
    assert refused(b"\0\0").status == Status.RINVCMDLEN


def test_the_longest_message_payload_fits():
    pdu = a_deliver_sm(short_message=b"", tlvs={Tag.MESSAGE_PAYLOAD: b"x" * 65_535})

    assert decode(cut(bytearray(encode(pdu)))).tlvs == pdu.tlvs


def test_an_unknown_command_keeps_the_header_for_the_answer():  # defect 4
    error = refused(with_body(0x00000999, b"whatever", sequence=12))

    assert error.status == Status.RINVCMDID
    assert error.header == Header(24, 0x999, 0, 12)
    assert error.header.command is None
    assert not error.header.is_response


def test_an_unknown_response_is_told_from_a_request():
    assert refused(with_body(0x80000999, b"")).header.is_response


@pytest.mark.parametrize("command", ["cancel_sm", "replace_sm", "submit_multi", "submit_multi_resp"])  # defect 5
def test_commands_that_nobody_reads_are_refused_as_unknown(command):
    raw = with_body(codec._CODES[command], b"\0" * 20)

    assert refused(raw).status == Status.RINVCMDID
    with pytest.raises(LocalProtocolError):
        encode(Pdu(command, 1))


# Optional parameters


@pytest.mark.parametrize("command", ["deliver_sm", "submit_sm_resp", "bind_transceiver_resp", "enquire_link"])
@pytest.mark.parametrize("tag", [0x1400, 0x3FFF, 0x0007, Tag.RECEIPTED_MESSAGE_ID])  # defects 7 and 8
def test_a_parameter_that_is_unknown_or_out_of_place_is_kept(command, tag):
    assert decode(encode(Pdu(command, 1, tlvs={tag: b"abc"}))).tlvs == {tag: b"abc"}


def test_an_integer_parameter_of_a_wrong_length_spoils_nothing_behind_it():  # defect 9
    tlvs = {Tag.MESSAGE_STATE: b"\0\2", Tag.RECEIPTED_MESSAGE_ID: b"1a\0"}

    assert decode(encode(a_deliver_sm(tlvs=tlvs))).tlvs == tlvs


@pytest.mark.parametrize("rest", [b"\x04", b"\x04\x24\0", b"\x04\x24\0\x05abcd", b"\0\x1e\0\x01a\x04"])  # defect 10
@pytest.mark.parametrize("command", ["deliver_sm", "submit_sm_resp", "data_sm", "enquire_link"])
def test_a_truncated_parameter_is_refused(command, rest):
    whole = encode(Pdu(command, 7))

    assert refused(with_body(codec._CODES[command], whole[16:] + rest)).status == Status.RINVOPTPARSTREAM


def test_a_string_parameter_without_its_nul_keeps_its_last_character():  # defect 11
    assert decode(encode(a_deliver_sm(tlvs={Tag.RECEIPTED_MESSAGE_ID: b"abc123"}))).tlvs[0x001E] == b"abc123"


def test_of_a_repeated_parameter_the_first_counts():
    raw = encode(a_deliver_sm(tlvs={0x1400: b"first"}))

    assert decode(with_body(5, raw[16:] + b"\x14\0\0\6second")).tlvs == {0x1400: b"first"}


def test_a_subunit_of_one_octet_is_read_and_written_as_the_standard_has_it():  # defect 14
    raw = encode(Pdu("submit_sm", 1, tlvs={0x000D: b"\1"}))

    assert raw.endswith(b"\x00\x0d\x00\x01\x01")


# Bodies


@pytest.mark.parametrize(
    ("command_id", "body"),
    [
        (0x05, b"\0\1\1358405550101" + b"\x01" * 40),  # no field behind the sender is closed
        (0x05, b"\0\1\1" + b"3" * 21 + b"\0" * 20),  # a sender of 21 digits
        (0x80000004, b"1a2b"),
        (0x80000005, b"1a2b"),
        (0x80000009, b"carrier"),
        (0x09, b"tekstari\0secret"),
        (0x09, b"s" * 16 + b"\0" * 7),  # a system_id of 16 characters
        (0x103, b"\0\1\1358405550101"),
    ],
)
def test_a_string_without_its_end_is_refused(command_id, body):  # defect 12
    assert refused(with_body(command_id, body)).status == Status.RINVPARLEN


def test_a_message_longer_than_its_pdu_is_refused():  # defect 13
    raw = encode(a_deliver_sm(short_message=b"peru"))

    assert refused(with_body(5, raw[16:-1])).status == Status.RINVMSGLEN


def test_a_message_longer_than_the_standard_allows_is_refused():
    body = encode(a_deliver_sm(short_message=b""))[16:-1] + b"\xff" + b"x" * 255

    assert refused(with_body(5, body)).status == Status.RINVMSGLEN


@pytest.mark.parametrize("command", ["deliver_sm", "submit_sm", "data_sm", "bind_transceiver"])  # defect 13
def test_a_request_of_a_header_alone_is_refused(command):
    assert refused(with_body(codec._CODES[command], b"")).status == Status.RINVPARLEN


@pytest.mark.parametrize(
    ("command", "empty"),
    [
        ("submit_sm_resp", {"message_id": ""}),
        ("deliver_sm_resp", {"message_id": ""}),
        ("data_sm_resp", {"message_id": ""}),
        ("bind_transceiver_resp", {"system_id": ""}),
        ("generic_nack", {}),
    ],
)
@pytest.mark.parametrize("status", [0, Status.RTHROTTLED, 0x401])
def test_a_response_may_be_a_header_alone(command, empty, status):
    pdu = decode(with_body(codec._CODES[command], b"", status=status))

    assert (pdu.status, pdu.fields) == (status, empty)


@pytest.mark.parametrize("command", ["submit_sm_resp", "bind_transceiver_resp"])
def test_an_error_is_answered_without_a_body(command):
    assert len(encode(Pdu(command, 1, Status.RSYSERR))) == 16


def test_an_acknowledgement_carries_an_empty_message_id():
    assert encode(Pdu("deliver_sm_resp", 7)) == with_body(0x80000005, b"\0")
    assert encode(Pdu("deliver_sm_resp", 7, Status.RX_T_APPN)) == with_body(0x80000005, b"\0", status=0x64)


def test_a_message_id_longer_than_the_standard_is_not_lost():
    assert decode(with_body(0x80000004, b"a" * 100 + b"\0")).fields == {"message_id": "a" * 100}


@pytest.mark.parametrize("error", [KeyError, struct.error, ValueError, TypeError, AttributeError])
def test_whatever_smpplib_raises_is_refused_with_the_header(error, monkeypatch):
    def raises(_self, _data):
        raise error("358405550101")

    monkeypatch.setattr("smpplib.pdu.PDU.parse", raises)

    refusal = refused(with_body(0x15, b""))

    assert (refusal.status, refusal.header.sequence) == (Status.RSYSERR, 7)
    assert "35840" not in str(refusal)


# What we would send


@pytest.mark.parametrize(
    "fields",
    [
        {"destination_addr": "3" * 21},
        {"source_addr": "Hammas\0lääkäri"},
        {"source_addr": "Šaltinis"},
        {"service_type": "longer"},
        {"validity_period": "0" * 17},
        {"short_message": b"x" * 255},
        {"short_message": "a str"},
        {"data_coding": 256},
        {"esm_class": -1},
        {"registered_delivery": None},
        {"data_codig": 8},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_does_not_fit_is_our_bug_and_never_cut(fields):
    with pytest.raises(LocalProtocolError):
        encode(Pdu("submit_sm", 1, 0, fields))


@pytest.mark.parametrize(
    "pdu",
    [
        Pdu("bind_transceiver", 1, 0, {"system_id": "s" * 16}),
        Pdu("bind_transceiver", 1, 0, {"password": "p" * 9}),
        Pdu("bind_transceiver", 1, 0, {"interface_version": 256}),
        Pdu("bind_transceiver", 1, 0, {"system_typ": ""}),
        Pdu("submit_sm_resp", 1, 0, {"message_id": "m" * 65}),
        Pdu("submit_sm_resp", 1, 0, {"id": "m"}),
        Pdu("query_sm", 1),
        Pdu("enquire_link", -1),
        Pdu("enquire_link", 1 << 32),
        Pdu("submit", 1),
        Pdu("submit_sm", 1, 0, {}, {0x1400: b"x" * 65_536}),
        Pdu("submit_sm", 1, 0, {}, {0x1400: b"x" * 40_000, 0x1401: b"x" * 40_000}),
        Pdu("submit_sm", 1, 0, {"short_message": b"x"}, {Tag.MESSAGE_PAYLOAD: b"x"}),
    ],
)
def test_a_pdu_that_cannot_be_is_our_bug(pdu):
    with pytest.raises(LocalProtocolError):
        encode(pdu)


def test_the_interface_version_is_the_one_that_was_given():
    pdu = Pdu("bind_transmitter", 1, 0, {"system_id": "tekstari", "interface_version": 0x50})

    assert decode(encode(pdu)).fields["interface_version"] == 0x50


@pytest.mark.parametrize("command", ["bind_transceiver", "data_sm", "data_sm_resp", "enquire_link", "generic_nack"])
@pytest.mark.parametrize("sequence", [0, 55, 0x7FFFFFFF, 0xFFFFFFFF])
def test_the_sequence_number_is_the_one_that_was_given(command, sequence):
    for _ in range(2):
        assert decode(encode(Pdu(command, sequence))).sequence == sequence


# Privacy


def test_a_pdu_in_a_traceback_shows_no_text_and_no_number():
    shown = repr(a_deliver_sm(tlvs={Tag.MESSAGE_PAYLOAD: b"peru aika"}))

    assert "peru" not in shown
    assert "35840555" not in shown


def test_no_error_quotes_what_it_refuses():
    with pytest.raises(LocalProtocolError) as caught:
        encode(Pdu("submit_sm", 1, 0, {"source_addr": "Šaltinis"}))
    assert "altinis" not in str(caught.value)

    error = refused(with_body(5, b"\0\1\1358405550101"))
    assert "35840" not in str(error)


def test_a_status_is_named_as_the_standard_names_it():
    assert status_name(0x58) == "ESME_RTHROTTLED"
    assert status_name(0x401) == "0x00000401"
