"""Long texts under way: a text fares as its worst part, once all of its parts have come back from the carrier."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.text import OutboundText, Settlement, Verdict

_SEVERITY = (Verdict.ACCEPTED, Verdict.THROTTLED, Verdict.LATER, Verdict.UNKNOWN, Verdict.REFUSED)


class Tries:
    """The tries of this process that are not over. What is lost with the process comes back with its leases.

    A text that was put back while one of its parts is still under way would have that part sent again.
    """

    def __init__(self) -> None:
        self._taken: dict[int, frozenset[int]] = {}  # parts that the carrier had before this try
        self._back: dict[int, dict[int, Settlement]] = {}  # parts of long texts that have come back

    def begin(self, texts: Iterable[OutboundText]) -> None:
        """These texts are under way."""
        for text in texts:
            self._back.pop(text.id, None)
            self._taken.pop(text.id, None)
            if text.accepted:
                self._taken[text.id] = text.accepted

    def failed(self, settlements: Sequence[Settlement]) -> list[Settlement]:
        """What became of the texts whose try has failed and is over with these settlements: their worst parts.

        The same settlements may be noted again until they are recorded, which `record` says.
        """
        for one in settlements:
            self._back.setdefault(one.outbox_id, {})[one.part] = one
        over = dict.fromkeys(one.outbox_id for one in settlements if self._is_over(one))
        worst = [max(self._back[text].values(), key=_severity) for text in over]
        return [one for one in worst if one.verdict is not Verdict.ACCEPTED]

    def record(self, settlements: Iterable[Settlement]) -> None:
        """The database has *settlements*: what is over can be forgotten."""
        for one in settlements:
            if one.outbox_id in self._back and self._is_over(one):
                del self._back[one.outbox_id]
                self._taken.pop(one.outbox_id, None)

    def _is_over(self, one: Settlement) -> bool:
        """Whether no part of the text is under way any more."""
        parts = self._back[one.outbox_id].keys() | self._taken.get(one.outbox_id, frozenset())
        return len(parts) >= one.total


def _severity(settlement: Settlement) -> int:
    return _SEVERITY.index(settlement.verdict)
