"""Ordinary words beside ours: what begins like a command, denies something else, or was cancelled by somebody else."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from parser.command import ACT_FROM, Context, ContextKind, Intent
from parser.reading import parse

NOW = datetime(2026, 4, 14, 9, tzinfo=ZoneInfo("Europe/Helsinki"))
REMINDED = Context(ContextKind.REMINDER, at=datetime(2026, 4, 16, 11, 15))

BEGINS_LIKE_CANCEL = [
    "time to scrape the tartar", "you scraped my gum last time", "I have a scratch in my gum", "my filling is off",
    "can you take the braces off?", "erase the stains please", "peruna jäi hampaan väliin", "puren hampaita yöllä",
    "puran hampaita yöllä", "perusterveystiedot ovat samat", "poistakaa hammaskivi samalla", "tikit pois samalla?",
    "lagningen släpper", "kronan släppte", "kan ni ta bort tandstenen samtidigt?", "inställningen är bra",
    "what is your cancellation policy?", "onko peruutusmaksu?", "vad är avbokningsavgiften?",
]  # fmt: skip
DENIES_SOMETHING_ELSE = [
    "no allergies", "no new medication", "no fever", "I can't eat on that side", "I can't find the address",
    "ei allergioita", "ei kuumetta", "ei muutoksia lääkityksessä", "en ole raskaana", "en voi syödä",
    "en löydä osoitetta", "paikka ei pysy", "inga allergier", "ingen feber", "är inte allergisk", "kan inte tugga",
    "hittar inte adressen", "unfortunately I have a dead tooth", "valitettavasti hampaasta lohkesi pala",
    "tyvärr lossnade lagningen", "the pain is bad", "food gets stuck between my teeth",
]  # fmt: skip
STILL_COMING = [
    "can't wait to see you", "I won't be late", "don't worry I'm coming", "en malta odottaa", "en unohda",
    "kommer inte för sent", "jag är inställd på att komma", "who said anything about cancelling? I'm coming",
    "Nej jag avbokar inte, jag kommer", "my meeting got cancelled so I can make it", "koulu on peruttu eli pääsen",
    "mötet blev inställt så jag kommer", "sairaalan aikani peruuntui mutta teidän pitää",
    "ei muutoksia, tullaan", "nothing to cancel, I'll be there", "jåå vi kommer, har int glömt", "stryk inte tiden",
    "ok thanks for the reminder", "ok tack för påminnelsen", "ok kiitos muistutuksesta",
]  # fmt: skip


@pytest.mark.parametrize("text", [*BEGINS_LIKE_CANCEL, *DENIES_SOMETHING_ELSE, *STILL_COMING])
@pytest.mark.parametrize("asked", [REMINDED, Context()], ids=["reminded", "unasked"])
def test_no_visit_is_given_up_by_what_only_sounds_like_it(asked, text):
    command = parse(text, NOW, asked)

    assert not (command.intent is Intent.CANCEL and command.confidence >= ACT_FROM), command.reasons


@pytest.mark.parametrize("text", STILL_COMING)
def test_who_only_denies_that_they_cancel_is_coming(text):
    assert parse(text, NOW, REMINDED).intent is Intent.CONFIRM


@pytest.mark.parametrize(
    "text",
    [
        "kuinka saan varatun ajan pois?", "poistakaa aikani", "ottakaa aika pois", "kan ni ta bort tiden",
        "släpp min tid", "scrap my appointment", "take me off the list please", "is off then, my time on Thursday",
        "voiko perua tässä?", "går det att avboka här?", "can I cancel here?",
    ],
)  # fmt: skip
def test_the_same_words_of_a_visit_still_give_it_up(text):
    assert parse(text, NOW, REMINDED).intent is Intent.CANCEL


@pytest.mark.parametrize(
    "text", ["hukun töihin, kuolen kiireeseen", "håller på att dö av allt jobb", "dying from work"]
)
def test_nobody_dies_of_work(text):
    assert not parse(text, NOW, REMINDED).emergency
