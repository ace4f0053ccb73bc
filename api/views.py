"""Rows → what the API answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Row

from handlers.care import check
from models.correspondence import is_inbound
from models.crypto import Keys, SealBroken, open_text
from models.diary import SlotRecord, our_id
from models.register import PatientRecord
from models.states import OutboxState
from parser.mask import mask

log = structlog.get_logger("api")


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
    row, zone = record.row, ZoneInfo(record.row.timezone)
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
    zone = ZoneInfo(row.timezone)
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
    zone = ZoneInfo(row.timezone)
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
