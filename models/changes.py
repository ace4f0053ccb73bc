"""What a decision wants changed: plain frozen data that `ledger` turns into rows, all of it or nothing.

A change that names a *version* or a slot holds only while the row is as the decision saw it; else `ledger.Conflict`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from models.states import AppointmentStatus, OfferStep, Purpose, QuestionState, StopSource


@dataclass(frozen=True, slots=True)
class BookAppointment:
    """Claim a free slot for a patient's new visit."""

    patient_id: int
    service_id: int
    slot_id: int
    clinic_id: int
    practitioner_id: int | None
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class CancelAppointment:
    """Give a visit up: its slot is free again and what was queued about it is withdrawn."""

    appointment_id: int
    version: int
    slot_id: int


@dataclass(frozen=True, slots=True)
class MoveAppointment:
    """Claim a free slot for a visit that there is already, and free its old one, at once."""

    appointment_id: int
    version: int
    old_slot_id: int
    slot_id: int
    clinic_id: int
    practitioner_id: int | None
    starts_at: datetime
    ends_at: datetime
    status: AppointmentStatus  # after the move: moving a provisional time confirms it


@dataclass(frozen=True, slots=True)
class ConfirmAppointment:
    """The patient is coming."""

    appointment_id: int
    version: int


@dataclass(frozen=True, slots=True)
class RestoreAppointment:
    """Undo a cancel: claim the slot again, the visit stands as before."""

    appointment_id: int
    slot_id: int
    status: AppointmentStatus


@dataclass(frozen=True, slots=True)
class ReturnAppointment:
    """Undo a move: claim the old slot again, free the new one, the visit stands as before."""

    appointment_id: int
    slot_id: int  # the old slot, claimed back; times, clinic and practitioner are read from it
    status: AppointmentStatus


@dataclass(frozen=True, slots=True)
class ClaimOffer:
    """Win an open offer: its slot is the patient's new visit, and their later one, if any, is given up at once."""

    offer_id: int
    patient_id: int
    number: str  # that the answer came from
    inbox_id: int
    slot_id: int
    clinic_id: int
    service_id: int
    practitioner_id: int | None
    starts_at: datetime
    ends_at: datetime
    released_id: int | None = None
    released_version: int | None = None
    released_slot_id: int | None = None


@dataclass(frozen=True, slots=True)
class AnswerOffer:
    """An answer to an offer that wins nothing, for its ledger."""

    about_offer: int
    patient_id: int
    number: str
    inbox_id: int
    step: OfferStep
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class UndoClaim:
    """A winner gives the time back; their old visit stands again as it was."""

    offer_id: int
    patient_id: int
    number: str
    inbox_id: int
    released_id: int | None
    released_slot_id: int | None
    status: AppointmentStatus  # of the old visit


@dataclass(frozen=True, slots=True)
class JoinWaitlist:
    """Tell this patient of earlier times of a service."""

    patient_id: int
    service_id: int
    appointment_id: int | None  # the later visit that an earlier time would replace
    days: tuple[int, ...] | None = None  # ISO weekdays
    hours: tuple[tuple[str, str], ...] | None = None
    weekly_max: int | None = None


@dataclass(frozen=True, slots=True)
class LimitWaitlist:
    """Offer only such times by this entry; None is no limit."""

    entry_id: int
    days: tuple[int, ...] | None
    hours: tuple[tuple[str, str], ...] | None
    weekly_max: int | None


@dataclass(frozen=True, slots=True)
class LeaveWaitlist:
    """Offer no more times by this entry."""

    entry_id: int


@dataclass(frozen=True, slots=True)
class SetStop:
    """No text that we start goes to this number, for one purpose or for all; queued ones are withdrawn."""

    number: str
    purpose: Purpose | None
    source: StopSource


@dataclass(frozen=True, slots=True)
class LiftStop:
    """Lift stops of this source on the number. With *purpose*, only for that purpose (an all-stop is narrowed)."""

    number: str
    source: StopSource
    purpose: Purpose | None = None


@dataclass(frozen=True, slots=True)
class RecordConsent:
    """Write a dated consent or objection, and the state now on the patient's row where there is one."""

    patient_id: int | None
    number: str
    purpose: Purpose
    granted: bool
    wording: str


@dataclass(frozen=True, slots=True)
class RecordFailure:
    """Count a wrong code or visit date against the number, and against the patient where it names one."""

    number: str
    patient_id: int | None


@dataclass(frozen=True, slots=True)
class ProveNumber:
    """A right code came from this number on the patient's file: it is proven again."""

    number: str
    patient_id: int


@dataclass(frozen=True, slots=True)
class SilencePatient:
    """A text says that this patient died: nothing goes to them until staff have checked."""

    patient_id: int


@dataclass(frozen=True, slots=True)
class CloseQuestion:
    """A question is over."""

    question_id: int
    state: QuestionState


Change = (
    BookAppointment
    | CancelAppointment
    | MoveAppointment
    | ConfirmAppointment
    | RestoreAppointment
    | ReturnAppointment
    | ClaimOffer
    | AnswerOffer
    | UndoClaim
    | JoinWaitlist
    | LimitWaitlist
    | LeaveWaitlist
    | SetStop
    | LiftStop
    | RecordConsent
    | RecordFailure
    | ProveNumber
    | SilencePatient
    | CloseQuestion
)
