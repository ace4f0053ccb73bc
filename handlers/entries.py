"""What the clinic's programs and staff hand in, checked as far as that needs no database: one model for each body.

Everything is refused that the house would not keep: unknown fields, control characters, times without an offset.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    model_validator,
)

from models.states import AppointmentStatus

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EARLIEST, LATEST = 1900, 2200  # years
MOST_SLOTS = 1000  # in one request
LONGEST_TEXT = 1000  # characters: seven parts in GSM-7


def _written_time(value: Any) -> Any:
    """Refuse numbers, which would otherwise count as seconds since 1970."""
    if not isinstance(value, str | datetime):
        raise ValueError("expected an RFC 3339 time with offset, such as 2026-03-02T09:00:00+02:00")
    return value


def _within_reach(moment: datetime) -> datetime:
    """Refuse years that no calendar of a clinic has, and that no other zone could hold."""
    if not EARLIEST <= moment.year <= LATEST:
        raise ValueError(f"expected a year {EARLIEST}-{LATEST}")
    return moment


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        raise ValueError("expected a time zone such as Europe/Helsinki") from None
    return value


def _cutoff(value: str) -> str:
    if not re.fullmatch(r"\d{1,4}(\.\d{1,2})?[mhdw]|previous_working_day ([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError('expected "24h" or "previous_working_day 14:00"')
    return value


def _plain(value: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("control characters cannot be kept")
    return value


def _writable(value: str) -> str:
    if any(ord(character) < 32 and character not in "\n\r" for character in value):
        raise ValueError("control characters cannot be sent")
    return value


Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._~:@+-]{0,63}$")]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_plain)]
MaybeLine = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(_plain)]
Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Strict()]
Time = Annotated[AwareDatetime, BeforeValidator(_written_time), AfterValidator(_within_reach)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Clock = Annotated[str, StringConstraints(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
Span = tuple[Clock, Clock]
Duration = Annotated[str, StringConstraints(pattern=r"^\d{1,4}(\.\d{1,2})?[mhdw]$")]
Cutoff = Annotated[str, StringConstraints(max_length=40), AfterValidator(_cutoff)]
Names = Annotated[dict[Language, Line], Field(min_length=1, max_length=20)]
Allowed = Literal["book", "cancel", "move", "confirm"]


class Entry(BaseModel):
    """One body. Unknown fields are errors, so that a misspelt one is not lost in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Urgent(Entry):
    """Whom patients call when it cannot wait, and whom an emergency text alarms when the clinic is closed."""

    emergency: Line = "112"
    advice: Line = "116117"
    crisis_line: Line | None = None
    on_call: Line | None = Field(default=None, description="mobile number that hears of emergencies out of hours")


class ClinicEntry(Entry):
    """A place with opening hours, reached at a service number that it may share with others."""

    name: Line | Names
    number: Line = Field(description="the service number: one of the binds' numbers, E.164")
    phone: Line
    address: MaybeLine = ""
    timezone: Annotated[Line, AfterValidator(_zone)] | None = Field(default=None, description="default: the service's")
    hours: dict[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], list[Span]] = Field(default_factory=dict)
    cutoff: Cutoff | None = None
    urgent: Urgent = Field(default_factory=Urgent)

    @model_validator(mode="after")
    def _hours_in_order(self) -> Self:
        for day, spans in self.hours.items():
            clocks = [clock for span in spans for clock in span]
            if len(set(clocks)) < len(clocks) or clocks != sorted(clocks):
                raise ValueError(f"hours of {day}: expected spans in order that do not overlap")
        return self


class ServiceEntry(Entry):
    """A kind of visit and what patients may do with it by text."""

    name: Line | Names
    minutes: Annotated[Whole, Field(ge=1, le=1440)]
    kind: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,31}$")] = Field(
        description="what the parser calls it: checkup, hygiene, pain, filling, ortho, …"
    )
    patient_may: list[Allowed] = Field(default=["book", "cancel", "move", "confirm"], max_length=4)
    cutoff: Cutoff | None = Field(default=None, description="beats the clinic's own")
    lapse: Duration | None = None
    reminder_steps: Annotated[list[Duration], Field(max_length=10)] | None = None
    synonyms: dict[Language, Annotated[list[Line], Field(max_length=100)]] = Field(default_factory=dict)


class NumberEntry(Entry):
    """A contact number with where it came from and when it was last proven to reach the person."""

    number: Line
    source: Line = "clinic"
    proven_at: Time | None = None


class DependantEntry(Entry):
    """Whom this person may act for, until the end of a day or for good."""

    patient: Key
    until: date | None = None


class Consents(Entry):
    """Consent (true) or objection (false) by purpose. What is left out stays as it is."""

    reminders: Flag | None = None
    care: Flag | None = None
    offers: Flag | None = None
    surveys: Flag | None = None


class PatientEntry(Entry):
    """A person in care. What is left out of a later PUT stays as it is, apart from the names."""

    identity_code: Annotated[str, StringConstraints(max_length=40), AfterValidator(_plain)] | None = Field(
        None, description="write-only; reads back masked"
    )
    given_names: Line
    family_name: Line
    language: Language | None = None
    numbers: Annotated[list[Line | NumberEntry], Field(max_length=20)] | None = None
    consents: Consents = Field(default_factory=Consents)
    dependants: Annotated[list[DependantEntry], Field(max_length=50)] | None = None
    do_not_text: Flag | None = None
    deceased: Flag | None = None
    acts_from_12: Flag | None = Field(default=None, description="from 12 on: the young person lets their guardians act")


class SlotEntry(Entry):
    """A time that can be booked."""

    clinic: Key
    services: Annotated[list[Key], Field(min_length=1, max_length=50)]
    practitioner: Key | None = None
    start: Time
    end: Time
    state: Literal["free", "held"] | None = Field(default=None, description="held by staff: nobody may book it by text")

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.end <= self.start:
            raise ValueError("end: expected a time after start")
        return self


class NamedSlot(SlotEntry):
    """A slot of a bulk request, with its id."""

    id: Key


class SlotList(Entry):
    """Up to 1,000 slots, written all or not at all."""

    slots: Annotated[list[NamedSlot], Field(min_length=1, max_length=MOST_SLOTS)]

    @model_validator(mode="before")
    @classmethod
    def _bare_list(cls, value: Any) -> Any:
        """A bare list of slots means the same."""
        return {"slots": value} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({slot.id for slot in self.slots}) < len(self.slots):
            raise ValueError("slots: each id only once")
        return self


class AppointmentEntry(Entry):
    """A visit: in a slot, or at a time of its own."""

    patient: Key
    service: Key
    slot: Key | None = None
    clinic: Key | None = None
    practitioner: Key | None = None
    start: Time | None = None
    end: Time | None = None
    status: AppointmentStatus | None = Field(default=None, description="left out: booked when new, else as it was")
    our_id: Annotated[str, StringConstraints(pattern=r"^t-\d{1,18}$")] | None = Field(
        None, description="adopt a visit booked by text, which so far has only our id"
    )
    notify: Flag = Field(default=False, description="text the patient about a new or moved time")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        own = (self.clinic, self.start, self.end)
        if self.slot is None and None in own:
            raise ValueError("expected a slot, or a clinic with start and end")
        if self.slot is not None and (self.start or self.end):
            raise ValueError("expected a slot, or a start and end, not both")
        if self.start and self.end and self.end <= self.start:
            raise ValueError("end: expected a time after start")
        return self


class OfferEntry(Entry):
    """A free slot to be offered: to the waitlist of its service, or to *patients*."""

    slot: Key
    service: Key | None = Field(default=None, description="needed where the slot can be used for several")
    patients: Annotated[list[Key], Field(min_length=1, max_length=1000)] | None = None
    wave_size: Annotated[Whole, Field(ge=1, le=1000)] | None = None
    wave_minutes: Annotated[Whole, Field(ge=1, le=1440)] | None = None
    deadline: Time | None = Field(default=None, description="until when it can be taken; default: offers.stop_before")


class WaitlistEntry(Entry):
    """A patient who wants an earlier time of a service, and which times they want to hear of."""

    patient: Key
    service: Key
    clinics: Annotated[list[Key], Field(min_length=1, max_length=100)] | None = None
    days: Annotated[list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]], Field(min_length=1)] | None = None
    hours: Annotated[list[Span], Field(min_length=1, max_length=10)] | None = Field(
        default=None, description="the visit begins within one of these"
    )
    notice: Duration | None = Field(default=None, description="least time between the offer and the visit")
    weekly_max: Annotated[Whole, Field(ge=1, le=100)] | None = None
    care_class: Annotated[Whole, Field(ge=1, le=9)] | None = Field(default=None, description="1 is asked before 2")
    appointment: Key | None = Field(default=None, description="the later visit that an earlier time would replace")


class RemindEntry(Entry):
    """When a visit is to be reminded of once more."""

    at: Time | None = Field(default=None, description="not before this time; now when left out")


class MessageEntry(Entry):
    """A text to one person."""

    patient: Key | None = None
    number: Line | None = None
    clinic: Key
    text: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TEXT), AfterValidator(_writable)]
    purpose: Literal["care", "reminders", "offers", "surveys"]
    at: Time | None = Field(default=None, description="not before this time")

    @model_validator(mode="after")
    def _one_recipient(self) -> Self:
        if (self.patient is None) == (self.number is None):
            raise ValueError("expected either a patient or a number")
        return self
