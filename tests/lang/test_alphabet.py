"""The alphabets of an SMS, with smsutil as the oracle of GSM 03.38."""

from __future__ import annotations

import pytest
import smsutil
from hypothesis import example, given
from hypothesis import strategies as st

from lang.alphabet import (
    BASIC,
    ESCAPE,
    EXTENSION,
    Alphabet,
    Coding,
    alphabet_of,
    cut_parts,
    decode_text,
    encode,
    is_gsm,
    plain,
    room,
    segments,
)

GSM_CHARACTERS = BASIC.replace("\x1b", "") + "".join(EXTENSION.values())
gsm_texts = st.text(GSM_CHARACTERS, max_size=400)
all_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200) | st.text("aä€š😀\U0010ffff", max_size=200)


# GSM 03.38


@pytest.mark.parametrize("code", [code for code in range(128) if code != ESCAPE])
def test_every_septet_is_its_character_both_ways(code):
    char = smsutil.decode(bytes([code]))

    assert decode_text(bytes([code]), 0) == char
    assert encode(char) == (bytes([code]), Coding.GSM)


@pytest.mark.parametrize("code", range(128))
def test_every_escaped_septet_is_its_character_or_the_basic_one(code):
    pair = bytes([ESCAPE, code])

    if code in EXTENSION:
        assert decode_text(pair, 0) == smsutil.decode(pair) == EXTENSION[code]
        assert encode(EXTENSION[code]) == (pair, Coding.GSM)
    else:
        assert decode_text(pair, 0) == (" " if code == ESCAPE else BASIC[code])


@given(gsm_texts.filter(bool))
def test_gsm_texts_are_written_as_smsutil_writes_them_and_come_back(text):
    octets, coding = encode(text)

    assert (octets, coding) == (smsutil.encode(text), Coding.GSM)
    assert decode_text(octets, coding) == text


@given(all_texts)
def test_every_text_comes_back(text):
    assert decode_text(*encode(text)) == text.removeprefix("\ufeff")


@given(all_texts)
def test_a_text_is_gsm_when_each_of_its_characters_is(text):
    assert is_gsm(text) == all(char in GSM_CHARACTERS for char in text)


def test_an_escape_character_in_a_text_is_no_gsm():  # smpplib sends it as it is and eats the next character
    assert not is_gsm("\x1be")


def test_an_escape_at_the_very_end_is_a_space():
    assert decode_text(b"peru\x1b", 0) == "peru "


@pytest.mark.parametrize("octets", ["Älä peru".encode("latin-1"), "Älä peru".encode()])
def test_a_default_alphabet_that_is_no_septets_is_read_as_what_it_is(octets):
    assert decode_text(octets, 0) == "Älä peru"


# Codings


@pytest.mark.parametrize(
    ("coding", "octets", "text"),
    [
        (0x01, b"peru @ [aika]", "peru @ [aika]"),
        (0x01, b"{idin p{iv{", "äidin päivä"),  # node-smpp calls GSM 03.38 so
        (0x01, b"PERU P[IV[", "PERU PÄIVÄ"),
        (0x01, b"ei sovi :|", "ei sovi :|"),
        (0x01, b"p\xe4iv\xe4", "päivä"),
        (0x03, "Åbo, hej då".encode("latin-1"), "Åbo, hej då"),
        (0x04, "ääkköset".encode(), "ääkköset"),
        (0x02, "ääkköset".encode("latin-1"), "ääkköset"),
        (0x06, "привет".encode("iso8859_5"), "привет"),
        (0x08, "šš 😀".encode("utf-16-be"), "šš 😀"),
        (0x10, b"\x7b", "ä"),
        (0x15, "ä".encode("latin-1"), "ä"),
        (0x19, "ä".encode("utf-16-be"), "ä"),
        (0x48, "ä".encode("utf-16-be"), "ä"),
        (0xC8, b"\x7b", "ä"),
        (0xE0, "ä".encode("utf-16-be"), "ä"),
        (0xF0, b"\x7b", "ä"),
        (0xF5, "ä".encode("latin-1"), "ä"),
        (0x80, b"\x7b", "ä"),
    ],
)
def test_each_coding_is_read_as_the_standards_have_it(coding, octets, text):
    assert decode_text(octets, coding) == text


@pytest.mark.parametrize("coding", [0x09, 0x0B, 0x0F, 0x1C, 0x20, 0x60, 0x80, 0xBF])
def test_a_coding_that_no_standard_names_is_known_as_such(coding):
    assert alphabet_of(coding) is None


@pytest.mark.parametrize(("coding", "alphabet"), [(0x00, Alphabet.GSM), (0xF4, Alphabet.OCTETS), (0xFB, Alphabet.GSM)])
def test_a_message_class_does_not_change_the_alphabet(coding, alphabet):
    assert alphabet_of(coding) is alphabet


@given(st.binary(max_size=160), st.integers(0, 255))
@example(b"\x1b", 0)
@example(b"\xd8", 8)
def test_octets_from_anywhere_are_some_text_that_can_be_stored(octets, coding):
    decode_text(octets, coding).encode()


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"\x00a\x00", "a\ufffd"),
        (b"\xd8\x3d\x00a", "\ufffda"),
        (b"\xdc\x00\x00a", "\ufffda"),
        (b"\xfe\xff\x00a", "a"),
        (b"\xff\xfea\x00", "a"),
        (b"", ""),
    ],
)
def test_broken_ucs2_costs_only_the_broken_character(octets, text):
    assert decode_text(octets, 8) == text


# What a text costs


@pytest.mark.parametrize(
    ("text", "count", "units"),
    [
        ("", 1, 0),
        ("a" * 160, 1, 160),
        ("a" * 161, 2, 161),
        ("a" * 306, 2, 306),
        ("a" * 307, 3, 307),
        ("€" * 80, 1, 160),
        ("€" * 81, 2, 162),
        (
            "a" * 152 + "€" + "a" * 152,
            3,
            306,
        ),  # the pair does not fit into the first part, and the rest then not in two
        ("š" * 70, 1, 70),
        ("š" * 71, 2, 71),
        ("š" * 134, 2, 134),
        ("š" * 135, 3, 135),
        ("😀" * 35, 1, 70),
        ("😀" * 36, 2, 72),
        ("š" * 66 + "😀" + "š" * 66, 3, 134),
        ("š" * 66 + "\U0010ffff" + "š" * 66, 3, 134),
    ],
)
def test_a_text_costs_what_a_phone_would_count(text, count, units):
    counted = segments(text)

    assert (counted.count, counted.units) == (count, units)


@given((gsm_texts | all_texts).filter(bool))
def test_a_text_costs_what_smsutil_counts(text):
    assert segments(text).count == len(smsutil.split(text).parts)


@pytest.mark.parametrize(
    ("text", "culprit"),
    [("Hei Äiti, 59 €", None), ("Hei Saša ja Žaklin", "š"), ("Nähdään “pian”", "“"), ("ok 😀", "😀")],
)
def test_the_first_character_that_costs_double_is_named(text, culprit):
    counted = segments(text)

    assert counted.culprit == culprit
    assert counted.coding is (Coding.UCS2 if culprit else Coding.GSM)


@given(all_texts)
def test_parts_hold_the_text_whole_and_fit_and_never_end_within_a_pair(text):
    octets, coding = encode(text)
    most = room(coding).beside_header

    parts = cut_parts(octets, coding, most)

    assert b"".join(parts) == octets
    assert all(len(part) <= most for part in parts)
    assert "".join(decode_text(part, coding) for part in parts) == decode_text(octets, coding)


@pytest.mark.parametrize(("header", "septets", "octets"), [(6, 153, 134), (7, 152, 132)])
def test_a_header_leaves_the_room_that_the_standard_says(header, septets, octets):
    assert room(Coding.GSM, header) == (160, septets)
    assert room(Coding.UCS2, header) == (140, octets)


# Plain words


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("59,90\u00a0€, 9.15\u202fAM", "59,90 €, 9.15 AM"),
        ("“ti” – ‘ke’ — to…", "\"ti\" - 'ke' - to..."),
        ("a\u0308a\u0308ni", "ääni"),
        ("soft\u00adhyphen\u200b", "softhyphen"),
        ("rivi\r\nrivi\u2028rivi\tsarake", "rivi\nrivi\nrivi sarake"),
    ],
)
def test_typography_is_made_plain_so_that_it_costs_nothing(text, written):
    assert plain(text) == written
    assert is_gsm(plain(text))


@pytest.mark.parametrize("text", ["Saša Žukov", "Ægir Ørn", "привет", "😀"])
def test_names_keep_their_letters(text):
    assert plain(text) == text


@given(gsm_texts.map(lambda text: text.replace("\r\n", "\n")))
def test_plain_text_stays_as_it_is(text):
    assert plain(text) == text
