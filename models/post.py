"""Texts: threads and their questions and hand-overs, the inbox, the outbox, and what the carrier said of them.

Written text is sealed (`models.crypto`), bound to the row that holds it, and masked before it is sealed.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Instant, Json
from models.states import (
    HandOverReason,
    HandOverState,
    InboxState,
    OutboxState,
    Outcome,
    Purpose,
    QuestionKind,
    QuestionState,
    ThreadState,
)


class Thread(Base):
    """All texts between one number and one service number, and their state.

    *version* is compared and set by every decision on the thread, so no two decide on the same facts.
    """

    __tablename__ = "thread"
    __table_args__ = (UniqueConstraint("number", "service_number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str]
    service_number: Mapped[str]
    clinic_id: Mapped[int | None] = mapped_column(ForeignKey("clinic.id"))  # whose inbox it is in, once known
    state: Mapped[ThreadState] = mapped_column(default=ThreadState.BOT)
    language: Mapped[str | None]
    session_patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id", ondelete="SET NULL"))
    session_until: Mapped[Instant | None]
    unclear: Mapped[int] = mapped_column(default=0)  # texts in a row that we did not understand
    undo: Mapped[Json | None]  # the last change made from here, ids only: {"kind", "appointment", …, "until"}
    noticed_at: Mapped[Instant | None]  # when the numbers on file were last told "someone wrote in your name"
    owner: Mapped[str | None]  # the member of staff who has taken it
    last_text_at: Mapped[Instant]
    version: Mapped[int] = mapped_column(default=1)


class Question(Base):
    """An outbound text that awaits an answer. *data* (sealed) says what each answer means."""

    __tablename__ = "question"
    __table_args__ = (
        Index(
            "ix_question_open",
            "thread_id",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index(
            "ix_question_about",
            "appointment_id",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index(
            "ix_question_offer",
            "offer_id",
            sqlite_where=text("offer_id IS NOT NULL"),
            postgresql_where=text("offer_id IS NOT NULL"),
        ),
        Index(
            "ix_question_expiry",
            "expires_at",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id", ondelete="CASCADE"))
    kind: Mapped[QuestionKind]
    state: Mapped[QuestionState] = mapped_column(default=QuestionState.OPEN)
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id", ondelete="SET NULL"))
    appointment_id: Mapped[int | None] = mapped_column(ForeignKey("appointment.id"))
    offer_id: Mapped[int | None] = mapped_column(ForeignKey("offer.id"))
    code: Mapped[str | None]  # "4K7": how a later question is told from an earlier one
    outbox_key: Mapped[str]  # the text that asks; *data* is bound to it
    data: Mapped[bytes]
    asked_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    closed_at: Mapped[Instant | None]


class HandOver(Base):
    """A thread that a person must answer: reason, owner, promised time."""

    __tablename__ = "hand_over"
    __table_args__ = (
        Index(
            "ix_hand_over_open",
            "thread_id",
            sqlite_where=text("state <> 'closed'"),
            postgresql_where=text("state <> 'closed'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id", ondelete="CASCADE"))
    inbox_id: Mapped[int | None]
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id", ondelete="SET NULL"))
    reason: Mapped[HandOverReason]
    state: Mapped[HandOverState] = mapped_column(default=HandOverState.OPEN)
    urgent: Mapped[bool] = mapped_column(default=False)
    command: Mapped[Json | None]  # the command read, ids and times only, for one-key approval
    opened_at: Mapped[Instant]
    promised_at: Mapped[Instant | None]
    owner: Mapped[str | None]
    closed_at: Mapped[Instant | None]


class LinkSession(Base):
    """One bound session of a link. It tells a redelivered text from an honest repetition (smpp.md section 1)."""

    __tablename__ = "link_session"
    __table_args__ = (
        Index(
            "ix_link_session_open",
            "gateway",
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    gateway: Mapped[str]  # the process: "<host>:<pid>:<start>"
    bind: Mapped[str]
    opened_at: Mapped[Instant]
    last_seen: Mapped[Instant]
    closed_at: Mapped[Instant | None]


class Inbox(Base):
    """One received part, committed before the carrier hears that we have it.

    *octets* (sealed) are wiped once the text is handled; *text* (masked, sealed) stays on the row of its last part.
    """

    __tablename__ = "inbox"
    __table_args__ = (
        Index("ix_inbox_digest", "digest", "received_at"),
        Index(
            "ix_inbox_waiting",
            "id",
            sqlite_where=text("state IN ('new', 'part')"),
            postgresql_where=text("state IN ('new', 'part')"),
        ),
        Index(
            "ix_inbox_parts",
            "part_set",
            sqlite_where=text("state = 'part'"),
            postgresql_where=text("state = 'part'"),
        ),
        Index("ix_inbox_number", "number", "id"),
        Index("ix_inbox_thread", "thread_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    bind: Mapped[str]
    session_id: Mapped[int] = mapped_column(ForeignKey("link_session.id"))
    number: Mapped[str]  # the sender, E.164 where it is one
    service_number: Mapped[str]
    digest: Mapped[bytes]  # keyed, over sender, receiver, coding, part and octets
    octets: Mapped[bytes | None]
    coding: Mapped[int]
    part_set: Mapped[bytes | None]  # keyed digest of what the parts of one text share
    part_number: Mapped[int | None]
    part_total: Mapped[int | None]
    state: Mapped[InboxState]
    received_at: Mapped[Instant]
    attempts: Mapped[int] = mapped_column(default=0)
    thread_id: Mapped[int | None] = mapped_column(ForeignKey("thread.id", ondelete="CASCADE"))
    text: Mapped[bytes | None]
    intent: Mapped[str | None]
    outcome: Mapped[Outcome | None]
    reason: Mapped[str | None]  # why it needed no answer, or what failed
    handled_at: Mapped[Instant | None]


class Quarantine(Base):
    """Octets that we could not read, acknowledged so that the carrier does not repeat them for days."""

    __tablename__ = "quarantine"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    bind: Mapped[str]
    reason: Mapped[str]
    octets: Mapped[bytes]  # sealed, "quarantine.octets" + key
    at: Mapped[Instant]


class Outbox(Base):
    """One text to be submitted, with a key that says why it exists, so that running anything twice sends once."""

    __tablename__ = "outbox"
    __table_args__ = (
        # What may go next: by lane, then as it falls due.
        Index(
            "ix_outbox_due",
            "service_number",
            "lane",
            "due_at",
            "id",
            sqlite_where=text("state = 'queued'"),
            postgresql_where=text("state = 'queued'"),
        ),
        # What stands before it: earlier texts to the same number that are not settled.
        Index(
            "ix_outbox_unsettled",
            "number",
            "id",
            sqlite_where=text("state IN ('queued', 'leased')"),
            postgresql_where=text("state IN ('queued', 'leased')"),
        ),
        Index(
            "ix_outbox_leased",
            "lease_until",
            sqlite_where=text("state = 'leased'"),
            postgresql_where=text("state = 'leased'"),
        ),
        # What is not settled about a visit, to be withdrawn with it.
        Index(
            "ix_outbox_about",
            "appointment_id",
            sqlite_where=text("state IN ('queued', 'leased')"),
            postgresql_where=text("state IN ('queued', 'leased')"),
        ),
        Index("ix_outbox_number", "number", "created_at"),
        Index("ix_outbox_thread", "thread_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)  # "reply:41", "reminder:41:1d:2026-03-02T09:00Z", …
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id", ondelete="CASCADE"))
    number: Mapped[str]
    service_number: Mapped[str]
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id", ondelete="SET NULL"))
    appointment_id: Mapped[int | None] = mapped_column(ForeignKey("appointment.id"))
    inbox_id: Mapped[int | None]  # the text it answers
    purpose: Mapped[Purpose]
    lane: Mapped[int]
    message: Mapped[str]  # the name of the message in lang/, or "free"
    body: Mapped[bytes]  # sealed, "outbox.body" + key
    state: Mapped[OutboxState] = mapped_column(default=OutboxState.QUEUED)
    reason: Mapped[str | None]
    due_at: Mapped[Instant]
    expires_at: Mapped[Instant | None]
    attempts: Mapped[int] = mapped_column(default=0)
    parts: Mapped[int] = mapped_column(default=1)
    lease_by: Mapped[str | None]
    lease_until: Mapped[Instant | None]
    maybe_twice: Mapped[bool] = mapped_column(default=False)  # a try ended unknown: the carrier may have had it before
    created_at: Mapped[Instant]
    sent_at: Mapped[Instant | None]
    receipt_at: Mapped[Instant | None]
    receipt_state: Mapped[str | None]


class Submission(Base):
    """One part that the carrier accepted, under the id that its receipt will carry."""

    __tablename__ = "submission"
    __table_args__ = (
        UniqueConstraint("outbox_id", "part"),
        Index("ix_submission_match", "match_key"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    outbox_id: Mapped[int] = mapped_column(ForeignKey("outbox.id", ondelete="CASCADE"))
    part: Mapped[int]
    account: Mapped[str]
    message_id: Mapped[str]
    match_key: Mapped[str]  # the id folded, so that receipts in another dress find it
    submitted_at: Mapped[Instant]
    receipt_state: Mapped[str | None]
    receipt_at: Mapped[Instant | None]
    error: Mapped[str | None]


class ParkedReceipt(Base):
    """A receipt that came before its submit_sm_resp was settled; tried again at each settle, dropped after a day."""

    __tablename__ = "parked_receipt"
    __table_args__ = (Index("ix_parked_receipt_match", "match_key"), Index("ix_parked_receipt_received", "received_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str]
    message_id: Mapped[str]
    match_key: Mapped[str]
    number: Mapped[str]
    state: Mapped[str]
    error: Mapped[str]
    received_at: Mapped[Instant]


class RateShare(Base):
    """A gateway's part of an account's submit rate. A dead gateway's part returns when its lease ends."""

    __tablename__ = "rate_share"

    account: Mapped[str] = mapped_column(primary_key=True)
    gateway: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[Instant]
