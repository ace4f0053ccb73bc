"""The words that rows, facts and the API share for what may be in which state (product.md section 1)."""

from __future__ import annotations

from enum import StrEnum


class SlotState(StrEnum):
    FREE = "free"
    TAKEN = "taken"
    HELD = "held"  # kept by staff, or until an undo can no longer come: nobody may book it
    WITHDRAWN = "withdrawn"  # no longer a time of the clinic's


class AppointmentStatus(StrEnum):
    PROVISIONAL = "provisional"
    BOOKED = "booked"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"
    ARRIVED = "arrived"
    COMPLETED = "completed"
    MISSED = "missed"

    @property
    def live(self) -> bool:
        """Whether the visit still takes up its slot."""
        return self in LIVE


LIVE = frozenset(
    {
        AppointmentStatus.PROVISIONAL,
        AppointmentStatus.BOOKED,
        AppointmentStatus.CONFIRMED,
        AppointmentStatus.ARRIVED,
        AppointmentStatus.COMPLETED,
        AppointmentStatus.MISSED,
    }
)
COMING = frozenset({AppointmentStatus.PROVISIONAL, AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED})


class Purpose(StrEnum):
    """What a text is for, and so which consent or objection governs it. Answers need none."""

    ANSWER = "answer"
    REMINDERS = "reminders"  # with booking, lapse and call notices
    CARE = "care"
    OFFERS = "offers"
    SURVEYS = "surveys"


class ThreadState(StrEnum):
    BOT = "bot"
    WAITING = "waiting"  # a hand-over is open, nobody has taken it yet: clear commands are still answered
    PERSON = "person"  # taken by staff, or written to by staff
    CLOSED = "closed"


class QuestionKind(StrEnum):
    REMINDER = "reminder"
    PROVISIONAL = "provisional"
    OFFER = "offer"
    OPTIONS = "options"  # up to three times to pick from
    WHICH_VISIT = "which_visit"
    WHICH_PERSON = "which_person"
    WHICH_SERVICE = "which_service"
    DETAIL = "detail"  # one missing part of a command: the day, or what the time is for
    MENU = "menu"
    PROPOSAL = "proposal"
    IDENTITY = "identity"  # the code is missing: the command read so far waits
    CLARIFY = "clarify"  # a bare digit that fits two questions
    KEEP_REMINDERS = "keep_reminders"  # after a stop: 1 keeps reminders
    CALL_TIME = "call_time"
    CALLBACK_NOTICE = "callback_notice"
    SURVEY = "survey"


class QuestionState(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"  # a newer question or command took its place
    WITHDRAWN = "withdrawn"  # what it asked about is gone


class HandOverState(StrEnum):
    OPEN = "open"
    TAKEN = "taken"
    CLOSED = "closed"


class HandOverReason(StrEnum):
    EMERGENCY = "emergency"
    ASKED_FOR_PERSON = "asked_for_person"
    ASKED_FOR_CALL = "asked_for_call"
    NOT_UNDERSTOOD = "not_understood"
    NEEDS_HUMAN = "needs_human"
    NUMBER_NOT_ON_FILE = "number_not_on_file"  # L3: the command is read, staff check and carry it out
    NAME_CONTRADICTS_CODE = "name_contradicts_code"
    TOO_MANY_FAILURES = "too_many_failures"
    TOO_MANY_ANSWERS = "too_many_answers"
    STAFF_ONLY = "staff_only"  # a service that nobody may change by text
    TOO_LATE = "too_late"
    RUNNING_LATE = "running_late"
    WRONG_NUMBER = "wrong_number"
    DECEASED = "deceased"
    DO_NOT_TEXT = "do_not_text"
    MINOR = "minor"  # the guardian link sleeps: staff ask the young person
    OTHER_LANGUAGE = "other_language"
    INCOMPLETE_TEXT = "incomplete_text"  # a part never came
    COULD_NOT_HANDLE = "could_not_handle"  # three tries failed


class InboxState(StrEnum):
    NEW = "new"
    PART = "part"  # a segment that waits for the others
    DONE = "done"
    JOINED = "joined"  # a segment whose text was handled with its last part
    FAILED = "failed"  # three tries failed; a hand-over holds it


class Outcome(StrEnum):
    """How an inbound text ended; readable by the API (guarantee 1)."""

    ANSWERED = "answered"
    HANDED_OVER = "handed_over"
    NO_ANSWER_NEEDED = "no_answer_needed"


class OutboxState(StrEnum):
    QUEUED = "queued"
    LEASED = "leased"
    SENT = "sent"  # every part accepted by the carrier
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    BLOCKED = "blocked"  # stop, objection, prohibition or guard, found when it was written or leased
    WITHDRAWN = "withdrawn"


class StopSource(StrEnum):
    """Who silenced a number. START lifts only what the person's own stop set (product.md section 3)."""

    STOP = "stop"
    WRONG_NUMBER = "wrong_number"
    STAFF = "staff"


class OfferState(StrEnum):
    OPEN = "open"
    WON = "won"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class OfferStep(StrEnum):
    """What a line of an offer's ledger says."""

    OPENED = "opened"
    ASKED = "asked"
    WON = "won"  # accepted in time, first of all
    LOST = "lost"  # accepted when another had won
    LATE = "late"  # accepted when the offer had ended
    REFUSED = "refused"  # accepted, and could not have it any more: the offer went on
    DECLINED = "declined"
    UNDONE = "undone"  # the winner gave it back
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class WaitlistState(StrEnum):
    ACTIVE = "active"
    SERVED = "served"  # won an offer
    LEFT = "left"


class FreedBy(StrEnum):
    """How a slot fell free, and so when it may be offered."""

    TEXT = "text"  # the patient may still undo it
    STAFF = "staff"
    LAPSE = "lapse"
    CLAIM = "claim"  # its patient won an earlier time; it is held for their undo
    UNDO = "undo"  # a winner gave it back


class ReminderKind(StrEnum):
    """What a visit is texted about by the clock, or because the clinic asks for it."""

    REMINDER = "reminder"
    PROVISIONAL_ASK = "provisional_ask"
    LAPSE = "lapse"
    PUSH = "push"


class ReminderState(StrEnum):
    """How far a reminder has come; the outbox row that it became says whether it went (`models.reminding`)."""

    PLANNED = "planned"
    QUEUED = "queued"  # in the outbox
    WITHDRAWN = "withdrawn"  # the visit changed, or a later one took its place
    NOT_SENT = "not_sent"  # with the reason
