"""A carrier that shares no code with ours: octets by hand on a plain socket, as the standard has them."""

from __future__ import annotations

import socket
import struct

import pytest

from tests.gateway.stand_ins import CLINIC, Gateway, patient, wait_until

BIND_TRX, SUBMIT, DELIVER, UNBIND, ENQUIRE, DATA = 9, 4, 5, 6, 0x15, 0x103
RESP = 0x80000000
NACK = 0x80000000


def pdu(command, sequence, body=b"", status=0):
    return struct.pack(">IIII", 16 + len(body), command, status, sequence) + body


def deliver(sequence, text=b"Moi", tlvs=b""):
    source, destination = patient()[1:].encode(), CLINIC[1:].encode()
    addresses = b"\0" + b"\1\1" + source + b"\0" + b"\1\1" + destination + b"\0"
    rest = bytes(3) + b"\0\0" + bytes([0, 0, 0, 0, len(text)]) + text
    return pdu(DELIVER, sequence, addresses + rest + tlvs)


class Wire:
    """The carrier's end of one connection."""

    def __init__(self, connection):
        self.connection = connection
        connection.settimeout(10)
        self._buffer = b""

    def say(self, *octets):
        self.connection.sendall(b"".join(octets))

    def hear(self):
        """The next PDU as (command, status, sequence, body), or None at the end of the connection."""
        while len(self._buffer) < 4 or len(self._buffer) < struct.unpack(">I", self._buffer[:4])[0]:
            came = self.connection.recv(65536)
            if not came:
                return None
            self._buffer += came
        length, command, status, sequence = struct.unpack(">IIII", self._buffer[:16])
        body, self._buffer = self._buffer[16:length], self._buffer[length:]
        return command, status, sequence, body

    def hear_header(self):
        heard = self.hear()
        return heard and heard[:3]

    def let_in(self, *more):
        command, _, sequence, _ = self.hear()
        assert command == BIND_TRX
        self.say(pdu(BIND_TRX | RESP, sequence, b"carrier\0"), *more)


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        yield server


@pytest.fixture
def gateway(listener):
    with Gateway(listener.getsockname()[1]) as gateway:
        gateway.desk._answer = lambda text: None
        yield gateway


@pytest.fixture
def wire(listener, gateway):
    connection, _ = listener.accept()
    with connection:
        yield Wire(connection)


def test_the_bind_says_what_the_standard_asks_for(wire):
    command, status, sequence, body = wire.hear()

    assert (command, status) == (BIND_TRX, 0)
    assert 1 <= sequence <= 0x7FFFFFFF
    assert body == b"tekstari\0secret\0\0\x34\0\0\0"


def test_a_text_right_behind_the_answer_to_the_bind_is_taken(wire, gateway):
    wire.let_in(deliver(7))

    assert wire.hear() == (DELIVER | RESP, 0, 7, b"\0")
    assert [text.octets for text in gateway.post.inbox] == [b"Moi"]


def test_nagles_algorithm_is_off_and_the_line_is_kept_alive(wire, gateway):
    wire.let_in()
    wait_until(lambda: gateway.links[0].report().state == "bound as transceiver")

    ours = gateway.links[0]._connection._transport.get_extra_info("socket")

    assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def test_a_text_octet_by_octet_among_others_arrives(wire, gateway):
    wire.let_in()
    for octet in deliver(1, b"1") + pdu(ENQUIRE, 2) + deliver(3, b"3"):
        wire.say(bytes([octet]))

    heard = sorted(wire.hear_header() for _ in range(3))

    assert heard == [(DELIVER | RESP, 0, 1), (DELIVER | RESP, 0, 3), (ENQUIRE | RESP, 0, 2)]


def test_two_hundred_texts_in_one_segment_are_each_acknowledged_in_order(wire, gateway):
    wire.let_in()
    wire.say(*(deliver(n, b"%d" % n) for n in range(1, 201)))

    assert [wire.hear_header() for _ in range(200)] == [(DELIVER | RESP, 0, n) for n in range(1, 201)]
    assert [int(text.octets) for text in gateway.post.inbox] == list(range(1, 201))


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (pdu(0x77, 5), (NACK, 3, 5)),
        (pdu(SUBMIT, 5), (NACK, 3, 5)),
        (pdu(0x21, 5, b"\0"), (NACK, 3, 5)),
        (pdu(8, 5), (NACK, 3, 5)),
        (pdu(DELIVER, 5), (DELIVER | RESP, 0xC2, 5)),
        (deliver(5, tlvs=b"\x04\x24\x00"), (DELIVER | RESP, 0xC0, 5)),
        (deliver(5, tlvs=b"\x04\x24\x00\x09abc"), (DELIVER | RESP, 0xC0, 5)),
        (deliver(5, tlvs=b"\x14\x00\x00\x02xy"), (DELIVER | RESP, 0, 5)),
        (deliver(5, tlvs=b"\x02\x0a\x00\x03abc"), (DELIVER | RESP, 0, 5)),
        (pdu(ENQUIRE, 5), (ENQUIRE | RESP, 0, 5)),
        (pdu(DATA, 5, b"\0\1\1358405550101\0\1\1358405550100\0\0\0\0"), (DATA | RESP, 0, 5)),
    ],
)
def test_each_request_has_its_answer_and_the_link_lives_on(wire, said, answer):
    wire.let_in()
    wire.say(said)

    assert wire.hear_header() == answer
    wire.say(pdu(ENQUIRE, 6))
    assert wire.hear_header() == (ENQUIRE | RESP, 0, 6)


@pytest.mark.parametrize("said", [pdu(0x102, 5, b"\0\0" + b"1\0" + b"\0\0" + b"2\0"), pdu(0x80000077, 5), pdu(NACK, 5)])
def test_what_asks_for_nothing_gets_nothing(wire, said):
    wire.let_in()
    wire.say(said, pdu(ENQUIRE, 6))

    assert wire.hear_header() == (ENQUIRE | RESP, 0, 6)


@pytest.mark.parametrize("length", [0, 3, 15, 0x7FFFFFFF, 0xFFFFFFFF])
def test_an_impossible_length_is_nacked_and_the_link_is_made_anew(wire, listener, length):
    wire.let_in()
    wire.say(struct.pack(">I", length) + bytes(12))

    assert wire.hear_header() == (NACK, 2, 0)
    assert wire.hear() is None
    connection, _ = listener.accept()
    with connection:
        Wire(connection).let_in()


def test_a_text_before_the_bind_is_answered_is_refused(wire):
    wire.say(deliver(5))
    _, _, _, _ = wire.hear()

    assert wire.hear_header() == (DELIVER | RESP, 4, 5)


def test_a_submit_is_on_the_wire_as_the_standard_has_it(wire, gateway):
    wire.let_in()
    gateway.post.write(patient(), "Moi €")

    command, status, sequence, body = wire.hear()
    wire.say(pdu(SUBMIT | RESP, sequence, b"a1\0"))
    wait_until(lambda: gateway.post.settlements)

    ours, theirs = CLINIC[1:].encode(), patient()[1:].encode()
    assert (command, status) == (SUBMIT, 0)
    assert body == (
        b"\0" + b"\1\1" + ours + b"\0" + b"\1\1" + theirs + b"\0" + b"\0\0\0" + b"\0\0" + b"\1\0\0\0" + b"\6Moi \x1be"
    )
    assert gateway.post.settlements[0].message_id == "a1"


def test_a_refusal_without_a_body_is_understood(wire, gateway):
    wire.let_in()
    gateway.post.write(patient(), "Moi")
    _, _, sequence, _ = wire.hear()

    wire.say(pdu(SUBMIT | RESP, sequence, status=0x0B))

    wait_until(lambda: gateway.post.states() == ["refused"])


def test_an_unbind_is_answered_after_the_text_before_it(wire, gateway):
    wire.let_in()
    wire.say(deliver(5), pdu(UNBIND, 6))

    assert [wire.hear_header() for _ in range(2)] == [(DELIVER | RESP, 0, 5), (UNBIND | RESP, 0, 6)]
    assert wire.hear() is None


def test_a_stop_unbinds_and_takes_the_text_that_crosses_it(wire, gateway):
    wire.let_in()
    wait_until(lambda: gateway.links[0].report().state == "bound as transceiver")
    gateway.stop_in_background()

    command, _, sequence, _ = wire.hear()
    wire.say(deliver(8))
    crossed = wire.hear_header()
    wire.say(pdu(UNBIND | RESP, sequence))

    assert (command, crossed) == (UNBIND, (DELIVER | RESP, 0, 8))
    assert wire.hear() is None


def test_a_link_that_closes_at_once_again_and_again_is_not_hammered(listener, gateway):
    for _ in range(4):
        connection, _ = listener.accept()
        connection.close()
    connection, _ = listener.accept()

    with connection:
        Wire(connection).let_in()
        wait_until(lambda: gateway.links[0].report().state == "bound as transceiver")
