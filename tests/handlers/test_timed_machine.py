"""Random calendars lived through: visits made, moved, cancelled and confirmed, rules changed, workers away for days.

Whatever happens, and over every odd night of the year: no text in quiet hours, none twice, none after its visit, none
about a visit that was cancelled; a second round at the same minute does nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import delete, select, update

from handlers.reminders import TimedRules
from handlers.rounds.planner import Planner
from handlers.rounds.reminders import ReminderRound
from models.base import Base
from models.clinic import Service
from models.database import Database
from models.post import Outbox
from models.register import bump_catalogue
from models.schedule import Appointment
from models.states import AppointmentStatus
from tests.rows import KEYS, a_clinic, a_patient, a_service, a_slot, an_appointment

ZONES = st.sampled_from(["Europe/Helsinki", "America/New_York", "Australia/Lord_Howe"])
ODD_NIGHTS = st.sampled_from(  # both DST changes of each zone, year's end, leap day
    [
        datetime(2026, 3, 8, tzinfo=UTC),
        datetime(2026, 3, 29, tzinfo=UTC),
        datetime(2026, 4, 5, tzinfo=UTC),
        datetime(2026, 10, 4, tzinfo=UTC),
        datetime(2026, 10, 25, tzinfo=UTC),
        datetime(2026, 11, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
        datetime(2028, 2, 29, tzinfo=UTC),
    ]
)
AHEAD = st.timedeltas(timedelta(minutes=30), timedelta(days=24)).map(lambda by: by - by % timedelta(minutes=5))
STEPS = st.lists(st.sampled_from(["30m", "2h", "9h", "1d", "2d", "3d", "7d"]), max_size=3)
WHICH = st.integers(0, 7)
SAID = {"reminder", "reminder_plain", "reminder_confirm", "reminder_several", "provisional_ask", "lapsed"}


class TimedMachine(RuleBasedStateMachine):
    """One clinic, its visits, and a worker that comes when it can."""

    database: Database

    @initialize(zone=ZONES, night=ODD_NIGHTS, before=st.timedeltas(timedelta(days=1), timedelta(days=22)))
    def open(self, zone: str, night: datetime, before: timedelta) -> None:
        """A clinic some weeks before the night, with three patients."""
        self.zone, self.now = ZoneInfo(zone), (night - before).replace(microsecond=0)
        self.visits: list[int] = []
        with self.database.transaction() as connection:
            for table in reversed(Base.metadata.sorted_tables):
                connection.execute(delete(table))
            self.clinic = a_clinic(connection, timezone=zone)
            self.service = a_service(connection, reminder_steps=None)
            self.patients = [a_patient(connection, numbers=[f"+3584055501{n:02d}"]) for n in range(3)]
        self.planner = Planner(self.database, TimedRules())
        self.rounds = ReminderRound(self.database, KEYS, TimedRules())
        self.seen: dict[tuple[Any, ...], str] = {}

    @rule(who=st.integers(0, 2), ahead=AHEAD, provisional=st.booleans())
    def book(self, who: int, ahead: timedelta, provisional: bool) -> None:
        """A visit is made."""
        status = AppointmentStatus.PROVISIONAL if provisional else AppointmentStatus.BOOKED
        with self.database.transaction() as connection:
            slot = a_slot(connection, self.clinic, self.service, starts_at=self.now + ahead)
            made = {"changed_at": self.now, "created_at": self.now}
            self.visits.append(
                an_appointment(connection, self.patients[who], slot, self.service, status=status, **made)
            )

    @precondition(lambda self: self.visits)
    @rule(which=WHICH, ahead=AHEAD)
    def move(self, which: int, ahead: timedelta) -> None:
        """A visit is moved."""
        start = self.now + ahead
        self._change(which, starts_at=start, ends_at=start + timedelta(minutes=30))

    @precondition(lambda self: self.visits)
    @rule(which=WHICH, status=st.sampled_from(sorted(AppointmentStatus)))
    def become(self, which: int, status: AppointmentStatus) -> None:
        """A visit is cancelled, confirmed, or whatever else befalls one."""
        self._change(which, status=status)

    @rule(steps=st.none() | STEPS)
    def change_rule(self, steps: list[str] | None) -> None:
        """The service has other steps."""
        with self.database.transaction() as connection:
            connection.execute(update(Service).values(reminder_steps=steps))
            bump_catalogue(connection)

    @rule(by=st.timedeltas(timedelta(minutes=1), timedelta(days=4)))
    def tick(self, by: timedelta) -> None:
        """Time goes on, and a worker comes."""
        self.now += by
        self.planner.run(self.now)
        self.rounds.run(self.now)
        self._check_texts()
        assert self.planner.run(self.now) + self.rounds.run(self.now) == 0, "a second round finds nothing"

    def _change(self, which: int, **values: Any) -> None:
        visit = self.visits[which % len(self.visits)]
        with self.database.transaction() as connection:
            connection.execute(
                update(Appointment)
                .where(Appointment.id == visit)
                .values(version=Appointment.version + 1, changed_at=self.now, **values)
            )

    def _check_texts(self) -> None:
        with self.database.reading() as connection:
            texts = connection.execute(select(Outbox)).all()
            visits = {row.id: row for row in connection.execute(select(Appointment))}
        for text in (text for text in texts if text.key not in self.seen.values()):
            visit = visits[text.appointment_id]
            assert text.message in SAID
            assert time(8) <= self.now.astimezone(self.zone).time() < time(21), "in quiet hours"
            assert visit.starts_at > self.now, "after the visit"
            lapsed = (AppointmentStatus.LAPSED,) if text.message == "lapsed" else ()
            assert visit.status in (*_COMING, *lapsed), "about a visit that is not coming"
            kind, about, step, start = text.key.split(":", 3)
            assert (kind, about, step, start) not in self.seen, "twice"
            self.seen[kind, about, step, start] = text.key


_COMING = (AppointmentStatus.PROVISIONAL, AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED)


def test_random_calendars_are_reminded_of_at_the_right_times_and_never_twice(sqlite_database):
    machine = type("Machine", (TimedMachine,), {"database": sqlite_database})
    run_state_machine_as_test(machine, settings=settings(max_examples=30, stateful_step_count=25, deadline=None))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_many_random_calendars(sqlite_database):
    machine = type("Machine", (TimedMachine,), {"database": sqlite_database})
    run_state_machine_as_test(machine, settings=settings(max_examples=3000, stateful_step_count=40, deadline=None))
