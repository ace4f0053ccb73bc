"""`python app.py admin …`: what operators do from a shell. Nothing prompts; errors go to stderr."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

import argon2
from sqlalchemy.exc import IntegrityError

import config
import startup
from api.access import SCOPES
from api.importing import Importer, ImportFault, Outcome, from_document, load_file
from demo.seed import demo_data
from handlers.clerk import Actor, Clerk, Rules
from handlers.refusals import Refusal
from models.access import make_key, make_user
from models.chain import check, winner
from models.offered import ledger, unlike_inbox
from models.offering import OFFER
from models.register import CLINIC
from models.rows import ids_by_key
from settings import Settings

ROLES = ("reception", "nurse", "lead", "admin", "auditor")
SHORTEST_PASSWORD = 12
ACTOR = Actor("admin")
DEFAULT_CONFIG = argparse.SUPPRESS


class Wrong(Exception):
    """What the operator asked for cannot be done; says why."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the commands to *parser*."""
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_import(commands)
    user = _add(commands, "user-create", "make a member of staff; the password is read from stdin", create_user)
    user.add_argument("--name", required=True)
    user.add_argument("--role", choices=ROLES, default="reception")
    user.add_argument("--clinics", type=_words, help="ids, separated by commas; left out: all")
    key = _add(commands, "key-create", "make an API key and print it, once", create_key)
    key.add_argument("--name", required=True)
    key.add_argument("--scopes", type=_words, required=True, help=f"of {','.join(SCOPES)}")
    key.add_argument("--clinics", type=_words, help="ids, separated by commas; left out: all")
    erase = _add(commands, "erase-person", "erase a patient's data; audit and ledgers keep a pseudonym", erase_person)
    erase.add_argument("patient", help="the patient's id")
    verify = _add(commands, "verify-offer", "derive an offer's winner anew from its ledger", verify_offer)
    verify.add_argument("offer", help="the offer's id")
    _add(commands, "migrate", "bring the database's schema up to date", migrate)
    _add(commands, "seed-demo", "fill the database with the demo clinic", seed_demo)
    _add(commands, "config-check", "say what is wrong with the settings", check_config)


def _add_import(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _add(commands, "import", "take a clinic's own data (docs/integrating.md)", import_file)
    parser.add_argument("file", type=Path, help="JSON, or CSV of patients or slots")
    parser.add_argument("--all-or-nothing", action="store_true", help="one bad row, and none is taken")


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    what: str,
    carry_out: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=what, description=what)
    parser.add_argument(
        "--config", type=Path, default=DEFAULT_CONFIG, help="default: TEKSTARI_CONFIG, then config.toml"
    )
    parser.set_defaults(carry_out=carry_out)
    return parser


def _words(value: str) -> list[str]:
    return [word.strip() for word in value.split(",") if word.strip()]


def run(given: argparse.Namespace) -> int:
    """Carry out the command; returns the exit code."""
    try:
        carry_out: Callable[[argparse.Namespace], int] = given.carry_out
        return carry_out(given)
    except (Wrong, Refusal, config.ConfigError, ImportFault) as error:
        print(error, file=sys.stderr)
        return 1


def clerk_rules(settings: Settings) -> Rules:
    """The part of the settings that the clerk needs."""
    return Rules(
        region=settings.service.region,
        zone=settings.service.timezone,
        languages=settings.service.languages,
        service_numbers=frozenset(number for bind in settings.smpp for number in bind.numbers),
        quiet=settings.reminders.quiet,
        offers=startup.offer_rules(settings),
    )


def open_house(given: argparse.Namespace) -> startup.House:
    """Open the database of the settings, at its newest schema."""
    return startup.open_house("admin", given.config, quiet=True)


def clerk_of(house: startup.House) -> Clerk:
    """A clerk for this house."""
    return Clerk(house.database, house.keys, clerk_rules(house.settings))


# --- the commands -------------------------------------------------------------------------------------------------


def create_user(given: argparse.Namespace) -> int:
    """Make a member of staff, whose password is the first line of stdin."""
    password = sys.stdin.readline().rstrip("\r\n")
    if len(password) < SHORTEST_PASSWORD:
        raise Wrong(f"expected a password of {SHORTEST_PASSWORD} characters or more on stdin")
    house = open_house(given)
    _check_clinics(house, given.clinics)
    hashed = argon2.PasswordHasher().hash(password)
    try:
        with house.database.transaction() as connection:
            make_user(connection, given.name, hashed, given.role, given.clinics, house.clock())
    except IntegrityError:
        raise Wrong("there is a user of this name") from None
    return 0


def create_key(given: argparse.Namespace) -> int:
    """Make an API key and print nothing but it."""
    unknown = sorted(set(given.scopes) - set(SCOPES))
    if unknown or not given.scopes:
        raise Wrong(f"--scopes {','.join(given.scopes)}: expected some of {','.join(SCOPES)}")
    house = open_house(given)
    _check_clinics(house, given.clinics)
    with house.database.transaction() as connection:
        print(make_key(connection, house.keys, given.name, given.scopes, given.clinics, house.clock()))
    return 0


def _check_clinics(house: startup.House, clinics: list[str] | None) -> None:
    if clinics is None:
        return
    with house.database.reading() as connection:
        known = ids_by_key(connection, CLINIC, clinics)
    if missing := sorted(set(clinics) - known.keys()):
        raise Wrong(f"--clinics: no such clinic: {', '.join(missing)}")


def migrate(given: argparse.Namespace) -> int:
    """Opening the house is what brings the schema up to date."""
    open_house(given)
    return 0


def seed_demo(given: argparse.Namespace) -> int:
    """Import the demo clinic, its diary beginning today."""
    house = open_house(given)
    importer = Importer(clerk_of(house), ACTOR, house.clock())
    return _report(importer.take(from_document(demo_data(house.clock())), all_or_nothing=True))


def import_file(given: argparse.Namespace) -> int:
    """Import a file; every bad row is reported with its reason, the others are taken."""
    data = load_file(given.file)
    house = open_house(given)
    importer = Importer(clerk_of(house), ACTOR, house.clock())
    return _report(importer.take(data, all_or_nothing=given.all_or_nothing))


def _report(outcome: Outcome) -> int:
    for line in outcome.faults:
        print(line, file=sys.stderr)
    print(outcome.summary)
    return 1 if outcome.faults else 0


def check_config(given: argparse.Namespace) -> int:
    """Read the settings; everything that is wrong with them is said at once."""
    config.load(given.config, os.environ)
    print("the settings are right")
    return 0


def verify_offer(given: argparse.Namespace) -> int:
    """Say who wins by the ledger alone, and whether ledger and offer are as they were written; 1 when they are not."""
    house = open_house(given)
    with house.database.reading() as connection:
        found = ledger(connection, OFFER.c.key == given.offer)
        if found is None:
            raise Wrong("there is no such offer")
        faults = [*check(house.keys, found.told, found.lines), *unlike_inbox(connection, house.keys, found.lines)]
    first = winner(found.lines)
    who = "nobody" if first is None else found.patients.get(first.patient_id or 0, "somebody erased")
    print(f"{len(found.lines)} lines; by the ledger {who} was the first to take it; the offer is {found.told.state}")
    for fault in faults:
        print(f"TAMPERED WITH: {fault}", file=sys.stderr)
    return 1 if faults else 0


def erase_person(given: argparse.Namespace) -> int:
    """Erase what tells who a patient was; their audit lines keep an id that leads nowhere."""
    house = open_house(given)
    clerk_of(house).erase_person(ACTOR, given.patient, house.clock())
    return 0
