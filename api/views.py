"""Rows → what the API answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from sqlalchemy import Row

from handlers.care import check
from handlers.hours import DAYS
from models.chain import Line, by_patient
from models.correspondence import is_inbound
from models.crypto import Keys, SealBroken, open_text
from models.diary import SlotRecord, our_id
from models.offered import Ledger
from models.register import PatientRecord
from models.states import OfferStep, OutboxState
from parser.mask import mask

log = structlog.get_logger("api")


def zone_of(name: str) -> ZoneInfo:
    """The zone *name*, or UTC where there is none of that name: one broken record stops no list."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def local(moment: datetime | None, zone: ZoneInfo) -> str | None:
    """RFC 3339 with the offset of *zone*."""
    return None if moment is None else moment.astimezone(zone).isoformat()


def clinic_view(row: Row[Any]) -> dict[str, Any]:
    """A clinic."""
    return {
        "id": row.key,
        "name": _name(row.name),
        "number": row.number,
        "phone": row.phone,
        "address": row.address,
        "timezone": row.timezone,
        "hours": row.hours,
        "cutoff": row.cutoff,
        "urgent": row.urgent,
        "version": row.version,
    }


def service_view(row: Row[Any]) -> dict[str, Any]:
    """A service."""
    return {
        "id": row.key,
        "name": _name(row.name),
        "minutes": row.minutes,
        "kind": row.kind,
        "patient_may": row.patient_may,
        "cutoff": row.cutoff,
        "lapse": row.lapse,
        "reminder_steps": row.reminder_steps,
        "synonyms": row.synonyms,
        "version": row.version,
    }


def _name(names: Mapping[str, str]) -> str | Mapping[str, str]:
    """One name where all languages have the same."""
    return names if len(set(names.values())) > 1 else next(iter(names.values()))


def patient_view(record: PatientRecord, zone: ZoneInfo) -> dict[str, Any]:
    """A patient's file."""
    row = record.row
    return {
        "id": row.key,
        "identity_code": row.code_mask or None,
        "given_names": row.given_names,
        "family_name": row.family_name,
        "born_on": row.born_on and row.born_on.isoformat(),
        "language": row.language,
        "numbers": [
            {
                "number": number.number,
                "source": number.source,
                "proven_at": local(number.proven_at, zone),
                "failed_at": local(number.failed_at, zone),
            }
            for number in record.numbers
        ],
        "consents": row.consents,
        "dependants": [{"patient": key, "until": until and until.isoformat()} for key, until in record.dependants],
        "do_not_text": row.do_not_text,
        "deceased": row.deceased,
        "acts_from_12": row.acts_from_12,
        "silenced": row.silenced,
        "version": row.version,
    }


def slot_view(record: SlotRecord) -> dict[str, Any]:
    """A slot."""
    row, zone = record.row, zone_of(record.row.timezone)
    visit = None if record.appointment_id is None else record.appointment_key or our_id(record.appointment_id)
    return {
        "id": row.key,
        "clinic": row.clinic_key,
        "services": list(record.services),
        "practitioner": row.practitioner_key,
        "start": local(row.starts_at, zone),
        "end": local(row.ends_at, zone),
        "state": row.state.value,
        "appointment": visit,
        "version": row.version,
    }


def appointment_view(row: Row[Any]) -> dict[str, Any]:
    """A visit."""
    zone = zone_of(row.timezone)
    return {
        "id": row.key or our_id(row.id),
        "our_id": our_id(row.id),
        "patient": row.patient_key,
        "clinic": row.clinic_key,
        "service": row.service_key,
        "practitioner": row.practitioner_key,
        "slot": row.slot_key,
        "start": local(row.starts_at, zone),
        "end": local(row.ends_at, zone),
        "status": row.status.value,
        "created_by": row.created_by,
        "changed_at": local(row.changed_at, zone),
        "version": row.version,
    }


def reminder_view(row: Row[Any]) -> dict[str, Any]:
    """A reminder."""
    zone = zone_of(row.timezone)
    return {
        "id": row.id,
        "appointment": row.appointment_key or our_id(row.appointment_id),
        "patient": row.patient_key,
        "clinic": row.clinic_key,
        "kind": row.kind.value,
        "step": row.step,
        "start": local(row.for_start, zone),
        "due_at": local(row.due_at, zone),
        "state": row.became,
        "reason": row.why,
        "sent_at": local(row.sent_at, zone),
    }


def offer_view(found: Ledger, keys: Keys) -> dict[str, Any]:
    """An offer with its ledger."""
    offer, zone = found.offer, zone_of(found.zone)
    lines = [_asked(found, id_, each, keys, zone) for id_, each in by_patient(found.lines).items()]
    passed_over = [_passed_over(found.patients[id_], reason) for id_, reason in found.skipped]
    return {
        "id": offer.key,
        "slot": found.slot_key,
        "clinic": found.clinic_key,
        "state": offer.state,
        "code": offer.code,
        "waves": offer.waves,
        "wave_size": offer.wave_size,
        "wave_minutes": offer.wave_minutes,
        "deadline": local(offer.deadline, zone),
        "next_wave_at": local(offer.next_wave_at, zone),
        "opened_at": local(offer.opened_at, zone),
        "closed_at": local(offer.closed_at, zone),
        "created_by": offer.created_by,
        "reason": offer.why,
        "winner": found.winner_key,
        "next_offer": found.next_key,
        "ledger": lines + passed_over,
    }


def _asked(found: Ledger, patient_id: int, lines: Sequence[Line], keys: Keys, zone: ZoneInfo) -> dict[str, Any]:
    """What became of one person who was asked: their last answer, and when it was received."""
    asked = next(line for line in lines if line.step is OfferStep.ASKED)
    last = lines[-1]
    sealed = found.words.get(last.inbox_id or 0)
    return {
        "patient": found.patients[patient_id],
        "asked_at": local(asked.at, zone),
        "wave": asked.wave,
        "answered_at": local(last.received_at, zone),
        "text": None if sealed is None else _opened(keys, "inbox.text", last.inbox_id or 0, sealed),
        "outcome": "no_answer" if last.step is OfferStep.ASKED else last.step.value,
        "reason": last.reason or asked.reason,
    }


def _passed_over(patient: str, reason: str) -> dict[str, Any]:
    nothing = dict.fromkeys(("asked_at", "wave", "answered_at", "text"))
    return {"patient": patient, **nothing, "outcome": "skipped", "reason": reason}


def waitlist_view(row: Row[Any], clinics: list[str] | None, zone: ZoneInfo) -> dict[str, Any]:
    """An entry of the waitlist."""
    return {
        "id": row.key,
        "patient": row.patient_key,
        "service": row.service_key,
        "clinics": clinics,
        "days": None if row.days is None else [DAYS[day - 1] for day in row.days],
        "hours": row.hours,
        "notice": f"{row.notice_minutes}m" if row.notice_minutes else None,
        "weekly_max": row.weekly_max,
        "care_class": row.care_class,
        "appointment": None if row.appointment_id is None else row.appointment_key or our_id(row.appointment_id),
        "state": row.state,
        "joined_at": local(row.joined_at, zone),
        "last_asked_at": local(row.last_asked_at, zone),
        "version": row.version,
    }


# --- texts --------------------------------------------------------------------------------------------------------


def text_view(row: Row[Any], keys: Keys, zone: ZoneInfo) -> dict[str, Any]:
    """A text, in or out."""
    return _inbound(row, keys, zone) if is_inbound(row) else _outbound(row, keys, zone)


def _inbound(row: Row[Any], keys: Keys, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "id": f"in-{row.id}",
        "direction": "in",
        "number": row.number,
        "service_number": row.service_number,
        "thread": row.thread_id,
        "text": None if row.text is None else _opened(keys, "inbox.text", row.id, row.text),
        "state": "handled" if row.outcome is not None else row.state.value,
        "at": local(row.received_at, zone),
        "purpose": None,
        "in_reply_to": None,
        "parts": row.part_total or 1,
        "receipt": None,
        "intent": row.intent,
        "outcome": None if row.outcome is None else row.outcome.value,
        "reason": row.reason,
    }


def _outbound(row: Row[Any], keys: Keys, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "id": f"out-{row.id}",
        "direction": "out",
        "number": row.number,
        "service_number": row.service_number,
        "thread": row.thread_id,
        "text": _opened(keys, "outbox.body", row.key, row.body),
        "state": _outbox_state(row.state),
        "at": local(row.sent_at or row.created_at, zone),
        "purpose": row.purpose.value,
        "in_reply_to": None if row.inbox_id is None else f"in-{row.inbox_id}",
        "parts": row.parts,
        "receipt": receipt_view(row, zone),
        "intent": None,
        "outcome": None,
        "reason": row.reason,
    }


def _opened(keys: Keys, column: str, place: str | int, sealed: bytes) -> str | None:
    """Sealed words, with codes masked; None where they do not open, which must not hide the others."""
    try:
        return mask(open_text(keys, column, place, sealed))
    except SealBroken:
        log.error("seal_broken", column=column, row=str(place))
        return None


def _outbox_state(state: OutboxState) -> str:
    """A leased text is queued to everybody but the gateway that holds it."""
    return OutboxState.QUEUED.value if state is OutboxState.LEASED else state.value


def receipt_view(row: Row[Any], zone: ZoneInfo) -> dict[str, Any] | None:
    """What the carrier said of an outbox row, if it has."""
    if row.receipt_state is None:
        return None
    return {"state": row.receipt_state, "at": local(row.receipt_at, zone)}


def thread_view(row: Row[Any], hand_over: Row[Any] | None, zone: ZoneInfo) -> dict[str, Any]:
    """A thread without its texts."""
    return {
        "id": row.id,
        "number": row.number,
        "service_number": row.service_number,
        "clinic": row.clinic_key,
        "state": row.state.value,
        "language": row.language,
        "owner": row.owner,
        "last_text_at": local(row.last_text_at, zone),
        "hand_over": None if hand_over is None else _hand_over_view(hand_over, zone),
    }


def _hand_over_view(row: Row[Any], zone: ZoneInfo) -> dict[str, Any]:
    return {
        "reason": row.reason.value,
        "state": row.state.value,
        "urgent": row.urgent,
        "opened_at": local(row.opened_at, zone),
        "promised_at": local(row.promised_at, zone),
        "owner": row.owner,
        "command": row.command,
    }


def message_view(row: Row[Any], keys: Keys, zone: ZoneInfo, clinic: str | None, patient: str | None) -> dict[str, Any]:
    """A message and what became of it. A withdrawn one is blocked: it will not go."""
    state = OutboxState.BLOCKED.value if row.state is OutboxState.WITHDRAWN else _outbox_state(row.state)
    body = _opened(keys, "outbox.body", row.key, row.body)
    return {
        "id": row.key.removeprefix("message:"),
        "status": state,
        "reason": row.reason,
        "patient": patient,
        "number": row.number,
        "clinic": clinic,
        "purpose": row.purpose.value,
        "text": body,
        "warnings": [] if body is None else sorted({found.kind.value for found in check(body) if not found.blocks}),
        "due_at": local(row.due_at, zone),
        "sent_at": local(row.sent_at, zone),
        "receipt": receipt_view(row, zone),
        "parts": row.parts,
    }
