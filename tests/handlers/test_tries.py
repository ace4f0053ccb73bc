"""A long text fares as its worst part, once all of its parts have come back, in whatever order and batches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.text import Lane, OutboundText, Settlement, Verdict
from handlers.tries import Tries
from tests.rows import CLINIC_NUMBER, NOW, PATIENT_NUMBER

WORST_FIRST = [Verdict.REFUSED, Verdict.UNKNOWN, Verdict.LATER, Verdict.THROTTLED, Verdict.ACCEPTED]


@given(st.data(), st.lists(st.sampled_from(list(Verdict)), min_size=1, max_size=6), st.booleans())
def test_whatever_order_parts_come_back_in_their_text_fares_once_as_the_worst_of_them(data, verdicts, told_twice):
    total = len(verdicts) + data.draw(st.integers(0, 2))
    taken = frozenset(range(len(verdicts) + 1, total + 1))  # the carrier has these from an earlier try
    tries = Tries()
    tries.begin([OutboundText(1, CLINIC_NUMBER, PATIENT_NUMBER, "Moi", Lane.BULK, 1, taken, 1, None)])
    ends = [Settlement(1, "main", part, total, v, "", 0, NOW) for part, v in enumerate(verdicts, 1)]

    failed = []
    for end in data.draw(st.permutations(ends)):
        if told_twice:
            tries.failed([end])  # the database was away: the same is told again
        failed += [one.verdict for one in tries.failed([end])]
        tries.record([end])

    worst = min(verdicts, key=WORST_FIRST.index)
    assert failed == ([] if worst is Verdict.ACCEPTED else [worst])


def test_a_try_that_ended_unknown_to_us_does_not_count_in_the_next():
    tries = Tries()
    text = OutboundText(1, CLINIC_NUMBER, PATIENT_NUMBER, "Moi", Lane.BULK, 1, frozenset(), 1, None)
    tries.begin([text])
    tries.failed([Settlement(1, "main", 1, 2, Verdict.REFUSED, "", 0, NOW)])
    tries.begin([text])

    failed = tries.failed([Settlement(1, "main", n, 2, Verdict.THROTTLED, "", 0, NOW) for n in (1, 2)])

    assert [one.verdict for one in failed] == [Verdict.THROTTLED]
