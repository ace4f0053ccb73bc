"""The line alone: link, turns and a post of plain SQLite that commits durably, without reading or deciding anything.

`python -m bench.line` measures durable acknowledgements a second, submits a second, how much of window / response time
is used, how soon a text is acknowledged at a moderate load, and what a round trip costs the gateway. The carrier runs
in this process, the gateway in a second one (`--gateway`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from bench.processes import ROOT, cost_of
from bench.quantiles import ms, quantile
from gateway.channel import Answered, BindReport, Stored
from gateway.simulator.carrier import Carrier
from gateway.simulator.load import Load, Trip, prepare
from gateway.smpp.link import Link, LinkSettings
from gateway.text import InboundText, Lane, OutboundText, Receipt, Settlement
from gateway.turns import Turns

SERVICE_NUMBER: Final = "+358405550100"
WINDOW: Final = 100
TEXT: Final = "Hei, voisiko aikani siirtää ensi viikolle, mieluiten aamuun? Terveisin Testi Testinen"

_TABLES: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE inbox (id INTEGER PRIMARY KEY, source TEXT, octets BLOB);
CREATE TABLE outbox (id INTEGER PRIMARY KEY, number TEXT, body TEXT, state INTEGER, message_id TEXT);
CREATE INDEX due ON outbox (id) WHERE state = 0;
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure and what it must reach."""

    name: str
    value: float
    unit: str
    target: float
    at_most: bool = False

    @property
    def reached(self) -> bool:
        """Whether the target is reached."""
        return self.value <= self.target if self.at_most else self.value >= self.target


class PlainPost:
    """Inbox and outbox in two tables, one durable commit a call; as a desk it says one thing to everybody."""

    def __init__(self, path: Path, *, echo: bool) -> None:
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._echo = echo

    @contextmanager
    def _transaction(self) -> Any:
        self._database.execute("BEGIN IMMEDIATE")
        yield self._database
        self._database.execute("COMMIT")

    def session_opened(self, bind: str, now: datetime) -> int:
        """There is one."""
        del bind, now
        return 1

    def session_closed(self, session: int, now: datetime) -> None:
        """It is not kept."""

    def store(self, texts: Sequence[InboundText], now: datetime) -> list[Stored]:
        """Commit them."""
        del now
        with self._transaction() as database:
            (last,) = database.execute("SELECT coalesce(max(id), 0) FROM inbox").fetchone()
            rows = [(last + n, text.source, text.octets) for n, text in enumerate(texts, 1)]
            database.executemany("INSERT INTO inbox VALUES (?, ?, ?)", rows)
        return [Stored(last + n, text) for n, text in enumerate(texts, 1)]

    def quarantine(self, bind: str, octets: bytes, reason: str, now: datetime) -> None:
        """Nothing malformed is sent here."""

    def lease(self, gateway: str, service_numbers: Sequence[str], room: int, now: datetime) -> list[OutboundText]:
        """Take the oldest."""
        del gateway, service_numbers, now
        rows = self._database.execute(
            "SELECT id, number, body FROM outbox WHERE state = 0 ORDER BY id LIMIT ?", (room,)
        ).fetchall()
        if rows:
            with self._transaction() as database:
                database.execute("UPDATE outbox SET state = 1 WHERE state = 0 AND id <= ?", (rows[-1][0],))
        return [
            OutboundText(row_id, SERVICE_NUMBER, number, body, Lane.ANSWER, row_id & 0xFFFF, frozenset(), 1, None)
            for row_id, number, body in rows
        ]

    def settle(self, settlements: Sequence[Settlement], receipts: Sequence[Receipt], now: datetime) -> None:
        """Commit them."""
        del receipts, now
        rows = [(one.message_id, one.outbox_id) for one in settlements]
        with self._transaction() as database:
            database.executemany("UPDATE outbox SET state = 2, message_id = ? WHERE id = ?", rows)

    def heartbeat(self, gateway: str, binds: Sequence[BindReport], now: datetime) -> dict[str, float]:
        """No limit."""
        del gateway, now
        return {bind.name: 0.0 for bind in binds}

    def release(self, gateway: str, now: datetime) -> None:
        """The run is over."""

    def answer(self, stored: Sequence[Stored], now: datetime, room: Mapping[str, int]) -> Answered:
        """Answer each, when asked to; none has to wait."""
        del now, room
        if self._echo:
            with self._transaction() as database:
                rows = [(one.text.source, TEXT) for one in stored]
                database.executemany("INSERT INTO outbox (number, body, state) VALUES (?, ?, 0)", rows)
        return Answered(queued=True)

    def sweep(self, now: datetime) -> int:
        """Nothing was left."""
        del now
        return 0


def numbers(count: int) -> list[str]:
    """Made-up numbers, each once."""
    return [f"+3584055{n:06d}" for n in range(count)]


async def _gateway(port: int, path: Path, *, echo: bool) -> None:
    def clock() -> datetime:
        return datetime.now(UTC)

    post = PlainPost(path, echo=echo)
    turns = Turns(post, post, gateway="bench", clock=clock)
    settings = LinkSettings("bench", "127.0.0.1", port, "tekstari", "secret", window=WINDOW, rate=0)
    link = Link(settings, turns, clock=clock)
    turns.add(link)
    turns.start()
    await link.run()


class Bench:
    """A carrier here and a gateway of links, turns and `PlainPost` beside it."""

    def __init__(self, carrier: Carrier, folder: Path) -> None:
        self.carrier = carrier
        self._path = folder / "line.db"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self, *, echo: bool = False, outbox: int = 0) -> None:
        """Start the gateway, with *outbox* texts to submit as soon as it is bound."""
        with sqlite3.connect(self._path) as database:
            database.executescript(_TABLES)
            rows = [(number, TEXT) for number in numbers(outbox)]
            database.executemany("INSERT INTO outbox (number, body, state) VALUES (?, ?, 0)", rows)
        command = [sys.executable, "-m", "bench.line", "--gateway", str(self.carrier.port), str(self._path)]
        self._process = subprocess.Popen([*command, *(["--echo"] if echo else [])], cwd=ROOT)
        await self.carrier.wait_for_bind()

    def cpu(self) -> float:
        """CPU seconds that the gateway has used."""
        assert self._process is not None
        return cost_of(self._process.pid).cpu

    def stop(self) -> None:
        """End the gateway."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


async def acknowledgements(bench: Bench, count: int = 20_000) -> list[Figure]:
    """How many texts a second are committed and acknowledged, `WINDOW` of them on their way at any time."""
    await bench.start()
    trips = prepare([(number, TEXT) for number in numbers(count)], SERVICE_NUMBER)
    began, used = time.perf_counter(), bench.cpu()
    await bench.carrier.post([part for trip in trips for part in trip.parts])
    took = time.perf_counter() - began
    return [
        Figure("durable acknowledgements", round(count / took), "/s", 2_000),
        Figure("gateway CPU per text in", round((bench.cpu() - used) / count * 1e6), "us", 100, at_most=True),
    ]


async def submits(bench: Bench, count: int = 30_000) -> list[Figure]:
    """How many texts a second leave an outbox that is full."""
    await bench.start(outbox=count)
    seconds = await _submitted(bench.carrier, count)
    return [Figure("submits", round(count / seconds), "/s", 5_000)]


async def window_use(bench: Bench, delay: float, count: int) -> list[Figure]:
    """Which share of window / response time is used when the carrier takes *delay* to answer.

    The response time is the carrier's own measure: its timers have a resolution of a millisecond.
    """
    bench.carrier.faults.delay = delay
    await bench.start(outbox=count)
    seconds = await _submitted(bench.carrier, count)
    possible = WINDOW / bench.carrier.response_time()
    return [Figure(f"window / {delay * 1000:.0f} ms used", round(100 * count / seconds / possible, 1), "%", 95)]


async def soon(bench: Bench, rate: int = 200, seconds: int = 10) -> list[Figure]:
    """How long a text waits for its acknowledgement at *rate* texts a second."""
    await bench.start()
    trips = prepare([(number, TEXT) for number in numbers(rate * seconds)], SERVICE_NUMBER)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for n, trip in enumerate(trips):
        await asyncio.sleep(began + n / rate - loop.time())
        bench.carrier.enqueue(trip.parts)
    while any(not trip.acknowledged_at for trip in trips):
        await asyncio.sleep(0.05)
    waits = sorted(trip.acknowledged_at - trip.parts[0].sent_at for trip in trips)
    return [Figure(f"p99 acknowledgement at {rate}/s", ms(quantile(waits, 0.99)), "ms", 20, at_most=True)]


async def round_trips(bench: Bench, in_flight: int, count: int = 10_000) -> list[Figure]:
    """Texts in and answers out, with a desk that thinks nothing."""
    await bench.start(echo=True)
    trips: list[Trip] = prepare([(number, TEXT) for number in numbers(count)], SERVICE_NUMBER)
    began, used = time.perf_counter(), bench.cpu()
    await Load(bench.carrier, trips, in_flight).run(timeout=120)
    took = time.perf_counter() - began
    return [
        Figure(f"round trips, {in_flight} in flight", round(count / took), "/s", 1_000),
        Figure("gateway CPU per round trip", round((bench.cpu() - used) / count * 1e6), "us", 300, at_most=True),
    ]


async def _submitted(carrier: Carrier, count: int) -> float:
    """Wait until *count* submits have come; returns the seconds from the first to the last."""
    submitted = carrier.record.submitted
    while len(submitted) < count:
        await asyncio.sleep(0.05)
    return submitted[-1].at - submitted[0].at


async def _measure() -> list[Figure]:
    figures: list[Figure] = []
    runs: list[Callable[[Bench], Awaitable[list[Figure]]]] = [
        acknowledgements,
        submits,
        lambda bench: window_use(bench, 0.02, 20_000),
        lambda bench: window_use(bench, 0.05, 10_000),
        soon,
        lambda bench: round_trips(bench, 10),
        lambda bench: round_trips(bench, 50),
        lambda bench: round_trips(bench, 200),
    ]
    for run in runs:
        with TemporaryDirectory(prefix="tekstari-line-") as folder:
            async with Carrier(window=max(WINDOW, 200)) as carrier:
                carrier.receipts.form = "none"
                bench = Bench(carrier, Path(folder))
                try:
                    figures += await run(bench)
                finally:
                    bench.stop()
    return figures


def main() -> list[dict[str, Any]]:
    """Measure everything once; print a table, and return the figures for the report."""
    figures = asyncio.run(_measure())
    for one in figures:
        sign = "<=" if one.at_most else ">="
        verdict = "" if one.reached else "   NOT REACHED"
        print(f"{one.name:34} {one.value:>10,} {one.unit:3} ({sign} {one.target:,}){verdict}")
    return [asdict(one) | {"reached": one.reached} for one in figures]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.line")
    parser.add_argument("--gateway", nargs=2, metavar=("PORT", "DATABASE"), help="be the gateway under measurement")
    parser.add_argument("--echo", action="store_true", help="answer every text")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON too")
    return parser.parse_args()


if __name__ == "__main__":
    asked = _arguments()
    if asked.gateway:
        asyncio.run(_gateway(int(asked.gateway[0]), Path(asked.gateway[1]), echo=asked.echo))
    else:
        measured = main()
        if asked.json:
            print(json.dumps(measured))
