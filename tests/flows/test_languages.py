"""The answer is in the language of the text when that is certain, else of the thread, else of the file (section 3)."""

from __future__ import annotations

import pytest

from parser.language import tell_language
from parser.lexicon import lexicon
from parser.normal import fold, read_tokens


def language_of(text):
    """Which of the three a text is in."""
    return tell_language(read_tokens(text, fold(text)), lexicon(), set()).code


@pytest.mark.parametrize(
    ("file", "words", "answered"),
    [
        ("sv", "Haluaisin perua aikani", "fi"),
        ("fi", "Jag vill avboka min tid", "sv"),
        ("fi", "I would like to cancel my appointment please", "en"),
        ("en", "peruuttaisin huomisen aikani kiitos", "fi"),
    ],
)
def test_the_text_decides_where_it_is_certain(clinic, file, words, answered):
    aino = clinic.patient(language=file)

    aino.texts(words)

    assert language_of(aino.phone.shows[-1]) == answered


@pytest.mark.parametrize("word", ["moi", "hej", "ok", "no", "en", "ja", "on"])
def test_words_of_several_languages_never_decide(clinic, word):
    aino = clinic.patient(language="sv")

    aino.texts(f"{word} ???")

    assert aino.phone.thread.language is None


@pytest.mark.parametrize(
    ("language", "word"), [("sv", "CANCEL"), ("fi", "cancel"), ("en", "PERU"), ("sv", "tulen"), ("fi", "yes")]
)
def test_a_one_word_reply_takes_the_threads_language(clinic, language, word):
    aino = clinic.patient(language=language)
    clinic.remind(aino, clinic.visit(aino, "11.3. 9.00"))

    answer = aino.texts(word)

    assert answer.message in ("cancelled", "confirmed")
    assert language_of(answer.text) == language


def test_a_bare_code_is_answered_in_the_threads_language(clinic):
    aino = clinic.patient(language="fi")
    clinic.visit(aino, "11.3. 9.00")
    aino.texts("Jag vill avboka min tid")

    answer = aino.texts("{code}")

    assert answer.message == "cancelled"
    assert "avbokade" in answer.text


@pytest.mark.parametrize(
    ("words", "said"),
    [("på svenska tack", "svenska"), ("in English please", "English"), ("suomeksi kiitos", "suomeksi")],
)
def test_a_language_is_changed_on_demand_and_stays(clinic, words, said):
    aino = clinic.patient(language="sv" if said == "suomeksi" else "fi")

    changed = aino.texts(words)

    assert changed.message == "language_changed"
    assert said in changed.text


@pytest.mark.parametrize(
    "words", ["Здравствуйте, мне нужна помощь зуб болит", "Waan u baahanahay caawimaad fadlan ilig"]
)
def test_a_language_that_we_do_not_read_goes_to_a_person(clinic, words):
    answer = clinic.patient().texts(words)

    assert answer.handed is not None
    assert answer.text


def test_a_stranger_is_answered_in_the_clinics_language_when_nothing_tells_another(clinic):
    assert "En odota" in clinic.phone().texts("7").text


def test_every_answer_of_a_swedish_conversation_is_swedish(clinic):
    aino = clinic.patient(language="sv")
    clinic.visit(aino, "11.3. 9.00")
    clinic.free("12.3. 9.00", "13.3. 13.00")

    said = [
        aino.texts(words).text for words in ("Hej, jag vill flytta min tid {code}", "2", "ångra", "STOP", "1", "START")
    ]

    assert [language_of(text) for text in said] == ["sv"] * 6
