"""Changes → rows: the diary, and what a number or a person has said of our texts. Each kind in one go.

Every change of the diary is a compare-and-set: it holds only while the row is as the decision saw it. This is how one
of many claims wins a slot (guarantee 3); the table's unique index on the live visit of a slot stands behind it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, Table, and_, bindparam, case, insert, or_, select, update
from sqlalchemy.sql.dml import Update
from sqlalchemy.sql.elements import ColumnElement

from models.among import among
from models.base import UtcDateTime, fixed
from models.changes import (
    BookAppointment,
    CancelAppointment,
    Change,
    ClaimOffer,
    CloseQuestion,
    ConfirmAppointment,
    LiftStop,
    MoveAppointment,
    ProveNumber,
    RecordConsent,
    RecordFailure,
    RestoreAppointment,
    ReturnAppointment,
    SetStop,
    SilencePatient,
)
from models.many import Cells, Many
from models.patient import Consent, ContactNumber, FailedProof, Patient, Stop
from models.post import Outbox, Question
from models.schedule import IS_COMING, Appointment, Slot
from models.states import AppointmentStatus, FreedBy, OutboxState, Purpose, QuestionState, SlotState


class Conflict(Exception):
    """A row is not as the decision saw it: read again, decide again. It names the kind of row, never whose."""


Rows = list[dict[str, Any]]

OUTBOX = cast(Table, Outbox.__table__)
QUESTION = cast(Table, Question.__table__)
SLOT = cast(Table, Slot.__table__)
APPOINTMENT = cast(Table, Appointment.__table__)
STOP = cast(Table, Stop.__table__)
CONSENT = cast(Table, Consent.__table__)
NUMBER = cast(Table, ContactNumber.__table__)
PATIENT = cast(Table, Patient.__table__)
FAILED = cast(Table, FailedProof.__table__)


def apply(connection: Connection, changes: Sequence[Change], now: datetime) -> dict[int, int]:
    """Carry out *changes*, each kind in one go. Returns the new appointments by the slot that they took.

    Slots are freed before others are claimed, and visits leave a slot before others enter it.
    """
    kinds: dict[type[Any], list[Any]] = defaultdict(list)
    for change in changes:
        kinds[type(change)].append(change)
    created: dict[int, int] = {}
    for kind, carry_out in _HOW.items():
        if kinds.get(kind):
            created.update(carry_out(connection, kinds[kind], now) or {})
    return created


def exactly(connection: Connection, statement: Many, rows: Rows, what: str) -> None:
    """Run *statement* for every row; each must change exactly one. Raises `Conflict`, naming *what*."""
    if statement(connection, rows) != len(rows):
        raise Conflict(what)


def just_one(connection: Connection, statement: Update, what: str, **values: Any) -> None:
    """Run *statement*, which must change exactly one row, with *values*. Raises `Conflict`, naming *what*."""
    if connection.execute(statement, values).rowcount != 1:
        raise Conflict(what)


UNSETTLED = OUTBOX.c.state.in_([fixed(OutboxState.QUEUED), fixed(OutboxState.LEASED)])


def taken_back(reason: str) -> dict[str, Any]:
    """What an unsettled text that must not go any more becomes: one under way goes, but not a second time."""
    queued = OUTBOX.c.state == fixed(OutboxState.QUEUED)
    return {
        "state": case((queued, fixed(OutboxState.WITHDRAWN)), else_=OUTBOX.c.state),
        "expires_at": case((queued, OUTBOX.c.expires_at), else_=bindparam("now", type_=UtcDateTime())),
        "reason": reason,
    }


def withdraw(connection: Connection, which: ColumnElement[bool], reason: str, now: datetime) -> None:
    """Take back unsettled texts; *which* says `UNSETTLED` too, by which the index is found."""
    connection.execute(update(OUTBOX).where(which).values(**taken_back(reason)), {"now": now})


NEVER_FREED: dict[str, Any] = dict.fromkeys(("freed_at", "freed_by", "freed_service_id", "freed_offer_id"))
_CLAIM_SLOT = Many.update(
    lambda row: (
        update(SLOT)
        .where(SLOT.c.id == row["slot_id"], SLOT.c.state == SlotState.FREE)
        .values(state=SlotState.TAKEN, version=SLOT.c.version + 1, **NEVER_FREED)
    ),
    slot_id=SLOT.c.id,
)
# *visit* is the one that was in it: the round of offers asks those who wait for a time of its service.
_FREE_SLOT = Many.update(
    lambda row: (
        update(SLOT)
        .where(SLOT.c.id == row["slot_id"], SLOT.c.state == SlotState.TAKEN)
        .values(
            state=SlotState.FREE,
            version=SLOT.c.version + 1,
            freed_at=row["now"],
            freed_by=row["how"],
            freed_service_id=select(APPOINTMENT.c.service_id)
            .where(APPOINTMENT.c.id == row["visit"])
            .correlate_except(APPOINTMENT)
            .scalar_subquery(),
        )
    ),
    slot_id=SLOT.c.id,
    visit=APPOINTMENT.c.id,
    how=SLOT.c.freed_by,
    now=SLOT.c.freed_at,
)


def _of_visit(row: Cells, **values: Any) -> Update:
    """A change of a visit that is still to come and as the decision saw it."""
    return (
        update(APPOINTMENT)
        .where(APPOINTMENT.c.id == row["visit"], APPOINTMENT.c.version == row["seen"])
        .where(IS_COMING)
        .values(version=APPOINTMENT.c.version + 1, changed_at=row["now"], **values)
    )


_SEEN = {"visit": APPOINTMENT.c.id, "seen": APPOINTMENT.c.version, "now": APPOINTMENT.c.changed_at}
_PLACE = ("slot_id", "clinic_id", "practitioner_id", "starts_at", "ends_at")
_END_VISIT = Many.update(lambda row: _of_visit(row, status=AppointmentStatus.CANCELLED), **_SEEN)
_CONFIRM_VISIT = Many.update(lambda row: _of_visit(row, status=AppointmentStatus.CONFIRMED), **_SEEN)
_MOVE_VISIT = Many.update(
    lambda row: _of_visit(row, status=row["status"], **{name: row[name] for name in _PLACE}),
    **_SEEN,
    status=APPOINTMENT.c.status,
    **{name: APPOINTMENT.c[name] for name in _PLACE},
)
_RESTORE_VISIT = Many.update(
    lambda row: (
        update(APPOINTMENT)
        .where(APPOINTMENT.c.id == row["visit"], APPOINTMENT.c.status == AppointmentStatus.CANCELLED)
        .where(APPOINTMENT.c.slot_id == row["slot_id"])
        .values(status=row["old"], version=APPOINTMENT.c.version + 1, changed_at=row["now"])
    ),
    visit=APPOINTMENT.c.id,
    slot_id=APPOINTMENT.c.slot_id,
    old=APPOINTMENT.c.status,
    now=APPOINTMENT.c.changed_at,
)
_WITHDRAW_ABOUT = (
    update(OUTBOX)
    .where(among(OUTBOX.c.appointment_id, "visits"), UNSETTLED, OUTBOX.c.purpose != Purpose.ANSWER)
    .values(**taken_back("the visit changed"))
)
_WITHDRAW_QUESTIONS = (
    update(QUESTION)
    .where(among(QUESTION.c.appointment_id, "visits"))
    .where(QUESTION.c.state == fixed(QuestionState.OPEN))
    .values(state=QuestionState.WITHDRAWN, closed_at=bindparam("now"))
)


def forget_what_was_queued(connection: Connection, visit_ids: Sequence[int], now: datetime) -> None:
    """Withdraw texts and questions about visits that are no longer as those say (product.md section 4)."""
    connection.execute(_WITHDRAW_ABOUT, {"visits": visit_ids, "now": now})
    connection.execute(_WITHDRAW_QUESTIONS, {"visits": visit_ids, "now": now})


def free_slots(connection: Connection, visits: Sequence[tuple[int, int]], how: FreedBy, now: datetime) -> None:
    """Free the slots of visits that leave them: (slot, visit). Raises `Conflict` for one that is not taken."""
    rows = [{"slot_id": slot, "visit": visit, "how": how, "now": now} for slot, visit in visits]
    exactly(connection, _FREE_SLOT, rows, "slot")


def _cancel(connection: Connection, changes: Sequence[CancelAppointment], now: datetime) -> None:
    visits = [{"visit": c.appointment_id, "seen": c.version, "now": now} for c in changes]
    exactly(connection, _END_VISIT, visits, "appointment")
    free_slots(connection, [(c.slot_id, c.appointment_id) for c in changes], FreedBy.TEXT, now)
    forget_what_was_queued(connection, [c.appointment_id for c in changes], now)


def _confirm(connection: Connection, changes: Sequence[ConfirmAppointment], now: datetime) -> None:
    visits = [{"visit": c.appointment_id, "seen": c.version, "now": now} for c in changes]
    exactly(connection, _CONFIRM_VISIT, visits, "appointment")


def _move(connection: Connection, changes: Sequence[MoveAppointment], now: datetime) -> None:
    exactly(connection, _CLAIM_SLOT, [{"slot_id": c.slot_id} for c in changes], "slot")
    visits = [
        {
            "visit": c.appointment_id,
            "seen": c.version,
            "now": now,
            "status": c.status,
            "slot_id": c.slot_id,
            "clinic_id": c.clinic_id,
            "practitioner_id": c.practitioner_id,
            "starts_at": c.starts_at,
            "ends_at": c.ends_at,
        }
        for c in changes
    ]
    exactly(connection, _MOVE_VISIT, visits, "appointment")
    free_slots(connection, [(c.old_slot_id, c.appointment_id) for c in changes], FreedBy.TEXT, now)
    forget_what_was_queued(connection, [c.appointment_id for c in changes], now)


_NEW_VISIT = Many.insert(
    APPOINTMENT,
    "patient_id clinic_id service_id practitioner_id slot_id starts_at ends_at status created_by created_at changed_at",
)


def new_visits(connection: Connection, taken: Sequence[BookAppointment | ClaimOffer], now: datetime) -> list[int]:
    """Write the visits in slots that were just taken by text; returns their ids."""
    rows = [
        {
            "patient_id": c.patient_id,
            "clinic_id": c.clinic_id,
            "service_id": c.service_id,
            "practitioner_id": c.practitioner_id,
            "slot_id": c.slot_id,
            "starts_at": c.starts_at,
            "ends_at": c.ends_at,
            "status": AppointmentStatus.BOOKED,
            "created_by": "text",
            "created_at": now,
            "changed_at": now,
        }
        for c in taken
    ]
    return _NEW_VISIT.ids(connection, rows)


def _book(connection: Connection, changes: Sequence[BookAppointment], now: datetime) -> dict[int, int]:
    exactly(connection, _CLAIM_SLOT, [{"slot_id": c.slot_id} for c in changes], "slot")
    return dict(zip((c.slot_id for c in changes), new_visits(connection, changes, now), strict=True))


def _restore(connection: Connection, changes: Sequence[RestoreAppointment], now: datetime) -> None:
    exactly(connection, _CLAIM_SLOT, [{"slot_id": c.slot_id} for c in changes], "slot")
    visits = [{"visit": c.appointment_id, "slot_id": c.slot_id, "old": c.status, "now": now} for c in changes]
    exactly(connection, _RESTORE_VISIT, visits, "appointment")


def _return(connection: Connection, changes: Sequence[ReturnAppointment], now: datetime) -> None:
    for change in changes:
        visit = connection.execute(
            select(APPOINTMENT.c.slot_id, APPOINTMENT.c.version).where(APPOINTMENT.c.id == change.appointment_id)
        ).first()
        slot = connection.execute(select(SLOT).where(SLOT.c.id == change.slot_id)).first()
        if visit is None or slot is None:
            raise Conflict("appointment")
        back = MoveAppointment(
            appointment_id=change.appointment_id,
            version=visit.version,
            old_slot_id=visit.slot_id,
            slot_id=slot.id,
            clinic_id=slot.clinic_id,
            practitioner_id=slot.practitioner_id,
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            status=change.status,
        )
        _move(connection, [back], now)


# --- people and their numbers -------------------------------------------------------------------------------------

_SILENCEABLE = [Purpose.REMINDERS, Purpose.CARE, Purpose.OFFERS, Purpose.SURVEYS]


def _set_stop(connection: Connection, changes: Sequence[SetStop], now: datetime) -> None:
    for change in changes:
        row = {"number": change.number, "purpose": change.purpose, "source": change.source, "set_at": now}
        connection.execute(insert(STOP), row)
        purposes = _SILENCEABLE if change.purpose is None else [change.purpose]
        connection.execute(
            insert(CONSENT),
            [
                {
                    "number": change.number,
                    "purpose": purpose,
                    "granted": False,
                    "at": now,
                    "how": "text",
                    "wording": change.source.value,
                }
                for purpose in purposes
            ],
        )
        to_number = and_(OUTBOX.c.number == change.number, UNSETTLED, OUTBOX.c.purpose.in_(purposes))
        withdraw(connection, to_number, change.source.value, now)


def _lift_stop(connection: Connection, changes: Sequence[LiftStop], now: datetime) -> None:
    for change in changes:
        standing = and_(STOP.c.number == change.number, STOP.c.source == change.source, STOP.c.lifted_at.is_(None))
        was_for_all = connection.execute(select(STOP.c.id).where(standing, STOP.c.purpose.is_(None))).first()
        lifted = standing if change.purpose is None else and_(standing, _for_purpose(change.purpose))
        connection.execute(update(STOP).where(lifted).values(lifted_at=now))
        kept = [p for p in _SILENCEABLE if change.purpose is not None and was_for_all and p is not change.purpose]
        rows = [{"number": change.number, "purpose": p, "source": change.source, "set_at": now} for p in kept]
        if rows:
            connection.execute(insert(STOP), rows)


def _for_purpose(purpose: Purpose) -> Any:
    return or_(STOP.c.purpose.is_(None), STOP.c.purpose == purpose)


def _record_consent(connection: Connection, changes: Sequence[RecordConsent], now: datetime) -> None:
    rows = [
        {
            "patient_id": c.patient_id,
            "number": c.number,
            "purpose": c.purpose,
            "granted": c.granted,
            "at": now,
            "how": "text",
            "wording": c.wording,
        }
        for c in changes
    ]
    connection.execute(insert(CONSENT), rows)
    for change in changes:
        if change.patient_id is not None:
            mine = PATIENT.c.id == change.patient_id
            consents = dict(connection.execute(select(PATIENT.c.consents).where(mine).with_for_update()).scalar_one())
            consents[change.purpose.value] = change.granted
            connection.execute(update(PATIENT).where(mine).values(consents=consents, version=PATIENT.c.version + 1))


def _record_failure(connection: Connection, changes: Sequence[RecordFailure], now: datetime) -> None:
    connection.execute(insert(FAILED), [{"number": c.number, "patient_id": c.patient_id, "at": now} for c in changes])


_PROVE = (
    update(NUMBER)
    .where(NUMBER.c.patient_id == bindparam("whose"), NUMBER.c.number == bindparam("which"))
    .values(proven_at=bindparam("now"), failed_at=None)
)


def _prove(connection: Connection, changes: Sequence[ProveNumber], now: datetime) -> None:
    connection.execute(_PROVE, [{"whose": c.patient_id, "which": c.number, "now": now} for c in changes])


def _silence(connection: Connection, changes: Sequence[SilencePatient], now: datetime) -> None:
    ids = [c.patient_id for c in changes]
    connection.execute(
        update(PATIENT).where(PATIENT.c.id.in_(ids)).values(silenced=True, version=PATIENT.c.version + 1)
    )
    withdraw(connection, and_(OUTBOX.c.patient_id.in_(ids), UNSETTLED), "silenced", now)


_CLOSE_QUESTION = Many.update(
    lambda row: (
        update(QUESTION)
        .where(QUESTION.c.id == row["question"], QUESTION.c.state == fixed(QuestionState.OPEN))
        .values(state=row["how"], closed_at=row["now"])
    ),
    question=QUESTION.c.id,
    how=QUESTION.c.state,
    now=QUESTION.c.closed_at,
)


def _close_questions(connection: Connection, changes: Sequence[CloseQuestion], now: datetime) -> None:
    # Not compared with what was seen: a question that ended by itself meanwhile is as over as it can be.
    _CLOSE_QUESTION(connection, [{"question": c.question_id, "how": c.state, "now": now} for c in changes])


# In this order: questions end before visits end (and take theirs along), slots are freed before they are claimed.
_HOW: dict[type[Any], Callable[[Connection, Any, datetime], dict[int, int] | None]] = {
    CloseQuestion: _close_questions,
    CancelAppointment: _cancel,
    ConfirmAppointment: _confirm,
    MoveAppointment: _move,
    ReturnAppointment: _return,
    RestoreAppointment: _restore,
    BookAppointment: _book,
    SetStop: _set_stop,
    LiftStop: _lift_stop,
    RecordConsent: _record_consent,
    RecordFailure: _record_failure,
    ProveNumber: _prove,
    SilencePatient: _silence,
}
