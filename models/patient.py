"""People in care: who they are, where they are reached, who may act for whom, and what they agreed to."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Instant, Json
from models.states import Purpose, StopSource


class Patient(Base):
    """A person in care. The identity code is sealed; *code_index* is the keyed digest that finds it."""

    __tablename__ = "patient"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)  # the clinic system's own id; the sealed code is bound to it
    identity_code: Mapped[bytes | None]  # sealed, "patient.identity_code" + key
    code_index: Mapped[bytes | None] = mapped_column(unique=True)
    code_mask: Mapped[str] = mapped_column(default="")  # "010190-****"
    given_names: Mapped[str]
    family_name: Mapped[str]
    born_on: Mapped[date | None]
    language: Mapped[str | None]
    do_not_text: Mapped[bool] = mapped_column(default=False)
    deceased: Mapped[bool] = mapped_column(default=False)
    silenced: Mapped[bool] = mapped_column(default=False)  # a text said that they died: nothing goes until staff check
    acts_from_12: Mapped[bool] = mapped_column(default=False)  # the young person's recorded decision: guardians may act
    consents: Mapped[Json]  # {"reminders": true, …}: the state now; the dated records are Consent rows
    created_at: Mapped[Instant]
    version: Mapped[int] = mapped_column(default=1)


class ContactNumber(Base):
    """An E.164 number on a patient's file. One number may serve several patients, one patient may have several."""

    __tablename__ = "contact_number"
    __table_args__ = (UniqueConstraint("patient_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"))
    number: Mapped[str] = mapped_column(index=True)
    position: Mapped[int] = mapped_column(default=0)  # 0 is the one we text first
    source: Mapped[str] = mapped_column(default="clinic")
    proven_at: Mapped[Instant]
    failed_at: Mapped[Instant | None]  # receipts failed for good: counts as L0 until proven again


class Guardianship(Base):
    """Who may act for whom, until when."""

    __tablename__ = "guardianship"
    __table_args__ = (UniqueConstraint("guardian_id", "dependant_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    guardian_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"))
    dependant_id: Mapped[int] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"), index=True)
    until: Mapped[date | None]


class Consent(Base):
    """A dated record by purpose and number: what was agreed or objected to, with the wording shown and how given."""

    __tablename__ = "consent"

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id", ondelete="SET NULL"), index=True)
    number: Mapped[str | None]
    purpose: Mapped[Purpose]
    granted: Mapped[bool]
    at: Mapped[Instant]
    how: Mapped[str]  # "text", "api", "staff"
    wording: Mapped[str] = mapped_column(default="")


class Stop(Base):
    """Texts that we start do not go to this number, for one purpose or (*purpose* None) for all."""

    __tablename__ = "stop"
    __table_args__ = (Index("ix_stop_number_active", "number", "lifted_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str]
    purpose: Mapped[Purpose | None]
    source: Mapped[StopSource]
    set_at: Mapped[Instant]
    lifted_at: Mapped[Instant | None]


class FailedProof(Base):
    """A wrong code or visit date: five a day, per number and per patient, and the bot turns neutral (section 2)."""

    __tablename__ = "failed_proof"
    __table_args__ = (
        Index("ix_failed_proof_number_at", "number", "at"),
        Index("ix_failed_proof_patient_at", "patient_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str]
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id", ondelete="CASCADE"))
    at: Mapped[Instant]
