"""A clinic's own data from a file."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from api.importing import Importer, ImportFault, from_csv, from_document, from_json, load_file
from demo.seed import demo_data
from handlers.clerk import Actor, Clerk, Rules
from models.diary import APPOINTMENT, SLOT
from models.queries import read_catalogue
from models.register import NUMBER, PATIENT
from tests.api.conftest import AINO, NOW, ONNI, a_clinic, a_patient, a_service, a_slot, a_visit


@pytest.fixture
def importer(database, keys):
    return Importer(Clerk(database, keys, Rules(service_numbers=frozenset({"+358405550100"}))), Actor("admin"), NOW)


def a_document(**other):
    document = {
        "clinics": [{"id": "keskusta"} | a_clinic()],
        "services": [{"id": "checkup"} | a_service()],
        "patients": [
            {"id": "aino"} | a_patient(dependants=[{"patient": "onni"}]),
            {"id": "onni"} | a_patient(identity_code=ONNI, given_names="Onni", numbers=[]),
        ],
        "slots": [{"id": "s1"} | a_slot()],
        "appointments": [{"id": "v1"} | a_visit()],
    }
    return document | other


def count(database, table):
    with database.reading() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_a_clinic_is_set_up_from_one_document(importer, database):
    outcome = importer.take(from_json(json.dumps(a_document())))

    assert outcome.faults == []
    assert outcome.summary == "1 clinics, 1 services, 2 patients, 1 slots, 1 appointments imported"
    assert (count(database, PATIENT), count(database, APPOINTMENT)) == (2, 1)


def test_an_import_may_be_repeated(importer, database):
    importer.take(from_document(a_document()))

    outcome = importer.take(from_document(a_document()))

    assert (outcome.faults, count(database, PATIENT)) == ([], 2)


def test_bad_rows_are_reported_with_their_reason_and_the_others_taken(importer, database):
    patients = [
        {"id": "aino"} | a_patient(),
        {"id": "two"} | a_patient(identity_code=ONNI, numbers=["12"]),
        {"id": "three"} | a_patient(identity_code=AINO),
        {"id": "four", "given_names": "Nobody"},
        "five",
        {"given_names": "No", "family_name": "Id"},
    ]

    outcome = importer.take(from_document({"patients": patients}))

    assert outcome.taken["patients"] == 1
    assert sorted(line.split(":")[0] for line in outcome.faults) == [
        "patients[1].numbers[0]",
        "patients[2].identity_code",
        "patients[3].family_name",
        "patients[4]",
        "patients[5].id",
    ]
    assert not any(AINO in line or ONNI in line for line in outcome.faults)


@pytest.mark.parametrize("bad", [{"id": "x", "clinic": "nowhere"}, {"id": "x"}])
def test_all_or_nothing_takes_nothing_when_one_row_is_bad(importer, database, bad):
    document = a_document(slots=[{"id": "s1"} | a_slot(), a_slot() | bad if "clinic" in bad else bad])

    outcome = importer.take(from_document(document), all_or_nothing=True)

    assert (len(outcome.faults) > 0, outcome.taken.total(), count(database, PATIENT)) == (True, 0, 0)


def test_a_refused_row_leaves_nothing_of_itself(importer, database):
    taken = {"id": "v2"} | a_visit()
    own = {"id": "v3", "patient": "nobody", "clinic": "keskusta", "service": "checkup"}
    own |= {name: a_slot()[name] for name in ("start", "end")}

    outcome = importer.take(from_document(a_document(appointments=[{"id": "v1"} | a_visit(), taken, own])))

    assert len(outcome.faults) == 2
    assert (count(database, APPOINTMENT), count(database, SLOT)) == (1, 1)


def test_patients_come_from_a_csv(importer, database):
    text = (
        "id;identity_code;given_names;family_name;language;numbers;offers;do_not_text\n"
        f"aino;{AINO};Aino;Virtanen;fi;040 555 0101, +358405550102;kyllä;\n"
        "\n"
        f"onni;{ONNI};Onni;Virtanen;;;maybe;no\n"
        "kai;;Kai;Virtanen\n"
    )

    outcome = importer.take(from_csv(text))

    assert outcome.taken["patients"] == 1
    assert [line.split(":")[0] for line in outcome.faults] == ["line 4.consents.offers", "line 5"]
    assert count(database, NUMBER) == 2


def test_slots_come_from_a_csv(importer, database):
    importer.take(from_document(a_document(slots=[], appointments=[])))
    text = (
        "id,clinic,services,practitioner,start,end\n"
        "s1,keskusta,checkup,aalto,2026-12-01T09:00:00+02:00,2026-12-01T09:30:00+02:00\n"
        "s2,keskusta,checkup|magic,aalto,2026-12-01T10:00:00+02:00,2026-12-01T10:30:00+02:00\n"
    )

    outcome = importer.take(from_csv(text))

    assert (outcome.taken["slots"], outcome.faults) == (1, ["line 3.services[1]: no such service"])


@pytest.mark.parametrize("text", ["", "id;name\n1;x\n", "id,family_name,colour\n1,x,red\n", 'id,family_name\n"1,x\n'])
def test_a_csv_that_is_neither_says_what_is_expected(text):
    with pytest.raises(ImportFault):
        from_csv(text)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"people": []}', '{"patients": {}}', "[" * 100_000])
def test_a_json_of_another_shape_says_what_is_expected(text):
    with pytest.raises(ImportFault):
        from_json(text)


def test_a_file_that_cannot_be_read_says_so(tmp_path):
    (tmp_path / "latin.csv").write_bytes("id;family_name\n1;Mäki".encode("latin-1"))

    for name in ("missing.json", "latin.csv"):
        with pytest.raises(ImportFault):
            load_file(tmp_path / name)


def test_the_demo_clinic_imports_whole_on_any_day_of_the_year(importer, database):
    outcome = importer.take(from_document(demo_data(NOW)), all_or_nothing=True)

    assert outcome.faults == []
    assert outcome.taken["patients"] == len(demo_data(NOW)["patients"]) > 20
    with database.reading() as connection:
        assert len(read_catalogue(connection).clinics) == 2


@pytest.mark.parametrize("day", range(0, 366, 15))
def test_the_demo_diary_begins_on_any_day(day):
    now = NOW + timedelta(days=day, hours=day % 24)

    data = demo_data(now)

    assert len(data["appointments"]) == 13
    assert len({slot["id"] for slot in data["slots"]}) == len(data["slots"]) > 500
