"""A backlog at a carrier's limit: how much of the rate is used in each second, and how soon patients are answered.

The carrier counts: it refuses what comes too fast. Patients write all the while; the delay of an answer is measured
from the deliver_sm to the submit_sm, before the backlog falls due and while it goes out.
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from sqlalchemy import update

from bench.processes import Process
from bench.quantiles import ms, quantile
from bench.talk import conversation
from bench.world import SERVICE_NUMBER, Person, build
from gateway.simulator.carrier import Carrier
from gateway.simulator.load import Trip, prepare
from gateway.text import Lane
from models import inbox, queries
from models.crypto import Keys
from models.database import Database, connect
from models.ledger import OUTBOX, TextOut, put_out
from models.schema import migrate
from models.states import Purpose
from tests.servers import PostgreSQL

BACKLOG: Final = int(os.environ.get("BENCH_BACKLOG", "100000"))
SECONDS: Final = int(os.environ.get("BENCH_SECONDS", "60"))  # for which the backlog is watched
CALM: Final = 10  # seconds before it
LEAD: Final = timedelta(seconds=CALM + 15)  # until it falls due: the gateways start, and meet
RATE: Final = 500
LIVE: Final = 10  # texts a second from patients
CHUNK: Final = 5000
BODY: Final = "Hei! Aikasi on to 12.3. klo 9.15, Keskustan hoitola. Vastaa 1 = tulen, 2 = peru, 3 = siirrä."
SECRET: Final = "benchmark benchmark benchmark benchmark"

CONFIG: Final = """
[service]
data_dir = "{folder}"

[database]
url = "{url}"
"""
BIND: Final = """
[[smpp]]
name = "{name}"
port = {port}
numbers = ["{number}"]
window = 100
rate = {rate}
"""


@dataclass(frozen=True, slots=True)
class Case:
    """Who shares the account's rate."""

    database: str
    binds: int = 1  # of each gateway
    gateways: int = 1


@dataclass(frozen=True, slots=True)
class Result:
    """Submits in each whole second at the carrier, and the delays of answers in milliseconds."""

    case: Case
    slowest: int
    median: float
    fastest: int
    busiest: int  # in any one second, wherever it begins
    refused: int  # by the carrier, as too fast
    calm: tuple[float, float, float]  # p50, p99, worst
    loaded: tuple[float, float, float]
    unanswered: int


def queue_up(
    database: Database,
    keys: Keys,
    people: Sequence[Person],
    due_at: datetime,
    *,
    lane: Lane = Lane.REMINDER,
    purpose: Purpose = Purpose.REMINDERS,
) -> None:
    """Put one text to each of *people* in the outbox, due then."""
    now = datetime.now(UTC)
    for first in range(0, len(people), CHUNK):
        some = people[first : first + CHUNK]
        pairs = [(one.number, SERVICE_NUMBER) for one in some]
        with database.transaction() as connection:
            inbox.make_threads(connection, pairs, now)
            threads = queries.threads(connection, pairs)
            texts = [_text(one, threads[one.number, SERVICE_NUMBER].id, lane, purpose, due_at) for one in some]
            put_out(connection, keys, texts, now)


def _text(one: Person, thread: int, lane: Lane, purpose: Purpose, due_at: datetime) -> TextOut:
    return TextOut(
        key=f"backlog:{lane.name}:{one.id}",
        thread_id=thread,
        number=one.number,
        service_number=SERVICE_NUMBER,
        purpose=purpose,
        lane=lane,
        message="reminder",
        body=BODY,
        due_at=due_at,
        patient_id=one.id,
    )


def measure(case: Case) -> Result:
    """Run one case on a database of its own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="tekstari-outbound-")))
        url = "" if case.database == "sqlite" else stack.enter_context(PostgreSQL(durable=True)).url()
        (folder / "secret.key").write_text(SECRET)
        database, keys = connect(url, data_dir=folder), Keys(SECRET.encode())
        migrate(database)
        people = build(database, keys, BACKLOG + LIVE * (CALM + SECONDS), datetime.now(UTC))
        queue_up(database, keys, people[:BACKLOG], datetime.now(UTC) + timedelta(days=1))
        with database.transaction() as connection:
            connection.exec_driver_sql("ANALYZE")
        stack.callback(database.close)
        due = datetime.now(UTC) + LEAD
        _fall_due(database, due)
        gc.collect()
        gc.freeze()  # a carrier that stops for a fifth of a second to look through all these people measures itself
        return asyncio.run(_run(case, folder, url, due, people[BACKLOG:]))


async def _run(case: Case, folder: Path, url: str, due: datetime, writers: Sequence[Person]) -> Result:
    async with Carrier(window=100) as carrier:
        carrier.receipts.form = "none"
        carrier.faults.rate = RATE
        config = _configure(folder, url, carrier.port, case.binds)
        with ExitStack() as stack:
            for _ in range(case.gateways):
                stack.enter_context(Process("gateway", ["--config", str(config)], folder))
            await carrier.wait_for_bind(case.gateways * case.binds, timeout=60)
            await asyncio.sleep(5.0)  # until the processes have heard of each other
            trips = _trips(writers)
            talk = Talk(carrier, trips)
            await talk.go_on(CALM)
            await asyncio.sleep((due - datetime.now(UTC)).total_seconds())
            began = asyncio.get_running_loop().time()
            await talk.go_on(SECONDS)
        return _result(case, carrier, trips, began)


def _configure(folder: Path, url: str, port: int, binds: int) -> Path:
    path = folder / "config.toml"
    entries = [BIND.format(name=f"bind-{n}", port=port, number=SERVICE_NUMBER, rate=RATE) for n in range(binds)]
    path.write_text("".join([CONFIG.format(folder=folder, url=url), *entries]))
    return path


def _fall_due(database: Database, due: datetime) -> None:
    """Have the whole backlog fall due at once, at *due*: nobody writes so much while gateways work."""
    with database.transaction() as connection:
        connection.execute(update(OUTBOX).where(OUTBOX.c.key.like("backlog:%")).values(due_at=due))
    _put_away(database)


def _put_away(database: Database) -> None:
    """Write what a huge change left in the log to its place: no worker makes one so large."""
    raw: Any = database.writer.raw_connection()
    try:
        if not database.is_sqlite:
            raw.driver_connection.autocommit = True  # CHECKPOINT stands in no transaction
        raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)" if database.is_sqlite else "CHECKPOINT")
    finally:
        raw.invalidate()


def _trips(writers: Sequence[Person]) -> list[Trip]:
    texts = [(one.number, next(iter(conversation(one))).text) for one in writers]
    return prepare(texts, SERVICE_NUMBER)


class Talk:
    """Patients who write evenly, each once, and when each had an answer."""

    def __init__(self, carrier: Carrier, trips: Sequence[Trip]) -> None:
        self._carrier = carrier
        self._left = iter(trips)
        self._by_number = {trip.number: trip for trip in trips}
        self._loop = asyncio.get_running_loop()
        carrier.on_text = self._shown

    async def go_on(self, seconds: float) -> None:
        """Write for so long."""
        began = self._loop.time()
        for n in range(int(LIVE * seconds)):
            await asyncio.sleep(began + n / LIVE - self._loop.time())
            trip = next(self._left)
            trip.sent_at = self._loop.time()
            self._carrier.enqueue(trip.parts)

    def _shown(self, received: Any) -> None:
        trip = self._by_number.get(received.number)
        if trip is not None and trip.sent_at:
            trip.answered_at = received.at


def _result(case: Case, carrier: Carrier, trips: Sequence[Trip], began: float) -> Result:
    submitted = [one for one in carrier.record.submitted if one.at >= began]
    first = min(one.at for one in submitted if one.number not in {trip.number for trip in trips})
    seconds = Counter(int(one.at - first) for one in submitted if one.at >= first)
    whole = [seconds[n] for n in range(1, int(max(one.at for one in submitted) - first))]
    split = LIVE * CALM
    return Result(
        case=case,
        slowest=min(whole),
        median=median(whole),
        fastest=max(whole),
        busiest=carrier.record.busiest_second(),
        refused=sum(one.status != 0 for one in submitted),
        calm=_delays(trips[:split]),
        loaded=_delays(trips[split:]),
        unanswered=sum(not trip.answered_at for trip in trips[: -2 * LIVE]),
    )


def _delays(trips: Sequence[Trip]) -> tuple[float, float, float]:
    delays = sorted(trip.answered_at - trip.sent_at for trip in trips if trip.answered_at)
    return ms(median(delays)), ms(quantile(delays, 0.99)), ms(delays[-1])


CASES = (
    Case("sqlite"),
    Case("sqlite", binds=2),
    Case("sqlite", gateways=2),
    Case("postgresql", gateways=2),
)
HEAD = (
    "database    binds  gateways   submits/s min  median   max  busiest  refused"
    "   answer ms: calm p50    p99  worst   loaded p50    p99  worst  unanswered"
)


def main() -> list[dict[str, Any]]:
    """Measure every case and print a table."""
    print(f"{BACKLOG} reminders at {RATE}/s; {LIVE} texts a second from patients")
    print(HEAD)
    rows = []
    for case in CASES:
        result = measure(case)
        print(_row(result), flush=True)
        rows.append(asdict(result))
    return rows


def _row(result: Result) -> str:
    case, calm, loaded = result.case, result.calm, result.loaded
    return (
        f"{case.database:11} {case.binds:5} {case.gateways:9} {result.slowest:15} {result.median:7.0f}"
        f" {result.fastest:5} {result.busiest:8} {result.refused:8}"
        f" {calm[0]:21.1f} {calm[1]:6.1f} {calm[2]:6.1f} {loaded[0]:12.1f} {loaded[1]:6.1f} {loaded[2]:6.1f}"
        f" {result.unanswered:11}"
    )


if __name__ == "__main__":
    main()
