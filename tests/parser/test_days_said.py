"""Which days a wish means: the last Monday of a month, exceptions, what follows a visit or comes before an event."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from parser.command import Context, ContextKind
from parser.reading import parse
from tests.corpus.score import days_of

NOW = datetime(2026, 4, 14, 9, tzinfo=ZoneInfo("Europe/Helsinki"))  # a Tuesday
REMINDED = Context(ContextKind.REMINDER, at=datetime(2026, 4, 16, 11, 15))


def wished(text, context=Context()):  # noqa: B008
    return days_of([(one.start, one.end) for one in parse(text, NOW, context).when or ()], NOW)


def april(*days):
    return {date(2026, 4, day) for day in days}


def may(*days):
    return {date(2026, 5, day) for day in days}


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("hammaskiven poisto toukokuun eka viikko", may(4, 5, 6, 7, 8, 9, 10)),
        ("tarkastus toukokuun toinen tiistai", may(12)),
        ("tarkastus toukokuun viimeinen maanantai", may(25)),
        ("kontroll sista måndagen i maj", may(25)),
        ("a check-up on the first Monday of May", may(4)),
        ("a check-up in the week of 18 May", may(18, 19, 20, 21, 22, 23, 24)),
        ("tarkastus 18.5. alkavalla viikolla", may(18, 19, 20, 21, 22, 23, 24)),
        ("a check-up, I am around 20-22 April", april(20, 21, 22)),
        ("tarkastus ensi vko ke ja su ei käy, muut päivät jees", april(20, 21, 23, 24, 25)),
        ("tarkastus: viikko 20 käy, paitsi helatorstai", may(11, 12, 13, 15, 16, 17)),
        ("Onnistuisko tarkastus heti vapun jälkeen, maanantaina 4.5.?", may(4)),
        ("a check-up tomorrow or the day after", april(15, 16)),
        ("Before I fly on the 16th, could someone do a check?", april(14, 15)),
        ("paikka irtosi, pääsenkö tälle päivälle tai huomiselle", april(14, 15)),
        ("paikka irtosi, pääsiskö viel täl viikol", april(14, 15, 16, 17, 18, 19)),
        ("tarvita hammas tarkastus ke.", april(15)),
        ("loma alkaa pe 24.4., sille päivälle paikan uusiminen", april(24)),
    ],
)
def test_a_visit_is_wished_for_these_days(text, days):
    assert wished(text) == days


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("I have 8 May at 10. The following week would be better", may(11, 12, 13, 14, 15, 16, 17)),
        ("Fredagen den 8 maj kl 10 är min tid; samma klockslag följande måndag vore bättre", may(11)),
        ("Aikani on vapun jälkeen 8.5. klo 10. Viikkoa myöhemmin kävisi paremmin", may(15)),
        ("Tiistaini venytetään kahdella viikolla", may(5)),
        ("Byt min fredagstid till onsdag nästa vecka", april(22)),
        ("voisko mun tiistain vaihtaa keskiviikkoon", april(15)),
        ("none of these suit me, what about 20 or 21 April?", april(20, 21)),
        ("I have 8 am on 29 April. Could I come later that same day, after 1 pm?", april(29)),
    ],
)
def test_a_visit_is_moved_to_these_days(text, days):
    assert wished(text) == days


def test_a_weekday_of_another_week_is_not_the_visits_own():
    assert wished("ugh stuck at a conference, can we do thursday next week?", REMINDED) == april(23)


def test_what_somebody_has_is_no_minute():
    assert wished("Hej, jag undrar om min tandställning kunde stramas åt nån gång snart?") == set()


@pytest.mark.parametrize("text", ["huomenna ei käy eikä ensi viikolla", "tomorrow doesn't suit, nor next week"])
def test_what_does_not_suit_is_not_wished(text):
    assert wished(text, REMINDED) == set()
