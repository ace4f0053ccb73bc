"""One text at the desk: what was read, what is known, who may be acted for, and how a decision is made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from handlers import hours, pending
from handlers.decision import Ask, Decision, HandOver, Notice, Reply
from handlers.pending import NOTHING, Settled
from models.changes import (
    BookAppointment,
    CancelAppointment,
    Change,
    ClaimOffer,
    CloseQuestion,
    ConfirmAppointment,
    MoveAppointment,
    RestoreAppointment,
    ReturnAppointment,
    UndoClaim,
)
from models.facts import (
    Choice,
    ClinicFacts,
    Facts,
    HandOverFacts,
    PersonFacts,
    QuestionFacts,
    ThreadFacts,
    UndoFacts,
    VisitFacts,
)
from models.states import HandOverReason, Outcome, QuestionKind, QuestionState, ThreadState
from parser.command import Command

# Questions that the conversation asks: a newer one takes the place of an older one. Those that the clinic starts
# (reminders, offers, surveys) stay open beside them.
CONVERSATIONAL = frozenset(
    {
        QuestionKind.OPTIONS,
        QuestionKind.WHICH_VISIT,
        QuestionKind.WHICH_PERSON,
        QuestionKind.WHICH_SERVICE,
        QuestionKind.DETAIL,
        QuestionKind.MENU,
        QuestionKind.IDENTITY,
        QuestionKind.CLARIFY,
        QuestionKind.KEEP_REMINDERS,
    }
)
ABOUT_A_VISIT = frozenset({QuestionKind.REMINDER, QuestionKind.PROVISIONAL})
LASTS = {  # slots go, visits stay: the nearer to a change, the shorter a question stands
    QuestionKind.OPTIONS: timedelta(hours=2),
    QuestionKind.WHICH_VISIT: timedelta(minutes=30),
    QuestionKind.WHICH_PERSON: timedelta(minutes=30),
    QuestionKind.WHICH_SERVICE: timedelta(minutes=30),
    QuestionKind.DETAIL: timedelta(minutes=30),
    QuestionKind.IDENTITY: timedelta(minutes=30),
    QuestionKind.CLARIFY: timedelta(minutes=30),
    QuestionKind.MENU: timedelta(hours=24),
    QuestionKind.KEEP_REMINDERS: timedelta(hours=24),
}
# Hand-overs that the writer must not learn of: their text was the neutral one, and so must the next ones be.
UNTOLD = frozenset(
    {
        HandOverReason.NUMBER_NOT_ON_FILE,
        HandOverReason.NAME_CONTRADICTS_CODE,
        HandOverReason.TOO_MANY_FAILURES,
        HandOverReason.TOO_MANY_ANSWERS,
        HandOverReason.DO_NOT_TEXT,
        HandOverReason.WRONG_NUMBER,
        HandOverReason.DECEASED,
    }
)
MERGED = frozenset({HandOverReason.NEEDS_HUMAN, HandOverReason.NOT_UNDERSTOOD, HandOverReason.ASKED_FOR_PERSON})
VISIT_CHANGES = (
    BookAppointment,
    CancelAppointment,
    ClaimOffer,
    ConfirmAppointment,
    MoveAppointment,
    RestoreAppointment,
    ReturnAppointment,
    UndoClaim,
)
EMERGENCY_NUMBER, ADVICE_NUMBER = "112", "116117"  # where the clinic names no others
LETTERS = "ABCDEFGHJKLMNP"


@dataclass(slots=True)
class Case:
    """A command with its facts, and what the rules before have found out.

    It is made anew (`replace`) and never changed; frozen would cost the conversation a tenth of its time.
    """

    command: Command
    facts: Facts
    language: str
    thread: ThreadFacts
    level: int = 0  # of the identity ladder
    owner: PersonFacts | None = None  # who is identified
    people: tuple[PersonFacts, ...] = ()  # who may be acted for
    named: PersonFacts | None = None  # the one of them whom the text names
    only: VisitFacts | None = None  # the single visit that L1 opens
    settled: Settled = NOTHING
    picked: Choice | None = None  # the option that was chosen
    answered: QuestionFacts | None = None
    changes: tuple[Change, ...] = ()  # that come with whatever is decided
    keeps: frozenset[int] = frozenset()  # questions that stay open although a new one is asked

    def local(self, moment: datetime, clinic: ClinicFacts | None = None) -> datetime:
        """*moment* on the wall clock of *clinic*, or of the clinic that speaks."""
        return moment.astimezone((clinic or self.facts.clinic).zone)

    @property
    def known_hand_over(self) -> HandOverFacts | None:
        """The open hand-over, if the writer may know of it."""
        open_one = self.facts.hand_over
        return None if open_one is None or open_one.reason in UNTOLD else open_one

    @property
    def urgent_numbers(self) -> dict[str, Any]:
        """Whom to call when it cannot wait, as blanks: the emergency number and the medical helpline."""
        urgent = self.facts.clinic.urgent
        return {
            "emergency": urgent.get("emergency", EMERGENCY_NUMBER),
            "advice": urgent.get("advice", ADVICE_NUMBER),
        }

    @property
    def promise(self) -> hours.Promise:
        """By when a person answers this text."""
        return hours.promise(self.facts.clinic, self.facts.now, self.facts.rules.region)

    def keys(self, count: int) -> list[str]:
        """What to answer with: digits, or letters while another question stands that takes digits or letters."""
        standing = {choice.key for question in self._staying() for choice in question.choices}
        if not standing:
            return [str(number) for number in range(1, count + 1)]
        return [letter for letter in LETTERS if letter not in standing][:count]

    def with_undo(self, undo: UndoFacts | None) -> ThreadFacts:
        """The thread with the change that can be taken back."""
        return replace(self.thread, undo=undo)

    # --- decisions ------------------------------------------------------------------------------------------------

    def answer(
        self,
        action: str,
        message: str,
        blanks: Mapping[str, Any] | None = None,
        *,
        changes: Iterable[Change] = (),
        notices: Iterable[Notice] = (),
        ask: Ask | None = None,
        visit: VisitFacts | None = None,
        patient_id: int | None = None,
        thread: ThreadFacts | None = None,
        hand_over: HandOver | None = None,
    ) -> Decision:
        """A decision that answers the text with *message*, and closes what it answers or replaces."""
        every = (*self.changes, *changes)
        thread = thread or self.thread
        if hand_over is not None:
            thread = waiting(thread)
        if visit is not None and thread.clinic_id is None:
            thread = replace(thread, clinic_id=visit.clinic_id)
        new_business = ask is not None or any(isinstance(change, VISIT_CHANGES) for change in every)
        return Decision(
            action=action,
            outcome=Outcome.ANSWERED if hand_over is None else Outcome.HANDED_OVER,
            thread=thread,
            changes=(*every, *self._closings(visit, every, new_business)),
            reply=Reply(message, blanks or {}, (self.language,)),
            ask=ask,
            hand_over=hand_over,
            notices=tuple(notices),
            patient_id=visit.patient_id if visit else patient_id or (self.owner.id if self.owner else None),
            appointment_id=visit.id if visit else None,
            details={"level": self.level},
        )

    def ask(
        self,
        kind: QuestionKind,
        message: str,
        blanks: Mapping[str, Any],
        choices: Iterable[Choice] = (),
        settled: Settled | None = None,
        *,
        changes: Iterable[Change] = (),
        thread: ThreadFacts | None = None,
        patient_id: int | None = None,
    ) -> Decision:
        """A decision that asks: the command waits with the question, nothing of the diary has changed."""
        settled = settled or self.settled
        question = Ask(
            kind=kind,
            expires_at=self.facts.now + LASTS[kind],
            choices=tuple(choices),
            patient_id=settled.patient_id or patient_id,
            appointment_id=settled.visit_id,
            pending=pending.put(self.command, settled),
        )
        return self.answer(f"asked_{kind.value}", message, blanks, changes=changes, ask=question, thread=thread)

    def ask_plainly(
        self,
        kind: QuestionKind,
        message: str,
        blanks: Mapping[str, Any],
        choices: Iterable[Choice],
        waiting_for: Mapping[str, Any],
    ) -> Decision:
        """A decision that asks without a command that waits."""
        expires = self.facts.now + LASTS[kind]
        question = Ask(kind=kind, expires_at=expires, choices=tuple(choices), pending=waiting_for)
        return self.answer(f"asked_{kind.value}", message, blanks, ask=question)

    def hand_over(
        self,
        reason: HandOverReason,
        message: str | None = None,
        blanks: Mapping[str, Any] | None = None,
        *,
        changes: Iterable[Change] = (),
        notices: Iterable[Notice] = (),
        patient_id: int | None = None,
        visit: VisitFacts | None = None,
        urgent: bool = False,
        promised_at: datetime | None = None,
    ) -> Decision:
        """A decision that gives the text to a person; without *message* the reply says by when they answer."""
        promise = self.promise
        if message is None:
            message, blanks = self._who_answers(promise)
        opened = HandOver(
            reason=reason,
            promised_at=promised_at or promise.by,
            urgent=urgent,
            patient_id=visit.patient_id if visit else patient_id or (self.owner.id if self.owner else None),
            command=pending.for_staff(
                self.command, replace(self.settled, visit_id=visit.id) if visit else self.settled
            ),
        )
        decision = self.answer(
            f"handed_over_{reason.value}",
            message,
            blanks,
            changes=changes,
            notices=notices,
            visit=visit,
            patient_id=patient_id,
            hand_over=opened,
        )
        return replace(decision, hand_over=None) if self._is_waiting_already(reason) else decision

    def silent(self, action: str, reason: str) -> Decision:
        """A decision that needs no answer, with its *reason* for the record."""
        return Decision(action=action, outcome=Outcome.NO_ANSWER_NEEDED, thread=self.thread, reason=reason)

    def _who_answers(self, promise: hours.Promise) -> tuple[str, dict[str, Any]]:
        standing, blanks = self.known_hand_over, self.urgent_numbers
        if standing is not None and standing.promised_at is not None and standing.promised_at > self.facts.now:
            return "added_to_hand_over", blanks | {"by": self.local(standing.promised_at)}
        if promise.by is None:
            return "handed_over", blanks
        if promise.opens_at is not None:
            return "handed_over_closed", blanks | {"opens": self.local(promise.opens_at), "by": self.local(promise.by)}
        minutes = (promise.by - self.facts.now) // timedelta(minutes=5) * 5
        return "handed_over_open", blanks | {"minutes": minutes}

    def _is_waiting_already(self, reason: HandOverReason) -> bool:
        """Whether an open hand-over holds this text too: one more of the same would only be counted twice."""
        standing = self.known_hand_over
        return standing is not None and reason in MERGED

    def _staying(self) -> list[QuestionFacts]:
        """The open questions that stay open when this decision asks one."""
        answered = self.answered.id if self.answered else None
        return [q for q in self.facts.questions if q.id != answered and q.kind not in CONVERSATIONAL]

    def _closings(
        self, visit: VisitFacts | None, changes: Iterable[Change], new_business: bool
    ) -> Iterable[CloseQuestion]:
        changed = visit is not None and any(isinstance(change, VISIT_CHANGES) for change in changes)
        for question in self.facts.questions:
            if self.answered is not None and question.id == self.answered.id:
                yield CloseQuestion(question.id, QuestionState.ANSWERED)
            elif question.id in self.keeps:
                continue
            elif question.kind in CONVERSATIONAL and new_business:
                yield CloseQuestion(question.id, QuestionState.SUPERSEDED)
            elif changed and visit is not None and question.appointment_id == visit.id:
                yield CloseQuestion(question.id, QuestionState.WITHDRAWN)


def waiting(thread: ThreadFacts) -> ThreadFacts:
    """*thread* with an open hand-over: it waits, unless a person has it already."""
    return thread if thread.state is ThreadState.PERSON else replace(thread, state=ThreadState.WAITING)
