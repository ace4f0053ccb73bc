"""What is looked at before a text that somebody wrote goes out."""

from __future__ import annotations

import pytest

from handlers.care import Kind, blocking, check
from tests.builders import a_person
from tests.rows import identity_code

AINO, KALLE = a_person(), a_person(3, given_names="Kalle Juhani", family_name="Esimerkki")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (f"Tunnuksesi on {identity_code()}.", Kind.IDENTITY_CODE),
        (f"Tunnuksesi on {identity_code().lower().replace('-', ' - ')}.", Kind.IDENTITY_CODE),
        ("Lue lisää: https://example.invalid/x", Kind.LINK),
        ("Lue lisää www.hoitola.example", Kind.LINK),
        ("Lue lisää hoitola.fi/ohje", Kind.LINK),
        ("Hei {etunimi}, tervetuloa", Kind.PLACEHOLDER),
        ("Hei [[nimi]]", Kind.PLACEHOLDER),
    ],
)
def test_what_no_text_may_hold_keeps_it_back(body, kind):
    found = blocking(check(body, AINO))

    assert found is not None
    assert found.kind is kind


@pytest.mark.parametrize(
    "body",
    [
        "Muista ottaa särkylääke ajoissa. Soita 09 123 4567, jos oireita tulee.",
        "Tuloaikasi on klo 8.15.Tervetuloa!",
        "Hinta on 59.90 euroa, voimassa 14.5.2026 asti.",
        "Nähdään ti 14.5. klo 9.15",
    ],
)
def test_an_honest_text_goes_out(body):
    assert blocking(check(body, AINO, [AINO])) is None


def test_on_a_shared_number_the_others_names_keep_it_back_and_the_family_name_does_not():
    findings = check("Hei Kalle Esimerkki", AINO, [AINO, KALLE])

    assert [finding.what for finding in findings if finding.blocks] == ["kalle"]
    assert blocking(check("Hei Aino Esimerkki", AINO, [AINO, KALLE])) is None


def test_the_writer_hears_how_many_people_the_number_serves():
    [found] = [finding for finding in check("Hei!", AINO, [AINO, KALLE]) if finding.kind is Kind.SHARED_NUMBER]

    assert (found.blocks, found.count) == (False, 2)


@pytest.mark.parametrize("body", ["Juurihoitosi jatkuu", "Din rotfyllning fortsätter", "Your root canal goes on"])
def test_a_treatment_word_is_a_warning_only(body):
    found = check(body, AINO)

    assert [finding.kind for finding in found] == [Kind.TREATMENT]
    assert blocking(found) is None


def test_the_character_that_doubles_the_price_is_shown():
    [found] = check("Hei \N{SMILING FACE WITH SUNGLASSES} nähdään!", AINO)

    assert (found.kind, found.what, found.count) == (Kind.SEGMENTS, "\N{SMILING FACE WITH SUNGLASSES}", 1)


def test_a_long_text_says_how_many_segments_it_costs():
    [found] = check("a" * 161, AINO)

    assert (found.kind, found.count) == (Kind.SEGMENTS, 2)
