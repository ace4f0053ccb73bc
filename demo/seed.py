"""The demo clinic's data in the form of `admin import`: people from clinic.json, a diary that begins today.

Who is who (all made up; their numbers end in …01 to …42):

| patient | number | language | what they have |
|---|---|---|---|
| Aino Virtanen | +358405550101 | fi | a check-up; may act for Onni (a check-up) and Ella, who are under 12 |
| Eero Mäkinen | …02 | fi | surgery within days: too late to cancel by text (a week's notice) |
| Karin Lindström | …03 | sv | a check-up |
| James Whitfield | …04 | en | a filling |
| Matti Korhonen | …05 | fi | orthodontics, which nobody may move by text |
| Sanna Laine | …06 | fi | a check-up and a hygienist's visit |
| Pekka Heikkinen | …07 | fi | an urgent visit within the hour, for which he may run late |
| Maria Nieminen | …08 | fi | guardian of Leo, who is over 12: the link sleeps |
| Leo Nieminen | …09 | fi | a check-up |
| Johan Söderholm | …10 | sv | a provisional hygienist's time, four weeks away |
| Emma Lahtinen | …11 | fi | nothing yet: books |
| Veikko and Raija Salmi | …12, shared | fi | a check-up each |
| Nina Rask | …13 | sv | must never be texted |
| Helena Aho, Lars Berglund, Timo Halonen | …21 to …23 | | nothing yet: the scenes by the clock |
| Jaana Järvi and eleven more | …31 to …42 | fi, sv, en | nothing yet: they are offered a time |
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import holidays

CLINIC = Path(__file__).with_name("clinic.json")
ZONE = ZoneInfo("Europe/Helsinki")
WORKING_DAYS = 25
LUNCH = (time(11, 30), time(12, 15))


class Practitioner:
    """Who gives which services where, in slots of one length."""

    def __init__(self, key: str, clinic: str, services: list[str], minutes: int) -> None:
        self.key, self.clinic, self.services = key, clinic, services
        self.length = timedelta(minutes=minutes)


PRACTITIONERS = (
    Practitioner("aalto", "keskusta", ["checkup", "filling", "pain"], 30),
    Practitioner("berg", "keskusta", ["hygiene"], 45),
    Practitioner("orava", "keskusta", ["ortho", "surgery"], 60),
    Practitioner("dahl", "ita", ["checkup", "filling"], 30),
)

# (patient, service, practitioner, working day from tomorrow, which slot of that day, status)
VISITS = (
    ("p-virtanen-aino", "checkup", "aalto", 5, 1, "booked"),
    ("p-virtanen-onni", "checkup", "aalto", 7, 2, "booked"),
    ("p-makinen", "surgery", "orava", 1, 1, "booked"),
    ("p-lindstrom", "checkup", "aalto", 8, 3, "booked"),
    ("p-whitfield", "filling", "dahl", 6, 4, "booked"),
    ("p-korhonen", "ortho", "orava", 9, 2, "booked"),
    ("p-laine", "checkup", "aalto", 4, 5, "booked"),
    ("p-laine", "hygiene", "berg", 11, 2, "booked"),
    ("p-nieminen-leo", "checkup", "dahl", 10, 6, "booked"),
    ("p-soderholm", "hygiene", "berg", 20, 3, "provisional"),
    ("p-salmi-veikko", "checkup", "dahl", 5, 2, "booked"),
    ("p-salmi-raija", "checkup", "dahl", 12, 3, "booked"),
)


def demo_data(now: datetime) -> dict[str, Any]:
    """The whole demo clinic at *now* (aware), as `python app.py admin import` takes it."""
    data: dict[str, Any] = json.loads(CLINIC.read_text(encoding="utf-8"))
    days = working_days(now.astimezone(ZONE).date())
    slots = [slot for who in PRACTITIONERS for day in days for slot in _day_of(who, day)]
    data["slots"] = slots
    data["appointments"] = [*_visits(slots, days), _soon(now)]
    return data


def working_days(today: date) -> list[date]:
    """The next working days after *today*."""
    closed = holidays.country_holidays("FI", years=(today.year, today.year + 1))
    ahead = (today + timedelta(days=n) for n in range(1, WORKING_DAYS * 3))
    return [day for day in ahead if day.weekday() < 5 and day not in closed][:WORKING_DAYS]


def _day_of(who: Practitioner, day: date) -> Iterator[dict[str, Any]]:
    start = datetime.combine(day, time(8), ZONE)
    number = 0
    while (end := start + who.length) <= datetime.combine(day, time(16), ZONE):
        if end.time() <= LUNCH[0] or start.time() >= LUNCH[1]:
            yield {
                "id": f"{who.key}-{day:%Y%m%d}-{number}",
                "clinic": who.clinic,
                "services": who.services,
                "practitioner": who.key,
                "start": start.isoformat(),
                "end": end.isoformat(),
            }
            number += 1
            start = end
        else:
            start = max(end, datetime.combine(day, LUNCH[1], ZONE))


def _visits(slots: list[dict[str, Any]], days: list[date]) -> Iterator[dict[str, Any]]:
    known = {slot["id"] for slot in slots}
    for number, (patient, service, practitioner, day, place, status) in enumerate(VISITS):
        slot = f"{practitioner}-{days[day - 1]:%Y%m%d}-{place}"
        assert slot in known
        yield {"id": f"demo-{number}", "patient": patient, "service": service, "slot": slot, "status": status}


def _soon(now: datetime) -> dict[str, Any]:
    """A visit of today that begins within the hour, at whatever hour the demo is played; late at night it has begun."""
    past = now.replace(second=0, microsecond=0).astimezone(UTC)  # elapsed hours, also while the clocks change
    quarter = past - timedelta(minutes=past.minute % 15)
    start = quarter + timedelta(hours=1)
    if start.astimezone(ZONE).date() != now.astimezone(ZONE).date():
        start = quarter
    return {
        "id": "demo-soon",
        "patient": "p-heikkinen",
        "service": "pain",
        "clinic": "keskusta",
        "practitioner": "aalto",
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=30)).isoformat(),
    }
