"""Letters: the whole texts among the inbox's rows, their octets opened, joined and decoded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from gateway.channel import Stored
from lang.alphabet import decode_text
from models import inbox
from models.crypto import Keys, SealBroken, open_bytes
from models.inbox import Waiting

PARTS_WAIT = timedelta(minutes=8)  # for the missing parts of a text
GAP = "[…]"  # stands where a part never came


@dataclass(frozen=True, slots=True)
class Letter:
    """A whole text that waits for its answer."""

    inbox_id: int
    number: str
    service_number: str
    text: str
    part_ids: tuple[int, ...] = ()
    complete: bool = True
    opens: bool = True  # False: what is stored was sealed with another secret, or altered

    @property
    def pair(self) -> tuple[str, str]:
        """What names its thread."""
        return self.number, self.service_number


def just_stored(stored: Iterable[Stored]) -> tuple[list[Letter], list[int]]:
    """The whole texts among what has just been stored, and the inbox ids of parts."""
    letters, parts = list[Letter](), list[int]()
    for item in stored:
        text = item.text
        if item.inbox_id is None:
            continue
        if text.part is None:
            words = decode_text(text.octets, text.coding)
            letters.append(Letter(item.inbox_id, text.source, text.destination, words))
        else:
            parts.append(item.inbox_id)
    return letters, parts


def letters_of(connection: Connection, keys: Keys, rows: Sequence[Waiting], now: datetime) -> list[Letter]:
    """The texts of *rows*, oldest first; of those whose parts never came, what there is."""
    whole = [_whole(keys, row) for row in rows if row.part_set is None]
    parts = [row for row in rows if row.part_set is not None]
    return sorted([*whole, *joined(connection, keys, parts, now - PARTS_WAIT)], key=lambda letter: letter.inbox_id)


def joined(
    connection: Connection, keys: Keys, rows: Sequence[Waiting], overdue: datetime | None = None
) -> list[Letter]:
    """The texts whose parts are all there; and those whose oldest part came before *overdue*, with gaps."""
    sets = {row.part_set for row in rows if row.part_set is not None}
    if not sets:
        return []
    letters = []
    for parts in inbox.parts_of(connection, sets).values():
        total = parts[0].part_total or 1
        complete = len({part.part_number for part in parts}) >= total
        if complete or (overdue is not None and parts[0].received_at <= overdue):
            letters.append(_join(keys, parts, total, complete))
    return letters


def _join(keys: Keys, parts: Sequence[Waiting], total: int, complete: bool) -> Letter:
    """Octets are joined before they are decoded: some peers split a character between two parts."""
    last, ids = parts[-1], tuple(part.id for part in parts)
    letter = Letter(last.id, last.number, last.service_number, "", ids, complete)
    try:
        octets = {part.part_number: _octets(keys, part) for part in parts}
    except SealBroken:
        return replace(letter, opens=False)
    coding, numbers = parts[0].coding, range(1, total + 1)
    if complete:
        return replace(letter, text=decode_text(b"".join(octets[n] for n in numbers), coding))
    known = (decode_text(octets[n], coding) if n in octets else GAP for n in numbers)
    return replace(letter, text="".join(known))


def _whole(keys: Keys, row: Waiting) -> Letter:
    letter = Letter(row.id, row.number, row.service_number, "")
    try:
        return replace(letter, text=decode_text(_octets(keys, row), row.coding))
    except SealBroken:
        return replace(letter, opens=False)


def _octets(keys: Keys, row: Waiting) -> bytes:
    return open_bytes(keys, "inbox.octets", bytes(row.digest).hex(), row.octets)
