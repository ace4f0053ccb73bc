"""Codes, phone numbers and addresses taken out of a text before its words are read; offsets stay."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from parser.identity import FoundCode, read_codes
from parser.normal import Text, fold, read_tokens

_PHONE = re.compile(r"(?=[+0])(?<![\w+.-])(?:(?:\+|00)\d{1,3}[ -]?\d|0[45]\d)(?:[ -]?\d){6,9}(?!\w|[.-]\d)")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+\.\w+")
_FIGURE = re.compile(r"\d")
_CODE = re.compile(r"\d{6}[-+]\d{3}[0-9A-Ya-y]")


_ATTACK = re.compile(
    r"<\s*/?\s*[a-z]+[^<>]*>|\b(?:select|drop|delete|insert|update|union|truncate|alter)\b.{1,40}\b(?:from|table|into|where|set|select)\b"
    r"|['\"]\s*;|\{\{|\$\{|\.\./\.\./|/etc/passwd|%[0-9a-f]{2}%[0-9a-f]{2}|javascript:|\bor\b\s+['\"]?1['\"]?\s*=\s*['\"]?1"
    r"|system prompt|you are now|developer mode|sudo ",
    re.IGNORECASE,
)


_SUSPICIOUS = re.compile(
    r"[<{$%;=:]|\.\./|/etc|select|drop|delete|insert|update|union|truncate|alter"
    r"|system prompt|you are now|developer mode|sudo "
)
"""What every attack has in folded letters: most texts need no further look."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """*raw* is the text as written (normal form), *folded* its folded letters, *text* the same with spaces where
    *spans* lie."""

    raw: str
    folded: str
    text: Text
    codes: list[FoundCode]
    spans: list[tuple[int, int]]


def hide(raw: str, today: date, country: str = "FI") -> Hidden:
    """Find codes, phone numbers, links and e-mail addresses in *raw* and blank them."""
    spans: list[tuple[int, int]] = []
    if "@" in raw or "www." in raw or "://" in raw:
        spans += [match.span() for match in _ADDRESS.finditer(raw)]
    codes: list[FoundCode] = []
    if _FIGURE.search(raw):
        phones = [match.span() for match in _PHONE.finditer(raw) if not _CODE.search(match.group())]
        spans += phones
        codes = read_codes(_blank(raw, phones), today, country)
        spans += [(code.start, code.end) for code in codes]
    folded = fold(raw)
    return Hidden(raw, folded, read_tokens(_blank(raw, spans), _blank(folded, spans)), codes, sorted(spans))


def looks_like_an_attack(hidden: Hidden, orders: re.Pattern[str]) -> bool:
    """Whether a text is markup, SQL or orders to a language model (*orders*, in folded letters): nothing in it is a
    patient's request."""
    suspicious = _SUSPICIOUS.search(hidden.folded) is not None
    return (suspicious and _ATTACK.search(hidden.raw) is not None) or orders.search(hidden.folded) is not None


def _blank(text: str, spans: list[tuple[int, int]]) -> str:
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text
