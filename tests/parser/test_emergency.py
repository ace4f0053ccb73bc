"""Red flags are never missed; ordinary dental words alarm nobody."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from parser.command import Context, ContextKind
from parser.reading import parse

NOW = datetime(2026, 4, 14, 9, tzinfo=ZoneInfo("Europe/Helsinki"))

RED = """
en saa henkeä
hengitys on vaikeaa ja kurkku turpoaa
henkeä ahdistaa
verta tulee eikä se lopu
vuotaa verta koko yön
haavasta valuu veri valtoimenaan
rintakipua ja hikoilua
puristava kipu rinnassa
hän meni tajuttomaksi tai on tajuton
isä ei herää
kouristelee lattialla
haluan tappaa itseni
en jaksa enää elää
turvotus on levinnyt kaulaan
kieli turpoaa
soittakaa ambulanssi
jag kan inte andas
svårt att andas
halsen svullnar igen
det blöder och slutar inte
blodet forsar
ont i bröstet
han är medvetslös
hon vaknar inte
jag vill dö
tänker ta livet av mig
svullnaden går ner i halsen
ring ambulans
i can't breathe
struggling to breathe
my throat is swelling shut
it won't stop bleeding
bleeding for hours
chest pain
he is unconscious
she is not waking up
i want to kill myself
i don't want to live anymore
swelling is spreading to my neck
call an ambulance
"""

CALM = """
ikenistä tulee vähän verta harjatessa
hammasharja on verinen aamuisin
hammas tappaa mut, aika heti kiitos
dör hellre än stiger upp så tidigt
tandköttet blöder lite när jag borstar
I'd kill for a slot tomorrow, this filling is murder
my gums bleed a bit when I brush
poski vähän turvonnut, saisiko ajan
kinden är lite svullen
verenvuoto lakkasi jo
dead tooth, need a root canal
kuolen nälkään ennen aikaani
onko teillä ilmastointi
haluaisin ajan rintaleikkauksen jälkeen toukokuussa
"""


@pytest.mark.parametrize("text", RED.strip().splitlines())
@pytest.mark.parametrize("kind", [ContextKind.NONE, ContextKind.REMINDER, ContextKind.SURVEY])
def test_a_red_flag_alarms_in_every_context(text, kind):
    assert parse(text, NOW, Context(kind, at=NOW.replace(tzinfo=None))).emergency


@pytest.mark.parametrize("text", CALM.strip().splitlines())
def test_ordinary_words_alarm_nobody(text):
    assert not parse(text, NOW).emergency


def test_a_command_beside_an_emergency_is_not_carried_out():
    command = parse("Peru aikani, en saa henkeä", NOW)

    assert command.intent == "human"
    assert command.needs_human
