"""kill -9 at chosen instants, and which texts were where when it struck."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from tests.faults.books import Arrived, check_whole, read_books, twice
from tests.faults.crowd import Crowd, finish
from tests.faults.harness import PATIENCE, Letter, Service, wait_until


class Gap(StrEnum):
    """Between which two commits or PDUs a text was at the kill."""

    ON_THE_WAY = "sent and not stored"
    STORED = "stored and not acknowledged"
    ACKNOWLEDGED = "acknowledged and not decided"
    DECIDED = "decided and not submitted"
    SUBMITTED = "submitted and not settled"
    FINISHED = "settled"


MUST_BE_HIT = (Gap.STORED, Gap.ACKNOWLEDGED, Gap.DECIDED, Gap.SUBMITTED)
UNDER_WAY = 20  # texts at least, at every kill


@dataclass(frozen=True)
class Plan:
    """When to strike: at the n-th acknowledgement or submit that the carrier reads, or after a time.

    *deaf*: the carrier reads nothing once it has delivered, and the kill comes when *deaf* parts are stored.
    *slow*: the carrier answers submits after so many seconds. *again*: strike once more, at the n-th submit after the
    new start, whose gateway has received no text at all when the first had acknowledged them.
    """

    acknowledgements: int = 0
    submits: int = 0
    seconds: float = 0.0
    deaf: int = 0
    slow: float = 0.0
    again: int = 0


SMALL = (
    Plan(acknowledgements=1),
    Plan(deaf=20),
    Plan(submits=10, slow=5.0, again=1),
)


def plans(chance: random.Random) -> Iterator[Plan]:
    """Kills without end: every kind in turn, at instants by *chance*."""
    while True:
        yield Plan(acknowledgements=chance.randint(1, 45))
        yield Plan(seconds=chance.uniform(0.001, 0.2), submits=15)
        yield Plan(submits=chance.randint(1, 15))
        yield Plan(submits=chance.randint(1, 10), slow=5.0, again=chance.choice((0, 1, 5)))
        yield Plan(deaf=chance.randint(1, 45))
        yield Plan(seconds=chance.uniform(0.0, 0.05), submits=15, again=chance.randint(1, 10))


class Ordeal:
    """Round after round on one service: everybody writes, the gateway is killed, starts again, and all is checked."""

    def __init__(self, service: Service, crowd: Crowd) -> None:
        self.service, self.crowd = service, crowd
        self.gateway = service.gateway()
        self.gaps: Counter[Gap] = Counter()
        self.kills = 0

    def start(self) -> None:
        """Start the gateway and wait for its bind."""
        self.gateway.start()
        self.service.carrier.wait_for_bind(timeout=60)

    def round(self, plan: Plan) -> None:
        """One kill (two when *plan* says so) with texts under way, and then the checks of the guarantees."""
        letters = self.crowd.round()
        carrier = self.service.carrier
        carrier.faults.delay = plan.slow
        self._strike(plan, letters)
        gaps = self._autopsy(letters)
        under_way = len(letters) - gaps[Gap.FINISHED]
        assert under_way >= UNDER_WAY, f"{plan} struck when only {under_way} texts were under way"
        self.gaps += gaps
        if plan.again:
            with self._ending_at({"submit": plan.again}) as struck:
                self.start()
                struck.wait(PATIENCE)
            self.gaps += self._autopsy(letters)
        carrier.faults.delay = 0.0
        self.start()
        finish(self.service)

    def report(self) -> str:
        """What was hit, for people."""
        books = read_books(self.service.database, self.service.keys)
        seen, marked = twice(books, self.service.carrier.texts())
        gaps = ", ".join(f"{gap}: {self.gaps[gap]}" for gap in Gap if gap is not Gap.FINISHED)
        return (
            f"{self.kills} kills, {len(self.service.letters)} texts; at the kills {gaps}; "
            f"{seen} answers came twice, {marked} are marked as maybe"
        )

    def _strike(self, plan: Plan, letters: list[Letter]) -> None:
        stored = self._stored()
        with self._ending_at({"acknowledgement": plan.acknowledgements, "submit": plan.submits}) as struck:
            self.service.write(letters, deaf=bool(plan.deaf))
            if plan.deaf:
                wait_until(lambda: self._stored() >= stored + plan.deaf)
            else:
                struck.wait(plan.seconds or PATIENCE)

    @contextmanager
    def _ending_at(self, counts: dict[str, int]) -> Iterator[threading.Event]:
        """Kill the gateway at the n-th PDU of a kind that the carrier reads, at the latest when the block ends."""
        seen: Counter[str] = Counter()
        struck = threading.Event()

        def trap(event: str) -> None:
            seen[event] += 1
            if seen[event] == counts.get(event):
                os.kill(self.gateway.pid, signal.SIGKILL)
                struck.set()

        with self.service.trapped(trap):
            yield struck
            self._kill()

    def _kill(self) -> None:
        self.gateway.kill()
        self.kills += 1
        self.service.carrier.faults.half_open = False
        self.service.wait_for_the_dead()

    def _stored(self) -> int:
        return self.service.count("SELECT count(*) FROM inbox")

    def _autopsy(self, letters: list[Letter]) -> Counter[Gap]:
        """Where each text is, by the rows that the dead process left and the PDUs that the carrier has read."""
        books = read_books(self.service.database, self.service.keys)
        check_whole(books)
        texts = books.texts()
        shown = {(text.number, text.text) for text in self.service.carrier.texts()}
        under_way = {
            answer.key: (answer.number, answer.body) in shown
            for answer in books.outbox
            if answer.state in {"queued", "leased"}
        }
        earlier = Counter(one.person.number for one in self.service.letters) - Counter(
            one.person.number for one in letters
        )
        places: dict[str, Iterator[list[Arrived]]] = defaultdict(lambda: iter(()))
        places.update({number: iter(parts[earlier[number] :]) for number, parts in texts.items()})
        return Counter(_gap(one, next(places[one.person.number], []), under_way) for one in letters)


def _gap(letter: Letter, parts: list[Arrived], under_way: dict[str, bool]) -> Gap:
    """*under_way*: the answers that are not settled, and whether the carrier has them."""
    if not parts or len(parts) < (parts[0].part_total or 1):
        return Gap.ON_THE_WAY
    if not letter.acknowledged:
        return Gap.STORED
    last = max(parts, key=lambda part: part.id)
    if last.state in {"new", "part"}:
        return Gap.ACKNOWLEDGED
    submitted = under_way.get(f"reply:{last.id}")
    if submitted is None:
        return Gap.FINISHED
    return Gap.SUBMITTED if submitted else Gap.DECIDED
