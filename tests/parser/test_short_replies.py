"""One to three words in answer to our question: in three languages, spoken, misspelt, in figures and in emoji."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from parser.command import ACT_FROM, Context, ContextKind, Interval
from parser.reading import parse

NOW = datetime(2026, 4, 14, 9, tzinfo=ZoneInfo("Europe/Helsinki"))
THURSDAY = datetime(2026, 4, 16, 11, 15)
OPTIONS = (datetime(2026, 4, 20, 8, 30), datetime(2026, 4, 21, 13), datetime(2026, 4, 23, 15, 45))
CALL = Interval(datetime(2026, 4, 14, 11), datetime(2026, 4, 14, 12))
ASKED = {
    "reminder": Context(ContextKind.REMINDER, at=THURSDAY),
    "provisional": Context(ContextKind.PROVISIONAL, at=THURSDAY),
    "offer": Context(ContextKind.OFFER, at=THURSDAY, code="4K7"),
    "proposal": Context(ContextKind.PROPOSAL, at=THURSDAY),
    "options": Context(ContextKind.OPTIONS, options=OPTIONS),
    "which_visit": Context(ContextKind.WHICH_VISIT, visits=OPTIONS),
    "callback_notice": Context(ContextKind.CALLBACK_NOTICE, window=CALL),
    "survey": Context(ContextKind.SURVEY),
    "menu": Context(ContextKind.MENU),
    "stop": Context(ContextKind.STOP),
}

YES = """joo|JOO|joooo|juu|jep|jees|kyllä|kyllö|kllä|kyl|joo ok|joo kiitos|käy|käy hyvin|sopii|passaa
    onnistuu|ok|ok!|okei
    oke|okii|selvä|tietty|toki|ei haittaa|kunnossa|ja|jo|ja tack|jå|jodå|visst|klart|passar|passar bra
    går bra|funkar|bra
    yes|yes please|yeah|yep|ye|yess|sure|fine|works for me|perfect|👍|👍🏻|👍🏽👍🏽|👌|✅|joo 👍
    accept|godkänner|hyväksyn"""
COMING = """tulen|tuun|tuelen|tlen|tulem|tullaan|oon tulossa|mä tuun|pääsen paikalle|kommer|komer|jag kommer|vi kommer
    kan komma|coming|im coming|comming|i can come|can do|tulloo"""
NO = """ei|EI|eiii|ei kiitos|ei käy|ei passaa|ei onnistu|en|en tuu|en pääse|en kerkee|emmä pääse|nope|nop
    nej|nää|nä|näe
    passar inte|passar int|passar ej|går inte|kan int|hinner inte|tyvärr|valitettavasti ei|harmi, ei|no|no thanks|nah
    can't|cant come|won't work|sorry no|sry ei|ledsen nej|👎|👎🏼|❌|mahdotonta|omöjligt|impossible|mieluummin en
    hellre inte|rather not|nix"""
GIVEN_UP = (
    "peru|PERU|peurn|perutaan|poista|avboka|avbka|återbud|cancel|cancle|2|2!|nro 2|kakkonen|2️⃣|en tarvitse|behövs ej"
)
ANOTHER_TIME = """3|3!|kolmonen|trean|siirrä|siirto|siirä|flytta|flyta|byt tid|move|reshedule|another time
    joku muu aika
    perjantai?|fredag istället|friday instead|ensi viikko|nästa vecka?|next week|myöhemmin|senare tid|earlier"""
UNSURE = "?|mikä tämä on|kuka|vem är det|what|en tiedä|vet int|not sure|ehkä|missä|var|hmm|kiitos|tack|hei|en muista"
WHICH = {
    1: """1|1.|1!|1)|nro 1|1 kiitos|1 käy|1 passar|1 works|otan 1|eka|ekan|se eka|ensimmäinen käy|ykkönen
        ykkösvaihtoehto
        yksi|ett|ettan|första|den första|first one|one|1st|20.4.|ma|maanantai käy|klo 8.30|8.30|halv nio
        på måndag|monday
        ylin|översta|1️⃣|joo eka""",
    2: """2|2!|nr 2|2 sopii|kakkonen|kakkone|kaksi|toka|no toka|toinen|keskimmäinen|den andra|tvåan|två
        second|two|2nd|21.4
        ti|tiistaina|klo 13|13|yhdeltä|klockan ett|1pm|tisdag|tuesday works|ei eka vaan toka
        inte första utan andra""",
    3: """3|3.|3 works for me|kolmonen|kolmas|vika|viimenen|alin|tredje|trean|tre|sista|understa|third|last|3rd|23.4.|to
        torstai käy|15.45|varttia vaille neljä|kvart i fyra|quarter to four|tors|thursday""",
}
NONE_OF_THEM = (
    "ei mikään|ei mikään näistä|inget av dem|ingen|inga|none|neither|ei|nej|no|muita?|andra tider?|others?|fler"
)
CALL_THEN = """14|klo 14|14:30|2 pm|after 2|kl 14|iltapäivällä|huomenna|huominen|imorgon|30 min
    tunnin päästä|om en timme
    om en halvtimme|in an hour|myöhemmin|senare|later|ke|kolmelta|heti|nu|now|13-14|ei käy|passar inte|can't then"""
NO_CALL = "ei tarvitse|ei tarvi|älkää soittako|behövs inte|ring inte|no need|dont call|2"
MARKS = {
    10: "10|10!|10/10|kymppi|tian|ten|full pott|täydet",
    8: "8|kasi|åttan|eight|8½|8,5|8.5|8/10",
    0: "0|nolla|noll|zero",
}


def replies(*tables):
    return [
        reply.strip() for table in tables for line in table.splitlines() for reply in line.split("|") if reply.strip()
    ]


def told(asked, reply):
    return parse(reply, NOW, ASKED[asked])


def misread(asked, tables, intents):
    return {reply: read.intent for reply in replies(*tables) if (read := told(asked, reply)).intent not in intents}


@pytest.mark.parametrize(
    ("asked", "tables", "intents"),
    [
        *[
            pytest.param(asked, tables, intents, id=f"{asked}: {intents[0]}")
            for asked in ("reminder", "provisional")
            for tables, intents in [
                ((YES, COMING, "1|1!|nro 1|ykkönen|1️⃣|torstai käy|11.15|see you thursday"), ["confirm"]),
                ((NO, GIVEN_UP), ["cancel"]),
                ((ANOTHER_TIME,), ["reschedule"]),
            ]
        ],
        ("offer", (YES, COMING, "1|1!|otan|otan 4k7|4K7|tar den|take it|mulle"), ["accept"]),
        ("offer", (NO, "2|2!|kakkonen|en ota|tar int|pass|hoppar över|not interested"), ["decline"]),
        ("proposal", (YES, COMING, "1|yksi"), ["accept"]),
        ("proposal", (NO, "2|kakkonen"), ["decline"]),
        ("options", (NONE_OF_THEM,), ["decline", "reschedule"]),
        ("which_visit", (NONE_OF_THEM,), ["decline", "reschedule"]),
        ("callback_notice", (YES, "1|klo 11|11 ok|vastaan kyllä"), ["confirm", "callback"]),
        ("callback_notice", (CALL_THEN,), ["callback"]),
        ("callback_notice", (NO_CALL,), ["decline"]),
        ("callback_notice", (NO,), ["decline", "callback"]),
    ],
)
def test_a_short_reply_answers_the_question_that_we_asked(asked, tables, intents):
    assert misread(asked, tables, intents) == {}


@pytest.mark.parametrize("asked", ["options", "which_visit"])
@pytest.mark.parametrize("number", WHICH)
def test_one_of_those_listed_is_chosen_by_figure_word_day_or_hour(asked, number):
    chosen = {reply: told(asked, reply).choice for reply in replies(WHICH[number])}

    assert {reply: choice for reply, choice in chosen.items() if choice != number} == {}


@pytest.mark.parametrize("asked", ["reminder", "provisional", "offer", "proposal"])
def test_a_short_reply_that_answers_nothing_changes_nothing(asked):
    changing = {"confirm", "cancel", "accept", "decline", "reschedule", "book"}

    read = {reply: told(asked, reply) for reply in replies(UNSURE)}

    assert [reply for reply, one in read.items() if one.intent in changing and one.confidence >= ACT_FROM] == []


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_is_read_in_figures_words_and_halves(mark):
    scores = {reply: told("survey", reply).score for reply in replies(MARKS[mark])}

    assert set(scores.values()) == {mark}, scores


@pytest.mark.parametrize("asked", ["menu", "stop"])
def test_a_digit_in_words_chooses_from_a_menu(asked):
    assert [told(asked, reply).choice for reply in ("1", "1.", "nro 1", "ykkönen", "ett")] == [1] * 5


@pytest.mark.parametrize("asked", ASKED)
def test_a_person_is_reached_by_one_word_from_every_question(asked):
    assert misread(asked, ["ihminen|IHMINEN|human|person|människa|ihminen kiitos"], ["human"]) == {}
