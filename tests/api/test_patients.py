"""People's files by the API."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from models.audit import Audit
from models.correspondence import thread_for
from models.crypto import open_text
from models.ledger import OUTBOX, TextOut, put_out
from models.patient import Consent
from models.register import CLINIC, PATIENT
from models.states import OutboxState, Purpose
from tests.api.conftest import AINO, NOW, NUMBER, ONNI, SERVICE_NUMBER, a_clinic, a_patient, on_sqlite


def row_of(database, key="aino"):
    with database.reading() as connection:
        return connection.execute(select(PATIENT).where(PATIENT.c.key == key)).one()


def queue_a_text(database, keys, patient_id, number=NUMBER, purpose=Purpose.REMINDERS, name="one"):
    with database.transaction() as connection:
        clinic = connection.execute(select(CLINIC)).one()
        thread = thread_for(connection, number, SERVICE_NUMBER, clinic.id, NOW)
        text = TextOut(name, thread.id, number, SERVICE_NUMBER, purpose, 3, "free", "Hei", NOW, patient_id=patient_id)
        put_out(connection, keys, [text], NOW)


def state_of(database, name="one"):
    with database.reading() as connection:
        return connection.execute(select(OUTBOX.c.state).where(OUTBOX.c.key == name)).scalar_one()


def test_a_file_reads_back_with_its_code_masked(program):
    made = program.put("/patients/aino", a_patient(numbers=["040 555 0101", "+358405550102"]))
    read = program.get("/patients/aino")

    assert (made.status_code, read.status_code) == (201, 200)
    assert read.json["identity_code"] == "140385-****"
    assert read.json["born_on"] == "1985-03-14"
    assert [each["number"] for each in read.json["numbers"]] == ["+358405550101", "+358405550102"]
    assert AINO not in made.get_data(as_text=True) + read.get_data(as_text=True)


def test_the_code_is_sealed_and_bound_to_its_row(program, database, keys):
    program.put("/patients/aino", a_patient())

    row = row_of(database)

    assert AINO.encode() not in row.identity_code
    assert open_text(keys, "patient.identity_code", "aino", row.identity_code) == AINO
    assert row.code_index == keys.blind(AINO, "patient.identity_code")
    assert row.born_on == date(1985, 3, 14)


def test_consents_left_out_are_the_lawful_ones(program):
    program.put("/patients/aino", a_patient(consents={"offers": True}))

    consents = program.get("/patients/aino").json["consents"]

    assert consents == {"reminders": True, "care": False, "offers": True, "surveys": True}


def test_given_consents_are_dated_records(program, database):
    program.put("/patients/aino", a_patient(consents={"care": True, "reminders": False}))

    with database.reading() as connection:
        records = connection.execute(select(Consent.purpose, Consent.granted, Consent.at, Consent.how)).all()

    assert {tuple(record) for record in records} == {
        (Purpose.CARE, True, NOW, "api"),
        (Purpose.REMINDERS, False, NOW, "api"),
    }


def test_a_program_that_repeats_itself_does_not_undo_what_the_patient_has_said_since(program, database):
    program.put("/patients/aino", a_patient(consents={"offers": True}))
    with database.transaction() as connection:
        said = {"reminders": True, "care": False, "offers": False, "surveys": True}
        connection.execute(update(PATIENT).values(consents=said))

    program.put("/patients/aino", a_patient(consents={"offers": True}))
    repeated = program.get("/patients/aino").json["consents"]["offers"]
    program.put("/patients/aino", a_patient(consents={"offers": False}))
    program.put("/patients/aino", a_patient(consents={"offers": True}))
    news = program.get("/patients/aino").json["consents"]["offers"]

    assert (repeated, news) == (False, True)


def test_what_a_later_put_leaves_out_stays(program):
    program.put("/patients/aino", a_patient(consents={"care": True}, do_not_text=True))

    program.put("/patients/aino", {"given_names": "Aino", "family_name": "Korpi"})
    read = program.get("/patients/aino").json

    assert (read["family_name"], read["identity_code"]) == ("Korpi", "140385-****")
    assert (read["consents"]["care"], read["do_not_text"], len(read["numbers"])) == (True, True, 1)


def test_a_masked_code_that_was_read_may_be_written_back(program):
    program.put("/patients/aino", a_patient())

    answer = program.put("/patients/aino", a_patient(identity_code="140385-****"))

    assert (answer.status_code, answer.json["version"]) == (200, 1)


@on_sqlite
@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"identity_code": "140385-901F"}, "identity_code"),
        ({"identity_code": "140385901E"}, "identity_code"),
        ({"identity_code": f"{AINO} {ONNI}"}, "identity_code"),
        ({"numbers": ["09 123 4567"]}, "numbers[0]"),
        ({"numbers": ["+358405550101", "12"]}, "numbers[1]"),
        ({"numbers": [{"number": 5}]}, "numbers[0].number"),
        ({"language": "xx"}, "language"),
        ({"dependants": [{"patient": "nobody"}]}, "dependants[0].patient"),
        ({"dependants": [{"patient": "aino"}]}, "dependants[0].patient"),
        ({"consents": {"ofers": True}}, "consents.ofers"),
        ({"do_not_text": "yes"}, "do_not_text"),
        ({"family_name": ""}, "family_name"),
        ({"given_names": "a\u0000b"}, "given_names"),
    ],
)
def test_a_file_that_cannot_be_is_refused_with_the_field_at_fault(program, change, path):
    answer = program.put("/patients/aino", a_patient(**change))

    assert answer.status_code == 422
    assert path in [fault["path"] for fault in answer.json["errors"]]


@on_sqlite
@pytest.mark.parametrize("given", [AINO, "140385-901F", "140385 901E"])
def test_a_refusal_never_quotes_an_identity_code(program, given):
    answer = program.put("/patients/aino", a_patient(identity_code=given, language=given))

    assert given not in answer.get_data(as_text=True)


@on_sqlite
def test_an_identity_code_cannot_be_an_id(program):
    answer = program.put(f"/patients/{AINO}", a_patient())

    assert (answer.status_code, answer.json["errors"][0]["path"]) == (422, "id")


def test_no_two_files_have_one_code(program):
    program.put("/patients/aino", a_patient())

    answer = program.put("/patients/other", a_patient())

    assert (answer.status_code, answer.json["errors"][0]["path"]) == (409, "identity_code")


def test_a_mother_and_her_children(program):
    program.put("/patients/onni", a_patient(identity_code=ONNI, given_names="Onni", numbers=[]))

    program.put("/patients/aino", a_patient(dependants=[{"patient": "onni", "until": "2038-09-21"}]))

    assert program.get("/patients/aino").json["dependants"] == [{"patient": "onni", "until": "2038-09-21"}]


@pytest.mark.parametrize("flag", ["do_not_text", "deceased"])
def test_who_may_not_be_texted_gets_nothing_that_was_queued(program, database, keys, flag):
    program.put("/clinics/keskusta", a_clinic())
    program.put("/patients/aino", a_patient())
    queue_a_text(database, keys, row_of(database).id)

    program.put("/patients/aino", a_patient(**{flag: True}))

    assert state_of(database) is OutboxState.WITHDRAWN


def test_an_objection_withdraws_only_what_it_is_about(program, database, keys):
    program.put("/clinics/keskusta", a_clinic())
    program.put("/patients/aino", a_patient())
    queue_a_text(database, keys, row_of(database).id, purpose=Purpose.REMINDERS, name="reminder")
    queue_a_text(database, keys, row_of(database).id, purpose=Purpose.SURVEYS, name="survey")

    program.put("/patients/aino", a_patient(consents={"surveys": False}))

    assert (state_of(database, "reminder"), state_of(database, "survey")) == (OutboxState.QUEUED, OutboxState.WITHDRAWN)


def test_nothing_goes_to_a_number_that_has_left_the_file(program, database, keys):
    program.put("/clinics/keskusta", a_clinic())
    program.put("/patients/aino", a_patient())
    queue_a_text(database, keys, row_of(database).id)

    program.put("/patients/aino", a_patient(numbers=["+358405550109"]))

    assert state_of(database) is OutboxState.WITHDRAWN


def test_a_number_that_stays_keeps_its_proof(program, clock):
    program.put("/patients/aino", a_patient())
    clock.advance(days=30)

    program.put("/patients/aino", a_patient(numbers=["+358405550102", NUMBER]))
    numbers = program.get("/patients/aino").json["numbers"]

    assert [each["number"] for each in numbers] == ["+358405550102", NUMBER]
    assert numbers[1]["proven_at"] < numbers[0]["proven_at"]


def test_the_clinic_says_whether_somebody_who_was_silenced_has_died(program, database):
    program.put("/patients/aino", a_patient())
    with database.transaction() as connection:
        connection.execute(update(PATIENT).values(silenced=True))

    unsaid = program.put("/patients/aino", a_patient(family_name="Korpi")).json
    checked = program.put("/patients/aino", a_patient(deceased=False)).json

    assert (unsaid["silenced"], checked["silenced"], checked["deceased"]) == (True, False, False)


@pytest.mark.parametrize(
    "search", [{"identity_code": AINO}, {"number": "0405550101"}, {"name": "virta"}, {"name": "aino Virtanen"}]
)
def test_people_are_found_by_code_number_and_name(program, search):
    program.put("/patients/aino", a_patient())
    program.put("/patients/other", a_patient(identity_code=ONNI, given_names="Onni", family_name="Aalto", numbers=[]))

    found = program.post("/patients/search", search)

    assert [each["id"] for each in found.json["items"]] == ["aino"]


def test_names_are_found_whatever_the_case_of_their_letters(program):
    program.put("/patients/aino", a_patient(family_name="Äijälä"))

    found = [program.post("/patients/search", {"name": name}).json["items"] for name in ("äijä", "ÄIJÄLÄ", "Äijälä")]

    assert [len(each) for each in found] == [1, 1, 1]


@on_sqlite
@pytest.mark.parametrize("search", [{}, {"name": "aino", "number": NUMBER}, {"identity_code": "x"}, {"number": "x"}])
def test_a_search_says_one_thing(program, search):
    assert program.post("/patients/search", search).status_code == 422


def test_a_percent_sign_is_no_wildcard(program):
    program.put("/patients/aino", a_patient())

    assert program.post("/patients/search", {"name": "%%"}).json["items"] == []


@on_sqlite
def test_a_proof_in_the_future_is_none(program):
    proven = (NOW + timedelta(hours=1)).isoformat()

    answer = program.put("/patients/aino", a_patient(numbers=[{"number": NUMBER, "proven_at": proven}]))

    assert answer.json["errors"][0]["path"] == "numbers[0].proven_at"


def test_audit_lines_hold_ids_only(program, database):
    program.put("/patients/aino", a_patient())

    with database.reading() as connection:
        line = connection.execute(select(Audit.__table__)).one()

    assert (line.action, line.patient_id, line.actor[:4]) == ("put_patient", row_of(database).id, "key:")
    assert not {"Aino Maria", NUMBER, AINO} & set(map(str, line.details.values()))
