"""The round of reminders: what is due is decided and put in the outbox, or recorded with the reason why not.

A batch commits reminder states, texts, questions, lapsed visits and audit lines together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from gateway.text import Lane
from handlers.recipients import Circle
from handlers.reminders import UNREADABLE, TimedRules
from handlers.reminding import Known, Later, NotSent, Outcome, Text, Withdrawn, decide, goes_along
from handlers.rounds.batches import Batches
from models import inbox, ledger, queries, reminding
from models.crypto import Keys
from models.database import Database
from models.facts import Catalogue
from models.ledger import QuestionOut, TextOut
from models.queries import Pair, People, question_data
from models.reminding import Settled
from models.states import Purpose, ReminderKind, ReminderState
from models.timed_facts import Due

BATCH = 250  # reminders in one transaction: a tenth of a second, so that answers never wait long for a writer
A_DAY = timedelta(days=1)
LATE = timedelta(minutes=1)  # a reminder that waited so long was kept up: no worker, or more than the workers can do

log = structlog.get_logger("reminders")


class ReminderRound(Batches[Due]):
    """Carries out what is due."""

    item = "reminder"
    most_batches = 40  # so that other workers meanwhile take their share

    def __init__(
        self,
        database: Database,
        keys: Keys,
        rules: TimedRules,
        *,
        region: str = "FI",
        languages: Sequence[str] = ("fi", "sv", "en"),
    ) -> None:
        super().__init__(database)
        self._keys, self._rules = keys, rules
        self._region, self._languages = region, tuple(languages)
        self._catalogue = Catalogue(-1, {}, {})

    def run(self, now: datetime) -> int:
        """Do what is due; returns how many reminders."""
        waits_since = self._first_due(now)
        if waits_since is not None and now - waits_since >= LATE:
            log.warning("reminders_late", seconds=round((now - waits_since).total_seconds()))
        return super().run(now) if waits_since is not None else 0

    def _first_due(self, now: datetime) -> datetime | None:
        with self._database.reading() as connection:
            return reminding.first_due(connection, now)

    # --- a batch ------------------------------------------------------------------------------------------------

    def _has_work(self, now: datetime) -> bool:
        return self._first_due(now) is not None

    def _take(self, connection: Connection, now: datetime) -> Sequence[Due]:
        reminding.go_by_index(connection)
        return reminding.take_due(connection, now, BATCH)

    def _take_one(self, connection: Connection, id_: int) -> Sequence[Due]:
        reminding.go_by_index(connection)
        return reminding.take_one(connection, id_)

    def _next_ids(self, connection: Connection, now: datetime) -> Sequence[int]:
        return reminding.due_ids(connection, now, BATCH)

    def _give_up(self, connection: Connection, id_: int, now: datetime) -> int:
        return reminding.give_up(connection, id_, UNREADABLE, now)

    def _do(self, connection: Connection, items: Sequence[Due], now: datetime) -> None:
        latest, passed = _latest(items)
        beside = reminding.take_beside(connection, latest, now + A_DAY)
        known = self._known(connection, [*latest, *beside], now)
        self._write(connection, [*passed, *self._decided(latest, beside, known)], now)

    def _known(self, connection: Connection, due: Sequence[Due], now: datetime) -> Known:
        """Facts of everybody concerned, by one query per kind."""
        self._catalogue = queries.fresh_catalogue(connection, self._catalogue)
        patients = {one.visit.patient_id for one in due}
        guardians = reminding.guardians_of(connection, patients)
        people = People()
        queries.add_people(connection, people, patients | {id_ for ids in guardians.values() for id_ in ids}, now)
        circles, numbers = _circles(connection, people, patients, guardians, now)
        clinics = {clinic.number for clinic in self._catalogue.clinics.values()}
        pairs = [(number, clinic) for number in numbers for clinic in clinics]
        threads = {thread.id: pair for pair, thread in queries.threads(connection, pairs).items()}
        asked = queries.questions(connection, self._keys, list(threads), now)
        return Known(
            now=now,
            catalogue=self._catalogue,
            rules=self._rules,
            region=self._region,
            languages=self._languages,
            circles=circles,
            stops=queries.stops(connection, numbers),
            asked=_asked(connection, due),
            questions={threads[thread]: questions for thread, questions in asked.items()},
        )

    def _decided(self, due: Sequence[Due], beside: Sequence[Due], known: Known) -> list[Decided]:
        """What becomes of each, the first due first; what one text covers is decided with it."""
        done: set[int] = set()
        found: list[Decided] = []
        of_person: dict[int, list[Due]] = defaultdict(list)
        for one in (*due, *beside):
            of_person[one.visit.patient_id].append(one)
        for one in due:
            if one.id in done:
                continue
            others = of_person[one.visit.patient_id]
            together = [other for other in others if other.id not in done and goes_along(one, other, known)]
            outcome = decide(one, together, known)
            covered = (one, *together) if isinstance(outcome, Text) else (one,)
            done |= {each.id for each in covered}
            found.append(Decided(covered, outcome))
        return found

    def _write(self, connection: Connection, decided: Sequence[Decided], now: datetime) -> None:
        """Lapse, settle, put out, ask and record. A lapse withdraws what was queued about the visit: it comes first."""
        reminding.lapse(connection, [one.due[0].visit for one in decided if one.lapses], now)
        texts = [(one, one.outcome) for one in decided if isinstance(one.outcome, Text)]
        reminding.supersede(connection, [id_ for _, text in texts for id_ in text.supersedes], now)
        reminding.settle(connection, [each for one in decided for each in one.settled()], now)
        threads = _threads(connection, [text for _, text in texts], now)
        reminding.only_add(connection)
        ledger.put_out(connection, self._keys, [_text_out(one, text, threads, now) for one, text in texts], now)
        ledger.put_questions(connection, self._keys, [q for _, text in texts for q in _questions(text, threads)], now)
        reminding.record(connection, [line for one in decided for line in _lines(one, threads)], now)


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of one reminder, or of several that one text covers."""

    due: tuple[Due, ...]
    outcome: Outcome

    @property
    def lapses(self) -> bool:
        """Whether the visit is given up."""
        return isinstance(self.outcome, Text | NotSent) and self.outcome.lapses

    def settled(self) -> Iterator[Settled]:
        """What the rows become."""
        for one in self.due:
            match self.outcome:
                case Text(key=key):
                    yield Settled(one.id, ReminderState.QUEUED, one.due_at, None, key)
                case Later(due_at=due_at):
                    yield Settled(one.id, ReminderState.PLANNED, due_at)
                case NotSent(reason=reason):
                    yield Settled(one.id, ReminderState.NOT_SENT, one.due_at, reason)
                case Withdrawn(reason=reason):
                    yield Settled(one.id, ReminderState.WITHDRAWN, one.due_at, reason)


def _latest(due: Sequence[Due]) -> tuple[list[Due], list[Decided]]:
    """The reminders to decide, and those in whose place a later one of the same visit is due already."""
    last: dict[tuple[int, ReminderKind], Due] = {}
    passed: list[Decided] = []
    for one in due:  # by time
        key = (one.visit.id, one.kind)
        if key in last and one.for_start == last[key].for_start:
            passed.append(Decided((last[key],), Withdrawn("a later one is due")))
        last[key] = one
    gone = {one.due[0].id for one in passed}
    return [one for one in due if one.id not in gone], passed


def _asked(connection: Connection, due: Sequence[Due]) -> frozenset[int]:
    lapsing = [one.visit.id for one in due if one.kind is ReminderKind.LAPSE]
    return reminding.asked_visits(connection, lapsing) if lapsing else frozenset()


def _circles(
    connection: Connection,
    people: People,
    patients: Collection[int],
    guardians: Mapping[int, Sequence[int]],
    now: datetime,
) -> tuple[dict[int, Circle], set[str]]:
    """Everybody's circle, and the numbers that may be texted."""
    numbers = {number for person in people.persons.values() for number in person.numbers[:1]}
    known = queries.people_on(connection, numbers, now, people).persons
    on_number = {number: [known[id_] for id_ in ids] for number, ids in people.on_number.items()}
    wards = {
        person.id: [known[link.dependant_id] for link in person.dependants if link.dependant_id in known]
        for person in known.values()
    }
    circles = {
        id_: Circle(
            person=people.persons[id_],
            guardians=tuple(known[guardian] for guardian in guardians.get(id_, ()) if guardian in known),
            on_number=on_number,
            wards=wards,
        )
        for id_ in patients
        if id_ in people.persons
    }
    return circles, numbers


def _threads(connection: Connection, texts: Sequence[Text], now: datetime) -> dict[Pair, int]:
    """The threads on which *texts* go, by id. One that is with no clinic yet is with the one that writes now."""
    clinics = {(text.number, text.service_number): text.clinic_id for text in texts}
    inbox.make_threads(connection, clinics, now, clinics)
    threads = queries.threads(connection, clinics)
    nowhere = {thread.id: clinics[pair] for pair, thread in threads.items() if thread.clinic_id is None}
    reminding.place_threads(connection, nowhere)
    return {pair: thread.id for pair, thread in threads.items()}


def _text_out(decided: Decided, text: Text, threads: Mapping[Pair, int], now: datetime) -> TextOut:
    return TextOut(
        key=text.key,
        thread_id=threads[text.number, text.service_number],
        number=text.number,
        service_number=text.service_number,
        purpose=Purpose.REMINDERS,
        lane=Lane.REMINDER,
        message=text.message,
        body=text.body,
        due_at=now,
        expires_at=text.expires_at,
        patient_id=text.visit.patient_id,
        appointment_id=decided.due[0].visit.id,
    )


def _questions(text: Text, threads: Mapping[Pair, int]) -> Iterator[tuple[int, QuestionOut]]:
    for asked in text.questions:
        yield (
            threads[text.number, text.service_number],
            QuestionOut(
                kind=asked.kind,
                outbox_key=text.key,
                data=question_data(asked.choices, None),
                expires_at=asked.expires_at,
                patient_id=asked.visit.patient_id,
                appointment_id=asked.visit.id,
            ),
        )


def _lines(decided: Decided, threads: Mapping[Pair, int]) -> Iterator[dict[str, Any]]:
    """A line of the audit log for each visit that was texted about, could not be, or lapsed."""
    outcome = decided.outcome
    if isinstance(outcome, Later | Withdrawn):
        return
    thread = threads[outcome.number, outcome.service_number] if isinstance(outcome, Text) else None
    why = outcome.reason if isinstance(outcome, NotSent) else None
    for one in decided.due:
        yield {
            "action": "lapsed" if decided.lapses else "reminded" if why is None else "not_reminded",
            "thread_id": thread,
            "patient_id": one.visit.patient_id,
            "appointment_id": one.visit.id,
            "details": {"kind": one.kind.value, "step": one.step} | ({} if why is None else {"reason": why}),
        }
