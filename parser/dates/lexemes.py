"""A text's tokens as lexemes of days and hours. Each lexeme has a class of one letter, so that the grammar is regular
expressions over strings of classes:

d day from today, w weekday, k weekend, a working days, W week, M month, Y year, D day, H hour, I minute, G fortnight;
n number, o ordinal, m month's name, X date, t time, p part of the day, F holiday, y year in figures;
c "at", C "o'clock", h half before, j half after, q quarter, Q quarter to, z minutes to, + past, - to, A am or pm;
> after, ) after (behind it), < before, f from, ] from (behind), u until, [ until (behind), U latest, b between,
{ between (behind), x except, | or, & and, ~ to or dash; N next, T this, L last, P past, i in, g from now, l later,
0 "the week of", 1 "beginning" (of a week), 2 "the week after" (the visit's);
e earlier, B beginning, J middle, E end, S same, R every, # "den", @ "time", = at the earliest, ! a part of today;
. and , as such, ? anything else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from parser.normal import Text, Token, fold

_CLASSES = {
    "weekend": "k",
    "workdays": "a",
    "week": "W",
    "fortnight": "G",
    "month": "M",
    "year": "Y",
    "day": "D",
    "hour": "H",
    "minute": "I",
    "clock": "c",
    "oclock": "C",
    "half_before": "h",
    "half_after": "j",
    "quarter": "q",
    "quarter_to": "Q",
    "past": "+",
    "to": "-",
    "after": ">",
    "after_post": ")",
    "before": "<",
    "from": "f",
    "since_post": "]",
    "until": "u",
    "until_post": "[",
    "latest": "U",
    "between": "b",
    "between_post": "{",
    "except": "x",
    "or": "|",
    "and": "&",
    "range": "~",
    "next": "N",
    "this": "T",
    "last": "L",
    "ago": "P",
    "in": "i",
    "ahead": "g",
    "later": "l",
    "earlier": "e",
    "begin": "B",
    "middle": "J",
    "end": "E",
    "same": "S",
    "every": "R",
    "number_sign": "#",
    "filler": "_",
    "time": "@",
    "turn": ";",
    "after_that": "v",
    "earliest": "=",
    "week_of": "0",
    "starting_week": "1",
    "week_after": "2",
}
_VALUED = {"days": "d", "weekdays": "w", "months": "m", "numbers": "n", "ordinals": "o", "parts": "p", "holidays": "F"}
_MINUTES_TO = "minutes_to_"
_TODAY = "today_"
_LONGEST_STEM = 24
EVENT = "event"
"""The value of "before I": what comes before the day is an event, "before I fly on the 12th"."""

FOLLOWING = "following"
"""The value of "following": of a visit named, and only without one of today."""

ARTICLE = "article"
"""The flag of "a" in "a week": a number beside a unit, and no hour ("at a conference")."""


@dataclass(slots=True, eq=False)
class Lexeme:
    """One word, number or sign that may speak of time; *flag* is a Finnish or Swedish ending's meaning, *first* and
    *last* are token indexes."""

    kind: str
    value: Any
    flag: str
    first: int
    last: int

    def of_kind(self, kind: str) -> Lexeme:
        """The same words as another kind."""
        return Lexeme(kind, self.value, self.flag, self.first, self.last)


class Meaning(NamedTuple):
    """What a word may be in one language."""

    kind: str
    value: Any
    flag: str = ""
    weak: bool = False
    more: tuple[tuple[str, Any], ...] = ()


@dataclass(slots=True)
class DateWords:
    """One language's table: exact words, stems, and words in a row by the first of them."""

    code: str
    exact: dict[str, Meaning] = field(default_factory=dict)
    stems: dict[str, Meaning] = field(default_factory=dict)
    rows: dict[str, list[tuple[tuple[str, ...], Meaning]]] = field(default_factory=dict)
    endings: tuple[tuple[str, str], ...] = ()
    number_endings: tuple[tuple[str, str], ...] = ()
    weak: frozenset[str] = frozenset()

    def meaning(self, word: str) -> Meaning | None:
        """What *word* is, with its ending read; None when this language does not know it."""
        if found := self.exact.get(word):
            return self._inflected(found, word) if found.kind in "np" else found
        for length in range(min(len(word), _LONGEST_STEM), 1, -1):
            if found := self.stems.get(word[:length]):
                return self._compound(found, word, word[length:])
        return None

    def _compound(self, found: Meaning, word: str, rest: str) -> Meaning:
        if found.kind == "n" and word.endswith(("toista", "toist")) and found.value < 10:
            found = found._replace(value=found.value + 10)
        if found.kind in "wdkBEF" and len(rest) > 2:
            for start in (0, 1, 2):
                part = self.exact.get(rest[start:]) or self._stem_of(rest[start:])
                if part and part.kind in "pkWM":
                    return found._replace(more=((part.kind, part.value),))
        if found.kind == "w" and self._ends_in(word, "@"):
            return found._replace(flag="of", more=(("?", None),))  # "fredagstid": its time, and no end of a stretch
        if found.kind == "F" and self._ends_in(word, "W"):
            return found._replace(more=(("W", None),))
        return self._inflected(found, word)

    def _ends_in(self, word: str, kind: str) -> bool:
        """Whether a compound's last part is of *kind*: "jouluviikolla", "julveckans"."""
        parts = (self.exact.get(word[at:]) or self._stem_of(word[at:]) for at in range(3, len(word) - 1))
        return any(part is not None and part.kind == kind for part in parts)

    def _stem_of(self, word: str) -> Meaning | None:
        for length in range(min(len(word), _LONGEST_STEM), 2, -1):
            if found := self.stems.get(word[:length]):
                return found
        return None

    def _inflected(self, found: Meaning, word: str) -> Meaning:
        endings = self.number_endings if found.kind == "n" else self.endings if found.kind in "wpdmDk" else ()
        bare = word.removesuffix("toista").removesuffix("toist") if found.kind == "n" else word
        for ending, flag in endings:
            if bare.endswith(ending) and len(bare) > len(ending) + 1:
                return found._replace(flag=flag)
        return found


def date_words(code: str, words: dict[str, Any]) -> DateWords:
    """The table of language *code* from its `[reading.dates]`."""
    table = DateWords(code)
    table.weak = frozenset(fold(word) for word in words.get("words", {}).get("weak", []))
    table.endings = _endings(words.get("endings", {}))
    table.number_endings = _endings(words.get("number_endings", {}))
    for name, kind in _VALUED.items():
        for value, listed in words.get(name, {}).items():
            for word in listed:
                _learn(table, word, Meaning(kind, int(value) if value.lstrip("-").isdigit() else value))
    for name, listed in words.get("words", {}).items():
        for word in listed:
            if (meaning := _meaning_of(name)) is not None:
                _learn(table, word, meaning)
    return table


def _meaning_of(name: str) -> Meaning | None:
    if name.startswith(_MINUTES_TO):
        return Meaning("z", int(name.removeprefix(_MINUTES_TO)))
    if name.startswith(_TODAY):
        return Meaning("!", name.removeprefix(_TODAY))
    if name in ("am", "pm"):
        return Meaning("A", name)
    if name == "coming":
        return Meaning("N", name)
    if name == "before_event":
        return Meaning("<", EVENT)
    if name == "following":
        return Meaning("N", FOLLOWING)
    if name == "half_hour":
        return Meaning("j", None, more=(("H", None),))
    if name == "article":
        return Meaning("n", 1, ARTICLE)
    if name == "other_meaning":
        return Meaning("?", None)
    kind = _CLASSES.get(name)
    return Meaning(kind, None) if kind else None


def _endings(table: dict[str, list[str]]) -> tuple[tuple[str, str], ...]:
    pairs = [(fold(ending), flag) for flag, listed in table.items() for ending in listed]
    return tuple(sorted(pairs, key=lambda pair: -len(pair[0])))


def _learn(table: DateWords, written: str, meaning: Meaning) -> None:
    words = tuple(fold(written).replace("'", "").split())
    if len(words) > 1:
        table.rows.setdefault(words[0], []).append((words, meaning))
        table.rows[words[0]].sort(key=lambda row: -len(row[0]))
    elif words[0].endswith("*"):
        table.stems.setdefault(words[0][:-1], meaning)
    else:
        weak = words[0] in table.weak
        if words[0] not in table.exact or table.exact[words[0]].kind == "_":
            table.exact[words[0]] = meaning._replace(weak=weak)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a word may be in a text of one language: the words in a row that it begins, then what it means alone."""

    rows: tuple[tuple[tuple[str, ...], Meaning], ...]
    alone: Meaning | None


_CACHED_WORDS = 8_000


@dataclass(slots=True)
class Lexer:
    """Cuts texts into lexemes with one lexicon's tables."""

    tables: dict[str, DateWords]
    _entries: dict[tuple[str | None, str], Entry] = field(default_factory=dict)

    def read(self, text: Text, tongue: str | None, skipped: set[int]) -> list[Lexeme]:
        """The lexemes of *text*, its likely language first; tokens at word indexes *skipped* say nothing of time."""
        hidden = {text.words[at].start for at in skipped}
        if _NO_DAY in text.raw.lower():
            hidden |= {token.start for token in text.words if text.written(token).lower() == _NO_DAY}
        found: list[Lexeme] = []
        index, tokens = 0, text.tokens
        while index < len(tokens):
            token = tokens[index]
            if token.kind == "w" and token.start not in hidden:
                entry = self._entries.get((tongue, token.text)) or self._look_up(token.text, tongue)
                index = _word(index, tokens, entry, found)
            elif token.kind == "n":
                index = _glued(index, tokens, self._in_order(tongue), found) or _number(index, tokens, found)
            else:
                found.append(Lexeme(_SIGNS.get(token.text, "?" if token.kind == "w" else ";"), None, "", index, index))
                index += 1
        return _without_lonely(found)

    def _in_order(self, tongue: str | None) -> list[DateWords]:
        first = [self.tables[tongue]] if tongue in self.tables else []
        return first + [table for code, table in self.tables.items() if code != tongue]

    def _look_up(self, word: str, tongue: str | None) -> Entry:
        if len(self._entries) >= _CACHED_WORDS:
            self._entries.clear()
        entry = self._entries[tongue, word] = self._entry(word, tongue)
        return entry

    def _entry(self, word: str, tongue: str | None) -> Entry:
        """The text's own language comes first; where one knows *word* alone, the later ones begin no row with it."""
        rows: list[tuple[tuple[str, ...], Meaning]] = []
        for at, table in enumerate(self._in_order(tongue)):
            rows += table.rows.get(word, ())
            meaning = table.meaning(word)
            if meaning is not None and (at == 0 or _clear(word, meaning)):
                return Entry(tuple(rows), meaning)
        return Entry(tuple(rows), None)


_SIGNS = {
    "-": "~",
    ",": ",",
    ".": ".",
    "/": "/",
    '"': ";",
    "(": ",",
    ")": ",",
    ":": ":",
    "!": ";",
    "?": ";",
    ";": ";",
    "&": "&",
    "+": "&",
    ">": "~",
    "→": "~",
}
_NO_DAY = "mä"  # "I" in spoken Finnish, and no Monday ("ma") that lost its dots
_FOREIGN_KINDS = frozenset("dwmFkop")


def _clear(word: str, meaning: Meaning) -> bool:
    """Whether a word of another language than the text's may count: long ones, and only days and months."""
    return len(word) >= 4 and meaning.kind in _FOREIGN_KINDS and not meaning.weak


def _word(index: int, tokens: list[Token], entry: Entry, found: list[Lexeme]) -> int:
    """The word at *index*, or the row of words that it begins: the index after it."""
    for words, meaning in entry.rows:
        if [one.text for one in tokens[index : index + len(words)]] == list(words):
            found.append(Lexeme(meaning.kind, meaning.value, meaning.flag, index, index + len(words) - 1))
            return index + len(words)
    if entry.alone is not None:
        _append(index, tokens[index], entry.alone, found)
    else:
        found.append(Lexeme("?", None, "", index, index))
    return index + 1


def _append(index: int, token: Token, meaning: Meaning, found: list[Lexeme]) -> None:
    flag = meaning.flag
    if meaning.kind == "w" and flag == "every" and token.end - token.start > len(token.text):
        flag = "of"  # Monday's
    found.append(Lexeme("%" + meaning.kind if meaning.weak else meaning.kind, meaning.value, flag, index, index))
    for kind, value in meaning.more:
        found.append(Lexeme(kind, value, flag, index, index))


def _glued(index: int, tokens: list[Token], tables: list[DateWords], found: list[Lexeme]) -> int:
    """A word that begins with a figure ("2day"): the index after it, 0 when there is none."""
    token, follower = tokens[index], tokens[index + 1] if index + 1 < len(tokens) else None
    if follower is None or follower.start != token.end or follower.kind != "w":
        return 0
    meaning = next((one for table in tables if (one := table.exact.get(token.text + follower.text))), None)
    if meaning is None:
        return 0
    found.append(Lexeme(meaning.kind, meaning.value, meaning.flag, index, index + 1))
    return index + 2


def _number(index: int, tokens: list[Token], found: list[Lexeme]) -> int:
    """A number, with what is glued to it: "12th", "12:e", "9am", "v23" has its "v" before."""
    token = tokens[index]
    follower = tokens[index + 1] if index + 1 < len(tokens) else None
    glued = follower is not None and follower.start == token.end
    kind, value = _figure(token.text)
    if kind == "n" and glued and follower is not None:
        if follower.text in _ORDINAL_ENDINGS:
            found.append(Lexeme("o", value, "", index, index + 1))
            return index + 2
        if follower.text == ":" and index + 2 < len(tokens) and tokens[index + 2].text in _ORDINAL_ENDINGS:
            found.append(Lexeme("o", value, "", index, index + 2))
            return index + 3
    dotted = glued and follower is not None and follower.text == "."
    found.append(Lexeme(kind, value, "dot" if dotted else "", index, index))
    return index + 1


_ORDINAL_ENDINGS = frozenset(["st", "nd", "rd", "th", "e", "a", "de"])


def _figure(written: str) -> tuple[str, Any]:
    """Class and value of a number in figures; a dotted one that may be date or time is "X" with both."""
    if written.count("-") == 2:
        year, month, day = map(int, written.split("-"))
        return ("X", (day, month, year)) if _is_date(day, month) else ("?", None)
    for sign in ":./":
        if sign in written:
            pieces = written.replace("/", ".").replace(":", ".").split(".")
            return _dotted(sign, [int(piece) for piece in pieces], pieces)
    value = int(written[:9])
    if len(written) == 4 and 2020 <= value <= 2099:
        return "y", value
    return ("n", value) if len(written) <= 2 else ("4", value) if len(written) == 4 else ("?", None)


def _dotted(sign: str, parts: list[int], pieces: list[str]) -> tuple[str, Any]:
    first, second = parts[0], parts[1]
    if len(parts) == 3:
        year = parts[2] + 2000 if parts[2] < 100 else parts[2]
        return ("X", (first, second, year)) if _is_date(first, second) else ("?", None)
    is_time = first <= 24 and second < 60 and len(pieces[1]) == 2
    if sign == ":":
        return ("t", (first, second, pieces[0])) if is_time else ("?", None)
    is_date = _is_date(first, second)
    if sign == "/":
        return ("X", (first, second, None)) if is_date else ("?", None)
    if is_date and is_time:
        return "V", (first, second, pieces[0])
    if is_time:
        return "t", (first, second, pieces[0])
    return ("X", (first, second, None)) if is_date else ("?", None)


def _is_date(day: int, month: int) -> bool:
    return 1 <= day <= 31 and 1 <= month <= 12


_HELPERS = frozenset("?;._")


def _without_lonely(lexemes: list[Lexeme]) -> list[Lexeme]:
    """Decide the words that are of time only beside others ("ti", "may", "sun", "on"), and drop the fillers."""
    plain = [lexeme for lexeme in lexemes if lexeme.kind != "_"]
    if "%" not in "".join([lexeme.kind for lexeme in plain]):
        return plain
    kept: list[Lexeme] = []
    few = sum(lexeme.kind not in ".;," for lexeme in plain) <= 2
    for at, lexeme in enumerate(plain):
        if lexeme.kind[0] != "%":
            kept.append(lexeme)
            continue
        before = plain[at - 1].kind if at else ";"
        after = plain[at + 1].kind if at + 1 < len(plain) else ";"
        kind = lexeme.kind[1:]
        fits = _NEIGHBOURS.get(kind, _NEIGHBOURS["*"])
        fitting = few or before.lstrip("%") in fits[0] or after.lstrip("%") in fits[1]
        kept.append(lexeme.of_kind(kind if fitting else "?"))
    return [lexeme for lexeme in kept if lexeme.kind != "_"]


_NEIGHBOURS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "w": (frozenset("NTw~|&SW>p<xfub)"), frozenset("XVtcwp~|&,NT[])ndS@bfu><=x")),
    "m": (frozenset("noiBEJNTfu><~l=m"), frozenset("no~")),
    "n": (frozenset("cib<>fqjh+-"), frozenset("WDHMIGgl")),
    "o": (frozenset("m"), frozenset("mw")),
    "*": (frozenset("wnodXtmWpFiNT"), frozenset("wnoXtmWMpF")),
}
