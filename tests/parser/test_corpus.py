"""The parser keeps what it has reached on the labelled texts (tests/corpus)."""

import pytest

from tests.corpus.score import PARTS, expressions, given, own, score

FLOORS = {
    "dev": (0.98, 0.94),
    "own": (0.98, 0.96),
    "second": (0.97, 0.95),
    "third": (0.97, 0.95),
    "fourth": (0.96, 0.94),
    "fifth": (0.96, 0.94),
    "sixth": (0.9, 0.9),
    "seventh": (0.97, 0.95),
    "eighth": (0.95, 0.93),
    "ninth": (0.9, 0.88),
    "a1": (0.97, 0.95),
    "b1": (0.97, 0.95),
    "a2": (0.97, 0.93),
    "b2": (0.95, 0.9),
    "a3": (0.97, 0.94),
    "b3": (0.95, 0.92),
    "c1": (0.97, 0.95),
    "d1": (0.97, 0.95),
    "e1": (0.97, 0.95),
}


@pytest.mark.parametrize("part", list(PARTS))
def test_the_corpora_are_read_as_labelled(part):
    intent, frame = FLOORS[part]

    tally = score(list(PARTS[part](part)))

    assert tally.share("intent", "n") >= intent, tally.errors
    assert tally.share("frame", "n") >= frame, tally.errors


@pytest.mark.parametrize("part", list(PARTS))
def test_no_emergency_is_missed_and_nobody_is_harmed(part):
    tally = score(list(PARTS[part](part)))

    assert tally.counts["emergencies found"] == tally.counts["emergencies"], tally.errors
    assert tally.counts["false alarms"] <= 1, tally.errors
    assert tally.counts["harm"] == 0, tally.errors


def test_the_given_dated_texts_are_dated_right_and_no_others():
    tally = score(list(given()))

    assert tally.share("days", "dated") >= 0.92, tally.errors
    assert tally.counts["false dates"] == 0, tally.errors


def test_one_word_replies_are_read_in_their_context():
    tally = score(list(given()))

    assert tally.counts["short right"] == tally.counts["short"] > 0, tally.errors


def test_bare_expressions_of_time_are_exact():
    tally = expressions()

    assert tally.share("exact", "n") >= 0.97, tally.errors


def test_a_wrong_label_is_counted_as_an_error():
    text = next(text for text in own("own") if text.intents == {"cancel"})
    bent = type(text)(**{name: getattr(text, name) for name in text.__slots__} | {"intents": frozenset(["book"])})

    assert score([text]).counts["intent"] == 1
    assert score([bent]).counts["intent"] == 0
