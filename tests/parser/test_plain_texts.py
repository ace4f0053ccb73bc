"""The plainest texts, as benches, demo and flows write them: whoever writes clearly is understood."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from bench.talk import _TEXTS
from parser.command import Intent
from parser.reading import parse

NOW = datetime(2026, 4, 14, 9, 0, tzinfo=ZoneInfo("Europe/Helsinki"))
MEANT = {"list": Intent.LIST, "confirm": Intent.CONFIRM, "cancel": Intent.CANCEL, "book": Intent.BOOK}


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
@pytest.mark.parametrize("step", list(MEANT))
def test_a_plain_request_is_read_as_what_it_says(language, step):
    text = _TEXTS[language][step].format(code="010120-904S", day=20, month=4, part=_TEXTS[language]["morning"])

    assert parse(text, NOW).intent is MEANT[step]


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("I confirm my appointment", Intent.CONFIRM),
        ("Jag bekräftar min tid", Intent.CONFIRM),
        ("Vahvistan aikani", Intent.CONFIRM),
        ("I cancel my appointment", Intent.CANCEL),
        ("Please cancel my appointment", Intent.CANCEL),
        ("Jag avbokar min tid", Intent.CANCEL),
        ("Perun aikani", Intent.CANCEL),
        ("Peruisin huomisen ajan", Intent.CANCEL),
        ("I would like to move my appointment", Intent.RESCHEDULE),
        ("cancel and reschedule my appointment please", Intent.RESCHEDULE),
        ("Siirtäisin aikaani", Intent.RESCHEDULE),
        ("Moi, pitäis siirtää tuo hygienistin aika johonkin toiseen päivään. 010120-904S", Intent.RESCHEDULE),
        ("Pitäisi perua tuo hygienistin aika. 010120-904S", Intent.CANCEL),
        ("Jag vill flytta min tid", Intent.RESCHEDULE),
        ("When is my appointment?", Intent.LIST),
        ("När är min tid?", Intent.LIST),
        ("Milloin aikani on?", Intent.LIST),
        ("I want to book a time", Intent.BOOK),
        ("Jag vill boka en tid", Intent.BOOK),
        ("Haluan varata ajan", Intent.BOOK),
    ],
)
def test_a_plain_sentence_is_read_as_what_it_says(text, intent):
    assert parse(text, NOW).intent is intent
