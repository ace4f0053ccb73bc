"""The feed of events: thin, in order, of one's own clinics."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert, select

from gateway.text import Settlement, Verdict
from handlers.post import PostOffice
from models.correspondence import thread_for
from models.ledger import HAND_OVER
from models.register import CLINIC
from models.states import HandOverReason
from tests.api.conftest import NOW, NUMBER, SERVICE_NUMBER, a_patient, a_slot, a_visit, on_sqlite


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


def test_a_consent_and_a_hand_over_that_staff_take_and_close_are_told(clinic, database):
    clinic.put("/patients/aino", a_patient(consents={"care": True}))
    with database.transaction() as connection:
        place = connection.execute(select(CLINIC.c.id)).scalar_one()
        thread = thread_for(connection, NUMBER, SERVICE_NUMBER, place, NOW)
        waiting = {"thread_id": thread.id, "reason": HandOverReason.ASKED_FOR_PERSON, "opened_at": NOW}
        connection.execute(insert(HAND_OVER).values(**waiting))

    clinic.post("/messages", {"patient": "aino", "clinic": "keskusta", "text": "Soitamme pian.", "purpose": "care"})
    clinic.post(f"/threads/{thread.id}/close", {})

    told = clinic.get("/events").json["items"]
    assert [(each["type"], each["subject"]) for each in told] == [
        ("consent.changed", "aino"),
        ("handover.taken", str(thread.id)),
        ("handover.closed", str(thread.id)),
    ]


def test_a_text_that_will_never_arrive_is_told(clinic, database, keys):
    clinic.put("/patients/aino", a_patient(consents={"care": True}))
    sent = clinic.post("/messages", {"patient": "aino", "clinic": "keskusta", "text": "Hei!", "purpose": "care"})
    office = PostOffice(database, keys, "here:1:0")
    (leased,) = office.lease("here:1:0", [SERVICE_NUMBER], 5, NOW)
    refused = Settlement(leased.id, "tekstari", 1, 1, Verdict.REFUSED, "", 0x0B, NOW)

    office.settle([refused], [], NOW)

    failed = [each["subject"] for each in clinic.get("/events").json["items"] if each["type"] == "text.failed"]
    assert failed == [f"out-{leased.id}"]
    assert sent.status_code == 201
