"""What is to be said about visits by the clock, each with the minute at which it is due and what became of it.

The planner writes these rows whenever a visit or a rule has changed; the rounds carry out what is due. A row tells why
nothing went, so that "not reminded, and why" can be read by staff.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Instant
from models.states import ReminderKind, ReminderState

_PLANNED = text("state = 'planned'")


class Reminder(Base):
    """One text about one visit at one time of its: at most one of a kind and step for each start (guarantee 6).

    *outbox_key* is the text that it became; two visits of one person on one day share it.
    """

    __tablename__ = "reminder"
    __table_args__ = (
        UniqueConstraint("appointment_id", "kind", "step", "for_start"),
        Index("ix_reminder_planned", "due_at", "id", sqlite_where=_PLANNED, postgresql_where=_PLANNED),
        Index("ix_reminder_due", "due_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    appointment_id: Mapped[int] = mapped_column(ForeignKey("appointment.id", ondelete="CASCADE"))
    kind: Mapped[ReminderKind]
    step: Mapped[str]  # "3d": so long before the visit
    for_start: Mapped[Instant]  # the start that the visit had when this was planned
    due_at: Mapped[Instant]
    state: Mapped[ReminderState] = mapped_column(default=ReminderState.PLANNED)
    reason: Mapped[str | None]
    outbox_key: Mapped[str | None]
    settled_at: Mapped[Instant | None]


class PlannedRules(Base):
    """The rules of a clinic or a service by which its visits were planned; others make its coming visits unplanned."""

    __tablename__ = "planned_rules"

    name: Mapped[str] = mapped_column(primary_key=True)  # "clinic:3", "service:7"
    rules: Mapped[str]
