"""Clock times and stretches of the day: "puol kolme", "kvart i fyra", "half past two", "klo 9-11", "after three"."""

from __future__ import annotations

from dataclasses import dataclass, replace

from parser.dates.lexemes import ARTICLE, Lexeme
from parser.dates.reduce import Pass, spanning

NOON = 12 * 60
MIDNIGHT = 24 * 60
_LAST_AFTERNOON_HOUR = 6
"""A clinic's "three" is 15: hours from one to six are of the afternoon unless the text says otherwise."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Minutes from midnight as said; *sure* when no other half of the day can be meant."""

    minutes: int
    sure: bool = False

    @property
    def likely(self) -> int:
        """Minutes from midnight as meant at a clinic."""
        if not self.sure and 60 <= self.minutes < (_LAST_AFTERNOON_HOUR + 1) * 60:
            return self.minutes + NOON
        return self.minutes


@dataclass(frozen=True, slots=True)
class Hours:
    """A stretch of a day in minutes, half-open, a point when both are equal; *recurs* for "mornings", *part* for a part
    of the day by name, *clock* the time as said."""

    start: int
    end: int
    recurs: bool = False
    part: bool = False
    clock: Clock | None = None

    @property
    def is_point(self) -> bool:
        """Whether one minute is meant."""
        return self.start == self.end


SAME_TIME = Hours(-1, -1)
"""The visit's own time: "same time next week"."""

CLOCKS = Pass(
    [
        (r"c?hn", "half_to"),
        (r"c?j\+?n", "half_past"),
        (r"c?q\+n", "quarter_past"),
        (r"c?(?:Q|q-)n", "quarter_to"),
        (r"c?zn", "minutes_to"),
        (r"c?n\+n", "minutes_past"),
        (r"c?n-n", "minutes_before"),
        (r"c\.?(?:[tV4]|n(?!(?:\.?[~u|&][no])?\.?m(?![no])))\.?A?C?", "spoken"),
        (r"(?:t|n|V)\.?A", "spoken"),
        (r"nC", "spoken"),
        (r"t", "spoken"),
        (r"(?:(?<=X)|(?<=X[.,])|(?<=m))V", "spoken"),
        (r"V", "dotted"),
        (r"n", "ablative"),
    ]
)


class ClockReader:
    """Handlers of `CLOCKS`."""

    def spoken(self, found: list[Lexeme]) -> Lexeme | None:
        """ "klo 9", "9:15", "3 pm", "klo 0900"."""
        half = next((one.value for one in found if one.kind == "A"), None)
        said = next(one for one in found if one.kind in "tVn4")
        hour, minute, written = (said.value, 0, "") if said.kind == "n" else _parts(said)
        if hour > 24 or minute > 59 or said.flag == ARTICLE:
            return None
        if half == "pm" and hour < 12:
            hour += 12
        if half == "am" and hour == 12:
            hour = 0
        return spanning(
            "K", Clock((hour * 60 + minute) % (24 * 60), half is not None or written.startswith("0")), found
        )

    def dotted(self, found: list[Lexeme]) -> Lexeme:
        """ "9.10" without a word for the clock is a date."""
        day, month, _ = found[0].value
        return replace(found[0], kind="X", value=(day, month, None))

    def ablative(self, found: list[Lexeme]) -> Lexeme | None:
        """ "neljältä", "kasilta"."""
        if found[0].flag != "at" or found[0].value > 24:
            return None
        return spanning("K", Clock(found[0].value * 60), found)

    def half_to(self, found: list[Lexeme]) -> Lexeme | None:
        return _clock(found, -30)

    def half_past(self, found: list[Lexeme]) -> Lexeme | None:
        return _clock(found, 30)

    def quarter_past(self, found: list[Lexeme]) -> Lexeme | None:
        return _clock(found, 15)

    def quarter_to(self, found: list[Lexeme]) -> Lexeme | None:
        return _clock(found, -15)

    def minutes_to(self, found: list[Lexeme]) -> Lexeme | None:
        return _clock(found, -next(one.value for one in found if one.kind == "z"))

    def minutes_past(self, found: list[Lexeme]) -> Lexeme | None:
        return _clock(found, found[-3].value) if found[-3].value < 60 else None

    def minutes_before(self, found: list[Lexeme]) -> Lexeme | None:
        return _clock(found, -found[-3].value) if found[-3].value < 60 else None


def _parts(said: Lexeme) -> tuple[int, int, str]:
    if said.kind == "4":
        return said.value // 100, said.value % 100, "0"
    hour, minute, written = said.value
    return hour, minute, written if len(written) == 2 and written[0] == "0" else ""


def _clock(found: list[Lexeme], minutes: int) -> Lexeme | None:
    """A clock at the last number of *found* and so many minutes more; it takes that number's ending."""
    hour = found[-1].value
    if not 1 <= hour <= 24:
        return None
    total = hour * 60 + minutes
    return spanning("K", Clock(total + NOON if total < 60 else total), found, found[-1].flag)


HOURS = Pass(
    [
        (r"b?f?[Kn][&~u,]p(?![Kn])", "until_part"),
        (r"b[Kn][&~u,][Kn]", "between"),
        (r"[Kn][&~][Kn]{", "between"),
        (r"f?[Kn]c?[~u]c?[Kn](?![WmDHIM{/]|\.?X|\.m)", "stretch"),
        (r"[Kn][Kn](?![WmDHIM])", "cases"),
        (r"[>=]?[Kn][)\]l]|K[?,]{0,3}v", "since"),
        (r"p[)]|>p", "after_part"),
        (r"<p|p\[", "before_part"),
        (r"=?[>)f=]K", "since"),
        (r"=?[>f=]n(?![WmDHIMkG]|~|\.[nXm])", "since"),
        (r"<[Kn](?![WmDHIM])", "until"),
        (r"[Kn]\[", "until"),
        (r"[uU]K|Un(?![WmDHIM.])", "until"),
        (r"K(?:[|&,]{1,2}[Kn])+(?![WmDHIM])", "points"),
        (r"K", "points"),
        (r"(?<=d)n(?![WmDHIMnG~.]|[&|]n)", "points"),
        (r"R?p", "part"),
    ]
)


class HourReader:
    """Handlers of `HOURS`."""

    def between(self, found: list[Lexeme]) -> Lexeme | None:
        return self._range(found)

    def stretch(self, found: list[Lexeme]) -> Lexeme | None:
        """ "9-11", "from eleven till half past twelve"."""
        return self._range(found)

    def cases(self, found: list[Lexeme]) -> Lexeme | None:
        """ "kahdeksasta yhdeksään"."""
        if found[0].flag != "from" and found[1].flag != "until":
            return None
        return self._range(found)

    def _range(self, found: list[Lexeme]) -> Lexeme | None:
        said = [_as_clock(one) for one in found if one.kind in "Kn"]
        if len(said) != 2 or said[0] is None or said[1] is None:
            return None
        start, end = said[0].likely, said[1].minutes
        if not said[1].sure and end <= start:
            end += NOON
        if not start < end <= MIDNIGHT:
            return None
        return spanning("O", (Hours(start, end),), found)

    def until_part(self, found: list[Lexeme]) -> Lexeme | None:
        """ "Between 9 and noon", "from ten till evening"."""
        clock = _as_clock(next(one for one in found if one.kind in "Kn"))
        start, end, _ = _part(found[-1])
        last = NOON if start < NOON < end and end - start <= 120 else end
        if clock is None or not clock.likely < last:
            return None
        return spanning("O", (Hours(clock.likely, last),), found)

    def since(self, found: list[Lexeme]) -> Lexeme | None:
        clock = _as_clock(next(one for one in found if one.kind in "Kn"))
        return spanning("O", (Hours(clock.likely, MIDNIGHT, clock=clock),), found) if clock else None

    def until(self, found: list[Lexeme]) -> Lexeme | None:
        clock = _as_clock(next(one for one in found if one.kind in "Kn"))
        return spanning("O", (Hours(0, clock.likely),), found) if clock else None

    def points(self, found: list[Lexeme]) -> Lexeme | None:
        clocks = [_as_clock(one) for one in found if one.kind in "Kn"]
        said = [clock for clock in clocks if clock is not None]
        if len(said) != len(clocks):
            return None
        return spanning("O", tuple(Hours(one.likely, one.likely, clock=one) for one in said), found)

    def after_part(self, found: list[Lexeme]) -> Lexeme:
        start, end, _ = _part(next(one for one in found if one.kind == "p"))
        noon = start < NOON < end and end - start <= 120
        return spanning("O", (Hours(NOON if noon else end, MIDNIGHT),), found)

    def before_part(self, found: list[Lexeme]) -> Lexeme:
        start, end, _ = _part(next(one for one in found if one.kind == "p"))
        noon = start < NOON < end and end - start <= 120
        return spanning("O", (Hours(0, NOON if noon else start),), found)

    def part(self, found: list[Lexeme]) -> Lexeme:
        start, end, every = _part(found[-1])
        return spanning("O", (Hours(start, end, recurs=every or found[0].kind == "R", part=True),), found)


def _part(lexeme: Lexeme) -> tuple[int, int, bool]:
    start, end = lexeme.value.split("-")
    return _minutes(start), _minutes(end), lexeme.flag == "every"


def _minutes(written: str) -> int:
    hours, _, minutes = written.partition(":")
    return int(hours) * 60 + int(minutes or 0)


def _as_clock(lexeme: Lexeme) -> Clock | None:
    if lexeme.kind == "K":
        return lexeme.value if isinstance(lexeme.value, Clock) else None
    return Clock(lexeme.value * 60) if 1 <= lexeme.value <= 24 and lexeme.flag != ARTICLE else None


def combined(one: Hours, other: Hours) -> Hours | None:
    """Both said of one day: a clock within a part of the day ("illalla seitsemältä"), or the overlap; None if none."""
    for part, rest in ((one, other), (other, one)):
        if part.part and rest.clock is not None:
            return _within(rest, part)
    start, end = max(one.start, other.start), min(one.end, other.end)
    return replace(one, start=start, end=end) if start < end else None


def _within(said: Hours, part: Hours) -> Hours | None:
    """*said* with its clock moved into *part* of the day, where it can be."""
    clock = said.clock
    if clock is None:
        return None
    for minutes in (clock.minutes, clock.minutes + NOON, clock.likely):
        if part.start <= minutes <= part.end:
            end = minutes if said.is_point else part.end
            return Hours(minutes, end, clock=clock)
    return said if said.is_point else None
