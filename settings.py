"""What config.toml may say: one frozen class a section; a field's description is what errors call "expected"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict, ValidationInfo

LANGUAGES = tuple(sorted(path.stem for path in (Path(__file__).parent / "lang").glob("*.toml")))

_DURATION = re.compile(r"(-?\d{1,6}(?:\.\d{1,6})?)([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")
_ZERO = timedelta(0)
_A_DURATION = 'a duration above zero such as "90s", "2h" or "1.5d"'


def _duration(value: Any) -> timedelta:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError
    return timedelta(**{_UNITS[match[2]]: float(match[1])})


def _zone(value: Any) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, OSError, TypeError):  # OSError: the name of a folder, such as "Europe"
        raise ValueError from None


def _path(value: Any, info: ValidationInfo) -> Path | None:
    """Take a path as seen from the config file's folder; "" is none."""
    if not isinstance(value, str):
        raise ValueError
    folder: Path = (info.context or {})["folder"]
    return folder / value if value else None


def _quiet(value: Any) -> tuple[time, time] | None:
    """Take ["21:00", "08:00"], or [] for none."""
    if value == []:
        return None
    if not (isinstance(value, list) and len(value) == 2 and all(_CLOCK.fullmatch(str(clock)) for clock in value)):
        raise ValueError
    if value[0] == value[1]:
        raise ValueError
    return time.fromisoformat(value[0]), time.fromisoformat(value[1])


def _e164(value: str) -> str:
    try:
        number = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:
        raise ValueError from None
    as_dialled = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if as_dialled != value or not phonenumbers.is_possible_number(number):
        raise ValueError
    return value


def _known(value: str) -> str:
    if value not in LANGUAGES:
        raise ValueError
    return value


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) < len(values):
        raise ValueError
    return values


def _region(value: str) -> str:
    if value not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError
    return value


def _whole(default: int, least: int, most: int) -> Any:
    return Field(default, ge=least, le=most, description=f"a whole number {least}-{most}")


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Positive = Annotated[Duration, Field(gt=_ZERO)]
Durations = Annotated[tuple[Positive, ...], Strict(False), AfterValidator(_distinct)]
Language = Annotated[str, AfterValidator(_known)]
ServiceNumber = Annotated[str, AfterValidator(_e164)]


class Section(BaseModel):
    """One table of the file. Nothing is converted quietly: "8080" is not a port."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield each broken rule between keys of this section as (key, what is expected)."""
        yield from ()


class Service(Section):
    """The service as a whole; *data_dir* and *secrets_file* are absolute."""

    name: str = Field("Tekstari", min_length=1, max_length=100, description="a name of 1-100 characters")
    timezone: Annotated[ZoneInfo, BeforeValidator(_zone)] = Field(
        ZoneInfo("Europe/Helsinki"), description='a time zone of the IANA database such as "Europe/Helsinki"'
    )
    region: Annotated[str, AfterValidator(_region)] = Field("FI", description='a country code such as "FI" or "SE"')
    languages: Annotated[tuple[Language, ...], Strict(False), AfterValidator(_distinct)] = Field(
        ("fi", "sv", "en"), min_length=1, description=f"one or more of {', '.join(LANGUAGES)}, each once"
    )
    clock_offset: Duration = Field(_ZERO, description='a duration such as "90s", "2h" or "-1.5d"')
    data_dir: Annotated[Path, BeforeValidator(_path)] = Field(
        "var", validate_default=True, description="a folder, as seen from the config file"
    )
    secrets_file: Annotated[Path | None, BeforeValidator(_path)] = Field(
        None, description='a file, as seen from the config file, or "" for none'
    )


class Database(Section):
    """Where the record is; "" is SQLite in data_dir."""

    url: str = Field(
        "",
        pattern=r"^(|sqlite:///.+|postgresql\+psycopg://.+)$",
        repr=False,
        description='"" (SQLite in data_dir), "sqlite:///PATH" or "postgresql+psycopg://user@host/db"',
    )


class Redis(Section):
    """Where the doorbell of timed work is; "" is the embedded one in data_dir."""

    url: str = Field(
        "",
        pattern=r"^(|(redis|rediss|redis\+sentinel|unix)://.+)$",
        repr=False,
        description='"" (embedded in data_dir), or a URL with redis://, rediss://, redis+sentinel:// or unix://',
    )


class Smpp(Section):
    """One bind to a carrier."""

    name: str = Field("main", pattern=r"^[A-Za-z0-9_-]{1,32}$", description="1-32 letters, digits, - or _")
    host: str = Field("127.0.0.1", min_length=1, description="a host name or an address")
    port: int = _whole(2775, 1, 65535)
    system_id: str = Field("tekstari", pattern=r"^[!-~]{1,15}$", description="1-15 ASCII characters without spaces")
    password: str = Field("secret", pattern=r"^[!-~]{0,64}$", repr=False, description="at most 64 ASCII characters")
    password_env: str = Field("", description="the name of an environment variable that holds the password")
    mode: Literal["transceiver", "transmitter", "receiver"] = Field(
        "transceiver", description='"transceiver", "transmitter" or "receiver"'
    )
    numbers: Annotated[tuple[ServiceNumber, ...], Strict(False), AfterValidator(_distinct)] = Field(
        ("+358405550100",), min_length=1, description='one or more numbers such as "+358405550100", each once'
    )
    window: int = _whole(50, 1, 10_000)
    rate: float = Field(100.0, ge=0, le=100_000, description="a number 0-100000, 0 = no limit")
    tls: bool = Field(False, description="true or false")
    enquire_link_seconds: int = _whole(30, 1, 3600)
    response_timeout_seconds: int = _whole(30, 1, 3600)

    @property
    def transmits(self) -> bool:
        """Whether texts leave by this bind."""
        return self.mode != "receiver"

    @property
    def receives(self) -> bool:
        """Whether texts arrive by this bind."""
        return self.mode != "transmitter"


class Web(Section):
    """The console and the API."""

    host: str = Field("127.0.0.1", min_length=1, description="a host name or an address")
    port: int = _whole(8080, 1, 65535)
    threads: int = _whole(8, 1, 256)


class Identity(Section):
    """What identifies a person who writes."""

    policy: Literal["two_facts", "code_and_name"] = Field("two_facts", description='"two_facts" or "code_and_name"')
    session_minutes: int = _whole(15, 1, 1440)
    failures_per_day: int = _whole(5, 1, 100)


class Reminders(Section):
    """When visits are reminded of; *quiet* is (start, end) in the clinic's zone, or None."""

    steps: Durations = Field(
        (timedelta(days=3), timedelta(days=1)), description='durations above zero such as ["3d", "2h"], each once'
    )
    quiet: Annotated[tuple[time, time] | None, BeforeValidator(_quiet)] = Field(
        (time(21), time(8)), description='two different times such as ["21:00", "08:00"], or [] for none'
    )


class Provisional(Section):
    """When provisional times are asked about, and when they lapse, before the visit."""

    ask: Durations = Field(
        (timedelta(days=21), timedelta(days=16)), description='durations above zero such as ["21d", "16d"], each once'
    )
    lapse: Positive = Field(timedelta(days=14), description=_A_DURATION)

    def problems(self) -> Iterator[tuple[str, str]]:
        """A time that has lapsed can no longer be asked about."""
        if any(ask <= self.lapse for ask in self.ask):
            yield "ask", "durations longer than provisional.lapse"


class Offers(Section):
    """How a slot that falls free at the last minute is offered."""

    auto: bool = Field(True, description="true or false")
    horizon: Positive = Field(timedelta(days=7), description=_A_DURATION)
    stop_before: Positive = Field(timedelta(minutes=60), description=_A_DURATION)
    wave_size: int = _whole(10, 1, 1000)
    wave_minutes: int = _whole(10, 1, 1440)
    weekly_max: int = _whole(3, 1, 100)
    hold_minutes: int = _whole(5, 1, 1440)

    def problems(self) -> Iterator[tuple[str, str]]:
        """An offer that stops before it may start would never be made."""
        if self.stop_before >= self.horizon:
            yield "stop_before", "a duration shorter than offers.horizon"


class Retention(Section):
    """How long things are kept."""

    texts_days: int = _whole(90, 1, 36_500)
    audit_years: int = _whole(12, 1, 100)


class Settings(BaseModel):
    """All of config.toml with the environment's overrides, checked; made by `config.load` alone."""

    model_config = ConfigDict(frozen=True)

    service: Service
    database: Database
    redis: Redis
    smpp: tuple[Smpp, ...]
    web: Web
    identity: Identity
    reminders: Reminders
    provisional: Provisional
    offers: Offers
    retention: Retention


def bind_problems(binds: Mapping[int, Smpp]) -> Iterator[tuple[int, str, str]]:
    """Yield each broken rule between *binds* (by index in the file) as (index, key, what is expected).

    A number belongs to one account: a transmitter and a receiver may share it, and so may the binds of one system_id
    at a carrier's two hosts.
    """
    names: set[str] = set()
    owners: dict[tuple[str, str], str] = {}
    for index, bind in binds.items():
        if bind.name in names:
            yield index, "name", "a name that no other [[smpp]] has"
        names.add(bind.name)
        ways = [way for way, used in (("in", bind.receives), ("out", bind.transmits)) if used]
        uses = [(number, way) for number in bind.numbers for way in ways]
        if any(owners.setdefault(use, bind.system_id) != bind.system_id for use in uses):
            yield index, "numbers", "numbers that no [[smpp]] of another system_id has in the same direction"
