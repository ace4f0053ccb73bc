"""The house rules of what we write: complete in every language, short, plain, and without what a text must not hold."""

from __future__ import annotations

import ast
import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from handlers.answers import VISIT_DIGITS
from handlers.decision import Reply
from handlers.wording import body
from lang.alphabet import segments
from lang.format import Listed, Phone, Spans, Term, Whose
from lang.messages import MessageError, blanks_of, languages, names, render
from models.states import QuestionKind

LANGUAGES = ("en", "fi", "sv")
ROOT = Path(__file__).resolve().parents[2]
# What the longest real data looks like: a Wednesday in December at 12.45, everything else as long as clinics have it.
LATE = datetime(2026, 12, 23, 12, 45, tzinfo=ZoneInfo("Europe/Helsinki"))
CLINIC = {"fi": "Keskustan hammashoitola", "sv": "Centrums tandklinik", "en": "Central dental clinic"}
OPTIONS = tuple(Listed(LATE, str(number)) for number in (1, 2, 3))
LONGEST = {
    "when": LATE,
    "old": LATE,
    "until": LATE,
    "by": LATE,
    "opens": LATE,
    "clinic": CLINIC,
    "whose": Whose("child"),
    "phone": Phone("09 123 45678", ("8", "15.30")),
    "number": "09 123 45678",
    "options": OPTIONS,
    "visits": OPTIONS[:2],
    "questions": (Listed(LATE, "A", Term("move")), Listed(LATE, "B")),
    "people": (Listed("A", "1"), Listed("E", "2")),
    "key": "1",
    "book": "1",
    "cancel": "2",
    "move": "3",
    "human": "4",
    "yes": "1",
    "no": "2",
    "other": "3",
    "minutes": 60,
    "limit": 15,
    "more": 12,
    "emergency": "112",
    "advice": "116117",
    "crisis": "09 2525 0111",
    "hours": Spans(((1, 4, "8", "18"), (5, 5, "8", "15"))),
    "times": Spans(((1, 2, "8", "12"), (4, 4, "8", "12"))),
    "weekly": "2",
    "code": "4K7",
    "address": "Esimerkkikatu 123, 00100 Helsinki",
}
# With three or four visits these need a second segment, and so does whatever has a tail.
LISTS = ("which_cancel", "which_move", "which_confirm", "visits", "visits_and_more")
TREATMENTS = re.compile(
    r"tarkastu|puhdistu|paikkau|oikomi|juurihoi|hammaskiv|kontroll(?!era)|tandhyg|tandregl|rotfyll|check-?up|cleaning|filling"
    r"|orthodon|root canal|diagnoo|diagnos",
    re.IGNORECASE,
)

every_message = pytest.mark.parametrize(
    ("message", "language"), [(message, language) for language in LANGUAGES for message in sorted(names(language))]
)


def test_the_three_languages_are_there():
    assert languages() == LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_exists_in_every_language_with_the_same_blanks(language):
    assert names(language) == names("fi")
    differing = [name for name in names("fi") if blanks_of(name, language) != blanks_of(name, "fi")]
    assert differing == []


@every_message
def test_a_message_fits_one_segment(message, language):
    text = render(message, language, LONGEST)

    cost = segments(text)
    assert cost.culprit is None, "a character outside GSM-7 doubles the price"
    assert cost.count == 1, f"{cost.units} septets: {text}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", LISTS)
def test_a_list_of_four_visits_fits_two_segments(message, language):
    visits = tuple(Listed(LATE, str(number), Term("provisional")) for number in (1, 2, 3, 4))

    text = render(message, language, {**LONGEST, "visits": visits})

    assert segments(text).count <= 2


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", ["cancelled", "moved", "confirmed", "booked", "one_visit"])
def test_an_answer_with_a_tail_fits_two_segments(message, language):
    reply = Reply(message, LONGEST, (language,), tail="rest_to_person")

    assert segments(body(reply, None)).count <= 2


@pytest.mark.parametrize("message", ["emergency_short", "other_language"])
def test_what_is_said_in_every_language_fits_one_segment(message):
    said = body(Reply(message, LONGEST, languages()), None)

    assert segments(said).count == 1
    assert said.count("112") == 3


@every_message
def test_a_message_is_plain(message, language):
    text = render(message, language, LONGEST)

    assert not re.search(r"[\u00a0\u202f]|\.\.|  |[ ]\.|[{}]", text), text
    assert text == text.strip()
    assert text[0].isupper()


@every_message
def test_a_message_holds_no_link_no_code_and_no_treatment(message, language):
    text = render(message, language, {**LONGEST, "clinic": {language: "X"}})

    assert not re.search(r"https?:|www\.|\w\.(fi|com|se)\b", text)
    assert not re.search(r"\d{6}[-+A-FU-Y]\d{3}\w", text)
    assert not TREATMENTS.search(text), text


def _named_in_code() -> set[str]:
    """Every string in the code of handlers that could name a message, the ends of composed ones resolved."""
    found: set[str] = set()
    for path in (ROOT / "handlers").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                start = str(node.values[0].value)
                end = "_gone" if start == "undo_" else ""
                found.update(f"{start}{deed}{end}" for deed in VISIT_DIGITS.values())
    return found


def test_every_message_is_used():
    assert names("fi") - _named_in_code() == set()


def test_every_kind_of_question_has_a_word_in_every_language():
    for language in LANGUAGES:
        for kind in QuestionKind:
            said = render("which_question", language, {"questions": (Listed(Term(kind.value), "A"),), "key": "A"})
            assert said


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fi", "Peruimme lapsesi ajan ke 23.12. klo 12.45."),
        ("sv", "Vi avbokade ditt barns tid on 23.12 kl 12.45."),
        ("en", "We cancelled your child's time on Wed 23.12. at 12.45."),
    ],
)
def test_times_and_whose_they_are_read_as_people_write_them(language, text):
    assert render("cancelled", language, LONGEST).startswith(text)


def test_a_blank_that_begins_a_sentence_has_a_capital():
    said = render("confirmed", "fi", {"when": LATE, "whose": Whose()})
    begun = render("undone", "fi", {"when": LATE, "whose": Whose()})

    assert said.startswith("Kiitos, aikasi ke 23.12.")
    assert begun.startswith("Aikasi ke 23.12.")


def test_options_are_numbered_and_places_follow_in_brackets():
    options = (Listed(LATE, "A", CLINIC), Listed(LATE, "B", {"sv": "Strandens klinik"}))

    said = render("book_options", "sv", {"options": options, "key": "A"})

    assert "A) on 23.12 kl 12.45 (Centrums tandklinik) B) on 23.12 kl 12.45 (Strandens klinik)." in said


def test_a_clinic_without_a_name_in_the_language_goes_by_its_first():
    said = render("address", "en", {"clinic": {"fi": "Rannan hoitola"}, "address": "Ranta 1"})

    assert said.startswith("Rannan hoitola: Ranta 1")


def test_hours_are_named_only_where_the_clinic_has_the_same_on_all_weekdays():
    said = render("real_no", "fi", {"phone": Phone("09 123")})

    assert said.endswith("Soita 09 123.")


@pytest.mark.parametrize(
    ("message", "language", "blanks"),
    [("no_such_message", "fi", {}), ("confirmed", "xx", {}), ("confirmed", "fi", {"when": LATE})],
)
def test_what_is_missing_is_named_and_no_value_is(message, language, blanks):
    with pytest.raises(MessageError) as raised:
        render(message, language, blanks)

    assert "23.12" not in str(raised.value)
