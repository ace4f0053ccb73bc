"""Reading what was said: texts and threads, as the post and the desk leave them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from api.office import EXTENSION
from app import desk_preview
from gateway.text import InboundText, PartRef
from handlers.desk import Desk
from handlers.post import PostOffice
from lang.alphabet import encode
from models.crypto import seal_text
from models.facts import IdentityRules
from models.ledger import INBOX, OUTBOX
from models.states import OutboxState
from startup import House
from tests.api.conftest import AINO, NOW, NUMBER, SERVICE_NUMBER, a_clinic, a_visit, on_sqlite

OTHER = "+358405550150"


@pytest.fixture
def post(database, keys):
    return PostOffice(database, keys, "test:1:1")


@pytest.fixture
def patient_writes(post, database, keys):
    """A text from the carrier, stored and answered."""
    desk = Desk(database, keys, IdentityRules())
    session = post.session_opened("main", NOW)

    def write(text, number=NUMBER, now=NOW, answer=True):
        octets, coding = encode(text)
        stored = post.store([InboundText("main", session, number, SERVICE_NUMBER, octets, coding, None, now)], now)
        if answer:
            desk.answer(stored, now)

    return write


def test_a_text_and_its_answer_are_read_together(clinic, patient_writes):
    clinic.put("/appointments/v1", a_visit())

    patient_writes(f"Peru aikani, Aino Virtanen {AINO}")
    read = clinic.get("/texts")

    question, answer = read.json["items"]
    assert (question["direction"], question["state"], question["outcome"]) == ("in", "handled", "answered")
    assert (question["intent"], question["number"]) == ("cancel", NUMBER)
    assert (answer["direction"], answer["in_reply_to"], answer["purpose"]) == ("out", question["id"], "answer")
    assert AINO not in read.get_data(as_text=True)
    assert clinic.get("/appointments/v1").json["status"] == "cancelled"


def test_a_reader_goes_on_from_where_they_were(clinic, patient_writes, clock):
    patient_writes("AITO?")
    first = clinic.get("/texts").json
    nothing = clinic.get(f"/texts?after={first['cursor']}").json
    patient_writes("IHMINEN", now=NOW + timedelta(minutes=1))

    rest = clinic.get(f"/texts?after={first['cursor']}").json

    assert (nothing["items"], nothing["cursor"], nothing["more"]) == ([], first["cursor"], False)
    assert [text["direction"] for text in rest["items"]] == ["in", "out"]


def test_small_pages_leave_nothing_out_and_repeat_nothing(clinic, patient_writes):
    for minute in range(6):
        patient_writes("IHMINEN", number=f"+3584055501{minute:02}", now=NOW + timedelta(minutes=minute))
    whole = [text["id"] for text in clinic.get("/texts").json["items"]]
    seen, cursor, more = [], "0.0", True

    while more:
        page = clinic.get(f"/texts?limit=2&after={cursor}").json
        seen += [text["id"] for text in page["items"]]
        cursor, more = page["cursor"], page["more"]

    assert seen == whole
    assert len(seen) == len(set(seen)) == 12


def test_texts_are_filtered_by_direction_and_number(clinic, patient_writes):
    patient_writes("IHMINEN")
    patient_writes("IHMINEN", number=OTHER)

    def read(query):
        return [(text["direction"], text["number"]) for text in clinic.get(f"/texts?{query}").json["items"]]

    assert read("direction=in") == [("in", NUMBER), ("in", OTHER)]
    assert read("direction=out&number=0405550150") == [("out", OTHER)]
    assert read("number=+358405550101") == read("number=%2B358405550101")
    assert read("number=%2B358405550101") == [("in", NUMBER), ("out", NUMBER)]


def test_a_text_appears_when_it_has_been_handled_and_holds_back_what_came_after_it(clinic, patient_writes, database):
    patient_writes("IHMINEN", answer=False)
    patient_writes("IHMINEN", number=OTHER)
    before = clinic.get("/texts?direction=in").json

    with database.transaction() as connection:
        first = select(INBOX.c.id).order_by(INBOX.c.id).limit(1).scalar_subquery()
        connection.execute(update(INBOX).where(INBOX.c.id == first).values(state="failed", reason="could not handle"))
        thread = connection.execute(select(INBOX.c.thread_id).where(INBOX.c.thread_id.is_not(None))).scalar()
        connection.execute(update(INBOX).where(INBOX.c.thread_id.is_(None)).values(thread_id=thread))
    after = clinic.get(f"/texts?direction=in&after={before['cursor']}").json

    assert before["items"] == []
    assert [text["state"] for text in after["items"]] == ["failed", "handled"]


def test_the_parts_of_a_text_are_one_text(clinic, post, database, keys):
    desk = Desk(database, keys, IdentityRules())
    session = post.session_opened("main", NOW)
    octets, coding = encode("IHMINEN")
    parts = [(octets[:3], 1), (octets[3:], 2)]

    for piece, number in parts:
        reference = PartRef("udh8", 7, 2, number)
        text = InboundText("main", session, NUMBER, SERVICE_NUMBER, piece, coding, reference, NOW)
        desk.answer(post.store([text], NOW), NOW)

    [text] = clinic.get("/texts?direction=in").json["items"]
    assert (text["text"], text["parts"], text["intent"]) == ("IHMINEN", 2, "human")


def test_a_text_says_what_the_carrier_said_of_it(clinic, patient_writes, database):
    patient_writes("IHMINEN")
    with database.transaction() as connection:
        said = {"state": OutboxState.DELIVERED, "sent_at": NOW, "receipt_state": "delivered", "receipt_at": NOW}
        connection.execute(update(OUTBOX).values(**said))

    [text] = clinic.get("/texts?direction=out").json["items"]

    assert (text["state"], text["receipt"]["state"]) == ("delivered", "delivered")


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("older", [False, True], ids=["who began later", "who began earlier"])
def test_a_row_that_is_not_committed_yet_is_waited_for(clinic, patient_writes, database, keys, older):
    """On PostgreSQL an id may appear after a higher one, whoever began first: nobody may have passed it by then."""
    patient_writes("IHMINEN")
    cursor = clinic.get("/texts").json["cursor"]
    quick, slow = database.writer.connect(), database.writer.connect()
    with quick, slow, quick.begin(), slow.begin():
        for connection in (quick, slow) if older else (slow, quick):
            connection.exec_driver_sql("SELECT pg_current_xact_id()")
        put_out_again(slow, keys, "slow")
        put_out_again(quick, keys, "quick")
        quick.commit()
        meanwhile = clinic.get(f"/texts?direction=out&after={cursor}").json
        slow.commit()
    afterwards = clinic.get(f"/texts?direction=out&after={meanwhile['cursor']}").json

    assert meanwhile["items"] == []
    assert [text["text"] for text in afterwards["items"]] == ["slow", "quick"]


def put_out_again(connection, keys, key):
    """Copy the one text that there is."""
    row = dict(connection.execute(select(OUTBOX).order_by(OUTBOX.c.id).limit(1)).one()._mapping)
    del row["id"]
    connection.execute(insert(OUTBOX).values(**row | {"key": key, "body": seal_text(keys, "outbox.body", key, key)}))


def test_a_text_that_cannot_be_opened_does_not_hide_the_others(clinic, patient_writes, database):
    patient_writes("IHMINEN")
    patient_writes("IHMINEN", number=OTHER)
    with database.transaction() as connection:
        connection.execute(update(OUTBOX).where(OUTBOX.c.number == NUMBER).values(body=b"broken"))

    texts = clinic.get("/texts?direction=out").json["items"]

    assert [text["text"] is None for text in texts] == [True, False]


# --- threads ------------------------------------------------------------------------------------------------------


def test_a_thread_that_waits_for_a_person_says_why_and_since_when(clinic, patient_writes):
    patient_writes("IHMINEN")
    patient_writes("Tuntematon asia xyzzy", number=OTHER, now=NOW + timedelta(minutes=1))

    waiting = clinic.get("/threads?state=waiting").json["items"]
    whole = clinic.get(f"/threads/{waiting[0]['id']}").json

    assert [thread["number"] for thread in waiting] == [NUMBER]
    assert (waiting[0]["hand_over"]["reason"], waiting[0]["hand_over"]["state"]) == ("asked_for_person", "open")
    assert [text["direction"] for text in whole["texts"]] == ["in", "out"]


def test_a_thread_that_staff_have_closed_is_the_bots_again(clinic, patient_writes):
    patient_writes("IHMINEN")
    clinic.post("/messages", {"number": NUMBER, "clinic": "keskusta", "text": "Soitamme pian.", "purpose": "care"})
    thread = clinic.get("/threads?state=person").json["items"][0]["id"]
    patient_writes("AITO?", now=NOW + timedelta(minutes=1))

    closed = clinic.request("POST", f"/threads/{thread}/close").json
    patient_writes("AITO?", now=NOW + timedelta(minutes=2))

    outcomes = [text["outcome"] for text in clinic.get("/texts?direction=in").json["items"]]
    assert (closed["state"], closed["hand_over"]) == ("closed", None)
    assert outcomes == ["handed_over", "no_answer_needed", "answered"]


def test_threads_of_others_cannot_be_closed(clinic, patient_writes, program_for):
    clinic.put("/clinics/ita", a_clinic(number="+358405550200"))
    patient_writes("IHMINEN")
    thread = clinic.get("/threads").json["items"][0]["id"]

    answer = program_for("messages", clinics=["ita"]).request("POST", f"/threads/{thread}/close")

    assert (answer.status_code, clinic.get(f"/threads/{thread}").json["state"]) == (404, "waiting")


def test_threads_are_listed_newest_first_in_pages(clinic, patient_writes):
    for minute in range(5):
        patient_writes("IHMINEN", number=f"+3584055501{minute:02}", now=NOW + timedelta(minutes=minute))

    first = clinic.get("/threads?limit=3").json
    rest = clinic.get(f"/threads?limit=3&cursor={first['cursor']}").json

    assert [thread["number"][-2:] for thread in first["items"] + rest["items"]] == ["04", "03", "02", "01", "00"]
    assert rest["cursor"] is None


def test_a_clinic_reads_its_own_threads_and_nobodys_at_its_number(clinic, patient_writes, program_for):
    clinic.put("/clinics/ita", a_clinic(number="+358405550200"))
    patient_writes("IHMINEN")

    here, there = (program_for("read", clinics=[key]) for key in ("keskusta", "ita"))

    assert [len(program.get("/threads").json["items"]) for program in (here, there)] == [1, 0]
    assert [len(program.get("/texts").json["items"]) for program in (here, there)] == [2, 0]
    thread = here.get("/threads").json["items"][0]["id"]
    assert (here.get(f"/threads/{thread}").status_code, there.get(f"/threads/{thread}").status_code) == (200, 404)


# --- reading without answering ------------------------------------------------------------------------------------


def test_a_text_is_read_without_anything_happening(clinic, database):
    read = clinic.post("/parse", {"text": f"peru aikani {AINO}", "now": NOW.isoformat()})

    assert (read.status_code, read.json["command"]["intent"], read.json["answer"]) == (200, "cancel", None)
    assert read.json["command"]["identity_code"] == "140385-****"
    assert clinic.get("/texts").json["items"] == []


def test_what_would_be_answered_is_shown(app, clinic, database, keys, settings, clock):
    preview = desk_preview(House(settings, database, keys, clock))
    app.extensions[EXTENSION] = replace(app.extensions[EXTENSION], preview=preview)
    clinic.put("/appointments/v1", a_visit())

    read = clinic.post("/parse", {"text": f"peru aikani, Aino Virtanen {AINO}", "number": NUMBER}).json
    nowhere = clinic.post("/parse", {"text": "peru", "number": NUMBER, "service_number": "+358405550200"})

    assert (read["command"]["intent"], read["answer"]["action"]) == ("cancel", "cancelled")
    assert "1.12." in read["answer"]["texts"][0]
    assert clinic.get("/appointments/v1").json["status"] == "booked"
    assert (nowhere.status_code, nowhere.json["errors"][0]["path"]) == (422, "service_number")


@on_sqlite
@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"context": "dream"}, "context"),
        ({"context_data": {"at": "soon"}}, "context_data.at"),
        ({"context_data": {"visits": ["9999-12-31T23:59"]}}, "context_data.visits[0]"),
        ({"now": "9999-12-31T23:59:59Z"}, "now"),
        ({"now": "2026-11-24T10:00"}, "now"),
        ({"text": None}, "text"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_field_at_fault(clinic, change, path):
    answer = clinic.post("/parse", {"text": "1"} | change)

    assert (answer.status_code, answer.json["errors"][0]["path"]) == (422, path)


@on_sqlite
def test_the_context_matters(clinic):
    read = clinic.post("/parse", {"text": "1", "context": "reminder", "context_data": {"at": "2026-12-01T12:00"}}).json

    assert read["command"]["intent"] == "confirm"
