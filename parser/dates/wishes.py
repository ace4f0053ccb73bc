"""Which of the times mentioned is wanted and which is the visit's own: the old time of a move against the new one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import zip_longest

from parser.command import Context, ContextKind, Intent, Interval, Recur
from parser.dates.calendar import DAY, WEEK, monday_of, month_after, next_weekday
from parser.dates.clock import MIDNIGHT, SAME_TIME, Hours
from parser.dates.days import Days, one_day
from parser.dates.mentions import Mention, at_minutes, intervals
from parser.normal import Text
from parser.signals import Signals

_WISHING = frozenset([Intent.BOOK, Intent.RESCHEDULE, Intent.CALLBACK])
_CLOSE = 8
"""Characters from a time to the "no" that denies it: "torstai ei"."""

_REFUSALS = ("cannot", "no", "unneeded", "refuse")
_AWAY = (*_REFUSALS, "obstacle")


@dataclass(frozen=True, slots=True)
class Wishes:
    """The wanted times, those of the visit meant, and the wish without dates."""

    when: tuple[Interval, ...] | None = None
    ref: tuple[Interval, ...] | None = None
    recur: Recur | None = None


@dataclass(frozen=True, slots=True)
class WishWords:
    """The words of all languages that tell the wanted time from another (`[reading.wishes]`)."""

    mine: frozenset[str]
    joining: frozenset[str]
    turns: frozenset[str]
    until: frozenset[str]
    nor: frozenset[str]


@dataclass(slots=True)
class Sorter:
    """Sorts the mentions of one text by what its intent makes of them."""

    mentions: list[Mention]
    text: Text
    signals: Signals
    context: Context
    now: datetime
    words: WishWords

    def visit_named(self) -> bool:
        """Whether a mention is the time that our open question was about."""
        return any(self._is_visit(mention) for mention in self.mentions)

    def other_named(self) -> bool:
        """Whether a mention is some other time than that."""
        return any(
            not (self._is_visit(mention) or self._is_past(mention) or _recurs(mention) or self._refused(mention))
            for mention in self.mentions
        )

    def _refused(self, mention: Mention) -> bool:
        return mention.days is not None and self._in_denial(mention)

    def recurs(self) -> bool:
        """Whether a wish without a date is there."""
        return any(
            _recurs(mention) or (mention.days is None and not self._is_visit(mention)) for mention in self.mentions
        )

    def counts_from_visit(self) -> bool:
        """Whether a time is wished that counts from the visit's: "a week later", "later that day", not "that day"."""
        relative = [one.days for one in self.mentions if one.days and one.is_relative]
        return any(days.shift or days.flag for days in relative)

    def denied(self) -> bool:
        """Whether some time is said not to suit."""
        return any(
            self._refused(mention) for mention in self.mentions if mention.days and mention.days.kind != "moment"
        )

    def pair(self) -> bool:
        """Whether a time is said from which to another."""
        return any(mention.days is not None and mention.days.pair is not None for mention in self.mentions)

    def option(self, options: tuple[datetime, ...]) -> int | None:
        """The one option (from 1) that the mentions fit, None when none or several do."""
        fitting = {
            at for at, option in enumerate(options, 1) for mention in self.mentions if self._names(mention, option)
        }
        if not fitting:
            fitting = {at for at, option in enumerate(options, 1) if any(_holds(one, option) for one in self.mentions)}
        return next(iter(fitting)) if len(fitting) == 1 else None

    def sort(self, intent: Intent, also: tuple[Intent, ...]) -> Wishes:
        """When, ref and recur for *intent*."""
        if not self.mentions:
            return Wishes()
        past = [mention for mention in self.mentions if self._is_past(mention)]
        live = _closest([mention for mention in self.mentions if mention not in past])
        if not live:
            return Wishes()
        if intent in _WISHING or Intent.BOOK in also:
            old, new = self._divide(live, intent)
            return self._wishes(old, new, intent)
        return Wishes(ref=self._resolved(live) or None)

    # what a mention is

    def _is_past(self, mention: Mention) -> bool:
        return mention.days is not None and mention.days.kind == "past"

    def _is_visit(self, mention: Mention) -> bool:
        known = [self.context.at] if self.context.at else []
        if self.context.window:
            known.append(self.context.window.start)
        return any(self._names(mention, moment) for moment in known)

    def _names(self, mention: Mention, moment: datetime) -> bool:
        """Whether *mention* is narrow enough to name *moment* rather than to hold it by chance."""
        days = mention.days
        if days is not None and (
            days.kind in ("week", "month", "span", "recur", "visit", "moment") or len(days.ranges) != 1
        ):
            return False
        if days is None and not mention.hours:
            return False
        return mention.fits(moment)

    def _divide(self, live: list[Mention], intent: Intent) -> tuple[list[Mention], list[Mention]]:
        if intent is Intent.RESCHEDULE:
            live = [part for mention in live for part in _unpaired(mention)]
        old = [mention for mention in live if self._is_old(mention, intent)]
        new = [mention for mention in live if mention not in old]
        if (
            intent is Intent.RESCHEDULE
            and not old
            and len(new) > 1
            and not self._joined(new)
            and not new[0].is_relative
        ):
            old, new = new[:1], new[1:]
        if old and not new and intent is Intent.BOOK and not self._in_denial(old[-1], _REFUSALS):
            old, new = [], old  # whose only time it is may well be "on leave" then
        return old, new

    def _is_old(self, mention: Mention, intent: Intent) -> bool:
        if mention.is_relative or mention.days is None:
            return mention.days is None and len(self.mentions) > 1 and self._in_denial(mention)
        if self._in_denial(mention):
            return True
        if intent is Intent.CALLBACK or intent is Intent.BOOK or mention.days.flag == "to":
            return False
        days = mention.days
        if intent is Intent.CANCEL:
            return not self._after_book(mention)
        known = [moment for moment in (self.context.at, *self.context.visits) if moment]
        if any(self._names(mention, moment) for moment in known):
            return True
        if (days.flag in ("of", "from") and days.kind != "month") or days.kind == "since":
            return True
        return self._possessed(mention)

    def _after_book(self, mention: Mention) -> bool:
        book = self.signals.first("book") or self.signals.first("move")
        start = self.text.tokens[mention.first].start
        cancel = self.signals.first("cancel") or self.signals.first("cannot") or self.signals.first("unneeded")
        if book is None:
            return True  # a time beside the one given up
        if cancel is None:
            return False
        at_book, at_cancel = self.text.words[book.first], self.text.words[cancel.first]
        if at_book.clause == at_cancel.clause:
            return start > at_book.start > at_cancel.start
        return self.text.tokens[mention.first].clause >= at_book.clause > at_cancel.clause

    def _in_denial(self, mention: Mention, by: tuple[str, ...] = _AWAY) -> bool:
        """Whether the mention's clause says that it does not suit: "tiistai ei käy"."""
        first, last = self.text.tokens[mention.first], self.text.tokens[mention.last]
        if mention.first and self.text.tokens[mention.first - 1].text in self.words.nor:
            return True  # "tomorrow does not suit, nor next week"
        for name in by:
            for signal in self.signals.said.get(name, ()):
                word = self.text.words[signal.hit.first]
                if first.start <= word.start < last.end:
                    continue  # "not until June", "vko 18, pe ei": the grammar has read it
                bare = name == "no" and signal.hit.first == signal.hit.last
                if bare and not 0 <= word.start - last.end <= _CLOSE:
                    continue  # a bare "no" denies only what stands right before it
                if word.clause in (first.clause, last.clause) and not self._contrasted(mention, signal.hit.last):
                    return True
        return False

    def _contrasted(self, mention: Mention, word: int) -> bool:
        """Whether "but", "only after" or another command's word stands between the denial and the mention."""
        start = self.text.tokens[mention.first].start
        between = self.text.words[word + 1 :]
        before = self.text.tokens[max(0, mention.first - 1)].text
        if before in self.words.until and self.text.words[word].end <= start:
            return True
        return any(token.start <= start and token.text in self.words.turns for token in between) or any(
            self._command_between(word, start, name) for name in ("move", "book")
        )

    def _command_between(self, word: int, start: int, name: str) -> bool:
        hit = self.signals.first(name)
        return hit is not None and hit.first > word and self.text.words[hit.first].start < start

    def _possessed(self, mention: Mention) -> bool:
        first = self.text.tokens[mention.first]
        before = [token for token in self.text.words if token.end <= first.start]
        return bool(before) and before[-1].text in self.words.mine

    def _joined(self, mentions: list[Mention]) -> bool:
        """Whether the mentions are alternatives ("ti tai ke") rather than an old and a new time."""
        first, second = mentions[0], mentions[1]
        start, end = self.text.tokens[first.last].end, self.text.tokens[second.first].start
        between = self.text.folded[start:end].split()
        return any(word.strip(".,") in self.words.joining for word in between) or (
            not between and "," in self.text.folded[start:end]
        )

    # what it comes to

    def _wishes(self, old: list[Mention], new: list[Mention], intent: Intent) -> Wishes:
        ref = self._resolved(old)
        new = _told_closer(new)
        when: list[Interval] = []
        recur: Recur | None = None
        for mention in new:
            if mention.days is None or mention.days.kind == "recur":
                found, wish = self._without_date(mention, intent, ref)
                recur = recur or wish
            else:
                found = self._found(mention, ref, intent)
            when.extend(found)
        if any(mention.days is not None and mention.days.kind != "recur" for mention in new):
            recur = None
        when = _without(when, old, new)
        if intent is Intent.RESCHEDULE and ref and not any(mention.is_relative for mention in new):
            when = [_week_on(one, ref[0]) for one in when]
        return Wishes(_united(when) or None, ref or None, recur if not when else None)

    def _resolved(self, mentions: list[Mention]) -> tuple[Interval, ...]:
        found: list[Interval] = []
        for mention in mentions:
            if mention.days is None or mention.days.kind == "recur":
                found.extend(self._visit_at(mention))
            elif not mention.is_relative:
                found.extend(intervals(self._nearest_visit(mention), _plain(mention.hours)))
        return tuple(found)

    def _nearest_visit(self, mention: Mention) -> Days:
        """A weekday that the visit falls on means the visit's day, not the next such day."""
        days = mention.days
        assert days is not None
        at = self.context.at
        if at and days.kind == "weekday" and mention.fits(at) and len(days.ranges) == 1:
            return one_day(at.date())
        return days

    def _visit_at(self, mention: Mention) -> list[Interval]:
        at = self.context.at
        return [Interval(at, at)] if at and mention.days is None and mention.fits(at) else []

    def _found(self, mention: Mention, ref: tuple[Interval, ...], intent: Intent) -> tuple[Interval, ...]:
        days = mention.days
        assert days is not None
        if days.follows and ref:
            days = _following(days, ref[0].start.date())
        if days.kind != "visit":
            return intervals(days, self._timed(mention.hours, ref))
        base = self._base(ref)
        if base is None and intent is not Intent.RESCHEDULE and days.shift:
            base = Interval(datetime.combine(self.now.date(), datetime.min.time()), None)
        return _shifted(days, mention.hours, base) if base else ()

    def _base(self, ref: tuple[Interval, ...]) -> Interval | None:
        if ref:
            return ref[0]
        at = self.context.at or (self.context.visits[0] if len(self.context.visits) == 1 else None)
        if at is None and self.context.kind is ContextKind.OPTIONS and self.context.options:
            at = self.context.options[0]
        return Interval(at, None) if at else None

    def _timed(self, hours: tuple[Hours, ...], ref: tuple[Interval, ...]) -> tuple[Hours, ...]:
        """ "Same time" as the visit's time, when we know it."""
        if SAME_TIME not in hours:
            return hours
        base = self._base(ref)
        if base is None or (base.end is not None and not base.is_point):
            return ()
        minutes = base.start.hour * 60 + base.start.minute
        return (Hours(minutes, minutes),)

    def _without_date(
        self, mention: Mention, intent: Intent, ref: tuple[Interval, ...]
    ) -> tuple[tuple[Interval, ...], Recur | None]:
        weekdays = mention.days.weekdays if mention.days else None
        hours = _plain(mention.hours)
        if weekdays is None and hours and not hours[0].recurs:
            day = self._day_for_hours(intent, hours, ref)
            if day is not None:
                return intervals(one_day(day), hours), None
        if not hours and weekdays is None:
            return (), None
        start = _wall(hours[0].start) if hours and hours[0].start else None
        end = _wall(hours[0].end) if hours and hours[0].end < MIDNIGHT else None
        return (), Recur(weekdays, start, end)

    def _day_for_hours(self, intent: Intent, hours: tuple[Hours, ...], ref: tuple[Interval, ...]) -> date | None:
        """Hours alone: of the visit's day in a move, of today (or tomorrow, when over) for a call."""
        if intent is Intent.CALLBACK:
            today = self.context.window.start.date() if self.context.window else self.now.date()
            over = all(at_minutes(today, max(one.end, one.start)) <= self.now for one in hours)
            return today + DAY if over else today
        if intent is Intent.RESCHEDULE:
            base = self._base(ref)
            return base.start.date() if base and self.context.kind is not ContextKind.OPTIONS else None
        return None


def _holds(mention: Mention, moment: datetime) -> bool:
    """Whether a week or a month is mentioned in which *moment* lies: "the one in June"."""
    return mention.days is not None and mention.days.kind in ("week", "month") and mention.fits(moment)


def _recurs(mention: Mention) -> bool:
    return mention.days is not None and mention.days.kind == "recur"


def _unpaired(mention: Mention) -> list[Mention]:
    pair = mention.days.pair if mention.days else None
    if pair is None:
        return [mention]
    first, second = pair
    return [
        replace(mention, days=replace(first, flag="from"), hours=()),
        replace(mention, days=replace(second, flag="to")),
    ]


def _closest(live: list[Mention]) -> list[Mention]:
    """*live* without an open stretch in which the next time lies: "after Easter, on Monday 13.4."."""
    return [one for one, following in zip_longest(live, live[1:]) if not (following and _opens_before(one, following))]


def _opens_before(one: Mention, following: Mention) -> bool:
    if one.days is None or following.days is None or not following.days.ranges or len(one.days.ranges) != 1:
        return False
    start, end = one.days.ranges[0]
    return end is None and following.days.ranges[0][0] >= start and following.days.ranges[-1][1] is not None


def _told_closer(new: list[Mention]) -> list[Mention]:
    """*new* without what a date of its own tells closer: "the week after, Wednesday 28.10." is that Wednesday."""
    dates = [one.days.single for one in new if one.days and one.days.kind == "day" and one.days.single]
    weekdays = {date_.weekday() for date_ in dates}
    return [
        one
        for one in new
        if not (dates and one.is_relative and not one.hours)
        and not (one.days and one.days.kind == "weekday" and one.days.single and one.days.single.weekday() in weekdays)
    ]


def _plain(hours: tuple[Hours, ...]) -> tuple[Hours, ...]:
    return tuple(one for one in hours if one is not SAME_TIME and one != SAME_TIME)


def _shifted(days: Days, hours: tuple[Hours, ...], base: Interval) -> tuple[Interval, ...]:
    """A distance from the visit as times: "a week later" is a day, "an hour later" a point."""
    start, shift = base.start, days.shift or 0
    if days.unit in "HI":
        moved = start + timedelta(minutes=shift * (60 if days.unit == "H" else 1))
        return (Interval(moved, moved),)
    if days.unit == "V":
        monday = monday_of(start.date()) + timedelta(days=7 * shift)
        if days.weekdays:
            monday += (days.weekdays[0] - 1) * DAY
            return intervals(one_day(monday), hours)
        return intervals(Days(((monday, monday + 7 * DAY),), "week"), hours)
    if days.unit == "M":
        day = _months_on(start.date(), shift)
    else:
        day = start.date() + shift * timedelta(days={"W": 7, "D": 1, "d": 1}[days.unit])
    minutes = start.hour * 60 + start.minute
    if shift == 0 and days.flag and not _plain(hours):
        side = Hours(0, minutes) if days.flag == "e" else Hours(minutes, MIDNIGHT)
        return intervals(one_day(day), (side,))
    if _plain(hours):
        return intervals(one_day(day), _plain(hours))
    keeps_time = base.is_point or SAME_TIME in hours
    return intervals(one_day(day), (Hours(minutes, minutes),) if keeps_time else ())


def _following(days: Days, visit: date) -> Days:
    """The weekdays or the week of *days* as they next come after *visit*."""
    if days.kind == "week":
        monday = monday_of(visit) + WEEK
        return replace(days, ranges=((monday, monday + WEEK),))
    starts = [next_weekday(start.isoweekday(), visit) for start, _ in days.ranges]
    return replace(days, ranges=tuple((day, day + DAY) for day in starts))


def _months_on(day: date, months: int) -> date:
    first = day.replace(day=1)
    for _ in range(max(months, 0)):
        first = month_after(first)
    return min(first + timedelta(days=day.day - 1), month_after(first) - DAY)


def _week_on(wished: Interval, old: Interval) -> Interval:
    """ "My Monday to the following Monday": the same day cannot be meant, so the one a week on."""
    if wished != old or wished.end is None or wished.is_point:
        return wished
    return Interval(wished.start + timedelta(days=7), wished.end + timedelta(days=7))


def _without(when: list[Interval], old: list[Mention], new: list[Mention]) -> list[Interval]:
    """A week wished "but Friday does not suit" is that week without its Friday."""
    gone = [mention.days for mention in old if mention.days and mention.days.kind == "weekday" and not mention.hours]
    wide = any(mention.days and mention.days.kind in ("week", "month", "span") for mention in new)
    if not gone or not wide or any(interval.end is None for interval in when):
        return when
    weekdays = {start.weekday() for days in gone for start, _ in days.ranges}
    kept: list[Interval] = []
    for interval in when:
        kept.extend(piece for piece in _daily(interval) if piece.start.weekday() not in weekdays)
    return kept


def _daily(interval: Interval) -> list[Interval]:
    pieces, start = [], interval.start
    while interval.end is not None and start < interval.end:
        midnight = datetime.combine(start.date() + DAY, datetime.min.time())
        pieces.append(Interval(start, min(midnight, interval.end)))
        start = midnight
    return pieces


def _united(found: list[Interval]) -> tuple[Interval, ...]:
    """In order and without doubles."""
    unique: list[Interval] = []
    for interval in sorted(found, key=lambda one: one.start):
        if interval not in unique and not any(_is_told_closer(interval, other) for other in found):
            unique.append(interval)
    return tuple(unique)


def _is_told_closer(day: Interval, other: Interval) -> bool:
    """Whether *other* tells closer what *day* says: its hours ("the day after, 8.9. between 8 and 10"), or its days
    ("before Christmas? 14.-18.12.")."""
    if day == other or day.end is None or other.end is None or other.end - other.start == day.end - day.start:
        return False
    return day.start <= other.start and other.end <= day.end


def _wall(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
