"""The facts of one batch of texts: read by one query per kind, then handed out text by text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from models import offered, queries
from models.crypto import Keys
from models.facts import Catalogue, Facts, IdentityRules, PersonFacts, ThreadFacts, VisitFacts, WaitlistFacts
from models.openings import is_free
from models.queries import Pair
from models.states import ThreadState

ANSWERS_COUNTED = timedelta(hours=1)
RECENT = timedelta(days=7)  # how far back "is it real?" and our own echo are looked for


def code_index(keys: Keys, code: str) -> bytes:
    """The blind index under which the patient with this identity code (in canonical form) is found."""
    return keys.blind(code, "patient.identity_code")


class Gathering:
    """What a batch needs to know. Make it inside a reading; nothing of it outlives the batch."""

    def __init__(
        self,
        connection: Connection,
        keys: Keys,
        catalogue: Catalogue,
        rules: IdentityRules,
        pairs: Collection[Pair],
        now: datetime,
    ) -> None:
        """Read everything that does not depend on what the texts say. *pairs*: number and service number of each."""
        self._connection, self._keys = connection, keys
        self._catalogue, self._rules, self._now = catalogue, rules, now
        numbers = list({number for number, _ in pairs})
        self._threads = queries.threads(connection, pairs)
        self._people = queries.people_on(connection, numbers, now)
        self._stops = queries.stops(connection, numbers)
        self._answers = queries.answers_since(connection, numbers, now - ANSWERS_COUNTED)
        ids = [thread.id for thread in self._threads.values()]
        self._questions = queries.questions(connection, keys, ids, now)
        self._read_offers()
        handed = [t.id for t in self._threads.values() if t.state in {ThreadState.WAITING, ThreadState.PERSON}]
        self._hand_overs = queries.hand_overs(connection, handed) if handed else {}
        self._visits: dict[int, list[VisitFacts]] = {}
        self._shared: frozenset[str] = frozenset()
        self._read_visits()
        self._read_shared()
        self._failures_of_numbers: Mapping[str, int] = {}
        self._failures_of_people: Mapping[int, int] = {}

    def _read_visits(self) -> None:
        new = [id_ for id_ in self._people.persons if id_ not in self._visits]
        if new:
            found = queries.visits(self._connection, new, self._now)
            self._visits.update({id_: found.get(id_, []) for id_ in new})

    def _read_offers(self) -> None:
        """The offers that open questions are about, and who of those people waits for a time."""
        asked = [question for each in self._questions.values() for question in each]
        ids = {id_ for question in asked if (id_ := question.offer_id) is not None}
        self._offers = offered.offers(self._connection, ids) if ids else {}
        self._waiting = offered.waitlist(self._connection, list(self._people.persons)) if ids else {}

    def _read_shared(self) -> None:
        """Which numbers of those people serve others too. For the senders' own we know already."""
        self._shared |= self._people.shared
        every = {number for person in self._people.persons.values() for number in person.numbers}
        unknown = every - self._people.on_number.keys()
        if unknown:
            self._shared |= queries.shared_numbers(self._connection, unknown)

    def facts(self, inbox_id: int, pair: Pair, complete: bool = True) -> Facts:
        """What is known of a text before it is read. *pair* may be a number that never wrote before (a preview)."""
        number, service_number = pair
        thread = self._threads.get(pair) or _new_thread(number, service_number)
        people = self._known_to(self._people.on_number.get(number, ()))
        return Facts(
            now=self._now,
            inbox_id=inbox_id,
            thread=thread,
            catalogue=self._catalogue,
            clinics=self._catalogue.clinics_at(service_number),
            rules=self._rules,
            on_number=tuple(self._people.persons[id_] for id_ in self._people.on_number.get(number, ())),
            people=people,
            visits=self._visits_of(people),
            questions=tuple(self._questions.get(thread.id, ())),
            hand_over=self._hand_overs.get(thread.id),
            stops=tuple(self._stops.get(number, ())),
            answers_last_hour=self._answers.get(number, 0),
            shared_numbers=self._shared,
            complete=complete,
            offers={
                question.offer_id: self._offers[question.offer_id]
                for question in self._questions.get(thread.id, ())
                if question.offer_id in self._offers
            },
            waitlist=self._waiting_of(people),
        )

    def open_codes(self, codes: Collection[str]) -> None:
        """Find whom these identity codes open, before `with_codes` is asked."""
        if codes:
            indexes = [code_index(self._keys, code) for code in codes]
            queries.find_by_code(self._connection, self._people, indexes, self._now)
            self._read_visits()
            self._read_shared()

    def count_failures(self, numbers: Collection[str], since: datetime) -> None:
        """Read the failed codes and dates of these numbers, and of everybody gathered, since the day began."""
        self._failures_of_numbers = queries.failures_of_numbers(self._connection, numbers, since)
        self._failures_of_people = queries.failures_of_patients(self._connection, list(self._people.persons), since)

    def with_codes(self, facts: Facts, codes: Iterable[str]) -> Facts:
        """*facts* with whom the text's identity codes open, and how often that was tried in vain today."""
        by_code = {code: self._people.by_index.get(code_index(self._keys, code)) for code in codes}
        opened = [id_ for id_ in by_code.values() if id_ is not None]
        people = self._known_to([*facts.people, *opened])
        return replace(
            facts,
            by_code=by_code,
            people=people,
            visits=self._visits_of(people),
            shared_numbers=self._shared,
            failures_of_number=self._failures_of_numbers.get(facts.thread.number, 0),
            failures_of_person={id_: n for id_, n in self._failures_of_people.items() if id_ in people},
        )

    def with_texted_visits(self, facts: Facts) -> Facts:
        """*facts* with the visits whose time we have texted to this number."""
        visits = [visit.id for visit in facts.visits]
        if not visits:
            return facts
        texted = queries.texted_visits(self._connection, facts.thread.number, visits)
        return replace(facts, texted_visits=texted)

    def with_last_sent(self, facts: Facts, text: str) -> Facts:
        """*facts* with when we last texted this number, and whether *text* is our own words coming back."""
        last = queries.last_sent(self._connection, self._keys, facts.thread.number, self._now - RECENT)
        if last is None:
            return facts
        return replace(facts, last_sent_at=last[1], last_body_echo=last[0].strip() == text.strip())

    def with_waitlist(self, facts: Facts) -> Facts:
        """*facts* with the waitlist entries of all who are known of."""
        self._waiting |= offered.waitlist(self._connection, list(facts.people))
        return replace(facts, waitlist=self._waiting_of(facts.people))

    def _waiting_of(self, people: Iterable[int]) -> tuple[WaitlistFacts, ...]:
        return tuple(entry for id_ in people for entry in self._waiting.get(id_, ()))

    def with_undo(self, facts: Facts) -> Facts:
        """*facts* with whether the slot that an undo needs is still free.

        Without any undo when the visit is no longer as the change left it: what is undone is that change alone.
        """
        undo = facts.thread.undo
        if undo is None:
            return facts
        if undo.version not in (None, queries.version_of_visit(self._connection, undo.appointment_id)):
            return replace(facts, thread=replace(facts.thread, undo=None))
        if undo.offer_id is not None:
            if not offered.stands_as_won(self._connection, undo.offer_id):
                return replace(facts, thread=replace(facts.thread, undo=None))
            kept = undo.starts_at is None or offered.is_kept_for(self._connection, undo.slot_id, undo.offer_id)
            return replace(facts, undo_slot_free=kept)
        return replace(facts, undo_slot_free=undo.slot_id in is_free(self._connection, [undo.slot_id]))

    def _known_to(self, ids: Iterable[int]) -> dict[int, PersonFacts]:
        """These persons and their dependants."""
        persons = self._people.persons
        found: dict[int, PersonFacts] = {}
        for id_ in ids:
            person = persons[id_]
            found[id_] = person
            found.update({link.dependant_id: persons[link.dependant_id] for link in person.dependants})
        return found

    def _visits_of(self, people: Iterable[int]) -> tuple[VisitFacts, ...]:
        visits = [visit for id_ in people for visit in self._visits.get(id_, ())]
        return tuple(sorted(visits, key=lambda visit: (visit.starts_at, visit.id)))


def _new_thread(number: str, service_number: str) -> ThreadFacts:
    return ThreadFacts(
        id=0,
        number=number,
        service_number=service_number,
        clinic_id=None,
        state=ThreadState.BOT,
        language=None,
        session_patient_id=None,
        session_until=None,
        unclear=0,
        undo=None,
        noticed_at=None,
        version=0,
    )
