"""Leases: which texts this process is about to submit. An answer is leased in the transaction that writes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from sqlalchemy import Connection

from gateway.text import Lane, OutboundText
from models import outbox
from models.ledger import TextOut

LEASE = timedelta(seconds=90)  # longer than any answer takes; a dead gateway's texts go on afterwards
NO_ROOM: Final[Mapping[str, int]] = MappingProxyType({})


class Leases:
    """The answers that *gateway* leases, as long as it has *room* for texts of their service numbers."""

    def __init__(self, gateway: str, room: Mapping[str, int] = NO_ROOM) -> None:
        self.texts: list[OutboundText] = []  # leased and committed
        self.queued = False  # whether others are left in the outbox
        self._gateway = gateway
        self._room = Counter(room)

    def take(self, connection: Connection, answers: Sequence[TextOut], now: datetime) -> list[OutboundText]:
        """Lease *answers*, which this transaction has put out; hand them to `keep` when it has committed.

        Left in the queue is what must wait for an earlier text to its number (guarantee 7), and what finds no room.
        """
        room, chosen = self._room.copy(), dict[str, TextOut]()
        for text in answers:
            if room[text.service_number] > 0:
                room[text.service_number] -= 1
                chosen[text.key] = text
        if not chosen:
            return []
        leased = outbox.lease_new(connection, list(chosen), self._gateway, now, now + LEASE)
        return [_outbound(id_, chosen[key]) for id_, key in sorted(leased)]

    def keep(self, leased: Sequence[OutboundText], put_out: int) -> None:
        """These are ours, of *put_out* texts that the transaction wrote."""
        self.texts += leased
        self.queued |= len(leased) < put_out
        self._room.subtract(text.service_number for text in leased)


def _outbound(id_: int, text: TextOut) -> OutboundText:
    return OutboundText(
        id=id_,
        service_number=text.service_number,
        number=text.number,
        body=text.body,
        lane=Lane(text.lane),
        reference=id_ & 0xFFFF,
        accepted=frozenset(),
        attempt=1,
        expires_at=text.expires_at,
    )
