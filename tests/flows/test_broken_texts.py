"""Texts in parts, in odd alphabets, or with nothing in them: nothing lost, nothing stuck (issue 2, bad input)."""

from __future__ import annotations

import random

import pytest

from models.states import HandOverReason, ThreadState

LONG = (
    "Hei! Olen ollut flunssassa jo toista viikkoa eikä kunto ole vielä entisellään, lapsetkin yskivät, ja töissä on"
    " ollut kiirettä niin että olen ihan poikki. Sen takia peruisin aikani teille. {name} {code}. Kiitos ja anteeksi!"
)


@pytest.mark.parametrize("mode", ["udh8", "udh16", "sar"])
@pytest.mark.parametrize("order", ["sent", "backwards", "mixed"])
def test_a_long_text_is_one_text_in_whatever_order_its_parts_come(clinic, mode, order):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    parts = aino.phone.parts(LONG.format(name=aino.name, code=aino.code), mode)
    if order == "backwards":
        parts.reverse()
    if order == "mixed":
        random.Random(7).shuffle(parts)

    answer = aino.phone.sends(parts)

    assert len(parts) > 1
    assert answer.message == "cancelled"
    assert len(aino.phone.shows) == 1


def test_a_text_of_ten_parts_is_read_to_its_end(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    words = ("Tarina jatkuu ja jatkuu. " * 80)[:1400] + f" Perukaa aikani. {aino.name} {aino.code}"
    parts = aino.phone.parts(words)

    answer = aino.phone.sends(parts)

    assert len(parts) == 10
    assert answer.message == "cancelled"


def test_while_a_part_is_missing_nothing_is_answered_and_nothing_held_up(clinic):
    aino, bertta = clinic.patient(), clinic.patient("Bertta Mallinen")
    clinic.visit(bertta, "11.3. 9.00")
    parts = aino.phone.parts(LONG.format(name=aino.name, code=aino.code))

    waiting = aino.phone.sends(parts[:-1])
    others = bertta.phone.sends(bertta.phone.parts(f"Peruisin aikani {bertta.code}"))

    assert waiting.text == ""
    assert others.message == "cancelled"


def test_the_last_part_may_come_minutes_later(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    parts = aino.phone.parts(LONG.format(name=aino.name, code=aino.code))
    aino.phone.sends(parts[:-1])
    clinic.later(minutes=7)
    clinic.service.sweep()

    answer = aino.phone.sends(parts[-1:])

    assert answer.message == "cancelled"


def test_a_part_that_never_comes_gives_the_text_to_a_person_and_changes_nothing(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    parts = aino.phone.parts(LONG.format(name=aino.name, code=aino.code))
    del parts[0]
    aino.phone.sends(parts)
    clinic.later(minutes=9)

    clinic.service.sweep()

    assert len(aino.phone.shows) == 1
    assert "osa" in aino.phone.shows[0]
    assert aino.phone.hand_overs == [HandOverReason.INCOMPLETE_TEXT]
    assert aino.phone.state is ThreadState.WAITING
    assert aino.diary == ["11.3. 9.00 booked"]


def test_an_emergency_in_a_text_with_a_gap_is_still_one(clinic):
    aino = clinic.patient()
    parts = aino.phone.parts("En saa henkeä, kurkku turpoaa. " + "Olen kotona ja odotan. " * 10)
    aino.phone.sends(parts[:-1])
    clinic.later(minutes=9)

    clinic.service.sweep()

    assert "112" in aino.phone.shows[0]


def test_two_long_texts_of_two_people_with_one_reference_are_not_mixed(clinic):
    aino, bertta = clinic.patient(), clinic.patient("Bertta Mallinen")
    for person, wall in ((aino, "11.3. 9.00"), (bertta, "12.3. 9.00")):
        clinic.visit(person, wall)
    sets = [person.phone.parts(LONG.format(name=person.name, code=person.code)) for person in (aino, bertta)]
    for first, second in zip(*sets, strict=True):
        octets = second.fields["short_message"]
        second.fields["short_message"] = octets[:3] + first.fields["short_message"][3:4] + octets[4:]

    aino.phone.sends([part for pair in zip(*sets, strict=True) for part in pair])

    assert aino.diary == ["11.3. 9.00 cancelled"]
    assert bertta.diary == ["12.3. 9.00 cancelled"]


def test_a_part_that_comes_twice_is_one_part(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")
    words = LONG.format(name=aino.name, code=aino.code)
    parts = aino.phone.parts(words)
    again = [type(parts[0])(parts[0].fields, parts[0].tlvs)]

    aino.phone.sends([parts[0], *again, *parts[1:]])

    assert len(aino.phone.shows) == 1
    assert aino.diary == ["11.3. 9.00 cancelled"]


@pytest.mark.parametrize("empty", ["", " ", "\n", "   \n  ", "."])
def test_a_text_with_nothing_in_it_is_answered_kindly_and_then_by_a_person(clinic, empty):
    aino = clinic.patient()

    first, second = aino.texts(empty), aino.texts(empty)

    assert first.message == "menu"
    assert second.handed is HandOverReason.NOT_UNDERSTOOD


@pytest.mark.parametrize(
    ("octets", "coding"),
    [
        (b"\xd8\x3d", 8),  # half a surrogate pair
        (b"\x00P\x00e\x00r\x00", 8),  # an odd number of octets
        (b"\x1b\x1b\x1b", 0),  # escapes to nowhere
        (b"\xff\xfe\xfd\xfc", 0),  # no septets
        (bytes(range(128, 140)), 3),  # control characters of Latin-1
        (b"\x01\x02\x03\x04", 4),  # binary
        (b"\x93\xfa\x96\x7b", 5),  # JIS
        (b"Peru aikani", 0xF1),  # a message class
        (b"\x00" * 140, 2),
    ],
)
def test_a_broken_alphabet_is_answered_or_handed_over_and_holds_nothing_up(clinic, octets, coding):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")

    broken = aino.phone.sends(aino.phone.octets(octets, coding))
    after = aino.phone.sends(aino.phone.parts(f"Peruisin aikani {aino.code}"))

    assert broken.outcome is not None
    assert after.message == "cancelled"


@pytest.mark.parametrize(
    "words",
    [
        "Peruisin aikani 😷🤧 {code} 🙏",
        "PERUISIN AIKANI {code}",
        "perusin ajan {code}",
        "Peruisin  aikani,\n\n{name}\n{code}\n",
        "«Peruisin aikani» – {code} …",
        "peruisin aikani\u200b {code}\ufeff",
        "Hei. Kiitos viimeisestä. Nyt kävi niin että en pääse tulemaan. Perukaa aika. {code} Hyvää jatkoa!",
    ],
)
def test_emoji_shouting_signs_and_line_breaks_change_nothing_in_what_is_read(clinic, words):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")

    assert aino.texts(words).message == "cancelled"


@pytest.mark.parametrize(
    "words", ["'; DROP TABLE patient; --", "<script>alert(1)</script>", "{code}{0}%s%n", "\x00\x01"]
)
def test_what_is_no_text_of_a_patient_changes_nothing(clinic, words):
    aino = clinic.patient()
    clinic.visit(aino, "11.3. 9.00")

    aino.phone.texts(words)

    assert aino.diary == ["11.3. 9.00 booked"]
    assert aino.texts("Milloin aikani on? {code}").message == "one_visit"
