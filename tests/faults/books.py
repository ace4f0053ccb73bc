"""The database as it stands, and what must hold of it: the guarantees of product.md section 11 as facts about rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from gateway.simulator.record import Received
from models.crypto import Keys, open_text
from models.database import Database
from models.states import InboxState, OutboxState, Outcome

HANDLED = {InboxState.DONE, InboxState.FAILED}


class Arrived(NamedTuple):
    """A part in the inbox."""

    id: int
    number: str
    part_set: bytes | None
    part_total: int | None
    state: str
    outcome: str | None
    reason: str | None


class Answer(NamedTuple):
    """A text in the outbox."""

    id: int
    key: str
    number: str
    state: str
    maybe_twice: bool
    body: str


class Visit(NamedTuple):
    """A row of the diary with the state of its slot."""

    id: int
    patient_id: int
    slot_id: int
    status: str
    version: int
    slot_state: str

    @property
    def live(self) -> bool:
        """Whether it takes up its slot."""
        return self.status not in {"cancelled", "lapsed"}


class Books(NamedTuple):
    """All that the guarantees are about, read in one moment."""

    inbox: list[Arrived]
    outbox: list[Answer]
    audited: list[tuple[int, str, int | None, int | None]]  # inbox id, action, patient, appointment
    visits: list[Visit]
    hand_overs: set[int]  # inbox ids
    taken_slots: set[int]

    def texts(self) -> dict[str, list[list[Arrived]]]:
        """The texts of each number in order of arrival, each with its parts."""
        texts: dict[str, dict[object, list[Arrived]]] = defaultdict(dict)
        for row in self.inbox:
            texts[row.number].setdefault(row.id if row.part_set is None else bytes(row.part_set), []).append(row)
        return {number: list(parts.values()) for number, parts in texts.items()}


def read_books(database: Database, keys: Keys) -> Books:
    """Read everything in one snapshot."""
    with database.reading() as connection:

        def rows(query: str) -> list[tuple]:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

        outbox = rows("SELECT id, key, number, state, maybe_twice, body FROM outbox ORDER BY id")
        return Books(
            inbox=[
                Arrived(*row)
                for row in rows(
                    "SELECT id, number, part_set, part_total, state, outcome, reason FROM inbox ORDER BY id"
                )
            ],
            outbox=[Answer(*row[:5], open_text(keys, "outbox.body", row[1], bytes(row[5]))) for row in outbox],
            audited=rows("SELECT inbox_id, action, patient_id, appointment_id FROM audit WHERE inbox_id IS NOT NULL"),
            visits=[
                Visit(*row)
                for row in rows(
                    "SELECT a.id, a.patient_id, a.slot_id, a.status, a.version, s.state "
                    "FROM appointment a JOIN slot s ON s.id = a.slot_id ORDER BY a.id"
                )
            ],
            hand_overs={row[0] for row in rows("SELECT inbox_id FROM hand_over WHERE inbox_id IS NOT NULL")},
            taken_slots={row[0] for row in rows("SELECT id FROM slot WHERE state = 'taken'")},
        )


def check_whole(books: Books) -> None:
    """Guarantees 2 and 3, at any instant: what belongs together stands together, and a slot has one visit."""
    handled = {row.id: row for row in books.inbox if row.state in HANDLED}
    audited = Counter(inbox_id for inbox_id, *_ in books.audited)
    given_up = {row.id for row in handled.values() if row.state == InboxState.FAILED}
    assert not given_up, "texts that the service could not handle"
    assert audited == Counter(dict.fromkeys(handled, 1)), "a text without its line in the audit, or with two"

    replies = Counter(answer.key for answer in books.outbox if answer.key.startswith("reply:"))
    answered = {f"reply:{row.id}" for row in handled.values() if row.outcome == Outcome.ANSWERED}
    assert answered <= set(replies), "a text that is recorded as answered and has no answer"
    assert set(replies) <= {f"reply:{row_id}" for row_id in handled}, "an answer to a text that is not handled"
    assert set(replies.values()) <= {1}
    for row in handled.values():
        assert row.outcome in set(Outcome), "a text that was handled and is recorded as nothing"
        if row.outcome == Outcome.HANDED_OVER:
            assert row.id in books.hand_overs or row.reason
        if row.outcome == Outcome.NO_ANSWER_NEEDED:
            assert row.reason, "no answer, and no reason why"

    live = Counter(visit.slot_id for visit in books.visits if visit.live)
    assert set(live.values()) <= {1}, "a slot with two visits"
    assert set(live) == books.taken_slots, "a slot that is taken by nobody, or a visit in a slot that is not taken"


def check_finished(books: Books, received: Iterable[Received]) -> None:
    """Guarantees 1, 6 and 7, once all is settled: everybody was answered, in order, and twice only where it is said."""
    check_whole(books)
    assert {row.state for row in books.inbox} <= {InboxState.DONE, InboxState.JOINED}
    sent = {OutboxState.SENT, OutboxState.DELIVERED}
    assert {answer.state for answer in books.outbox} <= sent, "an answer that never went"

    seen: dict[str, list[str]] = defaultdict(list)
    for text in received:
        seen[text.number].append(text.text)
    written: dict[str, list[Answer]] = defaultdict(list)
    for answer in books.outbox:
        written[answer.number].append(answer)
    assert set(seen) == set(written)
    for number, answers in written.items():
        check_order(answers, seen[number])


def check_order(answers: list[Answer], seen: list[str]) -> None:
    """*seen* are *answers* in their order, and only what is marked as maybe sent twice stands there more than once."""
    rest = iter([*seen, None])
    text = next(rest)
    for answer in answers:
        assert text == answer.body, "a text that is missing, out of order, or twice without being marked"
        text = next(rest)
        while answer.maybe_twice and text == answer.body:
            text = next(rest)
    assert text is None, "a text too many"


def twice(books: Books, received: Iterable[Received]) -> tuple[int, int]:
    """How many answers came more than once, and how many are marked as maybe sent twice."""
    return len(list(received)) - len(books.outbox), sum(answer.maybe_twice for answer in books.outbox)
