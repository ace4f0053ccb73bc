"""The requests that wait for their answers, and until when."""

from __future__ import annotations

from typing import Any, NamedTuple

LAST_SEQUENCE = 0x7FFF_FFFF  # SMPP 3.4 section 3.2: 1 to this


class Pending(NamedTuple):
    """A request under way: what kind, when it went, and what its owner knows it by."""

    command: str
    sent_at: float
    note: Any


class Window:
    """Outstanding requests by sequence number. Every one leaves it exactly once: answered, overdue or abandoned.

    All of them have the same time to be answered, so the oldest is always the first: looking for overdue ones costs
    nothing while there are none, and no request needs a timer of its own.
    """

    def __init__(self, response_seconds: float) -> None:
        self._response_seconds = response_seconds
        self._pending: dict[int, Pending] = {}
        self._last = 0

    def __len__(self) -> int:
        return len(self._pending)

    def next_sequence(self) -> int:
        """Return the next free sequence number: 1 to 0x7FFFFFFF and round again, past those still pending."""
        while True:
            self._last = self._last % LAST_SEQUENCE + 1
            if self._last not in self._pending:
                return self._last

    def add(self, sequence: int, command: str, now: float, note: Any) -> None:
        """Count the request *sequence* as under way from *now*."""
        self._pending[sequence] = Pending(command, now, note)

    def take(self, sequence: int, command: str | None = None) -> Pending | None:
        """Return what waits for this answer and end its wait; None when nothing does, or something else (*command*)."""
        pending = self._pending.get(sequence)
        if pending is None or (command is not None and pending.command != command):
            return None
        del self._pending[sequence]
        return pending

    def overdue(self, now: float) -> list[tuple[int, Pending]]:
        """Take out those that have waited too long."""
        late: list[tuple[int, Pending]] = []
        for sequence, pending in self._pending.items():
            if now - pending.sent_at < self._response_seconds:
                break
            late.append((sequence, pending))
        for sequence, _ in late:
            del self._pending[sequence]
        return late

    def abandon(self) -> list[tuple[int, Pending]]:
        """Take out all of them: the link is gone."""
        left = list(self._pending.items())
        self._pending.clear()
        return left
