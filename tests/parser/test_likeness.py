"""Likeness reads wordings that no rule foresaw, and never does alone what cannot be said again."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from parser.command import ACT_FROM, Context, ContextKind, Intent
from parser.likeness import Opinion, lanes, unpacked
from parser.reading import reader
from parser.verdict import Verdict
from parser.weighing import weigh
from tests.corpus.learn import examples, learn
from tests.corpus.score import NOW, Labelled

HOUSE = reader()
NONE = Context()
REMINDER = Context(ContextKind.REMINDER, at=datetime(2026, 4, 16, 11, 15))


def labelled(text, intent, context=NONE):
    return Labelled("made up", "1", "en", text, NOW, context, frozenset([intent]))


def opinion_of(**shares):
    spoken_for = {f"word{at}": lanes([(at, 100)]) for at, _ in enumerate(shares)}
    return Opinion(shares, 1.0, spoken_for, tuple(shares))


def evidence(context=REMINDER, text="blorp wibble"):
    return HOUSE._assembly(text, NOW, context, None).evidence()


def unsure(intent=Intent.FREE):
    return Verdict(intent, ["no command found"], None, 0.2)


def test_a_wording_that_no_rule_knows_is_read_once_it_was_learnt():
    taught = [labelled(f"{word} the flobbit", "cancel", REMINDER) for word in ("zap", "zonk", "zork")]
    taught += [labelled(f"{word} the grommit", "free", REMINDER) for word in ("zap", "zonk", "zork")]

    house = replace(HOUSE, likeness=unpacked(learn(examples(taught, HOUSE))))

    assert HOUSE.parse("zing the flobbit", NOW, REMINDER).intent is Intent.FREE
    assert house.parse("zing the flobbit", NOW, REMINDER).intent is Intent.CANCEL
    assert house.parse("zing the grommit", NOW, REMINDER).intent is Intent.FREE


def test_its_reasons_name_the_words():
    taught = [labelled("zap the flobbit", "cancel", REMINDER), labelled("zap the grommit", "free", REMINDER)] * 3
    house = replace(HOUSE, likeness=unpacked(learn(examples(taught, HOUSE))))

    reasons = house.parse("zing the flobbit", NOW, REMINDER).reasons

    assert "flobbit" in reasons[0]


@pytest.mark.parametrize("intent", [Intent.CANCEL, Intent.CONFIRM])
def test_what_is_final_is_asked_and_not_done_on_likeness_alone(intent):
    verdict = weigh(unsure(), opinion_of(**{intent.value: 0.99, "free": 0.01}), evidence())

    assert verdict.intent is intent
    assert verdict.confidence < ACT_FROM


def test_a_plain_text_is_not_overruled():
    said = evidence(NONE, "Please cancel my appointment")

    verdict = weigh(Verdict(Intent.CANCEL, ["cancel"], None, 0.95), opinion_of(book=0.99, cancel=0.01), said)

    assert verdict.intent is Intent.CANCEL


def test_the_surer_the_rules_the_more_it_takes():
    said, opinion = evidence(NONE, "blorp wibble cancel"), opinion_of(book=0.78, cancel=0.22)

    assert weigh(Verdict(Intent.CANCEL, ["?"], None, 0.6), opinion, said).intent is Intent.BOOK
    assert weigh(Verdict(Intent.CANCEL, ["?"], None, 0.96), opinion, said).intent is Intent.CANCEL


def test_what_the_text_denies_is_not_read_into_it():
    said = evidence(REMINDER, "don't cancel the blorp wibble")

    verdict = weigh(unsure(), opinion_of(cancel=0.99, free=0.01), said)

    assert verdict.intent is not Intent.CANCEL


def test_nothing_is_accepted_that_was_not_offered():
    verdict = weigh(unsure(), opinion_of(accept=0.9, free=0.1), evidence(NONE))

    assert verdict.intent is Intent.FREE


def test_texts_are_stopped_only_when_they_are_spoken_of():
    opinion = opinion_of(consent_stop=0.95, free=0.05)

    assert weigh(unsure(), opinion, evidence(NONE, "upphör nu")).intent is Intent.FREE
    assert weigh(unsure(), opinion, evidence(NONE, "upphör blorp med era meddelanden")).intent is Intent.CONSENT_STOP


def test_after_a_question_that_was_never_learnt_likeness_says_nothing():
    text = "can't make it after all, the kids are ill and I am stuck"

    reasons = HOUSE.parse(text, NOW, Context(ContextKind.MENU)).reasons

    assert not any("words like those of" in reason for reason in reasons)


@pytest.mark.parametrize(
    "text",
    [
        "mulla on köysi valmiina, ei tarvii enää varata mitään",
        "har sagt farväl åt katten nu, ikväll slutar de göra ont för alltid",
        "got all my meds in a pile and im taking the lot tonight",
        "grandad's mouth has gone crooked and hes talking gibberish since this morning",
    ],
)
def test_danger_in_roundabout_words_alarms(text):
    assert HOUSE.parse(text, datetime(2026, 4, 14, 9, tzinfo=ZoneInfo("Europe/Helsinki"))).emergency


@pytest.mark.parametrize(
    "text",
    [
        "I left my scarf in the waiting room",
        "Löständerna sitter inte fast mera",
        "this toothache is killing me, any slot",
    ],
)
def test_likeness_alarms_nobody_without_a_word_of_danger(text):
    assert not HOUSE.parse(text, NOW).emergency


@pytest.mark.parametrize("text", ["passar ej", "ei passaa", "doesn't suit"])
def test_who_denies_agrees_to_nothing_whatever_the_words_are_like(text):
    verdict = weigh(unsure(), opinion_of(confirm=0.99, free=0.01), evidence(REMINDER, text))

    assert verdict.intent is not Intent.CONFIRM
