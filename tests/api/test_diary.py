"""Slots and appointments by the API, while patients change them by text."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from models import ledger
from models.applying import apply
from models.changes import BookAppointment, CancelAppointment, ConfirmAppointment, MoveAppointment
from models.correspondence import thread_for
from models.diary import APPOINTMENT, SLOT
from models.ledger import OUTBOX, TextOut, put_out
from models.register import PATIENT, SERVICE
from models.states import AppointmentStatus, OutboxState, Purpose
from tests.api.conftest import (
    NOW,
    NUMBER,
    ONNI,
    SERVICE_NUMBER,
    Program,
    a_clinic,
    a_patient,
    a_slot,
    a_visit,
    on_sqlite,
)


def at(**later):
    start = NOW + timedelta(**later)
    return {"start": start.isoformat(), "end": (start + timedelta(minutes=30)).isoformat()}


def own_time(**later):
    return {"patient": "aino", "clinic": "keskusta", "service": "checkup"} | at(**later)


def row(database, table, key):
    with database.reading() as connection:
        return connection.execute(select(table).where(table.c.key == key)).one()


def state_of(program, slot="s1"):
    return program.get(f"/slots/{slot}").json["state"]


def by_text(database, change):
    """What a patient's text changes, as the ledger writes it."""
    with database.transaction() as connection:
        return apply(connection, [change], NOW)


def patient_moves(database, key, slot):
    visit, new = row(database, APPOINTMENT, key), row(database, SLOT, slot)
    place = (new.id, new.clinic_id, new.practitioner_id, new.starts_at, new.ends_at)
    by_text(database, MoveAppointment(visit.id, visit.version, visit.slot_id, *place, AppointmentStatus.BOOKED))


# --- slots --------------------------------------------------------------------------------------------------------


def test_a_slot_reads_back_with_its_times_in_the_clinics_zone(clinic):
    read = clinic.get("/slots/s1").json

    assert (read["state"], read["appointment"], read["services"]) == ("free", None, ["checkup"])
    assert read["start"] == "2026-12-01T12:00:00+02:00"


def test_a_thousand_slots_are_written_at_once(clinic):
    slots = [a_slot(id=f"n{n}", practitioner="aalto", **at(hours=n)) for n in range(1000)]

    answer = clinic.put("/slots", {"slots": slots})
    again = clinic.put("/slots", slots)

    assert (answer.status_code, answer.json) == (200, {"created": 1000, "written": 1000})
    assert again.json == {"created": 0, "written": 1000}
    assert clinic.get("/slots/n999").json["version"] == 1


def test_one_bad_slot_keeps_all_out_and_says_which(clinic):
    slots = [a_slot(id="a"), a_slot(id="b", clinic="nowhere"), a_slot(id="c", services=["checkup", "magic"])]

    answer = clinic.put("/slots", {"slots": slots})

    assert answer.status_code == 422
    assert [fault["path"] for fault in answer.json["errors"]] == ["slots[1].clinic", "slots[2].services[1]"]
    assert clinic.get("/slots/a").status_code == 404


@on_sqlite
@pytest.mark.parametrize(
    "slots", [[], [a_slot(id="a"), a_slot(id="a")], [a_slot(id="a") | {"end": NOW.isoformat()}], [a_slot()], "slots"]
)
def test_slots_that_cannot_be_are_refused(clinic, slots):
    assert clinic.put("/slots", {"slots": slots}).status_code == 422


@on_sqlite
def test_a_time_needs_an_offset(clinic):
    answer = clinic.put("/slots/s2", a_slot(start="2026-12-01T12:00:00"))

    assert (answer.status_code, answer.json["errors"][0]["path"]) == (422, "start")


@on_sqlite
@pytest.mark.parametrize("start", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00Z", 1_796_000_000])
def test_a_time_is_one_of_a_calendar(clinic, start):
    answer = clinic.put("/slots/s2", a_slot(start=start))

    assert (answer.status_code, answer.json["errors"][0]["path"]) == (422, "start")


def test_a_taken_slot_is_changed_only_by_its_appointment(clinic):
    clinic.put("/appointments/v1", a_visit())

    moved = clinic.put("/slots/s1", a_slot(**at(days=9)))
    same = clinic.put("/slots/s1", a_slot())
    gone = clinic.delete("/slots/s1")

    assert (moved.status_code, same.status_code, gone.status_code) == (409, 200, 409)
    assert (same.json["state"], same.json["appointment"]) == ("taken", "v1")


def test_a_withdrawn_slot_comes_back_when_it_is_written_again(clinic):
    gone = clinic.delete("/slots/s1")
    again = clinic.delete("/slots/s1")
    withdrawn = state_of(clinic)
    clinic.put("/slots/s1", a_slot())

    assert (gone.status_code, again.status_code, withdrawn, state_of(clinic)) == (204, 204, "withdrawn", "free")


def test_a_held_slot_is_for_staff_only(clinic):
    clinic.put("/slots/s1", a_slot(state="held"))

    free = clinic.get("/slots?free=true").json["items"]
    visit = clinic.put("/appointments/v1", a_visit())

    assert (free, visit.status_code) == ([], 201)


def test_free_slots_are_listed_by_clinic_service_and_time(clinic):
    clinic.put("/clinics/ita", a_clinic())
    clinic.put("/slots/s2", a_slot(**at(days=3)))
    clinic.put("/slots/s3", a_slot(clinic="ita"))
    clinic.put("/appointments/v1", a_visit())

    def listed(query):
        return [slot["id"] for slot in clinic.get(f"/slots?{query}").json["items"]]

    assert listed("") == ["s2", "s1", "s3"]
    assert listed("free=true") == ["s2", "s3"]
    assert listed("clinic=ita&service=checkup") == ["s3"]
    assert listed("from=2026-11-27&to=2026-11-28T00:00:00%2B02:00") == ["s2"]
    assert listed("service=magic") == []


def test_pages_of_a_list_leave_nothing_out(clinic):
    slots = [a_slot(id=f"n{n}", **at(days=1)) for n in range(7)]
    clinic.put("/slots", {"slots": slots})
    seen, cursor = [], ""

    while cursor is not None:
        page = clinic.get(f"/slots?limit=3{cursor and '&cursor=' + cursor}").json
        seen += [slot["id"] for slot in page["items"]]
        cursor = page["cursor"]

    assert sorted(seen) == [*(f"n{n}" for n in range(7)), "s1"]


# --- appointments -------------------------------------------------------------------------------------------------


def test_a_visit_takes_its_slot(clinic):
    made = clinic.put("/appointments/v1", a_visit())

    assert (made.status_code, made.json["status"], made.json["slot"]) == (201, "booked", "s1")
    assert made.json["our_id"].startswith("t-")
    assert state_of(clinic) == "taken"


def test_two_visits_cannot_have_one_slot(clinic):
    clinic.put("/appointments/v1", a_visit())

    answer = clinic.put("/appointments/v2", a_visit())

    assert (answer.status_code, answer.json["errors"][0]["path"]) == (409, "slot")
    assert clinic.get("/appointments/v2").status_code == 404


def test_a_visit_without_a_slot_gets_one_of_its_own(clinic):
    made = clinic.put("/appointments/v1", own_time(days=3)).json

    slot = clinic.get(f"/slots/{made['slot']}").json

    assert (slot["state"], slot["appointment"], slot["start"]) == ("taken", "v1", made["start"])


def test_a_visit_of_its_own_time_moves_and_frees_the_old_time(clinic):
    old = clinic.put("/appointments/v1", own_time(days=3)).json["slot"]

    moved = clinic.put("/appointments/v1", own_time(days=4)).json
    back = clinic.put("/appointments/v1", own_time(days=3)).json

    assert moved["slot"] != old == back["slot"]
    assert state_of(clinic, moved["slot"]) == "free"
    assert state_of(clinic, old) == "taken"


@pytest.mark.parametrize("status", ["cancelled", "lapsed"])
def test_a_visit_that_is_given_up_frees_its_slot(clinic, status):
    clinic.put("/appointments/v1", a_visit())

    answer = clinic.put("/appointments/v1", a_visit(status=status))

    assert (answer.json["status"], answer.json["version"], state_of(clinic)) == (status, 2, "free")


@pytest.mark.parametrize("status", ["arrived", "completed", "missed"])
def test_a_visit_that_has_been_keeps_its_slot(clinic, status):
    clinic.put("/appointments/v1", a_visit())

    clinic.put("/appointments/v1", a_visit(status=status))

    assert state_of(clinic) == "taken"


def test_a_visit_of_the_past_that_was_cancelled_takes_nothing(clinic):
    made = clinic.put("/appointments/v1", own_time(days=-3) | {"status": "cancelled"})

    assert made.status_code == 201
    assert state_of(clinic, made.json["slot"]) == "withdrawn"


def queue_about(database, keys, visit):
    with database.transaction() as connection:
        thread = thread_for(connection, NUMBER, SERVICE_NUMBER, visit.clinic_id, NOW)
        put_out(
            connection,
            keys,
            [
                TextOut(
                    "reminder:1",
                    thread.id,
                    NUMBER,
                    SERVICE_NUMBER,
                    Purpose.REMINDERS,
                    3,
                    "reminder",
                    "Hei",
                    NOW,
                    appointment_id=visit.id,
                )
            ],
            NOW,
        )


@pytest.mark.parametrize("change", [{"status": "cancelled"}, {"slot": "s2"}])
def test_what_was_queued_about_a_visit_goes_when_it_changes(clinic, database, keys, change):
    clinic.put("/slots/s2", a_slot(**at(days=9)))
    clinic.put("/appointments/v1", a_visit())
    queue_about(database, keys, row(database, APPOINTMENT, "v1"))

    clinic.put("/appointments/v1", a_visit(**change))

    with database.reading() as connection:
        assert connection.execute(select(OUTBOX.c.state)).scalar_one() is OutboxState.WITHDRAWN


def test_a_confirmation_by_text_survives_a_program_that_says_booked(clinic, database):
    clinic.put("/appointments/v1", a_visit(status="booked"))
    visit = row(database, APPOINTMENT, "v1")
    by_text(database, ConfirmAppointment(visit.id, visit.version))

    answer = clinic.put("/appointments/v1", a_visit(status="booked"))

    assert (answer.status_code, answer.json["status"]) == (200, "confirmed")


def test_a_patients_move_is_not_undone_by_a_program_that_has_not_seen_it(clinic, database):
    clinic.put("/slots/s2", a_slot(**at(days=9)))
    clinic.put("/appointments/v1", a_visit())
    patient_moves(database, "v1", "s2")

    blind = clinic.put("/appointments/v1", a_visit())
    seen = clinic.get("/appointments/v1")
    late = clinic.put("/appointments/v1", a_visit(), If_Match='"1"')
    right = clinic.put("/appointments/v1", a_visit(), If_Match=seen.headers["ETag"])

    assert (blind.status_code, late.status_code, right.status_code) == (409, 412, 200)
    assert (seen.json["slot"], right.json["slot"]) == ("s2", "s1")


def test_a_patients_cancel_is_not_undone_by_a_program_that_has_not_seen_it(clinic, database):
    clinic.put("/appointments/v1", a_visit())
    visit = row(database, APPOINTMENT, "v1")
    by_text(database, CancelAppointment(visit.id, visit.version, visit.slot_id))

    blind = clinic.put("/appointments/v1", a_visit(status="booked"))
    right = clinic.put("/appointments/v1", a_visit(status="booked"), If_Match='"2"')

    assert (blind.status_code, right.status_code, state_of(clinic)) == (409, 200, "taken")


def test_a_program_may_bring_back_what_it_cancelled_itself(clinic):
    clinic.put("/appointments/v1", a_visit())
    clinic.put("/appointments/v1", a_visit(status="cancelled"))

    answer = clinic.put("/appointments/v1", a_visit(status="booked"))

    assert (answer.status_code, state_of(clinic)) == (200, "taken")


def booked_by_text(database):
    slot = row(database, SLOT, "s1")
    ids = (row(database, PATIENT, "aino").id, row(database, SERVICE, "checkup").id, slot.id, slot.clinic_id)
    patient_id, service_id, slot_id, clinic_id = ids
    change = BookAppointment(patient_id, service_id, slot_id, clinic_id, None, slot.starts_at, slot.ends_at)
    return by_text(database, change)[slot_id]


def test_a_visit_booked_by_text_has_our_id_until_the_program_adopts_it(clinic, database):
    ours = f"t-{booked_by_text(database)}"
    before = clinic.get(f"/appointments/{ours}").json

    adopted = clinic.put("/appointments/v9", a_visit(our_id=ours))
    again = clinic.put("/appointments/v9", a_visit(our_id=ours))

    assert (before["id"], before["our_id"], before["created_by"]) == (ours, ours, "text")
    assert (adopted.status_code, adopted.json["id"], adopted.json["our_id"]) == (200, "v9", ours)
    assert again.json["version"] == adopted.json["version"]
    assert clinic.get(f"/appointments/{ours}").json["id"] == "v9"


def test_a_visit_is_adopted_once(clinic, database):
    ours = f"t-{booked_by_text(database)}"
    clinic.put("/appointments/v9", a_visit(our_id=ours))

    answer = clinic.put("/appointments/v8", a_visit(our_id=ours))

    assert (answer.status_code, answer.json["errors"][0]["path"]) == (409, "our_id")


def test_a_visit_may_be_changed_by_our_id(clinic, database):
    ours = f"t-{booked_by_text(database)}"

    answer = clinic.put(f"/appointments/{ours}", a_visit(status="arrived"))
    unknown = clinic.put("/appointments/t-999", a_visit())

    assert (answer.json["id"], answer.json["status"], unknown.status_code) == (ours, "arrived", 404)


@on_sqlite
@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"patient": "nobody"}, "patient"),
        ({"service": "magic"}, "service"),
        ({"slot": "s9"}, "slot"),
        ({"slot": None}, ""),
        ({"status": "maybe"}, "status"),
        ({"our_id": "41"}, "our_id"),
        ({"our_id": "t-999"}, "our_id"),
        ({"clinic": "ita"}, "clinic"),
        ({"start": NOW.isoformat()}, ""),
    ],
)
def test_a_visit_that_cannot_be_is_refused_with_the_field_at_fault(clinic, change, path):
    clinic.put("/clinics/ita", a_clinic())

    answer = clinic.put("/appointments/v1", a_visit(**change))

    assert answer.status_code == 422
    assert path in [fault["path"] for fault in answer.json["errors"]] or path == ""
    assert state_of(clinic) == "free"


def test_a_visit_does_not_change_its_patient(clinic):
    clinic.put("/patients/onni", a_patient(identity_code=ONNI, numbers=[]))
    clinic.put("/appointments/v1", a_visit())

    answer = clinic.put("/appointments/v1", a_visit(patient="onni"))

    assert (answer.status_code, answer.json["errors"][0]["path"]) == (409, "patient")


def test_visits_are_listed_by_patient_status_and_time(clinic):
    clinic.put("/patients/onni", a_patient(identity_code=ONNI, numbers=[]))
    clinic.put("/appointments/v1", a_visit())
    clinic.put("/appointments/v2", own_time(days=2) | {"status": "provisional"})
    clinic.put("/appointments/v3", own_time(days=3) | {"patient": "onni"})

    def listed(query):
        return [visit["id"] for visit in clinic.get(f"/appointments?{query}").json["items"]]

    assert listed("") == ["v2", "v3", "v1"]
    assert listed("patient=aino") == ["v2", "v1"]
    assert listed("status=provisional") == ["v2"]
    assert listed("clinic=keskusta&to=2026-11-27") == ["v2"]


def test_of_many_programs_one_gets_the_slot(clinic, app, database):
    def claim(number):
        return Program(app.test_client(), clinic.key).put(f"/appointments/v{number}", a_visit()).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(claim, range(16)))

    assert sorted(statuses) == [201] + [409] * 15
    with database.reading() as connection:
        assert len(connection.execute(select(APPOINTMENT.c.id)).all()) == 1


def test_the_ledger_and_the_clerk_compare_the_same_versions(clinic, database):
    clinic.put("/appointments/v1", a_visit())
    seen = row(database, APPOINTMENT, "v1")
    clinic.put("/appointments/v1", a_visit(status="confirmed"))

    with pytest.raises(ledger.Conflict):
        by_text(database, CancelAppointment(seen.id, seen.version, seen.slot_id))
