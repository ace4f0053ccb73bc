"""Offers and the waitlist by the API, and what an operator learns of a ledger that was tampered with."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

import admin
from handlers.offers import OfferRules
from handlers.rounds.offers import OfferRound
from models.chain import check
from models.ledger import OUTBOX
from models.offered import ledger
from models.offering import ENTRY, OFFER
from models.states import OfferState
from tests.api.conftest import NOW, a_patient, a_slot, on_sqlite

WISH = {"patient": "aino", "service": "checkup"}
SOON = NOW + timedelta(days=2)


@pytest.fixture
def soon(clinic):
    """The clinic, with a free slot in two days and a patient who consents to offers."""
    times = {"start": SOON.isoformat(), "end": (SOON + timedelta(minutes=30)).isoformat()}
    assert clinic.put("/slots/soon", a_slot(**times)).status_code == 201
    assert clinic.put("/patients/aino", a_patient(consents={"offers": True})).status_code == 200
    return clinic


def run(database, keys, clock):
    return OfferRound(database, keys, OfferRules()).run(clock())


def test_an_offer_by_staff_goes_to_the_waitlist_and_shows_whom_it_passed_over(soon, database, keys, clock):
    soon.put("/patients/eino", a_patient(identity_code=None, numbers=["+358405550102"]))
    assert soon.put("/waitlist/w1", WISH).status_code == 201
    assert soon.put("/waitlist/w2", WISH | {"patient": "eino"}).status_code == 201

    started = soon.post("/offers", {"slot": "soon"})
    run(database, keys, clock)
    offer = soon.get(f"/offers/{started.json['id']}").json

    assert started.status_code == 201
    assert started.json["state"] == "open"
    assert soon.get("/slots/soon").json["state"] == "held"
    assert [(each["patient"], each["outcome"], each["reason"]) for each in offer["ledger"]] == [
        ("aino", "no_answer", None),
        ("eino", "skipped", "no_consent"),
    ]
    assert offer["waves"] == 1


def test_a_time_that_staff_keep_is_offered_to_nobody(soon, database, keys, clock):
    soon.put("/patients/eino", a_patient(identity_code=None, numbers=["+358405550102"]))
    soon.put("/waitlist/w1", WISH)
    times = {"start": SOON.isoformat(), "end": (SOON + timedelta(minutes=30)).isoformat()}
    soon.put("/appointments/a1", {"patient": "eino", "slot": "soon", "service": "checkup"})
    soon.put("/appointments/a1", {"patient": "eino", "slot": "soon", "service": "checkup", "status": "cancelled"})

    soon.put("/slots/soon", a_slot(**times, state="held"))

    assert run(database, keys, clock) == 0
    assert soon.get("/slots/soon").json["state"] == "held"


def test_an_offer_to_picked_patients_asks_them_alone(soon, database, keys, clock):
    soon.put("/waitlist/w2", WISH)
    picked = a_patient(identity_code=None, numbers=["+358405550102"], consents={"offers": True})
    soon.put("/patients/eino", picked)
    soon.put(
        "/slots/past", a_slot(start=(NOW - timedelta(days=9)).isoformat(), end=(NOW - timedelta(days=8)).isoformat())
    )
    soon.put("/appointments/a1", {"patient": "eino", "slot": "past", "service": "checkup", "status": "completed"})

    key = soon.post("/offers", {"slot": "soon", "patients": ["eino"]}).json["id"]
    run(database, keys, clock)

    assert [each["patient"] for each in soon.get(f"/offers/{key}").json["ledger"]] == ["eino"]


def test_a_repeated_request_starts_one_offer(soon):
    first = soon.post("/offers", {"slot": "soon"}, Idempotency_Key="k1")
    again = soon.post("/offers", {"slot": "soon"}, Idempotency_Key="k1")

    assert first.json["id"] == again.json["id"]
    assert soon.post("/offers", {"slot": "soon"}).status_code == 409


def test_a_withdrawn_offer_frees_its_slot_and_takes_its_texts_back(soon, database, keys, clock):
    soon.put("/waitlist/w1", WISH)
    key = soon.post("/offers", {"slot": "soon"}).json["id"]
    run(database, keys, clock)

    withdrawn = soon.post(f"/offers/{key}/withdraw", {})

    assert withdrawn.json["state"] == "withdrawn"
    assert soon.get("/slots/soon").json["state"] == "free"
    with database.reading() as connection:
        assert connection.execute(select(OUTBOX.c.state)).scalars().all() == ["withdrawn"]
    assert soon.post(f"/offers/{key}/withdraw", {}).json["state"] == "withdrawn"


def test_a_visit_that_staff_put_into_the_slot_ends_its_offer(soon, database):
    key = soon.post("/offers", {"slot": "soon"}).json["id"]

    soon.put("/appointments/a1", {"patient": "aino", "slot": "soon", "service": "checkup"})

    assert soon.get(f"/offers/{key}").json["state"] == "withdrawn"
    assert soon.get("/slots/soon").json["state"] == "taken"


def test_a_visit_that_staff_cancel_is_offered_at_once(soon, database, keys, clock):
    soon.put("/waitlist/w1", WISH)
    soon.put("/patients/eino", a_patient(identity_code=None, numbers=["+358405550102"]))
    soon.put("/appointments/a1", {"patient": "eino", "slot": "soon", "service": "checkup"})
    soon.put("/appointments/a1", {"patient": "eino", "slot": "soon", "service": "checkup", "status": "cancelled"})

    run(database, keys, clock)

    with database.reading() as connection:
        assert connection.execute(select(OFFER.c.state, OFFER.c.waves)).all() == [(OfferState.OPEN, 1)]


@on_sqlite
@pytest.mark.parametrize(
    ("body", "status"),
    [({"slot": "none"}, 422), ({"slot": "soon", "patients": ["nobody"]}, 422), ({"slot": "soon", "wave_size": 0}, 422)],
)
def test_what_cannot_be_offered_is_refused(soon, body, status):
    assert soon.post("/offers", body).status_code == status


@on_sqlite
def test_another_clinics_program_sees_neither_offer_nor_slot(soon, program_for):
    key = soon.post("/offers", {"slot": "soon"}).json["id"]
    other = program_for("read", "write", clinics=["elsewhere"])

    assert other.get(f"/offers/{key}").status_code == 404
    assert other.post(f"/offers/{key}/withdraw", {}).status_code == 404
    assert other.post("/offers", {"slot": "soon"}).status_code == 403


# --- the waitlist -------------------------------------------------------------------------------------------------


def test_an_entry_is_put_read_changed_and_taken_off(soon):
    body = WISH | {"days": ["mon", "wed"], "hours": [["08:00", "12:00"]], "notice": "3h", "weekly_max": 1}

    assert soon.put("/waitlist/w1", body).status_code == 201
    read = soon.get("/waitlist/w1")
    assert soon.put("/waitlist/w1", body).status_code == 200
    changed = soon.put("/waitlist/w1", WISH | {"care_class": 2})
    gone = soon.delete("/waitlist/w1")

    assert (read.json["days"], read.json["hours"], read.json["notice"]) == (
        ["mon", "wed"],
        [["08:00", "12:00"]],
        "180m",
    )
    assert (changed.json["days"], changed.json["care_class"], changed.json["version"]) == (None, 2, 2)
    assert gone.status_code == 204
    assert soon.get("/waitlist/w1").json["state"] == "left"


@on_sqlite
def test_nobody_waits_twice_for_one_service(soon):
    soon.put("/waitlist/w1", WISH)

    assert soon.put("/waitlist/w2", WISH).status_code == 409


@on_sqlite
def test_a_stale_change_of_an_entry_is_refused(soon):
    soon.put("/waitlist/w1", WISH)

    assert soon.put("/waitlist/w1", WISH | {"weekly_max": 1}, If_Match='"9"').status_code == 412


# --- ledgers ------------------------------------------------------------------------------------------------------


def faults(database, keys, key):
    with database.reading() as connection:
        found = ledger(connection, OFFER.c.key == key)
    return check(keys, found.told, found.lines)


@pytest.mark.parametrize(
    "tampering",
    [
        update(ENTRY).where(ENTRY.c.step == "asked").values(at=NOW),
        update(ENTRY).where(ENTRY.c.step == "asked").values(wave=9),
        delete(ENTRY).where(ENTRY.c.step == "asked"),
        delete(ENTRY).where(ENTRY.c.step == "opened"),
        update(OFFER).values(winner_id=1, state=OfferState.WON),
        update(OFFER).values(entries=1),
    ],
)
def test_a_ledger_that_was_tampered_with_is_found_out(soon, database, keys, clock, tampering):
    soon.put("/waitlist/w1", WISH)
    key = soon.post("/offers", {"slot": "soon"}).json["id"]
    clock.advance(minutes=1)
    run(database, keys, clock)
    assert faults(database, keys, key) == []

    with database.transaction() as connection:
        connection.execute(tampering)

    assert faults(database, keys, key)


@on_sqlite
def test_the_operator_is_told_of_tampering(soon, database, keys, clock, monkeypatch, capsys):
    soon.put("/waitlist/w1", WISH)
    key = soon.post("/offers", {"slot": "soon"}).json["id"]
    run(database, keys, clock)

    class House:
        pass

    house = House()
    house.database, house.keys = database, keys
    monkeypatch.setattr(admin, "open_house", lambda given: house)
    given = type("Given", (), {"offer": key})

    assert admin.verify_offer(given) == 0
    assert "2 lines" in capsys.readouterr().out
    with database.transaction() as connection:
        connection.execute(delete(ENTRY).where(ENTRY.c.step == "asked"))
    assert admin.verify_offer(given) == 1
    assert "TAMPERED WITH" in capsys.readouterr().err
