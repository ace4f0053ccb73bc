"""Texts that a clinic's program sends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from models.correspondence import thread_for
from models.crypto import open_text
from models.ledger import HAND_OVER, OUTBOX, THREAD
from models.patient import Stop
from models.register import CLINIC, NUMBER
from models.states import HandOverReason, HandOverState, OutboxState, Purpose, StopSource, ThreadState
from tests.api.conftest import NOW, ONNI, SERVICE_NUMBER, a_patient, a_slot, a_visit, on_sqlite
from tests.api.conftest import NUMBER as AINOS_NUMBER


def a_message(**other):
    message = {"patient": "aino", "clinic": "keskusta", "text": "Tulokset ovat valmiit, soitamme.", "purpose": "care"}
    message |= other
    return {name: value for name, value in message.items() if value is not None}


@pytest.fixture
def agreed(clinic):
    """Aino has agreed to everything."""
    clinic.put("/patients/aino", a_patient(consents={"care": True, "offers": True}))
    return clinic


def outbox(database):
    with database.reading() as connection:
        return connection.execute(select(OUTBOX).order_by(OUTBOX.c.id)).all()


def thread(database):
    with database.reading() as connection:
        return connection.execute(select(THREAD)).one()


def stop(database, purpose=None, source=StopSource.STOP):
    with database.transaction() as connection:
        connection.execute(
            insert(Stop.__table__).values(number=AINOS_NUMBER, purpose=purpose, source=source, set_at=NOW)
        )


def open_hand_over(database):
    with database.transaction() as connection:
        clinic = connection.execute(select(CLINIC.c.id)).scalar_one()
        made = thread_for(connection, AINOS_NUMBER, SERVICE_NUMBER, clinic, NOW)
        row = {"thread_id": made.id, "reason": HandOverReason.ASKED_FOR_PERSON, "opened_at": NOW}
        connection.execute(insert(HAND_OVER).values(**row))
        connection.execute(update(THREAD).values(state=ThreadState.WAITING))


def test_a_message_waits_in_the_outbox_sealed(agreed, database, keys):
    sent = agreed.post("/messages", a_message())

    [row] = outbox(database)
    assert (sent.status_code, sent.json["status"], sent.json["reason"]) == (201, "queued", None)
    assert (row.number, row.service_number, row.state) == (AINOS_NUMBER, SERVICE_NUMBER, OutboxState.QUEUED)
    assert b"Tulokset" not in row.body
    assert open_text(keys, "outbox.body", row.key, row.body) == a_message()["text"]
    assert agreed.get(f"/messages/{sent.json['id']}").json == sent.json


def test_a_care_message_makes_the_thread_a_persons(agreed, database):
    agreed.post("/messages", a_message())

    assert (thread(database).state, thread(database).owner[:4]) == (ThreadState.PERSON, "key:")


def test_other_messages_leave_the_thread_to_the_bot(agreed, database):
    agreed.post("/messages", a_message(purpose="reminders"))

    assert thread(database).state is ThreadState.BOT


def test_an_answer_to_a_hand_over_takes_it(clinic, database):
    open_hand_over(database)

    sent = clinic.post("/messages", a_message())

    with database.reading() as connection:
        hand_over = connection.execute(select(HAND_OVER)).one()
    assert sent.json["status"] == "queued"
    assert (hand_over.state, hand_over.owner) == (HandOverState.TAKEN, thread(database).owner)


@on_sqlite
@pytest.mark.parametrize(
    ("purpose", "consents", "reason"),
    [
        ("care", {}, "no_consent"),
        ("offers", {}, "no_consent"),
        ("reminders", {}, None),
        ("surveys", {}, None),
        ("reminders", {"reminders": False}, "objection"),
        ("surveys", {"surveys": False}, "objection"),
        ("care", {"care": True}, None),
    ],
)
def test_a_message_needs_what_its_purpose_needs(clinic, purpose, consents, reason):
    clinic.put("/patients/aino", a_patient(consents=consents))

    sent = clinic.post("/messages", a_message(purpose=purpose)).json

    assert (sent["status"], sent["reason"]) == ("queued" if reason is None else "blocked", reason)


@pytest.mark.parametrize(
    ("change", "reason"), [({"do_not_text": True}, "do_not_text"), ({"deceased": True}, "deceased")]
)
def test_who_may_not_be_texted_is_not(agreed, database, change, reason):
    agreed.put("/patients/aino", a_patient(**change))

    sent = agreed.post("/messages", a_message())

    assert (sent.status_code, sent.json["status"], sent.json["reason"]) == (201, "blocked", reason)
    assert outbox(database)[0].state is OutboxState.BLOCKED


def test_a_number_of_somebody_who_may_not_be_texted_is_not_texted_for_another_either(agreed):
    agreed.put("/patients/onni", a_patient(identity_code=ONNI, consents={"care": True}))
    agreed.put("/patients/aino", a_patient(do_not_text=True))

    assert agreed.post("/messages", a_message(patient="onni")).json["reason"] == "do_not_text"


@pytest.mark.parametrize(
    ("purpose", "source", "reason"),
    [
        (None, StopSource.STOP, "stop"),
        (Purpose.CARE, StopSource.STOP, "stop"),
        (Purpose.OFFERS, StopSource.STOP, None),
        (None, StopSource.WRONG_NUMBER, "wrong_number"),
    ],
)
def test_a_stop_on_the_number_holds(agreed, database, purpose, source, reason):
    stop(database, purpose, source)

    assert agreed.post("/messages", a_message()).json["reason"] == reason


def test_a_stop_does_not_keep_us_from_answering(clinic, database):
    stop(database)
    open_hand_over(database)

    sent = clinic.post("/messages", a_message()).json

    assert (sent["status"], sent["purpose"]) == ("queued", "answer")


def test_a_message_with_an_identity_code_never_goes_nor_is_it_kept(agreed, database, keys):
    sent = agreed.post("/messages", a_message(text=f"Tunnuksesi on {ONNI}."))

    [row] = outbox(database)
    assert (sent.json["status"], sent.json["reason"]) == ("blocked", "identity_code")
    assert ONNI not in sent.get_data(as_text=True) + open_text(keys, "outbox.body", row.key, row.body)


@on_sqlite
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Lue lisää: https://esimerkki.fi/x", "link"),
        ("Hei {name}, tervetuloa.", "placeholder"),
        ("Onni voi tulla maanantaina.", "second_name"),
    ],
)
def test_the_guard_keeps_back_what_should_not_be_sent(agreed, text, reason):
    agreed.put("/patients/onni", a_patient(identity_code=ONNI, given_names="Onni"))

    sent = agreed.post("/messages", a_message(text=text)).json

    assert (sent["status"], sent["reason"]) == ("blocked", reason)


def test_what_makes_a_text_cost_more_is_said(agreed):
    sent = agreed.post("/messages", a_message(text="Tervetuloa 🙂")).json

    assert (sent["status"], sent["warnings"]) == ("queued", ["segments"])


def test_a_patient_without_a_number_is_said_to_have_none(agreed, database):
    agreed.put("/patients/aino", a_patient(numbers=[]))

    sent = agreed.post("/messages", a_message())

    assert (sent.status_code, sent.json["id"], sent.json["reason"]) == (201, None, "no_number")
    assert outbox(database) == []


def test_the_first_number_that_works_is_texted(agreed, database):
    agreed.put("/patients/aino", a_patient(numbers=[AINOS_NUMBER, "+358405550102"]))
    with database.transaction() as connection:
        failed = NUMBER.c.number == AINOS_NUMBER
        connection.execute(update(NUMBER).where(failed).values(failed_at=NOW))

    assert agreed.post("/messages", a_message()).json["number"] == "+358405550102"


@on_sqlite
def test_a_landline_gets_no_text(clinic):
    sent = clinic.post("/messages", a_message(patient=None, number="09 123 4567", purpose="reminders")).json

    assert sent["reason"] == "not_mobile"


@pytest.mark.parametrize(("purpose", "status"), [("reminders", "queued"), ("care", "blocked"), ("offers", "blocked")])
def test_a_number_that_is_nobodys_gets_what_needs_no_consent(clinic, purpose, status):
    sent = clinic.post("/messages", a_message(patient=None, number="+358405550177", purpose=purpose)).json

    assert (sent["status"], sent["patient"]) == (status, None)


@on_sqlite
@pytest.mark.parametrize(
    ("message", "path"),
    [
        (a_message(patient="nobody"), "patient"),
        (a_message(clinic="nowhere"), "clinic"),
        (a_message(patient=None, number="x"), "number"),
        (a_message(purpose="answer"), "purpose"),
        (a_message(text=""), "text"),
        (a_message(text="a\u0007b"), "text"),
        (a_message(at="tomorrow"), "at"),
    ],
)
def test_a_message_that_cannot_be_is_refused_with_the_field_at_fault(clinic, message, path):
    answer = clinic.post("/messages", message)

    assert (answer.status_code, answer.json["errors"][0]["path"]) == (422, path)


@on_sqlite
def test_a_message_has_one_recipient(clinic):
    answers = [
        clinic.post("/messages", a_message(**change)) for change in ({"patient": None}, {"number": AINOS_NUMBER})
    ]

    assert [answer.status_code for answer in answers] == [422, 422]


# --- when ---------------------------------------------------------------------------------------------------------

EVENING = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)  # 22.30 in Helsinki
MORNING = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)  # 8.00


def test_a_message_waits_for_the_end_of_quiet_hours(agreed, database, clock):
    clock.now = EVENING

    agreed.post("/messages", a_message())

    assert outbox(database)[0].due_at == MORNING


def test_an_answer_goes_at_any_hour(clinic, database, clock):
    open_hand_over(database)
    clock.now = EVENING

    clinic.post("/messages", a_message())

    assert outbox(database)[0].due_at == EVENING


def test_a_message_may_be_sent_later(agreed, database):
    at = NOW + timedelta(hours=3)

    sent = agreed.post("/messages", a_message(at=at.isoformat())).json

    assert outbox(database)[0].due_at == at
    assert sent["due_at"] == "2026-11-24T15:00:00+02:00"


def test_a_time_that_has_been_is_now(agreed, database):
    agreed.post("/messages", a_message(at="2020-01-01T00:00:00Z"))

    assert outbox(database)[0].due_at == NOW


# --- once ---------------------------------------------------------------------------------------------------------


def test_a_request_that_is_repeated_under_its_key_sends_once(agreed, database):
    first = agreed.post("/messages", a_message(), Idempotency_Key="m-1")
    again = agreed.post("/messages", a_message(), Idempotency_Key="m-1")
    other = agreed.post("/messages", a_message(), Idempotency_Key="m-2")

    assert (first.json, again.status_code) == (again.json, 201)
    assert other.json["id"] != first.json["id"]
    assert len(outbox(database)) == 2


def test_a_key_is_not_for_two_requests(agreed, database):
    agreed.post("/messages", a_message(), Idempotency_Key="m-1")

    answer = agreed.post("/messages", a_message(text="Jotain muuta"), Idempotency_Key="m-1")

    assert (answer.status_code, answer.json["errors"][0]["path"]) == (422, "Idempotency-Key")
    assert len(outbox(database)) == 1


def test_without_a_key_each_request_sends(agreed, database):
    agreed.post("/messages", a_message())
    agreed.post("/messages", a_message())

    assert len(outbox(database)) == 2


def test_keys_of_two_programs_do_not_meet(agreed, program_for, database):
    agreed.post("/messages", a_message(), Idempotency_Key="m-1")

    program_for("messages").post("/messages", a_message(text="Jotain muuta"), Idempotency_Key="m-1")

    assert len(outbox(database)) == 2


# --- what became of it --------------------------------------------------------------------------------------------


@on_sqlite
@pytest.mark.parametrize(
    ("state", "status"),
    [
        (OutboxState.LEASED, "queued"),
        (OutboxState.SENT, "sent"),
        (OutboxState.DELIVERED, "delivered"),
        (OutboxState.FAILED, "failed"),
        (OutboxState.EXPIRED, "expired"),
        (OutboxState.WITHDRAWN, "blocked"),
    ],
)
def test_a_message_says_what_became_of_it(agreed, database, state, status):
    message = agreed.post("/messages", a_message()).json["id"]
    with database.transaction() as connection:
        values = {"state": state, "sent_at": NOW, "receipt_state": "delivered", "receipt_at": NOW}
        connection.execute(update(OUTBOX).values(**values))

    read = agreed.get(f"/messages/{message}").json

    assert (read["status"], read["receipt"]) == (status, {"state": "delivered", "at": "2026-11-24T12:00:00+02:00"})


def test_other_texts_are_no_messages(clinic):
    assert clinic.get("/messages/nothing").status_code == 404


# --- the booking text ---------------------------------------------------------------------------------------------


def test_a_booking_is_told_in_the_patients_language_once(clinic, database, keys):
    clinic.put("/patients/aino", a_patient(language="sv"))

    clinic.put("/appointments/v1", a_visit(notify=True))
    clinic.put("/appointments/v1", a_visit(notify=True))

    [row] = outbox(database)
    body = open_text(keys, "outbox.body", row.key, row.body)
    assert "ti 1.12 kl 12.00" in body
    assert (row.message, row.purpose, row.appointment_id is not None) == ("booked_by_clinic", Purpose.REMINDERS, True)


def test_a_moved_booking_is_told_anew_and_the_old_text_withdrawn(clinic, database):
    start = NOW + timedelta(days=9)
    clinic.put("/slots/s2", a_slot(start=start.isoformat(), end=(start + timedelta(minutes=30)).isoformat()))
    clinic.put("/appointments/v1", a_visit(notify=True))

    clinic.put("/appointments/v1", a_visit(slot="s2", notify=True))

    assert [row.state for row in outbox(database)] == [OutboxState.WITHDRAWN, OutboxState.QUEUED]


def test_a_booking_is_not_told_to_who_objects_to_reminders(clinic, database):
    clinic.put("/patients/aino", a_patient(consents={"reminders": False}))

    clinic.put("/appointments/v1", a_visit(notify=True))

    assert [(row.state, row.reason) for row in outbox(database)] == [(OutboxState.BLOCKED, "objection")]


def test_a_booking_is_told_only_when_asked(clinic, database):
    clinic.put("/appointments/v1", a_visit())

    assert outbox(database) == []
