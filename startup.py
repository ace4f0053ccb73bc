"""How every process of ours begins: settings, logs, secret, database and schema, whichever process comes first."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

import config
import logs
from handlers.offers import OfferRules
from models.crypto import Keys
from models.database import Database, connect, is_away, wait_for_database
from models.facts import IdentityRules
from models.schema import SchemaTooNew, migrate
from secret import SecretError, load_secret, make_data_dir
from settings import Settings

log = structlog.get_logger("startup")


@dataclass(frozen=True, slots=True)
class House:
    """What a process works with."""

    settings: Settings
    database: Database
    keys: Keys
    clock: Callable[[], datetime]

    @property
    def identity_rules(self) -> IdentityRules:
        """The part of the settings that the identity ladder needs."""
        identity = self.settings.identity
        return IdentityRules(
            policy=identity.policy,
            session=timedelta(minutes=identity.session_minutes),
            failures_per_day=identity.failures_per_day,
            region=self.settings.service.region,
            languages=tuple(self.settings.service.languages),
        )


def offer_rules(settings: Settings) -> OfferRules:
    """The part of the settings that offers need."""
    offers = settings.offers
    return OfferRules(
        auto=offers.auto,
        horizon=offers.horizon,
        stop_before=offers.stop_before,
        wave_size=offers.wave_size,
        wave_minutes=offers.wave_minutes,
        weekly_max=offers.weekly_max,
        hold=timedelta(minutes=offers.hold_minutes),
        quiet=settings.reminders.quiet,
        region=settings.service.region,
        languages=tuple(settings.service.languages),
    )


def arguments(description: str) -> argparse.ArgumentParser:
    """The arguments that all processes share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--config", type=Path, help="default: TEKSTARI_CONFIG, then config.toml")
    return parser


def open_house(
    process: str, path: Path | None, stopping: threading.Event | None = None, *, quiet: bool = False
) -> House:
    """Read the settings, begin the log, find the secret, wait for the database and bring its schema up to date.

    Raises `SystemExit` with a clear message for what waiting does not mend: settings, secret, a schema newer than us.
    A database that is away is waited for until *stopping* is set, which ends the process cleanly. *quiet* logs
    warnings only.
    """
    house = read_house(process, path, quiet=quiet)
    prepare(process, house.database, stopping or threading.Event())
    return house


def read_house(process: str, path: Path | None, *, quiet: bool = False) -> House:
    """The first half of `open_house`: everything but the database, which may be away."""
    logs.configure(process, level=logging.WARNING if quiet else logging.INFO)
    try:
        settings = config.load(path, os.environ)
        make_data_dir(settings)
        secret = load_secret(settings)
    except (config.ConfigError, SecretError) as error:
        sys.exit(f"{process} cannot start:\n{error}")
    logs.announce(settings)
    database = connect(settings.database.url, data_dir=settings.service.data_dir)
    offset = settings.service.clock_offset
    return House(settings, database, Keys(secret), lambda: datetime.now(UTC) + offset)


def prepare(process: str, database: Database, stopping: threading.Event) -> None:
    """The second half of `open_house`: wait for the database and bring its schema up to date."""
    while wait_for_database(database, log, stopping.wait):
        try:
            migrate(database)
            return
        except SchemaTooNew as error:
            sys.exit(f"{process} cannot start: {error}")
        except Exception as error:
            if not is_away(error):
                raise
    raise SystemExit(0)
