"""The whole job, over the wire: texts of a fixed mix from a carrier, each committed, read, decided and answered.

The mix is what one patient writes in turn: list, confirm, cancel, a wish, a pick, something unclear; all identified.
Round trips are timed at the carrier, from the deliver_sm to the submit_sm of its answer.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from bench.processes import Cost, Process, cost_of, write_config
from bench.quantiles import ms, quantile
from bench.talk import STEPS, Line, conversation
from bench.world import SERVICE_NUMBER, Person, build, person, working_days
from gateway.simulator.carrier import Carrier
from gateway.simulator.load import Load, Trip, prepare
from models.crypto import Keys
from models.database import connect
from models.schema import migrate
from tests.servers import PostgreSQL

MOST_ROUNDS = 3  # so that nobody gets over 20 answers in an hour
LOST_AFTER = 30.0  # seconds
WARM_UP = 100  # patients write before the measurement begins
STRIDE = 60  # patients
HELLO = Line("unclear", "moi")
SECRET = "benchmark benchmark benchmark benchmark"


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured."""

    database: str  # "sqlite", "postgresql", or "peer": the baseline, which neither reads nor decides
    in_flight: int
    texts: int
    patients: int = 2000
    gateways: int = 1


@dataclass(frozen=True, slots=True)
class Result:
    """The figures of one run; memory in MiB, times in milliseconds."""

    case: Case
    texts: int
    lost: int
    wrong: dict[str, int]  # answers that did not say what they should, by step
    per_second: float
    p50: float
    p95: float
    p99: float
    worst: float
    gateway_cpu: float  # seconds for 1,000 texts, all gateways together
    carrier_cpu: float
    memory: float
    peak: float


def measure(case: Case) -> Result:
    """Run one case on an empty database of its own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="tekstari-bench-")))
        if case.database == "peer":
            people = [person(index, working_days(datetime.now(UTC))) for index in range(case.patients)]
            return asyncio.run(_run(case, folder, "", people))
        url = stack.enter_context(_database(case.database))
        database = connect(url, data_dir=folder)
        migrate(database)
        people = build(database, Keys(SECRET.encode()), case.patients, datetime.now(UTC))
        database.close()
        (folder / "secret.key").write_text(SECRET)
        return asyncio.run(_run(case, folder, url, people))


@contextmanager
def _database(kind: str) -> Iterator[str]:
    if kind == "sqlite":
        yield ""
        return
    with PostgreSQL(durable=True) as server:
        yield server.url()


def order(writers: list[Person], rounds: int) -> list[tuple[Person, Line]]:
    """Everything that is written, in an order in which each patient's last text has long been answered.

    Patients begin one after another and each goes on `STRIDE` patients later, so that all kinds of texts are under way
    at any time.
    """
    length = len(writers) + len(STEPS) * STRIDE
    placed = [
        (turn * length + place + step * STRIDE, place, writer, line)
        for turn in range(rounds)
        for place, writer in enumerate(writers)
        for step, line in enumerate(conversation(writer))
    ]
    return [(writer, line) for _, _, writer, line in sorted(placed, key=lambda one: one[:2])]


async def _write(carrier: Carrier, talk: list[tuple[Person, Line]], in_flight: int) -> list[Trip]:
    """Let them all write, *in_flight* texts under way; returns the trips, those without an answer too."""
    trips = prepare([(person.number, line.text) for person, line in talk], SERVICE_NUMBER)
    with suppress(TimeoutError):
        await Load(carrier, trips, in_flight).run(timeout=max(LOST_AFTER, len(trips) * 0.02))
    return trips


async def _run(case: Case, folder: Path, url: str, people: list[Person]) -> Result:
    rounds = min(MOST_ROUNDS, max(1, case.texts // (len(STEPS) * len(people))))
    writers = people[: case.texts // (len(STEPS) * rounds)]
    others = people[len(writers) :] or people
    async with Carrier(port=0, window=max(50, case.in_flight)) as carrier:
        carrier.receipts.form = "none"
        config = write_config(folder, url=url, port=carrier.port, number=SERVICE_NUMBER, window=max(50, case.in_flight))
        with ExitStack() as stack:
            arguments = (
                [str(carrier.port), str(folder / "peer.db")] if case.database == "peer" else ["--config", str(config)]
            )
            module = "bench.peer" if case.database == "peer" else "gateway"
            gateways = [stack.enter_context(Process(module, arguments, folder)) for _ in range(case.gateways)]
            await carrier.wait_for_bind(case.gateways, timeout=60)
            await _write(carrier, [(person, HELLO) for person in others[:WARM_UP]], case.in_flight)
            talk = order(writers, rounds)
            before, began = _costs(gateways), time.perf_counter()
            trips = await _write(carrier, talk, case.in_flight)
            took, after = time.perf_counter() - began, _costs(gateways)
    return _result(case, talk, trips, took, before, after)


def _costs(gateways: list[Process]) -> list[Cost]:
    """This process, which is the carrier, first."""
    return [cost_of("self"), *(gateway.cost() for gateway in gateways)]


def _result(
    case: Case,
    talk: list[tuple[Person, Line]],
    trips: list[Trip],
    seconds: float,
    before: list[Cost],
    after: list[Cost],
) -> Result:
    answered = [(line, trip) for (_, line), trip in zip(talk, trips, strict=True) if trip.answered_at]
    times = sorted(trip.answered_at - trip.sent_at for _, trip in answered) or [0.0]
    per_1000 = 1000 / max(1, len(answered))
    used = [now.cpu - then.cpu for then, now in zip(before, after, strict=True)]
    return Result(
        case=case,
        texts=len(answered),
        lost=len(trips) - len(answered),
        wrong={}
        if case.database == "peer"
        else dict(Counter(line.step for line, trip in answered if not line.is_answered_by(trip.answer))),
        per_second=round(len(answered) / seconds, 1),
        p50=ms(median(times)),
        p95=ms(quantile(times, 0.95)),
        p99=ms(quantile(times, 0.99)),
        worst=ms(times[-1]),
        gateway_cpu=round(sum(used[1:]) * per_1000, 3),
        carrier_cpu=round(used[0] * per_1000, 3),
        memory=round(max(cost.memory for cost in after[1:]), 1),
        peak=round(max(cost.peak for cost in after[1:]), 1),
    )


CASES = (
    Case("peer", 10, 3000),
    Case("sqlite", 10, 3000),
    Case("peer", 50, 6000),
    Case("sqlite", 50, 6000),
    Case("peer", 200, 6000),
    Case("sqlite", 200, 6000),
    Case("postgresql", 50, 6000),
    Case("postgresql", 50, 6000, gateways=2),
    Case("sqlite", 50, 1800, patients=100),
    Case("sqlite", 50, 1800, patients=1_000_000),
)


def main() -> list[dict[str, Any]]:
    """Measure every case; print a table with the ratio to the baseline of the same number in flight."""
    print(HEAD)
    baseline: dict[int, float] = {}
    rows = []
    for case in CASES:
        result = measure(case)
        if case.database == "peer":
            baseline[case.in_flight] = result.per_second
        ratio = result.per_second / baseline[case.in_flight]
        print(_row(result, ratio), flush=True)
        rows.append(asdict(result) | {"ratio_to_peer": round(ratio, 2)})
    return rows


HEAD = (
    "database    patients  in flight  gateways    texts/s  to peer     p50     p95     p99   worst ms"
    "   CPU s/1000  carrier  memory MiB  lost wrong"
)


def _row(result: Result, ratio: float) -> str:
    case = result.case
    return (
        f"{case.database:11} {case.patients:8} {case.in_flight:10} {case.gateways:9} {result.per_second:10.0f}"
        f" {ratio:8.2f} {result.p50:7.1f} {result.p95:7.1f} {result.p99:7.1f} {result.worst:7.1f}"
        f" {result.gateway_cpu:15.3f} {result.carrier_cpu:8.3f} {result.memory:11.1f} {result.lost:5}"
        f" {sum(result.wrong.values()):5}"
    )
