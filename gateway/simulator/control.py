"""The carrier's remote control: a small HTTP interface, JSON in and out. docs/simulator.md lists the calls.

Nothing here is protected: it listens on the loopback address, and it is for trials.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import asdict, fields
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from gateway.errors import LocalProtocolError
from gateway.simulator.faults import Faults, Receipts
from gateway.simulator.thread import CarrierThread

_MOST_OCTETS: Final = 1_000_000
_FORMS: Final = {
    "form": {"tlv", "text", "both", "none"},
    "answer_form": {"hex", "dec"},
    "id_form": {"same", "hex", "dec", "upper", "padded"},
    "state": {"DELIVRD", "UNDELIV", "EXPIRED", "REJECTD", "DELETED", "ACCEPTD", "UNKNOWN", "ENROUTE"},
}

Answer = tuple[HTTPStatus, Any]


class BadRequest(ValueError):
    """What was asked cannot be done; the message says what is wrong with it."""


def change(target: Faults | Receipts, wanted: Mapping[str, Any]) -> None:
    """Set the fields of *target* that *wanted* names, all or none. Raises `BadRequest` naming the first wrong one."""
    known = {one.name: getattr(target, one.name) for one in fields(target)}
    for name, value in wanted.items():
        if name not in known:
            raise BadRequest(f"{name!r} is unknown; known are {', '.join(known)}")
        if not _fits(value, known[name]):
            raise BadRequest(f"{name!r} must be {_kind(known[name])}")
        if name in _FORMS and value not in _FORMS[name]:
            raise BadRequest(f"{name!r} must be one of {', '.join(sorted(_FORMS[name]))}")
        if name == "number_status" and not all(type(status) is int for status in value.values()):
            raise BadRequest("'number_status' must be statuses (whole numbers) by number")
        if name == "number_state" and not all(
            isinstance(state, str) and state in _FORMS["state"] for state in value.values()
        ):
            raise BadRequest("'number_state' must be states by number")
    for name, value in wanted.items():
        setattr(target, name, value)


def _fits(value: Any, example: Any) -> bool:
    if isinstance(example, bool) or isinstance(value, bool):
        return isinstance(example, bool) and isinstance(value, bool)
    if isinstance(example, float):
        return isinstance(value, int | float)
    return isinstance(value, type(example))


def _kind(example: Any) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a string", dict: "an object"}
    return names[type(example)]


def serve(carrier: CarrierThread, host: str, port: int) -> ThreadingHTTPServer:
    """Return a server that controls *carrier*; call its `serve_forever`."""

    class Handler(_Handler):
        pass

    Handler.carrier = carrier
    return ThreadingHTTPServer((host, port), Handler)


class _Handler(BaseHTTPRequestHandler):
    carrier: CarrierThread
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a GET."""
        self._handle({"/texts": self._texts, "/faults": self._faults, "/stats": self._stats, "/healthz": self._healthz})

    def do_POST(self) -> None:
        """Answer a POST."""
        self._handle(
            {
                "/texts": self._deliver,
                "/faults": self._change_faults,
                "/receipts": self._change_receipts,
                "/restart": self._restart,
                "/disconnect": self._disconnect,
                "/unbind": self._unbind,
                "/say": self._say,
            }
        )

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: addresses carry numbers."""

    def _handle(self, calls: Mapping[str, Callable[[dict[str, Any]], Answer]]) -> None:
        address = urlsplit(self.path)
        try:
            asked = self._asked(address.query)
            call = calls.get(address.path)
            status, answer = call(asked) if call else (HTTPStatus.NOT_FOUND, {"error": f"no {address.path} here"})
        except (BadRequest, LocalProtocolError) as error:
            status, answer = HTTPStatus.BAD_REQUEST, {"error": str(error)}
        except (TimeoutError, FutureTimeout):
            status, answer = HTTPStatus.GATEWAY_TIMEOUT, {"error": "no gateway took it in time"}
        body = json.dumps(answer, ensure_ascii=False).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _asked(self, query: str) -> dict[str, Any]:
        """Return the query's values, or the body's."""
        if self.command == "GET":
            return {name: values[-1] for name, values in parse_qs(query).items()}
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > _MOST_OCTETS:
            self.close_connection = True
            raise BadRequest(f"Content-Length must be 0 to {_MOST_OCTETS}")
        try:
            asked = json.loads(self.rfile.read(int(length)) or b"{}")
        except ValueError as error:
            raise BadRequest(f"the body is not JSON: {error}") from None
        if not isinstance(asked, dict):
            raise BadRequest("the body must be a JSON object")
        return asked

    def _healthz(self, _asked: dict[str, Any]) -> Answer:
        return HTTPStatus.OK, {"status": "up"}

    def _stats(self, _asked: dict[str, Any]) -> Answer:
        return HTTPStatus.OK, self.carrier.stats()

    def _texts(self, asked: dict[str, Any]) -> Answer:
        after = asked.get("after", "0")
        if not after.isdigit():
            raise BadRequest("'after' must be a whole number")
        return HTTPStatus.OK, [asdict(text) for text in self.carrier.texts(asked.get("number", ""), int(after))]

    def _deliver(self, asked: dict[str, Any]) -> Answer:
        number, service_number, text = (_string(asked, name) for name in ("from", "to", "text"))
        wait = _number(asked, "wait", 0.0)
        if wait:
            return HTTPStatus.OK, {"statuses": self.carrier.deliver(number, service_number, text, timeout=wait)}
        return HTTPStatus.ACCEPTED, {"parts": self.carrier.queue(number, service_number, text)}

    def _faults(self, _asked: dict[str, Any]) -> Answer:
        return HTTPStatus.OK, {"faults": asdict(self.carrier.faults), "receipts": asdict(self.carrier.receipts)}

    def _change_faults(self, asked: dict[str, Any]) -> Answer:
        change(self.carrier.faults, asked)
        return HTTPStatus.OK, asdict(self.carrier.faults)

    def _change_receipts(self, asked: dict[str, Any]) -> Answer:
        change(self.carrier.receipts, asked)
        return HTTPStatus.OK, asdict(self.carrier.receipts)

    def _restart(self, asked: dict[str, Any]) -> Answer:
        self.carrier.restart(_number(asked, "seconds", 1.0))
        return HTTPStatus.OK, {}

    def _disconnect(self, asked: dict[str, Any]) -> Answer:
        self.carrier.disconnect(inside_pdu=asked.get("inside_pdu") is True)
        return HTTPStatus.OK, {}

    def _unbind(self, _asked: dict[str, Any]) -> Answer:
        self.carrier.unbind()
        return HTTPStatus.OK, {}

    def _say(self, asked: dict[str, Any]) -> Answer:
        try:
            octets = bytes.fromhex(_string(asked, "hex"))
        except ValueError:
            raise BadRequest("'hex' must be octets in hexadecimal") from None
        self.carrier.say(octets)
        return HTTPStatus.OK, {"octets": len(octets)}


def _string(asked: Mapping[str, Any], name: str) -> str:
    value = asked.get(name)
    if not isinstance(value, str):
        raise BadRequest(f"{name!r} must be a string")
    return value


def _number(asked: Mapping[str, Any], name: str, default: float) -> float:
    value = asked.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 3600:
        raise BadRequest(f"{name!r} must be a number of seconds, 0 to 3600")
    return float(value)
