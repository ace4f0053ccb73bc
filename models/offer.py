"""Last-minute offers: a free slot put to several people in waves, the ledger of each, and who waits for a time.

The ledger is append-only. Each entry is sealed by a keyed digest that holds the digest before it (`models.chain`), so
that a changed, missing or added one shows; it names people by id and numbers by digest, and so outlives an erasure.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Instant, Json
from models.offer_facts import DEEPEST
from models.states import OfferState, OfferStep, WaitlistState

_OPEN = text("state = 'open'")
_ASKED = text("step = 'asked'")
_ACTIVE = text("state = 'active'")


class Offer(Base):
    """One slot offered to several people; its slot is held while it is open.

    *only* are the patients whom staff picked, None for the waitlist. *head* is the digest of the ledger's last entry.
    """

    __tablename__ = "offer"
    __table_args__ = (
        CheckConstraint(f"depth BETWEEN 1 AND {DEEPEST}", name="not_too_deep"),
        Index("uq_offer_open_slot", "slot_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_offer_next_wave", "next_wave_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_offer_deadline", "deadline", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_offer_slot", "slot_id"),
        Index("ix_offer_winner", "winner_id", "closed_at"),
        Index("ix_offer_parent", "parent_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    slot_id: Mapped[int] = mapped_column(ForeignKey("slot.id"))
    clinic_id: Mapped[int] = mapped_column(ForeignKey("clinic.id"))
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id"))
    state: Mapped[OfferState] = mapped_column(default=OfferState.OPEN)
    code: Mapped[str]  # "4K7": what the answer names
    wave_size: Mapped[int]
    wave_minutes: Mapped[int]
    waves: Mapped[int] = mapped_column(default=0)  # so far
    deadline: Mapped[Instant]
    next_wave_at: Mapped[Instant | None]  # None: everybody has been asked
    only: Mapped[Json | None]
    depth: Mapped[int] = mapped_column(default=1)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("offer.id"))  # whose winner left this slot
    winner_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id"))
    appointment_id: Mapped[int | None] = mapped_column(ForeignKey("appointment.id"))  # the winner's new visit
    created_by: Mapped[str]  # "rule", "key:3"
    opened_at: Mapped[Instant]
    closed_at: Mapped[Instant | None]
    why: Mapped[str | None]  # it was withdrawn
    entries: Mapped[int] = mapped_column(default=0)  # of the ledger
    head: Mapped[bytes] = mapped_column(default=b"")


class OfferEntry(Base):
    """One line of an offer's ledger: somebody was asked, answered, won; or the offer opened, ended."""

    __tablename__ = "offer_entry"
    __table_args__ = (
        UniqueConstraint("offer_id", "position"),
        Index("ix_offer_entry_asked", "patient_id", "at", sqlite_where=_ASKED, postgresql_where=_ASKED),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id"))
    position: Mapped[int]  # from 1
    step: Mapped[OfferStep]
    at: Mapped[Instant]
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id"))
    number: Mapped[bytes | None]  # keyed digest of the number that was asked, or that answered
    wave: Mapped[int | None]
    inbox_id: Mapped[int | None]  # the answer: its order of arrival
    received_at: Mapped[Instant | None]
    outbox_key: Mapped[str | None]  # the text that asked
    appointment_id: Mapped[int | None]  # the later visit that would be released, or was; the visit won
    reason: Mapped[str | None]
    seal: Mapped[bytes]


class OfferSkipped(Base):
    """Who was not asked when their turn came, and why; the last reason stands."""

    __tablename__ = "offer_skipped"

    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id", ondelete="CASCADE"), primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"), primary_key=True)
    reason: Mapped[str]
    at: Mapped[Instant]


class WaitlistEntry(Base):
    """A patient who wants an earlier time of a service, with limits. Days are ISO weekdays, hours by the wall clock."""

    __tablename__ = "waitlist_entry"
    __table_args__ = (
        Index("ix_waitlist_entry_service", "service_id", sqlite_where=_ACTIVE, postgresql_where=_ACTIVE),
        Index(
            "uq_waitlist_entry_patient_service",
            "patient_id",
            "service_id",
            unique=True,
            sqlite_where=_ACTIVE,
            postgresql_where=_ACTIVE,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"))
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id"))
    clinics: Mapped[Json | None]  # ids; None: any
    days: Mapped[Json | None]
    hours: Mapped[Json | None]  # [["08:00", "12:00"], …]: the visit starts in one of them
    notice_minutes: Mapped[int] = mapped_column(default=0)  # between the offer and the visit
    weekly_max: Mapped[int | None]
    care_class: Mapped[int | None]  # of care need: 1 is asked before 2; None comes last
    appointment_id: Mapped[int | None] = mapped_column(ForeignKey("appointment.id"))  # the later visit it would replace
    state: Mapped[WaitlistState] = mapped_column(default=WaitlistState.ACTIVE)
    created_by: Mapped[str]  # "text", "key:3"
    joined_at: Mapped[Instant]
    last_asked_at: Mapped[Instant | None]
    version: Mapped[int] = mapped_column(default=1)
