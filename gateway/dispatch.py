"""When texts go and what an answer means: pace, verdicts and back-off. Pure; `now` is seconds of a steady clock."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.text import Verdict

NO_LIMIT: Final = 1 << 30

_REBIND: Final = 0x04  # RINVBNDSTS: the carrier does not think that we are bound
QUEUE_FULL: Final = 0x14  # RMSGQFUL: ours at the carrier, or that of one recipient; the standard leaves it open
_THROTTLED: Final = frozenset({QUEUE_FULL, 0x58})  # and RTHROTTLED
_FULL_FOR_ITSELF: Final = 3
_SUBMIT_FAILED: Final = 0x45  # says nothing of why: worth three tries
_SUBMIT_FAILED_TRIES: Final = 3
_FINAL: Final = frozenset(
    {0x01, 0x06, 0x0A, 0x0B, 0x0C, 0x15, 0x33, 0x34, 0x65, 0x66}
    | {*range(0x40, 0x44), *range(0x48, 0x52), *range(0x61, 0x64), *range(0xC0, 0xC5)}
    | {*range(0x400, 0x500)}  # the carrier's own
)


def verdict_for(status: int, attempt: int, times_full: int = 0) -> Verdict:
    """Return what a submit_sm answered with *status* at its *attempt*-th try means for the outbox.

    *times_full*: how often in a row this text was answered with "queue full" (0x14), now included. From the third time
    on it is taken for the recipient's own queue, which is no reason to go slower for everybody else.
    """
    if status == 0:
        return Verdict.ACCEPTED
    if times_full >= _FULL_FOR_ITSELF:
        return Verdict.LATER
    if status in _THROTTLED:
        return Verdict.THROTTLED
    if status in _FINAL or (status == _SUBMIT_FAILED and attempt >= _SUBMIT_FAILED_TRIES):
        return Verdict.REFUSED
    return Verdict.LATER  # 04, 08, 64, FE, FF, and whatever we do not know: the text expires some time


def must_rebind(status: int) -> bool:
    """Whether an answer with *status* shows that the bind is no longer one."""
    return status == _REBIND


def backoff(attempt: int, chance: Callable[[], float] = random.random) -> float:
    """Return how many seconds to wait before trying again after the *attempt*-th try: 4-5 s, doubling to 8-10 min."""
    longest = min(600.0, 5.0 * 2.0 ** min(attempt - 1, 10))
    return longest * (0.8 + 0.2 * chance())


@dataclass(frozen=True, slots=True)
class Reconnect:
    """How long to wait before connecting again, in seconds: full jitter, so that a carrier's restart is no stampede."""

    first: float = 1.0
    longest: float = 60.0
    refused_first: float = 30.0  # a refused bind does not mend itself, and some carriers lock who asks too often
    refused_longest: float = 600.0

    def delay(self, failures: int, *, refused: bool, chance: Callable[[], float] = random.random) -> float:
        """Return the wait after *failures* tries in a row that did not hold."""
        doubled = 2.0 ** min(failures, 20)
        if refused:
            ceiling = min(self.refused_longest, self.refused_first * doubled)
            return max(self.refused_first, ceiling * (0.5 + 0.5 * chance()))
        ceiling = min(self.longest, self.first * doubled)
        return max(self.first / 10, ceiling * chance())


class Pace:
    """How many submits may go now: never more than the rate in any one second, evenly, and less while throttled.

    The carrier counts seconds on its own clock and behind a network that bunches what we spaced, so the rate holds over
    1.03 s of ours, and texts are spread at 0.965 of it. What it was longer silent about it may have read all at once,
    and counts from when it spoke again. A submit refused as too fast halves the rate, once per round trip: what had
    been sent before the last cut says nothing new. It then rests 1 to 30 s and grows by 10 % a second.
    """

    _SPREAD: Final = 0.965
    _SPAN: Final = 1.03  # seconds
    _CATCH_UP: Final = 0.1  # seconds that a late wake-up may make good
    _GROWTH: Final = 1.1  # a second
    _LEAST: Final = 1.0  # a second, however often throttled
    _NO_LONGER_LIMITED: Final = 10_000.0  # where growth ends when the account has no rate
    _LONGEST_REST: Final = 30.0

    def __init__(self, rate: float, chance: Callable[[], float] = random.random) -> None:
        self._rate = rate
        self._chance = chance
        self._sent: deque[tuple[float, int]] = deque()  # when, how many: the last span
        self._sent_in_span = 0
        self._heard = -math.inf  # when the carrier last answered a submit
        self._quickest = math.inf  # seconds that an answer takes at the least
        self._next = -math.inf  # when the next one is due
        self._cut: float | None = None  # the rate that throttling left us, at `_cut_at`
        self._cut_at = -math.inf
        self._resting_until = -math.inf
        self._rest = 0.0

    def set_rate(self, rate: float) -> None:
        """Use *rate* submits a second from now on; 0 is no limit."""
        self._rate = rate

    def limit(self, now: float) -> float:
        """Return the submits a second that hold now, 0 for no limit."""
        cut = self._cut  # once: the database thread asks too
        if cut is None:
            return self._rate
        grown: float = cut * self._GROWTH ** max(0.0, now - max(self._resting_until, self._cut_at))
        if grown >= (self._rate or self._NO_LONGER_LIMITED):
            self._cut = None
            return self._rate
        return grown

    def room(self, now: float) -> int:
        """Return how many submits may go now."""
        self._forget(now)
        if now < self._resting_until:
            return 0
        limit = self.limit(now)
        if not limit:
            return NO_LIMIT
        self._next = max(self._next, now - self._CATCH_UP)
        due = math.floor((now - self._next) * limit * self._SPREAD) + 1 if now >= self._next else 0
        return max(0, min(due, math.floor(max(limit, 1.0)) - self._sent_in_span))

    def spend(self, count: int, now: float) -> None:
        """Count *count* submits as sent now; no more than `room` said."""
        if not count:
            return
        self._sent.append((now, count))
        self._sent_in_span += count
        limit = self.limit(now)
        if limit:
            self._next = max(self._next, now - self._CATCH_UP) + count / (limit * self._SPREAD)

    def next_at(self, now: float) -> float:
        """Return when there is room again, *now* if there is; after a `spend` it is the time to look again."""
        limit = self.limit(now)
        if not limit:
            return max(now, self._resting_until)
        full = self._sent_in_span >= math.floor(max(limit, 1.0))
        freed = self._sent[0][0] + self._span(limit) if full else now
        return max(now, self._resting_until, self._next, freed)

    def answered(self, sent_at: float, now: float) -> None:
        """A submit of *sent_at* was answered, as whatever."""
        self._quickest = min(self._quickest, now - sent_at)
        silence = min(now - self._heard, now - sent_at - self._quickest)
        if silence > self._SPAN - 1.0:
            self._count_anew(self._heard - self._quickest, now)  # nothing that went since then was answered
        self._heard = now

    def throttled(self, sent_at: float, now: float) -> None:
        """Slow down: a submit of *sent_at* was refused because it came too fast."""
        if sent_at < max(self._cut_at, self._resting_until):
            return
        self._forget(now)
        before = self.limit(now) or self._sent_in_span / self._SPAN
        self._rest = min(self._LONGEST_REST, max(1.0, self._rest * 2))
        self._cut = max(self._LEAST, before / 2)
        self._cut_at = now
        self._resting_until = now + min(self._LONGEST_REST, self._rest * (1.0 + 0.25 * self._chance()))

    def accepted(self, sent_at: float) -> None:
        """A submit of *sent_at* went through: after the last cut, it ends the lengthening of rests."""
        if sent_at >= self._cut_at:
            self._rest = 0.0

    def _count_anew(self, since: float, now: float) -> None:
        """Count what was sent *since* then as sent *now*."""
        bunched = 0
        while self._sent and self._sent[-1][0] >= since:
            bunched += self._sent.pop()[1]
        if bunched:
            self._sent.append((now, bunched))

    def _span(self, limit: float) -> float:
        return self._SPAN / min(limit, 1.0)

    def _forget(self, now: float) -> None:
        span = self._span(self.limit(now) or 1.0)
        while self._sent and now - self._sent[0][0] >= span:
            self._sent_in_span -= self._sent.popleft()[1]
