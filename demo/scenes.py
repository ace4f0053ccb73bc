"""The conversations of the demo, one per command and rule. They hold at any hour of any day: see demo/blanks.py.

An answer is judged by words that no rewording should lose: what was done or not done, and the way on.
"""

from __future__ import annotations

from typing import Final

from demo.scene import (
    Scene,
    booked,
    cancelled,
    confirmed,
    diary,
    hears,
    hears_nothing,
    held,
    moved,
    pushes,
    restored,
    says,
    scene,
    told,
)

NOBODYS_CODE: Final = "010180-9989"
NOT_ON_FILE: Final = "+358405550150"

SCENES: Final[tuple[Scene, ...]] = (
    scene(
        "Books by a wish, and picks",
        "p-lahtinen",
        says(
            "Hei! Haluaisin varata hammastarkastuksen, kävisikö {wish_morning} aamupäivällä tai {wish_afternoon} "
            "iltapäivällä? {name} {code}"
        ),
        hears("1) {wish_morning}", "2)", "ei ole vielä varattu"),
        diary(),
        says("2"),
        hears("varattu", "Tervetuloa"),
        diary(booked("checkup", option="2")),
        says("Kiitos paljon!"),
        hears_nothing(),
        wish="checkup",
    ),
    scene(
        "Books an exact time, and sends the code when asked",
        "p-whitfield",
        says("Hello, could I have a check-up on {free_day} {free_time} please?"),
        hears("Nothing has changed yet", "identity code"),
        diary(),
        says("James Whitfield {code}"),
        hears("is booked", "Welcome"),
        diary(booked("checkup", exact=True)),
        wish="checkup",
    ),
    scene(
        "Cancels, and takes it back",
        "p-lindstrom",
        says("Hej, jag måste tyvärr avboka min tid {day} Mvh {name} {code}"),
        hears("avbokade", "ÅNGRA"),
        diary(cancelled("checkup")),
        says("Ångra"),
        hears("gäller igen"),
        diary(restored("checkup")),
    ),
    scene(
        "Cancels too late",
        "p-makinen",
        says("Joudun perumaan leikkausaikani. Eero Mäkinen {code}"),
        hears(("emme peruneet", "ei voi enää perua", "emme voi enää perua"), "on voimassa", "SOITA"),
        held("too_late"),
    ),
    scene(
        "Moves a visit, the old time kept until the new one is there",
        "p-laine",
        says("Moi, pitäis siirtää tuo hygienistin aika johonkin toiseen päivään. t. {name} {code}"),
        hears("1)", "2)", "siihen asti"),
        diary(),
        says("1"),
        hears("uusi aika", "vapautui", "PALAUTA"),
        diary(moved("hygiene", option="1")),
    ),
    scene(
        "Confirms a provisional time",
        "p-soderholm",
        says("Jag bekräftar min tid {day} {name} {code}"),
        hears("bekräftad", "Vi ses då"),
        diary(confirmed("hygiene")),
    ),
    scene(
        "Asks for the coming visits",
        "p-laine",
        says("MILLOIN MULLA ON AIKA {code}"),
        hears("{when}", "PERU"),
    ),
    scene(
        "Has two visits, and says which one to cancel",
        "p-whitfield",
        says("Please cancel my appointment, {name} {code}"),
        hears("1) {when}", "2)", "cancelled yet"),
        diary(),
        says("the second one"),
        hears("cancelled", "UNDO"),
        diary(cancelled("filling", option="2")),
    ),
    scene(
        "A mother cancels for her child",
        "p-virtanen-aino",
        says("Onni on kuumeessa eikä pääse {day} hammaslääkäriin, perutaan se aika. Onni Virtanen {code}"),
        hears("Peruimme", "PALAUTA"),
        diary(cancelled("checkup")),
        about="p-virtanen-onni",
    ),
    scene(
        "Writes a wrong code: nothing changes, nothing is told",
        "p-virtanen-aino",
        says(f"Peruisin aikani. Aino Virtanen {NOBODYS_CODE}"),
        hears("Emme löytäneet", "emmekä muuttaneet mitään", "IHMINEN"),
    ),
    scene(
        "Writes from a number that is not on file: the same, and the number on file is told",
        "p-lindstrom",
        says("Jag vill avboka min tid, {name} {code}"),
        hears(("inget har ändrats", "hittade ingen tid")),
        told("p-lindstrom", "annat nummer"),
        held("number_not_on_file"),
        number=NOT_ON_FILE,
    ),
    scene(
        "Wants to move orthodontics, which only staff may",
        "p-korhonen",
        says("Voisko oikojan ajan siirtää viikolla eteenpäin? {name} {code}"),
        hears(("henkilökunta", "ihminen"), "on voimassa", "SOITA"),
        held("staff_only"),
    ),
    scene(
        "Asks for help",
        "p-nieminen-maria",
        says("apua"),
        hears("VARAA", "PERU", "IHMINEN", "112"),
    ),
    scene(
        "Runs late",
        "p-heikkinen",
        says("Bussi on jumissa, myöhästyn 10 min"),
        hears("Kiitos tiedosta", "min myöhässä"),
        held("running_late"),
    ),
    scene(
        "An emergency",
        "p-soderholm",
        says("Jag har svårt att andas och halsen svullnar"),
        hears("112", "116117"),
        held("emergency"),
    ),
    scene(
        "Stops all texts, and starts them again",
        "p-lindstrom",
        says("STOPP"),
        hears("skickar inte fler", "Dina tider gäller", "STARTA"),
        pushes("reminders", "En påminnelse från kliniken.", status="blocked"),
        says("STARTA"),
        hears("Välkommen tillbaka"),
        pushes("reminders", "En annan påminnelse från kliniken.", status="queued"),
    ),
    scene(
        "Asks for a person",
        "p-salmi-veikko",
        says("IHMINEN"),
        hears("Kiitos", "112"),
        held("asked_for_person"),
    ),
    scene(
        "Makes no sense twice: a menu first, then a person",
        "p-whitfield",
        says("blorp fizz"),
        hears("did not understand", "1)", "4)", "HUMAN"),
        says("wibble wobble"),
        hears("Thank you", "112"),
        held("not_understood"),
    ),
)
