from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.crypto import Keys, SealBroken, open_bytes, open_text, seal_bytes, seal_text

KEYS = Keys(b"a secret of the clinic, 32 bytes!")
OTHER = Keys(b"a secret of another clinic's, too")
BODY = "outbox.body"
TEXT = "Aikasi ti 14.5. klo 9.15 on peruttu."


@given(st.text(), st.text(), st.one_of(st.integers(), st.text()))
def test_a_sealed_text_opens_in_its_place(text, column, row):
    assert open_text(KEYS, column, row, seal_text(KEYS, column, row, text)) == text


def test_half_an_emoji_is_sealed_like_any_other_text():
    assert open_text(KEYS, BODY, 1, seal_text(KEYS, BODY, 1, "kiitos \ud83d")) == "kiitos \ud83d"


@given(st.binary())
def test_sealed_octets_open_in_their_place(octets):
    assert open_bytes(KEYS, "inbox.octets", 7, seal_bytes(KEYS, "inbox.octets", 7, octets)) == octets


def test_a_sealed_text_shows_nothing_of_itself_not_even_that_it_is_repeated():
    once, again = seal_text(KEYS, BODY, "reply:1", TEXT), seal_text(KEYS, BODY, "reply:1", TEXT)

    assert once != again
    assert TEXT.encode() not in once


@pytest.mark.parametrize(
    ("column", "row"),
    [
        ("outbox.body", "reply:2"),
        ("inbox.text", "reply:1"),
        ("outbox.bod", "yreply:1"),  # the border between column and row is part of the place
    ],
)
def test_a_sealed_text_does_not_open_in_another_place(column, row):
    sealed = seal_text(KEYS, BODY, "reply:1", TEXT)

    with pytest.raises(SealBroken):
        open_text(KEYS, column, row, sealed)


@given(st.data())
def test_a_sealed_text_with_any_bit_changed_does_not_open(data):
    sealed = bytearray(seal_text(KEYS, BODY, 1, TEXT))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8

    with pytest.raises(SealBroken):
        open_text(KEYS, BODY, 1, bytes(sealed))


@given(st.integers(0, 200))
def test_a_sealed_text_that_was_cut_does_not_open(length):
    sealed = seal_text(KEYS, BODY, 1, TEXT)

    with pytest.raises(SealBroken):
        open_text(KEYS, BODY, 1, sealed[: min(length, len(sealed) - 1)])


def test_another_clinics_key_does_not_open_it_and_the_error_says_why_without_the_text():
    sealed = seal_text(KEYS, BODY, 1, TEXT)

    with pytest.raises(SealBroken, match="a key that we do not have") as broken:
        open_text(OTHER, BODY, 1, sealed)

    assert "peruttu" not in str(broken.value)


def test_after_a_change_of_the_secret_the_old_texts_open_and_the_new_ones_need_the_new_secret():
    old, new = b"the secret of last year, 32 bytes", b"the secret of this year, 32 bytes"
    changed = Keys(new, retired=[old])

    written_before = seal_text(Keys(old), BODY, 1, TEXT)
    written_after = seal_text(changed, BODY, 2, TEXT)

    assert open_text(changed, BODY, 1, written_before) == TEXT
    assert open_text(Keys(new), BODY, 2, written_after) == TEXT
    with pytest.raises(SealBroken):
        open_text(Keys(old), BODY, 2, written_after)


def test_a_short_secret_is_refused():
    with pytest.raises(ValueError, match="at least 32 bytes"):
        Keys(b"x" * 31)


def test_the_same_secret_twice_is_refused():
    with pytest.raises(ValueError, match="same key id"):
        Keys(b"x" * 32, retired=[b"x" * 32])


def test_a_blind_index_finds_an_equal_value_and_is_the_same_in_every_process():
    assert KEYS.blind("010190-999X", "patient.identity_code").hex() == (
        Keys(b"a secret of the clinic, 32 bytes!").blind(b"010190-999X", "patient.identity_code").hex()
    )


@pytest.mark.parametrize(
    "other",
    [
        KEYS.blind("010190-999Y", "patient.identity_code"),
        KEYS.blind("010190-999X", "inbox.digest"),
        KEYS.blind("\0010190-999X", "patient.identity_code"),
        OTHER.blind("010190-999X", "patient.identity_code"),
    ],
    ids=["another code", "another purpose", "a moved border", "another secret"],
)
def test_blind_indexes_of_different_things_have_nothing_in_common(other):
    digest = KEYS.blind("010190-999X", "patient.identity_code")

    assert len(digest) == 32
    assert digest != other


def test_keys_do_not_show_the_secret():
    assert "secret of the clinic" not in f"{KEYS!r} {KEYS}"


def test_keys_made_by_this_release_are_the_keys_of_the_first():
    """Changing a derivation would lock every clinic out of its own texts; these values were made by release 0.1."""
    keys = Keys(bytes(range(32)))

    assert (
        keys.blind("010190-999X", "patient.identity_code").hex()
        == "db81476f4891e5573c5584a03738f4f50ced8e605446b0a46fb43ec9eee2f4bf"
    )
    assert (
        open_text(
            keys, BODY, "reply:1", bytes.fromhex("575bd6e3c2ea44b7be218ed6e32143919b1f452099ebc841ce30f79b76c34dcd")
        )
        == "Hei"
    )
