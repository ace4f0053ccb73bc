"""Text as the rules see it: folded to plain small letters at the same offsets, and cut into tokens."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

LONGEST = 1600
"""Characters that are read; ten SMS segments hold fewer."""

MOST_TOKENS = 400

_SAME = {
    "’": "'",
    "‘": "'",
    "´": "'",
    "`": "'",
    "ʼ": "'",
    "“": '"',
    "”": '"',
    "–": "-",
    "—": "-",
    "−": "-",
    "‐": "-",
    "‑": "-",
    "\u00a0": " ",
    "\u202f": " ",
    "ß": "s",
    "ø": "o",
    "đ": "d",
    "ð": "d",
    "ł": "l",
    "æ": "a",
    "ı": "i",
}


class _Fold(dict[int, int]):
    """A translation table that learns: every character becomes one character without marks, in lower case."""

    def __missing__(self, code: int) -> int:
        small = chr(code).lower()
        small = _SAME.get(small, small)[0]
        plain = unicodedata.normalize("NFD", small)[0] if code > 127 else small
        if plain.isdecimal():
            plain = str(unicodedata.decimal(plain))
        if len(self) < 20_000:
            self[code] = ord(plain)
        return ord(plain)


_FOLD = _Fold()
_FOLDED_LATIN = bytes(ord(chr(code).translate(_FOLD)) for code in range(256))
"""As bytes, which are folded ten times as fast: nearly all texts are Latin-1."""


def fold(text: str) -> str:
    """Lower case without diacritics, one character for each of *text* (which should be in NFC)."""
    try:
        return text.encode("latin-1").translate(_FOLDED_LATIN).decode("latin-1")
    except UnicodeEncodeError:
        return text.translate(_FOLD)


@dataclass(slots=True, eq=False)
class Token:
    """One word, number or sign of a text; *text* is folded, *start* and *end* are offsets.

    *kind* is "w" word, "n" number (dates and times in figures too), "s" sign or emoji. *clause* and *sentence* number
    the stretches that commas and full stops cut.
    """

    text: str
    start: int
    end: int
    kind: str
    clause: int
    sentence: int


_TOKEN = re.compile(
    r"(?! )(?:(?P<w>[^\W\d_]+(?:'[^\W\d_]+)*)"
    r"|(?P<n>\d{4}-\d\d-\d\d(?!\d)|\d{1,2}[./:]\d{1,2}(?:[./]\d{4}|[./]\d\d)?(?!\d)|\d+)"
    r"|(?P<s>[^\w\s]|_)|(?P<x>\n))"
)
_ENDS = frozenset(".!?")
_CUTS = frozenset(',;:()"')
_ABBREVIATION = 4


@dataclass(slots=True)
class Text:
    """A text ready to be read: *raw* (NFKC), *folded* (same length), all *tokens*, the *words* among them, and what
    these are in folded letters (*spelled*)."""

    raw: str
    folded: str
    tokens: list[Token] = field(default_factory=list)
    words: list[Token] = field(default_factory=list)
    spelled: list[str] = field(default_factory=list)

    def written(self, token: Token) -> str:
        """The token as its writer wrote it."""
        return self.raw[token.start : token.end]


_HALVES = re.compile(r"(?<=\d)\s?½")
"""As "8½" would become 81 halves."""


def normal(text: str) -> str:
    """*text* in one form (NFKC), cut at the longest length that is read; control characters become spaces."""
    text = text[: LONGEST * 2]
    if "½" in text:
        text = _HALVES.sub(",5", text)
    if not text.isascii() and not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text)
    return text[:LONGEST].replace("\x00", " ").replace("\r", " ")


def read_tokens(raw: str, folded: str) -> Text:
    """Cut *folded* into tokens; *raw* is the same text as written. No more than `MOST_TOKENS` are kept."""
    tokens: list[Token] = []
    words: list[Token] = []
    clause = sentence = 0
    previous = ""
    for found in _TOKEN.finditer(folded):
        kind = found.lastgroup or "s"
        piece = found.group()
        start, end = found.span()
        if kind == "x":
            clause, sentence = clause + 1, sentence + 1
            continue
        if kind == "w" and "'" in piece:
            piece = piece.replace("'", "")
        token = Token(piece, start, end, kind, clause, sentence)
        if kind != "s":
            words.append(token)
        elif piece == "." and previous[:1].isdigit() and _goes_on(raw, end):
            pass
        elif piece in _ENDS:
            clause += 1
            if piece != "." or _closes(folded, end, previous):
                sentence += 1
        elif piece in _CUTS:
            clause += 1
        elif ord(piece) >= _EMOJI:
            words.append(token)
        tokens.append(token)
        previous = piece
        if len(tokens) >= MOST_TOKENS:
            break
    return Text(raw, folded, tokens, words, [token.text for token in words])


_EMOJI = 0x2190


def _goes_on(raw: str, end: int) -> bool:
    """Whether the full stop before *end* belongs to a number ("21.4. vois"): no capital follows."""
    rest = raw[end : end + 3].strip()
    return bool(rest) and not rest[0].isupper()


def _closes(folded: str, end: int, before: str) -> bool:
    """Whether a full stop after the token *before* ends a sentence rather than a number or an abbreviation."""
    if end < len(folded) and not folded[end].isspace():
        return False
    return not before.isdigit() and (len(before) > _ABBREVIATION or end >= len(folded) - 1)
