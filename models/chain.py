"""The ledger of an offer as a chain: each line's seal is a keyed digest of the line and of the seal before it.

Whoever changes, drops, adds or reorders a line without the clinic's secret breaks the chain, and `check` says where.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from models.crypto import Keys
from models.states import OfferState, OfferStep

_PURPOSE = "offer_entry.seal"
ENDS = {OfferStep.WON: OfferState.WON, OfferStep.EXPIRED: OfferState.EXPIRED, OfferStep.WITHDRAWN: OfferState.WITHDRAWN}


@dataclass(frozen=True, slots=True)
class Line:
    """What happened, before it has its place in a ledger. *number* is a keyed digest (`number_digest`)."""

    step: OfferStep
    at: datetime
    patient_id: int | None = None
    number: bytes | None = None
    wave: int | None = None
    inbox_id: int | None = None
    received_at: datetime | None = None
    outbox_key: str | None = None
    appointment_id: int | None = None
    reason: str | None = None

    def columns(self) -> dict[str, Any]:
        """The line as columns of `offer_entry`."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class Placed:
    """A line of a ledger as it is stored."""

    position: int
    line: Line
    seal: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """What an offer's row says, to be held against its ledger."""

    key: str
    state: OfferState
    winner_id: int | None
    appointment_id: int | None
    entries: int
    head: bytes


def number_digest(keys: Keys, number: str) -> bytes:
    """How a ledger names a number: the same number gives the same digest, which tells nothing else."""
    return keys.blind(number, "offer_entry.number")


def seal(keys: Keys, offer: str, position: int, line: Line, before: bytes) -> bytes:
    """The seal of *line* at *position* of the ledger of the offer with this key, after the seal *before*."""
    said = json.dumps([offer, position, *map(_plain, line.columns().values())], separators=(",", ":"))
    return keys.blind(before + said.encode(), _PURPOSE)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.hex() if isinstance(value, bytes) else value


def check(keys: Keys, told: Told, ledger: Sequence[Placed]) -> list[str]:
    """What is wrong with a ledger; empty when it is whole and its offer says what it says."""
    return [*_breaks(keys, told, ledger), *_contradictions(told, ledger)]


def winner(ledger: Sequence[Placed]) -> Line | None:
    """Who wins by the ledger alone: the first received of the answers that took the time."""
    taken = [placed.line for placed in ledger if placed.line.step in (OfferStep.WON, OfferStep.LOST)]
    return min(taken, key=lambda line: line.inbox_id or 0, default=None)


def _breaks(keys: Keys, told: Told, ledger: Sequence[Placed]) -> Iterator[str]:
    before = b""
    for place, placed in enumerate(ledger, start=1):
        if placed.position != place:
            yield f"line {place} is missing"
            return
        before = seal(keys, told.key, place, placed.line, before)
        if before != placed.seal:
            yield f"line {place} ({placed.line.step.value}) is not as it was written"
            return
    if (len(ledger), before) != (told.entries, told.head):
        yield f"the offer had {told.entries} lines, and the last of {len(ledger)} is not the one that it knew"


def _contradictions(told: Told, ledger: Sequence[Placed]) -> Iterator[str]:
    lines = [placed.line for placed in ledger]
    ends = [line for line in lines if line.step in ENDS]
    state = ENDS[ends[0].step] if ends else OfferState.OPEN
    if len(ends) > 1:
        yield "it ended more than once"
    if state is not told.state:
        yield f"the offer says {told.state.value}, its ledger {state.value}"
    first, won = winner(ledger), next((line for line in lines if line.step is OfferStep.WON), None)
    if first is not won:
        yield "an answer that took the time was received before the winner's"
    if (told.winner_id, told.appointment_id) != ((won.patient_id, won.appointment_id) if won else (None, None)):
        yield "the offer names another winner than its ledger"
    asked = {(line.patient_id, line.number): line.at for line in lines if line.step is OfferStep.ASKED}
    for line in lines:
        if line.inbox_id is not None and (line.patient_id, line.number) not in asked:
            yield f"an answer ({line.step.value}) came from somebody who was not asked"


def by_patient(ledger: Sequence[Placed]) -> Mapping[int, list[Line]]:
    """The lines of each patient, in order."""
    found: dict[int, list[Line]] = {}
    for placed in ledger:
        if placed.line.patient_id is not None:
            found.setdefault(placed.line.patient_id, []).append(placed.line)
    return found
