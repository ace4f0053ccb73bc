"""Up to three free times for a wish: not three in a row where the diary leaves a choice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from handlers import wishes
from handlers.case import Case
from handlers.family import initial
from handlers.rules import clinic_of
from lang.format import Listed
from models.facts import Choice, SlotFacts, VisitFacts, Window

MOST = 3
NOON = 12
A_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Found:
    """What the diary holds for a wish. *exact* is the very slot asked for or picked; *wished* whether the options fit
    the wish, or are the next ones instead."""

    exact: SlotFacts | None
    options: tuple[SlotFacts, ...]
    wished: bool


@dataclass(frozen=True, slots=True)
class SearchIn:
    """The windows of a search, and those for when they hold nothing."""

    windows: tuple[Window, ...]
    fallback: tuple[Window, ...]


def wanted(case: Case) -> tuple[Window, ...]:
    """The windows to search: the picked minute, else the wish."""
    if case.picked is not None and case.picked.at is not None:
        return (Window(case.picked.at, case.picked.at),)
    return wishes.windows(case.command, case.facts.now, case.facts.clinic.zone)


def windows(case: Case, patient_id: int, minutes: int, leaving: VisitFacts | None = None) -> SearchIn:
    """Where to search for *minutes*: in the wish, or else at any time; never across the person's other visits."""
    length = timedelta(minutes=minutes)
    taken = [
        (visit.starts_at - length + A_MINUTE, visit.ends_at)
        for visit in case.facts.visits_of(patient_id)
        if leaving is None or visit.id != leaving.id
    ]
    if leaving is not None:
        taken.append((leaving.starts_at, leaving.starts_at + A_MINUTE))  # there is nothing to gain
    anywhen = wishes.around(wishes.anywhen(case.facts.now), taken)
    return SearchIn(wishes.around(wanted(case), taken) or anywhen, anywhen)


def find(case: Case, slots: Iterable[SlotFacts], taken: Sequence[VisitFacts], leaving: VisitFacts | None) -> Found:
    """Sift the *slots* of a search: none that overlaps a visit of the person's (but the one they leave)."""
    zone = case.facts.clinic.zone
    free = [slot for slot in slots if slot.starts_at > case.facts.now and not _clashes(slot, taken, leaving)]
    windows = wanted(case)
    fitting = [slot for slot in free if wishes.is_wished(slot.starts_at, windows)]
    minute = case.picked.at if case.picked else wishes.exact_start(case.command, zone)
    exact = _exact(fitting, minute, case.picked.id if case.picked else None)
    return Found(exact, spread(fitting or free, zone), bool(fitting))


def spread(slots: Sequence[SlotFacts], zone: ZoneInfo) -> tuple[SlotFacts, ...]:
    """Up to three of *slots* (best first), on different half-days where there are, in order of time."""
    starts: dict[datetime, SlotFacts] = {}
    for slot in slots:
        starts.setdefault(slot.starts_at, slot)
    picked: list[SlotFacts] = []
    seen: set[tuple[object, bool]] = set()
    for slot in starts.values():
        half_day = _half_day(slot, zone)
        if half_day not in seen and len(picked) < MOST:
            seen.add(half_day)
            picked.append(slot)
    for slot in starts.values():
        if len(picked) < MOST and slot not in picked:
            picked.append(slot)
    return tuple(sorted(picked, key=lambda slot: slot.starts_at))


def choices(case: Case, options: Sequence[SlotFacts]) -> tuple[list[Choice], tuple[Listed, ...]]:
    """The options as answers, and as they are listed: with the place where they are not all at one."""
    keys = case.keys(len(options))
    places = len({slot.clinic_id for slot in options}) > 1
    answers = [Choice(key, "slot", slot.id, slot.starts_at) for key, slot in zip(keys, options, strict=True)]
    listed = tuple(_listed(case, key, slot, places) for key, slot in zip(keys, options, strict=True))
    return answers, listed


def listed_visits(case: Case, visits: Sequence[VisitFacts], keys: Sequence[str]) -> tuple[Listed, ...]:
    """Visits as they are listed: with an initial where they are several people's."""
    people = {visit.patient_id for visit in visits}
    return tuple(
        Listed(
            case.local(visit.starts_at, clinic_of(visit, case.facts)),
            key,
            initial(case.facts.people[visit.patient_id]) if len(people) > 1 else "",
        )
        for key, visit in zip(keys, visits, strict=True)
    )


def _listed(case: Case, key: str, slot: SlotFacts, places: bool) -> Listed:
    clinic = case.facts.catalogue.clinics.get(slot.clinic_id, case.facts.clinic)
    return Listed(case.local(slot.starts_at, clinic), key, clinic.names if places else "")


def _exact(slots: Sequence[SlotFacts], minute: datetime | None, slot_id: int | None) -> SlotFacts | None:
    """The slot that was picked, else another one at the same minute: another room or hand is as good."""
    same = [slot for slot in slots if slot.starts_at == minute]
    return next((slot for slot in same if slot.id == slot_id), same[0] if same else None)


def _clashes(slot: SlotFacts, taken: Iterable[VisitFacts], leaving: VisitFacts | None) -> bool:
    return any(
        visit.overlaps(slot.starts_at, slot.ends_at) for visit in taken if leaving is None or visit.id != leaving.id
    )


def _half_day(slot: SlotFacts, zone: ZoneInfo) -> tuple[object, bool]:
    local = slot.starts_at.astimezone(zone)
    return local.date(), local.hour < NOON
