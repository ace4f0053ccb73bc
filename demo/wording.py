"""Times as patients write them and as answers name them: made here anew, so that the service is not believed."""

from __future__ import annotations

from datetime import datetime
from typing import Final

_WEEKDAYS: Final = {
    "fi": ("ma", "ti", "ke", "to", "pe", "la", "su"),
    "sv": ("må", "ti", "on", "to", "fr", "lö", "sö"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_NAMED: Final = {
    "fi": "{weekday} {day}.{month}. klo {clock}",
    "sv": "{weekday} {day}.{month} kl {clock}",
    "en": "{weekday} {day}.{month}. at {clock}",
}


def named(moment: datetime, language: str) -> str:
    """*moment* as an answer in *language* names it."""
    return _NAMED[language].format(
        weekday=_WEEKDAYS[language][moment.weekday()], day=moment.day, month=moment.month, clock=_clock(moment)
    )


def written_day(moment: datetime, language: str) -> str:
    """The day as a patient writes it."""
    if language == "en":
        return f"{_WEEKDAYS['en'][moment.weekday()]} {moment.day} {_MONTHS[moment.month - 1]}"
    return f"{_WEEKDAYS[language][moment.weekday()]} {moment.day}.{moment.month}."


def written_time(moment: datetime, language: str) -> str:
    """The time of day as a patient writes it."""
    return {"fi": f"klo {_clock(moment)}", "sv": f"kl {_clock(moment)}", "en": f"at {moment:%H:%M}"}[language]


def _clock(moment: datetime) -> str:
    return f"{moment.hour}.{moment.minute:02}"
