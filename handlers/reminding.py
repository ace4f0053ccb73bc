"""What becomes of a reminder whose time has come: a text, nothing (and why), later, or a lapsed visit. Pure.

A reminder was planned days ago. Everything is looked at again here, against the visit and the person as they are now.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from handlers import hours, provisional
from handlers.case import LETTERS
from handlers.permission import outside_quiet_hours
from handlers.recipients import Address, Circle, address, refusal
from handlers.reminders import TimedRules, kept, named, steps_of
from handlers.rules import cutoff, earlier
from lang.format import Listed
from lang.messages import render, spoken
from models.facts import Catalogue, Choice, ClinicFacts, QuestionFacts, ServiceFacts, StopFacts, VisitFacts
from models.states import COMING, AppointmentStatus, QuestionKind, ReminderKind
from models.timed_facts import Due

LAPSE_NEWS_HOLDS = timedelta(days=2)  # the news of a lapse that could not be delivered for so long
DEEDS = ("confirm", "cancel", "move")


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """It is not needed any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """It was needed and could not go: staff see it, with the reason. *lapses*: the visit lapses all the same."""

    reason: str
    lapses: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """It is night: the text goes in the morning."""

    due_at: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """What the answers to a text mean, for one of the visits that it tells of."""

    visit: VisitFacts
    kind: QuestionKind
    choices: tuple[Choice, ...]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Text:
    """A text to one number about one visit, or about several of one day."""

    key: str
    number: str
    service_number: str
    clinic_id: int
    message: str
    body: str
    expires_at: datetime
    visit: VisitFacts
    questions: tuple[Question, ...] = ()
    supersedes: tuple[int, ...] = ()
    lapses: bool = False


Outcome = Withdrawn | NotSent | Later | Text


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of all visits and persons of a batch."""

    now: datetime
    catalogue: Catalogue
    rules: TimedRules
    region: str
    languages: Sequence[str]
    circles: Mapping[int, Circle]  # by patient
    stops: Mapping[str, Sequence[StopFacts]] = field(default_factory=dict)
    asked: frozenset[int] = frozenset()  # visits about which an asking has gone
    questions: Mapping[tuple[str, str], Sequence[QuestionFacts]] = field(default_factory=dict)  # open, by thread
    taken: dict[tuple[str, str], set[str]] = field(default_factory=dict)  # keys of this batch's own questions


def decide(due: Due, beside: Sequence[Due], known: Known) -> Outcome:
    """Decide about *due*; *beside* are reminders of the person's other visits on that day, which one text covers."""
    return _not_needed(due, known) or _too_late(due, known) or _say(due, beside, known)


def goes_along(due: Due, other: Due, known: Known) -> bool:
    """Whether the text of *due* tells of *other* too: the same step, for another visit of the person on that day."""
    clinic = known.catalogue.clinics.get(due.visit.clinic_id)
    there = known.catalogue.clinics.get(other.visit.clinic_id)
    if clinic is None or there is None or (clinic.number, due.step) != (there.number, other.step):
        return False
    kinds = {due.kind, other.kind}
    days = {one.starts_at.astimezone(clinic.zone).date() for one in (due.visit, other.visit)}
    return (
        due.visit.patient_id == other.visit.patient_id
        and due.visit.id != other.visit.id
        and kinds == {ReminderKind.REMINDER}
        and len(days) == 1
        and _not_needed(other, known) is None
        and other.visit.starts_at > known.now
    )


# --- whether ------------------------------------------------------------------------------------------------------


def _not_needed(due: Due, known: Known) -> Outcome | None:
    visit = due.visit
    if visit.status not in COMING:
        return Withdrawn(visit.status.value)
    if visit.starts_at != due.for_start:
        return Withdrawn("moved")
    if due.kind in (ReminderKind.PROVISIONAL_ASK, ReminderKind.LAPSE):
        return None if visit.status is AppointmentStatus.PROVISIONAL else Withdrawn("confirmed")
    service = known.catalogue.services.get(visit.service_id)
    if due.kind is ReminderKind.REMINDER and service is not None and not _is_kept(due, service, known.rules):
        return Withdrawn("confirmed" if visit.status is AppointmentStatus.CONFIRMED else "rules changed")
    return None


def _is_kept(due: Due, service: ServiceFacts, rules: TimedRules) -> bool:
    return due.step in {named(step) for step in kept(steps_of(service, rules), due.visit.status)}


def _too_late(due: Due, known: Known) -> Outcome | None:
    if due.visit.starts_at <= known.now:
        return NotSent("too_late")
    clinic = known.catalogue.clinics.get(due.visit.clinic_id)
    if clinic is None or due.visit.service_id not in known.catalogue.services:
        return NotSent("no_rules")
    awake = outside_quiet_hours(known.now, known.rules.quiet, clinic.zone)
    if awake > known.now:
        return Later(awake) if awake < due.visit.starts_at else NotSent("quiet_hours")
    if due.kind is ReminderKind.LAPSE and due.visit.id not in known.asked:
        return NotSent("never_asked")  # nobody loses a time without having been asked
    return None


# --- what ---------------------------------------------------------------------------------------------------------


def _say(due: Due, beside: Sequence[Due], known: Known) -> Outcome:
    lapses = due.kind is ReminderKind.LAPSE
    circle = known.circles.get(due.visit.patient_id)
    clinic = known.catalogue.clinics[due.visit.clinic_id]
    day = known.now.astimezone(clinic.zone).date()
    if circle is None:
        return NotSent("no_patient")
    goes_to = address(circle, day)
    if isinstance(goes_to, str):
        return NotSent(refusal(circle, "", ()) or goes_to, lapses)
    why = refusal(circle, goes_to.number, known.stops.get(goes_to.number, ()))
    if why is not None:
        return NotSent(why, lapses)
    if lapses:
        return _lapsed(due, goes_to, clinic, known)
    if due.kind is ReminderKind.PROVISIONAL_ASK:
        return _ask(due, goes_to, clinic, known)
    return _several(due, beside, goes_to, clinic, known) if beside else _remind(due, goes_to, clinic, known)


def _remind(due: Due, goes_to: Address, clinic: ClinicFacts, known: Known) -> Text:
    visit = due.visit
    may = _may(visit, clinic, known)
    blanks = _blanks(visit, goes_to, clinic)
    if "confirm" not in may:
        return _text(due, goes_to, clinic, known, "reminder_plain", blanks)
    keys = _keys(goes_to, clinic, visit, known)
    blanks |= dict(zip(("yes", "no", "other"), keys, strict=True))
    if may != frozenset(DEEDS):
        choices = (Choice(keys[0], "confirm"),)
        return _text(due, goes_to, clinic, known, "reminder_confirm", blanks, ((visit, choices),))
    until = cutoff(visit, known.catalogue.services[visit.service_id], clinic, known.region)
    blanks["until"] = until.astimezone(clinic.zone)
    return _text(due, goes_to, clinic, known, "reminder", blanks, ((visit, _choices(keys)),))


def _several(due: Due, beside: Sequence[Due], goes_to: Address, clinic: ClinicFacts, known: Known) -> Text:
    """One text for all visits of the day: the first digit confirms them all, words with the hour do the rest."""
    visits = sorted({one.visit.id: one.visit for one in (due, *beside)}.values(), key=lambda visit: visit.starts_at)
    keys = _keys(goes_to, clinic, due.visit, known)
    choices = (Choice(keys[0], "confirm"), Choice("", "cancel"), Choice("", "move"))
    zones = {visit.id: known.catalogue.clinics.get(visit.clinic_id, clinic).zone for visit in visits}
    listed = tuple(Listed(visit.starts_at.astimezone(zones[visit.id])) for visit in visits)
    blanks = {"visits": listed, "yes": keys[0]}
    asked = tuple((visit, choices) for visit in visits if "confirm" in _may(visit, clinic, known))
    return _text(due, goes_to, clinic, known, "reminder_several", blanks, asked)


def _ask(due: Due, goes_to: Address, clinic: ClinicFacts, known: Known) -> Text | NotSent:
    visit = due.visit
    if "confirm" not in _may(visit, clinic, known):
        return NotSent("staff_only")
    lapse = provisional.lapse_of(known.catalogue.services[visit.service_id], known.rules)
    until = outside_quiet_hours(earlier(visit.starts_at, lapse, clinic), known.rules.quiet, clinic.zone)
    keys = _keys(goes_to, clinic, visit, known)
    blanks = _blanks(visit, goes_to, clinic) | dict(zip(("yes", "no", "other"), keys, strict=True))
    blanks["until"] = until.astimezone(clinic.zone)
    return _text(due, goes_to, clinic, known, "provisional_ask", blanks, ((visit, _choices(keys)),), until)


def _lapsed(due: Due, goes_to: Address, clinic: ClinicFacts, known: Known) -> Text:
    blanks = _blanks(due.visit, goes_to, clinic)
    return _text(due, goes_to, clinic, known, "lapsed", blanks, (), known.now + LAPSE_NEWS_HOLDS, lapses=True)


def _text(
    due: Due,
    goes_to: Address,
    clinic: ClinicFacts,
    known: Known,
    message: str,
    blanks: Mapping[str, Any],
    asked: Sequence[tuple[VisitFacts, tuple[Choice, ...]]] = (),
    until: datetime | None = None,
    *,
    lapses: bool = False,
) -> Text:
    visit, pair = due.visit, (goes_to.number, clinic.number)
    expires = until or visit.starts_at
    kind = QuestionKind.PROVISIONAL if visit.status is AppointmentStatus.PROVISIONAL else QuestionKind.REMINDER
    known.taken.setdefault(pair, set()).update(choice.key for _, choices in asked for choice in choices)
    return Text(
        key=f"{due.kind.value}:{visit.id}:{due.step}:{due.for_start:%Y-%m-%dT%H:%MZ}",
        number=goes_to.number,
        service_number=clinic.number,
        clinic_id=clinic.id,
        message=message,
        body=render(message, _language(goes_to, known), blanks),
        expires_at=expires,
        visit=visit,
        questions=tuple(Question(one, kind, choices, min(expires, one.starts_at)) for one, choices in asked),
        supersedes=tuple(q.id for q in _about({one.id for one, _ in asked}, known.questions.get(pair, ()))),
        lapses=lapses,
    )


def _blanks(visit: VisitFacts, goes_to: Address, clinic: ClinicFacts) -> dict[str, Any]:
    return {
        "when": visit.starts_at.astimezone(clinic.zone),
        "clinic": clinic.names,
        "whose": goes_to.whose,
        "phone": hours.phone(clinic),
    }


def _may(visit: VisitFacts, clinic: ClinicFacts, known: Known) -> frozenset[str]:
    """What the patient may answer: what the service allows, as long as its cut-off is ahead."""
    service = known.catalogue.services[visit.service_id]
    allowed = service.patient_may & frozenset(DEEDS)
    return allowed if known.now <= cutoff(visit, service, clinic, known.region) else allowed & {"confirm"}


def _keys(goes_to: Address, clinic: ClinicFacts, visit: VisitFacts, known: Known) -> list[str]:
    """1, 2, 3, or letters while another question stands on that number (product.md section 3)."""
    pair = (goes_to.number, clinic.number)
    standing = [q for q in known.questions.get(pair, ()) if q not in _about({visit.id}, known.questions.get(pair, ()))]
    used = {choice.key for question in standing for choice in question.choices} | known.taken.get(pair, set())
    free = [letter for letter in LETTERS if letter not in used]
    return free[: len(DEEDS)] if used and len(free) >= len(DEEDS) else ["1", "2", "3"]


def _about(visits: Collection[int], questions: Sequence[QuestionFacts]) -> list[QuestionFacts]:
    """Those of the clinic's own questions that are about these visits: a newer one takes their place."""
    kinds = (QuestionKind.REMINDER, QuestionKind.PROVISIONAL)
    return [question for question in questions if question.kind in kinds and question.appointment_id in visits]


def _choices(keys: Sequence[str]) -> tuple[Choice, ...]:
    return tuple(Choice(key, deed) for key, deed in zip(keys, DEEDS, strict=True))


def _language(goes_to: Address, known: Known) -> str:
    return spoken(goes_to.reader.language, known.languages[0])
