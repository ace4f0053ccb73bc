"""An hour of work: `python -m bench soak` says each minute what memory the gateway has, and how soon it answers.

Each minute brings 1,200 texts of `bench.conversation`, five under way at a time, on SQLite. Every tenth patient uses a
word that nobody has written before, since what a reader remembers of words must not grow with them. MINUTES in the
environment makes it shorter.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.conversation import SECRET, order
from bench.processes import Process, write_config
from bench.quantiles import ms
from bench.talk import STEPS
from bench.world import SERVICE_NUMBER, Person, build
from gateway.simulator.carrier import Carrier
from gateway.simulator.load import Load, Trip, prepare
from models.crypto import Keys
from models.database import connect
from models.schema import migrate

A_MINUTE = 1200  # texts
IN_FLIGHT = 5
ROUNDS = 3  # nobody gets over 20 answers in an hour
MINUTES = int(os.environ.get("MINUTES", "60"))
MOST_MEMORY = 150.0  # MiB (issue 2)
MOST_GROWTH = 5.0  # MiB between the first quarter and the last


def main() -> dict[str, float]:
    """Print a line a minute; returns the most memory of the first quarter, that of the end (MiB), and what was lost."""
    people_needed = MINUTES * A_MINUTE // (ROUNDS * len(STEPS)) + 1
    with TemporaryDirectory(prefix="tekstari-soak-") as place:
        folder = Path(place)
        database = connect("", data_dir=folder)
        migrate(database)
        people = build(database, Keys(SECRET.encode()), people_needed, datetime.now(UTC))
        database.close()
        (folder / "secret.key").write_text(SECRET)
        memory, lost = asyncio.run(_run(folder, people))
    early, late = max(memory[: max(1, MINUTES // 4)]), memory[-1]
    flat = late <= MOST_MEMORY and late - early <= MOST_GROWTH
    print(f"memory {early:.1f} -> {late:.1f} MiB, {lost} unanswered" + ("" if flat else "   NOT FLAT"))
    return {"early": early, "late": late, "lost": float(lost)}


async def _run(folder: Path, people: list[Person]) -> tuple[list[float], int]:
    """The gateway's memory after each minute, and how many texts were never answered."""
    memory: list[float] = []
    lost = 0
    async with Carrier(port=0, window=50) as carrier:
        carrier.receipts.form = "none"
        config = write_config(folder, url="", port=carrier.port, number=SERVICE_NUMBER, window=50)
        with Process("gateway", ["--config", str(config)], folder) as gateway:
            await carrier.wait_for_bind(1, timeout=60)
            texts = _texts(people)
            for minute in range(1, MINUTES + 1):
                trips = prepare(list(islice(texts, A_MINUTE)), SERVICE_NUMBER)
                _, waits = await asyncio.gather(asyncio.sleep(60), _said(carrier, trips))
                memory.append(gateway.cost().memory)
                lost += len(trips) - len(waits)
                print(f"minute {minute:3} {memory[-1]:8.1f} MiB, answered in {ms(median(waits))} ms", flush=True)
    return memory, lost


def _texts(people: list[Person]) -> Iterator[tuple[str, str]]:
    """Number and text of everything that is written, in order."""
    letters = random.Random(1)
    for person, line in order(people, ROUNDS):
        strange = person.id % 10 == 0 and line.step == "unclear"
        new_word = "".join(letters.choices("aehiklmnoprstuvyäö", k=9))
        yield person.number, f"{line.text} {new_word}" if strange else line.text


async def _said(carrier: Carrier, trips: Sequence[Trip]) -> list[float]:
    """The seconds that each of *trips* waited for its answer."""
    with suppress(TimeoutError):
        await Load(carrier, trips, IN_FLIGHT).run(timeout=55)
    return [trip.answered_at - trip.sent_at for trip in trips if trip.answered_at]
