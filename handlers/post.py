"""The post: the inbox and the outbox as the gateway uses them. Every call is one short transaction.

`gateway.channel.Post` says what is promised; the SQL is in `models.inbox` and `models.outbox`.
"""

from __future__ import annotations

import os
import socket
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection

from gateway.channel import BindReport, Stored
from gateway.dispatch import backoff
from gateway.intake import LATE
from gateway.smpp.receipt import Match, candidates, key_of, same_id
from gateway.text import InboundText, Lane, OutboundText, Receipt, ReceiptState, Settlement, Verdict
from handlers.leasing import LEASE
from handlers.tries import Tries
from models import events, heartbeats, inbox, outbox
from models.crypto import Keys, SealBroken, open_text, seal_bytes
from models.database import Database
from models.inbox import Copy, PartIn
from models.outbox import Accepted, Due, Parked, Said, Sent
from models.states import InboxState, OutboxState

REDELIVERY = timedelta(minutes=10)  # a carrier repeats what it thinks that we did not get within this time
UNREAD = timedelta(seconds=5)  # an acknowledgement so short before a session's end may not have been read
WRITTEN = timedelta(seconds=2)  # by when a process of this machine that lives has written that a link broke
ALIVE = timedelta(seconds=3)  # a process renews its sessions every second
HEARD_OF = timedelta(seconds=2.5)  # after which every other process has counted us in
GIVE_UP = timedelta(hours=48)  # how long a text without a deadline of its own is tried
TOGETHER = timedelta(minutes=1)  # within which one process parks a receipt and another settles its part
MOST_PARKED = 500  # receipts matched again at a heartbeat
RECEIPT_AGE = timedelta(days=7)  # an id that only resembles ours is believed for this long
PARKED = timedelta(hours=24)
FORGOTTEN = timedelta(hours=1)  # a gateway that ended; until then /readyz names it
INVALID_DESTINATION = 0x0B  # ESME_RINVDSTADR
KNOWN_THREADS = 4096


def process_name(now: datetime) -> str:
    """A name for this process that no other has, from which another on the same machine can tell whether it lives."""
    return f"{socket.gethostname()}:{os.getpid()}:{int(now.timestamp() * 1000):x}"


class PostOffice:
    """Keeps the promises of `gateway.channel.Post` on a database."""

    def __init__(self, database: Database, keys: Keys, gateway: str) -> None:
        """*gateway* is this process by `process_name`."""
        self._database = database
        self._keys = keys
        self._gateway = gateway
        self._threads: set[tuple[str, str]] = set()
        self._joined: dict[str, datetime] = {}
        self._beat_at: datetime | None = None
        self._tries = Tries()
        self._parked = True  # whether receipts may be parked: looked for until none are

    # --- in -----------------------------------------------------------------------------------------------------

    def session_opened(self, bind: str, now: datetime) -> int:
        """A link session began; returns its row id."""
        with self._database.transaction() as connection:
            self._bury_the_dead(connection, now)
            return inbox.open_session(connection, self._gateway, bind, now)

    def session_closed(self, session: int, now: datetime) -> None:
        """A link session ended."""
        with self._database.transaction() as connection:
            inbox.close_session(connection, session, now)

    def heartbeat(self, gateway: str, binds: Sequence[BindReport], now: datetime) -> Mapping[str, float]:
        """Say that this gateway lives; returns how much of its account's rate each bind may use.

        What processes that died had under way is put back by the way.
        """
        with self._database.transaction() as connection:
            inbox.see_sessions(connection, self._gateway, now)
            self._bury_the_dead(connection, now)
            outbox.drop_parked(connection, now - PARKED)
            self._give_out(connection, outbox.parked_lately(connection, now - TOGETHER, MOST_PARKED))
            heartbeats.forget(connection, now - FORGOTTEN, "gateway:")
            heartbeats.beat(
                connection, f"gateway:{gateway}", now, {"binds": {bind.name: _told(bind) for bind in binds}}
            )
            accounts = {bind.account for bind in binds if bind.submits}
            sharers = {
                account: outbox.share_rate(connection, account, gateway, now, now + ALIVE) for account in accounts
            }
        return self._shares(binds, sharers, now)

    def _shares(self, binds: Sequence[BindReport], sharers: Mapping[str, int], now: datetime) -> dict[str, float]:
        """The rate in equal parts. A process that joins others, or was silent, waits until they have heard of it."""
        if self._beat_at is not None and now - self._beat_at >= ALIVE:
            self._joined.clear()  # the others have counted us out
        self._beat_at = now
        for account, n in sharers.items():
            if n == 1:
                self._joined[account] = now - HEARD_OF  # whoever joins from now on sees us
            self._joined.setdefault(account, now)
        here = Counter(bind.account for bind in binds if bind.submits)
        heard = {account for account in sharers if now - self._joined[account] >= HEARD_OF}
        return {
            bind.name: bind.rate / (sharers[bind.account] * here[bind.account])
            for bind in binds
            if bind.submits and (bind.account in heard or bind.rate == 0)
        }

    def _bury_the_dead(self, connection: Connection, now: datetime) -> None:
        others = {*inbox.open_sessions_of_others(connection, self._gateway), *outbox.lease_holders(connection)}
        dead = [name for name in others - {self._gateway} if _has_died(name)]
        if dead:
            inbox.end_sessions_of(connection, dead)
        outbox.reclaim(connection, now, dead)

    def store(self, texts: Sequence[InboundText], now: datetime) -> list[Stored]:
        """Commit the parts that arrived, all in one transaction, in order."""
        digests = [self._digest(text) for text in texts]
        unknown = {(text.source, text.destination) for text in texts} - self._threads
        with self._database.transaction() as connection:
            inbox.arrive_in_order(connection)
            copies = inbox.earlier_copies(connection, digests, now - REDELIVERY)
            sets = PartSets(connection, self._keys, texts)
            parts = [
                self._new_part(text, digest, copies.get(digest, ()), sets, now)
                for text, digest in zip(texts, digests, strict=True)
            ]
            inbox.make_threads(connection, unknown, now)
            new = [part for part in parts if isinstance(part, PartIn)]
            ids = iter(inbox.insert_parts(connection, new) if new else ())
        self._remember(unknown)
        return [
            Stored(next(ids), text) if isinstance(part, PartIn) else Stored(None, text, part is Repeats.PERHAPS)
            for part, text in zip(parts, texts, strict=True)
        ]

    def _new_part(
        self, text: InboundText, digest: bytes, copies: Sequence[Copy], sets: PartSets, now: datetime
    ) -> PartIn | Repeats:
        """The row for *text*, unless it repeats what we have (a redelivery) or may."""
        part_set = None
        if text.part is None:
            surest = max((_repeats(text, copy, self._gateway, now) for copy in copies), default=Repeats.NO)
            if surest is not Repeats.NO:
                return surest
        elif copies or (part_set := sets.place(text, digest)) is None:
            return Repeats.YES  # the same octets under the same reference and number are never an honest second text
        return PartIn(
            bind=text.bind,
            session_id=text.session,
            number=text.source,
            service_number=text.destination,
            digest=digest,
            octets=seal_bytes(self._keys, "inbox.octets", digest.hex(), text.octets),
            coding=text.coding,
            part_set=part_set,
            part_number=None if text.part is None else text.part.number,
            part_total=None if text.part is None else text.part.total,
            state=InboxState.NEW if text.part is None else InboxState.PART,
            received_at=text.received_at,
        )

    def _digest(self, text: InboundText) -> bytes:
        content = (text.source, text.destination, text.coding, text.part)
        return self._keys.blind(repr(content).encode() + text.octets, "inbox.digest")

    def _remember(self, pairs: set[tuple[str, str]]) -> None:
        if len(self._threads) > KNOWN_THREADS:
            self._threads.clear()
        self._threads |= pairs

    def quarantine(self, bind: str, octets: bytes, reason: str, now: datetime) -> None:
        """Keep a PDU that we could not read, sealed."""
        key = uuid4().hex
        sealed = seal_bytes(self._keys, "quarantine.octets", key, octets)
        with self._database.transaction() as connection:
            inbox.quarantine(connection, key, bind, reason, sealed, now)

    # --- out ----------------------------------------------------------------------------------------------------

    def lease(self, gateway: str, service_numbers: Sequence[str], room: int, now: datetime) -> list[OutboundText]:
        """Take up to *room* texts that are due on these numbers, answers first, one under way per recipient."""
        if room <= 0 or not service_numbers:
            return []
        with self._database.reading() as connection:
            due = outbox.due_texts(connection, service_numbers, room, now)
        if not due:
            return []
        with self._database.transaction() as connection:
            ends = _ends(due, outbox.refusals(connection, due), now)
            if ends:
                outbox.end(connection, ends)
            over = {row for row, _, _ in ends}
            taken = outbox.lease(connection, [text.id for text in due if text.id not in over], gateway, now + LEASE)
            begun = [text.id for text in due if text.begun]
            accepted = outbox.parts_taken(connection, begun) if begun else {}
            leased = [self._outbound(text, accepted.get(text.id, set())) for text in due if text.id in taken]
            opened = [text for text in leased if text is not None]
            broken = taken - {text.id for text in opened}
            if broken:
                outbox.end(connection, [(row, OutboxState.FAILED, "the stored text does not open") for row in broken])
        self._tries.begin(opened)
        return opened

    def _outbound(self, text: Due, accepted: set[int]) -> OutboundText | None:
        try:
            body = open_text(self._keys, "outbox.body", text.key, text.body)
        except SealBroken:
            return None
        return OutboundText(
            id=text.id,
            service_number=text.service_number,
            number=text.number,
            body=body,
            lane=Lane(text.lane),
            reference=text.id & 0xFFFF,
            accepted=frozenset(accepted),
            attempt=text.attempts + 1,
            expires_at=text.expires_at,
        )

    def settle(self, settlements: Sequence[Settlement], receipts: Sequence[Receipt], now: datetime) -> None:
        """Record what became of submitted parts and what receipts say; early receipts are parked.

        Settlements alone need not be on the disk when it returns: should the machine lose power, these texts count as
        maybe submitted, as those do whose answers were still on the way.
        """
        with self._database.transaction(durable=bool(receipts)) as connection:
            if settlements:
                self._settle_parts(connection, settlements, now)
            if receipts:
                self._receive(connection, receipts)
        self._tries.record(settlements)

    def _settle_parts(self, connection: Connection, settlements: Sequence[Settlement], now: datetime) -> None:
        accepted = [_accepted(s) for s in settlements if s.verdict is Verdict.ACCEPTED]
        if accepted:
            outbox.accept(connection, accepted)
            self._unpark(connection, accepted)
        failed = self._tries.failed(settlements)
        if failed:
            _settle_failures(connection, failed, now)

    def _unpark(self, connection: Connection, accepted: Sequence[Accepted]) -> None:
        """Give receipts that overtook their submit_sm_resp to the parts that they are about."""
        if self._parked:
            keys = {form for part in accepted for form in candidates(part.message_id)}
            self._give_out(connection, outbox.parked(connection, keys))

    def _give_out(self, connection: Connection, early: Sequence[Parked]) -> None:
        """Match parked receipts again; at a heartbeat those too that another process parked while we settled."""
        if early:
            receipts = {
                parked.id: Receipt(
                    parked.account,
                    parked.message_id,
                    ReceiptState(parked.state),
                    parked.error,
                    parked.number,
                    parked.received_at,
                )
                for parked in early
            }
            found = _match(connection, list(receipts.values()))
            outbox.unpark(connection, [row for row, receipt in receipts.items() if receipt in found])
            _record(connection, found)
        self._parked = bool(early) or outbox.any_parked(connection)

    def _receive(self, connection: Connection, receipts: Sequence[Receipt]) -> None:
        named = [receipt for receipt in receipts if receipt.message_id]
        found = _match(connection, named)
        _record(connection, found)
        early = [receipt for receipt in named if receipt not in found]
        if early:
            outbox.park(connection, [_parked_row(receipt) for receipt in early])
            self._parked = True

    def release(self, gateway: str, now: datetime) -> None:  # noqa: ARG002 - `Post` has it
        """Give back what this gateway leased and never submitted (a clean stop)."""
        with self._database.transaction() as connection:
            outbox.release(connection, gateway)


class PartSets:
    """Which waiting parts belong together.

    Parts of one text share sender, receiver, reference and total. A part whose place is taken by other octets starts a
    new set beside the old one (a phone that reuses its reference), which then times out on its own.
    """

    GENERATIONS = 4

    def __init__(self, connection: Connection, keys: Keys, texts: Sequence[InboundText]) -> None:
        """Read the waiting sets that *texts* may belong to."""
        self._keys = keys
        self._places: dict[bytes, dict[int, bytes]] = defaultdict(dict)
        bases = {self._base(text) for text in texts if text.part is not None}
        if bases:
            sets = [base + bytes([n]) for base in bases for n in range(self.GENERATIONS)]
            for name, parts in inbox.parts_of(connection, sets).items():
                self._places[name] = {part.part_number or 0: bytes(part.digest) for part in parts}

    def place(self, text: InboundText, digest: bytes) -> bytes | None:
        """The set that *text* joins; None when this very part is in it already."""
        if text.part is None:
            raise ValueError("not a part")
        base = self._base(text)
        names = [base + bytes([n]) for n in range(self.GENERATIONS)]
        if any(self._places[name].get(text.part.number) == digest for name in names):
            return None
        open_sets = [name for name in names if self._places[name] and text.part.number not in self._places[name]]
        unused = [name for name in names if not self._places[name]]
        name = (open_sets or unused or names[-1:])[0]
        self._places[name][text.part.number] = digest
        return name

    def _base(self, text: InboundText) -> bytes:
        part = text.part
        shared = (text.source, text.destination, part and (part.kind, part.reference, part.total))
        return self._keys.blind(repr(shared), "inbox.part_set")


class Repeats(IntEnum):
    """Whether a text is one that we have, brought again; the surest is the greatest."""

    NO = 0
    PERHAPS = 1
    YES = 2


def _repeats(text: InboundText, copy: Copy, ours: str, now: datetime) -> Repeats:
    """Whether the carrier repeats *copy* because it may not have read that we have it; *ours* is this process.

    Only then: a patient's honest second "1" is two texts (architecture.md section 3). Who lives may not have written
    yet that a link broke, a moment ago; and whether a process of another machine has just died nobody knows until it is
    seen again or missed, which takes a few seconds. And a text that we have kept waiting came again elsewhere because
    we did not acknowledge it.
    """
    if text.received_at <= copy.received_at and now - text.received_at >= LATE:
        return Repeats.YES
    if copy.session_id == text.session:
        return Repeats.NO
    ended = copy.closed_at or copy.last_seen
    if ended - copy.received_at > UNREAD:
        return Repeats.NO
    over = copy.closed_at is not None or copy.last_seen < now - ALIVE
    if over or (copy.gateway != ours and _has_died(copy.gateway)):
        return Repeats.YES
    known = _is_here(copy.gateway) and now - copy.received_at >= WRITTEN
    return Repeats.NO if known else Repeats.PERHAPS


def _told(bind: BindReport) -> dict[str, object]:
    return {
        "state": bind.state,
        "since": bind.since.isoformat(),
        "rate": bind.rate,
        "outstanding": bind.outstanding,
        "waiting": bind.waiting,
        "counts": dict(bind.counts),
    }


def _is_here(process: str) -> bool:
    return process.rsplit(":", 2)[0] == socket.gethostname()


def _has_died(process: str) -> bool:
    """Whether another process of this machine is gone; one of another machine is believed to live until its leases end.

    A container that starts again has the name and the pid that it had before: who had our pid is gone.
    """
    if not _is_here(process):
        return False
    pid = process.rsplit(":", 2)[1]
    if int(pid) == os.getpid():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return _is_unburied(pid)


def _is_unburied(pid: str) -> bool:
    """Whether the process has ended and its parent has not asked for it yet (Linux alone tells)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state in ("Z", "X")


def _ends(due: Sequence[Due], refused: Mapping[int, str], now: datetime) -> list[tuple[int, OutboxState, str]]:
    """Those of the due texts that must not go any more, and why."""
    ends = [(row, OutboxState.BLOCKED, why) for row, why in refused.items()]
    late = [text for text in due if text.id not in refused and (text.expires_at or text.created_at + GIVE_UP) <= now]
    return ends + [(text.id, OutboxState.EXPIRED, "its time has passed") for text in late]


def _accepted(settlement: Settlement) -> Accepted:
    return Accepted(
        outbox_id=settlement.outbox_id,
        part=settlement.part,
        total=settlement.total,
        account=settlement.account,
        message_id=settlement.message_id,
        match_key=key_of(settlement.message_id),
        at=settlement.at,
    )


def _settle_failures(connection: Connection, failed: Sequence[Settlement], now: datetime) -> None:
    attempts = outbox.attempts_of(connection, [settlement.outbox_id for settlement in failed])
    refused = [s for s in failed if s.verdict is Verdict.REFUSED]
    if refused:
        outbox.end(connection, [(s.outbox_id, OutboxState.FAILED, _status(s)) for s in refused])
        events.tell_of_failed(connection, [s.outbox_id for s in refused], now)
        outbox.fail_numbers(connection, [s.outbox_id for s in refused if s.status == INVALID_DESTINATION], now)
    again = [_again(s, attempts.get(s.outbox_id, 0), now) for s in failed if s.verdict is not Verdict.REFUSED]
    if again:
        outbox.queue_again(connection, again)


def _again(settlement: Settlement, attempts: int, now: datetime) -> tuple[int, datetime, int, bool, str]:
    match settlement.verdict:
        case Verdict.THROTTLED:
            return settlement.outbox_id, now, 0, False, _status(settlement)
        case Verdict.UNKNOWN:
            return settlement.outbox_id, now, 1, True, "no answer from the carrier"
        case _:
            later = now + timedelta(seconds=backoff(attempts + 1))
            return settlement.outbox_id, later, 1, False, _status(settlement)


def _status(settlement: Settlement) -> str:
    return f"status 0x{settlement.status:08X}"


def _match(connection: Connection, receipts: Sequence[Receipt]) -> dict[Receipt, Sent]:
    """The submitted part that each receipt is about, where there is one.

    An id that is the same counts at once; one that only resembles ours (case, zeros, hexadecimal or decimal) counts if
    it is the only such in the account, the number's end agrees and it is under a week old.
    """
    keys = {form for receipt in receipts for form in candidates(receipt.message_id)}
    sent: dict[str, list[Sent]] = defaultdict(list)
    for part in outbox.submitted_parts(connection, keys) if keys else ():
        sent[part.match_key].append(part)
    found = {}
    for receipt in receipts:
        parts = [part for form in candidates(receipt.message_id) for part in sent[form]]
        best = _best([part for part in parts if part.account == receipt.account], receipt)
        if best is not None:
            found[receipt] = best
    return found


def _best(parts: Sequence[Sent], receipt: Receipt) -> Sent | None:
    exact = [part for part in parts if same_id(part.message_id, receipt.message_id) is Match.EXACT]
    if exact:
        return max(exact, key=lambda part: part.submitted_at)
    alike = [part for part in parts if _plausible(part, receipt)]
    return alike[0] if len(alike) == 1 else None


def _plausible(part: Sent, receipt: Receipt) -> bool:
    young = receipt.received_at - part.submitted_at < RECEIPT_AGE
    tail = "".join(filter(str.isdigit, receipt.number))[-7:]
    return young and part.number.endswith(tail)


def _record(connection: Connection, found: Mapping[Receipt, Sent]) -> None:
    news = _first_final(found)
    if not news:
        return
    said = [
        Said(part.id, part.outbox_id, receipt.state.value, receipt.error, receipt.received_at) for receipt, part in news
    ]
    outbox.receive(connection, said)
    gone = {ReceiptState.UNDELIVERABLE, ReceiptState.REJECTED}
    failed = [part.outbox_id for receipt, part in news if receipt.state in gone]
    if failed:
        outbox.fail_numbers(connection, failed, max(receipt.received_at for receipt, _ in news))


def _first_final(found: Mapping[Receipt, Sent]) -> list[tuple[Receipt, Sent]]:
    """What is news: nothing that comes after the first final receipt of a part."""
    over = {part.id for part in found.values() if part.receipt_state in outbox.FINAL}
    news = []
    for receipt, part in found.items():
        if part.id not in over:
            news.append((receipt, part))
            if receipt.state.final:
                over.add(part.id)
    return news


def _parked_row(receipt: Receipt) -> dict[str, object]:
    return {
        "account": receipt.account,
        "message_id": receipt.message_id,
        "match_key": key_of(receipt.message_id),
        "number": receipt.number,
        "state": receipt.state.value,
        "error": receipt.error,
        "received_at": receipt.received_at,
    }
