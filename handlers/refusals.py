"""Why the clerk did not do what was asked. Each says where the fault lies and never quotes what was handed in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason: *path* is the field ("numbers[0]", "slots[3].clinic", "" for the whole)."""

    path: str
    reason: str

    def inside(self, path: str) -> Fault:
        """The same fault, seen from further out."""
        return Fault(".".join(part for part in (path, self.path) if part), self.reason)


class Refusal(Exception):
    """Nothing was changed. *faults* say why."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(f"{fault.path}: {fault.reason}" if fault.path else fault.reason for fault in faults))
        self.faults = faults

    @classmethod
    def because(cls, reason: str, path: str = "") -> Refusal:
        """A refusal for a single reason."""
        return cls(Fault(path, reason))


class Invalid(Refusal):
    """What was handed in cannot be right, whatever the database holds (HTTP 422)."""


class Unknown(Refusal):
    """There is no such thing, or none that the asker may see (404)."""


class Clash(Refusal):
    """It does not fit what is there: a taken slot, another's change (409)."""


class Stale(Refusal):
    """The version that the asker knew is not the version that is there (412)."""


class Forbidden(Refusal):
    """The asker may not do this (403)."""


def raise_first(*kinds: tuple[type[Refusal], Iterable[Fault]]) -> None:
    """Raise the first kind of refusal that has faults."""
    for kind, faults in kinds:
        if found := tuple(faults):
            raise kind(*found)
