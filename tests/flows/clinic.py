"""The clinic of the flows: what a test says of its diary and its people, and what it sees of what came about.

Times are written as on the clinic's wall: "11.3. 9.00". It is Tuesday 3 March 2026, noon, until a test lets time pass.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Table, func, select, update

from gateway.simulator.record import Received
from gateway.text import Lane
from lang.messages import render
from models.clinic import Clinic as ClinicRow
from models.clinic import Service as ServiceRow
from models.crypto import seal_text
from models.database import Database
from models.facts import Choice
from models.patient import ContactNumber
from models.patient import Patient as PatientRow
from models.post import Inbox, Outbox
from models.queries import question_data
from models.register import bump_catalogue
from models.schedule import Appointment, Slot
from models.states import AppointmentStatus, OutboxState, Purpose, QuestionKind, SlotState, ThreadState
from tests import rows
from tests.flows.people import Answer, Patient, Phone, Told, checked, inbox_of, opened_since
from tests.flows.service import Service
from tests.rows import CLINIC_NUMBER, KEYS

HELSINKI = ZoneInfo("Europe/Helsinki")
ADULT, CHILD, YOUTH = date(1980, 5, 17), date(2018, 6, 1), date(2011, 6, 1)
EVERYTHING = ("book", "cancel", "move", "confirm")
TREATMENTS = {  # what no text of ours may name
    "checkup": {"fi": "tarkastus", "sv": "undersökning", "en": "check-up"},
    "hygiene": {"fi": "suuhygienia", "sv": "munhygien", "en": "hygienist"},
    "ortho": {"fi": "oikomishoito", "sv": "tandreglering", "en": "orthodontics"},
}


@dataclass(frozen=True)
class Mark:
    """A moment in the life of the service: how many texts had come and gone."""

    received: int
    inbox: int
    outbox: int


class Clinic:
    """One clinic with check-ups, which patients may change by text, and orthodontics, which only staff may."""

    number = CLINIC_NUMBER

    def __init__(self, service: Service) -> None:
        self.service = service
        self._begin = len(service.carrier.record.texts)
        self._numbers = count(1)
        self._individuals = count(900)
        self._keys = count(1)
        self.unspeakable: list[str] = [word for names in TREATMENTS.values() for word in names.values()]
        with self.database.transaction() as connection:
            self.id = rows.a_clinic(connection, cutoff="24h")
        self.checkup = self.service_of("checkup")
        self.ortho = self.service_of("ortho", patient_may=["confirm"], minutes=20)

    # --- the house ------------------------------------------------------------------------------------------------

    @property
    def database(self) -> Database:
        """Of the service."""
        return self.service.database

    @property
    def now(self) -> datetime:
        """The time of the service."""
        return self.service.clock()

    def later(self, **by: float) -> None:
        """Let time pass: `minutes=31`."""
        self.service.clock.later(timedelta(**by))

    def at(self, wall: str) -> None:
        """Let time pass until it is *wall* by the clinic's clock."""
        self.service.clock.now = instant(wall)

    def wall(self, moment: datetime) -> str:
        """*moment* as the clinic's wall shows it."""
        local = moment.astimezone(HELSINKI)
        return f"{local.day}.{local.month}. {local.hour}.{local.minute:02}"

    def service_of(self, kind: str, **values: Any) -> int:
        """A kind of visit with which patients may do everything, unless the test says otherwise."""
        with self.database.transaction() as connection:
            return rows.a_service(
                connection, **{"kind": kind, "key": kind, "name": TREATMENTS[kind], "cutoff": None} | values
            )

    def rule(self, service: int | None = None, **values: Any) -> None:
        """Change what is the rule here, or for one service: `cutoff="48h"`."""
        table, id_ = (ClinicRow, self.id) if service is None else (ServiceRow, service)
        with self.database.transaction() as connection:
            connection.execute(update(table).where(table.id == id_).values(**values))
            bump_catalogue(connection)

    def second_place(self, **values: Any) -> int:
        """Another clinic behind the same number."""
        names = {"fi": "Rannan hoitola", "sv": "Strandkliniken", "en": "Shore clinic"}
        with self.database.transaction() as connection:
            return rows.a_clinic(connection, **{"name": names, "cutoff": "24h"} | values)

    def practitioner(self) -> int:
        """Somebody who works here."""
        with self.database.transaction() as connection:
            return rows.a_practitioner(connection)

    def day(self, wall: str) -> date:
        """ "11.3." as a date."""
        return instant(f"{wall} 12.00").date()

    def birthday(self, years: int, wall: str) -> date:
        """When somebody was born who turns so many years old on that day."""
        return self.day(wall).replace(year=self.day(wall).year - years)

    # --- people ---------------------------------------------------------------------------------------------------

    def phone(self, number: str = "") -> Phone:
        """A phone that is on nobody's file; *number* where it matters."""
        return Phone(self, number or f"+3584055501{next(self._numbers):02d}")

    def patient(
        self,
        name: str = "Aino Esimerkki",
        *,
        born: date = ADULT,
        phone: Phone | None = None,
        numbers: Collection[Phone] | None = None,
        **values: Any,
    ) -> Patient:
        """A patient who writes from *phone*, by default one of their own, which is on their file.

        *numbers* are the phones on the file where that is not so, the first one first.
        """
        phone = phone or self.phone()
        on_file = [phone] if numbers is None else list(numbers)
        code = rows.identity_code(born, next(self._individuals))
        given, _, family = name.partition(" ")
        self.unspeakable += [family]
        with self.database.transaction() as connection:
            id_ = rows.a_patient(
                connection,
                code=code,
                numbers=[each.number for each in on_file],
                given_names=given,
                family_name=family,
                born_on=born,
                **values,
            )
        return Patient(self, id_, name, code, phone)

    def child(self, guardian: Patient, name: str = "Eero Esimerkki", *, born: date = CHILD, **values: Any) -> Patient:
        """A dependant of *guardian*, who writes from the guardian's phone; it is not on the child's file."""
        child = self.patient(name, born=born, phone=guardian.phone, numbers=values.pop("numbers", ()), **values)
        self.guardian(guardian, child)
        return child

    def guardian(self, guardian: Patient, dependant: Patient, until: date | None = None) -> None:
        """Let *guardian* act for *dependant*."""
        with self.database.transaction() as connection:
            rows.a_guardian(connection, guardian.id, dependant.id, until)

    def set(self, patient: Patient, **values: Any) -> None:
        """Change a patient's file: `do_not_text=True`."""
        with self.database.transaction() as connection:
            connection.execute(update(PatientRow).where(PatientRow.id == patient.id).values(**values))

    def set_number(self, patient: Patient, **values: Any) -> None:
        """Change what the file says of the patient's phone: `failed_at=clinic.now`."""
        mine = (ContactNumber.patient_id == patient.id, ContactNumber.number == patient.phone.number)
        with self.database.transaction() as connection:
            connection.execute(update(ContactNumber).where(*mine).values(**values))

    # --- the diary ------------------------------------------------------------------------------------------------

    def free(self, *walls: str, service: int | None = None, place: int | None = None, **values: Any) -> None:
        """Free half hours at these times, for check-ups."""
        with self.database.transaction() as connection:
            for wall in walls:
                rows.a_slot(connection, place or self.id, service or self.checkup, starts_at=instant(wall), **values)

    def visit(
        self,
        patient: Patient,
        wall: str,
        *,
        service: int | None = None,
        status: AppointmentStatus = AppointmentStatus.BOOKED,
        place: int | None = None,
        **slot: Any,
    ) -> int:
        """A visit of *patient* at this time: a check-up that is booked."""
        service = service or self.checkup
        with self.database.transaction() as connection:
            taken = rows.a_slot(connection, place or self.id, service, starts_at=instant(wall), **slot)
            return rows.an_appointment(connection, patient.id, taken, service, status)

    def take(self, wall: str, state: SlotState = SlotState.TAKEN) -> None:
        """Somebody else takes the free time."""
        with self.database.transaction() as connection:
            done = connection.execute(
                update(Slot).where(Slot.starts_at == instant(wall), Slot.state == SlotState.FREE).values(state=state)
            )
            assert done.rowcount == 1, f"{wall} is not free"

    @property
    def free_times(self) -> list[str]:
        """The times that can be booked."""
        return [self.wall(at) for at in sorted(r.starts_at for r in rows.rows_of(self.database, Slot, state="free"))]

    # --- texts of our own -----------------------------------------------------------------------------------------

    def remind(self, patient: Patient, visit: int, *, phone: Phone | None = None, hours: int = 48) -> None:
        """Text the reminder of *visit*: 1 = coming, 2 = cancel, 3 = move."""
        phone = phone or patient.phone
        key = f"reminder:{visit}:{next(self._keys)}"
        with self.database.transaction() as connection:
            row = rows.the(connection, Appointment, visit)
            thread = self._thread(connection, phone)
            body = f"Muistutus: aikasi on {self.wall(row.starts_at)}. Vastaa 1 = tulen, 2 = peru, 3 = siirrä."
            rows.a_queued_text(
                connection, thread, body, key=key, due_at=self.now, created_at=self.now,
                lane=Lane.REMINDER, patient_id=patient.id, appointment_id=visit,
            )  # fmt: skip
            provisional = row.status is AppointmentStatus.PROVISIONAL
            choices = (Choice("1", "confirm"), Choice("2", "cancel"), Choice("3", "move"))
            rows.a_question(
                connection, thread, outbox_key=key, data=seal_text(KEYS, "question.data", key,
                question_data(choices, None)),
                kind=QuestionKind.PROVISIONAL if provisional else QuestionKind.REMINDER,
                patient_id=patient.id, appointment_id=visit,
                asked_at=self.now, expires_at=self.now + timedelta(hours=hours),
            )  # fmt: skip
        self.service.settle()

    def write(self, patient: Patient, message: str = "booked_by_clinic", purpose: Purpose = Purpose.REMINDERS) -> str:
        """Put a text of the clinic's own to *patient* into the outbox; returns its key."""
        key = f"own:{next(self._keys)}"
        when = self.now.astimezone(HELSINKI)
        body = render(message, "fi", {"when": when, "clinic": {"fi": "Keskusta"}})
        with self.database.transaction() as connection:
            thread = self._thread(connection, patient.phone)
            rows.a_queued_text(
                connection, thread, body, key=key, due_at=self.now, created_at=self.now, purpose=purpose,
                lane=Lane.REMINDER, patient_id=patient.id,
            )  # fmt: skip
        return key

    def state_of(self, key: str) -> OutboxState:
        """What became of a text of the clinic's own."""
        return rows.rows_of(self.database, Outbox, key=key)[0].state

    def has_gone(self, key: str) -> bool:
        """Whether the carrier has taken a text of the clinic's own."""
        return self.state_of(key) in (OutboxState.SENT, OutboxState.DELIVERED)

    def take_over(self, phone: Phone) -> None:
        """Staff take the thread."""
        with self.database.transaction() as connection:
            thread = self._thread(connection, phone)
            table = cast(Table, rows.Thread.__table__)
            connection.execute(update(table).where(table.c.id == thread).values(state=ThreadState.PERSON))

    def _thread(self, connection: Any, phone: Phone) -> int:
        table = cast(Table, rows.Thread.__table__)
        found = connection.execute(select(table.c.id).where(table.c.number == phone.number)).scalar()
        return int(found or rows.a_thread(connection, phone.number, last_text_at=self.now))

    # --- what came about ------------------------------------------------------------------------------------------

    def mark(self) -> Mark:
        """Now, to see later what has come since."""
        with self.database.reading() as connection:
            newest = connection.execute(select(func.max(Inbox.id), select(func.max(Outbox.id)).scalar_subquery())).one()
        return Mark(len(self.service.carrier.record.texts), newest[0] or 0, newest[1] or 0)

    def received(self, number: str = "", after: int | None = None) -> list[Received]:
        """The texts that phones got in this test, each checked against the house rules."""
        since = self._begin if after is None else after
        return [checked(received, self) for received in self.service.carrier.texts(number, since)]

    def answer_to(self, phone: Phone, mark: Mark) -> Answer:
        """What came of the newest text from *phone* since *mark*."""
        row = inbox_of(self, phone.number, mark.inbox)
        came = self.received(after=mark.received)
        mine = [received.text for received in came if received.number == phone.number]
        assert len(mine) <= 1, f"answered more than once: {mine}"
        handed = None if row is None else opened_since(self, row.id)
        said = [] if row is None else rows.rows_of(self.database, Outbox, key=f"reply:{row.id}")
        return Answer(
            text=mine[0] if mine else "",
            message=said[0].message if said else None,
            outcome=None if row is None else row.outcome,
            reason=None if row is None else row.reason,
            handed=None if handed is None else handed.reason,
            elsewhere=tuple(self._told(other, mark) for other in came if other.number != phone.number),
            emergency=handed is not None and bool(handed.urgent),
        )

    def _told(self, received: Received, mark: Mark) -> Told:
        sent = [row for row in rows.rows_of(self.database, Outbox, number=received.number) if row.id > mark.outbox]
        message = next(row.message for row in sent if rows.written(row) == received.text)
        return Told(received.number, message, received.text)

    def at_once(self, *texts: tuple[Patient, str]) -> list[Answer]:
        """Several people text in the same moment, in this order; returns the answer that each gets."""
        mark = self.mark()
        posted = [
            self.service.carrier.post(patient.phone.number, self.number, words.format(code=patient.code))
            for patient, words in texts
        ]
        for one in posted:
            assert one.result(10) == [0]
        self.service.settle()
        return [self.answer_to(patient.phone, mark) for patient, _ in texts]


def instant(wall: str) -> datetime:
    """ "11.3. 9.00" at the clinic in 2026, as an instant."""
    day, clock = wall.split()
    at = datetime.strptime(f"2026.{day} {clock}", "%Y.%d.%m. %H.%M").replace(tzinfo=HELSINKI)
    return at.astimezone(UTC)
