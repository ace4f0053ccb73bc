"""Clinics and services by the API."""

from __future__ import annotations

import pytest

from models.queries import read_catalogue
from tests.api.conftest import SERVICE_NUMBER, a_clinic, a_service, on_sqlite


def test_a_clinic_reads_back_as_it_was_written(program):
    written = a_clinic(cutoff="previous_working_day 14:00", address="Esimerkkikatu 1")

    made = program.put("/clinics/keskusta", written)
    read = program.get("/clinics/keskusta")

    assert (made.status_code, read.status_code) == (201, 200)
    assert read.json | written == read.json
    assert read.headers["ETag"] == '"1"'
    assert read.json["urgent"] == {"emergency": "112", "advice": "116117"}


def test_a_second_put_of_the_same_changes_nothing(program):
    program.put("/clinics/keskusta", a_clinic())

    again = program.put("/clinics/keskusta", a_clinic())

    assert (again.status_code, again.json["version"]) == (200, 1)


def test_the_desk_hears_of_every_change_of_clinics_and_services(program, database):
    revisions = []
    for path, body in (
        ("/clinics/keskusta", a_clinic()),
        ("/services/checkup", a_service()),
        ("/services/checkup", a_service()),
        ("/services/checkup", a_service(minutes=45)),
    ):
        program.put(path, body)
        with database.reading() as connection:
            revisions.append(read_catalogue(connection).revision)

    assert revisions == [1, 2, 2, 3]


def test_a_clinic_with_one_name_has_it_in_every_language(program, database):
    program.put("/clinics/keskusta", a_clinic(name="Keskusta"))

    with database.reading() as connection:
        [clinic] = read_catalogue(connection).clinics.values()

    assert clinic.names == {"fi": "Keskusta", "sv": "Keskusta", "en": "Keskusta"}


@on_sqlite
@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"number": "+358405550999"}, "number"),
        ({"number": "five"}, "number"),
        ({"timezone": "Europe/Nowhere"}, "timezone"),
        ({"cutoff": "a day"}, "cutoff"),
        ({"hours": {"mon": [["16:00", "08:00"]]}}, ""),
        ({"hours": {"monday": []}}, "hours.monday"),
        ({"urgent": {"on_call": "09 123 4567"}}, "urgent.on_call"),
        ({"nmae": "x"}, "nmae"),
    ],
)
def test_a_clinic_that_cannot_be_is_refused_with_the_field_at_fault(program, change, path):
    answer = program.put("/clinics/keskusta", a_clinic(**change))

    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert path in [fault["path"] for fault in answer.json["errors"]] or (path == "" and answer.json["detail"])


def test_several_clinics_may_share_a_service_number(program):
    answers = [program.put(f"/clinics/{key}", a_clinic(number=SERVICE_NUMBER)) for key in ("a", "b")]

    assert [answer.status_code for answer in answers] == [201, 201]


def test_only_who_has_seen_the_newest_version_may_change_it(program):
    program.put("/services/checkup", a_service())
    program.put("/services/checkup", a_service(minutes=40))

    late = program.put("/services/checkup", a_service(minutes=50), If_Match='"1"')
    right = program.put("/services/checkup", a_service(minutes=50), If_Match='"2"')

    assert (late.status_code, right.status_code, right.json["minutes"]) == (412, 200, 50)


def test_if_none_match_makes_only_what_is_new(program):
    first = program.put("/services/checkup", a_service(), If_None_Match="*")
    second = program.put("/services/checkup", a_service(minutes=45), If_None_Match="*")

    assert (first.status_code, second.status_code) == (201, 412)


def test_services_are_listed_in_pages(program):
    for number in range(5):
        program.put(f"/services/s{number}", a_service())

    first = program.get("/services?limit=3").json
    rest = program.get(f"/services?limit=3&cursor={first['cursor']}").json

    assert [service["id"] for service in first["items"] + rest["items"]] == ["s0", "s1", "s2", "s3", "s4"]
    assert rest["cursor"] is None
