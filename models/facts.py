"""What a decision may know: plain frozen data that `queries` reads from rows and anybody may hold.

All instants are aware UTC. Facts are read once for a batch of texts; a decision sees nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from models.states import (
    AppointmentStatus,
    HandOverReason,
    OfferState,
    Purpose,
    QuestionKind,
    SlotState,
    StopSource,
    ThreadState,
)


@dataclass(frozen=True, slots=True)
class ClinicFacts:
    """A clinic and its rules."""

    id: int
    key: str
    names: Mapping[str, str]  # by language
    number: str
    phone: str
    address: str
    zone: ZoneInfo
    hours: Mapping[str, tuple[tuple[str, str], ...]]  # {"mon": (("08:00", "16:00"),), …}
    cutoff: str | None
    urgent: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """A kind of visit and what patients may do with it by text."""

    id: int
    key: str
    names: Mapping[str, str]
    minutes: int
    kind: str
    patient_may: frozenset[str]  # of book, cancel, move, confirm
    cutoff: str | None
    lapse: str | None
    reminder_steps: tuple[str, ...] | None
    synonyms: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All clinics and services, kept between texts until their revision changes."""

    revision: int
    clinics: Mapping[int, ClinicFacts]
    services: Mapping[int, ServiceFacts]

    def clinics_at(self, service_number: str) -> tuple[ClinicFacts, ...]:
        """The clinics that are reached at *service_number*, in the order in which they were set up."""
        return tuple(clinic for clinic in self.clinics.values() if clinic.number == service_number)


@dataclass(frozen=True, slots=True)
class Link:
    """A dependant whom a guardian may act for, until the end of a day or for good."""

    dependant_id: int
    until: date | None


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """A patient as the conversation may know them. The identity code itself is never among the facts."""

    id: int
    given_names: str
    family_name: str
    born_on: date | None
    language: str | None
    do_not_text: bool
    deceased: bool
    silenced: bool
    acts_from_12: bool
    consents: Mapping[str, bool]
    numbers: tuple[str, ...]  # on file and proven, the first is the one we text
    dependants: tuple[Link, ...]
    stale_numbers: tuple[str, ...] = ()  # on file, but failing or unproven for 12 months: L0 until L2 proves them

    @property
    def textable(self) -> bool:
        """Whether we may start a text to this person at all."""
        return not (self.do_not_text or self.deceased or self.silenced)


@dataclass(frozen=True, slots=True)
class VisitFacts:
    """A coming appointment (provisional, booked or confirmed)."""

    id: int
    patient_id: int
    clinic_id: int
    service_id: int
    practitioner_id: int | None
    slot_id: int
    starts_at: datetime
    ends_at: datetime
    status: AppointmentStatus
    version: int

    @property
    def minutes(self) -> int:
        """How long it is."""
        return int((self.ends_at - self.starts_at).total_seconds() // 60)

    def overlaps(self, starts_at: datetime, ends_at: datetime) -> bool:
        """Whether it takes up any of this time."""
        return self.starts_at < ends_at and starts_at < self.ends_at


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """A free slot that matches a search."""

    id: int
    clinic_id: int
    practitioner_id: int | None
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Window:
    """From *start* to *end* (half-open, UTC) a visit may start; *end* None is open, start == end that very minute."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class SlotSearch:
    """What a decision wants to know of the diary: free slots of a service that start inside the windows.

    Answered by time, the slots of *practitioner_id* first, then those of *clinic_id*, then the others of *clinic_ids*;
    of two to four windows each has its share, one after another.
    """

    service_id: int
    clinic_ids: tuple[int, ...]
    windows: tuple[Window, ...]
    minutes: int  # at least so long
    practitioner_id: int | None = None
    clinic_id: int | None = None
    limit: int = 12
    fallback: tuple[Window, ...] = ()  # searched in the same way when the windows hold nothing


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to a question: what the patient writes, and what it means."""

    key: str  # "1", "2", … as the patient writes it
    meaning: str  # "confirm", "cancel", "move", "slot", "visit", "person", "service", "book", "human", "keep", …
    id: int | None = None  # of the slot, visit, person or service
    at: datetime | None = None  # when that slot or visit starts


@dataclass(frozen=True, slots=True)
class QuestionFacts:
    """An open question on the thread."""

    id: int
    kind: QuestionKind
    asked_at: datetime
    expires_at: datetime
    patient_id: int | None
    appointment_id: int | None
    code: str | None
    choices: tuple[Choice, ...]
    pending: Mapping[str, Any] | None  # the command read so far, as `handlers/pending.py` keeps it

    @property
    def offer_id(self) -> int | None:
        """The offer that it is about, which its choices name."""
        return self.choices[0].id if self.kind is QuestionKind.OFFER and self.choices else None


@dataclass(frozen=True, slots=True)
class UndoFacts:
    """The last change made from this number, while it can be taken back."""

    kind: str  # "cancel", "move", "claim"
    appointment_id: int
    slot_id: int  # the slot that the undo needs back
    status: AppointmentStatus  # the visit's status before the change
    until: datetime
    patient_id: int
    starts_at: datetime | None = None  # when the visit was before the change, so that the undo can name it
    version: int | None = None  # of the visit after the change; at another one somebody has changed it since
    offer_id: int | None = None  # of a claim: the offer won; *slot_id* and *appointment_id* are of the old visit


@dataclass(frozen=True, slots=True)
class OfferFacts:
    """An offer that was made to this number, as it stands."""

    id: int
    state: OfferState
    code: str
    clinic_id: int
    service_id: int
    practitioner_id: int | None
    slot_id: int
    slot_state: SlotState
    starts_at: datetime
    ends_at: datetime
    deadline: datetime
    winner_id: int | None

    @property
    def can_be_had(self) -> bool:
        """Whether its time can still be claimed: staff may have taken the slot for somebody else."""
        return self.state is OfferState.OPEN and self.slot_state in (SlotState.HELD, SlotState.FREE)


@dataclass(frozen=True, slots=True)
class WaitlistFacts:
    """An active entry on the waitlist. *days* are ISO weekdays, *hours* "HH:MM"; None: no limit."""

    id: int
    patient_id: int
    service_id: int
    days: tuple[int, ...] | None = None
    hours: tuple[tuple[str, str], ...] | None = None
    weekly_max: int | None = None


@dataclass(frozen=True, slots=True)
class ThreadFacts:
    """The thread as it stands; a decision returns it changed (`dataclasses.replace`)."""

    id: int
    number: str
    service_number: str
    clinic_id: int | None
    state: ThreadState
    language: str | None
    session_patient_id: int | None
    session_until: datetime | None
    unclear: int
    undo: UndoFacts | None
    noticed_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class StopFacts:
    """A stop in force on the number. *purpose* None is every purpose."""

    purpose: Purpose | None
    source: StopSource


@dataclass(frozen=True, slots=True)
class HandOverFacts:
    """An open hand-over of the thread."""

    id: int
    reason: HandOverReason
    promised_at: datetime | None


@dataclass(frozen=True, slots=True)
class IdentityRules:
    """The part of the settings that the identity ladder needs."""

    policy: str = "two_facts"  # or "code_and_name"
    session: timedelta = timedelta(minutes=15)
    failures_per_day: int = 5
    region: str = "FI"
    languages: tuple[str, ...] = ("fi", "sv", "en")  # that the clinics speak, their own first


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a handler may know about one text. Nothing here is looked up later."""

    now: datetime
    inbox_id: int
    thread: ThreadFacts
    catalogue: Catalogue
    clinics: tuple[ClinicFacts, ...]  # reached at this service number; never empty (see `desk`)
    rules: IdentityRules
    on_number: tuple[PersonFacts, ...] = ()  # patients whose file has this number, in working order
    people: Mapping[int, PersonFacts] = field(default_factory=dict)  # those, their dependants, and who a code opens
    by_code: Mapping[str, int | None] = field(default_factory=dict)  # each right code in the text: whose, or nobody's
    visits: tuple[VisitFacts, ...] = ()  # coming visits of all those people, by time
    questions: tuple[QuestionFacts, ...] = ()  # open ones, the newest last
    hand_over: HandOverFacts | None = None
    stops: tuple[StopFacts, ...] = ()
    failures_of_number: int = 0  # wrong codes and dates today
    failures_of_person: Mapping[int, int] = field(default_factory=dict)
    answers_last_hour: int = 0  # texts that we answered to this number
    last_sent_at: datetime | None = None  # our last text to this number in 7 days (for AITO?)
    last_body_echo: bool = False  # the text repeats word for word what we last sent
    texted_visits: frozenset[int] = frozenset()  # visits whose time we have texted to this number
    shared_numbers: frozenset[str] = frozenset()  # numbers of those people that stand on more than one file
    offers: Mapping[int, OfferFacts] = field(default_factory=dict)  # that open questions are about
    waitlist: tuple[WaitlistFacts, ...] = ()  # entries of those people, where offers or the waitlist are spoken of
    slots: tuple[SlotFacts, ...] | None = None  # None: not looked for yet
    complete: bool = True  # False: parts of the text never came, and gaps stand for them
    undo_slot_free: bool = False  # the slot that an undo needs is still free

    def visits_of(self, patient_id: int) -> tuple[VisitFacts, ...]:
        """The coming visits of one person, by time."""
        return tuple(visit for visit in self.visits if visit.patient_id == patient_id)

    @property
    def clinic(self) -> ClinicFacts:
        """The clinic that speaks on this thread: the thread's own, else the first at the number."""
        if len(self.clinics) == 1:  # the usual case, asked many times for each text
            return self.clinics[0]
        own = self.thread.clinic_id
        return next((clinic for clinic in self.clinics if clinic.id == own), self.clinics[0])
