"""Nothing leaks by differing, nobody guesses, missing facts are asked for once (product.md section 2)."""

from __future__ import annotations

import pytest

from models.states import HandOverReason, ThreadState
from tests.rows import identity_code

NEUTRAL = "wrong_details"
UNKNOWN_CODE = identity_code(individual=999)


def with_a_wrong_sign(code):
    """*code* with another check character."""
    return code[:-1] + ("X" if code[-1] != "X" else "Y")


# --- nothing leaks by differing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["Peruisin aikani", "Jag vill avboka min tid", "Please cancel my appointment"])
def test_wrong_unknown_contradicted_and_foreign_to_the_number_are_answered_in_the_same_octets(clinic, words):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")

    answers = [
        aino.texts(f"{words}, Aino Esimerkki {with_a_wrong_sign(aino.code)}"),
        clinic.patient("Bertta Mallinen").texts(f"{words}, Aino Esimerkki {UNKNOWN_CODE}"),
        clinic.patient("Cecilia Mallinen").texts(words + ", Olli Toinen {code}"),
        clinic.phone().texts(f"{words}, Aino Esimerkki {aino.code}"),
        clinic.phone().texts(f"{words}, Aino Esimerkki {UNKNOWN_CODE}"),
        clinic.phone().texts(f"{words}, Aino Esimerkki {with_a_wrong_sign(aino.code)}"),
    ]

    assert {answer.text for answer in answers} == {answers[0].text}
    assert answers[0].message == NEUTRAL
    assert aino.diary == ["11.3. 9.00 booked"]


def test_a_second_text_after_a_right_code_from_elsewhere_learns_nothing_either(clinic):
    aino = clinic.patient()
    right, wrong = clinic.phone(), clinic.phone()

    said = []
    for phone, code in ((right, aino.code), (wrong, UNKNOWN_CODE)):
        phone.texts(f"Peruisin aikani, Aino Esimerkki {code}")
        said.append([phone.texts("Haloo?").text, phone.texts("onko siellä ketään").text])

    assert said[0] == said[1]


def test_a_patient_who_must_not_be_texted_differs_in_nothing_to_a_stranger(clinic):
    hidden = clinic.patient(do_not_text=True)
    aino = clinic.patient("Bertta Mallinen")

    answers = [clinic.phone().texts(f"Milloin aikani on? {person.code}") for person in (hidden, aino)]

    assert answers[0].text == answers[1].text


def test_a_dead_or_silenced_patient_differs_in_nothing_to_their_own_number(clinic):
    aino = clinic.patient(deceased=True)
    bertta = clinic.patient("Bertta Mallinen", silenced=True)

    answers = [person.texts("Milloin aikani on? {code}") for person in (aino, bertta)]
    answers.append(clinic.phone().texts(f"Milloin aikani on? {UNKNOWN_CODE}"))

    assert {answer.text for answer in answers} == {answers[0].text}


# --- no guessing --------------------------------------------------------------------------------------------------


def test_after_five_failed_codes_a_right_one_is_of_no_use_that_day(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    for _ in range(5):
        assert aino.texts(f"Peruisin aikani {UNKNOWN_CODE}").message == NEUTRAL

    answer = aino.texts("Peruisin aikani {code}")

    assert answer.message == NEUTRAL
    assert answer.handed is HandOverReason.TOO_MANY_FAILURES
    assert aino.diary == ["11.3. 9.00 booked"]


def test_the_next_day_counts_anew(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    for _ in range(5):
        aino.texts(f"Peruisin aikani {UNKNOWN_CODE}")
    clinic.at("4.3. 0.01")

    assert aino.texts("Peruisin aikani {code}").message == "cancelled"


def test_failed_dates_count_as_failed_codes_do(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    for day in range(12, 17):
        aino.texts(f"Peruisin aikani {day}.3.")

    answer = aino.texts("Peruisin aikani {code}")

    assert aino.phone.failures == 5
    assert answer.message == NEUTRAL


def test_five_wrong_names_for_one_patient_close_them_to_every_number(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    second = clinic.phone()
    for _ in range(5):
        aino.texts("Peruisin aikani, Olli Toinen {code}")

    stranger = second.texts(f"Peruisin aikani, Aino Esimerkki {aino.code}")

    assert stranger.message == NEUTRAL
    assert stranger.elsewhere == ()


@pytest.mark.parametrize(
    ("words", "message"),
    [("IHMINEN", "handed_over_open"), ("STOP", "stopped"), ("En saa henkeä!", "emergency")],
)
def test_person_stop_and_emergency_still_work_then(clinic, words, message):
    aino = clinic.patient()
    for _ in range(6):
        aino.texts(f"Peruisin aikani {UNKNOWN_CODE}")

    assert aino.texts(words).message == message


def test_staff_are_told_once_and_the_answer_stays_neutral(clinic):
    aino = clinic.patient()
    for _ in range(8):
        answer = aino.texts(f"Peruisin aikani {UNKNOWN_CODE}")

    assert answer.message == NEUTRAL
    assert aino.phone.hand_overs == [HandOverReason.TOO_MANY_FAILURES]


@pytest.mark.parametrize("malformed", ["170580 900X", "170580900X", "170580-900"])
def test_a_malformed_code_is_asked_again_and_not_counted(clinic, malformed):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")

    asked = aino.texts(f"Peruisin aikani, Aino Esimerkki {malformed}")
    done = aino.texts("{code}")

    assert asked.message == "code_malformed"
    assert aino.phone.failures == 0
    assert done.message == "cancelled"


def test_over_twenty_answers_in_an_hour_there_is_one_hand_over_and_then_silence(clinic):
    phone = clinic.phone()
    answered = [bool(phone.texts("Mitkä ovat aukioloaikanne?").text) for _ in range(23)]

    assert answered == [True] * 21 + [False] * 2
    assert phone.hand_overs.count(HandOverReason.TOO_MANY_ANSWERS) == 1
    assert phone.texts("En saa henkeä!").text
    clinic.later(minutes=61)
    assert phone.texts("Mitkä ovat aukioloaikanne?").text


@pytest.mark.parametrize("number", ["+46701740605", "+35891234567", "16400"])
def test_only_mobile_numbers_of_the_country_are_answered(clinic, number):
    answer = clinic.phone(number).texts("Haluaisin varata ajan")

    assert answer.silent
    assert answer.reason


def test_an_emergency_is_answered_wherever_it_comes_from(clinic):
    assert clinic.phone("+46701740605").texts("Han andas inte längre").message == "emergency"


def test_a_foreign_number_that_is_on_file_is_answered(clinic):
    phone = clinic.phone("+46701740605")
    aino = clinic.patient(phone=phone, language="sv")
    clinic.visit(aino, "11.3. 9.00")

    assert aino.texts("Jag vill avboka min tid {code}").message == "cancelled"


# --- missing facts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("Peruisin aikani", "cancelled"),
        ("Haluaisin siirtää aikani 12.3. klo 9", "moved"),
        ("Vahvistan aikani", "confirmed"),
        ("Milloin aikani on?", "one_visit"),
        ("Varaisin tarkastuksen 12.3. klo 9", "booked"),
    ],
)
def test_a_text_with_only_the_missing_code_completes_the_command(clinic, words, message):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    clinic.free("12.3. 9.00")

    asked = aino.texts(words)
    done = aino.texts("{name} {code}")

    assert asked.message == "code_missing"
    assert done.message == message


def test_what_is_missing_is_named_with_a_call_as_the_other_way_and_the_advice_to_delete(clinic):
    answer = clinic.patient().texts("Peruisin aikani")

    for words in ("henkilötunnus", "SOITA", "Poista viesti"):
        assert words in answer.text


def test_the_call_is_promised_to_who_chooses_it(clinic):
    aino = clinic.patient()
    aino.texts("Peruisin aikani")

    answer = aino.texts("SOITA")

    assert answer.message == "call_by"
    assert answer.handed is HandOverReason.ASKED_FOR_CALL


def test_half_an_hour_later_a_bare_code_completes_nothing(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    aino.texts("Peruisin aikani")
    clinic.later(minutes=30)

    answer = aino.texts("{code}")

    assert answer.message == "menu"
    assert aino.diary == ["11.3. 9.00 booked"]


def test_the_code_completes_the_command_only_from_the_same_number(clinic):
    phones = [clinic.phone(), clinic.phone()]
    aino = clinic.patient(phone=phones[0], numbers=phones)
    clinic.visit(aino, "11.3. 9.00")
    aino.texts("Peruisin aikani")

    answer = phones[1].texts(aino.code)

    assert answer.message == "menu"
    assert aino.diary == ["11.3. 9.00 booked"]


def test_no_text_that_we_start_asks_for_a_code(clinic):
    aino = clinic.patient()
    clinic.remind(aino, clinic.visit(aino, "11.3. 9.00"))

    assert "tunnus" not in aino.phone.shows[0]


# --- forged senders -----------------------------------------------------------------------------------------------


def test_a_change_from_a_second_number_is_told_to_the_first_on_file(clinic):
    first, second = clinic.phone(), clinic.phone()
    aino = clinic.patient(phone=second, numbers=[first, second])
    clinic.visit(aino, "11.3. 9.00")

    answer = aino.texts("Peruisin aikani {code}")

    assert answer.message == "cancelled"
    assert [(told.number, told.message) for told in answer.elsewhere] == [(first.number, "notice_cancelled")]


@pytest.mark.parametrize(
    ("words", "notice"),
    [
        ("Vahvistan aikani {code}", "notice_confirmed"),
        ("Siirrä aikani 12.3. klo 9 {code}", "notice_moved"),
        ("Varaan tarkastuksen 12.3. klo 9 {code}", "notice_booked"),
    ],
)
def test_every_kind_of_change_is_told(clinic, words, notice):
    first, second = clinic.phone(), clinic.phone()
    aino = clinic.patient(phone=second, numbers=[first, second])
    clinic.visit(aino, "11.3. 9.00")
    clinic.free("12.3. 9.00")

    answer = aino.texts(words)

    assert [(told.number, told.message) for told in answer.elsewhere] == [(first.number, notice)]


def test_undo_works_only_from_the_number_that_made_the_change(clinic):
    first, second = clinic.phone(), clinic.phone()
    aino = clinic.patient(phone=second, numbers=[first, second])
    clinic.visit(aino, "11.3. 9.00")
    aino.texts("Peruisin aikani {code}")

    elsewhere = first.texts("PALAUTA")
    here = second.texts("PALAUTA")

    assert elsewhere.message == "nothing_to_undo"
    assert here.message == "undone"
    assert aino.diary == ["11.3. 9.00 booked"]


def test_undo_takes_back_only_the_last_change(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    clinic.visit(aino, "18.3. 9.00")
    aino.texts("Peruisin aikani 11.3. {code}")
    aino.texts("Peruisin aikani 18.3. {code}")

    messages = [aino.texts("PALAUTA").message for _ in range(2)]

    assert messages == ["undone", "nothing_to_undo"]
    assert aino.diary == ["11.3. 9.00 cancelled", "18.3. 9.00 booked"]


@pytest.mark.parametrize("stale", ["failing", "unproven"])
def test_a_failing_or_long_unproven_number_is_a_stranger_until_a_code_proves_it(clinic, stale):
    aino = clinic.patient()
    visit = clinic.visit(aino, "11.3. 9.00")
    clinic.remind(aino, visit)
    known = {"failing": {"failed_at": clinic.now}, "unproven": {"proven_at": clinic.now.replace(year=2025, month=2)}}
    clinic.set_number(aino, **known[stale])

    answered = aino.texts("2")
    proven = aino.texts("Vahvistan aikani {code}")
    in_session = aino.texts("Peruisin sen sittenkin")

    assert answered.message != "cancelled"
    assert proven.message == "confirmed"
    assert in_session.message == "cancelled"


# --- never texted -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["Peruisin aikani {code}", "Moi", "STOP", "IHMINEN", "asdf", "AITO?", "1"])
def test_who_must_never_be_texted_gets_one_fixed_answer_to_every_text_and_a_person(clinic, words):
    aino = clinic.patient(do_not_text=True)
    clinic.visit(aino, "11.3. 9.00")

    answer = aino.texts(words)

    assert answer.message == "received"
    assert aino.phone.hand_overs == [HandOverReason.DO_NOT_TEXT]
    assert aino.phone.state is ThreadState.WAITING
    assert aino.diary == ["11.3. 9.00 booked"]


def test_an_emergency_of_theirs_gets_the_emergency_answer(clinic):
    answer = clinic.patient(do_not_text=True).texts("En saa henkeä")

    assert answer.message == "emergency"
    assert answer.emergency


def test_a_guardian_is_not_told_of_a_child_who_must_never_be_texted(clinic):
    aino = clinic.patient()
    eero = clinic.child(aino, do_not_text=True)
    clinic.visit(eero, "11.3. 9.00")

    answers = [aino.texts("Milloin lapseni aika on? {code}"), eero.texts("Peru aika {code}")]

    assert all("11.3." not in answer.text for answer in answers)
    assert eero.diary == ["11.3. 9.00 booked"]


# --- is it real? --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", ["AITO?", "ÄKTA?", "REAL?", "Onko tämä viesti teiltä aito?", "is this text from you?"]
)
def test_a_number_hears_whether_we_texted_it_within_seven_days(clinic, words):
    aino = clinic.patient()
    clinic.remind(aino, clinic.visit(aino, "30.3. 9.00"))
    clinic.later(days=6)

    yes = aino.texts(words)
    no = clinic.phone().texts(words)

    assert yes.message == "real_yes"
    assert "3.3." in yes.text
    assert no.message == "real_no"


def test_after_seven_days_it_was_not_ours(clinic):
    aino = clinic.patient()
    clinic.remind(aino, clinic.visit(aino, "30.3. 9.00"))
    clinic.later(days=8)

    assert aino.texts("AITO?").message == "real_no"
