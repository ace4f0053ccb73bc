"""The desk between inbox and outbox: every text is handled once in its effect, whoever fails or comes second."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.channel import Stored
from gateway.text import InboundText, PartRef
from handlers.desk import Desk
from handlers.leasing import LEASE
from handlers.post import PostOffice, process_name
from models.applying import apply
from models.audit import Audit
from models.changes import CancelAppointment
from models.crypto import Keys, open_bytes, open_text
from models.facts import IdentityRules
from models.post import HandOver, Inbox, Outbox, Thread
from models.schedule import Appointment, Slot
from models.states import (
    AppointmentStatus,
    HandOverReason,
    InboxState,
    OutboxState,
    Outcome,
    SlotState,
    ThreadState,
)
from tests.rows import (
    CLINIC_NUMBER,
    KEYS,
    NOW,
    PATIENT_NUMBER,
    a_clinic,
    a_patient,
    a_queued_text,
    a_service,
    a_slot,
    an_appointment,
    how_many,
    identity_code,
    look,
    rows_of,
)

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
NEXT_WEEK = datetime(2026, 3, 10, 7, 0, tzinfo=UTC)  # a Tuesday at nine in Helsinki
NAME = "Aino Esimerkki"
UCS2 = 8


def number(n):
    """The number of the *n*-th patient."""
    return f"+3584055501{n:02d}"


def code(n):
    return identity_code(individual=900 + n)


@dataclass
class House:
    """A clinic with patients who have a visit each, its post and its desk."""

    database: object
    post: PostOffice
    desk: Desk
    session: int
    clinic: int
    service: int
    visits: list[int]

    def arrive(self, *texts, at=NOW):
        """Store texts, (words, number) or `InboundText`, as they came together; nobody answers them yet."""
        return self.post.store([self._inbound(text, at) for text in texts], at)

    def _inbound(self, text, at):
        if isinstance(text, InboundText):
            return replace(text, received_at=at)
        words, sender = text
        octets = words.encode("utf-16-be")
        return InboundText("main", self.session, sender, CLINIC_NUMBER, octets, UCS2, None, at)

    def part(self, octets, number, total, sender=PATIENT_NUMBER):
        """One part of a long text in UCS-2."""
        reference = PartRef("udh8", 17, total, number)
        return InboundText("main", self.session, sender, CLINIC_NUMBER, octets, UCS2, reference, NOW)

    def text(self, *texts, at=NOW):
        """Store texts and have them answered; returns their ids."""
        stored = self.arrive(*texts, at=at)
        again = self.desk.answer(stored, at).again
        self.desk.answer(again, at)
        return [each.inbox_id for each in stored]

    def sweep(self, at):
        """Have swept all that is left, as gateways and workers do; returns how many."""
        return sum(iter(lambda: self.desk.sweep(at), 0))

    def answers(self, sender=PATIENT_NUMBER):
        """What was answered to a number, in order."""
        return [row.message for row in rows_of(self.database, Outbox, number=sender)]

    def visit(self, n=0):
        return look(self.database, Appointment, self.visits[n])

    def free_slot(self, starts_at=NEXT_WEEK):
        with self.database.transaction() as connection:
            return a_slot(connection, self.clinic, self.service, starts_at=starts_at)

    def state(self, inbox_id):
        return look(self.database, Inbox, inbox_id).state


@pytest.fixture
def house(database):
    with database.transaction() as connection:
        clinic, service = a_clinic(connection), a_service(connection)
        visits = []
        for n in range(4):
            patient = a_patient(connection, code=code(n), numbers=[number(n)])
            slot = a_slot(connection, clinic, service, starts_at=NEXT_WEEK + timedelta(days=30, hours=n))
            visits.append(an_appointment(connection, patient, slot, service))
    name = process_name(NOW)
    post = PostOffice(database, KEYS, name)
    desk = Desk(database, KEYS, IdentityRules(), gateway=name)
    return House(database, post, desk, post.session_opened("main", NOW), clinic, service, visits)


def cancel(n):
    """A text that cancels the visit of the *n*-th patient, from their own number."""
    return f"{code(n)} {NAME} peruuta aikani", number(n)


# --- one text -----------------------------------------------------------------------------------------------------


def test_a_text_changes_the_diary_and_is_answered_once(house, database):
    inbox_id = house.text(cancel(0))[0]

    assert house.visit().status is AppointmentStatus.CANCELLED
    assert house.answers(number(0)) == ["cancelled"]
    row = look(database, Inbox, inbox_id)
    assert (row.state, row.outcome, row.octets) == (InboxState.DONE, Outcome.ANSWERED, None)
    assert code(0) not in open_text(KEYS, "inbox.text", inbox_id, row.text)
    assert [(line.action, line.inbox_id) for line in rows_of(database, Audit)] == [("cancelled", inbox_id)]


def test_a_text_that_is_handed_to_the_desk_twice_is_answered_once(house):
    stored = house.arrive(cancel(0))
    house.desk.answer(stored, NOW)

    house.desk.answer(stored, NOW + SECOND)
    house.sweep(NOW + MINUTE)

    assert house.answers(number(0)) == ["cancelled"]


def test_what_was_already_there_is_not_answered_again(house):
    redelivered = [Stored(None, stored.text) for stored in house.arrive(cancel(0))]

    house.desk.answer(redelivered, NOW)

    assert house.answers(number(0)) == []


def test_a_preview_changes_and_remembers_nothing(house, database):
    before = [rows_of(database, model) for model in (Appointment, Thread, Inbox, Outbox, Audit)]

    preview = house.desk.preview(cancel(0)[0], number(0), CLINIC_NUMBER, NOW)

    assert preview.decision.action == "cancelled"
    assert preview.answers
    assert [rows_of(database, model) for model in (Appointment, Thread, Inbox, Outbox, Audit)] == before


def test_a_text_to_a_number_of_no_clinic_goes_to_a_person(house, database):
    text = InboundText("main", house.session, number(0), "+358405550198", b"Moi", 0, None, NOW)

    inbox_id = house.text(text)[0]

    assert house.answers(number(0)) == []
    assert look(database, Inbox, inbox_id).outcome is Outcome.HANDED_OVER
    assert how_many(database, HandOver) == 1


# --- many texts at once -------------------------------------------------------------------------------------------


def test_texts_of_many_senders_are_answered_together(house):
    house.text(*(cancel(n) for n in range(4)))

    assert [house.visit(n).status for n in range(4)] == [AppointmentStatus.CANCELLED] * 4
    assert [house.answers(number(n)) for n in range(4)] == [["cancelled"]] * 4


def test_the_second_text_of_a_sender_sees_what_the_first_did(house):
    house.text(cancel(0), cancel(1), ("PALAUTA", number(0)))

    assert house.visit(0).status is AppointmentStatus.BOOKED
    assert house.visit(1).status is AppointmentStatus.CANCELLED
    assert house.answers(number(0)) == ["cancelled", "undone"]


def test_answers_to_one_number_are_written_in_the_order_of_its_texts(house):
    house.text(*((words, number(0)) for words in ("AITO?", "IHMINEN", "STOP", "ALOITA")))

    keys = [row.inbox_id for row in rows_of(house.database, Outbox, number=number(0))]
    assert keys == sorted(keys)
    assert len(keys) == 4


def test_of_two_who_pick_one_slot_in_one_breath_the_first_wins_and_the_second_is_told(house, database):
    slot = house.free_slot()
    wish = "varaa tarkastus ensi viikolle"
    house.text(*((f"{code(n)} {NAME} {wish}", number(n)) for n in (0, 1)))
    offered = [house.answers(number(n)) for n in (0, 1)]

    house.text(("1", number(1)), ("1", number(0)))

    winners = [row.patient_id for row in rows_of(database, Appointment, slot_id=slot)]
    assert winners == [house.visit(1).patient_id]
    assert house.answers(number(1)) == [*offered[1], "booked"]
    assert house.answers(number(0))[:-1] == offered[0]
    assert house.answers(number(0))[-1] != "booked"


def test_an_undo_takes_back_nothing_that_staff_have_arranged_since(house, database):
    house.text(cancel(0))
    with database.transaction() as connection:
        connection.execute(Appointment.__table__.update().values(version=9))

    house.text(("PALAUTA", number(0)))

    assert house.visit().status is AppointmentStatus.CANCELLED
    assert house.answers(number(0)) == ["cancelled", "nothing_to_undo"]


# --- the diary moves meanwhile ------------------------------------------------------------------------------------


class Interrupted(Desk):
    """A desk to which something happens between reading and writing, as often as *times*."""

    def __init__(self, database, meanwhile, times=1):
        super().__init__(database, KEYS, IdentityRules())
        self._meanwhile, self._times = meanwhile, times
        self.reads = 0

    def _read(self, connection, batch, now):
        reads = super()._read(connection, batch, now)
        self.reads += 1
        if self.reads <= self._times:
            thread = threading.Thread(target=self._meanwhile)
            thread.start()
            thread.join()
        return reads


def test_when_the_diary_moves_meanwhile_the_text_is_decided_again(house, database):
    def staff_cancel():
        with database.transaction() as connection:
            visit = house.visit()
            apply(connection, [CancelAppointment(visit.id, visit.version, visit.slot_id)], NOW)

    house.desk = Interrupted(database, staff_cancel)
    house.text(cancel(0))

    assert house.desk.reads == 2
    assert len(house.answers(number(0))) == 1
    assert house.answers(number(0)) != ["cancelled"]
    assert house.visit().version == 2


def test_a_conflict_of_one_text_delays_none_of_the_others(house, database):
    def staff_confirm():
        with database.transaction() as connection:
            connection.execute(
                Appointment.__table__.update().where(Appointment.id == house.visits[1]).values(version=7)
            )

    house.desk = Interrupted(database, staff_confirm)
    house.text(*(cancel(n) for n in range(4)))

    assert [house.visit(n).status for n in range(4)] == [AppointmentStatus.CANCELLED] * 4
    assert [house.answers(number(n)) for n in range(4)] == [["cancelled"]] * 4


def test_a_diary_that_never_stands_still_brings_a_person(house, database):
    def touch():
        with database.transaction() as connection:
            connection.execute(Appointment.__table__.update().values(version=Appointment.version + 1))

    house.desk = Interrupted(database, touch, times=100)
    inbox_id = house.text(cancel(0))[0]
    for n in range(1, 3):
        house.sweep(NOW + n * MINUTE)

    assert house.state(inbox_id) is InboxState.FAILED
    assert [row.reason for row in rows_of(database, HandOver)] == [HandOverReason.COULD_NOT_HANDLE]
    assert house.visit().status is AppointmentStatus.BOOKED


def test_a_thread_that_was_erased_meanwhile_is_made_anew(house, database):
    house.text(("Moi", number(0)))
    stored = house.arrive(cancel(0))
    with database.transaction() as connection:
        connection.execute(Thread.__table__.delete())

    house.desk.answer(stored, NOW)

    assert house.answers(number(0)) == ["cancelled"]


# --- answers are leased as they are written ---------------------------------------------------------------------------


def due(house, at=NOW):
    """What the gateway would take from the outbox."""
    return [text.number for text in house.post.lease("another", [CLINIC_NUMBER], 100, at)]


def test_an_answer_is_leased_with_the_transaction_that_writes_it(house):
    answered = house.desk.answer(house.arrive(cancel(0)), NOW, {CLINIC_NUMBER: 5})

    row = rows_of(house.database, Outbox)[0]
    text = answered.leased[0]
    assert (row.state, row.lease_by, row.lease_until) == (OutboxState.LEASED, process_name(NOW), NOW + LEASE)
    assert (text.id, text.number, text.reference, text.attempt) == (row.id, number(0), row.id & 0xFFFF, 1)
    assert text.body == open_text(KEYS, "outbox.body", row.key, row.body)
    assert not answered.queued
    assert due(house) == []


def test_answers_that_find_no_room_stay_in_the_queue(house):
    answered = house.desk.answer(house.arrive(*[cancel(n) for n in range(3)]), NOW, {CLINIC_NUMBER: 1})

    assert [text.number for text in answered.leased] == [number(0)]
    assert answered.queued
    assert due(house) == [number(1), number(2)]


def test_a_number_without_a_line_here_leases_nothing(house):
    answered = house.desk.answer(house.arrive(cancel(0)), NOW, {"+358405550199": 9})

    assert (list(answered.leased), answered.queued) == ([], True)


def test_two_answers_to_one_sender_go_one_after_the_other(house):
    answered = house.desk.answer(house.arrive(cancel(0), ("moi", number(0))), NOW, {CLINIC_NUMBER: 9})

    assert len(answered.leased) == 1
    assert answered.queued
    assert due(house) == []


def test_an_answer_waits_for_an_earlier_text_to_its_number(house):
    stored = house.arrive(cancel(0))
    with house.database.transaction() as connection:
        a_queued_text(connection, rows_of(house.database, Thread)[0].id)

    answered = house.desk.answer(stored, NOW, {CLINIC_NUMBER: 9})

    assert (list(answered.leased), answered.queued) == ([], True)
    assert [row.lane for row in rows_of(house.database, Outbox)] == [0, 0]
    assert due(house) == [number(0)]


def test_what_was_leased_and_not_submitted_is_given_back_at_the_stop(house):
    house.desk.answer(house.arrive(cancel(0)), NOW, {CLINIC_NUMBER: 9})

    house.post.release(process_name(NOW), NOW)

    assert due(house) == [number(0)]


# --- what cannot be handled ---------------------------------------------------------------------------------------


@pytest.fixture
def poison(monkeypatch):
    """Words that break the reader."""
    from handlers import desk

    parse = desk.parse

    def break_on_poison(text, *rest):
        if "myrkky" in text:
            raise ZeroDivisionError("myrkky")
        return parse(text, *rest)

    monkeypatch.setattr(desk, "parse", break_on_poison)
    return "myrkky"


def test_a_text_that_breaks_us_goes_to_a_person_after_three_tries_and_harms_no_other(house, database, poison):
    ids = house.text(cancel(0), (poison, number(1)), cancel(2))
    assert [house.answers(number(n)) for n in range(3)] == [["cancelled"], [], ["cancelled"]]

    house.sweep(NOW + MINUTE)
    assert house.state(ids[1]) is InboxState.NEW
    house.sweep(NOW + 2 * MINUTE)

    row = look(database, Inbox, ids[1])
    assert (row.state, row.outcome, row.attempts) == (InboxState.FAILED, Outcome.HANDED_OVER, 3)
    assert [(h.reason, h.inbox_id) for h in rows_of(database, HandOver)] == [(HandOverReason.COULD_NOT_HANDLE, ids[1])]
    assert look(database, Thread, row.thread_id).state is ThreadState.WAITING
    assert house.answers(number(1)) == ["received"]
    assert open_bytes(KEYS, "inbox.octets", bytes(row.digest).hex(), row.octets).decode("utf-16-be") == poison


def test_a_text_that_breaks_us_leaves_most_others_answered_together(house, poison, monkeypatch):
    goes, settle = [], Desk._settle
    monkeypatch.setattr(Desk, "_settle", lambda self, batch, now: goes.append(len(batch)) or settle(self, batch, now))

    house.text(cancel(0), (poison, number(1)), cancel(2), cancel(3))

    assert [house.answers(number(n)) for n in (0, 2, 3)] == [["cancelled"]] * 3
    assert goes == [4, 2, 1, 1, 1, 2]


def test_what_a_person_has_is_not_tried_again(house, database, poison):
    house.text((poison, number(0)))
    for n in range(1, 6):
        house.sweep(NOW + n * MINUTE)

    assert how_many(database, HandOver) == 1


def test_the_log_of_a_failure_holds_none_of_the_words(house, poison, capsys, caplog):
    house.text((f"{poison} {NAME}", number(0)))

    logged = "".join(capsys.readouterr()) + caplog.text
    assert "text_failed" in logged
    assert NAME not in logged
    assert poison not in logged


def test_a_thread_that_staff_have_taken_stays_theirs(house, database, poison):
    house.text(("Moi", number(0)))
    with database.transaction() as connection:
        connection.execute(Thread.__table__.update().values(state=ThreadState.PERSON, owner="user:7"))

    house.text((poison, number(0)))
    for n in range(1, 3):
        house.sweep(NOW + n * MINUTE)

    assert [(row.state, row.owner) for row in rows_of(database, Thread)] == [(ThreadState.PERSON, "user:7")]


def test_all_parts_of_a_long_text_that_breaks_us_go_to_a_person_together(house, database, poison):
    halves = [words.encode("utf-16-be") for words in (poison, " loppu")]
    house.text(*(house.part(half, n, 2) for n, half in enumerate(halves, 1)))
    for n in range(1, 15):
        house.sweep(NOW + n * MINUTE)

    assert [row.state for row in rows_of(database, Inbox)] == [InboxState.JOINED, InboxState.FAILED]
    assert how_many(database, HandOver) == 1
    assert None not in [row.octets for row in rows_of(database, Inbox)]


def test_a_stored_text_that_does_not_open_is_not_handled_as_an_empty_one(house, database):
    inbox_id = house.arrive(cancel(0))[0].inbox_id
    stranger = Desk(database, Keys(b"the secret of quite another clinic"), IdentityRules())

    stranger.sweep(NOW)
    assert house.state(inbox_id) is InboxState.NEW
    house.sweep(NOW + MINUTE)

    assert house.answers(number(0)) == ["cancelled"]


# --- sweeping -----------------------------------------------------------------------------------------------------


def test_a_sweep_takes_what_a_link_left_that_has_ended_and_leaves_the_young_to_who_received_them(house):
    house.arrive(cancel(0))
    assert house.sweep(NOW) == 0

    house.post.session_closed(house.session, NOW)
    assert house.sweep(NOW) == 1
    assert house.answers(number(0)) == ["cancelled"]

    house.session = house.post.session_opened("main", NOW + MINUTE)
    house.arrive(cancel(1), at=NOW + MINUTE)
    assert house.sweep(NOW + MINUTE + 9 * SECOND) == 0
    assert house.sweep(NOW + MINUTE + 10 * SECOND) == 1
    assert house.answers(number(1)) == ["cancelled"]


def test_a_sweep_of_many_goes_through_all_of_them(house):
    house.arrive(*((f"{n}", f"+35840555{n:04d}") for n in range(450)))

    assert house.desk.sweep(NOW + MINUTE) < 100, "what arrives meanwhile waited for all of them"
    house.sweep(NOW + MINUTE)

    assert how_many(house.database, Inbox, state=InboxState.NEW) == 0


# --- texts of several parts ---------------------------------------------------------------------------------------


def halves_of(words):
    """The octets of *words* in two parts, cut through the middle, through a character if need be."""
    octets = words.encode("utf-16-be")
    return octets[: len(octets) // 2], octets[len(octets) // 2 :]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("together", [True, False])
def test_a_long_text_is_read_when_its_last_part_has_come(house, database, order, together):
    halves = [house.part(half, n, 2, number(0)) for n, half in enumerate(halves_of(cancel(0)[0]), 1)]
    coming = [halves[n] for n in order]

    for batch in [coming] if together else [[part] for part in coming]:
        house.text(*batch)

    assert house.answers(number(0)) == ["cancelled"]
    assert sorted(row.state for row in rows_of(database, Inbox)) == [InboxState.DONE, InboxState.JOINED]


def test_octets_are_joined_before_they_are_read(house, database):
    octets = "😀 kiitos".encode("utf-16-be")

    ids = house.text(house.part(octets[:2], 1, 2), house.part(octets[2:], 2, 2))

    assert open_text(KEYS, "inbox.text", ids[1], look(database, Inbox, ids[1]).text) == "😀 kiitos"


def test_a_text_with_a_part_missing_is_left_to_a_person_after_eight_minutes_and_never_carried_out(house, database):
    octets = cancel(0)[0].encode("utf-16-be")
    house.text(house.part(octets, 1, 3, number(0)), house.part(b"\x00!", 3, 3, number(0)))

    house.sweep(NOW + 8 * MINUTE - SECOND)
    assert how_many(database, HandOver) == 0
    house.sweep(NOW + 8 * MINUTE)

    assert house.visit().status is AppointmentStatus.BOOKED
    assert [row.reason for row in rows_of(database, HandOver)] == [HandOverReason.INCOMPLETE_TEXT]
    last = rows_of(database, Inbox)[-1]
    assert open_text(KEYS, "inbox.text", last.id, last.text).endswith("[…]!")


def test_a_part_that_comes_after_all_is_not_lost(house, database):
    house.text(house.part(b"\x00a", 1, 2))
    house.sweep(NOW + 8 * MINUTE)
    late = house.arrive(house.part(b"\x00b", 2, 2), at=NOW + 9 * MINUTE)[0].inbox_id
    house.sweep(NOW + 17 * MINUTE)

    words = open_text(KEYS, "inbox.text", late, look(database, Inbox, late).text)
    assert words == "[…]b"


# --- two desks ----------------------------------------------------------------------------------------------------


def test_two_processes_that_take_the_same_texts_answer_each_once(house, database):
    senders = [f"+35840555{n:04d}" for n in range(200, 240)]
    stored = house.arrive(*(("IHMINEN", sender) for sender in senders), *(cancel(n) for n in range(4)))
    desks = [Desk(database, KEYS, IdentityRules()) for _ in range(2)]
    errors = []

    def work(desk):
        try:
            desk.answer(stored, NOW)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(desk,)) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    house.sweep(NOW + MINUTE)

    assert errors == []
    assert {row.state for row in rows_of(database, Inbox)} == {InboxState.DONE}
    assert [len(house.answers(sender)) for sender in senders] == [1] * len(senders)
    assert [house.answers(number(n)) for n in range(4)] == [["cancelled"]] * 4
    assert how_many(database, Audit) == len(stored)
    assert {look(database, Slot, house.visit(n).slot_id).state for n in range(4)} == {SlotState.FREE}
