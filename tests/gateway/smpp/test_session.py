"""The session as a carrier meets it: octets in, events and octets out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import LocalProtocolError
from gateway.smpp import session as session_module
from gateway.smpp.events import (
    Answered,
    BindAsked,
    Bound,
    Ended,
    Ending,
    Mode,
    Odd,
    Quarantined,
    ReceiptArrived,
    TextArrived,
    Unanswered,
)
from gateway.smpp.pdu import Pdu, Status, cut, decode, encode
from gateway.smpp.session import Role, Session, State, Timing

PATIENT, CLINIC = "358405550101", "358405550100"


def wire(command, sequence, status=0, tlvs=None, **fields):
    return encode(Pdu(command, sequence, status, fields, tlvs or {}))


def mo(sequence, body=b"Moi", **fields):
    ours = {"source_addr_ton": 1, "source_addr_npi": 1, "source_addr": PATIENT, "dest_addr_ton": 1}
    return wire("deliver_sm", sequence, **(ours | {"destination_addr": CLINIC, "short_message": body} | fields))


def said(session):
    """What the session wants to write, as (command, sequence, status)."""
    return [(pdu.command, pdu.sequence, pdu.status) for pdu in pdus(session)]


def pdus(session):
    buffer = bytearray(session.data_to_send())
    found = []
    while raw := cut(buffer):
        found.append(decode(raw))
    return found


def bound(mode=Mode.TRANSCEIVER, timing=None):
    session = Session(Role.ESME, timing)
    session.bind(mode, "clinic", "secret", now=0.0)
    [ask] = pdus(session)
    [event] = session.receive_data(wire(f"{ask.command}_resp", ask.sequence, system_id="carrier"), now=0.0)
    assert isinstance(event, Bound)
    return session


def submit(session, note="note", now=0.0):
    return session.submit(wire("submit_sm", 0, destination_addr=PATIENT, short_message=b"Hei"), now, note)


# Binding


@pytest.mark.parametrize(
    ("mode", "state"),
    [
        (Mode.TRANSMITTER, State.BOUND_TX),
        (Mode.RECEIVER, State.BOUND_RX),
        (Mode.TRANSCEIVER, State.BOUND_TRX),
    ],
)
def test_a_bind_is_asked_and_granted(mode, state):
    session = Session(Role.ESME)

    session.bind(mode, "clinic", "secret", now=0.0)
    [ask] = pdus(session)
    events = session.receive_data(
        wire(f"bind_{mode}_resp", ask.sequence, tlvs={0x0210: b"\x34"}, system_id="carrier"), now=1.0
    )

    assert (ask.command, ask.fields["system_id"], ask.fields["interface_version"]) == (f"bind_{mode}", "clinic", 0x34)
    assert session.state is state
    assert [(type(e), e.mode, e.version) for e in events] == [(Bound, mode, 0x34)]


@pytest.mark.parametrize("answer", ["bind_transceiver_resp", "generic_nack"])
def test_a_refused_bind_says_with_which_status(answer):
    session = Session(Role.ESME)
    session.bind(Mode.TRANSCEIVER, "clinic", "wrong", now=0.0)
    [ask] = pdus(session)

    [event] = session.receive_data(wire(answer, ask.sequence, Status.RINVPASWD), now=1.0)

    assert (event.why, event.status) == (Ending.BIND_REFUSED, Status.RINVPASWD)
    assert session.closed


def test_an_answer_to_another_bind_does_not_bind():
    session = Session(Role.ESME)
    session.bind(Mode.TRANSCEIVER, "clinic", "secret", now=0.0)
    [ask] = pdus(session)

    wrong_command = session.receive_data(wire("bind_receiver_resp", ask.sequence, system_id="c"), now=1.0)
    wrong_sequence = session.receive_data(wire("bind_transceiver_resp", 999, system_id="c"), now=1.0)

    assert [type(e) for e in wrong_command + wrong_sequence] == [Odd, Odd]
    assert session.state is State.OPEN


def test_a_bind_without_an_answer_ends_after_its_time():
    session = Session(Role.ESME, Timing(bind=15))
    session.bind(Mode.TRANSCEIVER, "clinic", "secret", now=0.0)

    assert session.tick(now=14.9) == []
    assert [e.why for e in session.tick(now=15.0)] == [Ending.BIND_TIMED_OUT]


def test_an_answer_to_the_bind_after_its_time_changes_nothing():
    session = Session(Role.ESME, Timing(bind=15))
    session.bind(Mode.TRANSCEIVER, "clinic", "secret", now=0.0)
    session.tick(now=15.0)

    assert session.receive_data(wire("bind_transceiver_resp", 1, system_id="carrier"), now=16.0) == []
    assert session.state is State.CLOSED


def test_an_enquire_link_before_the_bind_is_answered_and_does_not_bind():
    session = Session(Role.ESME)
    session.bind(Mode.TRANSCEIVER, "clinic", "secret", now=0.0)
    session.data_to_send()

    assert session.receive_data(wire("enquire_link", 7), now=0.0) == []
    assert said(session) == [("enquire_link_resp", 7, 0)]
    assert session.state is State.OPEN


def test_a_second_bind_on_one_connection_is_our_own_mistake():
    with pytest.raises(LocalProtocolError):
        bound().bind(Mode.TRANSCEIVER, "clinic", "secret", now=0.0)


# Texts arriving


def test_a_text_is_acknowledged_only_when_it_is_accepted():
    session = bound()

    [text] = session.receive_data(mo(5, b"Peruuta"), now=0.0)
    before = said(session)
    session.accept(text)

    assert (text.source, text.destination, text.octets) == ("+" + PATIENT, "+" + CLINIC, b"Peruuta")
    assert before == []
    assert said(session) == [("deliver_sm_resp", 5, 0)]


def test_a_rejected_text_stays_with_the_carrier():
    session = bound()
    [text] = session.receive_data(mo(5), now=0.0)

    session.reject(text, Status.RX_T_APPN)

    assert said(session) == [("deliver_sm_resp", 5, Status.RX_T_APPN)]


def test_texts_are_answered_in_the_order_of_the_owner_even_under_one_sequence():
    session = bound()
    first, second = session.receive_data(mo(5, b"1") + mo(5, b"2"), now=0.0)

    session.accept(second)
    session.accept(first)

    assert said(session) == [("deliver_sm_resp", 5, 0)] * 2


def test_a_text_by_data_sm_arrives_like_any_other():
    session = bound()

    [text] = session.receive_data(
        wire("data_sm", 9, tlvs={0x0424: b"Moi"}, source_addr=PATIENT, source_addr_ton=1, destination_addr=CLINIC),
        now=0.0,
    )
    session.accept(text)

    assert text.octets == b"Moi"
    assert said(session) == [("data_sm_resp", 9, 0)]


def test_a_request_with_an_error_in_its_status_field_is_a_request_all_the_same():
    session = bound()

    [text] = session.receive_data(encode(Pdu("deliver_sm", 3, 8, {"source_addr": PATIENT})), now=0.0)

    assert isinstance(text, TextArrived)


@pytest.mark.parametrize("esm_class", [0x04, 0x08, 0x20, 0x24])
def test_receipts_are_known_by_esm_class_and_acknowledged_only_when_accepted(esm_class):
    session = bound()

    [receipt] = session.receive_data(mo(4, b"id:1 stat:DELIVRD", esm_class=esm_class), now=0.0)
    before = said(session)
    session.accept(receipt)

    assert isinstance(receipt, ReceiptArrived)
    assert before == []
    assert said(session) == [("deliver_sm_resp", 4, 0)]


def test_a_text_that_only_looks_like_a_receipt_is_a_text():
    [text] = bound().receive_data(mo(4, b"id:1 stat:DELIVRD"), now=0.0)

    assert isinstance(text, TextArrived)


@pytest.mark.parametrize("command", ["deliver_sm", "data_sm"])
@pytest.mark.parametrize("mode", [None, Mode.TRANSMITTER])
def test_a_text_in_a_state_that_receives_none_is_refused(mode, command):
    session = bound(mode) if mode else Session(Role.ESME)
    session.data_to_send()

    [event] = session.receive_data(wire(command, 6, source_addr=PATIENT), now=0.0)

    assert isinstance(event, Odd)
    assert said(session) == [(f"{command}_resp", 6, Status.RINVBNDSTS)]


# What cannot be read


def broken_mo(sequence):
    """A deliver_sm whose sm_length goes past its end."""
    whole = bytearray(mo(sequence, b"Moi"))
    whole[-4] = 200
    return bytes(whole)


def test_a_malformed_text_is_kept_for_the_operator_and_then_refused():
    session = bound()

    [event] = session.receive_data(broken_mo(5), now=0.0)
    before = said(session)
    session.accept(event)

    assert (type(event), event.octets) == (Quarantined, broken_mo(5))
    assert before == []
    assert said(session) == [("deliver_sm_resp", 5, Status.RINVMSGLEN)]


def test_a_text_that_we_stumble_over_is_kept_and_not_sent_to_us_again(monkeypatch):
    def stumble(pdu):
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr(session_module, "read_part", stumble)
    session = bound()

    [event] = session.receive_data(mo(5), now=0.0)
    session.accept(event)

    assert (event.octets, event.reason) == (mo(5), "RuntimeError")
    assert said(session) == [("deliver_sm_resp", 5, 0)]
    assert session.owed == 0


def test_the_texts_around_a_malformed_one_arrive():
    events = bound().receive_data(mo(1) + broken_mo(2) + mo(3), now=0.0)

    assert [(type(e), e.sequence) for e in events] == [(TextArrived, 1), (Quarantined, 2), (TextArrived, 3)]


@pytest.mark.parametrize("length", [0, 4, 15, 70_000, 0xFFFFFFFF])
def test_a_length_that_cannot_be_ends_the_session_with_a_nack(length):
    session = bound()

    events = session.receive_data(mo(1) + length.to_bytes(4) + b"\0" * 12 + mo(2), now=0.0)

    assert [type(e) for e in events] == [TextArrived, Ended]
    assert events[-1].why is Ending.BAD_LENGTH
    assert said(session) == [("generic_nack", 0, Status.RINVCMDLEN)]
    assert session.closed


def test_half_a_pdu_ends_the_session_after_ten_seconds():
    session = bound()
    session.receive_data(mo(1)[:20], now=100.0)
    session.receive_data(mo(1)[20:30], now=108.0)

    assert session.tick(now=109.9) == []
    assert [e.why for e in session.tick(now=110.0)] == [Ending.STALLED]


def test_a_stall_that_ends_in_time_loses_nothing():
    session = bound()
    session.receive_data(mo(1)[:20], now=100.0)

    events = session.receive_data(mo(1)[20:] + mo(2)[:5], now=109.0)

    assert [type(e) for e in events] == [TextArrived]
    assert session.tick(now=118.0) == []


@pytest.mark.parametrize("command_id", [0x0000FFFF, 0x00000003, 0x00000004, 0x00000009, 0x00010001])
def test_a_request_that_we_do_not_serve_is_nacked_and_the_link_lives_on(command_id):
    session = bound()
    request = (16).to_bytes(4) + command_id.to_bytes(4) + bytes(4) + (77).to_bytes(4)

    events = session.receive_data(request + mo(1), now=0.0)

    assert [type(e) for e in events] == [Odd, TextArrived]
    assert said(session) == [("generic_nack", 77, Status.RINVCMDID)]


@pytest.mark.parametrize("command_id", [0x8000FFFF, 0x80000004, 0x80000003, 0x80000009])
def test_an_answer_to_nothing_is_never_answered(command_id):
    session = bound()
    answer = (16).to_bytes(4) + command_id.to_bytes(4) + bytes(4) + (77).to_bytes(4)

    events = session.receive_data(answer, now=0.0)

    assert [type(e) for e in events] == [Odd]
    assert said(session) == []


@pytest.mark.parametrize(
    "notice",
    [
        wire("alert_notification", 8, source_addr=PATIENT, esme_addr=CLINIC),
        wire("outbind", 8, system_id="carrier", password="x"),
    ],
)
def test_notices_without_an_answer_are_tolerated(notice):
    session = bound()

    [event] = session.receive_data(notice, now=0.0)

    assert isinstance(event, Odd)
    assert said(session) == []
    assert not session.closed


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=90), max_size=8))
def test_no_octets_whatever_raise_or_stop_the_session_without_its_saying_so(chunks):
    session = bound()

    events = [event for chunk in chunks for event in session.receive_data(chunk, now=0.0)]

    assert session.closed == any(isinstance(event, Ended) for event in events)


FRAMED = st.builds(
    lambda command, status, sequence, body: (
        (16 + len(body)).to_bytes(4) + command.to_bytes(4) + status.to_bytes(4) + sequence.to_bytes(4) + body
    ),
    st.sampled_from([0x1, 0x4, 0x5, 0x9, 0x15, 0x102, 0x103, 0x21, 0x80000000, 0x80000004, 0x80000103, 0xB, 0x77]),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=120),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(FRAMED, max_size=6))
def test_every_framed_request_is_answered_or_reported_and_the_link_lives_on(stream):
    session = bound()
    submit(session)

    events = session.receive_data(b"".join(stream), now=0.0)
    for event in events:
        if isinstance(event, TextArrived | ReceiptArrived | Quarantined):
            session.accept(event)

    assert not session.closed
    assert len(events) + len(said(session)) >= len(stream)


STREAM = [
    mo(1, b"Peruuta"),
    wire("enquire_link", 2),
    wire("submit_sm_resp", 2, message_id="a1"),
    broken_mo(3),
    wire("data_sm", 4, tlvs={0x0424: b"Moi"}, source_addr=PATIENT),
    mo(5, b"id:1 stat:DELIVRD", esm_class=4),
    wire("generic_nack", 3, Status.RINVCMDID),
    (16).to_bytes(4) + (0x77).to_bytes(4) + bytes(4) + (6).to_bytes(4),
    mo(7, b"\x05\x00\x03\x01\x02\x01Osa", esm_class=0x40),
]


def played(chunks):
    session = bound()
    submit(session)
    submit(session)
    session.data_to_send()
    events = [event for chunk in chunks for event in session.receive_data(chunk, now=0.0)]
    told = [(type(e).__name__, e.sequence, getattr(e, "octets", None), getattr(e, "status", None)) for e in events]
    return told, said(session)


@pytest.mark.parametrize("step", [1, 2, 3, 7, 16, 40, 1000])
def test_a_stream_means_the_same_however_it_is_cut(step):
    octets = b"".join(STREAM)

    cut_up = [octets[at : at + step] for at in range(0, len(octets), step)]

    assert played(cut_up) == played(STREAM)
    assert len(played(STREAM)[0]) == len(STREAM) - 1  # the enquire_link is answered without a word to the owner


def test_every_single_cut_of_the_stream_means_the_same():
    octets, whole = b"".join(STREAM), played(STREAM)

    for at in range(len(octets)):
        assert played([octets[:at], octets[at:]]) == whole


# Texts going out


def test_a_submit_is_answered_with_its_note():
    session = bound()

    sequence = submit(session, note="row 1, part 1", now=5.0)
    [event] = session.receive_data(wire("submit_sm_resp", sequence, message_id="a1"), now=6.0)

    assert (event.note, event.status, event.message_id, event.sent_at) == ("row 1, part 1", 0, "a1", 5.0)
    assert session.outstanding == 0


@pytest.mark.parametrize("status", [Status.RTHROTTLED, Status.RMSGQFUL, Status.RINVDSTADR, 0x400])
def test_a_refusal_may_come_as_a_header_alone(status):
    session = bound()
    sequence = submit(session)

    [event] = session.receive_data(encode_header("submit_sm_resp", sequence, status), now=0.0)

    assert (type(event), event.status, event.message_id) == (Answered, status, "")


def encode_header(command, sequence, status):
    code = {"submit_sm_resp": 0x80000004}[command]
    return b"".join(value.to_bytes(4) for value in (16, code, status, sequence))


def test_answers_out_of_order_find_their_requests_and_doubled_ones_count_once():
    session = bound()
    first, second = submit(session, "first"), submit(session, "second")

    late_first = wire("submit_sm_resp", second, message_id="b") + wire("submit_sm_resp", first, message_id="a")
    events = session.receive_data(late_first + wire("submit_sm_resp", first, message_id="a"), now=0.0)

    assert [(type(e), getattr(e, "note", None)) for e in events] == [
        (Answered, "second"),
        (Answered, "first"),
        (Odd, None),
    ]


@pytest.mark.parametrize(("nack", "status"), [(Status.RINVCMDID, Status.RINVCMDID), (0, Status.RUNKNOWNERR)])
def test_a_generic_nack_answers_the_submit_it_names(nack, status):
    session = bound()
    sequence = submit(session)

    [event] = session.receive_data(wire("generic_nack", sequence, nack), now=0.0)

    assert (type(event), event.status) == (Answered, status)


def test_a_generic_nack_without_a_sequence_is_only_reported():
    session = bound()
    submit(session)

    [event] = session.receive_data(wire("generic_nack", 0, Status.RINVCMDLEN), now=0.0)

    assert isinstance(event, Odd)
    assert session.outstanding == 1


def test_an_answer_of_another_kind_does_not_settle_a_submit():
    session = bound()
    sequence = submit(session)

    [event] = session.receive_data(wire("data_sm_resp", sequence, message_id="a1"), now=0.0)

    assert isinstance(event, Odd)
    assert session.outstanding == 1


@pytest.mark.parametrize(
    ("body", "message_id"),
    [
        (b"x" * 80, "x" * 64),  # longer than the standard has, and never closed
        (b"a1\0\x04\x27\x00\x09", "a1"),  # a TLV longer than the PDU behind it
    ],
)
def test_an_answer_with_a_body_that_cannot_be_read_still_settles_the_submit(body, message_id):
    session = bound()
    sequence = submit(session)
    answer = b"".join(v.to_bytes(4) for v in (16 + len(body), 0x80000004, 0, sequence)) + body

    [event] = session.receive_data(answer, now=0.0)

    assert (type(event), event.status, event.message_id) == (Answered, 0, message_id)


def test_a_submit_without_an_answer_is_given_back_when_its_time_is_up():
    session = bound(timing=Timing(response=30, enquire=0))
    submit(session, "old", now=0.0)
    submit(session, "young", now=10.0)

    assert session.tick(now=29.9) == []
    assert [(type(e), e.note) for e in session.tick(now=30.0)] == [(Unanswered, "old")]
    assert session.outstanding == 1


def test_a_lost_connection_gives_back_everything_under_way():
    session = bound()
    submit(session, "a")
    submit(session, "b")

    assert [event.note for event in session.abandon()] == ["a", "b"]
    assert session.outstanding == 0
    assert session.closed


@pytest.mark.parametrize("mode", [None, Mode.RECEIVER])
def test_a_submit_is_not_sent_where_it_would_be_refused(mode):
    session = bound(mode) if mode else Session(Role.ESME)
    session.data_to_send()

    with pytest.raises(LocalProtocolError):
        submit(session)

    assert session.data_to_send() == b""


def test_sequences_begin_again_at_one_and_pass_by_those_under_way():
    session = bound()
    waiting = submit(session)
    session._window._last = 0x7FFFFFFE

    used = [submit(session) for _ in range(3)]

    assert used == [0x7FFFFFFF, 1, 3]
    assert waiting == 2


# Keeping alive, and leaving


def test_an_enquire_link_goes_out_every_thirty_seconds_and_the_link_lives_while_it_is_answered():
    session = bound(timing=Timing(enquire=30))

    quiet = session.tick(now=29.9), said(session)
    session.tick(now=30.0)
    [(command, sequence, _)] = said(session)
    session.receive_data(wire("enquire_link_resp", sequence), now=31.0)

    assert quiet == ([], [])
    assert command == "enquire_link"
    assert session.tick(now=45.0) == []
    assert not session.closed


def test_a_silent_other_side_is_dead_after_ten_seconds():
    session = bound(timing=Timing(enquire=30, answer=10))
    session.tick(now=30.0)

    assert session.tick(now=39.9) == []
    assert [e.why for e in session.tick(now=40.0)] == [Ending.SILENT]


def test_an_enquire_link_that_is_nacked_was_answered_by_somebody():
    session = bound(timing=Timing(enquire=30, answer=10))
    session.tick(now=30.0)
    [(_, sequence, _)] = said(session)

    assert session.receive_data(wire("generic_nack", sequence, Status.RINVCMDID), now=31.0) == []
    assert session.tick(now=41.0) == []


@pytest.mark.parametrize("body", [b"", b"\0\0\0"])
def test_an_enquire_link_is_answered_whatever_it_carries(body):
    session = bound()

    session.receive_data((16 + len(body)).to_bytes(4) + (0x15).to_bytes(4) + bytes(4) + (9).to_bytes(4) + body, now=0.0)

    assert said(session) == [("enquire_link_resp", 9, 0)]


def test_an_unbind_is_answered_and_ends_the_session():
    session = bound()

    [event] = session.receive_data(wire("unbind", 9), now=0.0)

    assert event.why is Ending.UNBOUND_BY_PEER
    assert said(session) == [("unbind_resp", 9, 0)]
    assert session.closed


def test_an_unbind_behind_a_text_waits_until_the_text_is_stored():
    session = bound()

    text, _ = session.receive_data(mo(1) + wire("unbind", 2), now=0.0)
    before = said(session)
    session.accept(text)

    assert before == []
    assert said(session) == [("deliver_sm_resp", 1, 0), ("unbind_resp", 2, 0)]
    assert session.closed


def test_an_unbind_waits_for_answers_under_way_but_not_for_long():
    session = bound(timing=Timing(drain=2))
    sequence = submit(session)
    session.data_to_send()
    session.receive_data(wire("unbind", 2), now=0.0)

    [answered] = session.receive_data(wire("submit_sm_resp", sequence, message_id="a"), now=1.0)
    other = bound(timing=Timing(drain=2))
    submit(other)
    other.data_to_send()
    other.receive_data(wire("unbind", 2), now=0.0)
    other.tick(now=2.0)

    assert isinstance(answered, Answered)
    assert said(session) == said(other) == [("unbind_resp", 2, 0)]
    assert session.closed
    assert other.closed


def test_our_unbind_ends_with_its_answer_and_a_text_before_it_is_not_swallowed():
    session = bound()

    session.unbind(now=0.0)
    [(_, sequence, _)] = said(session)
    text, ended = session.receive_data(mo(1) + wire("unbind_resp", sequence), now=1.0)

    assert isinstance(text, TextArrived)
    assert ended.why is Ending.UNBOUND_BY_US


def test_our_unbind_ends_without_an_answer_too():
    session = bound(timing=Timing(leave=3))
    session.unbind(now=0.0)

    assert session.tick(now=2.9) == []
    assert [e.why for e in session.tick(now=3.0)] == [Ending.UNBOUND_BY_US]


def test_after_the_end_nothing_is_read_or_written():
    session = bound()
    [text] = session.receive_data(mo(1), now=0.0)
    session.abandon()
    session.data_to_send()

    session.accept(text)

    assert session.receive_data(mo(2), now=0.0) == []
    assert session.tick(now=1000.0) == []
    assert session.data_to_send() == b""


# The carrier's side


def carrier(timing=None):
    session = Session(Role.SMSC, timing)
    [asked] = session.receive_data(wire("bind_transceiver", 1, system_id="clinic", password="secret"), now=0.0)
    session.answer_bind(asked, 0, "carrier")
    session.data_to_send()
    return session


def test_the_carrier_side_is_asked_before_anybody_is_let_in():
    session = Session(Role.SMSC)

    [asked] = session.receive_data(
        wire("bind_receiver", 4, system_id="clinic", password="secret", interface_version=0x34), now=0.0
    )
    session.answer_bind(asked, 0, "carrier")
    [answer] = pdus(session)

    assert isinstance(asked, BindAsked)
    assert (asked.system_id, asked.password, asked.mode, asked.version) == ("clinic", "secret", Mode.RECEIVER, 0x34)
    assert (answer.command, answer.sequence, answer.tlvs) == ("bind_receiver_resp", 4, {0x0210: b"\x34"})
    assert session.state is State.BOUND_RX


def test_the_carrier_side_refuses_a_bind_and_hears_another_try():
    session = Session(Role.SMSC)
    [asked] = session.receive_data(wire("bind_transceiver", 1, system_id="clinic", password="x"), now=0.0)

    session.answer_bind(asked, Status.RINVPASWD, "carrier")

    assert said(session) == [("bind_transceiver_resp", 1, Status.RINVPASWD)]
    assert session.state is State.OPEN


def test_a_second_bind_is_refused_as_already_bound():
    session = carrier()

    session.receive_data(wire("bind_transceiver", 2, system_id="clinic", password="secret"), now=0.0)

    assert said(session) == [("bind_transceiver_resp", 2, Status.RALYBND)]


def test_a_submit_to_the_carrier_is_accepted_with_its_message_id():
    session = carrier()

    [text] = session.receive_data(
        wire("submit_sm", 2, source_addr=CLINIC, source_addr_ton=1, destination_addr=PATIENT, short_message=b"Hei"),
        now=0.0,
    )
    session.accept(text, message_id="a1")
    [answer] = pdus(session)

    assert (answer.command, answer.fields["message_id"]) == ("submit_sm_resp", "a1")


def test_a_submit_before_the_bind_is_refused():
    session = Session(Role.SMSC)

    session.receive_data(wire("submit_sm", 2, destination_addr=PATIENT), now=0.0)

    assert said(session) == [("submit_sm_resp", 2, Status.RINVBNDSTS)]


def test_the_two_sides_understand_each_other():
    clinic, theirs = Session(Role.ESME), Session(Role.SMSC, Timing(enquire=0))
    clinic.bind(Mode.TRANSCEIVER, "clinic", "secret", now=0.0)
    [asked] = theirs.receive_data(clinic.data_to_send(), now=0.0)
    theirs.answer_bind(asked, 0, "carrier")
    clinic.receive_data(theirs.data_to_send(), now=0.0)

    theirs.deliver(mo(0), 0.0, "text 1")
    [text] = clinic.receive_data(theirs.data_to_send(), now=0.0)
    clinic.accept(text)
    [answered] = theirs.receive_data(clinic.data_to_send(), now=0.0)
    clinic.unbind(now=0.0)
    theirs.receive_data(clinic.data_to_send(), now=0.0)
    [ended] = clinic.receive_data(theirs.data_to_send(), now=0.0)

    assert (answered.note, answered.status) == ("text 1", 0)
    assert ended.why is Ending.UNBOUND_BY_US
    assert clinic.closed
    assert theirs.closed
