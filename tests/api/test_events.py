"""The feed of events: thin, in order, of one's own clinics."""

from __future__ import annotations

from datetime import timedelta

from tests.api.conftest import NOW, a_slot, a_visit, on_sqlite


def kinds(answer):
    return [each["type"] for each in answer.json["items"]]


def test_what_happens_to_visits_and_offers_is_told_in_order(clinic):
    clinic.put("/appointments/a1", a_visit())
    clinic.put("/appointments/a1", a_visit(status="cancelled"))
    soon = NOW + timedelta(days=2)
    clinic.put("/slots/s2", a_slot(start=soon.isoformat(), end=(soon + timedelta(minutes=30)).isoformat()))
    key = clinic.post("/offers", {"slot": "s2"}).json["id"]
    clinic.post(f"/offers/{key}/withdraw", {})

    told = clinic.get("/events")

    assert kinds(told) == ["appointment.booked", "appointment.cancelled", "offer.opened", "offer.withdrawn"]
    assert [each["subject"] for each in told.json["items"][2:]] == [key, key]
    assert told.json["more"] is False


def test_the_cursor_leads_on(clinic):
    clinic.put("/appointments/a1", a_visit())
    clinic.put("/appointments/a1", a_visit(status="cancelled"))

    first = clinic.get("/events?limit=1")
    second = clinic.get(f"/events?after={first.json['cursor']}")

    assert first.json["more"] is True
    assert kinds(second) == ["appointment.cancelled"]
    assert kinds(clinic.get(f"/events?after={second.json['cursor']}")) == []


@on_sqlite
def test_another_clinics_program_is_told_nothing(clinic, program_for):
    clinic.put("/appointments/a1", a_visit())

    assert kinds(program_for("read", clinics=["elsewhere"]).get("/events")) == []
    assert kinds(program_for("read", clinics=["keskusta"]).get("/events")) == ["appointment.booked"]
