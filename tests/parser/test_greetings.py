"""A greeting before a signature is none of the name."""

import pytest

from parser.reading import parse
from tests.builders import HELSINKI, NOW

NOON = NOW.astimezone(HELSINKI)


@pytest.mark.parametrize("greeting", ["Mvh", "mvh", "Hälsningar", "Med vänlig hälsning,"])
def test_the_name_begins_after_the_greeting(greeting):
    command = parse(f"Jag måste avboka min tid. {greeting} Karin Lindström 280649-905R", NOON)

    assert command.name == "Karin Lindström"


def test_a_name_that_is_also_a_greeting_stays_whole():
    command = parse("Please cancel my appointment. George Best 280649-905R", NOON)

    assert command.name == "George Best"
