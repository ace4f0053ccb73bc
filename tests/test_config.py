from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

import settings as shapes
from config import SECTIONS, ConfigError, load

SHIPPED = Path(__file__).parent.parent / "config.toml"


@pytest.fixture
def written(tmp_path):
    """A config file with the given text."""

    def write(text: str) -> Path:
        path = tmp_path / "config.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def problems(path: Path | None, environ: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(path, environ or {})
    return caught.value.problems


def test_the_shipped_file_says_every_key_and_every_default(written):
    shipped = load(SHIPPED, {})
    defaults = load(written(""), {})

    assert shipped.model_dump(exclude={"service": {"data_dir"}}) == defaults.model_dump(
        exclude={"service": {"data_dir"}}
    )
    text = SHIPPED.read_text(encoding="utf-8")
    missing = [key for section in (*SECTIONS.values(), shapes.Smpp) for key in section.model_fields if key not in text]
    assert missing == []


def test_an_empty_file_runs_the_demo_beside_itself(written):
    path = written("")

    settings = load(path, {})

    assert settings.service.data_dir == path.parent / "var"
    assert settings.service.secrets_file is None
    assert [bind.numbers for bind in settings.smpp] == [("+358405550100",)]
    assert settings.reminders.steps == (timedelta(days=3), timedelta(days=1))
    assert settings.reminders.quiet == (time(21), time(8))


@pytest.mark.parametrize(
    ("written_as", "means"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("2h", timedelta(hours=2)),
        ("1.5d", timedelta(hours=36)),
        ("2w", timedelta(days=14)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(written, written_as, means):
    settings = load(written(f'[offers]\nhorizon = "52w"\nstop_before = "{written_as}"'), {})

    assert settings.offers.stop_before == means


def test_no_quiet_hours_are_an_empty_list(written):
    assert load(written("[reminders]\nquiet = []"), {}).reminders.quiet is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[web]\nport = "abc"', 'web.port = "abc": expected a whole number 1-65535'),
        ('[web]\nport = "8080"', 'web.port = "8080": expected a whole number 1-65535'),
        ("[web]\nport = 70000", "web.port = 70000: expected a whole number 1-65535"),
        ("[web]\nport = true", "web.port = true: expected a whole number 1-65535"),
        ("[web]\nprot = 8080", "web.prot = 8080: expected one of the keys host, port, threads"),
        ("web = 5", "web = 5: expected a table [web]"),
        ("[smpp]\nport = 1", 'smpp = {"port": 1}: expected one or more tables [[smpp]]'),
        ("smpp = []", "smpp = []: expected one or more tables [[smpp]]"),
        ("[[smpp]]\nport = 0", "smpp[0].port = 0: expected a whole number 1-65535"),
        ("[[smpp]]\nwindow = 0", "smpp[0].window = 0: expected a whole number 1-10000"),
        ("[[smpp]]\nrate = -1", "smpp[0].rate = -1: expected a number 0-100000, 0 = no limit"),
        ("[[smpp]]\nrate = nan", "smpp[0].rate = NaN: expected a number 0-100000, 0 = no limit"),
        ('[[smpp]]\ntls = "yes"', 'smpp[0].tls = "yes": expected true or false'),
        (
            '[[smpp]]\nnumbers = ["+358405550100", "0405550101"]',
            'smpp[0].numbers[1] = "0405550101": expected one or more numbers such as "+358405550100", each once',
        ),
        ('[service]\ntimezone = "Europe"', "service.timezone"),
        ('[service]\ntimezone = "Europe/Turku"', "service.timezone"),
        ('[service]\ntimezone = "../etc"', "service.timezone"),
        ('[service]\nregion = "Finland"', 'service.region = "Finland": expected a country code'),
        ('[service]\nlanguages = ["fi", "xx"]', 'service.languages[1] = "xx": expected one or more of en, fi, sv'),
        ('[service]\nlanguages = ["fi", "fi"]', 'service.languages = ["fi", "fi"]: expected one or more of'),
        ("[service]\nlanguages = []", "service.languages = []: expected one or more of"),
        ('[service]\ndata_dir = ""', "service.data_dir"),
        ("[service]\nsecrets_file = 5", "service.secrets_file = 5: expected a file"),
        ('[offers]\nhorizon = "7"', 'offers.horizon = "7": expected a duration above zero'),
        ("[offers]\nhorizon = 7", "offers.horizon = 7: expected a duration above zero"),
        ('[offers]\nhorizon = "0s"', 'offers.horizon = "0s": expected a duration above zero'),
        (
            '[offers]\nhorizon = "30m"',
            'offers.stop_before = "3600s": expected a duration shorter than offers.horizon',
        ),
        ('[provisional]\nask = ["14d"]', 'provisional.ask = ["14d"]: expected durations longer than provisional.lapse'),
        ('[reminders]\nsteps = ["3d", "72h"]', "reminders.steps"),
        ('[reminders]\nsteps = ["3d", "-1d"]', 'reminders.steps[1] = "-1d"'),
        ('[reminders]\nquiet = ["21:00"]', 'reminders.quiet = ["21:00"]: expected two different times'),
        ('[reminders]\nquiet = ["21", "8"]', "reminders.quiet"),
        ('[reminders]\nquiet = ["21:00", "21:00"]', "reminders.quiet"),
        ("[reminders]\nquiet = 21", "reminders.quiet = 21"),
        ('[identity]\npolicy = "name"', 'identity.policy = "name": expected "two_facts" or "code_and_name"'),
        ('[redis]\nurl = "localhost"', "redis.url = (hidden): expected"),
        ('[database]\nurl = "mysql://x"', "database.url = (hidden): expected"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_expected(written, text, problem):
    [found] = problems(written(text))

    assert found.startswith(problem)


def test_all_problems_are_told_at_once_and_sorted(written):
    found = problems(
        written("[web]\nport = 0\nhost = 3\n[offers]\nauto = 1\n[lunch]\n[[smpp]]\nwindow = 0\n[[smpp]]\ntls = 1")
    )

    assert [line.partition(" = ")[0] for line in found] == [
        "lunch", "offers.auto", "smpp[0].window", "smpp[1].tls", "web.host", "web.port"
    ]  # fmt: skip


def test_a_password_is_never_quoted(written):
    found = problems(written('[[smpp]]\npassword = "s p a c e s"\npasword = "s p a c e s"\n'))

    assert len(found) == 2
    assert "s p a c e s" not in "".join(found)
    assert "hush" not in repr(load(written('[[smpp]]\npassword = "hush"'), {}))


def test_a_file_that_is_not_there_or_not_toml_is_named(tmp_path, written):
    assert "nowhere.toml: cannot be read" in problems(tmp_path / "nowhere.toml")[0]
    assert "config.toml: expected TOML" in problems(written("[web"))[0]


def test_a_pair_of_binds_may_share_its_numbers(written):
    pair = '[[smpp]]\nname = "in"\nmode = "receiver"\n[[smpp]]\nname = "out"\nmode = "transmitter"'

    settings = load(written(pair), {})

    assert [(bind.receives, bind.transmits) for bind in settings.smpp] == [(True, False), (False, True)]


@pytest.mark.parametrize("mode", ["transceiver", "receiver"])
def test_a_number_arrives_by_one_account(written, mode):
    text = f'[[smpp]]\nname = "one"\nmode = "{mode}"\n[[smpp]]\nname = "two"\nsystem_id = "b"\nmode = "receiver"'

    [found] = problems(written(text))

    assert found.startswith("smpp[1].numbers = ")
    assert found.endswith("expected numbers that no [[smpp]] of another system_id has in the same direction")


def test_the_two_hosts_of_one_carrier_share_numbers(written):
    text = '[[smpp]]\nname = "north"\nhost = "a.example"\n[[smpp]]\nname = "south"\nhost = "b.example"'

    assert len(load(written(text), {}).smpp) == 2


def test_binds_have_names_of_their_own(written):
    [found] = problems(written('[[smpp]]\nmode = "receiver"\n[[smpp]]\nmode = "transmitter"'))

    assert found == 'smpp[1].name = "main": expected a name that no other [[smpp]] has'


def test_the_environment_overrides_one_key(written):
    environ = {
        "TEKSTARI_WEB__PORT": "9000",
        "TEKSTARI_SERVICE__NAME": "123",
        "TEKSTARI_SERVICE__TIMEZONE": "Europe/Stockholm",
        "TEKSTARI_SMPP__0__PORT": "2776",
        "TEKSTARI_SMPP__0__TLS": "true",
        "TEKSTARI_SMPP__0__PASSWORD": "0123",
        "TEKSTARI_SMPP__0__NUMBERS": '["+358405550109"]',
        "TEKSTARI_REMINDERS__QUIET": "[]",
        "TEKSTARI_OFFERS__HORIZON": "2d",
        "TEKSTARI_SERVICE__DATA_DIR": "/srv/tekstari",
        "HOME": "/root",
    }

    settings = load(written('[web]\nport = 1\n[[smpp]]\nname = "kept"'), environ)

    assert (settings.web.port, settings.service.name, settings.service.timezone.key) == (
        9000,
        "123",
        "Europe/Stockholm",
    )
    bind = settings.smpp[0]
    assert (bind.name, bind.port, bind.tls, bind.password) == ("kept", 2776, True, "0123")
    assert bind.numbers == ("+358405550109",)
    assert settings.reminders.quiet is None
    assert settings.offers.horizon == timedelta(days=2)
    assert settings.service.data_dir == Path("/srv/tekstari")


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("TEKSTARI_WEB__PORT", "abc", 'web.port = "abc": expected a whole number 1-65535 (from TEKSTARI_WEB__PORT)'),
        ("TEKSTARI_WEB__PROT", "9000", "TEKSTARI_WEB__PROT: no such key"),
        ("TEKSTARI_LUNCH__AT", "12", "TEKSTARI_LUNCH__AT: no such key"),
        ("TEKSTARI_SMPP__1__PORT", "2776", "TEKSTARI_SMPP__1__PORT: no such key"),
        ("TEKSTARI_SMPP__PORT", "2776", "TEKSTARI_SMPP__PORT: no such key"),
        ("TEKSTARI_SERCET_KEY", "x", "TEKSTARI_SERCET_KEY: no such variable"),
        ("TEKSTARI_SMPP__0__NUMBERS", '["5"]', 'smpp[0].numbers[0] = "5": expected one or more numbers'),
    ],
)
def test_a_wrong_variable_is_named(written, variable, value, problem):
    [found] = problems(written(""), {variable: value})

    assert found.startswith(problem)


def test_the_environment_names_the_file(written, monkeypatch, tmp_path):
    path = written("[web]\nport = 9001")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    assert load(None, {"TEKSTARI_CONFIG": str(path)}).web.port == 9001
    assert "config.toml: cannot be read" in problems(None)[0]
    monkeypatch.chdir(tmp_path)
    assert load(None, {}).web.port == 9001


def test_a_password_may_come_from_a_variable_of_any_name(written):
    path = written('[[smpp]]\npassword_env = "TEKSTARI_CARRIER"')

    assert load(path, {"TEKSTARI_CARRIER": "hush"}).smpp[0].password == "hush"
    assert problems(path) == (
        'smpp[0].password_env = (hidden): expected the name of a variable that is set',
    )  # fmt: skip


def test_a_password_comes_from_one_place(written):
    path = written('[[smpp]]\npassword = "a"\npassword_env = "B"')

    assert "either password or password_env" in problems(path, {"B": "b"})[0]


def test_the_clock_moves_in_trials_only(written):
    path = written('[service]\nclock_offset = "-2h"')

    assert load(path, {"TEKSTARI_TEST": "1"}).service.clock_offset == timedelta(hours=-2)
    assert problems(path)[0].startswith('service.clock_offset = "-2h": expected "0s"')
    assert problems(path, {"TEKSTARI_TEST": "0"})


@pytest.mark.parametrize("section", [*SECTIONS.values(), shapes.Smpp, shapes.Settings])
def test_settings_are_frozen_and_every_key_says_what_it_expects(section, written):
    settings = load(written(""), {})
    value: BaseModel = next(
        part for part in (settings, settings.smpp[0], *dict(settings).values()) if type(part) is section
    )
    key = next(iter(section.model_fields))

    with pytest.raises(ValidationError):
        setattr(value, key, getattr(value, key))
    if section is not shapes.Settings:
        assert [name for name, field in section.model_fields.items() if not field.description] == []
