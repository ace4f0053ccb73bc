"""The demo's small parts: times as they are written, bubbles, ports, the made-up people and days."""

import io
import socket
from datetime import date, datetime

import holidays
import pytest

from demo import wording
from demo.house import free_port
from demo.scene import PEOPLE, Says
from demo.scenes import NOBODYS_CODE, NOT_ON_FILE, SCENES
from demo.screen import Screen, bubble
from demo.seed import ZONE, demo_data
from parser.identity import read_codes

TUESDAY = datetime(2024, 5, 14, 9, 5, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("language", "named", "written"),
    [
        ("fi", "ti 14.5. klo 9.05", "ti 14.5. klo 9.05"),
        ("sv", "ti 14.5 kl 9.05", "ti 14.5. kl 9.05"),
        ("en", "Tue 14.5. at 9.05", "Tue 14 May at 09:05"),
    ],
)
def test_times_read_as_each_language_has_them(language, named, written):
    assert wording.named(TUESDAY, language) == named
    assert f"{wording.written_day(TUESDAY, language)} {wording.written_time(TUESDAY, language)}" == written


def test_a_bubble_wraps_its_text_and_every_line_is_as_wide():
    lines = bubble("one\n" + "word " * 30, 2).splitlines()

    assert len({len(line) for line in lines}) == 1
    assert max(map(len, lines)) < 80
    assert all(line.startswith("  ") for line in lines)


def test_a_screen_that_is_no_terminal_gets_no_colours():
    out = io.StringIO()

    Screen(out).end(["expected this; came that"])

    assert out.getvalue() == "    ✗ expected this; came that\n"


def test_a_port_that_is_taken_is_not_taken_again():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert free_port(port) != port


def test_a_port_that_is_free_is_taken_as_wished():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    assert free_port(port) == port


def test_every_scene_names_people_of_the_clinic():
    assert {one for scene in SCENES for one in (scene.person, scene.about)} <= PEOPLE.keys()


def test_the_wrong_code_is_a_right_one_of_nobody():
    assert [found.status for found in read_codes(NOBODYS_CODE, date(2026, 1, 1))] == ["ok"]
    assert NOBODYS_CODE not in {person.code for person in PEOPLE.values()}
    assert NOT_ON_FILE not in {person.number for person in PEOPLE.values()}


def test_the_scenes_are_played_in_three_languages():
    spoken = {scene.language for scene in SCENES for step in scene.steps if isinstance(step, Says)}

    assert spoken == {"fi", "sv", "en"}


@pytest.mark.parametrize(
    "now",
    [
        datetime(2026, 12, 23, 23, 50, tzinfo=ZONE),
        datetime(2026, 12, 31, 23, 59, tzinfo=ZONE),
        datetime(2027, 3, 28, 2, 30, tzinfo=ZONE),
        datetime(2026, 10, 25, 3, 30, tzinfo=ZONE, fold=1),
        datetime(2028, 2, 29, 0, 0, tzinfo=ZONE),
    ],
)
def test_the_diary_holds_at_any_moment(now):
    data = demo_data(now)
    closed = holidays.country_holidays("FI", years=range(2026, 2030))
    starts = [datetime.fromisoformat(slot["start"]) for slot in data["slots"]]
    soon = next(visit for visit in data["appointments"] if visit["patient"] == "p-heikkinen")
    begins, ends = (datetime.fromisoformat(soon[end]) for end in ("start", "end"))

    assert all(start > now and start.weekday() < 5 and start.date() not in closed for start in starts)
    assert begins.astimezone(ZONE).date() == now.date()
    assert begins < ends
    assert ends > now
