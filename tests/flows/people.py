"""Those who write: phones, and patients who hold one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from gateway.simulator.delivery import Outgoing, as_phone_sends
from models.patient import FailedProof, Stop
from models.post import HandOver, Inbox, Question, Thread
from models.schedule import Appointment
from models.states import HandOverReason, HandOverState, Outcome, QuestionState, ThreadState
from tests.rows import how_many, rows_of

if TYPE_CHECKING:
    from gateway.simulator.record import Received
    from tests.flows.clinic import Clinic

A_CODE = re.compile(r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Z]")
A_LINK = re.compile(r"https?:|www\.|://", re.IGNORECASE)
MOST_PARTS = 2


@dataclass(frozen=True)
class Told:
    """A text to another phone than the writer's."""

    number: str
    message: str  # its name in lang/
    text: str


@dataclass(frozen=True)
class Answer:
    """What one text led to: the *text* that came back ("" when none did), and what the clinic has on record of it."""

    text: str
    message: str | None  # its name in lang/
    outcome: Outcome | None
    reason: str | None  # why no answer was needed
    handed: HandOverReason | None  # the hand-over that it opened
    elsewhere: tuple[Told, ...] = ()  # what other phones got
    emergency: bool = False  # whether staff are alarmed

    @property
    def silent(self) -> bool:
        """Whether nothing at all came back."""
        return not self.text and self.outcome is not None


@dataclass
class Phone:
    """Somebody's phone, with the texts that it shows."""

    clinic: Clinic
    number: str

    def texts(self, words: str, *, mode: str = "udh8") -> Answer:
        """Text the clinic's number, and wait for what comes of it."""
        before = self.clinic.mark()
        statuses = self.clinic.service.carrier.deliver(self.number, self.clinic.number, words, mode=mode)
        assert set(statuses) == {0}, "the carrier was told that we have it"
        self.clinic.service.settle()
        return self.clinic.answer_to(self, before)

    def sends(self, pdus: Sequence[Outgoing]) -> Answer:
        """Send these PDUs just as they are, in this order, and wait for what comes of them."""
        before = self.clinic.mark()
        assert set(self.clinic.service.carrier.deliver_pdus(pdus)) == {0}, "the carrier was told that we have them"
        self.clinic.service.take_in()
        return self.clinic.answer_to(self, before)

    def parts(self, words: str, mode: str = "udh8") -> list[Outgoing]:
        """The PDUs that *words* become on their way."""
        return as_phone_sends(self.number, self.clinic.number, words, mode)

    def octets(self, octets: bytes, coding: int) -> list[Outgoing]:
        """A PDU with these octets in this data_coding."""
        (pdu,) = self.parts("x")
        return [Outgoing(pdu.fields | {"short_message": octets, "data_coding": coding})]

    @property
    def shows(self) -> list[str]:
        """All texts that have come to this phone in this test, oldest first."""
        return [received.text for received in self.clinic.received(self.number)]

    @property
    def state(self) -> ThreadState:
        """Who answers this phone: the bot, nobody yet, or a person."""
        return ThreadState(self.thread.state)

    @property
    def thread(self) -> Any:
        """The row of its thread."""
        return rows_of(self.clinic.database, Thread, number=self.number)[0]

    @property
    def hand_overs(self) -> list[HandOverReason]:
        """Why a person must answer this phone: what is open, oldest first."""
        rows = rows_of(self.clinic.database, HandOver, thread_id=self.thread.id)
        return [row.reason for row in rows if row.state is not HandOverState.CLOSED]

    @property
    def hand_over(self) -> Any:
        """The row of its newest hand-over."""
        return rows_of(self.clinic.database, HandOver, thread_id=self.thread.id)[-1]

    @property
    def stops(self) -> list[tuple[Any, Any]]:
        """The stops in force on the number: purpose (None: every one) and who set it."""
        rows = rows_of(self.clinic.database, Stop, number=self.number, lifted_at=None)
        return [(row.purpose, row.source) for row in rows]

    @property
    def failures(self) -> int:
        """How many wrong codes and dates came from here."""
        return how_many(self.clinic.database, FailedProof, number=self.number)

    @property
    def questions(self) -> list[str]:
        """The kinds of the questions that are open on it, oldest first."""
        rows = rows_of(self.clinic.database, Question, thread_id=self.thread.id, state=QuestionState.OPEN)
        return [row.kind.value for row in rows if row.expires_at > self.clinic.now]


@dataclass
class Patient:
    """A made-up person in care, with the phone that they write from."""

    clinic: Clinic
    id: int
    name: str
    code: str
    phone: Phone

    def texts(self, words: str, **options: Any) -> Answer:
        """Text the clinic; `{code}` and `{name}` stand for the person's own."""
        return self.phone.texts(words.format(code=self.code, name=self.name), **options)

    @property
    def diary(self) -> list[str]:
        """Their visits by time, as "11.3. 9.00 booked"."""
        rows = rows_of(self.clinic.database, Appointment, patient_id=self.id)
        visits = sorted((row.starts_at, row.status.value) for row in rows)
        return [f"{self.clinic.wall(starts_at)} {status}" for starts_at, status in visits]


def checked(received: Received, clinic: Clinic) -> Received:
    """*received*, which no rule of product.md section 2 forbids: no code, link, treatment or whole name, two parts."""
    text = received.text
    assert received.parts <= MOST_PARTS, f"{received.parts} parts: {text}"
    assert not A_CODE.search(text), "an identity code in a text of ours"
    assert not A_LINK.search(text), f"a link: {text}"
    for word in clinic.unspeakable:
        assert word.lower() not in text.lower(), f"{word!r} in a text of ours: {text}"
    return received


def inbox_of(clinic: Clinic, number: str, after: int) -> Any:
    """The newest handled text from *number* after an inbox row; None while there is none."""
    table = Inbox.__table__
    query = select(table).where(table.c.number == number, table.c.id > after, table.c.outcome.is_not(None))
    with clinic.database.reading() as connection:
        return connection.execute(query.order_by(table.c.id.desc())).first()


def opened_since(clinic: Clinic, inbox_id: int) -> Any:
    """The hand-over that the text with this inbox id opened."""
    found = rows_of(clinic.database, HandOver, inbox_id=inbox_id)
    return found[-1] if found else None
