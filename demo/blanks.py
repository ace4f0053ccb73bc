"""What fills the blanks of a scene's texts: people, and times of the diary far enough ahead for every rule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from demo import wording
from demo.clinic import Clinic, Time
from demo.scene import PEOPLE, Scene

_NOON: Final = 12
_DAYS_AHEAD: Final = 3  # working days: no cut-off, reminder or closed day is near
_ENOUGH: Final = 3  # free times in one half-day, so that there is something to pick from


def fill(scene: Scene, clinic: Clinic) -> dict[str, str]:
    """The blanks of *scene*, with the diary as it is now."""
    about = PEOPLE[scene.about]
    blanks = {"name": about.name, "first": about.first, "code": about.code}
    theirs = [visit.start for visit in clinic.visits().values() if visit.patient == about.id and visit.stands]
    if theirs:
        blanks |= _moment("", min(theirs), scene.language) | {"when": wording.named(min(theirs), scene.language)}
    if scene.wish:
        times = clinic.free_times(scene.wish)
        exact, morning = exact_time(times).start, _half_day(times, morning=True)[0].start
        later = [time for time in times if time.start.date() > morning.date()]
        afternoon = _half_day(later, morning=False, after=0)[0].start
        blanks |= _moment("free_", exact, scene.language)
        blanks["wish_morning"] = wording.written_day(morning, scene.language)
        blanks["wish_afternoon"] = wording.written_day(afternoon, scene.language)
    return blanks


def exact_time(times: Sequence[Time]) -> Time:
    """The free time that {free_day} and {free_time} name."""
    return _half_day(times, morning=False)[0]


def _half_day(times: Sequence[Time], *, morning: bool, after: int = _DAYS_AHEAD) -> list[Time]:
    """The free times of the first morning, or afternoon, that has enough of them; not of the first *after* days."""
    days: dict[date, list[Time]] = {}
    for one in times:
        days.setdefault(one.start.date(), [])
        if (one.start.hour < _NOON) == morning:
            days[one.start.date()].append(one)
    return next(found for found in list(days.values())[after:] if len(found) >= _ENOUGH)


def _moment(prefix: str, moment: datetime, language: str) -> dict[str, str]:
    return {
        f"{prefix}day": wording.written_day(moment, language),
        f"{prefix}time": wording.written_time(moment, language),
    }
