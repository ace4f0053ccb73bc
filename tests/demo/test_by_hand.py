"""Texting by hand: a phone in the terminal, and what the running demo shows of it."""

import io
import os

import pytest

from demo.carrier import Shown
from demo.clinic import Text
from demo.onlooker import Onlooker
from demo.phone import use
from demo.screen import Screen
from demo.wire import Unanswered
from tests.demo.stand_ins import KARIN, MemoryClinic, MemoryPhones


@pytest.fixture
def typed(monkeypatch):
    """Types *text* and ends the input."""

    def type_(text):
        reading, writing = os.pipe()
        os.write(writing, text.encode())
        os.close(writing)
        monkeypatch.setattr("sys.stdin", os.fdopen(reading, encoding="utf-8"))

    return type_


def test_the_phone_sends_each_line_and_shows_only_what_comes_from_now_on(typed):
    out, sent = io.StringIO(), []
    phones = MemoryPhones(MemoryClinic(), lambda text: sent.append(text) or [(KARIN, f"Svar på {text}", 1)])
    phones.texts.append(Shown(1, KARIN, "Från i går", 1))
    typed("Hej\n\nAvboka\n")

    use(phones, KARIN, Screen(out))

    assert sent == ["Hej", "Avboka"]
    assert "Svar på Hej" in out.getvalue()
    assert "Svar på Avboka" in out.getvalue()
    assert "Från i går" not in out.getvalue()


def test_the_onlooker_shows_both_sides_of_what_is_new():
    out, clinic = io.StringIO(), MemoryClinic(feed=[Text("in-0", False, KARIN, "Gammalt", "handled", "answered")])
    onlooker = Onlooker(clinic, Screen(out))
    clinic.feed += [
        Text("in-1", False, KARIN, "Hej", "handled", "answered"),
        Text("out-1", True, KARIN, "Välkommen", "sent", None),
    ]

    onlooker.look()

    assert "Gammalt" not in out.getvalue()
    assert out.getvalue().index("Hej") < out.getvalue().index("Välkommen")


def test_the_onlooker_waits_while_the_web_process_is_away():
    clinic = MemoryClinic()
    onlooker = Onlooker(clinic, Screen(io.StringIO()))

    def away():
        raise Unanswered("GET /texts: ConnectionRefusedError")

    clinic.news = away

    onlooker.look()
