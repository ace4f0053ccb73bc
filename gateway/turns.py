"""The database thread of a gateway. Everything that touches the database takes its turn here, the urgent first.

A round: store what arrived and acknowledge it; settle what carriers said of our submits; let the desk answer a batch of
the stored texts, and submit its answers; lease other texts for links that have room. Whatever arrives meanwhile waits
for one batch at most. On SQLite writers therefore never fight; and a group commit needs no timer, since it takes what
came during the last. A database server can serve two at once: there the desk works beside, in a thread of its own.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Final, Protocol

from gateway.channel import Answered, BindReport, Desk, Post, Stored
from gateway.intake import Delivery, Intake, Source, each_alone, trouble
from gateway.smpp.events import ReceiptArrived
from gateway.text import OutboundText, Settlement

log = logging.getLogger(__name__)

_POLL: Final = 0.25  # seconds until an outbox row that others wrote is found without a ring
_HOUSEKEEPING: Final = 1.0
_SWEEP: Final = 10.0
_DESK_TRIES: Final = 5
_HOLD: Final = 0.02  # seconds until the desk sees a text again that must wait for another process
_SWITCH: Final = 0.0005  # seconds until the event loop gets the interpreter from this thread, instead of 0.005
_AWAY_FIRST, _AWAY_LONGEST = 0.25, 5.0  # seconds between tries while the database is away


class Line(Protocol):
    """What the turns need of a link; every method may be called from the database thread."""

    @property
    def name(self) -> str:
        """Name of the [[smpp]] entry."""

    @property
    def numbers(self) -> Sequence[str]:
        """The service numbers whose texts it submits."""

    def room(self) -> int:
        """How many more texts it can take now; 0 while it has enough, is not bound for sending, or stops."""

    def submit(self, texts: Sequence[OutboundText]) -> None:
        """Take leased texts; each of their parts comes back as a settlement."""

    def set_rate(self, rate: float | None) -> None:
        """Submit at most *rate* a second (0: no limit), nothing at all while None."""

    def report(self) -> BindReport:
        """How it stands."""


@dataclass(frozen=True, slots=True)
class _Ended:
    source: Source
    at: datetime


@dataclass(slots=True)
class _Errand:
    """What the desk is asked to do - sweep, answer a batch with leases for as many as the lines have room - and how it
    ended."""

    batch: list[Stored]
    lines: dict[str, tuple[int, Line]]
    sweeps: bool
    swept: int = 0
    answered: Answered = field(default_factory=Answered)
    error: Exception | None = None

    def carry_out(self, desk: Desk, clock: Callable[[], datetime]) -> None:
        """Do it; what goes wrong is kept for the turn that takes it back."""
        try:
            if self.sweeps:
                self.swept = desk.sweep(clock())
            if self.batch:
                room = {number: room for number, (room, _) in self.lines.items()}
                self.answered = desk.answer(self.batch, clock(), room)
        except Exception as error:
            self.error = error


@dataclass(slots=True)
class _Round:
    """What came since the last round."""

    deliveries: list[Delivery] = field(default_factory=list)
    settlements: list[Settlement] = field(default_factory=list)
    ended: list[_Ended] = field(default_factory=list)
    errand: _Errand | None = None


_WAKE: Final = object()
_RING: Final = object()
_STOP: Final = object()


class Turns(threading.Thread):
    """Start it, hand it what happens (from any thread), and `stop` it when the links have stopped."""

    def __init__(
        self,
        post: Post,
        desk: Desk,
        *,
        gateway: str,
        clock: Callable[[], datetime],
        desk_batch: int = 64,
        beside: bool = False,
    ) -> None:
        """*beside*: the desk has a thread of its own, for a database that serves two at once."""
        super().__init__(name="turns", daemon=True)
        self._post = post
        self._desk = desk
        self._gateway = gateway
        self._clock = clock
        self._intake = Intake(post, clock)
        self._lines: list[Line] = []
        self._queue: SimpleQueue[object] = SimpleQueue()
        self._backlog: deque[Stored] = deque()
        self._desk_batch = desk_batch  # texts; a fixed number, or a slow disk would make batches small and work dear
        self._beside = ThreadPoolExecutor(1, "desk") if beside else None
        self._at_desk = False  # whether the desk has an errand under way
        self._desk_failures = 0  # in a row, of the batch at the head
        self._held: list[Stored] = []  # texts that the desk wants to see again
        self._held_until = 0.0
        self._hungry: set[str] = set()  # lines whose outbox may hold something
        self._unsettled: list[Settlement] = []
        self._ended: list[_Ended] = []
        self._away_until = 0.0
        self._away_for = 0.0
        self._poll_at = self._keep_at = self._sweep_at = 0.0
        self._stopping = False

    def add(self, line: Line) -> None:
        """Lease texts for *line* too. Call it before `start`."""
        self._lines.append(line)

    def arrived(self, delivery: Delivery) -> None:
        """Store *delivery*, then answer it."""
        self._queue.put(delivery)

    def settled(self, settlements: list[Settlement]) -> None:
        """Record *settlements*; they are kept until the database has them."""
        self._queue.put(settlements)

    def ended(self, source: Source, at: datetime) -> None:
        """Record that a connection ended, or fell silent, at that time."""
        self._queue.put(_Ended(source, at))

    def ring(self) -> None:
        """Somebody wrote to the outbox: look now."""
        self._queue.put(_RING)

    def wake(self) -> None:
        """A line has room again; worth a look only if the outbox is known to hold something."""
        self._queue.put(_WAKE)

    def stop(self, timeout: float | None = None) -> None:
        """Finish what has been handed over, give back what is leased, and end. Stop the links first."""
        self._queue.put(_STOP)
        self.join(timeout)

    def run(self) -> None:
        """Take turns until stopped. No exception of a turn ends it."""
        sys.setswitchinterval(_SWITCH)
        while not self._stopping:
            self._take_in(self._wait())
            if time.monotonic() >= self._away_until:
                self._turn("housekeeping", self._keep_house)
                self._turn("desk", self._serve)
                self._turn("lease", self._lease)
        if self._beside is not None:
            self._beside.shutdown()
            while self._at_desk:
                self._take_in(self._wait())
        self._turn("release", self._post.release, self._gateway, self._clock())
        self._turn("sessions", self._intake.close_all, self._clock())

    def _take_in(self, came: _Round) -> None:
        self._turn("store", self._store, came)
        self._turn("settle", self._settle, came)
        self._turn("sessions", self._close, came)
        if came.errand is not None:
            self._turn("desk", self._take_back, came.errand)

    def _turn(self, name: str, take: Callable[..., None], *arguments: object) -> None:
        try:
            take(*arguments)
        except Exception as error:
            log.error("turn %s failed: %s", name, trouble(error))
            self._away_for = min(_AWAY_LONGEST, max(_AWAY_FIRST, self._away_for * 2))
            self._away_until = time.monotonic() + self._away_for

    def _wait(self) -> _Round:
        """What came, up to the end of a connection: what comes again by another must find that one closed."""
        came = _Round()
        try:
            self._sort(came, self._queue.get(timeout=self._patience()))
            while not came.ended:
                self._sort(came, self._queue.get_nowait())
        except Empty:
            pass
        return came

    def _patience(self) -> float:
        now = time.monotonic()
        if now < self._away_until:
            return self._away_until - now
        due = not self._at_desk and (bool(self._backlog) or now >= self._sweep_at)
        if self._stopping or due or any(line.name in self._hungry and line.room() for line in self._lines):
            return 0.0
        held = self._held_until if self._held and not self._at_desk else self._keep_at
        return max(0.0, min(self._poll_at, self._keep_at, held) - now)

    def _sort(self, came: _Round, item: object) -> None:
        match item:
            case Delivery():
                came.deliveries.append(item)
            case list():
                came.settlements.extend(item)
            case _Ended():
                came.ended.append(item)
            case _Errand():
                came.errand = item
            case _ if item is _RING:
                self._hungry.update(line.name for line in self._lines)
            case _ if item is _STOP:
                self._stopping = True

    def _store(self, came: _Round) -> None:
        if came.deliveries:
            self._backlog.extend(self._intake.store(came.deliveries, self._clock()))

    def _settle(self, came: _Round) -> None:
        self._unsettled += came.settlements
        notices = [d for d in came.deliveries if any(type(a) is ReceiptArrived for a in d.arrivals)]
        if not notices and (not self._unsettled or time.monotonic() < self._away_until):
            return
        try:
            self._intake.settle(notices, self._unsettled, self._clock())
            self._unsettled = []
        except Exception:
            self._settle_each()
            raise

    def _settle_each(self) -> None:
        """Keep what the database cannot take now; what fails while others go through is at fault itself."""
        done, failed, left = each_alone(self._unsettled, lambda one: self._post.settle([one], [], self._clock()))
        if done and failed:
            log.error("settlements given up for outbox rows %s", [one.outbox_id for one in failed])
        self._unsettled = left if done else failed + left

    def _close(self, came: _Round) -> None:
        self._ended += came.ended
        while self._ended:
            self._intake.close(self._ended[0].source, self._ended[0].at)
            del self._ended[0]

    def _lease(self) -> None:
        now = time.monotonic()
        if now >= self._poll_at:
            self._poll_at = now + _POLL
            self._hungry.update(line.name for line in self._lines)
        for line in self._lines:
            room = line.room() if line.name in self._hungry else 0
            if room:
                texts = self._post.lease(self._gateway, line.numbers, room, self._clock())
                if len(texts) < room:
                    self._hungry.discard(line.name)
                if texts:
                    line.submit(texts)

    def _serve(self) -> None:
        """Give the desk something to do, if it has nothing."""
        if self._at_desk or (errand := self._next_errand()) is None:
            return
        self._at_desk = True
        if self._beside is None:
            errand.carry_out(self._desk, self._clock)
            self._take_back(errand)
        else:
            self._beside.submit(self._work_beside, errand)

    def _work_beside(self, errand: _Errand) -> None:
        errand.carry_out(self._desk, self._clock)
        self._queue.put(errand)

    def _next_errand(self) -> _Errand | None:
        now = time.monotonic()
        batch: list[Stored] = []
        if now >= self._held_until:
            batch, self._held = self._held, []
        senders = {one.text.source for one in self._held}
        for _ in range(min(self._desk_batch, len(self._backlog))):
            one = self._backlog.popleft()
            (self._held if one.text.source in senders else batch).append(one)  # nobody's texts overtake each other
        sweeps = now >= self._sweep_at
        return _Errand(batch, self._roomiest(), sweeps) if batch or sweeps else None

    def _take_back(self, errand: _Errand) -> None:
        """Submit what was answered. Raises what went wrong; the desk then gets the same texts again."""
        self._at_desk = False
        if errand.error is not None:
            if errand.batch:
                self._put_back(errand.batch)
            raise errand.error
        self._desk_failures = 0
        if errand.sweeps:
            self._sweep_at = time.monotonic() + (0 if errand.swept else _SWEEP)
        for number, (_, line) in errand.lines.items():
            mine = [text for text in errand.answered.leased if text.service_number == number]
            if mine:
                line.submit(mine)
        self._backlog.extendleft(reversed(errand.answered.again))
        if errand.answered.waiting:
            self._held += errand.answered.waiting
            self._held_until = time.monotonic() + _HOLD
        if errand.answered.queued or errand.swept:
            self._hungry.update(line.name for line in self._lines)

    def _roomiest(self) -> dict[str, tuple[int, Line]]:
        """The line of each service number that can take most, with how many more texts that is."""
        found: dict[str, tuple[int, Line]] = {}
        for line in self._lines:
            room = line.room()
            for number in line.numbers:
                if room > found.get(number, (0, line))[0]:
                    found[number] = room, line
        return found

    def _put_back(self, batch: list[Stored]) -> None:
        """Let the desk try again when the database is back; what it stumbles over for long is left to its sweep."""
        self._desk_failures += 1
        if self._desk_failures < _DESK_TRIES:
            self._backlog.extendleft(reversed(batch))
        else:
            self._desk_failures = 0
            log.error("left to the sweep: inbox rows %s", [one.inbox_id for one in batch])
            self._sweep_at = 0.0  # before later texts of the same people

    def _keep_house(self) -> None:
        now = time.monotonic()
        if now >= self._keep_at:
            self._keep_at = now + _HOUSEKEEPING
            rates = self._post.heartbeat(self._gateway, [line.report() for line in self._lines], self._clock())
            for line in self._lines:
                line.set_rate(rates.get(line.name))
            self._away_for = 0.0
