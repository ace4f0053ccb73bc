"""Who may call what, and how errors are told."""

from __future__ import annotations

import json as jsonlib
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as bounded
from hypothesis import strategies as st
from sqlalchemy import update

from app import create_app
from models.access import API_KEY, make_key
from tests.api.conftest import NOW, ONNI, Program, a_clinic, a_patient, a_service, a_slot, a_visit, on_sqlite

OPEN = ("/api/v1/openapi.json", "/api/v1/docs", "/healthz")


@on_sqlite
@pytest.mark.parametrize("given_", [None, "Bearer ", "Bearer tks_wrong", "Basic dXNlcjpwYXNz", "Bearer \xe4"])
def test_without_a_key_nothing_is_told(app, given_):
    headers = {} if given_ is None else {"Authorization": given_}

    answer = app.test_client().get("/api/v1/clinics/keskusta", headers=headers)

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.mimetype == "application/problem+json"


def test_a_revoked_key_is_none(program, database):
    with database.transaction() as connection:
        connection.execute(update(API_KEY).values(revoked_at=NOW))

    assert program.get("/clinics").status_code == 401


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("read", {"get": True, "put": False, "message": False}),
        ("write", {"get": False, "put": True, "message": False}),
        ("messages", {"get": False, "put": False, "message": True}),
        ("admin", {"get": True, "put": True, "message": True}),
    ],
)
def test_a_key_may_do_what_its_scopes_say(clinic, program_for, scope, allowed):
    program = program_for(scope)

    statuses = {
        "get": program.get("/clinics/keskusta").status_code,
        "put": program.put("/clinics/keskusta", a_clinic()).status_code,
        "message": program.post("/messages", {}).status_code,
    }

    assert {what: status != 403 for what, status in statuses.items()} == allowed


def test_a_key_of_one_clinic_sees_and_changes_nothing_of_another(clinic, program_for):
    clinic.put("/clinics/ita", a_clinic())
    clinic.put("/patients/onni", a_patient(identity_code=ONNI, numbers=[]))
    clinic.put("/appointments/v1", a_visit())
    program = program_for("read", "write", "messages", clinics=["ita"])

    assert program.get("/clinics/keskusta").status_code == 404
    assert [each["id"] for each in program.get("/clinics").json["items"]] == ["ita"]
    assert program.put("/clinics/keskusta", a_clinic()).status_code == 403
    assert program.put("/services/checkup", a_service()).status_code == 403
    assert program.get("/slots/s1").status_code == 404
    assert program.get("/slots").json["items"] == []
    assert program.put("/slots/s1", a_slot(clinic="ita")).status_code == 403
    assert program.put("/slots/s7", a_slot()).status_code == 403
    assert program.delete("/slots/s1").status_code == 404
    assert program.get("/appointments/v1").status_code == 404
    assert program.get("/appointments").json["items"] == []
    assert program.put("/appointments/v1", a_visit(status="cancelled")).status_code == 403
    assert program.get("/patients/aino").status_code == 404
    assert program.put("/patients/aino", a_patient()).status_code == 404
    assert program.post("/patients/search", {"name": "Virtanen"}).json["items"][0]["id"] == "onni"
    message = {"patient": "aino", "clinic": "keskusta", "text": "Hei", "purpose": "reminders"}
    assert program.post("/messages", message).status_code == 403
    assert clinic.get("/appointments/v1").json["status"] == "booked"


def test_a_key_of_one_clinic_works_there(clinic, program_for):
    program = program_for("read", "write", clinics=["keskusta"])

    answers = [
        program.put("/clinics/keskusta", a_clinic(address="Toinen 2")),
        program.put("/appointments/v1", a_visit()),
        program.get("/patients/aino"),
        program.put("/slots/s5", a_slot()),
    ]

    assert [answer.status_code for answer in answers] == [200, 201, 200, 201]


@on_sqlite
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("POST", "/clinics", 405),
        ("DELETE", "/clinics/keskusta", 405),
        ("GET", "/threads/x", 404),
        ("GET", "/threads/99999999999999999999", 404),
        ("GET", "/slots?limit=0", 422),
        ("GET", "/slots?limit=1e2", 422),
        ("GET", "/slots?colour=red", 422),
        ("GET", "/slots?cursor=xyz", 422),
        ("GET", "/slots?from=yesterday", 422),
        ("GET", "/slots?free=perhaps", 422),
        ("GET", "/slots?from=0001-01-01", 422),
        ("GET", "/slots?to=9999-12-31T23:59:59Z", 422),
        ("GET", "/texts?number=%00", 422),
        ("GET", "/texts?after=1", 422),
        ("GET", "/texts?direction=sideways", 422),
        ("GET", "/clinics?cursor=-1", 422),
        ("GET", "/clinics/%00", 404),
        ("PUT", "/clinics/%20", 422),
        ("PUT", f"/clinics/{'x' * 65}", 422),
        ("GET", "/appointments/t-99999999999999999999", 404),
    ],
)
def test_every_error_is_a_problem_document(program, method, path, status):
    answer = program.request(method, path, json={} if method in ("PUT", "POST") else None)

    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= answer.json.keys()
    assert answer.json["status"] == status


@on_sqlite
@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b'"text"', "application/json", 422),
        (b"null", "application/json", 422),
        (b"[" * 100_000, "application/json", 422),
        (b"9" * 5000, "application/json", 400),
        (b"name=x", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b" " * 5_000_000, "application/json", 413),
    ],
)
def test_a_body_that_is_not_json_is_told_so(app, program, body, kind, status):
    headers = {"Authorization": f"Bearer {program.key}"}

    answer = app.test_client().put("/api/v1/clinics/a", data=body, content_type=kind, headers=headers)

    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")


@on_sqlite
@pytest.mark.parametrize("path", OPEN)
def test_what_tells_of_nobody_is_open(app, path):
    assert app.test_client().get(path).status_code == 200


@on_sqlite
def test_the_docs_page_needs_nothing_from_elsewhere(app):
    page = app.test_client().get("/api/v1/docs")

    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "<script" not in page.text
    assert "http://" not in page.text.replace("http://www.w3.org", "")
    assert app.test_client().get("/api/v1/static/docs.css").status_code == 200


@on_sqlite
def test_the_openapi_document_names_every_call(app):
    document = app.test_client().get("/api/v1/openapi.json").json

    calls = {(method.upper(), path) for path, operations in document["paths"].items() for method in operations}

    assert {
        ("PUT", "/api/v1/clinics/{key}"),
        ("GET", "/api/v1/services/{key}"),
        ("POST", "/api/v1/patients/search"),
        ("PUT", "/api/v1/slots"),
        ("DELETE", "/api/v1/slots/{key}"),
        ("GET", "/api/v1/appointments"),
        ("GET", "/api/v1/texts"),
        ("GET", "/api/v1/threads/{thread_id}"),
        ("POST", "/api/v1/messages"),
        ("POST", "/api/v1/parse"),
    } <= calls
    assert "application/problem+json" in jsonlib.dumps(document)


@on_sqlite
def test_the_openapi_document_tells_bodies_from_answers(app):
    schemas = app.test_client().get("/api/v1/openapi.json").json["components"]["schemas"]

    assert schemas["SlotList"]["properties"].keys() == {"slots"}
    assert schemas["SlotPage"]["properties"].keys() == {"items", "cursor"}
    assert "identity_code" in schemas["PatientBody"]["properties"]
    assert schemas["Patient"]["properties"].keys() >= {"identity_code", "version"}


@on_sqlite
def test_every_reference_in_the_openapi_document_leads_somewhere(app):
    text = app.test_client().get("/api/v1/openapi.json").text
    document = jsonlib.loads(text)

    referred = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}

    assert referred <= document["components"]["schemas"].keys()


@pytest.fixture
def sqlite_program(settings, sqlite_database, keys, clock):
    with sqlite_database.transaction() as connection:
        key = make_key(connection, keys, "fuzz", ["admin"], None, NOW)
    app = create_app(settings, sqlite_database, keys, clock=clock)
    app.testing = True
    return Program(app.test_client(), key)


PATHS = [
    ("PUT", "/clinics/c", a_clinic()),
    ("PUT", "/services/s", a_service()),
    ("PUT", "/patients/p", a_patient()),
    ("PUT", "/slots/t", a_slot()),
    ("PUT", "/slots", {"slots": [a_slot(id="t")]}),
    ("PUT", "/appointments/v", a_visit()),
    ("POST", "/patients/search", {"name": "x"}),
    ("POST", "/messages", {"number": "+358405550101", "clinic": "c", "text": "Hei", "purpose": "care"}),
    ("POST", "/parse", {"text": "peru aika"}),
]
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from(["+358405550100", "c", "s", "p", (NOW + timedelta(days=1)).isoformat(), "9999-12-31T23:59:59Z"]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@bounded(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_body_makes_the_api_stumble(sqlite_program, data):
    method, path, body = data.draw(st.sampled_from(PATHS))
    bent = dict(body)
    for name in data.draw(st.lists(st.sampled_from([*body, "other"]), max_size=3)):
        bent[name] = data.draw(VALUES)
    headers = {"Authorization": f"Bearer {sqlite_program.key}", "Content-Type": "application/json"}

    answer = sqlite_program.client.open(f"/api/v1{path}", method=method, data=jsonlib.dumps(bent), headers=headers)

    assert answer.status_code < 500, answer.get_data(as_text=True)
