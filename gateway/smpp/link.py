"""A bind to a carrier, kept up for ever: connects, binds, submits inside window and pace, and binds again.

This and connection.py hold the only sockets and the only clock of the gateway.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from gateway.channel import BindReport
from gateway.dispatch import NO_LIMIT, QUEUE_FULL, Pace, Reconnect, must_rebind, verdict_for
from gateway.errors import LocalProtocolError
from gateway.intake import Delivery
from gateway.smpp.connection import Connection
from gateway.smpp.events import Answered, Arrival, Ending, Mode, Unanswered
from gateway.smpp.outgoing import Lanes, Submission, submissions
from gateway.smpp.pdu import Status, status_name
from gateway.smpp.session import Role, Session, State, Timing
from gateway.text import OutboundText, Settlement, Verdict
from gateway.turns import Turns

log = logging.getLogger(__name__)

_CONNECT: Final = 10.0  # seconds, TLS handshake included
_TICK: Final = 0.25
_DRAIN: Final = 10.0
_STEADY: Final = 10.0  # a bind that held so long was a good one
_LONG_WAIT: Final = 30.0  # after which a text goes back to the outbox, long before its lease ends there
_WRITE: Final = 16  # submits in one write: the carrier works on the first while we encode the next
_FULL_REMEMBERED: Final = 10_000
_AHEAD: Final = 0.25  # seconds of submits that wait beside the window when there is a rate


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """One [[smpp]] entry of config.toml."""

    name: str
    host: str
    port: int
    system_id: str
    password: str = field(repr=False)
    mode: Mode = Mode.TRANSCEIVER
    numbers: tuple[str, ...] = ()
    window: int = 50
    rate: float = 100.0
    tls: bool = False
    ca_file: str = ""  # of the carrier, when it is not a public one
    cert_file: str = ""  # our own, with its key, when the carrier asks for it
    enquire_link_seconds: float = 30.0
    response_timeout_seconds: float = 30.0
    answer_seconds: float = 10.0  # that the carrier has for an enquire_link
    account: str = ""  # whose texts receipts are about; the system_id when empty
    calling_code: str = "358"  # of national numbers
    parts: str = "udh8"  # or "udh16", "sar"


class Link:
    """One [[smpp]] entry: `run` it, and hand it to `Turns.add`."""

    def __init__(
        self,
        settings: LinkSettings,
        turns: Turns,
        *,
        clock: Callable[[], datetime],
        reconnect: Reconnect | None = None,
    ) -> None:
        self.settings = settings
        self.counts: Counter[str] = Counter()
        self.loop: asyncio.AbstractEventLoop
        self._account = settings.account or settings.system_id
        self._turns = turns
        self._clock = clock
        self._reconnect = reconnect or Reconnect()
        self._full: Counter[int] = Counter()  # answers "queue full" in a row, by outbox id
        self._lanes = Lanes()
        self._pace = Pace(settings.rate)
        self._may_submit = False  # until the first heartbeat has told this process's share of the rate
        self._connection: Connection | None = None
        self._handed = self._received = 0  # texts: counted by the database thread, by the loop
        self._state, self._since = State.CLOSED, clock()
        self._stopping = asyncio.Event()
        self._pump_at: asyncio.TimerHandle | None = None

    # Line: what the turns ask, from the database thread

    @property
    def name(self) -> str:
        """Name of the [[smpp]] entry."""
        return self.settings.name

    @property
    def numbers(self) -> Sequence[str]:
        """The service numbers that leave on this bind."""
        return self.settings.numbers

    def room(self) -> int:
        """How many more texts it can take: as many as wait for the window at most, and none until half have gone."""
        connection = self._connection
        if connection is None or self._stopping.is_set() or not self._may_submit:
            return 0
        if not connection.session.may_send("submit_sm"):
            return 0
        waiting = len(self._lanes) + self._handed - self._received
        ahead = self._ahead()
        return ahead - waiting if waiting <= ahead // 2 else 0

    def submit(self, texts: Sequence[OutboundText]) -> None:
        """Take leased texts, from the database thread."""
        self._handed += len(texts)
        self.loop.call_soon_threadsafe(self._accept, texts)

    def set_rate(self, rate: float | None) -> None:
        """Submit at most *rate* a second (0: no limit), nothing at all while None."""
        self._may_submit = rate is not None
        if rate is not None:
            self._pace.set_rate(rate)

    def report(self) -> BindReport:
        """How it stands."""
        settings, connection = self.settings, self._connection
        return BindReport(
            name=settings.name,
            account=self._account,
            submits=settings.mode is not Mode.RECEIVER,
            rate=settings.rate,
            state=self._state.value,
            since=self._since,
            outstanding=connection.session.outstanding if connection else 0,
            waiting=len(self._lanes),
            counts=dict(self.counts),
        )

    # Channel

    async def run(self) -> None:
        """Keep bound until stopped."""
        self.loop = asyncio.get_running_loop()
        failures = 0
        while not self._stopping.is_set():
            connection = await self._connect()
            if connection is not None:
                await self._hold(connection)
            failures = 0 if self._held(connection) else failures + 1
            refused = self._was_refused(connection)
            await self._rest(self._reconnect.delay(max(0, failures - 1), refused=refused))

    async def stop(self) -> None:
        """Give back what waits, let answers under way come, unbind and close; 10 s at most for what is under way."""
        self._stopping.set()
        self._return_waiting()
        connection = self._connection
        if connection is None:
            return
        try:
            async with asyncio.timeout(_DRAIN):
                await self._drain(connection)
        except TimeoutError:
            log.warning("bind %s: %d submits unanswered at the stop", self.name, connection.session.outstanding)
        connection.draining = False
        connection.balance()
        connection.session.unbind(self.loop.time())
        connection.flush()
        if connection.session.state is not State.UNBINDING:
            connection.drop()
        await connection.ended

    async def _drain(self, connection: Connection) -> None:
        """Wait for the answers to our submits, and then until all that was read is committed and acknowledged."""
        session = connection.session
        while session.outstanding and not session.closed:
            await asyncio.sleep(_TICK / 10)
        connection.draining = True
        connection.balance()
        while session.owed and not session.closed:
            await asyncio.sleep(_TICK / 10)

    async def _connect(self) -> Connection | None:
        settings = self.settings
        try:
            async with asyncio.timeout(_CONNECT):
                _, connection = await self.loop.create_connection(
                    self._new_connection,
                    settings.host,
                    settings.port,
                    ssl=_tls(settings) if settings.tls else None,
                    server_hostname=settings.host if settings.tls else None,
                    happy_eyeballs_delay=0.25,
                )
        except (OSError, TimeoutError) as error:  # ssl.SSLError is an OSError
            log.warning("bind %s: no connection to %s:%d: %s", self.name, settings.host, settings.port, error)
            return None
        return connection

    def _new_connection(self) -> Connection:
        settings = self.settings
        timing = Timing(
            enquire=settings.enquire_link_seconds,
            answer=settings.answer_seconds,
            response=settings.response_timeout_seconds,
        )
        session = Session(Role.ESME, timing, calling_code=settings.calling_code)
        return Connection(self, session, bind=settings.name, account=self._account)

    async def _hold(self, connection: Connection) -> None:
        """Stay with *connection* to its end; let the time pass for it."""
        if self._stopping.is_set():
            connection.drop()
        while not connection.ended.done():
            await asyncio.wait([connection.ended], timeout=_TICK)
            connection.tick(self.loop.time())
            self._give_back(self._lanes.take_older(self.loop.time() - _LONG_WAIT))
            self.pump()
        self._connection = None
        self._enter(State.CLOSED)
        self._return_waiting()
        why = connection.ending.why if connection.ending else "connection lost"
        log.info("bind %s: ended: %s", self.name, why)

    def _held(self, connection: Connection | None) -> bool:
        if connection is None or connection.bound_at is None:
            return False
        return self.loop.time() - connection.bound_at >= _STEADY

    def _was_refused(self, connection: Connection | None) -> bool:
        if connection is None or connection.ending is None or connection.ending.why is not Ending.BIND_REFUSED:
            return False
        status = connection.ending.status
        log.error("bind %s REFUSED by the carrier with %s: a person must look", self.name, status_name(status))
        self.counts["binds_refused"] += 1
        return status in {Status.RINVPASWD, Status.RINVSYSID, Status.RALYBND, Status.RBINDFAIL}

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            self.counts["reconnects"] += 1

    def _enter(self, state: State) -> None:
        self._state, self._since = state, self._clock()

    # Owner: what the connection says, in the loop

    def opened(self, connection: Connection) -> None:
        """The socket stands: bind."""
        settings = self.settings
        self._connection = connection
        self._enter(State.OPEN)
        connection.session.bind(settings.mode, settings.system_id, settings.password, self.loop.time())

    def bound(self, connection: Connection) -> None:
        """The carrier let us in."""
        self._enter(connection.session.state)
        log.info("bind %s: bound as %s", self.name, self.settings.mode)
        self._turns.ring()

    def came(
        self, connection: Connection, arrivals: Sequence[Arrival], answers: Sequence[Answered | Unanswered], now: float
    ) -> None:
        """Fill the room that answers made, and then wake the database thread with what one read brought."""
        if arrivals:
            self.counts["arrived"] += len(arrivals)
            self._turns.arrived(Delivery(connection, arrivals, self._clock()))
        if answers:
            settlements = [self._settle(answer, now) for answer in answers]
            self.pump()
            self._turns.settled(settlements)

    def lost(self, connection: Connection) -> None:
        """Let its session end at once: the carrier may bring its last texts again by another bind.

        One that fell silent ended when it did: nobody need have read what we have acknowledged since.
        """
        self._turns.ended(connection, self._clock() - timedelta(seconds=connection.silence))

    def _settle(self, answer: Answered | Unanswered, now: float) -> Settlement:
        """What an answer, or none, means for the outbox and for the pace."""
        submission: Submission = answer.note
        if isinstance(answer, Unanswered):
            self.counts[Verdict.UNKNOWN] += 1
            return self._settlement(submission, Verdict.UNKNOWN)
        self._pace.answered(answer.sent_at, now)
        verdict = verdict_for(answer.status, submission.text.attempt, self._times_full(submission, answer.status))
        self.counts[verdict] += 1
        if verdict is Verdict.ACCEPTED:
            self._pace.accepted(answer.sent_at)
        elif verdict is Verdict.THROTTLED:
            self._pace.throttled(answer.sent_at, now)
        if must_rebind(answer.status) and self._connection is not None:
            log.warning("bind %s: the carrier does not know of our bind", self.name)
            self._connection.drop()
        return self._settlement(submission, verdict, answer.message_id, answer.status)

    def _times_full(self, submission: Submission, status: int) -> int:
        """How often in a row the carrier has found no room for this text, now included."""
        if status != QUEUE_FULL:
            self._full.pop(submission.text.id, None)
            return 0
        if len(self._full) >= _FULL_REMEMBERED:
            self._full.clear()
        self._full[submission.text.id] += 1
        return self._full[submission.text.id]

    def _settlement(
        self, submission: Submission, verdict: Verdict, message_id: str = "", status: int = 0
    ) -> Settlement:
        """The end of one try of one part."""
        outbox_id, number, total = submission.text.id, submission.number, submission.total
        return Settlement(outbox_id, self._account, number, total, verdict, message_id, status, self._clock())

    # Submitting, in the loop

    def _accept(self, texts: Sequence[OutboundText]) -> None:
        self._received += len(texts)
        for text in texts:
            try:
                self._lanes.extend(submissions(text, self.settings.parts, self.loop.time()))
            except LocalProtocolError as error:
                log.error("bind %s: outbox row %d cannot be submitted: %s", self.name, text.id, error)
                self._turns.settled([Settlement(text.id, self._account, 1, 1, Verdict.REFUSED, "", 0, self._clock())])
        if self._connection is None or self._stopping.is_set():
            self._return_waiting()
        self.pump()

    def pump(self) -> None:
        """Submit what window and pace allow, in few writes; come again when the pace allows more."""
        connection = self._connection
        if connection is None or not self._lanes or connection.clogged or self._stopping.is_set():
            return
        if not connection.session.may_send("submit_sm"):
            return
        now = self.loop.time()
        free = self.settings.window - connection.session.outstanding
        allowed = self._pace.room(now)
        sent = self._submit(connection, min(free, allowed), now)
        if sent:
            self._pace.spend(sent, now)
            self.counts["submits"] += sent
            if len(self._lanes) <= self._ahead() // 2:
                self._turns.wake()
        if self._lanes and free > sent and self._pump_at is None and allowed != NO_LIMIT:
            self._pump_at = self.loop.call_at(self._pace.next_at(now), self._pump_again)

    def _pump_again(self) -> None:
        self._pump_at = None
        self.pump()

    def _submit(self, connection: Connection, room: int, now: float) -> int:
        sent = 0
        while sent < room and self._lanes:
            if sent % _WRITE == _WRITE - 1:
                connection.flush()
            submission = self._lanes.pop()
            expires_at = submission.text.expires_at
            if expires_at is not None and expires_at <= self._clock():
                self._turns.settled([self._settlement(submission, Verdict.LATER)])
                continue
            connection.session.submit(submission.octets, now, submission)
            sent += 1
        connection.flush()
        return sent

    def _return_waiting(self) -> None:
        self._give_back(self._lanes.clear())

    def _give_back(self, waiting: Sequence[Submission]) -> None:
        """Return what was leased and never submitted: same place in the order, no try counted."""
        if waiting:
            self._turns.settled([self._settlement(one, Verdict.THROTTLED) for one in waiting])

    def _ahead(self) -> int:
        limit = self._pace.limit(self.loop.time())
        most = 2 * self.settings.window
        return min(most, ceil(limit * _AHEAD)) if limit else most


def _tls(settings: LinkSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ca_file or None)
    if settings.cert_file:
        context.load_cert_chain(settings.cert_file)
    return context
