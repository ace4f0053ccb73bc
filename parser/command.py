"""The words of reading: what was asked (`Command`), and what had been said before it (`Context`). Plain frozen data.

Times are local to the clinic, naive, in minutes; intervals are half-open; a point in time has start == end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

IdentityStatus = Literal["ok", "none", "invalid", "malformed", "foreign"]

ACT_FROM = 0.7
"""Confidence from which a command is carried out."""

ASK_FROM = 0.4
"""Confidence from which one short question is asked; below it the text is unclear."""


class Intent(StrEnum):
    """What a text asks for; the names are a contract (`python -m parser`)."""

    BOOK = "book"
    CANCEL = "cancel"
    RESCHEDULE = "reschedule"
    CONFIRM = "confirm"
    LIST = "list"
    ACCEPT = "accept"
    DECLINE = "decline"
    CHOOSE = "choose"
    CALLBACK = "callback"
    FEEDBACK = "feedback"
    HUMAN = "human"
    HELP = "help"
    CONSENT_STOP = "consent_stop"
    CONSENT_START = "consent_start"
    FREE = "free"


class Topic(StrEnum):
    """A finer meaning beside the nearest intent."""

    LATE = "late"
    UNDO = "undo"
    WAITLIST_JOIN = "waitlist_join"
    WAITLIST_LIMIT = "waitlist_limit"
    WAITLIST_LEAVE = "waitlist_leave"
    AUTHENTIC = "authentic"
    LANGUAGE = "language"
    WRONG_NUMBER = "wrong_number"
    DECEASED = "deceased"
    CONTACT_CHANGE = "contact_change"
    OFFER_QUESTION = "offer_question"
    CALLBACK_STATUS = "callback_status"
    CALLBACK_WITHDRAW = "callback_withdraw"
    THANKS = "thanks"
    AUTO_REPLY = "auto_reply"
    COMPLAINT = "complaint"
    PRICE = "price"
    OPENING_HOURS = "opening_hours"
    DIRECTIONS = "directions"
    ILL = "ill"
    CARE_QUESTION = "care_question"
    PRESCRIPTION = "prescription"
    PRIVACY = "privacy"
    SPAM = "spam"
    FOREIGN_LANGUAGE = "foreign_language"


class ContextKind(StrEnum):
    """Which question, if any, is open on the writer's number."""

    NONE = "none"
    REMINDER = "reminder"
    PROVISIONAL = "provisional"
    OFFER = "offer"
    OPTIONS = "options"
    SURVEY = "survey"
    CALLBACK_NOTICE = "callback_notice"
    WHICH_VISIT = "which_visit"
    MENU = "menu"
    PROPOSAL = "proposal"
    IDENTITY = "identity"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch [start, end) of local wall-clock time; a point when start == end, without an end when *end* is None."""

    start: datetime
    end: datetime | None

    @property
    def is_point(self) -> bool:
        """Whether this is one minute rather than a stretch."""
        return self.start == self.end


@dataclass(frozen=True, slots=True)
class Recur:
    """A wish without dates: ISO weekdays (None = any) and hours "HH:MM" within the day (None = open)."""

    weekdays: tuple[int, ...] | None
    start: str | None
    end: str | None


@dataclass(frozen=True, slots=True)
class Limits:
    """Which free times somebody wants to hear of: on ISO weekdays *days* and not on *not_days*, beginning in one of
    *hours* ("HH:MM", the first included, the last not), in so many texts a week. None where nothing is said of it."""

    days: tuple[int, ...] | None = None
    not_days: tuple[int, ...] | None = None
    hours: tuple[tuple[str, str], ...] | None = None
    weekly_max: int | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What the conversation already holds when a text arrives.

    *at* is the visit or offer that our question was about, *options* the starts that we listed, *window* the announced
    call, *visits* the patient's own coming visits, *code* the offer's code ("4K7"), *language* that of thread or file,
    *people* the given names of those whom the number may act for.
    """

    kind: ContextKind = ContextKind.NONE
    at: datetime | None = None
    options: tuple[datetime, ...] = ()
    window: Interval | None = None
    visits: tuple[datetime, ...] = ()
    code: str | None = None
    language: str | None = None
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """One text, read. Everything not found in the text is None, empty or False.

    *language* is None when the text alone does not decide it, *certain_language* says that three words or one certain
    word did. *other_codes* are further valid identity codes: the first, the patient's, is *identity_code*. *minutes* is
    how late the writer is, or how soon they want to be called. *also* lists further requests in order of the text.
    *whole* tells a full command from a short answer to whatever was asked. *child* says that the text speaks of the
    writer's child ("lapseni aika"), *about* which of the context's people it names ("Eeron aika"). *digit* and *letter*
    are all that the text is, whatever it was read as ("2.", "b").
    """

    intent: Intent
    topic: Topic | None = None
    language: str | None = None
    certain_language: bool = False
    name: str | None = None
    identity_code: str | None = None
    identity_status: IdentityStatus = "none"
    other_codes: tuple[str, ...] = ()
    service: str | None = None
    when: tuple[Interval, ...] | None = None
    ref: tuple[Interval, ...] | None = None
    recur: Recur | None = None
    limits: Limits | None = None
    choice: int | None = None
    choice_code: str | None = None
    score: int | None = None
    minutes: int | None = None
    emergency: bool = False
    needs_human: bool = False
    confidence: float = 1.0
    reasons: tuple[str, ...] = ()
    also: tuple[Intent, ...] = ()
    whole: bool = False
    wanted_language: str | None = None
    child: bool = False
    about: tuple[str, ...] = ()
    digit: int | None = None
    letter: str | None = None
