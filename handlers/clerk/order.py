"""One order to the clerk: who asks, when, by which rules, and the transaction in which it is carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert

from handlers.codes import canonical
from handlers.offers import OfferRules
from handlers.refusals import Forbidden, Invalid
from models.crypto import Keys
from models.ledger import AUDIT


@dataclass(frozen=True, slots=True)
class Rules:
    """The part of the settings that the clerk needs."""

    region: str = "FI"
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Helsinki"))
    languages: tuple[str, ...] = ("fi", "sv", "en")
    service_numbers: frozenset[str] = frozenset()
    quiet: tuple[time, time] | None = (time(21), time(8))
    offers: OfferRules = field(default_factory=OfferRules)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a name for the audit log ("key:3", "user:7", "admin") and the keys of their clinics, None for all."""

    name: str
    clinics: frozenset[str] | None = None

    def may_touch(self, clinic: str) -> bool:
        """Whether the clinic with this key is theirs."""
        return self.clinics is None or clinic in self.clinics


@dataclass(frozen=True, slots=True)
class Order:
    """What a function of the clerk works with. Everything it writes commits together, or not at all."""

    connection: Connection
    keys: Keys
    rules: Rules
    actor: Actor
    now: datetime

    def require_clinic(self, key: str, path: str = "clinic") -> None:
        """Raise `Forbidden` unless the clinic is the actor's."""
        if not self.actor.may_touch(key):
            raise Forbidden.because("this clinic is not one of yours", path)

    @property
    def today(self) -> date:
        """The day by the service's own clock."""
        return self.now.astimezone(self.rules.zone).date()

    def require_plain(self, key: str, path: str = "id") -> None:
        """Raise `Invalid` for an id that is an identity code: ids stand in URLs and logs."""
        if canonical(key, self.rules.region, self.today) is not None:
            raise Invalid.because("an id stands in URLs and logs: it must not be an identity code", path)

    def require_all_clinics(self) -> None:
        """Raise `Forbidden` for an actor who belongs to some clinics only."""
        if self.actor.clinics is not None:
            raise Forbidden.because("shared by all clinics: it takes a key that is not limited to some")

    def record(
        self,
        action: str,
        *,
        patient_id: int | None = None,
        appointment_id: int | None = None,
        thread_id: int | None = None,
        **details: Any,
    ) -> None:
        """Write a line of the audit log: ids and reasons only."""
        line: Mapping[str, Any] = {
            "at": self.now,
            "actor": self.actor.name,
            "action": action,
            "thread_id": thread_id,
            "patient_id": patient_id,
            "appointment_id": appointment_id,
            "details": details,
        }
        self.connection.execute(insert(AUDIT).values(**line))
