"""Facts of a made-up clinic for tests of decisions: whatever a test does not name is harmless.

It is Tuesday 5 May 2026, noon in Helsinki. People have phones 040 555 01xx; codes stand for themselves ("code-of-1").
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from handlers import conversation
from handlers.decision import Decision
from models.facts import (
    Catalogue,
    Choice,
    ClinicFacts,
    Facts,
    IdentityRules,
    Link,
    PersonFacts,
    QuestionFacts,
    ServiceFacts,
    SlotFacts,
    SlotSearch,
    ThreadFacts,
    VisitFacts,
)
from models.states import AppointmentStatus, HandOverReason, QuestionKind, ThreadState
from parser.command import Command, Intent, Interval

HELSINKI = ZoneInfo("Europe/Helsinki")
NOW = datetime(2026, 5, 5, 9, 0, tzinfo=UTC)  # a Tuesday, noon in Helsinki
CLINIC_NUMBER, PATIENT_NUMBER, OTHER_NUMBER = "+358405550100", "+358405550101", "+358405550102"
ADULT, CHILD, YOUTH = date(1980, 5, 17), date(2019, 3, 1), date(2012, 3, 1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
EVERYTHING = frozenset({"book", "cancel", "move", "confirm"})


def local(day: int, hour: int = 0, minute: int = 0, month: int = 5) -> datetime:
    """A wall-clock time of 2026 at the clinic, as the parser says it."""
    return datetime(2026, month, day, hour, minute)


def instant(day: int, hour: int = 0, minute: int = 0, month: int = 5) -> datetime:
    """The same as an instant."""
    return local(day, hour, minute, month).replace(tzinfo=HELSINKI).astimezone(UTC)


IN_NINE_DAYS = instant(14, 9, 15)


def on_day(day: int, month: int = 5) -> tuple[Interval, ...]:
    """A whole day, as the parser reads "14.5."."""
    start = local(day, month=month)
    return (Interval(start, start + timedelta(days=1)),)


def at(day: int, hour: int, minute: int = 0, month: int = 5) -> tuple[Interval, ...]:
    """One minute, as the parser reads "14.5. klo 9"."""
    moment = local(day, hour, minute, month)
    return (Interval(moment, moment),)


# --- the clinic ---------------------------------------------------------------------------------------------------


def a_clinic(**values: Any) -> ClinicFacts:
    """A clinic that is open on working days from eight to four."""
    known: dict[str, Any] = {
        "id": 1,
        "key": "keskusta",
        "names": {"fi": "Keskustan hoitola", "sv": "Centrums klinik", "en": "Centre clinic"},
        "number": CLINIC_NUMBER,
        "phone": "09 123 4567",
        "address": "Esimerkkikatu 1, Helsinki",
        "zone": HELSINKI,
        "hours": dict.fromkeys(WEEKDAYS, (("08:00", "16:00"),)),
        "cutoff": "24h",
        "urgent": {"emergency": "112", "advice": "116117"},
    }
    return ClinicFacts(**known | values)


def a_service(**values: Any) -> ServiceFacts:
    """A service with which patients may do everything by text."""
    known: dict[str, Any] = {
        "id": 1,
        "key": "checkup",
        "names": {"fi": "tarkastus", "sv": "kontroll", "en": "check-up"},
        "minutes": 30,
        "kind": "checkup",
        "patient_may": EVERYTHING,
        "cutoff": None,
        "lapse": None,
        "reminder_steps": None,
        "synonyms": {},
    }
    return ServiceFacts(**known | values)


def a_visit(starts_at: datetime = IN_NINE_DAYS, **values: Any) -> VisitFacts:
    """A booked visit of patient 1 at clinic 1."""
    known: dict[str, Any] = {
        "id": 41,
        "patient_id": 1,
        "clinic_id": 1,
        "service_id": 1,
        "practitioner_id": 7,
        "slot_id": 410,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=30),
        "status": AppointmentStatus.BOOKED,
        "version": 3,
    }
    return VisitFacts(**known | values)


def a_slot(starts_at: datetime, **values: Any) -> SlotFacts:
    """A free half hour at clinic 1."""
    known: dict[str, Any] = {
        "id": 900,
        "clinic_id": 1,
        "practitioner_id": 7,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=30),
    }
    return SlotFacts(**known | values)


# --- people -------------------------------------------------------------------------------------------------------


def a_person(id_: int = 1, **values: Any) -> PersonFacts:
    """An adult who reads Finnish and is reached at `PATIENT_NUMBER`. *wards* are ids of dependants."""
    wards: Collection[int] = values.pop("wards", ())
    known: dict[str, Any] = {
        "id": id_,
        "given_names": "Aino Maria",
        "family_name": "Esimerkki",
        "born_on": ADULT,
        "language": "fi",
        "do_not_text": False,
        "deceased": False,
        "silenced": False,
        "acts_from_12": False,
        "consents": {"reminders": True, "surveys": True},
        "numbers": (PATIENT_NUMBER,),
        "dependants": tuple(Link(ward, None) for ward in wards),
    }
    return PersonFacts(**known | values)


def a_child(id_: int = 2, **values: Any) -> PersonFacts:
    """A child of seven without a number of their own."""
    known: dict[str, Any] = {"given_names": "Eero", "born_on": CHILD, "numbers": ()}
    return a_person(id_, **known | values)


def code_of(person_id: int) -> str:
    """What stands for the identity code of a person in these tests."""
    return f"code-of-{person_id}"


# --- a text and what is known of it -------------------------------------------------------------------------------


def a_thread(**values: Any) -> ThreadFacts:
    """The thread of `PATIENT_NUMBER` with the clinic."""
    known: dict[str, Any] = {
        "id": 5,
        "number": PATIENT_NUMBER,
        "service_number": CLINIC_NUMBER,
        "clinic_id": 1,
        "state": ThreadState.BOT,
        "language": None,
        "session_patient_id": None,
        "session_until": None,
        "unclear": 0,
        "undo": None,
        "noticed_at": None,
        "version": 1,
    }
    return ThreadFacts(**known | values)


def in_session(person_id: int = 1, minutes: int = 10, **values: Any) -> ThreadFacts:
    """A thread whose writer identified themselves a little while ago."""
    return a_thread(session_patient_id=person_id, session_until=NOW + timedelta(minutes=minutes), **values)


def facts(*visits: VisitFacts, **values: Any) -> Facts:
    """What is known of a text. *people* is everybody who is known of; those with the thread's number are on it."""
    people: Collection[PersonFacts] = values.pop("people", (a_person(),))
    clinics: Collection[ClinicFacts] = values.pop("clinics", (a_clinic(),))
    services: Collection[ServiceFacts] = values.pop("services", (a_service(),))
    thread: ThreadFacts = values.pop("thread", a_thread())
    known: dict[str, Any] = {
        "now": NOW,
        "inbox_id": 77,
        "thread": thread,
        "catalogue": Catalogue(1, {c.id: c for c in clinics}, {s.id: s for s in services}),
        "clinics": tuple(clinics),
        "rules": IdentityRules(),
        "on_number": tuple(person for person in people if thread.number in person.numbers),
        "people": {person.id: person for person in people},
        "by_code": {code_of(person.id): person.id for person in people},
        "visits": tuple(sorted(visits, key=lambda visit: visit.starts_at)),
    }
    return Facts(**known | values)


def says(intent: Intent, code: int | None = None, **values: Any) -> Command:
    """A command as the parser reads it. *code* is the id of the person whose right code stands in the text."""
    if code is not None:
        values = {"identity_code": code_of(code), "identity_status": "ok"} | values
    return Command(intent, **{"whole": True} | values)


def answers(key: int | str) -> Command:
    """A bare digit or letter."""
    if isinstance(key, int):
        return Command(Intent.CHOOSE, choice=key, digit=key)
    return Command(Intent.FREE, letter=key)


# --- questions ----------------------------------------------------------------------------------------------------


def a_question(kind: QuestionKind, **values: Any) -> QuestionFacts:
    """An open question that was asked an hour ago."""
    known: dict[str, Any] = {
        "id": 61,
        "kind": kind,
        "asked_at": NOW - timedelta(hours=1),
        "expires_at": NOW + timedelta(hours=1),
        "patient_id": 1,
        "appointment_id": None,
        "code": None,
        "choices": (),
        "pending": None,
    }
    return QuestionFacts(**known | values)


def a_reminder(visit: VisitFacts, **values: Any) -> QuestionFacts:
    """The question of a reminder of *visit*: 1 coming, 2 cancel, 3 move."""
    choices = (Choice("1", "confirm"), Choice("2", "cancel"), Choice("3", "move"))
    known: dict[str, Any] = {"patient_id": visit.patient_id, "appointment_id": visit.id, "choices": choices}
    return a_question(QuestionKind.REMINDER, **known | values)


def asked_by(decision: Decision, **values: Any) -> QuestionFacts:
    """The question that *decision* asks, as it is found with the next text."""
    asked = decision.ask
    assert asked is not None, "it asks nothing"
    known: dict[str, Any] = {
        "id": 62,
        "asked_at": NOW,
        "expires_at": asked.expires_at,
        "patient_id": asked.patient_id,
        "appointment_id": asked.appointment_id,
        "choices": asked.choices,
        "pending": asked.pending,
    }
    return a_question(asked.kind, **known | values)


# --- deciding -----------------------------------------------------------------------------------------------------


def decided(command: Command, known: Facts, slots: Collection[SlotFacts] = ()) -> Decision:
    """Decide as the desk does: where free slots are looked for, *slots* are what the diary holds."""
    decision = conversation.decide(command, known)
    if isinstance(decision, SlotSearch):
        decision = conversation.decide(command, replace(known, slots=tuple(slots)))
    assert isinstance(decision, Decision), "it looked for slots twice"
    return decision


def searched(command: Command, known: Facts) -> SlotSearch:
    """The search that a text leads to."""
    search = conversation.decide(command, known)
    assert isinstance(search, SlotSearch)
    return search


def after(known: Facts, decision: Decision, **values: Any) -> Facts:
    """What is known when the next text comes: the thread as decided, the question open, nothing else changed."""
    open_ones = () if decision.ask is None else (asked_by(decision),)
    return replace(known, thread=decision.thread, questions=open_ones, slots=None, **values)


def kinds(decision: Decision) -> list[str]:
    """The names of the changes of a decision, without the closing of questions."""
    return [name for change in decision.changes if (name := type(change).__name__) != "CloseQuestion"]


def message(decision: Decision) -> str | None:
    """The name of the message that answers, if any does."""
    return None if decision.reply is None else decision.reply.message


def reason(decision: Decision) -> HandOverReason | None:
    """Why a person must answer, if one must."""
    return None if decision.hand_over is None else decision.hand_over.reason
