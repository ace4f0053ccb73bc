"""When a free time is offered, to whom, and why not to others (product.md section 5). Facts in, decision out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from handlers import family
from handlers.numbers import is_answered
from handlers.permission import outside_quiet_hours
from handlers.rules import cutoff
from models.facts import Catalogue, ClinicFacts, VisitFacts
from models.offer_facts import DEEPEST, Candidate, FreedSlot, OpenOffer
from models.states import FreedBy, Purpose

SHORT_NOTICE = timedelta(hours=3)  # a time that begins so soon is offered at once
CLAIM_UNDO = timedelta(minutes=10)  # in which a winner can have the old time back
COMES_LAST = "broke_won_times"  # the reason shown of somebody who missed or gave up two of them within a year
FOR_NOW = frozenset({"number_asked", "held_by_person", "weekly_max"})  # reasons that a later wave may find gone


@dataclass(frozen=True, slots=True)
class OfferRules:
    """The part of the settings that offers need."""

    auto: bool = True
    horizon: timedelta = timedelta(days=7)
    stop_before: timedelta = timedelta(minutes=60)
    wave_size: int = 10
    wave_minutes: int = 10
    weekly_max: int = 3
    hold: timedelta = timedelta(minutes=5)
    quiet: tuple[time, time] | None = (time(21), time(8))
    region: str = "FI"
    languages: tuple[str, ...] = ("fi", "sv", "en")


# --- when ---------------------------------------------------------------------------------------------------------


def looked_at_from(slot: FreedSlot, rules: OfferRules) -> datetime:
    """When a slot that fell free may be offered: only after the undo that its patient was promised."""
    if slot.freed_by is FreedBy.CLAIM:
        return slot.freed_at + CLAIM_UNDO
    if slot.freed_by is FreedBy.TEXT and slot.starts_at - slot.freed_at > SHORT_NOTICE:
        return slot.freed_at + rules.hold
    return slot.freed_at


def why_not_offered(slot: FreedSlot, catalogue: Catalogue, rules: OfferRules, now: datetime) -> str | None:
    """Why no offer is begun by rule for a slot that fell free, None when one is."""
    service = catalogue.services.get(service_of(slot) or 0)
    clinic = catalogue.clinics.get(slot.clinic_id)
    if not rules.auto:
        return "off"
    if service is None or clinic is None or service.id not in slot.services:
        return "no_service"
    if "book" not in service.patient_may:
        return "staff_only"
    if slot.starts_at - now > rules.horizon:
        return "too_far"
    if slot.depth >= DEEPEST:
        return "too_deep"
    return None if next_wave(now, last_answer(slot.starts_at, rules), clinic, rules) else "too_late"


def service_of(slot: FreedSlot) -> int | None:
    """Whose time it is: that of the visit that was in it, or the only one that it can be."""
    return slot.service_id or (slot.services[0] if len(slot.services) == 1 else None)


def last_answer(starts_at: datetime, rules: OfferRules) -> datetime:
    """Until when an offer can be taken: some time before the visit, for the way there."""
    return starts_at - rules.stop_before


def next_wave(after: datetime, until: datetime, clinic: ClinicFacts, rules: OfferRules) -> datetime | None:
    """When the next people may be asked: not in quiet hours, and before the deadline *until*; None for never."""
    due = outside_quiet_hours(after, rules.quiet, clinic.zone)
    return due if due < until else None


# --- who ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Invited:
    """Somebody who is to be asked: at which number, how the text says whose time it is, what they would give up."""

    candidate: Candidate
    number: str
    releases: VisitFacts | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """The people of a wave, and why others whose turn it was are none of them."""

    invited: tuple[Invited, ...]
    skipped: dict[int, str]


def choose(
    candidates: Sequence[Candidate],
    offer: OpenOffer,
    catalogue: Catalogue,
    rules: OfferRules,
    busy: Collection[str],
    room: int,
    now: datetime,
) -> Chosen:
    """The first *room* of *candidates* (in fair order) who may be asked. *busy* numbers have this offer before them."""
    taken = set(busy)
    invited: list[Invited] = []
    skipped: dict[int, str] = {}
    for candidate in candidates:
        if len(invited) == room:
            break
        number = reach(candidate, now.astimezone(catalogue.clinics[offer.clinic_id].zone).date())
        why = _why_not(candidate, number, offer, catalogue, rules, now)
        if why is None and number in taken:
            why = "number_asked"
        if why is not None or number is None:
            skipped[candidate.person.id] = why or "no_number"
            continue
        taken.add(number)
        invited.append(Invited(candidate, number, given_up(candidate.visits, offer.service_id, offer.starts_at)))
    return Chosen(tuple(invited), skipped)


def reach(candidate: Candidate, today: date) -> str | None:
    """The number at which the person is asked: their own, or of a guardian who may act for them."""
    person = candidate.person
    if person.numbers:
        return person.numbers[0]
    acting = (each for each in candidate.guardians if each.textable and family.may_act(each, person, today))
    return next((guardian.numbers[0] for guardian in acting if guardian.numbers), None)


def _why_not(
    candidate: Candidate, number: str | None, offer: OpenOffer, catalogue: Catalogue, rules: OfferRules, now: datetime
) -> str | None:
    if number is None:
        return "no_number"
    checks: tuple[Callable[[], Iterator[str]], ...] = (
        lambda: _silenced(candidate, number, rules),
        lambda: _not_wished(candidate, offer, catalogue.clinics[offer.clinic_id], now),
        lambda: _asked_enough(candidate, rules),
        lambda: _in_the_way(candidate.visits, offer, catalogue, rules, now, candidate),
    )
    return next((why for check in checks for why in check()), None)


def _silenced(candidate: Candidate, number: str, rules: OfferRules) -> Iterator[str]:
    person = candidate.person
    if person.do_not_text:
        yield "do_not_text"
    if person.deceased:
        yield "deceased"
    if person.silenced:
        yield "silenced"
    if not is_answered(number, rules.region):
        yield "not_mobile"
    if any(stop.purpose in (None, Purpose.OFFERS) for stop in candidate.stops.get(number, ())):
        yield "stop"
    if not person.consents.get(Purpose.OFFERS.value, False):
        yield "no_consent"
    if not candidate.in_care:
        yield "no_care_relationship"
    if number in candidate.held_numbers:
        yield "held_by_person"


def _not_wished(candidate: Candidate, offer: OpenOffer, clinic: ClinicFacts, now: datetime) -> Iterator[str]:
    wish, local = candidate.wish, offer.starts_at.astimezone(clinic.zone)
    if candidate.said_no:
        yield "said_no"
    if wish is None:
        return
    if wish.clinics is not None and offer.clinic_id not in wish.clinics:
        yield "clinic"
    if wish.days is not None and local.isoweekday() not in wish.days:
        yield "day"
    clock = f"{local:%H:%M}"
    if wish.hours is not None and not any(start <= clock < end for start, end in wish.hours):
        yield "hour"
    if offer.starts_at - now < timedelta(minutes=wish.notice_minutes):
        yield "notice"


def _asked_enough(candidate: Candidate, rules: OfferRules) -> Iterator[str]:
    own = candidate.wish.weekly_max if candidate.wish is not None else None
    if candidate.asked_this_week >= min(rules.weekly_max, own or rules.weekly_max):
        yield "weekly_max"


def _in_the_way(
    visits: Sequence[VisitFacts],
    offer: OpenOffer,
    catalogue: Catalogue,
    rules: OfferRules,
    now: datetime,
    candidate: Candidate,
) -> Iterator[str]:
    service = catalogue.services.get(offer.service_id)
    if service is None or offer.minutes < service.minutes:
        yield "too_short"
    if any(visit.overlaps(offer.starts_at, offer.ends_at) for visit in visits):
        yield "busy_then"
    same = [visit for visit in visits if visit.service_id == offer.service_id]
    if any(visit.starts_at < offer.starts_at for visit in same):
        yield "earlier_visit"
    if len(same) > 1:
        yield "series"
    wanted = candidate.wish.appointment_id if candidate.wish is not None else None
    if same and (offer.minutes < same[0].minutes or wanted not in (None, same[0].id)):
        yield "another_visit"
    if same and not can_give_up(same[0], catalogue, rules.region, now):
        yield "cannot_release"


# --- the later visit ----------------------------------------------------------------------------------------------


def given_up(visits: Sequence[VisitFacts], service_id: int, starts_at: datetime) -> VisitFacts | None:
    """The later visit of that service that a win gives up; never one of several."""
    same = [visit for visit in visits if visit.service_id == service_id]
    return same[0] if len(same) == 1 and same[0].starts_at > starts_at else None


def can_give_up(visit: VisitFacts, catalogue: Catalogue, region: str, now: datetime) -> bool:
    """Whether the visit may still be moved by text."""
    service, clinic = catalogue.services.get(visit.service_id), catalogue.clinics.get(visit.clinic_id)
    if service is None or clinic is None or "move" not in service.patient_may:
        return False
    return now <= cutoff(visit, service, clinic, region)
