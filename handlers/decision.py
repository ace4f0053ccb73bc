"""What a handler decides: changes, what is said, what is asked, and who else must act. Plain frozen data.

`desk` carries a decision out in one transaction: all of its changes, texts and records, or none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from models.changes import Change
from models.facts import Choice, ThreadFacts
from models.states import HandOverReason, Outcome, Purpose, QuestionKind


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to the text: a message of `lang/` by name, its blanks, and the language when not the thread's.

    *languages* with more than one says it in each of them (an emergency in an unknown language). *tail* is a second
    message that follows in the same text. `handlers.wording.body` makes the words of it.
    """

    message: str
    blanks: Mapping[str, Any] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    tail: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """The reply is a question: what each answer means, until when."""

    kind: QuestionKind
    expires_at: datetime
    choices: tuple[Choice, ...] = ()
    patient_id: int | None = None
    appointment_id: int | None = None
    pending: Mapping[str, Any] | None = None  # the command read so far; ids and times, never a code


@dataclass(frozen=True, slots=True)
class HandOver:
    """A person must answer this thread."""

    reason: HandOverReason
    promised_at: datetime | None = None
    urgent: bool = False
    patient_id: int | None = None
    command: Mapping[str, Any] | None = None  # what was read, for one-key approval


@dataclass(frozen=True, slots=True)
class Notice:
    """A text to somebody else than the sender: a change told to the number on file, a note of an unknown sender."""

    key: str  # the outbox key: sent once, however often this runs
    number: str
    message: str
    blanks: Mapping[str, Any]
    language: str
    purpose: Purpose
    patient_id: int | None = None
    appointment_id: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The whole outcome of one text."""

    action: str  # what the audit calls it: "cancelled", "asked_which_visit", …
    outcome: Outcome
    thread: ThreadFacts  # as it is after this text
    changes: tuple[Change, ...] = ()
    reply: Reply | None = None
    ask: Ask | None = None
    hand_over: HandOver | None = None
    notices: tuple[Notice, ...] = ()
    patient_id: int | None = None
    appointment_id: int | None = None
    withdraw_number: bool = False  # everything queued to this number goes (wrong number, a death)
    reason: str | None = None  # why no answer was needed, or why it was refused; for the record
    details: Mapping[str, Any] = field(default_factory=dict)  # for the audit: ids, levels; never words of a text
