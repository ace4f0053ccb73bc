"""Identity codes in any dress: read, refused, asked again, and never shown."""

from datetime import date

import pytest

from parser.identity import COUNTRIES, birth_date, read_codes
from parser.mask import mask

TODAY = date(2026, 4, 14)


def statuses(text, country="FI"):
    return [(found.code, found.status) for found in read_codes(text, TODAY, country)]


@pytest.mark.parametrize(
    "written",
    ["010190-900P", "010190-900p", "010190 - 900 P", "0101 90-900p", "01.01.90-900P", "010190–900P", "(010190-900P)"],
)
def test_a_code_in_any_dress_is_the_same_code(written):
    assert statuses(f"Peru aika {written}, kiitos") == [("010190-900P", "ok")]


@pytest.mark.parametrize("written", ["170312B9515", "300809A944K", "190372X972L"])
def test_every_separator_since_2023_is_known(written):
    assert statuses(written) == [(written, "ok")]


@pytest.mark.parametrize("written", ["010190-900A", "320190-900P", "290223A9019"])
def test_a_wrong_check_character_or_date_is_invalid(written):
    assert statuses(written) == [(None, "invalid")]


@pytest.mark.parametrize("written", ["010190900P", "140578 912l", "O1O190-9OOP", "010190-900"])
def test_a_damaged_code_is_asked_again_and_never_guessed(written):
    assert statuses(written) == [(None, "malformed")]


def test_somebody_not_born_yet_has_no_code():
    born_later = "150427A900"
    check = "0123456789ABCDEFHJKLMNPRSTUVWXY"[int("150427900") % 31]

    assert statuses(born_later + check) == [(None, "invalid")]


@pytest.mark.parametrize("text", ["soita 0405550123", "+358 40 555 0123", "klo 9.15 ti 14.4.", "vko 22 ma-ke", "10-12"])
def test_phones_dates_and_hours_are_no_codes(text):
    from parser.hiding import hide

    assert hide(text, TODAY).codes == []


def test_a_swedish_number_is_foreign_in_finland_and_right_in_sweden():
    assert statuses("19811228-9874") == [("19811228-9874", "foreign")]
    assert statuses("811228-9874", "SE") == [("19811228-9874", "ok")]
    assert statuses("811228-9873", "SE") == [(None, "invalid")]


def test_a_coordination_number_has_a_birth_date():
    assert birth_date("19701063-2391", "SE") == date(1970, 10, 3)


@pytest.mark.parametrize(
    ("code", "born"), [("010190-900P", date(1990, 1, 1)), ("170312B9515", date(2012, 3, 17)), ("nonsense", None)]
)
def test_the_birth_date_is_in_the_code(code, born):
    assert birth_date(code) == born


def test_both_countries_are_plugged_in():
    assert set(COUNTRIES) == {"FI", "SE"}


@pytest.mark.parametrize(
    "written",
    [
        "010190-900P",
        "010190-900p",
        "0101 90-900p",
        "010190 900P",
        "010190900P",
        "01.01.90-900P",
        "010190 - 900 P",
        "O1O190-9OOP",
        "010190A900",
        "19811228-9874",
        "811228-9874",
    ],
)
def test_what_is_stored_shows_no_code(written):
    masked = mask(f"Olen Liisa, {written}, peru aika")

    assert "900" not in masked
    assert "9OO" not in masked
    assert "987" not in masked
    assert masked.startswith("Olen Liisa, ")
    assert masked.endswith(", peru aika")


@pytest.mark.parametrize("text", ["soita 0405550123", "ti 14.4. klo 9.15", "2026-04-14", "hei", "vko 50-51", ""])
def test_what_is_no_code_is_stored_as_it_is(text):
    assert mask(text) == text


@pytest.mark.parametrize("number", ["09 2525 0111", "019 555 0123", "02-555 0123"])
def test_a_landline_is_shown_and_a_code_without_its_separator_is_not(number):
    assert mask(f"soita {number}, tunnus 090952 9011") == f"soita {number}, tunnus 090952-****"
