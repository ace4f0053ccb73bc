"""Random commands of several patients on one small diary, against a model of what is true (guarantee 3).

Whatever the order, and however stale what a command saw: one live visit a slot, a slot is taken exactly while it has
one, nobody loses a time that they did not give up, and every change has its audit line.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import delete, select, update

from models.audit import Audit
from models.changes import (
    BookAppointment,
    CancelAppointment,
    Change,
    ConfirmAppointment,
    MoveAppointment,
    RestoreAppointment,
    ReturnAppointment,
)
from models.database import Database
from models.ledger import Conflict, Entry, write
from models.post import Thread
from models.queries import threads
from models.schedule import Appointment, Slot
from models.states import COMING, AppointmentStatus, SlotState
from tests.rows import (
    CLINIC_NUMBER,
    KEYS,
    NOW,
    PATIENT_NUMBER,
    TOMORROW,
    a_clinic,
    a_patient,
    a_service,
    a_slot,
    a_thread,
    an_appointment,
    how_many,
    rows_of,
)

PATIENTS, SLOTS = 3, 5
WHO, WHERE = st.integers(0, PATIENTS - 1), st.integers(0, SLOTS - 1)
AGE = st.integers(0, 2)  # how many commands ago a decision read the diary


@dataclass(frozen=True)
class Visit:
    """A visit as the model believes it stands."""

    id: int
    patient: int
    slot: int
    status: AppointmentStatus
    version: int


@dataclass(frozen=True)
class Undo:
    """What takes the last change of a visit back."""

    kind: str
    visit: int
    slot: int
    status: AppointmentStatus


class LedgerMachine(RuleBasedStateMachine):
    """Commands are decided on the diary as it was some commands ago, and written now."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        with self.database.transaction() as connection:
            for model in (Audit, Appointment, Slot, Thread):
                connection.execute(delete(model))
            self.clinic, self.service = a_clinic(connection), a_service(connection)
            self.patients = [a_patient(connection) for _ in range(PATIENTS)]
            self.slots = [
                a_slot(connection, self.clinic, self.service, starts_at=TOMORROW + timedelta(hours=n))
                for n in range(SLOTS)
            ]
            a_thread(connection)
            first = an_appointment(
                connection, self.patients[0], self.slots[0], self.service, AppointmentStatus.PROVISIONAL
            )
        self.visits = {first: Visit(first, self.patients[0], self.slots[0], AppointmentStatus.PROVISIONAL, 1)}
        self.history = [dict(self.visits)]
        self.held: set[int] = set()
        self.undo: Undo | None = None
        self.written = 0

    # --- commands ---------------------------------------------------------------------------------------------------

    @rule(who=WHO, where=WHERE)
    def book(self, who, where):
        """Book a slot, free or not."""
        patient, slot = self.patients[who], self.slots[where]
        if self._write(self._booking(patient, slot), possible=self._is_free(slot)):
            visit = self._row(Appointment.slot_id == slot, Appointment.status == AppointmentStatus.BOOKED)
            self._remember(Visit(visit.id, patient, slot, AppointmentStatus.BOOKED, 1))
            self.undo = None

    @rule(who=WHO, rival=WHO, where=WHERE)
    def book_twice_in_one_batch(self, who, rival, where):
        """Two claims of one slot at once: neither stands, and the desk decides again one by one."""
        slot = self.slots[where]
        claims = [self._booking(self.patients[each], slot) for each in (who, rival)]

        assert not self._write(*claims, possible=False)

    @rule(data=st.data(), age=AGE)
    def cancel(self, data, age):
        """Cancel a visit as it was read."""
        seen = self._some_visit(data, age)
        if seen is None:
            return
        change = CancelAppointment(seen.id, seen.version, seen.slot)
        if self._write(change, possible=self._is_still(seen)):
            self._remember(replace(seen, status=AppointmentStatus.CANCELLED, version=seen.version + 1))
            self.undo = Undo("cancel", seen.id, seen.slot, seen.status)

    @rule(data=st.data(), age=AGE)
    def confirm(self, data, age):
        """Confirm a visit as it was read."""
        seen = self._some_visit(data, age)
        if seen is not None and self._write(ConfirmAppointment(seen.id, seen.version), possible=self._is_still(seen)):
            self._remember(replace(seen, status=AppointmentStatus.CONFIRMED, version=seen.version + 1))
            self.undo = None

    @rule(data=st.data(), age=AGE, where=WHERE)
    def move(self, data, age, where):
        """Move a visit as it was read into a slot, free or not; a provisional one is confirmed by it."""
        seen, slot = self._some_visit(data, age), self.slots[where]
        if seen is None:
            return
        status = AppointmentStatus.CONFIRMED if seen.status is AppointmentStatus.PROVISIONAL else seen.status
        place = self._row_of(Slot, slot)
        change = MoveAppointment(
            seen.id, seen.version, seen.slot, slot, self.clinic, None, place.starts_at, place.ends_at, status
        )
        if self._write(change, possible=self._is_still(seen) and self._is_free(slot)):
            self._remember(replace(seen, slot=slot, status=status, version=seen.version + 1))
            self.undo = Undo("move", seen.id, seen.slot, seen.status)

    @rule()
    def take_back(self):
        """Undo the last cancel or move."""
        undo = self.undo
        if undo is None:
            return
        now = self.visits[undo.visit]
        cancelled = now.status is AppointmentStatus.CANCELLED
        possible = self._is_free(undo.slot) and cancelled == (undo.kind == "cancel")
        kind = RestoreAppointment if undo.kind == "cancel" else ReturnAppointment
        if self._write(kind(undo.visit, undo.slot, undo.status), possible=possible):
            self._remember(replace(now, slot=undo.slot, status=undo.status, version=now.version + 1))
            self.undo = None

    @rule(where=WHERE)
    def staff_hold_a_free_slot(self, where):
        """Staff keep a free slot for somebody, or give it back."""
        slot = self.slots[where]
        if slot in self.held:
            self.held.remove(slot)
            self._set(slot, SlotState.FREE)
        elif self._is_free(slot):
            self.held.add(slot)
            self._set(slot, SlotState.HELD)

    # --- what is always true ----------------------------------------------------------------------------------------

    @invariant()
    def every_visit_stands_as_it_was_left(self):
        """Nobody loses a time that they did not give up, and nobody has one that they did not take."""
        rows = {
            row.id: Visit(row.id, row.patient_id, row.slot_id, row.status, row.version)
            for row in rows_of(self.database, Appointment)
        }
        assert rows == self.visits

    @invariant()
    def a_slot_has_at_most_one_live_visit(self):
        """One slot, one appointment."""
        taken = [visit.slot for visit in self.visits.values() if visit.status.live]
        assert len(taken) == len(set(taken))

    @invariant()
    def a_slot_is_taken_exactly_while_a_live_visit_is_in_it(self):
        """Free slots are really free, held ones stay held."""
        taken = {visit.slot for visit in self.visits.values() if visit.status.live}
        expected = {
            slot: SlotState.TAKEN if slot in taken else SlotState.HELD if slot in self.held else SlotState.FREE
            for slot in self.slots
        }
        assert {row.id: row.state for row in rows_of(self.database, Slot)} == expected

    @invariant()
    def a_visit_is_when_its_slot_is(self):
        """Time, clinic and practitioner of a visit are those of its slot."""
        slots = {row.id: (row.starts_at, row.ends_at, row.clinic_id) for row in rows_of(self.database, Slot)}
        for row in rows_of(self.database, Appointment):
            assert (row.starts_at, row.ends_at, row.clinic_id) == slots[row.slot_id]

    @invariant()
    def every_change_has_its_audit_line(self):
        """And what did not happen has none."""
        assert how_many(self.database, Audit) == self.written

    # --- help -------------------------------------------------------------------------------------------------------

    def _write(self, *changes: Change, possible: bool) -> bool:
        """Write a decision with these changes; it must stand exactly when that is *possible*."""
        pair = (PATIENT_NUMBER, CLINIC_NUMBER)
        with self.database.reading() as connection:
            thread = threads(connection, [pair])[pair]
        entry = Entry(thread, changes, (), "patient", "changed", {})
        try:
            with self.database.transaction() as connection:
                write(connection, KEYS, [entry], NOW)
        except Conflict:
            assert not possible
            self.history.append(dict(self.visits))
            return False
        assert possible
        self.written += 1
        return True

    def _remember(self, visit: Visit) -> None:
        self.visits[visit.id] = visit
        self.history.append(dict(self.visits))

    def _some_visit(self, data: st.DataObject, age: int) -> Visit | None:
        """A coming visit as it was *age* commands ago."""
        then = self.history[max(0, len(self.history) - 1 - age)]
        coming = [visit for visit in then.values() if visit.status in COMING]
        return data.draw(st.sampled_from(coming)) if coming else None

    def _is_still(self, seen: Visit) -> bool:
        return self.visits[seen.id] == seen

    def _is_free(self, slot: int) -> bool:
        taken = {visit.slot for visit in self.visits.values() if visit.status.live}
        return slot not in taken | self.held

    def _booking(self, patient: int, slot: int) -> BookAppointment:
        place = self._row_of(Slot, slot)
        return BookAppointment(patient, self.service, slot, self.clinic, None, place.starts_at, place.ends_at)

    def _row_of(self, model, id_):
        return self._row(model.id == id_, model=model)

    def _row(self, *conditions, model=Appointment):
        with self.database.reading() as connection:
            return connection.execute(select(model.__table__).where(*conditions)).one()

    def _set(self, slot: int, state: SlotState) -> None:
        with self.database.transaction() as connection:
            connection.execute(update(Slot).where(Slot.id == slot).values(state=state))


def test_whatever_is_commanded_nobody_loses_a_time(database):
    class Machine(LedgerMachine):
        pass

    Machine.database = database
    run_state_machine_as_test(Machine, settings=settings(max_examples=30, stateful_step_count=30, deadline=None))
