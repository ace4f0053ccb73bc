"""What the API works with; the composition root puts it into the Flask app."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol, cast
from zoneinfo import ZoneInfo

from flask import current_app

from handlers.clerk import Clerk
from models.crypto import Keys
from models.database import Database
from parser.command import Command

EXTENSION = "tekstari.api"


class Preview(Protocol):
    """What would be answered, without anything happening."""

    def __call__(self, text: str, number: str, service_number: str | None, now: datetime) -> Previewed:
        """Read and decide *text* as if *number* had sent it. Raises `LookupError` for an unknown service number."""


class Previewed(NamedTuple):
    """The command as the conversation makes it, and what would come of it."""

    command: Command
    answer: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Office:
    """The parts of the house that requests reach.

    *ring* tells the gateways of new texts as best it can, *ask_redis* raises when Redis does not answer, *binds* are
    the names of the [[smpp]] entries.
    """

    database: Database
    keys: Keys
    clerk: Clerk
    clock: Callable[[], datetime]
    ring: Callable[[], None]
    ask_redis: Callable[[], object]
    binds: tuple[str, ...]
    preview: Preview | None = None
    prepared: Callable[[], bool] = lambda: True  # whether the database's schema is what this release needs

    @property
    def zone(self) -> ZoneInfo:
        """The service's own zone, in which times are written that belong to no clinic."""
        return self.clerk.rules.zone

    @property
    def region(self) -> str:
        """Where numbers without a country code are from."""
        return self.clerk.rules.region


def office() -> Office:
    """The office of the running app."""
    return cast(Office, current_app.extensions[EXTENSION])
