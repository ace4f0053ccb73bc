"""Whether a text that we start may go to a number, and when: consents, objections, stops, prohibitions, quiet hours."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from models.facts import StopFacts
from models.states import Purpose, StopSource

DEFAULTS: Mapping[str, bool] = {
    Purpose.REMINDERS.value: True,
    Purpose.CARE.value: False,
    Purpose.OFFERS.value: False,
    Purpose.SURVEYS.value: True,
}


@dataclass(frozen=True, slots=True)
class Recipient:
    """What a person's file says about texts."""

    do_not_text: bool
    deceased: bool
    silenced: bool
    consents: Mapping[str, bool]

    def agrees(self, purpose: Purpose) -> bool:
        """Whether texts for *purpose* may go by consent, or as long as nobody objected."""
        return self.consents.get(purpose.value, DEFAULTS[purpose.value])


def why_not(
    purpose: Purpose,
    concerned: Collection[Recipient],
    on_number: Collection[Recipient],
    stops: Collection[StopFacts],
    *,
    answers: bool,
) -> str | None:
    """The reason for which a text may not go, or None.

    *concerned* are those whom the text is for, *on_number* all whose file has the number. What *answers* a text of
    theirs needs no consent and is not held up by a stop (product.md section 3), only by a prohibition.
    """
    if any(person.do_not_text for person in on_number):
        return "do_not_text"
    if any(person.deceased for person in concerned):
        return "deceased"
    if any(person.silenced for person in concerned):
        return "silenced"
    if any(stop.source is StopSource.WRONG_NUMBER for stop in stops):
        return "wrong_number"
    if answers:
        return None
    if any(stop.purpose in (None, purpose) for stop in stops):
        return "stop"
    if any(person.agrees(purpose) for person in concerned) or (DEFAULTS[purpose.value] and not concerned):
        return None
    return "objection" if DEFAULTS[purpose.value] else "no_consent"


def outside_quiet_hours(moment: datetime, quiet: tuple[time, time] | None, zone: ZoneInfo) -> datetime:
    """*moment*, or the end of the quiet hours that it falls into, by the clinic's wall clock."""
    began = _quiet_began(moment, quiet, zone)
    if quiet is None or began is None:
        return moment
    start, end = quiet
    day = began.date() + timedelta(days=1 if start > end else 0)
    return datetime.combine(day, end, zone).astimezone(moment.tzinfo)


def before_quiet_hours(moment: datetime, quiet: tuple[time, time] | None, zone: ZoneInfo) -> datetime:
    """*moment*, or the last minute before the quiet hours that it falls into began, by the clinic's wall clock."""
    began = _quiet_began(moment, quiet, zone)
    return moment if began is None else (began.astimezone(UTC) - timedelta(minutes=1)).astimezone(moment.tzinfo)


def _quiet_began(moment: datetime, quiet: tuple[time, time] | None, zone: ZoneInfo) -> datetime | None:
    """When the quiet hours began that *moment* falls into, in the clinic's zone; None outside them."""
    if quiet is None:
        return None
    local = moment.astimezone(zone)
    start, end = quiet
    clock = local.time()
    overnight = start > end
    if not ((clock >= start or clock < end) if overnight else start <= clock < end):
        return None
    day = local.date() - timedelta(days=1 if overnight and clock < end else 0)
    return datetime.combine(day, start, zone)
