"""What arrived becomes rows, and only then an answer to the carrier. Runs in the database thread alone (turns.py)."""

from __future__ import annotations

import logging
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final, Protocol, TypeVar

from gateway.channel import Post, Stored
from gateway.smpp.events import Arrival, Quarantined, ReceiptArrived, TextArrived
from gateway.smpp.pdu import encode
from gateway.smpp.receipt import read_receipt
from gateway.text import InboundText, Receipt, Settlement

log = logging.getLogger(__name__)

_TRIES: Final = 3  # that one text may fail alone, while others can be stored, before it is kept as raw octets instead
_TROUBLED: Final = 1_000  # texts whose failures are remembered, and as many that were acknowledged late
LATE: Final = timedelta(seconds=2)  # after which a carrier may send a text again that we have not acknowledged

Item = TypeVar("Item")


class Source(Protocol):
    """The connection that something arrived by."""

    @property
    def bind(self) -> str:
        """Name of the [[smpp]] entry."""

    @property
    def account(self) -> str:
        """The carrier's account, by which receipts find their texts."""

    def answer(self, accepted: Sequence[Arrival], rejected: Sequence[Arrival]) -> None:
        """Tell the carrier, from this thread; nothing happens when the connection is gone."""


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """What one read of a connection brought, and when."""

    source: Source
    arrivals: Sequence[Arrival]
    at: datetime


def trouble(error: BaseException) -> str:
    """Return what went wrong and where, for a log: never the message, which may quote a text or a number."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    where = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {where}"


def each_alone(items: Sequence[Item], do: Callable[[Item], None]) -> tuple[list[Item], list[Item], list[Item]]:
    """Do *items* one by one after all together have failed; returns which were done, which failed, which were left.

    Two failures and nothing done: it is the database that is at fault, and the rest is not tried.
    """
    done: list[Item] = []
    failed: list[Item] = []
    for position, item in enumerate(items):
        try:
            do(item)
            done.append(item)
        except Exception as error:
            log.error("alone it failed too: %s", trouble(error))
            failed.append(item)
            if len(failed) == 2 and not done:
                return done, failed, list(items[position + 1 :])
    return done, failed, []


class Intake:
    """Stores texts, receipts and quarantined PDUs, and answers each once its row is committed."""

    def __init__(self, post: Post, clock: Callable[[], datetime]) -> None:
        self._post = post
        self._clock = clock
        self._sessions: dict[Source, int] = {}
        self._failures: Counter[bytes] = Counter()
        self._late: dict[bytes, datetime] = {}  # texts that were acknowledged late, and when

    def store(self, deliveries: Iterable[Delivery], now: datetime) -> list[Stored]:
        """Commit the texts and quarantined PDUs of *deliveries* and answer them; returns the new texts, in order."""
        arrived = [(delivery, arrival) for delivery in deliveries for arrival in delivery.arrivals]
        stored = self._store_texts([(d, a) for d, a in arrived if type(a) is TextArrived], now)
        self._quarantine([(d, a) for d, a in arrived if type(a) is Quarantined], now)
        return [one for one in stored if one.inbox_id is not None]

    def settle(self, deliveries: Iterable[Delivery], settlements: Sequence[Settlement], now: datetime) -> None:
        """Commit *settlements* with the receipts of *deliveries*, and answer those. Raises as the post does."""
        arrived = [(d, a) for d in deliveries for a in d.arrivals if type(a) is ReceiptArrived]
        try:
            self._post.settle(settlements, [_receipt(delivery, arrival) for delivery, arrival in arrived], now)
        except Exception:
            _answer(arrived, accepted=False)
            raise
        _answer(arrived, accepted=True)

    def close(self, source: Source, now: datetime) -> None:
        """The connection ended: what it brought last may come again."""
        session = self._sessions.get(source)
        if session is not None:
            self._post.session_closed(session, now)
            del self._sessions[source]

    def close_all(self, now: datetime) -> None:
        """Close what is still open, at the end of the process."""
        for source in list(self._sessions):
            self.close(source, now)

    def _store_texts(self, arrived: list[tuple[Delivery, TextArrived]], now: datetime) -> list[Stored]:
        if not arrived:
            return []
        new, again = self._apart(arrived) if self._late or _span(arrived) >= LATE else (arrived, [])
        stored = self._store_new(new, now) if new else []
        if again:
            _answer([one for one in again if self._waited(*one)], accepted=True)
            _answer([one for one in again if not self._waited(*one)], accepted=False)  # as the first of them was
        return stored

    def _apart(
        self, arrived: list[tuple[Delivery, TextArrived]]
    ) -> tuple[list[tuple[Delivery, TextArrived]], list[tuple[Delivery, TextArrived]]]:
        """What is new, and what came again because we had not acknowledged it: some time ago, or of this very lot."""
        new: list[tuple[Delivery, TextArrived]] = []
        again: list[tuple[Delivery, TextArrived]] = []
        first: dict[bytes, datetime] = {}
        for delivery, text in arrived:
            since = first.setdefault(_digest(text), delivery.at)
            came_again = delivery.at - since >= LATE or self._waited(delivery, text)
            (again if came_again else new).append((delivery, text))
        return new, again

    def _store_new(self, arrived: list[tuple[Delivery, TextArrived]], now: datetime) -> list[Stored]:
        try:
            stored = self._post.store([self._inbound(d, a, now) for d, a in arrived], now)
        except Exception as error:
            log.error("%d texts could not be stored: %s", len(arrived), trouble(error))
            self._doubt(arrived, now)
            return self._store_each(arrived, now) if len(arrived) > 1 else self._refuse(arrived, now)
        self._acknowledge(arrived, stored)
        return stored

    def _acknowledge(self, arrived: Sequence[tuple[Delivery, TextArrived]], stored: Sequence[Stored]) -> None:
        """Answer what is stored. What took long may have been sent again by then: its carrier waited for us."""
        _answer_stored(arrived, stored)
        done = self._clock()
        late = [_digest(text) for delivery, text in arrived if done - delivery.at >= LATE]
        self._late.update(dict.fromkeys(late, done))
        while len(self._late) > _TROUBLED:
            del self._late[next(iter(self._late))]

    def _waited(self, delivery: Delivery, text: TextArrived) -> bool:
        """Whether this is a text that we had and had not acknowledged when it came again."""
        acknowledged = self._late.get(_digest(text))
        return acknowledged is not None and delivery.at <= acknowledged

    def _store_each(self, arrived: list[tuple[Delivery, TextArrived]], now: datetime) -> list[Stored]:
        stored: list[Stored] = []

        def store(one: tuple[Delivery, TextArrived]) -> None:
            stored.extend(self._post.store([self._inbound(*one, now)], now))

        done, failed, left = each_alone(arrived, store)
        self._acknowledge(done, stored)
        _answer(left, accepted=False)
        self._refuse(failed, now)
        return stored

    def _refuse(self, failed: list[tuple[Delivery, TextArrived]], now: datetime) -> list[Stored]:
        """Leave *failed* with the carrier; one that fails again and again is kept raw, for the operator."""
        for delivery, text in failed:
            key = _digest(text)
            self._failures[key] += 1
            hopeless = self._failures[key] >= _TRIES
            if hopeless:
                del self._failures[key]
                kept = Quarantined(text.sequence, text.command, encode(text.pdu), "cannot be stored", 0)
                self._quarantine([(delivery, kept)], now)
            else:
                _answer([(delivery, text)], accepted=False)
        while len(self._failures) > _TROUBLED:
            del self._failures[next(iter(self._failures))]
        return []

    def _doubt(self, arrived: list[tuple[Delivery, TextArrived]], now: datetime) -> None:
        """End the sessions of a failed commit: it may have held all the same, and what comes again is then known."""
        for source in {delivery.source for delivery, _ in arrived}:
            try:
                self.close(source, now)
            except Exception as error:
                log.warning("bind %s: its session could not be closed: %s", source.bind, trouble(error))

    def _quarantine(self, arrived: list[tuple[Delivery, Quarantined]], now: datetime) -> None:
        for delivery, pdu in arrived:
            bind = delivery.source.bind
            try:
                self._post.quarantine(bind, pdu.octets, pdu.reason, now)
            except Exception as error:
                log.error("bind %s: a PDU could not be quarantined: %s", bind, trouble(error))
                _answer([(delivery, pdu)], accepted=False)
            else:
                log.warning("bind %s: quarantined a %s: %s", bind, pdu.command, pdu.reason)
                _answer([(delivery, pdu)], accepted=True)

    def _inbound(self, delivery: Delivery, text: TextArrived, now: datetime) -> InboundText:
        source = delivery.source
        session = self._sessions.get(source)
        if session is None:
            session = self._sessions[source] = self._post.session_opened(source.bind, now)
        return InboundText(
            source.bind, session, text.source, text.destination, text.octets, text.coding, text.part, delivery.at
        )


def _span(arrived: Sequence[tuple[Delivery, TextArrived]]) -> timedelta:
    """Between the first and the last of these."""
    return arrived[-1][0].at - arrived[0][0].at


def _digest(text: TextArrived) -> bytes:
    return blake2b(f"{text.source} {text.destination} {text.part} ".encode() + text.octets).digest()


def _receipt(delivery: Delivery, arrival: ReceiptArrived) -> Receipt:
    receipt = read_receipt(arrival.pdu, delivery.source.account, delivery.at)
    assert receipt is not None  # `session` asked the same question of the same PDU
    return receipt


def _answer_stored(arrived: Sequence[tuple[Delivery, Arrival]], stored: Sequence[Stored]) -> None:
    """Acknowledge *arrived*, but leave with the carrier what may repeat a text of a process that has just died."""
    pairs = list(zip(arrived, stored, strict=True))
    _answer([one for one, kept in pairs if not kept.undecided], accepted=True)
    _answer([one for one, kept in pairs if kept.undecided], accepted=False)


def _answer(arrived: Sequence[tuple[Delivery, Arrival]], *, accepted: bool) -> None:
    """Answer *arrived*, one call for each connection."""
    by_source: defaultdict[Source, list[Arrival]] = defaultdict(list)
    for delivery, arrival in arrived:
        by_source[delivery.source].append(arrival)
    for source, arrivals in by_source.items():
        source.answer(*((arrivals, []) if accepted else ([], arrivals)))
