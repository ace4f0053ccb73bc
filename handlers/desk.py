"""The desk: takes texts from the inbox, reads them, has them decided, and writes the outcome in one transaction.

Many texts are answered at once: the facts come by one query per kind for the whole batch, and all decisions of a batch
are written together. What cannot be written together is done by halves; what fails three times goes to a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog
from sqlalchemy import Connection

from gateway.channel import Answered, Stored
from gateway.intake import trouble
from handlers import conversation, incomplete, outcome
from handlers.decision import Decision, Reply
from handlers.leasing import NO_ROOM, Leases
from handlers.letters import Letter, joined, just_stored, letters_of
from handlers.outcome import Read
from models import inbox, ledger, offering, openings, queries
from models.changes import ClaimOffer
from models.crypto import Keys, SealBroken
from models.database import Database, is_away, is_conflict
from models.facts import Catalogue, Facts, IdentityRules, SlotFacts, SlotSearch
from models.gathering import Gathering
from models.inbox import Waiting
from models.ledger import Conflict, TextOut
from parser.command import Command, Intent, Topic
from parser.reading import parse

BATCH = 64  # texts decided together at most: about 50 ms of work
TRIES = 3
ORPHANED = timedelta(seconds=10)  # a text that waits so long belongs to a process that died
SWEPT_AT_ONCE = BATCH
AN_ECHO_IS_LONG = 60  # characters: nobody writes so much that is word for word ours by chance; ours hold no code
CLAIM_WAITS = timedelta(seconds=2)  # for answers to the same offer that came before it, to other processes
ABOUT_WAITLIST = frozenset({Topic.WAITLIST_JOIN, Topic.WAITLIST_LIMIT, Topic.WAITLIST_LEAVE})
TAKING = frozenset({Intent.ACCEPT, Intent.CONFIRM, Intent.CHOOSE})  # what a text that takes an offer may be read as

log = structlog.get_logger("desk")


class Preview(NamedTuple):
    """What a text would be read as, decided and answered."""

    command: Command
    decision: Decision
    answers: list[str]


class _Search(NamedTuple):
    """A text whose decision hangs on what is free in the diary."""

    letter: Letter
    command: Command
    facts: Facts
    search: SlotSearch


class Desk:
    """Answers texts. Keeps the promises of `gateway.channel.Desk`."""

    def __init__(
        self,
        database: Database,
        keys: Keys,
        rules: IdentityRules,
        languages: Sequence[str] = ("fi", "sv", "en"),
        gateway: str = "",
    ) -> None:
        """*languages*: those that the clinic speaks, its own first. *gateway*: for whom answers are leased."""
        self._database, self._keys, self._rules = database, keys, rules
        self._language = languages[0]
        self._gateway = gateway
        self._leases = Leases(gateway)
        self._catalogue = Catalogue(-1, {}, {})
        self._swept_to = 0  # the inbox row up to which this sweep has come
        self._held_since: dict[int, datetime] = {}  # claims that wait for older answers, by inbox id

    def answer(self, stored: Sequence[Stored], now: datetime, room: Mapping[str, int] = NO_ROOM) -> Answered:
        """Handle complete texts among *stored* in batches, each in one transaction with its answers.

        Some come again at once and see what these did. Those that must wait take an offer, and answers to it that came
        before them are in the hands of other processes; after 2 s of that, those are handled here, and first.
        """
        self._leases = Leases(self._gateway, room)
        letters = self._arrived(stored)
        left = self._answer_once(letters, now)
        ours = {letter.inbox_id for letter in letters}
        held = {id_: older for id_, older in left.items() if not older <= ours}
        self._held_since = {id_: self._held_since.get(id_, now) for id_ in held}
        overdue = {id_ for id_ in held if now - self._held_since[id_] >= CLAIM_WAITS}
        if overdue:
            self._take_over({older for id_ in overdue for older in held[id_]}, now)
            self._held_since = {}
        waiting = [item for item in stored if item.inbox_id in held]
        again = [item for item in stored if item.inbox_id in left.keys() - held.keys()]
        return Answered(waiting, self._leases.texts, self._leases.queued, again)

    def _take_over(self, inbox_ids: set[int], now: datetime) -> None:
        """Answer texts that whoever received them has not answered in time."""
        with self._database.reading() as connection:
            found = letters_of(connection, self._keys, inbox.still_waiting(connection, inbox_ids), now)
        self._answer(found, now)

    def sweep(self, now: datetime) -> int:
        """Handle texts that a dead process left waiting, and parts whose others never came; returns how many.

        Some at a time, that what arrives meanwhile need not wait: come again at once as long as there were any. The
        young are left to whoever received them, unless their link has ended.
        """
        self._leases = Leases(self._gateway)
        found: list[Letter] = []
        while not found and (rows := self._orphans(now)):
            self._swept_to = rows[-1].id
            with self._database.reading() as connection:
                found = letters_of(connection, self._keys, rows, now)
        if not found:
            self._swept_to = 0
        self._answer(found, now)
        return len(found)

    def _orphans(self, now: datetime) -> list[Waiting]:
        with self._database.reading() as connection:
            return inbox.waiting(connection, now - ORPHANED, self._swept_to, SWEPT_AT_ONCE)

    def preview(
        self, text: str, number: str, service_number: str, now: datetime
    ) -> tuple[Command, Decision, list[str]]:
        """What *text* would be read as and answered; nothing is changed or remembered."""
        with self._database.reading() as connection:
            read = self._read(connection, [Letter(0, number, service_number, text)], now)[0]
        if read.command is None:
            raise LookupError("no clinic is reached at this service number")
        return Preview(read.command, read.decision, [text.body for text in outcome.answers(read, self._language, now)])

    def _arrived(self, stored: Sequence[Stored]) -> list[Letter]:
        """The texts that are whole now, in the order of arrival."""
        found, parts = just_stored(stored)
        if parts:
            with self._database.reading() as connection:
                found += joined(connection, self._keys, inbox.still_waiting(connection, parts))
        return sorted(found, key=lambda letter: letter.inbox_id)

    # --- a batch ------------------------------------------------------------------------------------------------

    def _answer(self, letters: Sequence[Letter], now: datetime) -> None:
        """Answer all *letters* but those that must wait for texts which are not among them."""
        waiting = {letter.inbox_id: letter for letter in letters}
        ours = set(waiting)
        while waiting:
            left = self._answer_once(list(waiting.values()), now)
            for id_, older in left.items():
                if not older <= ours:
                    ours.discard(id_)  # it is left to wait, and with it what waits for it
            waiting = {id_: waiting[id_] for id_ in left if id_ in ours}

    def _answer_once(self, letters: Sequence[Letter], now: datetime) -> dict[int, set[int]]:
        """Answer *letters*, never two of one sender at once, each sender's in the order of arrival.

        Returns those that must wait, by inbox id, with the ids of the texts that they wait for; none where it is those
        that were answered.
        """
        left: dict[int, set[int]] = {}
        senders: set[str] = set()
        waiting = list(letters)
        while waiting:
            batch, waiting = _next_batch(waiting)
            for letter, older in self._settle_batch(batch, now).items():
                left[letter.inbox_id] = older
                senders.add(letter.number)
            left |= {letter.inbox_id: set() for letter in waiting if letter.number in senders}
            waiting = [letter for letter in waiting if letter.number not in senders]
        return dict(sorted(left.items()))

    def _settle_batch(self, batch: Sequence[Letter], now: datetime) -> dict[Letter, set[int]]:
        """Answer *batch* together, or else by halves; returns those that must wait, with the texts that they wait for.

        So one text that others were in the way of costs a few goes, and not one for every text beside it.
        """
        try:
            return self._settle(batch, now)
        except Exception as error:
            if is_away(error):
                raise  # the rows wait; the sweep finds them
        left = self._unanswered(batch, now)  # for others may have been quicker
        if len(left) > 1:
            middle = len(left) // 2
            return self._settle_batch(left[:middle], now) | self._settle_batch(left[middle:], now)
        return {letter: older for letter in left if (older := self._settle_alone(letter, now))}

    def _settle(self, batch: Sequence[Letter], now: datetime) -> dict[Letter, set[int]]:
        """Read, decide and write *batch*; returns those that must wait, with the older texts that they wait for.

        One that only must see what the others of the batch did waits for none.
        """
        with self._database.reading() as connection:
            reads = _apart(self._read(connection, batch, now))
            older = _older(connection, reads)
        reads = [read for read in reads if read.letter.inbox_id not in older]
        now_answered = {read.letter.inbox_id for read in reads}
        waiting = [letter for letter in batch if letter.inbox_id not in now_answered]
        left = {letter: older.get(letter.inbox_id, set[int]()) for letter in waiting}
        if not reads:
            return left
        entries = [outcome.entry(read, self._language, now) for read in reads]
        with self._database.transaction() as connection:
            notices = [text for read in reads for text in self._notices(connection, read, now)]
            ledger.write(connection, self._keys, entries, now)
            ledger.put_out(connection, self._keys, notices, now)
            answers = [text for entry in entries for text in entry.texts]
            leased = self._leases.take(connection, answers, now)
        self._leases.keep(leased, len(answers) + len(notices))
        return left

    def _settle_alone(self, letter: Letter, now: datetime) -> set[int]:
        """Answer one text, deciding again when the diary moved meanwhile; after three tries a person has it.

        Returns the older texts that it must wait for.
        """
        for _ in range(TRIES):
            try:
                return self._settle([letter], now).get(letter, set())
            except Exception as error:
                if is_away(error):
                    raise
                if not (isinstance(error, Conflict) or is_conflict(error)):
                    log.error("text_failed", inbox_id=letter.inbox_id, trouble=trouble(error))
                    break
                if not self._unanswered([letter], now):
                    return set()  # another process was quicker
        self._leave_to_a_person(letter, now)
        return set()

    def _unanswered(self, letters: Sequence[Letter], now: datetime) -> list[Letter]:
        """Those that need their answer yet. They have a thread, even when an erasure took that meanwhile."""
        with self._database.transaction() as connection:
            inbox.make_threads(connection, {letter.pair for letter in letters}, now)
            waiting = {row.id for row in inbox.still_waiting(connection, [letter.inbox_id for letter in letters])}
        return [letter for letter in letters if letter.inbox_id in waiting]

    def _leave_to_a_person(self, letter: Letter, now: datetime) -> None:
        with self._database.transaction() as connection:
            if inbox.count_attempt(connection, letter.inbox_id) < TRIES:
                return  # the sweep tries again, unless somebody else was quicker
            inbox.make_threads(connection, [letter.pair], now)
            thread = queries.threads(connection, [letter.pair])[letter.pair]
            inbox.give_up(connection, letter.inbox_id, letter.part_ids, thread.id, "three tries failed", now)
            if queries.people_on(connection, [letter.number], now).on_number:
                received = outcome.answer(letter, Reply("received"), thread, self._language, now)
                ledger.put_out(connection, self._keys, [received], now)
                self._leases.queued = True

    # --- reading and deciding -----------------------------------------------------------------------------------

    def _read(self, connection: Connection, batch: Sequence[Letter], now: datetime) -> list[Read]:
        """Read and decide those of *batch* whose meaning hangs on no other of it."""
        self._catalogue = queries.fresh_catalogue(connection, self._catalogue)
        pairs = [letter.pair for letter in batch]
        gathering = Gathering(connection, self._keys, self._catalogue, self._rules, pairs, now)
        known = [(letter, gathering.facts(letter.inbox_id, letter.pair, letter.complete)) for letter in batch]
        commands = list(self._commands(known))
        codes = {code for _, _, command in commands if command is not None for code in _codes(command)}
        gathering.open_codes(codes)
        suspects = [letter.number for letter, _, command in commands if _proves(command)]
        if suspects:
            gathering.count_failures(suspects, _start_of_day(known[0][1]))
        return _with_slots(connection, [self._decide(gathering, *known) for known in commands])

    def _commands(self, known: Iterable[tuple[Letter, Facts]]) -> Iterator[tuple[Letter, Facts, Command | None]]:
        """What the texts mean, but for those of others who were asked too, after one that may take their offer.

        The first answer is not kept waiting until all that it decides about have been read.
        """
        perhaps_taken: set[int] = set()
        for letter, facts in known:
            offers = {offer.id for offer in facts.offers.values() if offer.can_be_had}
            if offers & perhaps_taken:
                continue
            command = self._parse(letter, facts)
            if command is not None and command.intent in TAKING:
                perhaps_taken |= offers
            yield letter, facts, command

    def _parse(self, letter: Letter, facts: Facts) -> Command | None:
        """What the text means; None where no clinic is behind the number. Raises `SealBroken`: see `Letter.opens`."""
        if not letter.opens:
            raise SealBroken(f"inbox row {letter.inbox_id} does not open")
        if not facts.clinics:
            return None
        local = facts.now.astimezone(facts.clinic.zone)
        command = parse(letter.text, local, conversation.context_of(facts))
        named = [q for q in facts.questions if command.choice_code is not None and q.code == command.choice_code]
        if named and named[-1] is not facts.questions[-1]:  # the text names an older offer: it is read as its answer
            return parse(letter.text, local, conversation.context_of(replace(facts, questions=(named[-1],))))
        return command

    def _decide(self, gathering: Gathering, letter: Letter, facts: Facts, command: Command | None) -> Read | _Search:
        if command is None:
            return Read(letter, None, facts, incomplete.nobody_home(facts))
        facts = self._complete(gathering, letter, command, facts)
        decision = conversation.decide(command, facts)
        if isinstance(decision, SlotSearch):
            return _Search(letter, command, facts, decision)
        return Read(letter, command, facts, decision)

    def _complete(self, gathering: Gathering, letter: Letter, command: Command, facts: Facts) -> Facts:
        """*facts* with what only this kind of text needs."""
        if _proves(command):
            facts = gathering.with_codes(facts, _codes(command))
        if (command.ref or command.when) and command.identity_code is None:
            facts = gathering.with_texted_visits(facts)
        if command.topic is Topic.UNDO:
            facts = gathering.with_undo(facts)
        if command.topic in ABOUT_WAITLIST:
            facts = gathering.with_waitlist(facts)
        if command.topic is Topic.AUTHENTIC or (len(letter.text) >= AN_ECHO_IS_LONG and not command.identity_code):
            facts = gathering.with_last_sent(facts, letter.text)
        return facts

    def _notices(self, connection: Connection, read: Read, now: datetime) -> list[TextOut]:
        """The texts to other numbers than the sender's; they have threads of their own."""
        service_number = read.letter.service_number
        pairs = {(notice.number, service_number) for notice in read.decision.notices}
        if not pairs:
            return []
        inbox.make_threads(connection, pairs, now)
        return outcome.told(read.decision.notices, queries.threads(connection, pairs), service_number, now)


def _next_batch(letters: Sequence[Letter]) -> tuple[list[Letter], list[Letter]]:
    """The next texts to answer together, one of each sender, and the rest."""
    batch: list[Letter] = []
    rest: list[Letter] = []
    senders: set[str] = set()
    for letter in letters:
        if letter.number in senders or len(batch) >= BATCH:
            rest.append(letter)
        else:
            batch.append(letter)
        senders.add(letter.number)
    return batch, rest


def _apart(reads: Sequence[Read]) -> list[Read]:
    """The decisions that touch no slot and no visit that an earlier one of the batch changes."""
    touched: set[tuple[str, int]] = set()
    together: list[Read] = []
    for read in reads:
        mine = {what for change in read.decision.changes for what in _touches(change)}
        if not mine & touched:
            together.append(read)
        touched |= mine  # also of one that waits: who came after it must not overtake it
    return together


_ROWS_TOUCHED = {
    "slot_id": "slot",
    "old_slot_id": "slot",
    "released_slot_id": "slot",
    "appointment_id": "visit",
    "released_id": "visit",
    "offer_id": "offer",
}


def _touches(change: Any) -> list[tuple[str, int]]:
    rows = ((kind, getattr(change, name, None)) for name, kind in _ROWS_TOUCHED.items())
    return [(kind, row) for kind, row in rows if row is not None]


def _older(connection: Connection, reads: Sequence[Read]) -> dict[int, set[int]]:
    """The answers to the same offer that came before a claim and are decided elsewhere, by the claim's inbox id."""
    claims = {
        read.letter.inbox_id: change.offer_id
        for read in reads
        for change in read.decision.changes
        if isinstance(change, ClaimOffer)
    }
    if not claims:
        return {}
    return offering.older_answers(connection, claims, {read.letter.inbox_id for read in reads})


def _with_slots(connection: Connection, found: Sequence[Read | _Search]) -> list[Read]:
    """All of them decided: what the diary has for those that need to know is found in one go."""
    slots = iter(openings.find_slots(connection, [one.search for one in found if isinstance(one, _Search)]))
    return [_decided(one, next(slots)) if isinstance(one, _Search) else one for one in found]


def _decided(one: _Search, slots: tuple[SlotFacts, ...]) -> Read:
    facts = replace(one.facts, slots=slots)
    decision = conversation.decide(one.command, facts)
    if isinstance(decision, SlotSearch):
        raise TypeError("a handler looked for slots twice")
    return Read(one.letter, one.command, facts, decision)


def _codes(command: Command) -> tuple[str, ...]:
    return () if command.identity_code is None else (command.identity_code, *command.other_codes)


def _proves(command: Command | None) -> bool:
    """Whether the text tries to show who it is about: by a code, or by the date of a visit."""
    return command is not None and bool(command.identity_code or command.ref or command.when)


def _start_of_day(facts: Facts) -> datetime:
    zone = facts.clinic.zone if facts.clinics else facts.now.tzinfo
    return facts.now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
