"""A nurse adds a word, a contributor a language: nothing but lang/*.toml changes."""

import shutil
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import lang
from parser.command import Context, ContextKind, Interval
from parser.reading import reader

NOW = datetime(2026, 4, 14, 9, tzinfo=ZoneInfo("Europe/Helsinki"))

NORWEGIAN = """
[reading]
name = "norsk"

[reading.language]
certain = ["timebestilling", "avbestille", "tannlege", "ønsker"]
words = ["jeg", "ikke", "kan", "time", "timen", "vil", "hvor", "noe", "deres", "uke", "neste"]

[reading.negation]
words = ["ikke", "ingen"]
before = 2
after = 2

[reading.polite]
words = ["takk", "hilsen"]

[reading.phrases.cancel]
sure = ["avbestill*", "avlys*"]

[reading.phrases.book]
sure = ["bestille time", "ønsker time", "ønsker .. time"]

[reading.phrases.yes]
sure = ["ja takk", "det passer"]

[reading.services]
checkup = ["tannlege*", "undersøkelse"]

[reading.dates.days]
"1" = ["i morgen", "imorgen"]

[reading.dates.weekdays]
"4" = ["torsdag*"]
"1" = ["mandag*"]

[reading.dates.words]
week = ["uke", "uken"]
next = ["neste"]
clock = ["kl", "klokka"]
"""


@pytest.fixture
def folder(tmp_path):
    for path in Path(lang.__file__).parent.glob("*.toml"):
        shutil.copy(path, tmp_path)
    return tmp_path


def add(folder, language, table, key, words):
    path = folder / f"{language}.toml"
    head = f"[{table}]\n"
    text = path.read_text(encoding="utf-8")
    listed = ", ".join(f'"{word}"' for word in words)
    at = text.index(f"{key} = [", text.index(head)) + len(f"{key} = [")
    path.write_text(text[:at] + listed + ", " + text[at:], encoding="utf-8")


def test_three_new_words_change_the_reading(folder):
    texts = ["haluan purukamin", "flippaan ajan", "hammas kremppaa"]
    before = [reader().parse(text, NOW) for text in texts]

    add(folder, "fi", "reading.services", "crown", ["purukami*"])
    add(folder, "fi", "reading.phrases.cancel", "sure", ["flippaan"])
    add(folder, "fi", "reading.services", "pain", ["kremppaa*"])
    after = [reader(folder).parse(text, NOW) for text in texts]

    assert [command.service for command in before] == [None, None, None]
    assert before[1].intent != "cancel"
    assert after[0].service == "crown"
    assert after[1].intent == "cancel"
    assert after[2].service == "pain"


def test_a_fourth_language_is_one_file(folder):
    (folder / "no.toml").write_text(NORWEGIAN, encoding="utf-8")
    norwegian = reader(folder)

    booked = norwegian.parse("Jeg ønsker time hos tannlege neste uke torsdag kl 14", NOW)
    cancelled = norwegian.parse("Jeg vil avbestille timen", NOW)
    confirmed = norwegian.parse("det passer", NOW, Context(ContextKind.REMINDER, at=datetime(2026, 4, 16, 9)))

    assert (booked.intent, booked.language, booked.service) == ("book", "no", "checkup")
    assert booked.when == (Interval(datetime(2026, 4, 23, 14), datetime(2026, 4, 23, 14)),)
    assert (cancelled.intent, cancelled.language) == ("cancel", "no")
    assert confirmed.intent == "confirm"


def test_a_phrase_that_cannot_be_matched_stops_the_start(folder):
    add(folder, "fi", "reading.phrases.cancel", "sure", ["peru .."])

    with pytest.raises(ValueError, match="must begin and end with a word"):
        reader(folder)
