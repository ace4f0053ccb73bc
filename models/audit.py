"""What was done, by whom, why: one line a decision, ids only."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Instant, Json


class Audit(Base):
    """One line of the audit log. Holds ids and reasons, never a text, a name, a number or a code."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_patient", "patient_id", "id"), Index("ix_audit_thread", "thread_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[Instant]
    actor: Mapped[str]  # "patient", "bot", "key:3", "user:7"
    action: Mapped[str]  # "cancelled", "booked", "offered_options", …
    thread_id: Mapped[int | None]
    inbox_id: Mapped[int | None]
    patient_id: Mapped[int | None]
    appointment_id: Mapped[int | None]
    details: Mapped[Json]
