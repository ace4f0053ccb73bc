from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys
import threading
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

import logs
from config import load

ROOT = Path(__file__).parent.parent
CODE = "131052-908T"
NUMBER = "+358405550101"
DASHES = "-+ABCDEFUVWXYabcdefuvwxy\u2010\u2011\u2012\u2013\u2014\u2212"
CHECK = "0123456789ABCDEFHJKLMNPRSTUVWXY"


@pytest.fixture
def lines():
    """The lines that this process logs, each read back from JSON; logging is as before afterwards."""
    root, smpplib = logging.getLogger(), logging.getLogger("smpplib")
    before = (root.handlers, root.level, smpplib.level, sys.excepthook, threading.excepthook)
    stream = io.StringIO()
    logs.configure("test", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.captureWarnings(False)
    structlog.reset_defaults()
    root.handlers = before[0]
    root.setLevel(before[1])
    smpplib.setLevel(before[2])
    sys.excepthook, threading.excepthook = before[3:]


@st.composite
def identity_codes(draw):
    """A Finnish or Swedish identity code of a made-up person, in any dress."""
    born = draw(st.dates(datetime(1920, 1, 1).date(), datetime(2026, 1, 1).date()))
    gap = draw(st.sampled_from(["", "", " ", "  "]))
    if draw(st.booleans()):
        inner = draw(st.sampled_from(["", "", ".", " ", ". "]))
        date = born.strftime(f"%d{inner}%m{inner}%y")
        tail = f"{draw(st.integers(900, 999))}{gap}{draw(st.sampled_from(CHECK + CHECK.lower()))}"
        separator = draw(st.sampled_from(["", *DASHES]))
    else:
        inner = draw(st.sampled_from(["", "", "-", " "]))
        date = born.strftime(draw(st.sampled_from([f"%y{inner}%m{inner}%d", f"%Y{inner}%m{inner}%d"])))
        separator, tail = draw(st.sampled_from(["-", "+", "\u2013"])), str(draw(st.integers(1000, 9999)))
    return f"{date}{gap}{separator}{gap}{tail}"


@st.composite
def phone_numbers(draw):
    """A Finnish or Swedish mobile number, as people and carriers write them."""
    country, area = draw(st.sampled_from([("358", "40"), ("358", "50"), ("358", "44"), ("46", "70")]))
    prefix = draw(st.sampled_from([f"+{country}", f"00{country}", country, "0", f"+{country} ", f"+{country} (0)"]))
    gap = draw(st.sampled_from(["", " ", "-"]) if prefix != country else st.just(""))
    return f"{prefix}{area}{gap}{draw(st.sampled_from(['555', '123']))}{gap}{draw(st.integers(1000, 9999))}"


def bare(text: str) -> str:
    return re.sub(r"[\W_]", "", text).lower()


@given(secret=identity_codes() | phone_numbers(), before=st.text(max_size=8), after=st.text(max_size=8))
def test_no_code_or_number_survives_in_a_text(secret, before, after):
    # A digit beside it makes another number of it.
    before, after = re.sub(r"\d\.?$", "", before), re.sub(r"^[\W_]*\w*", "", after)

    masked = logs.mask(f"{before}{secret}{after}")

    assert bare(secret) not in bare(masked)
    assert bare(secret)[:9] not in bare(masked)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02T09:00:00.123456Z",
        "2026-03-02 09:00:00",
        "reminder:41:1d:2026-03-02T09:00Z",
        "550e8400-e29b-41d4-a716-446655440000",
        "127.0.0.1:2775",
        "02.03.2026 09:00",
        "took 0.012345 s",
        "row 12345678",
        "1764000000",
    ],
)
def test_what_an_operator_needs_is_left_as_it_is(text):
    assert logs.mask(text) == text


def leak_in_message(log):
    log.info(f"heard {CODE} from {NUMBER}")


def leak_in_values(log):
    log.info("heard", text=CODE, numbers=[NUMBER, {"also": (NUMBER,), CODE: 1}], raw=CODE.encode(), bare=358405550101)


def leak_in_an_object(log):
    class Patient:
        def __repr__(self):
            return f"<Patient {CODE} {NUMBER}>"

    log.info("seen", patient=Patient(), deep=[[[[[[[[[[NUMBER]]]]]]]]]])


def leak_in_a_traceback(log):
    try:
        raise ValueError(f"cannot read {CODE}") from KeyError(NUMBER)
    except ValueError:
        log.exception("failed")


def leak_in_a_library(_log):
    logging.getLogger("library").warning("heard %s from %s", CODE, NUMBER)
    try:
        raise ValueError(f"{CODE} {NUMBER}")
    except ValueError:
        logging.getLogger("library").exception("failed")


def leak_in_a_warning(_log):
    warnings.warn(f"{CODE} {NUMBER}", stacklevel=1)


def leak_from_a_thread(_log):
    def fail():
        raise ValueError(f"{CODE} {NUMBER}")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


def leak_uncaught(_log):
    error = ValueError(f"{CODE} {NUMBER}")
    sys.excepthook(ValueError, error, None)


def leak_in_context(log):
    with structlog.contextvars.bound_contextvars(thread=NUMBER):
        log.info("answered", code=CODE)


@pytest.mark.parametrize(
    "leak",
    [
        leak_in_message,
        leak_in_values,
        leak_in_an_object,
        leak_in_a_traceback,
        leak_in_a_library,
        leak_in_a_warning,
        leak_from_a_thread,
        leak_uncaught,
        leak_in_context,
    ],
)
@pytest.mark.filterwarnings("always")
def test_no_way_into_the_log_carries_a_code_or_a_number(leak, lines):
    leak(structlog.get_logger("tekstari"))

    written = json.dumps(lines())
    assert "<code>" in written or "<number>" in written
    assert "908" not in written
    assert "5550101" not in written


@given(secret=identity_codes() | phone_numbers(), deep=st.integers(0, 12))
def test_no_code_or_number_survives_in_nested_values(secret, deep):
    value = secret
    for level in range(deep):
        value = [value] if level % 2 else {"key": value}

    event = logs.redact(None, "info", {"event": "x", "value": value})

    assert bare(secret)[:9] not in bare(json.dumps(event))


def test_a_line_says_when_who_and_what(lines):
    structlog.get_logger("gateway").info("bound", bind="main", window=50, at=datetime(2026, 3, 2, tzinfo=UTC))

    [line] = lines()

    assert datetime.fromisoformat(line.pop("timestamp")).tzinfo == UTC
    assert line == {
        "process": "test",
        "logger": "gateway",
        "level": "info",
        "event": "bound",
        "bind": "main",
        "window": 50,
        "at": "2026-03-02 00:00:00+00:00",
    }


def test_the_carrier_library_says_no_more_than_warnings(lines):
    logs.configure("test", level=logging.DEBUG)

    assert not logging.getLogger("smpplib.client").isEnabledFor(logging.INFO)
    assert logging.getLogger("smpplib.client").isEnabledFor(logging.WARNING)
    assert lines() == []


def test_a_line_that_cannot_be_written_does_not_show_its_arguments(lines, capsys):
    stream = io.StringIO()
    logs.configure("test", stream)

    logging.getLogger("library").warning("%d", NUMBER)

    assert stream.getvalue().startswith("a log line of library (test_logs.py:")
    assert NUMBER not in stream.getvalue() + "".join(capsys.readouterr())


def test_a_terminal_gets_text(lines):
    stream = io.StringIO()
    stream.isatty = lambda: True
    logs.configure("test", stream)

    leak_in_a_traceback(structlog.get_logger("tekstari"))

    assert "failed" in stream.getvalue()
    assert "<code>" in stream.getvalue()
    assert "908" not in stream.getvalue()


@pytest.mark.parametrize(("offset", "event"), [("0s", "started"), ("2h", "started_with_moved_clock")])
def test_the_first_line_tells_of_a_moved_clock(offset, event, lines, tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(f'[service]\nclock_offset = "{offset}"', encoding="utf-8")
    settings = load(path, {"TEKSTARI_TEST": "1"})

    logs.announce(settings)

    [line] = lines()
    assert line["event"] == event
    assert line.get("clock_offset", "0:00:00") == str(settings.service.clock_offset)
    assert settings.service.clock_offset in {timedelta(0), timedelta(hours=2)}


def test_a_process_that_dies_does_not_show_a_code():
    script = f"import logs; logs.configure('test'); raise SystemError('{CODE} {NUMBER}')"

    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert json.loads(ended.stderr)["event"] == "uncaught"
    assert "908" not in ended.stderr + ended.stdout
