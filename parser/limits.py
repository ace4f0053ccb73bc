"""What somebody who waits for a time wants to hear of: "vain aamut", "not Mondays", "max 1 text a week"."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from parser.command import Limits
from parser.dates.clock import MIDNIGHT, Hours
from parser.dates.mentions import Mention
from parser.normal import Text
from parser.signals import Signals

MOST_A_WEEK = 14  # a larger number beside "a week" is none of texts
_REACH = 2  # words between a "not" and what it denies


@dataclass(frozen=True, slots=True)
class LimitWords:
    """The small words that limits are told by: *negators*, and *numbers* by how they are written."""

    negators: Collection[str]
    numbers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class FoundLimits:
    """The limits that a text names, and whether it says that they are limits: by "only", "not" or "a week"."""

    limits: Limits
    said: bool


def read_limits(text: Text, mentions: Sequence[Mention], signals: Signals, words: LimitWords) -> FoundLimits | None:
    """The days, hours and texts a week that *text* allows; None when it names none."""
    limiting = signals.has("waitlist_limit")
    weekly = _weekly(text, mentions, words) if limiting or signals.has("limit:weekly") else None
    open_ones = [mention for mention in mentions if mention.days is None or _weekdays(mention)]
    if not open_ones and weekly is None:
        return None
    denied = [mention for mention in open_ones if _denied(mention, text, words)]
    allowed = [mention for mention in open_ones if mention not in denied]
    refused = _days([mention for mention in denied if not mention.hours])
    limits = Limits(_days(allowed), refused, _hours(allowed, denied), weekly)
    if limits == Limits():
        return None
    return FoundLimits(limits, bool(denied or weekly or limiting or signals.has("limit:only")))


def _weekdays(mention: Mention) -> frozenset[int]:
    """The ISO weekdays that are meant in every week ("maanantaisin"), or by name ("ma tai ti")."""
    days = mention.days
    if days is None or days.kind not in ("recur", "weekday"):
        return frozenset()
    named = {start.isoweekday() for start, _ in days.ranges}
    return frozenset(days.weekdays or named)


def _denied(mention: Mention, text: Text, words: LimitWords) -> bool:
    """Whether a "not" stands right before: "ei maanantaisin"."""
    first = text.tokens[mention.first]
    before = [token for token in text.words if token.end <= first.start and token.clause == first.clause]
    return any(token.text in words.negators for token in before[-_REACH:])


def _days(mentions: Sequence[Mention]) -> tuple[int, ...] | None:
    return tuple(sorted(frozenset[int]().union(*map(_weekdays, mentions)))) or None


def _hours(allowed: Sequence[Mention], denied: Sequence[Mention]) -> tuple[tuple[str, str], ...] | None:
    spans = [_span(hours) for mention in allowed for hours in mention.hours]
    for mention in denied:
        if mention.days is None:
            spans += [span for hours in mention.hours for span in _around(hours)]
    found = sorted({(start, end) for start, end in spans if start < end})
    return tuple((_clock(start), _clock(end)) for start, end in found) or None


def _span(hours: Hours) -> tuple[int, int]:
    return hours.start, MIDNIGHT if hours.is_point else hours.end


def _around(hours: Hours) -> Sequence[tuple[int, int]]:
    """What is left of a day without these hours."""
    return (0, hours.start), (hours.end, MIDNIGHT)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _weekly(text: Text, mentions: Sequence[Mention], words: LimitWords) -> int | None:
    """How many texts a week: the only number there that is of no time, in figures or else in words."""
    timed = {at for mention in mentions for at in range(mention.first, mention.last + 1)}
    spare = [token for at, token in enumerate(text.tokens) if at not in timed]
    figures = {int(token.text) for token in spare if token.kind == "n" and token.text.isdigit()}
    numbers = figures or {words.numbers[token.text] for token in spare if token.text in words.numbers}
    return next(iter(numbers)) if len(numbers) == 1 and min(numbers) in range(1, MOST_A_WEEK + 1) else None
