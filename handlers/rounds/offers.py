"""The round of offers: begins them for slots that fell free, asks the next people, and ends those whose time is up.

Everything that is due stands in the database, and each step is one short transaction that compares and sets. So a round
may run twice at once, late, or be killed at any line: the next one finds what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog
from sqlalchemy import Connection

from gateway.text import Lane
from handlers import family, offers
from handlers.claim import RELEASES, UNTIL
from handlers.offers import Chosen, Invited, OfferRules
from lang.format import Whose
from lang.messages import render, spoken
from models import candidates, inbox, offering, queries
from models.candidates import new_code, new_key
from models.crypto import Keys
from models.database import Database, is_away, is_conflict
from models.facts import Catalogue, Choice
from models.ledger import QuestionOut, TextOut, put_out, put_questions
from models.offer_facts import FreedSlot, OpenOffer
from models.offering import Asked, NewOffer
from models.states import OfferState, Purpose, QuestionKind

AT_ONCE = 200  # slots or offers read together
LOOKED_AT = 40  # people whose turn it is, read together: most may be asked, and a wave is often of ten

log = structlog.get_logger("offers")


class OfferRound:
    """Does what is due of all offers."""

    def __init__(self, database: Database, keys: Keys, rules: OfferRules) -> None:
        self._database, self._keys, self._rules = database, keys, rules

    def run(self, now: datetime) -> int:
        """End, begin and ask; returns how many steps were taken. What fails is logged and left to the next round."""
        with self._database.reading() as connection:
            over = candidates.offers_over(connection, now, AT_ONCE)
            freed = candidates.freed_slots(connection, None, AT_ONCE)
            catalogue = queries.read_catalogue(connection) if freed else None
        done = sum(self._carefully(self._end, id_, now) for id_ in over)
        while freed and catalogue is not None:
            done += sum(self._carefully(self._look_at, slot, catalogue, now) for slot in freed)
            with self._database.reading() as connection:
                freed = candidates.freed_slots(connection, freed[-1], AT_ONCE)
        with self._database.reading() as connection:
            due = candidates.waves_due(connection, now, AT_ONCE)
            catalogue = queries.read_catalogue(connection) if due else None
        return done + sum(self._carefully(self._ask, offer, catalogue, now) for offer in due)

    def _carefully(self, step: Callable[..., bool], *arguments: object) -> bool:
        """Take one step. What is wrong with one offer or slot stops no other."""
        try:
            return step(*arguments)
        except Exception as error:
            if is_away(error):
                raise
            if not is_conflict(error):
                log.exception("offer_step_failed", step=step.__name__.strip("_"))
            return False

    # --- beginning and ending -----------------------------------------------------------------------------------

    def _end(self, offer_id: int, now: datetime) -> bool:
        with self._database.transaction() as connection:
            return offering.end(connection, self._keys, offer_id, OfferState.EXPIRED, None, now)

    def _look_at(self, slot: FreedSlot, catalogue: Catalogue, now: datetime) -> bool:
        """Offer a slot that fell free, or leave it to whoever books it; not before an undo can no longer come."""
        if now < offers.looked_at_from(slot, self._rules):
            return False
        why = offers.why_not_offered(slot, catalogue, self._rules, now)
        with self._database.transaction() as connection:
            if why is not None:
                offering.look_no_more(connection, slot)
                return True
            return self._open(connection, slot, catalogue, now)

    def _open(self, connection: Connection, slot: FreedSlot, catalogue: Catalogue, now: datetime) -> bool:
        until = offers.last_answer(slot.starts_at, self._rules)
        wave = offers.next_wave(now, until, catalogue.clinics[slot.clinic_id], self._rules)
        service = offers.service_of(slot)
        if wave is None or service is None:
            return False
        new = NewOffer(
            key=new_key(),
            slot_id=slot.id,
            clinic_id=slot.clinic_id,
            service_id=service,
            code=new_code(connection),
            wave_size=self._rules.wave_size,
            wave_minutes=self._rules.wave_minutes,
            deadline=until,
            next_wave_at=wave,
            created_by="rule",
            depth=slot.depth + 1,
            parent_id=slot.offer_id,
        )
        return offering.open_offer(connection, self._keys, new, slot.version, now) is not None

    # --- asking -------------------------------------------------------------------------------------------------

    def _ask(self, offer: OpenOffer, catalogue: Catalogue, now: datetime) -> bool:
        """Send the next wave; with nobody left to ask, the offer stays open for those who were asked."""
        clinic = catalogue.clinics[offer.clinic_id]
        may_go = offers.next_wave(now, offer.deadline, clinic, self._rules)
        if may_go != now:
            return self._put_off(offer, may_go, now)
        with self._database.reading() as connection:
            chosen, more = self._choose(connection, offer, catalogue, now)
        next_at = offers.next_wave(now + offer.wave_length, offer.deadline, clinic, self._rules) if more else None
        with self._database.transaction() as connection:
            asked = [_asked(offer, invited) for invited in chosen.invited]
            if not offering.add_wave(connection, self._keys, offer.id, offer.waves + 1, asked, next_at, now):
                return False
            offering.record_skipped(connection, offer.id, chosen.skipped, now)
            self._put_out(connection, offer, chosen.invited, catalogue, now)
            if not asked and offer.waves == 0 and not more:
                offering.end(connection, self._keys, offer.id, OfferState.EXPIRED, "nobody to ask", now)
        return True

    def _put_off(self, offer: OpenOffer, until: datetime | None, now: datetime) -> bool:
        with self._database.transaction() as connection:
            return offering.add_wave(connection, self._keys, offer.id, offer.waves + 1, [], until, now)

    def _choose(
        self, connection: Connection, offer: OpenOffer, catalogue: Catalogue, now: datetime
    ) -> tuple[Chosen, bool]:
        """The people of the next wave, and whether anybody may be left for one after it."""
        busy = set(candidates.numbers_asked(connection, offer.id))
        invited: list[Invited] = []
        skipped: dict[int, str] = {}
        place, more = 0, True
        while more and len(invited) < offer.wave_size:
            turns = candidates.turns(connection, offer, now, place, LOOKED_AT)
            people = candidates.candidates(connection, offer, turns, now)
            found = offers.choose(people, offer, catalogue, self._rules, busy, offer.wave_size - len(invited), now)
            invited += found.invited
            skipped |= found.skipped
            busy |= {each.number for each in found.invited}
            place += len(turns)
            beyond_the_wave = len(people) > len(found.invited) + len(found.skipped)
            more = beyond_the_wave or len(turns) == LOOKED_AT
        later = any(why in offers.FOR_NOW for why in skipped.values())
        return Chosen(tuple(invited), skipped), more or later

    def _put_out(
        self, connection: Connection, offer: OpenOffer, wave: Sequence[Invited], catalogue: Catalogue, now: datetime
    ) -> None:
        """Write the texts of a wave, and what the answers to them mean."""
        if not wave:
            return
        service_number = catalogue.clinics[offer.clinic_id].number
        pairs = {(invited.number, service_number) for invited in wave}
        inbox.make_threads(connection, pairs, now)
        threads = queries.threads(connection, pairs)
        texts = []
        questions = []
        for invited in wave:
            thread_id = threads[invited.number, service_number].id
            texts.append(self._text(offer, invited, thread_id, catalogue, now))
            questions.append((thread_id, _question(offer, invited)))
        put_out(connection, self._keys, texts, now)
        put_questions(connection, self._keys, questions, now)

    def _text(self, offer: OpenOffer, invited: Invited, thread_id: int, catalogue: Catalogue, now: datetime) -> TextOut:
        clinic, person, old = catalogue.clinics[offer.clinic_id], invited.candidate.person, invited.releases
        message = "offer" if old is None else "offer_release"
        blanks: dict[str, object] = {
            "whose": _whose(invited),
            "when": offer.starts_at.astimezone(clinic.zone),
            "until": offer.deadline.astimezone(clinic.zone),
            "clinic": clinic.names,
            "code": offer.code,
        }
        if old is not None:
            blanks["old"] = old.starts_at.astimezone(clinic.zone)
        language = spoken(person.language, self._rules.languages[0])
        return TextOut(
            key=_key(offer, invited),
            thread_id=thread_id,
            number=invited.number,
            service_number=clinic.number,
            purpose=Purpose.OFFERS,
            lane=Lane.OFFER,
            message=message,
            body=render(message, language, blanks),
            due_at=now,
            expires_at=offer.deadline,
            patient_id=person.id,
        )


def _key(offer: OpenOffer, invited: Invited) -> str:
    return f"offer:{offer.id}:{invited.candidate.person.id}"


def _asked(offer: OpenOffer, invited: Invited) -> Asked:
    return Asked(
        patient_id=invited.candidate.person.id,
        number=invited.number,
        outbox_key=_key(offer, invited),
        releases=None if invited.releases is None else invited.releases.id,
        wish_id=None if invited.candidate.wish is None else invited.candidate.wish.id,
        reason=offers.COMES_LAST if invited.candidate.broken >= candidates.OFTEN else None,
    )


def _question(offer: OpenOffer, invited: Invited) -> QuestionOut:
    """1 or the code takes it, 2 leaves it; late answers are told until the visit begins."""
    old = invited.releases
    named = {} if old is None else {RELEASES: old.id, UNTIL: old.starts_at.astimezone(UTC).isoformat()}
    choices = (Choice("1", "accept", offer.id, offer.starts_at), Choice("2", "decline", offer.id))
    return QuestionOut(
        kind=QuestionKind.OFFER,
        outbox_key=_key(offer, invited),
        data=queries.question_data(choices, named),
        expires_at=offer.starts_at,
        patient_id=invited.candidate.person.id,
        appointment_id=None,
        code=offer.code,
        offer_id=offer.id,
    )


def _whose(invited: Invited) -> Whose:
    """How the text says whose time it would be: a child's, or by one initial on a number that serves several."""
    person = invited.candidate.person
    if invited.number in invited.candidate.shared_numbers:
        return Whose("initial", family.initial(person))
    return Whose() if invited.number in person.numbers else Whose("child")
