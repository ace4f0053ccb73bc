"""What is looked at before a text that staff or a program wrote goes out (product.md sections 2 and 6).

Identity codes, links, placeholders that nobody filled and a second person's name keep it back. Treatment words, a
number that serves several people and what makes it cost more are said to whoever writes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lang.alphabet import segments
from lang.messages import treatment_words
from models.facts import PersonFacts
from parser.mask import mask

_DOMAINS = "fi|se|ax|com|net|org|eu|io|ly|me"
_LINK = re.compile(rf"(?:https?://|www\.)\S+|(?<![\w@.])[\w-]+(?:\.[\w-]+)*\.(?:{_DOMAINS})\b(?:/\S*)?", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{[^{}]*\}|\[\[[^\[\]]*\]\]|<<[^<>]*>>")
_WORD = re.compile(r"[^\W\d_]+")
_CHEAP = 1  # segment


class Kind(StrEnum):
    """What was found."""

    IDENTITY_CODE = "identity_code"
    LINK = "link"
    PLACEHOLDER = "placeholder"
    SECOND_NAME = "second_name"
    TREATMENT = "treatment"
    SHARED_NUMBER = "shared_number"
    SEGMENTS = "segments"


@dataclass(frozen=True, slots=True)
class Finding:
    """*blocks* keeps the text back. *what* is for the writer's eyes: the word, the placeholder, the dear character."""

    kind: Kind
    blocks: bool
    what: str = ""
    count: int = 0  # of people on the number, of segments


def check(body: str, recipient: PersonFacts | None = None, on_number: Collection[PersonFacts] = ()) -> list[Finding]:
    """Return what is to be said of *body*, which goes to *recipient* at a number of *on_number*; gravest first."""
    return [
        *_codes(body),
        *(Finding(Kind.LINK, True, found.group()) for found in _LINK.finditer(body)),
        *(Finding(Kind.PLACEHOLDER, True, found.group()) for found in _PLACEHOLDER.finditer(body)),
        *_second_names(body, recipient, on_number),
        *_treatments(body),
        *([Finding(Kind.SHARED_NUMBER, False, count=len(on_number))] if len(on_number) > 1 else []),
        *_cost(body),
    ]


def blocking(findings: Sequence[Finding]) -> Finding | None:
    """The first finding that keeps the text back."""
    return next((finding for finding in findings if finding.blocks), None)


def _codes(body: str) -> Iterator[Finding]:
    if mask(body) != body:
        yield Finding(Kind.IDENTITY_CODE, True)


def _second_names(body: str, recipient: PersonFacts | None, on_number: Collection[PersonFacts]) -> Iterator[Finding]:
    """Names of others on a shared number; those that the recipient has too say nothing."""
    own = set() if recipient is None else _name_words(recipient)
    words = {word.casefold() for word in _WORD.findall(body)}
    for person in on_number:
        if recipient is not None and person.id == recipient.id:
            continue
        for name in sorted((_name_words(person) - own) & words):
            yield Finding(Kind.SECOND_NAME, True, name)


def _name_words(person: PersonFacts) -> set[str]:
    return {word.casefold() for word in _WORD.findall(f"{person.given_names} {person.family_name}")}


def _treatments(body: str) -> Iterator[Finding]:
    stems = treatment_words()
    for word in _WORD.findall(body):
        if word.casefold().startswith(stems):
            yield Finding(Kind.TREATMENT, False, word)


def _cost(body: str) -> Iterator[Finding]:
    cost = segments(body)
    if cost.count > _CHEAP or cost.culprit is not None:
        yield Finding(Kind.SEGMENTS, False, cost.culprit or "", cost.count)
