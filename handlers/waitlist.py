"""The waitlist by text: whoever wants an earlier time joins it, which is the consent to be offered times; limits which
times and how many; and leaves it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from handlers import family, human, offers
from handlers.case import Case
from handlers.decision import Decision
from handlers.ladder import climb
from lang.format import Spans, written_time
from models.changes import JoinWaitlist, LeaveWaitlist, LiftStop, LimitWaitlist, RecordConsent
from models.facts import PersonFacts, ServiceFacts, SlotSearch, StopFacts, VisitFacts, WaitlistFacts
from models.states import Purpose, StopSource
from parser.command import Limits

JOINED, JOINED_LIMITED = "waitlist_joined", "waitlist_joined_limited"  # the messages whose words are the consent
EVERY_DAY = frozenset(range(1, 8))
NO_LIMITS = Limits()


def join(case: Case) -> Decision | SlotSearch:
    """Put the writer, once identified, on the waitlist of the service whose visit they have, or that they name."""
    return climb(case, _join)


def leave(case: Case) -> Decision | SlotSearch:
    """Take the writer off the waitlist."""
    return _for_whom_waits(case, _leave)


def limit(case: Case) -> Decision | SlotSearch:
    """Tell the writer of such times only. Who waits for nothing, or names another limit, is left to a person."""
    if case.command.limits is None or not case.facts.waitlist:
        return human.needed(case)
    return _for_whom_waits(case, _limit)


def _for_whom_waits(case: Case, handler: Callable[[Case], Decision]) -> Decision | SlotSearch:
    """Their number is enough where one person on it waits: it only makes texts to it fewer."""
    concerned = {entry.patient_id for entry in case.facts.waitlist}
    people = family.reachable(case.facts)
    mine = [person for person in people if person.id in concerned]
    if people and not mine:
        return handler(case)
    if len(mine) == 1:
        return handler(replace(case, owner=mine[0], people=(mine[0],)))
    return climb(case, handler)


def _join(case: Case) -> Decision:
    person = case.named or case.owner
    if person is None:
        return human.needed(case)
    visits = _later_visits(case, person)
    service = _service(case, visits)
    if service is None or len(visits) > 1:
        return human.needed(case)  # a series, or nothing that an earlier time could be of
    visit = visits[0] if visits else None
    if visit is not None and not offers.can_give_up(
        visit, case.facts.catalogue, case.facts.rules.region, case.facts.now
    ):
        return human.needed(case)
    number, stopped = case.thread.number, _stops_of_offers(case)
    if any(stop.source is not StopSource.STOP for stop in stopped):
        return human.needed(case)  # what others have stopped a text does not start again
    lifted = [LiftStop(number, StopSource.STOP, Purpose.OFFERS)] if stopped else []
    limits = case.command.limits or NO_LIMITS
    days = _days(limits, None)
    times = {"times": _times(days, limits.hours)} if (days or limits.hours) is not None else {}
    message = JOINED_LIMITED if times else JOINED
    visit_id = None if visit is None else visit.id
    return case.answer(
        "joined_waitlist",
        message,
        times,
        changes=[
            *lifted,
            RecordConsent(person.id, number, Purpose.OFFERS, True, message),
            JoinWaitlist(person.id, service.id, visit_id, days, limits.hours, limits.weekly_max),
        ],
        patient_id=person.id,
    )


def _stops_of_offers(case: Case) -> list[StopFacts]:
    return [stop for stop in case.facts.stops if stop.purpose in (None, Purpose.OFFERS)]


def _later_visits(case: Case, person: PersonFacts) -> Sequence[VisitFacts]:
    """The visits that an earlier time could take the place of: of the kind named, if one is."""
    coming = [visit for visit in case.facts.visits_of(person.id) if visit.starts_at > case.facts.now]
    kind = case.command.service
    named = [visit for visit in coming if kind is not None and _kind(case, visit.service_id) == kind]
    return named or coming


def _kind(case: Case, service_id: int) -> str | None:
    service = case.facts.catalogue.services.get(service_id)
    return None if service is None else service.kind


def _service(case: Case, visits: Sequence[VisitFacts]) -> ServiceFacts | None:
    """The service to wait for: of the visit there is, else the one named, else the only one that can be booked."""
    services = case.facts.catalogue.services
    if visits:
        return services.get(visits[0].service_id)
    bookable = [service for service in services.values() if "book" in service.patient_may]
    named = [service for service in bookable if case.command.service in (service.kind, service.key)]
    found = named if case.command.service is not None else bookable
    return found[0] if len(found) == 1 else None


def _waiting(case: Case) -> list[WaitlistFacts]:
    ids = {person.id for person in case.people} | ({case.owner.id} if case.owner is not None else set())
    return [entry for entry in case.facts.waitlist if entry.patient_id in ids]


def _leave(case: Case) -> Decision:
    leaving = _waiting(case)
    if not leaving:
        return case.answer("not_on_waitlist", "waitlist_not_on")
    withdrawn = [
        RecordConsent(id_, case.thread.number, Purpose.OFFERS, False, "waitlist_left")
        for id_ in sorted({entry.patient_id for entry in leaving})
    ]
    return case.answer(
        "left_waitlist", "waitlist_left", changes=[*withdrawn, *(LeaveWaitlist(entry.id) for entry in leaving)]
    )


# --- limits -------------------------------------------------------------------------------------------------------


def _limit(case: Case) -> Decision:
    """What is said takes the place of what was; days that are ruled out come off the others. All is told again."""
    said = case.command.limits
    limited = [] if said is None else [_limited(entry, said) for entry in _waiting(case)]
    if not limited:
        return case.answer("not_on_waitlist", "waitlist_not_on")
    first = limited[0]
    blanks: dict[str, object] = {"times": _times(first.days, first.hours)}
    message = "waitlist_limited"
    if first.weekly_max is not None:
        message, blanks["weekly"] = "waitlist_limited_weekly", str(first.weekly_max)
    return case.answer("limited_waitlist", message, blanks, changes=limited)


def _limited(entry: WaitlistFacts, said: Limits) -> LimitWaitlist:
    return LimitWaitlist(
        entry.id, _days(said, entry.days), said.hours or entry.hours, said.weekly_max or entry.weekly_max
    )


def _days(said: Limits, known: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """The days that are left; None for all, and for a rule that would leave none."""
    wanted = frozenset(said.days or known or EVERY_DAY) - frozenset(said.not_days or ())
    return tuple(sorted(wanted)) if wanted and wanted != EVERY_DAY else None


def _times(days: tuple[int, ...] | None, hours: tuple[tuple[str, str], ...] | None) -> Spans:
    """The limits as a text tells them: "ti-to 8-12"."""
    stretches = _stretches(days or tuple(sorted(EVERY_DAY)))
    return Spans(tuple((*days, *span) for span in _written(hours) for days in stretches))


def _stretches(days: Sequence[int]) -> list[tuple[int, int]]:
    """Days that follow each other, by the first and the last."""
    firsts = [day for day in days if day - 1 not in days]
    lasts = [day for day in days if day + 1 not in days]
    return list(zip(firsts, lasts, strict=True))


def _written(hours: tuple[tuple[str, str], ...] | None) -> list[tuple[str, str]]:
    if hours is None:
        return [("", "")]
    return [(_clock(start), _clock(end)) for start, end in hours]


def _clock(written: str) -> str:
    hour, _, minute = written.partition(":")
    return written_time(int(hour), int(minute))
