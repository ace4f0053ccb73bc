"""Random texts and situations, most of them likely and a few absurd. One seed makes one of each, always the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Any, TypeVar

from handlers import pending
from models.facts import (
    Choice,
    Facts,
    HandOverFacts,
    Link,
    PersonFacts,
    QuestionFacts,
    StopFacts,
    UndoFacts,
    VisitFacts,
)
from models.states import AppointmentStatus, HandOverReason, Purpose, QuestionKind, StopSource, ThreadState
from parser.command import Command, Intent, Interval, Recur, Topic
from tests.builders import (
    NOW,
    OTHER_NUMBER,
    PATIENT_NUMBER,
    IdentityRules,
    a_person,
    a_question,
    a_service,
    a_thread,
    a_visit,
    code_of,
    facts,
)

T = TypeVar("T")
LOCAL = NOW.replace(tzinfo=None) + timedelta(hours=3)
BORN = (date(1980, 5, 17), date(2019, 3, 1), date(2012, 3, 1), date(2016, 6, 1), None)
NAMES = ("Aino Esimerkki", "Eero Esimerkki", "Kalle Toinen", "Aino", "12")
COMMANDS = (Intent.BOOK, Intent.CANCEL, Intent.RESCHEDULE, Intent.CONFIRM, Intent.LIST, Intent.CHOOSE, Intent.FREE)
EVERYBODY = (1, 2, 3, 4)


class Chance:
    """What comes of one seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._calm = self.of(0.6)  # an ordinary day: an adult on their own number, nothing in the way

    def of(self, share: float) -> bool:
        """True in *share* of all cases."""
        return self._random.random() < share

    def pick(self, among: Sequence[T]) -> T:
        """One of them."""
        return self._random.choice(among)

    def maybe(self, share: float, among: Sequence[T]) -> T | None:
        """One of them in *share* of all cases, else None."""
        return self.pick(among) if self.of(share) else None

    def odd(self, share: float) -> bool:
        """True in *share* of all cases on days that are not ordinary."""
        return not self._calm and self.of(share)

    # --- texts ----------------------------------------------------------------------------------------------------

    def command(self) -> Command:
        """A text as the parser might read it, now and then as it never would."""
        codes = [code_of(1)] if self._calm else [code_of(1), code_of(1), code_of(2), code_of(3), "nobody's"]
        code = self.maybe(0.8 if self._calm else 0.6, codes)
        odd = self.pick(["invalid", "malformed", "foreign"])
        intent = self.pick(COMMANDS) if self.of(0.9) else self.pick(list(Intent))
        digit = self.maybe(0.1, range(4) if self._calm else range(10))
        return Command(
            intent=intent,
            topic=self.maybe(0.05, list(Topic)),
            language=self.pick([None, "fi", "sv", "en", "et"]),
            certain_language=self.of(0.5),
            name=self.maybe(0.3, NAMES[:1] if self._calm else NAMES),
            identity_code=code,
            identity_status="ok" if code else odd if self.odd(0.2) else "none",
            service="checkup" if self._calm else self.maybe(0.3, ["checkup", "ortho", "pain"]),
            when=self._spans(0.4),
            ref=self._spans(0.05 if self._calm else 0.3),
            recur=self._recur() if self.of(0.1) else None,
            choice=digit,
            digit=digit,
            letter=None if digit is not None else self.maybe(0.1, "ABCDE"),
            minutes=self.maybe(0.1, range(90)),
            emergency=self.odd(0.05),
            needs_human=self.of(0.1),
            confidence=0.3 if self.odd(0.2) else 0.95,
            also=tuple(self.pick(list(Intent)) for _ in range(2)) if self.of(0.1) else (),
            whole=self.of(0.9),
            wanted_language=self.maybe(0.1, ["sv", "xx"]),
            child=self.of(0.1),
        )

    def _spans(self, share: float) -> tuple[Interval, ...] | None:
        return tuple(self._interval() for _ in range(self.pick([1, 1, 2]))) if self.of(share) else None

    def _interval(self) -> Interval:
        start = LOCAL + timedelta(hours=self.pick(range(1, 120, 20)) if self.of(0.7) else self.pick(range(-72, 480)))
        length = self.pick([0, 0, 60, 1440, 7 * 1440, None])
        if length in (1440, 7 * 1440):
            start = start.replace(hour=0, minute=0)
        return Interval(start, None if length is None else start + timedelta(minutes=length))

    def _recur(self) -> Recur:
        days = tuple(sorted({self.pick(range(1, 8)) for _ in range(3)}))
        return Recur(self.pick([None, days]), self.pick([None, "08:00", "16:00"]), self.pick([None, "12:00", "24:00"]))

    # --- situations -----------------------------------------------------------------------------------------------

    def situation(self, **fixed: Any) -> Facts:
        """What might be known of a text; *fixed* facts are as they are given."""
        visits = [self._visit(number) for number in range(self.pick([1, 1, 2] if self._calm else range(5)))]
        questions = {
            q.id: q
            for q in (
                self._question(visits) for _ in range(self.pick([0, 0, 0, 1] if self._calm else [0, 0, 1, 1, 2, 3]))
            )
        }
        known: dict[str, Any] = {
            "people": [self._person(id_) for id_ in EVERYBODY],
            "thread": self._thread(),
            "services": [
                a_service(),
                a_service(id=2),
                a_service(id=3, key="ortho", kind="ortho", patient_may=frozenset()),
            ],
            "rules": IdentityRules(policy="code_and_name" if self.of(0.2) else "two_facts"),
            "by_code": {code_of(1): 1, code_of(2): 2, code_of(3): 3, "nobody's": None},
            "questions": tuple(questions.values()),
            "hand_over": self._hand_over() if self.odd(0.3) else None,
            "stops": (StopFacts(self.maybe(0.5, list(Purpose)), self.pick(list(StopSource))),) if self.odd(0.2) else (),
            "failures_of_number": self.pick([4, 5]) if self.odd(0.2) else 0,
            "failures_of_person": {1: self.pick([4, 5])} if self.odd(0.2) else {},
            "answers_last_hour": 25 if self.odd(0.05) else 0,
            "texted_visits": frozenset(visit.id for visit in visits if self.of(0.5)),
            "shared_numbers": frozenset([OTHER_NUMBER]) if self.of(0.3) else frozenset(),
            "undo_slot_free": self.of(0.8),
            "complete": not self.odd(0.05),
        }
        return facts(*visits, **known | fixed)

    def _person(self, id_: int) -> PersonFacts:
        first = ((PATIENT_NUMBER,), (PATIENT_NUMBER,), (OTHER_NUMBER, PATIENT_NUMBER), (OTHER_NUMBER,), ())
        others = ((),) if self._calm else ((), (), (PATIENT_NUMBER,), (OTHER_NUMBER,))
        numbers = self.pick((first[:3] if self._calm else first) if id_ == 1 else others)
        wards = {ward for ward in EVERYBODY if ward != id_ and self.of(0.3 if id_ == 1 else 0.05)}
        return a_person(
            id_,
            given_names=("", "Aino", "Eero", "Kalle", "Liisa")[id_],
            family_name="Toinen" if id_ == 3 else "Esimerkki",
            born_on=BORN[0] if id_ == 1 and self.of(0.8) else self.pick(BORN),
            numbers=numbers,
            stale_numbers=() if numbers else self.pick([(), (PATIENT_NUMBER,)]),
            do_not_text=self.odd(0.05),
            deceased=self.odd(0.05),
            silenced=self.odd(0.05),
            acts_from_12=self.of(0.3),
            dependants=tuple(Link(ward, self.maybe(0.2, [date(2026, 5, 4), date(2027, 1, 1)])) for ward in wards),
            language=self.pick([None, "fi", "sv", "xx"]),
        )

    def _visit(self, number: int) -> VisitFacts:
        return a_visit(
            NOW + timedelta(minutes=self.pick([-10, 600, *range(1500, 20_000, 60)])),
            id=40 + number,
            slot_id=400 + number,
            patient_id=1 if self._calm else self.pick([1, 1, 2, 3]),
            service_id=1 if self._calm else self.pick([1, 1, 2, 3]),
            status=self.pick([AppointmentStatus.BOOKED, AppointmentStatus.PROVISIONAL, AppointmentStatus.CONFIRMED]),
        )

    def _thread(self) -> Any:
        undo = UndoFacts("cancel", 50, 500, AppointmentStatus.BOOKED, NOW + timedelta(minutes=5), self.pick([1, 2]))
        return a_thread(
            state=self.pick(list(ThreadState)) if self.odd(0.5) else ThreadState.BOT,
            language=self.pick([None, "fi", "en"]),
            session_patient_id=self.maybe(0.4, EVERYBODY),
            session_until=NOW + timedelta(minutes=self.pick([-5, 5])),
            unclear=self.pick([0, 0, 1]),
            undo=undo if self.of(0.4) else None,
            clinic_id=self.pick([None, 1]),
        )

    def _question(self, visits: Sequence[VisitFacts]) -> QuestionFacts:
        visit = self.maybe(0.9, visits) if visits else None
        settled = pending.Settled(self.pick([None, 1, 2]), visit.id if visit else None, self.pick([None, 1, 3]))
        choices = [
            Choice(key, self.pick(["slot", "visit", "person", "book", "human", "keep"]), 900, NOW + timedelta(hours=21))
            for key in self.pick(["", "1", "12", "123", "AB"])
        ]
        return a_question(
            self.pick(list(QuestionKind)),
            id=self.pick(range(60, 70)),
            asked_at=NOW - timedelta(seconds=5 if self.odd(0.5) else 3600),
            patient_id=visit.patient_id if visit else self.pick([None, 1, 2]),
            appointment_id=visit.id if visit else None,
            choices=tuple(choices),
            pending=pending.put(self.command(), settled) if self.of(0.9) else None,
        )

    def _hand_over(self) -> HandOverFacts:
        return HandOverFacts(9, self.pick(list(HandOverReason)), self.pick([None, NOW + timedelta(minutes=30)]))
