"""What happened, for whoever follows along: thin lines that name what changed, never what it holds."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Instant


class Event(Base):
    """One line of the feed, written in the transaction of what it tells. Whoever wants to know more reads that."""

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_at", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[Instant]
    kind: Mapped[str]  # "appointment.booked", "offer.won", …
    subject: Mapped[str]  # the id by which the API knows it
    clinic_id: Mapped[int | None]  # whose keys may read it; None: only keys of all clinics
