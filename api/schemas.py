"""What the API answers. The bodies that it takes are in `handlers.entries`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from handlers.entries import DependantEntry, ServiceEntry, Urgent
from models.states import (
    AppointmentStatus,
    HandOverReason,
    HandOverState,
    OfferState,
    Purpose,
    ReminderKind,
    SlotState,
    ThreadState,
    WaitlistState,
)


class ClinicView(BaseModel):
    """A clinic."""

    id: str
    name: str | dict[str, str]
    number: str
    phone: str
    address: str
    timezone: str
    hours: dict[str, list[tuple[str, str]]]
    cutoff: str | None
    urgent: Urgent
    version: int


class ServiceView(ServiceEntry):
    """A service."""

    id: str
    version: int


class NumberView(BaseModel):
    """A contact number on a file; *failed_at* is when texts to it failed for good."""

    number: str
    source: str
    proven_at: datetime
    failed_at: datetime | None


class PatientView(BaseModel):
    """A patient's file; the identity code is masked."""

    id: str
    identity_code: str | None
    given_names: str
    family_name: str
    born_on: date | None
    language: str | None
    numbers: list[NumberView]
    consents: dict[str, bool]
    dependants: list[DependantEntry]
    do_not_text: bool
    deceased: bool
    acts_from_12: bool
    silenced: bool = Field(
        description="a text said that this person died: nothing goes until a PUT says deceased or not"
    )
    version: int


class SlotView(BaseModel):
    """A slot, and the appointment in it by the clinic's id or ours."""

    id: str
    clinic: str
    services: list[str]
    practitioner: str | None
    start: datetime
    end: datetime
    state: SlotState
    appointment: str | None
    version: int


class AppointmentView(BaseModel):
    """A visit. *id* is the clinic's own, or ours ("t-41") while it has none."""

    id: str
    our_id: str
    patient: str
    clinic: str
    service: str
    practitioner: str | None
    slot: str
    start: datetime
    end: datetime
    status: AppointmentStatus
    created_by: str
    changed_at: datetime
    version: int


class ReminderView(BaseModel):
    """What is to be said about a visit by the clock, and what became of it; *reason* says why nothing went."""

    id: int
    appointment: str
    patient: str
    clinic: str
    kind: ReminderKind
    step: str
    start: datetime
    due_at: datetime
    state: str
    reason: str | None
    sent_at: datetime | None


class AskedView(BaseModel):
    """One line of an offer's ledger for people: somebody who was asked, or passed over with the reason."""

    patient: str
    asked_at: datetime | None
    wave: int | None
    answered_at: datetime | None = Field(description="when the carrier handed the answer over: the order that counts")
    text: str | None = Field(description="the answer, identity codes masked")
    outcome: Literal["no_answer", "won", "lost", "late", "refused", "declined", "undone", "skipped"]
    reason: str | None


class OfferView(BaseModel):
    """A free time that is or was put to several people."""

    id: str
    slot: str
    clinic: str
    state: OfferState
    code: str
    waves: int
    wave_size: int
    wave_minutes: int
    deadline: datetime
    next_wave_at: datetime | None
    opened_at: datetime
    closed_at: datetime | None
    created_by: str
    reason: str | None
    winner: str | None
    next_offer: str | None = Field(description="of the time that the winner gave up")
    ledger: list[AskedView]


class EventView(BaseModel):
    """Something that happened: what it is about has the id *subject*."""

    id: int
    type: str = Field(description="appointment.booked, text.received, handover.opened, offer.won, …")
    subject: str
    at: datetime


class EventPage(BaseModel):
    """Events in order; *cursor* is the `after` of the next request, *more* says whether it would find any now."""

    items: list[EventView]
    cursor: str
    more: bool


class WaitlistView(BaseModel):
    """A patient who wants an earlier time of a service."""

    id: str
    patient: str
    service: str
    clinics: list[str] | None
    days: list[str] | None
    hours: list[tuple[str, str]] | None
    notice: str | None
    weekly_max: int | None
    care_class: int | None
    appointment: str | None
    state: WaitlistState
    joined_at: datetime
    last_asked_at: datetime | None
    version: int


class ReceiptView(BaseModel):
    """What the carrier said about the delivery."""

    state: str
    at: datetime | None


class TextView(BaseModel):
    """A text, in or out. Identity codes are masked."""

    id: str
    direction: Literal["in", "out"]
    number: str
    service_number: str
    thread: int
    text: str | None
    state: str
    at: datetime
    purpose: Purpose | None
    in_reply_to: str | None
    parts: int
    receipt: ReceiptView | None
    intent: str | None
    outcome: str | None
    reason: str | None


class HandOverView(BaseModel):
    """What a person must answer, by when."""

    reason: HandOverReason
    state: HandOverState
    urgent: bool
    opened_at: datetime
    promised_at: datetime | None
    owner: str | None
    command: dict[str, Any] | None


class ThreadView(BaseModel):
    """All texts between one number and one service number, and their state."""

    id: int
    number: str
    service_number: str
    clinic: str | None
    state: ThreadState
    language: str | None
    owner: str | None
    last_text_at: datetime
    hand_over: HandOverView | None


class WholeThreadView(ThreadView):
    """A thread with its newest texts, oldest first."""

    texts: list[TextView]


class MessageView(BaseModel):
    """A message and what became of it; *id* is None for one that had no number to go to."""

    id: str | None
    status: Literal["queued", "sent", "delivered", "failed", "expired", "blocked"]
    reason: str | None
    patient: str | None
    number: str | None
    clinic: str | None
    purpose: str | None
    text: str | None
    warnings: list[str] = Field(description="what the writer should know: segments (it costs more), treatment words")
    due_at: datetime | None
    sent_at: datetime | None
    receipt: ReceiptView | None
    parts: int


class ParsedView(BaseModel):
    """How a text is read, and what would be answered."""

    command: dict[str, Any]
    answer: dict[str, Any] | None


class ClinicPage(BaseModel):
    """Clinics in the order in which they were set up."""

    items: list[ClinicView]
    cursor: str | None


class ServicePage(BaseModel):
    """Services in the order in which they were set up."""

    items: list[ServiceView]
    cursor: str | None


class PatientPage(BaseModel):
    """Patients who were searched for, 50 at most."""

    items: list[PatientView]


class SlotPage(BaseModel):
    """Slots by time; *cursor* leads to the next page."""

    items: list[SlotView]
    cursor: str | None


class AppointmentPage(BaseModel):
    """Visits by time; *cursor* leads to the next page."""

    items: list[AppointmentView]
    cursor: str | None


class ReminderPage(BaseModel):
    """Reminders by the time at which they are due; *cursor* leads to the next page."""

    items: list[ReminderView]
    cursor: str | None


class TextPage(BaseModel):
    """Texts in order; *cursor* is the `after` of the next request, *more* says whether it would find any now."""

    items: list[TextView]
    cursor: str
    more: bool


class ThreadPage(BaseModel):
    """Threads, the one with the newest text first; *cursor* leads to the next page."""

    items: list[ThreadView]
    cursor: str | None


class Written(BaseModel):
    """How many slots of a bulk request were new, and how many there were."""

    created: int
    written: int
