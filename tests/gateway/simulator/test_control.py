"""The carrier by hand: its command line and its HTTP control."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from threading import Thread

import pytest

from gateway.simulator.control import serve
from gateway.simulator.thread import CarrierThread
from tests.gateway.stand_ins import CLINIC, Gateway, patient, wait_until


class Control:
    """A client of the control interface; answers are (status, JSON)."""

    def __init__(self, port):
        self._base = f"http://127.0.0.1:{port}"

    def get(self, path):
        return self._ask(path, None)

    def post(self, path, body):
        return self._ask(path, body if isinstance(body, bytes) else json.dumps(body).encode())

    def _ask(self, path, data):
        try:
            with urllib.request.urlopen(urllib.request.Request(self._base + path, data), timeout=15) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)


@pytest.fixture
def carrier():
    with CarrierThread() as carrier:
        carrier.receipts.form = "none"
        yield carrier


@pytest.fixture
def control(carrier):
    server = serve(carrier, "127.0.0.1", 0)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield Control(server.server_address[1])
    server.shutdown()
    server.server_close()
    thread.join()


def moi(**more):
    return {"from": patient(), "to": CLINIC, "text": "Moi"} | more


def test_a_text_is_sent_and_its_answer_read_over_http(carrier, control):
    with Gateway(carrier.port):
        sent = control.post("/texts", moi(wait=10))
        wait_until(lambda: carrier.texts())
        status, [text] = control.get(f"/texts?number=%2B{patient()[1:]}&after=0")

    assert sent == (200, {"statuses": [0]})
    assert (status, text["id"], text["number"], text["text"]) == (200, 1, patient(), "Kiitos: Moi")


def test_texts_are_read_from_where_the_last_reading_ended(carrier, control):
    with Gateway(carrier.port) as gateway:
        for n in (1, 2, 3):
            gateway.post.write(patient(n), f"Hei {n}")
        wait_until(lambda: len(carrier.texts()) == 3)

        assert [text["id"] for text in control.get("/texts?after=1")[1]] == [2, 3]
        assert [text["text"] for text in control.get(f"/texts?number=%2B{patient(2)[1:]}")[1]] == ["Hei 2"]


def test_a_text_without_a_gateway_waits(control):
    assert control.post("/texts", moi()) == (202, {"parts": 1})
    assert control.post("/texts", moi(wait=0.1))[0] == 504
    assert control.get("/stats")[1]["waiting"] == 2


def test_faults_and_receipts_are_changed_and_shown(carrier, control):
    control.post("/faults", {"rate": 20, "number_status": {patient(): 11}})
    control.post("/receipts", {"state": "UNDELIV", "delay": 1.5})

    assert (carrier.faults.rate, carrier.faults.number_status) == (20, {patient(): 11})
    assert control.get("/faults")[1]["receipts"]["state"] == "UNDELIV"


@pytest.mark.parametrize(
    ("path", "body", "complaint"),
    [
        ("/texts", b"{", "the body is not JSON"),
        ("/texts", b"\xff", "the body is not JSON"),
        ("/texts", [], "the body must be a JSON object"),
        ("/texts", {"from": "1", "to": "2"}, "'text' must be a string"),
        ("/texts", {"from": 1, "to": "2", "text": "Moi"}, "'from' must be a string"),
        ("/texts", moi(wait="long"), "'wait' must be a number"),
        ("/texts", moi(text="x" * 90_000), "255 parts"),
        ("/texts", moi(**{"from": "+" + "1" * 40}), "source_addr is too long"),
        ("/faults", {"rat": 1}, "'rat' is unknown; known are bind_status"),
        ("/faults", {"rate": "much"}, "'rate' must be a number"),
        ("/faults", {"half_open": 1}, "'half_open' must be true or false"),
        ("/faults", {"status": 1.5}, "'status' must be a whole number"),
        ("/faults", {"number_status": {"1": "x"}}, "'number_status' must be statuses"),
        ("/receipts", {"state": "LOST"}, "'state' must be one of ACCEPTD"),
        ("/receipts", {"number_state": {"1": []}}, "'number_state' must be states"),
        ("/restart", {"seconds": -1}, "'seconds' must be a number"),
        ("/say", {"hex": "xyz"}, "'hex' must be octets"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_is_wrong(control, path, body, complaint):
    status, answer = control.post(path, body)

    assert status == 400
    assert complaint in answer["error"]


def test_a_wrong_change_changes_nothing(carrier, control):
    control.post("/faults", {"rate": 20, "delay": "long"})

    assert carrier.faults.rate == 0


def test_what_is_not_there_is_said_to_be_missing(control):
    assert control.get("/nothing")[0] == 404
    assert control.post("/stats", {})[0] == 404
    assert control.get("/texts?after=x")[0] == 400


def test_the_link_is_broken_unbound_restarted_and_spoken_nonsense_to_over_http(carrier, control):
    with Gateway(carrier.port):
        for number, (path, body) in enumerate(
            [
                ("/disconnect", {"inside_pdu": True}),
                ("/unbind", {}),
                ("/restart", {"seconds": 0.1}),
                ("/say", {"hex": "00" * 16}),
            ],
            1,
        ):
            carrier.wait_for_bind()
            assert control.post(path, body)[0] == 200
            wait_until(lambda number=number: control.get("/stats")[1]["binds"] == number + 1)


def test_the_command_line_starts_a_carrier_and_sigterm_ends_it():
    command = [sys.executable, "-m", "gateway.simulator", "--port", "0", "--http", "0", "--password", "salasana"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            port = int(process.stdout.readline().rpartition(":")[2])
            control = Control(int(process.stdout.readline().rpartition(":")[2]))
            with Gateway(port, password="salasana"):
                assert control.get("/healthz") == (200, {"status": "up"})
                assert control.post("/texts", moi(wait=10)) == (200, {"statuses": [0]})
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        finally:
            process.kill()
