"""A reminder whose time has come, as a decision sees it: plain frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from models.facts import VisitFacts
from models.states import ReminderKind


@dataclass(frozen=True, slots=True)
class Due:
    """A planned reminder, for the start that its visit had when it was planned, and the visit as it stands now."""

    id: int
    kind: ReminderKind
    step: str
    for_start: datetime
    due_at: datetime
    visit: VisitFacts
