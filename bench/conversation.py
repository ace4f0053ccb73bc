"""The whole job, over the wire: texts of a fixed mix from a carrier, each committed, read, decided and answered.

The mix is what one patient writes in turn: list, confirm, cancel, a wish, a pick, something unclear; all identified.
Round trips are timed at the carrier, from the deliver_sm to the submit_sm of its answer.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.processes import Cost, Process, cost_of, write_config
from bench.talk import STEPS, Line, conversation
from bench.world import SERVICE_NUMBER, Person, build
from gateway.simulator.carrier import Carrier
from models.crypto import Keys
from models.database import connect
from models.schema import migrate
from tests.servers import PostgreSQL

MOST_ROUNDS = 3  # so that nobody gets over 20 answers in an hour
LOST_AFTER = 30.0  # seconds
WARM_UP = 0.1  # of the patients write before the measurement begins
SECRET = "benchmark benchmark benchmark benchmark"


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured."""

    database: str  # "sqlite" or "postgresql"
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


class _Crowd:
    """Patients who write as soon as the last one has been answered, a fixed number of texts under way."""

    def __init__(self, carrier: Carrier, people: list[Person], rounds: int) -> None:
        self._carrier = carrier
        self._turns = iter([person for _ in range(rounds) for person in people])
        self.took: list[float] = []
        self.lost = 0
        self.wrong: Counter[str] = Counter()

    async def write(self, in_flight: int) -> None:
        """Let them all write; returns when every text was answered or given up."""
        await asyncio.gather(*(self._one_after_another() for _ in range(in_flight)))

    async def _one_after_another(self) -> None:
        for person in self._turns:
            for line in conversation(person):
                await self._ask(person, line)

    async def _ask(self, person: Person, line: Line) -> None:
        carrier = self._carrier
        before = carrier.record.texts[-1].id if carrier.record.texts else 0
        began = time.perf_counter()
        answer = asyncio.ensure_future(carrier.wait_for_text(person.number, after=before, timeout=LOST_AFTER))
        await carrier.deliver(person.number, SERVICE_NUMBER, line.text)
        try:
            said = (await answer).text
        except TimeoutError:
            self.lost += 1
            return
        self.took.append(time.perf_counter() - began)
        if not line.is_answered_by(said):
            self.wrong[line.step] += 1


async def _run(case: Case, folder: Path, url: str, people: list[Person]) -> Result:
    warm = max(case.in_flight // len(STEPS) + 1, int(len(people) * WARM_UP) if case.patients <= 10_000 else 100)
    rounds = min(MOST_ROUNDS, max(1, case.texts // (len(STEPS) * (len(people) - warm))))
    writers = people[warm : warm + case.texts // (len(STEPS) * rounds)]
    async with Carrier(port=0, window=case.in_flight) as carrier:
        config = write_config(folder, url=url, port=carrier.port, number=SERVICE_NUMBER, window=max(50, case.in_flight))
        with ExitStack() as stack:
            gateways = [stack.enter_context(Process("gateway", config)) for _ in range(case.gateways)]
            await carrier.wait_for_bind(case.gateways, timeout=60)
            await _Crowd(carrier, people[:warm], 1).write(case.in_flight)
            crowd = _Crowd(carrier, writers, rounds)
            before, began = _costs(gateways), time.perf_counter()
            await crowd.write(case.in_flight)
            took, after = time.perf_counter() - began, _costs(gateways)
    return _result(case, crowd, took, before, after)


def _costs(gateways: list[Process]) -> list[Cost]:
    """This process, which is the carrier, first."""
    return [cost_of("self"), *(gateway.cost() for gateway in gateways)]


def _result(case: Case, crowd: _Crowd, seconds: float, before: list[Cost], after: list[Cost]) -> Result:
    times = sorted(crowd.took) or [0.0]
    per_1000 = 1000 / max(1, len(crowd.took))
    used = [now.cpu - then.cpu for then, now in zip(before, after, strict=True)]
    return Result(
        case=case,
        texts=len(crowd.took),
        lost=crowd.lost,
        wrong=dict(crowd.wrong),
        per_second=round(len(crowd.took) / seconds, 1),
        p50=_ms(median(times)),
        p95=_ms(_quantile(times, 0.95)),
        p99=_ms(_quantile(times, 0.99)),
        worst=_ms(times[-1]),
        gateway_cpu=round(sum(used[1:]) * per_1000, 3),
        carrier_cpu=round(used[0] * per_1000, 3),
        memory=round(max(cost.memory for cost in after[1:]), 1),
        peak=round(max(cost.peak for cost in after[1:]), 1),
    )


def _quantile(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(len(times) * share))]


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
