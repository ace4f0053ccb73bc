"""What the rules of offers may know: plain frozen data, read by `models.candidates` and `models.offered`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from models.facts import PersonFacts, StopFacts, VisitFacts
from models.states import FreedBy

DEEPEST = 3  # offers in a row that winners' old times lead to (product.md section 5)


@dataclass(frozen=True, slots=True)
class FreedSlot:
    """A slot that fell free and was not looked at since."""

    id: int
    version: int
    clinic_id: int
    practitioner_id: int | None
    starts_at: datetime
    ends_at: datetime
    held: bool  # kept for the undo of a winner who left it
    services: tuple[int, ...]  # that it can be used for
    freed_at: datetime
    freed_by: FreedBy
    service_id: int | None  # of the visit that was in it
    offer_id: int | None  # whose winner left it
    depth: int  # of that offer, 0 where there is none


@dataclass(frozen=True, slots=True)
class OpenOffer:
    """An open offer whose next wave is due."""

    id: int
    key: str
    code: str
    slot_id: int
    clinic_id: int
    service_id: int
    starts_at: datetime
    ends_at: datetime
    deadline: datetime
    wave_size: int
    wave_minutes: int
    waves: int  # so far

    @property
    def wave_length(self) -> timedelta:
        """From one wave to the next."""
        return timedelta(minutes=self.wave_minutes)

    @property
    def minutes(self) -> int:
        """How long the time is."""
        return int((self.ends_at - self.starts_at).total_seconds() // 60)


@dataclass(frozen=True, slots=True)
class Wish:
    """A waitlist entry: for which times its patient wants to be asked."""

    id: int
    service_id: int
    clinics: tuple[int, ...] | None
    days: tuple[int, ...] | None  # ISO weekdays
    hours: tuple[tuple[str, str], ...] | None  # "HH:MM", by the clinic's wall clock
    notice_minutes: int
    weekly_max: int | None
    appointment_id: int | None
    by_text: bool  # the patient joined by text, not by staff


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody whose turn it is to be asked, and all that decides whether they may be."""

    person: PersonFacts
    wish: Wish | None  # None: picked by staff, and not on the waitlist
    guardians: tuple[PersonFacts, ...] = ()
    visits: tuple[VisitFacts, ...] = ()  # coming ones
    stops: Mapping[str, tuple[StopFacts, ...]] = field(default_factory=dict)  # by number
    held_numbers: frozenset[str] = frozenset()  # whose thread a person has
    shared_numbers: frozenset[str] = frozenset()
    in_care: bool = True  # they have or had a visit here
    asked_this_week: int = 0
    broken: int = 0  # won times of the last year that they missed or cancelled late
    said_no: bool = False  # to an earlier offer of this very time
