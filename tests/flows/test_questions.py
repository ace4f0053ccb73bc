"""Which question does "1" answer? What is open, for how long, and what beats it (the end of product.md section 3)."""

from __future__ import annotations

import pytest

from models.states import HandOverReason, ThreadState


def two_reminders(clinic, *, apart=2):
    """A patient with two visits, each asked about, the second so many minutes after the first."""
    aino = clinic.patient()
    visits = [clinic.visit(aino, "5.3. 13.00"), clinic.visit(aino, "6.3. 13.00")]
    clinic.remind(aino, visits[0])
    clinic.later(minutes=apart)
    clinic.remind(aino, visits[1])
    clinic.later(minutes=apart)
    return aino


def test_one_is_for_the_only_open_question(clinic):
    aino = clinic.patient()
    clinic.remind(aino, clinic.visit(aino, "5.3. 13.00"))
    clinic.visit(aino, "6.3. 13.00")

    aino.texts("1")

    assert aino.diary == ["5.3. 13.00 confirmed", "6.3. 13.00 booked"]


@pytest.mark.parametrize("words", ["2", "peru", "ei käy"])
def test_what_fits_two_questions_is_asked_back_and_cancels_nothing_by_guess(clinic, words):
    aino = two_reminders(clinic)

    asked = aino.texts(words)
    before = aino.diary
    done = aino.texts("B")

    assert asked.message == "which_question"
    assert before == ["5.3. 13.00 booked", "6.3. 13.00 booked"]
    assert done.message == "cancelled"
    assert aino.diary == ["5.3. 13.00 booked", "6.3. 13.00 cancelled"]


def test_naming_the_day_says_which(clinic):
    aino = two_reminders(clinic)

    answer = aino.texts("Peruisin perjantain ajan")

    assert answer.message == "cancelled"
    assert aino.diary == ["5.3. 13.00 booked", "6.3. 13.00 cancelled"]


def test_a_digit_within_a_minute_of_the_second_question_is_asked_back(clinic):
    aino = clinic.patient()
    clinic.free("12.3. 9.00", "13.3. 9.00")
    aino.texts("Siirtäisin aikaani, vai varaisinko tarkastuksen {code}")
    aino.texts("Varaisin tarkastuksen {code}")
    clinic.remind(aino, clinic.visit(aino, "5.3. 13.00"))

    answer = aino.texts("2")

    assert answer.message == "which_question"
    assert "5.3. 13.00 booked" in aino.diary


def test_a_later_question_of_the_conversation_takes_letters_while_a_reminder_is_open(clinic):
    aino = clinic.patient()
    clinic.remind(aino, clinic.visit(aino, "5.3. 13.00"))
    clinic.free("12.3. 9.00", "13.3. 9.00")
    clinic.later(minutes=2)

    asked = aino.texts("Varaisin tarkastuksen {code}")
    picked = aino.texts("B")
    answered = aino.texts("1")

    assert "A)" in asked.text
    assert "1)" not in asked.text
    assert picked.message == "booked"
    assert answered.message == "confirmed"
    assert aino.diary == ["5.3. 13.00 confirmed", "13.3. 9.00 booked"]


def test_a_new_full_command_beats_an_open_question(clinic):
    aino = clinic.patient()
    clinic.free("12.3. 9.00", "13.3. 9.00")
    clinic.visit(aino, "5.3. 13.00")
    aino.texts("Varaisin tarkastuksen {code}")

    answer = aino.texts("Perukaa aikani 5.3.")
    late = aino.texts("1")

    assert answer.message == "cancelled"
    assert late.message != "booked"
    assert aino.diary == ["5.3. 13.00 cancelled"]


@pytest.mark.parametrize("date", ["1.6.", "2.3.", "1.6. käy mulle"])
def test_a_date_is_no_choice(clinic, date):
    aino = clinic.patient()
    clinic.free("12.3. 9.00", "13.3. 9.00")
    aino.texts("Varaisin tarkastuksen {code}")

    answer = aino.texts(date)

    assert answer.message != "booked"
    assert aino.diary == []


def test_a_number_that_was_not_offered_is_no_choice(clinic):
    aino = clinic.patient()
    clinic.free("12.3. 9.00", "13.3. 9.00")
    aino.texts("Varaisin tarkastuksen {code}")

    answer = aino.texts("7")

    assert answer.message == "again_choices"
    assert aino.diary == []


@pytest.mark.parametrize("words", ["2", "peru", "ei"])
def test_a_question_that_is_over_is_answered_by_nothing(clinic, words):
    aino = clinic.patient()
    clinic.remind(aino, clinic.visit(aino, "5.3. 13.00"), hours=1)
    clinic.later(hours=1)

    aino.texts(words)

    assert aino.diary == ["5.3. 13.00 booked"]


def test_a_reminder_about_a_visit_that_has_begun_cancels_nothing(clinic):
    aino = clinic.patient()
    clinic.remind(aino, clinic.visit(aino, "3.3. 13.00"))
    clinic.later(hours=2)

    aino.texts("2")

    assert aino.diary == ["3.3. 13.00 booked"]


def test_an_honest_second_one_is_a_second_text(clinic):
    aino = clinic.patient()
    clinic.remind(aino, clinic.visit(aino, "5.3. 13.00"))

    first, second = aino.texts("1"), aino.texts("1")

    assert first.message == "confirmed"
    assert second.text
    assert aino.diary == ["5.3. 13.00 confirmed"]


@pytest.mark.parametrize("words", ["hmm", "en tiedä vielä", "ehkä", "en ole varma", "vet inte än", "not sure yet"])
def test_an_unclear_answer_changes_nothing_and_the_question_stays(clinic, words):
    aino = clinic.patient()
    clinic.remind(aino, clinic.visit(aino, "5.3. 13.00"))

    unclear = aino.texts(words)
    answer = aino.texts("1")

    assert unclear.message == "again_visit"
    assert answer.message == "confirmed"


# --- hand-overs ---------------------------------------------------------------------------------------------------


def test_while_nobody_has_taken_the_thread_clear_commands_are_answered(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    aino.texts("IHMINEN")

    answer = aino.texts("Peruisin aikani {code}")

    assert answer.message == "cancelled"
    assert aino.phone.state is ThreadState.WAITING


def test_what_follows_is_added_to_the_hand_over_that_waits(clinic):
    aino = clinic.patient()
    aino.texts("IHMINEN")

    answer = aino.texts("Asia koskee siis viime viikon laskua")

    assert answer.message == "added_to_hand_over"
    assert aino.phone.hand_overs == [HandOverReason.ASKED_FOR_PERSON]


def test_once_a_person_has_the_thread_the_bot_is_silent(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    aino.texts("IHMINEN")
    clinic.take_over(aino.phone)

    for words in ("Peruisin aikani {code}", "Milloin aikani on? {code}", "asdf"):
        assert aino.texts(words).silent
    assert aino.diary == ["11.3. 9.00 booked"]


@pytest.mark.parametrize(
    ("words", "message"),
    [("STOP", "stopped"), ("IHMINEN", None), ("En saa henkeä", "emergency"), ("1", "confirmed")],
)
def test_emergencies_stop_a_person_and_answers_to_our_questions_are_always_handled(clinic, words, message):
    aino = clinic.patient()
    clinic.remind(aino, clinic.visit(aino, "5.3. 13.00"))
    clinic.take_over(aino.phone)

    answer = aino.texts(words)

    assert answer.text
    assert message in (None, answer.message)
    assert aino.phone.state is ThreadState.PERSON


@pytest.mark.parametrize(("now", "promised"), [("3.3. 12.00", "60 min"), ("3.3. 18.00", "ke"), ("6.3. 17.00", "ma")])
def test_the_answer_says_by_when_a_person_answers(clinic, now, promised):
    clinic.at(now)

    answer = clinic.patient().texts("IHMINEN")

    assert promised in answer.text


@pytest.mark.parametrize("word", ["IHMINEN", "PERSON", "HUMAN", "ihminen kiitos", "haluan puhua ihmisen kanssa"])
def test_a_person_is_one_word_away_from_any_question(clinic, word):
    aino = clinic.patient()
    clinic.free("12.3. 9.00")
    aino.texts("Varaisin tarkastuksen ensi viikolle {code}")

    answer = aino.texts(word)

    assert answer.handed is HandOverReason.ASKED_FOR_PERSON


# --- not understood -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "language"), [("asdf qwer kukkuu", "fi"), ("jaha nämen oj", "sv"), ("um well hmm", "en")]
)
def test_once_a_kind_question_then_a_person(clinic, words, language):
    phone = clinic.patient(language=language).phone

    first, second = phone.texts(words), phone.texts(words)

    assert first.message == "menu"
    assert second.handed is HandOverReason.NOT_UNDERSTOOD


def test_two_unclear_texts_count_only_in_a_row(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")

    messages = [aino.texts(words).message for words in ("asdf qwer", "Milloin aikani on? {code}", "qwer asdf")]

    assert messages == ["menu", "one_visit", "menu"]


@pytest.mark.parametrize(
    ("digit", "message"),
    [("1", "code_missing"), ("2", "code_missing"), ("3", "code_missing"), ("4", "handed_over_open")],
)
def test_the_four_choices_lead_on(clinic, digit, message):
    aino = clinic.patient()
    aino.texts("asdf qwer")

    assert aino.texts(digit).message == message


def test_a_choice_and_the_code_lead_all_the_way(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    aino.texts("asdf qwer")
    aino.texts("2")

    answer = aino.texts("{code}")

    assert answer.message == "cancelled"


@pytest.mark.parametrize("words", ["kiitos!", "Kiitos paljon", "tack så mycket", "thanks", "👍", "ok", "selvä"])
def test_thanks_and_ok_need_no_answer(clinic, words):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    aino.texts("Milloin aikani on? {code}")

    assert aino.texts(words).silent


@pytest.mark.parametrize(
    "words",
    [
        "Automaattinen vastaus: olen lomalla 1.7. asti",
        "Tämä on automaattinen vastaus. Ajan autoa, palaan asiaan.",
        "Autosvar: jag är på semester till 1.7",
        "I'm driving right now, I'll get back to you later",
    ],
)
def test_auto_replies_are_never_answered(clinic, words):
    aino = clinic.patient()
    clinic.remind(aino, clinic.visit(aino, "5.3. 13.00"))

    answer = aino.texts(words)

    assert answer.silent
    assert answer.reason


def test_our_own_words_that_come_back_are_never_answered(clinic):
    aino = clinic.patient()
    answer = aino.texts("Peruisin aikani")

    assert aino.phone.texts(answer.text).silent


@pytest.mark.parametrize("words", ["En saa henkeä", "STOP", "IHMINEN", "asdf"])
def test_two_machines_that_answer_each_other_come_to_an_end(clinic, words):
    phone = clinic.phone()
    said = phone.texts(words).text
    for _ in range(30):
        said = phone.texts(said).text if said else ""

    assert len(phone.shows) <= 3
