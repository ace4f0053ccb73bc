"""Everybody answers one offer at once, through several gateways: the first received has it, everybody is told.

The order is that of the inbox, whoever decides first; gateways and workers may be killed in between.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from handlers.offers import OfferRules
from handlers.rounds.offers import OfferRound
from models.candidates import new_code, new_key
from models.chain import check, winner
from models.ledger import INBOX, OUTBOX
from models.offered import ledger
from models.offering import OFFER, WAITLIST, NewOffer, open_offer
from models.patient import Patient
from models.schedule import Appointment, Slot, SlotService
from models.states import AppointmentStatus, OfferState, SlotState
from tests.faults.harness import ROOT, Bind, Letter, a_service, wait_until
from tests.servers import end_with_us

CODE = re.compile(r"\b\d[A-Z]\d\b")
DEAD = (AppointmentStatus.CANCELLED, AppointmentStatus.LAPSED)


class Race:
    """*offers* free times, each put to the same share of the people, who are all on the waitlist."""

    def __init__(self, service, offers: int = 1) -> None:
        self.service, self.chance = service, random.Random(20261122)
        self.groups = [service.people[n::offers] for n in range(offers)]
        self.rules = OfferRules(quiet=None, weekly_max=100, wave_size=1000)
        now = datetime.now(UTC)
        with service.database.transaction() as connection:
            connection.execute(update(Patient.__table__).values(consents={"offers": True, "reminders": True}))
            connection.execute(insert(WAITLIST), [_wish(person.id, now) for person in service.people])
            self.offers = [self._open(connection, group, n, now) for n, group in enumerate(self.groups)]

    def _open(self, connection, group, number: int, now: datetime) -> int:
        start = (now + timedelta(days=2)).replace(second=0, microsecond=0) + number * timedelta(hours=1)
        slot = {
            "key": f"freed-{number}",
            "clinic_id": 1,
            "starts_at": start,
            "ends_at": start + timedelta(minutes=20),
            "state": SlotState.FREE,
        }
        id_ = connection.execute(insert(Slot.__table__).values(**slot).returning(Slot.id)).scalar_one()
        connection.execute(insert(SlotService.__table__).values(slot_id=id_, service_id=1))
        new = NewOffer(
            key=new_key(),
            slot_id=id_,
            clinic_id=1,
            service_id=1,
            code=new_code(connection),
            wave_size=1000,
            wave_minutes=10,
            deadline=start - timedelta(hours=1),
            next_wave_at=now,
            created_by="rule",
            only=tuple(person.id for person in group),
        )
        return open_offer(connection, self.service.keys, new, 1, now)

    def ask(self) -> None:
        """Let the round put the offers out, and wait until every phone shows one."""
        OfferRound(self.service.database, self.service.keys, self.rules).run(datetime.now(UTC))
        self.wait_until_asked()

    def wait_until_asked(self) -> None:
        """Wait until every phone shows an offer."""
        wait_until(lambda: len({text.number for text in self.service.carrier.texts()}) == len(self.service.people))

    def answers(self) -> list[Letter]:
        """Everybody takes what they were offered, in random order."""
        shown = {text.number: CODE.findall(text.text)[-1] for text in self.service.carrier.texts()}
        people = list(self.service.people)
        self.chance.shuffle(people)
        return [Letter(person, "take", f"Otan {shown[person.number]}") for person in people]

    def check(self) -> None:
        """One winner for each offer, the first received; everybody was told once; nobody has two times of a kind."""
        for id_, group in zip(self.offers, self.groups, strict=True):
            self._check_offer(id_, [person.number for person in group])
        with self.service.database.reading() as connection:
            live = Appointment.status.not_in(DEAD)
            visits = connection.execute(select(Appointment.patient_id, Appointment.slot_id).where(live)).all()
            said = connection.execute(select(OUTBOX.c.key, OUTBOX.c.message).where(OUTBOX.c.key.like("reply:%"))).all()
            states = set(connection.execute(select(INBOX.c.state)).scalars())
        assert states == {"done"}, "a text that could not be handled"
        assert Counter(slot for _, slot in visits).most_common(1)[0][1] == 1, "a slot with two visits"
        assert Counter(patient for patient, _ in visits) == Counter(person.id for person in self.service.people)
        told = Counter(message for _, message in said)
        assert told == {
            "offer_won_release": len(self.offers),
            "offer_lost": len(self.service.people) - len(self.offers),
        }, told

    def _check_offer(self, offer_id: int, numbers: Sequence[str]) -> None:
        with self.service.database.reading() as connection:
            found = ledger(connection, OFFER.c.id == offer_id)
            first = connection.execute(
                select(INBOX.c.id).where(INBOX.c.number.in_(numbers)).order_by(INBOX.c.id).limit(1)
            ).scalar()
        assert check(self.service.keys, found.told, found.lines) == []
        assert found.told.state is OfferState.WON
        assert winner(found.lines).inbox_id == first, "the winner is not the first received"


def _wish(patient: int, now: datetime) -> dict:
    return {
        "key": f"w-{patient}",
        "patient_id": patient,
        "service_id": 1,
        "notice_minutes": 0,
        "created_by": "key:1",
        "joined_at": now,
    }


def race(service, gateways: int, *, offers: int = 1, kills: int = 0) -> Race:
    """Everybody answers at once; *kills* times a gateway is killed meanwhile, and starts again."""
    run = Race(service, offers)
    running = [service.gateway(Bind(service.carrier.port), name=f"gateway-{n}") for n in range(gateways)]
    for gateway in running:
        gateway.start()
    service.carrier.wait_for_bind(gateways, timeout=120)
    run.ask()
    service.settle(300)
    service.write(run.answers())
    for _ in range(kills):
        time.sleep(run.chance.uniform(0.05, 0.6))
        gateway = run.chance.choice(running)
        gateway.kill()
        gateway.start()
    service.settle(300)
    run.check()
    return run


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_first_of_sixty_answers_through_two_gateways_wins(kind, request, tmp_path):
    server = request.getfixturevalue("postgresql_server") if kind == "postgresql" else None
    with a_service(kind, tmp_path, 60, server=server) as service:
        race(service, 2)


@pytest.mark.long
@pytest.mark.parametrize(("kind", "gateways"), [("sqlite", 2), ("postgresql", 4)])
def test_the_first_of_five_hundred_answers_wins(kind, gateways, tmp_path):
    with a_service(kind, tmp_path, 500) as service:
        race(service, gateways)


@pytest.mark.long
@pytest.mark.parametrize(("kind", "gateways"), [("sqlite", 2), ("postgresql", 4)])
def test_the_first_wins_while_gateways_are_killed(kind, gateways, tmp_path):
    with a_service(kind, tmp_path, 300) as service:
        race(service, gateways, kills=6)


@pytest.mark.long
@pytest.mark.parametrize(("kind", "gateways"), [("sqlite", 2), ("postgresql", 4)])
def test_two_hundred_offers_at_once_have_two_hundred_first_winners(kind, gateways, tmp_path):
    with a_service(kind, tmp_path, 800) as service:
        race(service, gateways, offers=200, kills=4)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_workers_that_are_killed_ask_everybody_once(kind, tmp_path):
    with a_service(kind, tmp_path, 600) as service:
        run = Race(service, 300)
        gateway = service.gateway(Bind(service.carrier.port))
        gateway.start()
        service.carrier.wait_for_bind(timeout=120)
        assert _work_and_die(service, run) >= 2, "hardly a kill"
        run.wait_until_asked()
        service.settle(300)

        with service.database.reading() as connection:
            asked = select(OUTBOX.c.key).where(OUTBOX.c.key.like("offer:%"))
            keys = connection.execute(asked).scalars().all()
            for id_ in run.offers:
                found = ledger(connection, OFFER.c.id == id_)
                assert check(service.keys, found.told, found.lines) == []
        assert len(keys) == len(set(keys)) == 600
    assert len(service.carrier.texts()) == 600


def _work_and_die(service, run: Race) -> int:
    """Let workers do one offer's step after another, each killed with -9 at a random instant; returns how many."""
    path = service.configure(Bind(service.carrier.port), name="worker")
    code = (
        "import sys\nfrom datetime import UTC, datetime\nfrom pathlib import Path\n"
        "from handlers.offers import OfferRules\nfrom handlers.rounds.offers import OfferRound\nimport startup\n"
        "house = startup.open_house('worker', Path(sys.argv[1]), quiet=True)\n"
        "rules = OfferRules(quiet=None, weekly_max=100, wave_size=1000)\nprint('ready', flush=True)\n"
        "while True:\n    OfferRound(house.database, house.keys, rules).run(datetime.now(UTC))\n"
    )
    kills = 0
    while service.count("SELECT count(*) FROM offer WHERE waves = 0"):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            preexec_fn=end_with_us(signal.SIGKILL),
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(run.chance.uniform(0.1, 0.7))  # a young process takes its time for its first step
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        kills += 1
    return kills
