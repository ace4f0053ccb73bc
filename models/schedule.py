"""The diary: slots and the appointments that fill them."""

from __future__ import annotations

from typing import cast

from sqlalchemy import CheckConstraint, ForeignKey, Index, Table, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Instant, fixed
from models.states import COMING, AppointmentStatus, FreedBy, SlotState

# A slot is filled by at most one appointment that is not cancelled or lapsed (guarantee 3).
_LIVE_SQL = text("status NOT IN ('cancelled', 'lapsed')")
_UNPLANNED = text("planned_version <> version")


class Slot(Base):
    """A stretch of time at a clinic that a single appointment can fill.

    A slot is taken by the ledger alone, and only while it is free.
    """

    __tablename__ = "slot"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="ends_after_it_starts"),
        Index(
            "ix_slot_free",
            "clinic_id",
            "starts_at",
            sqlite_where=text("state = 'free'"),
            postgresql_where=text("state = 'free'"),
        ),
        Index(
            "ix_slot_free_of_practitioner",
            "practitioner_id",
            "starts_at",
            sqlite_where=text("state = 'free'"),
            postgresql_where=text("state = 'free'"),
        ),
        Index("ix_slot_clinic_starts", "clinic_id", "starts_at"),
        Index(
            "ix_slot_freed",
            "freed_at",
            sqlite_where=text("freed_at IS NOT NULL"),
            postgresql_where=text("freed_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    clinic_id: Mapped[int] = mapped_column(ForeignKey("clinic.id"))
    practitioner_id: Mapped[int | None] = mapped_column(ForeignKey("practitioner.id"))
    starts_at: Mapped[Instant]
    ends_at: Mapped[Instant]
    state: Mapped[SlotState] = mapped_column(default=SlotState.FREE)
    # It fell free and has not been looked at since: the round of offers looks, and forgets these.
    freed_at: Mapped[Instant | None]
    freed_by: Mapped[FreedBy | None]
    freed_service_id: Mapped[int | None]  # of the visit that was in it
    freed_offer_id: Mapped[int | None]  # whose winner left it
    version: Mapped[int] = mapped_column(default=1)


class SlotService(Base):
    """A service that a slot can be used for."""

    __tablename__ = "slot_service"

    slot_id: Mapped[int] = mapped_column(ForeignKey("slot.id", ondelete="CASCADE"), primary_key=True)
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id"), primary_key=True)


class Appointment(Base):
    """A patient's visit. It names its slot for good; *status* says whether it still takes it up."""

    __tablename__ = "appointment"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="ends_after_it_starts"),
        Index("uq_appointment_live_slot", "slot_id", unique=True, sqlite_where=_LIVE_SQL, postgresql_where=_LIVE_SQL),
        Index("ix_appointment_patient_starts", "patient_id", "starts_at"),
        Index("ix_appointment_clinic_starts", "clinic_id", "starts_at"),
        Index(
            "ix_appointment_unplanned", "planned_version", "id", sqlite_where=_UNPLANNED, postgresql_where=_UNPLANNED
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str | None] = mapped_column(unique=True)  # the clinic system's own id; None until it adopts ours
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    clinic_id: Mapped[int] = mapped_column(ForeignKey("clinic.id"))
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id"))
    practitioner_id: Mapped[int | None] = mapped_column(ForeignKey("practitioner.id"))
    slot_id: Mapped[int] = mapped_column(ForeignKey("slot.id"))
    starts_at: Mapped[Instant]
    ends_at: Mapped[Instant]
    status: Mapped[AppointmentStatus]
    created_by: Mapped[str]  # "text", "api", "staff"
    created_at: Mapped[Instant]
    changed_at: Mapped[Instant]
    version: Mapped[int] = mapped_column(default=1)
    told_version: Mapped[int | None]  # the version that the clinic's system last wrote; a later one is news to it
    # The version whose reminders stand planned; 0: by rules that are no more, or never.
    planned_version: Mapped[int] = mapped_column(default=0, server_default="0")


IS_COMING = cast(Table, Appointment.__table__).c.status.in_([fixed(status) for status in sorted(COMING)])
"""Whether a visit is still to come by its status, as SQL."""
