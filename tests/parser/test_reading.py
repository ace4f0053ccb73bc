"""One text at a time: the rules that a clinic would miss first."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from parser.command import Context, ContextKind, Intent, Interval, Recur, Topic
from parser.names import same_person
from parser.reading import parse

HELSINKI = ZoneInfo("Europe/Helsinki")
NOW = datetime(2026, 4, 14, 9, tzinfo=HELSINKI)
THURSDAY = datetime(2026, 4, 16, 11, 15)
REMINDED = Context(ContextKind.REMINDER, at=THURSDAY)
OFFERED = Context(ContextKind.OFFER, at=datetime(2026, 4, 15, 9, 30), code="4K7")


def read(text, context=Context(), now=NOW):  # noqa: B008
    return parse(text, now, context)


@pytest.mark.parametrize(
    "text",
    [
        "CANCEL",
        "END",
        "NO",
        "EI",
        "NEJ",
        "INTE",
        "PERU",
        "PERUUTA",
        "AVBOKA",
        "ANNULLERA",
        "ÅTERBUD",
        "lopetan hoidon",
        "poista aikani",
        "pois listalta",
        "stop sending free times but keep reminders",
        "voiko viestit lopettaa?",
    ],
)
def test_these_are_never_an_opt_out(text):
    assert read(text).intent is not Intent.CONSENT_STOP


@pytest.mark.parametrize("text", ["STOP", "Stopp tack", "Lopettakaa viestit kiitos", "no more texts please"])
def test_a_stop_is_a_stop_in_any_context(text):
    assert {read(text, context).intent for context in (Context(), REMINDED, OFFERED)} == {Intent.CONSENT_STOP}


@pytest.mark.parametrize("text", ["IHMINEN", "PERSON", "HUMAN", "ihminen kiitos"])
@pytest.mark.parametrize("kind", list(ContextKind))
def test_a_person_is_one_word_away_from_every_state(text, kind):
    assert read(text, Context(kind, at=THURSDAY, options=(THURSDAY,))).intent is Intent.HUMAN


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("AITO?", Topic.AUTHENTIC),
        ("ÄKTA?", Topic.AUTHENTIC),
        ("REAL?", Topic.AUTHENTIC),
        ("PALAUTA", Topic.UNDO),
        ("ÅNGRA", Topic.UNDO),
        ("UNDO", Topic.UNDO),
        ("hän on kuollut", Topic.DECEASED),
        ("fel nummer", Topic.WRONG_NUMBER),
        ("running 10 min late", Topic.LATE),
        ("pois peruutuslistalta", Topic.WAITLIST_LEAVE),
        ("SV", Topic.LANGUAGE),
    ],
)
def test_finer_meanings_come_as_topics(text, topic):
    assert read(text).topic is topic


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("SOITA", Intent.CALLBACK),
        ("RING", Intent.CALLBACK),
        ("CALL", Intent.CALLBACK),
        ("VARAA", Intent.BOOK),
        ("BOKA", Intent.BOOK),
        ("BOOK", Intent.BOOK),
        ("OHJE", Intent.HELP),
        ("HJÄLP", Intent.HELP),
        ("APUA", Intent.HELP),
    ],
)
def test_the_words_that_we_ask_for_are_understood(text, intent):
    assert read(text).intent is intent


@pytest.mark.parametrize(
    "text", ["en peru", "en halua perua aikaani", "jag vill inte avboka", "please don't cancel my time", "älkää peruko"]
)
def test_a_denied_command_is_not_done(text):
    assert read(text).intent is not Intent.CANCEL


@pytest.mark.parametrize(
    "text", ["Jos kuume ei laske niin perun", "om det inte går så avbokar jag", "if not then cancel"]
)
def test_a_command_under_a_condition_is_not_done(text):
    assert read(text).intent is not Intent.CANCEL


@pytest.mark.parametrize("text", ["voiko ajan perua?", "Kan man avboka per sms?", "miten ajan voi perua?"])
def test_a_question_about_a_command_is_not_sure_to_be_the_command(text):
    command = read(text)

    assert command.intent is not Intent.CANCEL or command.confidence < 0.7


def test_somebody_else_may_take_it_declines_the_offer():
    assert read("ei haittaa vaikka joku muu ottaa", OFFERED).intent is Intent.DECLINE


def test_a_full_command_beats_the_open_question():
    command = read("Peruisin aikani 21.4., Liisa Mäkinen 010190-900P", OFFERED)

    assert command.intent is Intent.CANCEL
    assert command.ref == (Interval(datetime(2026, 4, 21), datetime(2026, 4, 22)),)


@pytest.mark.parametrize(("text", "intent"), [("1", Intent.CONFIRM), ("2.", Intent.CANCEL), ("3", Intent.RESCHEDULE)])
def test_digits_mean_what_the_reminder_said(text, intent):
    assert read(text, REMINDED).intent is intent


def test_a_date_is_no_choice():
    options = Context(ContextKind.OPTIONS, options=(datetime(2026, 4, 20, 8), datetime(2026, 6, 1, 9)))

    command = read("1.6.", options)

    assert command.choice == 2


OPEN_TIMES = (datetime(2026, 4, 20, 8), datetime(2026, 4, 20, 9))


@pytest.mark.parametrize(
    ("text", "at", "intent"),
    [
        ("Haluaisin varata tarkastuksen 1.6. aamupäivällä", None, Intent.BOOK),
        ("Jag vill boka tid 1.6., Liisa Mäkinen 010190-900P", None, Intent.BOOK),
        ("could I book the 1st of June instead", None, Intent.RESCHEDULE),
        ("Haluaisin varata tarkastuksen 1.6. aamupäivällä", THURSDAY, Intent.RESCHEDULE),
    ],
)
def test_a_whole_request_to_book_moves_no_visit_while_times_for_a_new_one_are_open(text, at, intent):
    assert read(text, Context(ContextKind.OPTIONS, at=at, options=OPEN_TIMES)).intent is intent


def test_a_childs_code_counts_and_the_parents_is_kept_aside():
    command = read("oma hetuni 010190-900P, lapsen 300809A944K, lapselle tarkastus")

    assert command.identity_code == "300809A944K"
    assert command.other_codes == ("010190-900P",)


@pytest.mark.parametrize(("text", "language"), [("hej", "fi"), ("ok", "fi"), ("no", "fi"), ("ja", "fi"), ("moi", "fi")])
def test_one_word_replies_take_the_threads_language(text, language):
    command = parse(text, NOW, Context(ContextKind.REMINDER, at=THURSDAY, language=language))

    assert command.language == language
    assert not command.certain_language


@pytest.mark.parametrize(
    ("text", "language"),
    [("haluaisin varata ajan", "fi"), ("jag vill boka en tid", "sv"), ("I need an appointment please", "en")],
)
def test_a_few_words_tell_the_language(text, language):
    assert read(text).language == language
    assert read(text).certain_language


@pytest.mark.parametrize("text", ["здравствуйте хочу записаться", "مرحبا اريد موعد"])
def test_other_alphabets_go_to_a_person(text):
    command = read(text)

    assert command.intent is Intent.FREE
    assert command.needs_human


def test_a_wish_without_dates_recurs():
    command = read("Tiistaisin ja torstaisin kolmesta eteenpäin, tarkastus. Liisa Mäkinen 010190-900P")

    assert command.recur == Recur((2, 4), "15:00", None)
    assert command.when is None


def test_a_week_later_counts_from_the_visit():
    assert read("sopisiko viikkoa myöhemmin", REMINDED).when == (
        Interval(datetime(2026, 4, 23), datetime(2026, 4, 24)),
    )


def test_the_old_time_and_the_new_one_are_told_apart():
    command = read("siirtäisin tiistain ajan torstaille, Liisa Mäkinen 010190-900P")

    assert command.ref == (Interval(datetime(2026, 4, 21), datetime(2026, 4, 22)),)
    assert command.when == (Interval(datetime(2026, 4, 16), datetime(2026, 4, 17)),)


def test_a_week_over_the_years_end_is_the_iso_week():
    command = read("tarkastus viikolla 1", now=datetime(2026, 12, 30, 9, tzinfo=HELSINKI))

    assert command.when == (Interval(datetime(2027, 1, 4), datetime(2027, 1, 11)),)


def test_a_clock_time_on_the_day_of_the_dst_change_is_wall_clock():
    command = read("hammas särkee, su 25.10. klo 10", now=datetime(2026, 10, 23, 9, tzinfo=HELSINKI))

    assert command.when == (Interval(datetime(2026, 10, 25, 10), datetime(2026, 10, 25, 10)),)


def test_every_command_says_why():
    assert all(read(text).reasons for text in ("peru aika", "1", "hei", "???", "", "hammas särkee", "STOP"))


@pytest.mark.parametrize(
    ("written", "verdict"),
    [
        ("Liisa Mäkinen", "match"),
        ("mäkinen liisa", "match"),
        ("Liisa Makinen", "match"),
        ("Liisa Mäknen", "match"),
        ("Liisa Virtanen", "near"),
        ("Maria Mäkinen", "match"),
        ("Kalle Korhonen", "contradicts"),
        ("", "contradicts"),
    ],
)
def test_a_written_name_is_compared_with_the_register(written, verdict):
    assert same_person(written, "Liisa Maria", "Mäkinen") == verdict


@pytest.mark.parametrize(
    "text",
    [
        "Tere, ma sooviksin aega hambaarsti juurde",
        "Hei, jeg vil gjerne bestille time hos tannlegen",
        "Ich hätte gerne einen Termin, mein Zahn tut weh",
        "Waxaan rabaa ballan dhakhtarka ilkaha",
        "Здравствуйте, болит зуб",
        "أريد موعدا",
    ],
)
def test_a_text_in_a_language_that_we_do_not_read_goes_to_a_person(text):
    command = parse(text, NOW)

    assert (command.intent, command.topic, command.needs_human) == (Intent.FREE, Topic.FOREIGN_LANGUAGE, True)


def test_swedish_is_not_taken_for_its_neighbours():
    assert parse("Jag vill boka en tid när det passar, har ont i en tand", NOW).intent is Intent.BOOK


def test_a_visit_asked_for_still_names_its_service():
    assert parse("ajan hammastarkastukseen", NOW).service == "checkup"


def test_a_time_that_does_not_suit_is_not_confirmed():
    assert parse("Se aika ei käy, vaimo ei vastaa puhelimeen", NOW).intent is not Intent.CONFIRM
