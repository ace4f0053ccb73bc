"""Last-minute offers over the wire, with a real worker and gateway: how long until people are asked, and answered.

A time that falls free and need not be held: until the carrier has the whole first wave. Then a hundred answers to one
offer at once: until the winner has theirs. Times are taken at the carrier.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TypeVar

from sqlalchemy import Connection, insert, select, update

from bench.processes import Process, write_config
from bench.quantiles import quantile
from bench.world import SERVICE_NUMBER, Person, build
from gateway.simulator.carrier import Carrier
from gateway.simulator.load import Load, Trip, prepare
from gateway.simulator.record import Received
from gateway.simulator.thread import CarrierThread
from models.candidates import new_code, new_key
from models.crypto import Keys
from models.database import Database, connect
from models.offering import OFFER, WAITLIST, NewOffer, end, open_offer
from models.patient import Patient
from models.schedule import Slot, SlotService
from models.schema import migrate
from models.states import FreedBy, OfferState, SlotState
from tests.servers import PostgreSQL

FREED = int(os.environ.get("BENCH_FREED", "120"))  # times that fall free, one after another
RACES = int(os.environ.get("BENCH_RACES", "20"))  # offers that are answered by everybody at once
CROWD = 100  # who answers one of them
PAUSE = (0.05, 0.25)  # seconds between two times that fall free
PATIENCE = 60.0
SECRET = "benchmark benchmark benchmark benchmark"
CODE = re.compile(r"\b\d[A-Z]\d\b")
RULES = """
[reminders]
quiet = []

[offers]
weekly_max = 100
"""
Found = TypeVar("Found")
Asked = dict[str, list[Received]]  # the texts of offers, by code


@dataclass(frozen=True, slots=True)
class House:
    """The running service, its carrier, and everybody who waits for a time."""

    database: Database
    keys: Keys
    carrier: CarrierThread
    people: Sequence[Person]

    def asked(self, after: int = 0) -> Asked:
        """What phones show of offers since the text with that id."""
        found: Asked = defaultdict(list)
        for text in self.carrier.texts(after=after):
            for code in CODE.findall(text.text):
                found[code].append(text)
        return found


def main() -> dict[str, float]:
    """Measure on both databases, print the table, return the figures in milliseconds."""
    figures: dict[str, float] = {}
    for kind in ("sqlite", "postgresql"):
        with _house(kind) as house:
            figures |= _named(kind, "freed to first wave", _first_waves(house))
            winners, everybody = _races(house)
            figures |= _named(kind, f"winner of {CROWD} answered", winners)
            figures |= _named(kind, f"all of {CROWD} answered", everybody)
    for name, value in figures.items():
        print(f"{name:48} {value:10.1f} ms")
    print("limits: first wave p50 1500 ms, p99 3000 ms; winner p99 200 ms")
    return figures


# --- a time falls free --------------------------------------------------------------------------------------------


def _first_waves(house: House) -> list[float]:
    """Seconds from the moment in which a time may be offered until the carrier has its whole first wave."""
    chance = random.Random(20261122)
    freed = {}
    for number in range(FREED):
        slot = _fall_free(house.database, number)
        freed[slot] = time.monotonic()
        time.sleep(chance.uniform(*PAUSE))
    codes = _wait(lambda: _offered(house.database, freed))
    waves = _wait(lambda: _whole_waves(house, codes))
    _end_all(house)
    return [waves[code] - freed[slot] for slot, code in codes.items()]


def _fall_free(database: Database, number: int) -> int:
    """What is left when staff take a visit off the diary; returns the slot."""
    now = datetime.now(UTC)
    with database.transaction() as connection:
        freed = {"freed_at": now, "freed_by": FreedBy.STAFF, "freed_service_id": 1}
        return _slot(connection, f"freed-{number}", _soon(now, number), **freed)


def _offered(database: Database, slots: Sequence[int] | dict[int, float]) -> dict[int, str] | None:
    """The codes of the offers of *slots*; None while one has not been put to anybody."""
    with database.reading() as connection:
        rows = connection.execute(select(OFFER.c.slot_id, OFFER.c.code).where(OFFER.c.waves > 0)).all()
    codes = {row[0]: row[1] for row in rows if row[0] in slots}
    return codes if len(codes) == len(slots) else None


def _whole_waves(house: House, codes: dict[int, str]) -> dict[str, float] | None:
    """When the last text of each first wave was there; None while one is missing."""
    asked = house.asked()
    whole = {code: asked[code][9].at for code in codes.values() if len(asked[code]) >= 10}
    return whole if len(whole) == len(codes) else None


def _end_all(house: House) -> None:
    with house.database.transaction() as connection:
        running = connection.execute(select(OFFER.c.id).where(OFFER.c.state == OfferState.OPEN)).scalars().all()
        for id_ in running:
            end(connection, house.keys, id_, OfferState.WITHDRAWN, "the measurement is over", datetime.now(UTC))


# --- everybody answers --------------------------------------------------------------------------------------------


def _races(house: House) -> tuple[list[float], list[float]]:
    """Seconds from a claim's deliver_sm to the submit_sm of its answer: of the winners, and of all who answered.

    One race goes before: it meets a gateway that has not answered anybody yet.
    """
    winners: list[float] = []
    everybody: list[float] = []
    for number in range(RACES + 1):
        crowd = house.people[number * CROWD : (number + 1) * CROWD]
        trips = _race(house, number, crowd)
        if not number:
            continue
        everybody += [trip.answered_at - trip.sent_at for trip in trips]
        won = _winner(house.database, f"race-{number}", crowd)
        winners += [trip.answered_at - trip.sent_at for trip in trips if trip.number == won]
    assert len(winners) == RACES, "an offer without a winner"
    return winners, everybody


def _race(house: House, number: int, crowd: Sequence[Person]) -> list[Trip]:
    before = len(house.carrier.record.texts)
    code = _offer_to(house, number, crowd)
    _wait(lambda: len(house.asked(before)[code]) == CROWD)
    trips = prepare([(person.number, f"Otan {code}") for person in crowd], SERVICE_NUMBER)

    async def answer(carrier: Carrier) -> None:
        await Load(carrier, trips, CROWD).run(PATIENCE)

    house.carrier.run(answer, PATIENCE + 1)
    return trips


def _offer_to(house: House, number: int, crowd: Sequence[Person]) -> str:
    now = datetime.now(UTC)
    with house.database.transaction() as connection:
        start = _soon(now, FREED + number)
        new = NewOffer(
            key=new_key(),
            slot_id=_slot(connection, f"race-{number}", start),
            clinic_id=1,
            service_id=1,
            code=new_code(connection),
            wave_size=CROWD,
            wave_minutes=10,
            deadline=start - timedelta(hours=1),
            next_wave_at=now,
            created_by="bench",
            only=tuple(person.id for person in crowd),
        )
        assert open_offer(connection, house.keys, new, 1, now) is not None
    return new.code


def _winner(database: Database, slot: str, crowd: Sequence[Person]) -> str | None:
    with database.reading() as connection:
        query = select(OFFER.c.winner_id).join(Slot.__table__, Slot.id == OFFER.c.slot_id).where(Slot.key == slot)
        id_ = connection.execute(query).scalar()
    return next((person.number for person in crowd if person.id == id_), None)


# --- the house ----------------------------------------------------------------------------------------------------


@contextmanager
def _house(kind: str) -> Iterator[House]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="tekstari-bench-")))
        url = "" if kind == "sqlite" else stack.enter_context(PostgreSQL(durable=True)).url()
        database = connect(url, data_dir=folder)
        stack.callback(database.close)
        migrate(database)
        keys = Keys(SECRET.encode())
        (folder / "secret.key").write_text(SECRET)
        people = build(database, keys, (RACES + 1) * CROWD, datetime.now(UTC))
        _let_all_wait(database, people)
        carrier = stack.enter_context(CarrierThread(window=2 * CROWD))
        carrier.receipts.form = "none"
        config = write_config(folder, url=url, port=carrier.port, number=SERVICE_NUMBER, window=2 * CROWD, more=RULES)
        for module in ("worker", "gateway"):
            stack.enter_context(Process(module, ["--config", str(config)], folder))
        carrier.wait_for_bind(timeout=PATIENCE)
        _wait(lambda: _has_worked(database))
        yield House(database, keys, carrier, people)


def _let_all_wait(database: Database, people: Sequence[Person]) -> None:
    now = datetime.now(UTC)
    entries = [
        {
            "key": f"w-{person.id}",
            "patient_id": person.id,
            "service_id": 1,
            "notice_minutes": 0,
            "created_by": "bench",
            "joined_at": now,
        }
        for person in people
    ]
    with database.transaction() as connection:
        connection.execute(update(Patient.__table__).values(consents={"offers": True}))  # type: ignore[arg-type]
        connection.execute(insert(WAITLIST), entries)


def _has_worked(database: Database) -> bool:
    """Whether the round of offers has run once."""
    with database.reading() as connection:
        return bool(connection.exec_driver_sql("SELECT count(*) FROM heartbeat WHERE name = 'timed:offers'").scalar())


def _soon(now: datetime, number: int) -> datetime:
    return (now + timedelta(days=1)).replace(second=0, microsecond=0) + number * timedelta(minutes=20)


def _slot(connection: Connection, key: str, start: datetime, **values: object) -> int:
    row = {"key": key, "clinic_id": 1, "starts_at": start, "ends_at": start + timedelta(minutes=20)}
    made = insert(Slot).values(**row, state=SlotState.FREE, **values).returning(Slot.id)
    id_ = int(connection.execute(made).scalar_one())
    connection.execute(insert(SlotService).values(slot_id=id_, service_id=1))
    return id_


def _wait(look: Callable[[], Found | None]) -> Found:
    """What *look* finds, once it finds something. Raises `TimeoutError`."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError("it never came to be")
        time.sleep(0.02)
    return found


def _named(kind: str, what: str, seconds: Sequence[float]) -> dict[str, float]:
    times = sorted(each * 1000 for each in seconds)
    shares = {"p50": median(times), "p99": quantile(times, 0.99), "worst": times[-1]}
    return {f"{kind}: {what}, {name}": round(value, 1) for name, value in shares.items()}


if __name__ == "__main__":
    main()
