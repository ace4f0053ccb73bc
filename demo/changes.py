"""What changes in the diary between two looks at it by the API, and whether that is what a scene expects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from demo.clinic import STANDING, Clinic, Visit
from demo.scene import PEOPLE, Change
from demo.wording import named

_STATUSES: Final = {  # what → (before, after); "" = there was no visit
    "booked": ({""}, {"booked"}),
    "cancelled": (STANDING, {"cancelled"}),
    "restored": ({"cancelled"}, STANDING),
    "moved": ({"booked", "confirmed"}, {"booked"}),
    "confirmed": ({"booked", "provisional"}, {"confirmed"}),
    "lapsed": ({"provisional"}, {"lapsed"}),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One visit before and after."""

    before: Visit | None
    after: Visit

    def __str__(self) -> str:
        whose = f"{PEOPLE[self.after.patient].name}, {self.after.service}"
        time, status = named(self.after.start, "en"), self.after.status
        if self.before is None:
            return f"{whose}: {time}, free → {status}"
        if self.before.start != self.after.start:
            return f"{whose}: {named(self.before.start, 'en')} → {time}, {status}"
        return f"{whose}: {time}, {self.before.status} → {status}"


class DiaryWatch:
    """The diary as it was when it was last looked at."""

    def __init__(self, clinic: Clinic) -> None:
        self._clinic = clinic
        self._last = clinic.visits()

    def look(self) -> list[Seen]:
        """What has changed since the last look, by time."""
        before, self._last = self._last, self._clinic.visits()
        changed = [Seen(before.get(id_), visit) for id_, visit in self._last.items() if before.get(id_) != visit]
        return sorted(changed, key=lambda seen: seen.after.start)

    def wrong_slots(self, seen: Seen, given_up: str = "free") -> list[str]:
        """The slots whose state does not go with the visit: a coming visit takes one, what it gave up is *given_up*."""
        expected = {seen.after.slot: "taken" if seen.after.stands else given_up}
        if seen.before is not None and seen.before.slot != seen.after.slot:
            expected[seen.before.slot] = "free"
        found = {slot: self._clinic.slot_state(slot) for slot in expected}
        wrong = (slot for slot in expected if found[slot] != expected[slot])
        return [f"expected the slot {slot} to be {expected[slot]}; it is {found[slot]}" for slot in wrong]


def fits(change: Change, whose: str, seen: Seen) -> bool:
    """Whether *seen* is the *change* that is expected of a visit of *whose*, where it names nobody else."""
    before, after = _STATUSES[change.what]
    was = seen.before
    is_elsewhere = was is not None and was.start != seen.after.start
    return (
        (seen.after.patient, seen.after.service) == (change.who or whose, change.service)
        and ("" if was is None else was.status) in before
        and seen.after.status in after
        and is_elsewhere == (change.what == "moved")
    )
