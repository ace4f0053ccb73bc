"""Stop and start, emergencies, wrong numbers and deaths: what stands above every command (product.md section 3)."""

from __future__ import annotations

import pytest

from models.states import HandOverReason, OutboxState, Purpose, StopSource, ThreadState

# --- stop and start -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "STOP", "stop", "Stop.", "STOP!", "LOPETA", "lopeta viestit", "SLUTA", "Stopp",
        "Stop, kiitos", "please stop texting me", "älkää lähettäkö minulle enää viestejä", "unsubscribe",
    ],
)  # fmt: skip
def test_a_text_that_only_says_stop_stops_every_purpose_at_once(clinic, words):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")

    answer = aino.texts(words)

    assert answer.message == "stopped"
    assert aino.phone.stops == [(None, StopSource.STOP)]
    assert aino.diary == ["11.3. 9.00 booked"]


@pytest.mark.parametrize(
    "words",
    [
        "CANCEL", "END", "NO", "EI", "NEJ", "INTE", "PERU", "PERUUTA", "AVBOKA", "ANNULLERA", "ÅTERBUD",
        "lopetan hoidon", "poista aikani", "pois listalta", "Peru", "no", "ei", "stop my appointment on Friday",
        "lopetan hoidon teillä, perukaa aikani",
    ],
)  # fmt: skip
def test_what_may_mean_a_cancel_is_never_an_opt_out(clinic, words):
    aino = clinic.patient()

    aino.texts(words)

    assert aino.phone.stops == []


def test_after_a_stop_what_we_would_start_does_not_go_and_answers_do(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    aino.texts("STOP")

    own = clinic.write(aino)
    clinic.service.settle()
    answer = aino.texts("Milloin aikani on? {code}")

    assert clinic.state_of(own) is OutboxState.BLOCKED
    assert answer.message == "one_visit"


def test_the_one_answer_offers_to_keep_reminders(clinic):
    aino = clinic.patient()
    offered = aino.texts("STOP")

    kept = aino.texts("1")
    reminder, offer = clinic.write(aino), clinic.write(aino, purpose=Purpose.OFFERS)
    clinic.service.settle()

    assert "1" in offered.text
    assert kept.message == "reminders_kept"
    assert clinic.has_gone(reminder)
    assert clinic.state_of(offer) is OutboxState.BLOCKED


@pytest.mark.parametrize("words", ["ALOITA", "STARTA", "START"])
def test_start_lifts_the_stop(clinic, words):
    aino = clinic.patient()
    aino.texts("STOP")

    answer = aino.texts(words)

    assert answer.message == "started"
    assert aino.phone.stops == []


def test_start_without_a_stop_changes_nothing(clinic):
    assert clinic.patient().texts("ALOITA").message == "not_stopped"


def test_a_stop_holds_for_that_number_only(clinic):
    phones = [clinic.phone(), clinic.phone()]
    clinic.patient(phone=phones[0], numbers=phones)

    phones[0].texts("STOP")

    assert phones[1].texts("START").message == "not_stopped"


def test_stop_twice_is_as_good_as_once(clinic):
    aino = clinic.patient()

    answers = [aino.texts("STOP").message for _ in range(2)]

    assert answers == ["stopped", "stopped"]
    assert aino.phone.stops == [(None, StopSource.STOP)]


# --- emergencies --------------------------------------------------------------------------------------------------

ALARMS = ["En saa henkeä", "Jag kan inte andas", "I can't breathe, my throat is swelling", "verta tulee eikä lopu",
          "haluan tappaa itseni", "rintaan sattuu kovasti ja käsi puutuu"]  # fmt: skip


@pytest.mark.parametrize("words", ALARMS)
def test_an_emergency_is_answered_at_once_with_whom_to_call_and_staff_are_alarmed(clinic, words):
    aino = clinic.patient()

    answer = aino.texts(words)

    assert "112" in answer.text
    assert "116117" in answer.text
    assert answer.emergency


@pytest.mark.parametrize("state", ["stopped", "prohibited", "person", "wrong number", "limit", "question"])
def test_nothing_stands_before_an_emergency(clinic, state):
    aino = clinic.patient()
    match state:
        case "stopped":
            aino.texts("STOP")
        case "prohibited":
            clinic.set(aino, do_not_text=True)
        case "person":
            aino.texts("IHMINEN")
            clinic.take_over(aino.phone)
        case "wrong number":
            aino.texts("Väärä numero")
        case "limit":
            for _ in range(22):
                aino.texts("Mitkä ovat aukioloaikanne?")
        case "question":
            clinic.remind(aino, clinic.visit(aino, "5.3. 13.00"))

    answer = aino.texts("En saa henkeä, kurkku turpoaa")

    assert "112" in answer.text
    assert answer.emergency


def test_at_night_it_is_answered_all_the_same(clinic):
    clinic.at("4.3. 3.00")

    assert "112" in clinic.patient().texts("En saa henkeä").text


def test_in_an_unsure_language_it_is_said_in_three(clinic):
    answer = clinic.phone().texts("112 ambulans")

    for word in ("HÄTÄ", "NÖDFALL", "EMERGENCY"):
        assert word in answer.text


def test_it_never_says_that_somebody_reads_or_comes(clinic):
    answer = clinic.patient().texts("En saa henkeä")

    for promise in ("luemme", "vastaamme", "tulemme", "lukee tämän"):
        assert promise not in answer.text


def test_a_command_in_the_same_text_is_shown_to_staff_and_not_carried_out(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")

    answer = aino.texts("Peruisin aikani, en saa henkeä {code}")

    assert answer.handed is HandOverReason.EMERGENCY
    assert aino.diary == ["11.3. 9.00 booked"]


def test_with_the_clinic_closed_whoever_is_on_call_is_told_nothing_but_that_it_waits(clinic):
    on_call = clinic.phone()
    clinic.rule(urgent={"emergency": "112", "advice": "116117", "on_call": on_call.number})
    aino = clinic.patient()
    clinic.at("3.3. 22.00")

    answer = aino.texts("En saa henkeä, t. Aino")

    assert [(told.number, told.message) for told in answer.elsewhere] == [(on_call.number, "on_call")]
    assert "henkeä" not in answer.elsewhere[0].text


@pytest.mark.parametrize(
    "words", ["kuolen nauruun, kiitos :D", "Olisin kuollakseni iloinen jos saisin ajan", "ei ole hätätapaus"]
)
def test_what_only_sounds_like_one_is_none(clinic, words):
    assert not clinic.patient().texts(words).emergency


# --- wrong number, a death ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["Väärä numero", "En ole Aino, väärä numero", "Fel nummer!", "Wrong number"])
def test_a_wrong_number_gets_nothing_more_and_visits_stand(clinic, words):
    aino = clinic.patient()
    visit = clinic.visit(aino, "5.3. 13.00")
    clinic.remind(aino, visit)

    answer = aino.texts(words)
    own = clinic.write(aino)
    clinic.service.settle()

    assert answer.handed is HandOverReason.WRONG_NUMBER
    assert "Aino" not in answer.text
    assert aino.phone.questions == []
    assert clinic.state_of(own) is OutboxState.BLOCKED
    assert aino.diary == ["5.3. 13.00 booked"]


@pytest.mark.parametrize(
    "words",
    [
        "who is this?", "kuka te olette?", "vem är det här?", "Nobody called me back", "That time is not for me",
        "ei oo mulle hyvä aika", "det är inte mitt fel", "I don't know who to ask",
    ],
)  # fmt: skip
def test_what_only_sounds_like_a_wrong_number_silences_nobody(clinic, words):
    aino = clinic.patient()

    aino.texts(words)

    assert aino.phone.stops == []


def test_after_it_the_number_opens_nothing_any_more(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    aino.texts("Milloin aikani on? {code}")
    aino.texts("Väärä numero")

    session = aino.texts("Peruisin aikani")
    code = aino.texts("Peruisin aikani {code}")

    assert "cancelled" not in (session.message, code.message)
    assert aino.diary == ["11.3. 9.00 booked"]


def test_start_does_not_lift_it(clinic):
    aino = clinic.patient()
    aino.texts("Väärä numero")

    aino.texts("START")

    assert aino.phone.stops == [(None, StopSource.WRONG_NUMBER)]


@pytest.mark.parametrize("words", ["Hän on kuollut", "Äitini kuoli viime viikolla", "Han har avlidit", "He has died"])
def test_after_a_death_that_patient_gets_nothing_more_and_visits_stand(clinic, words):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")

    answer = aino.texts(words)
    own = clinic.write(aino)
    clinic.service.settle()

    assert answer.message == "condolence"
    assert answer.handed is HandOverReason.DECEASED
    assert clinic.state_of(own) is OutboxState.BLOCKED
    assert aino.diary == ["11.3. 9.00 booked"]
    assert aino.phone.state is ThreadState.WAITING


def test_a_stranger_can_silence_nobody_by_telling_of_a_death(clinic):
    aino = clinic.patient()

    clinic.phone().texts("Aino Esimerkki on kuollut")
    own = clinic.write(aino)
    clinic.service.settle()

    assert clinic.has_gone(own)
