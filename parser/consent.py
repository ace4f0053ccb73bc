"""Stop and start: only when the whole text speaks of texting and of nothing else, politeness aside.

"Lopettakaa viestit" is a stop, "lopetan hoidon" is none, nor are "peru", "ei" or "cancel": a text counts when every
word of it is in one language's `[reading.consent]` table or polite, or when a phrase list names it as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from lang.words import Words
from parser.normal import Text, fold

LONGEST = 14
"""Words; nobody needs more to say stop."""


class Stems:
    """Exact words, and the beginnings of words."""

    def __init__(self, listed: Iterable[str]) -> None:
        """Read words and `stem*`s of a language file."""
        folded = [fold(word).replace("'", "") for word in listed]
        self._words = frozenset(word for word in folded if not word.endswith("*"))
        self._stems = tuple(word[:-1] for word in folded if word.endswith("*"))
        self._shortest = min(map(len, self._stems), default=0)
        self._heads = frozenset(stem[: self._shortest] for stem in self._stems)  # most words begin like no stem

    def __contains__(self, word: str) -> bool:
        return word in self._words or (word[: self._shortest] in self._heads and word.startswith(self._stems))


@dataclass(frozen=True, slots=True)
class ConsentWords:
    """One language's words for texts, for ending and for beginning them, and what may stand around."""

    messages: Stems
    stop: Stems
    start: Stems
    fill: Stems
    negators: frozenset[str]
    polite: frozenset[str]

    def read(self, words: list[str], strangers: int = 0) -> Literal["stop", "start"] | None:
        """What *words* say of texting, None when more than *strangers* of them speak of something else."""
        if not any(word in self.messages for word in words):
            return None
        spare = self.polite | self.negators
        known = (self.messages, self.fill, spare, self.stop, self.start)
        if sum(not any(word in listed for listed in known) for word in words) > strangers:
            return None
        if any(word in self.negators or (word in self.stop and word not in self.start) for word in words):
            return "stop"
        return "start" if any(word in self.start for word in words) else None


@dataclass(frozen=True, slots=True)
class Consent:
    """The words of all *languages*; *messages* are what any of them calls texts: most people's speak of none."""

    languages: tuple[ConsentWords, ...]
    messages: Stems


def consent_words(words: Words, negators: frozenset[str], polite: frozenset[str]) -> ConsentWords:
    """The table of one language's `[reading.consent]`."""
    table = words.get("consent", {})
    messages, stop, start, fill = (Stems(table.get(name, [])) for name in ("messages", "stop", "start", "fill"))
    return ConsentWords(messages, stop, start, fill, negators, polite)


def read_consent(
    text: Text, consent: Consent, skipped: set[int], strangers: int = 0
) -> Literal["stop", "start"] | None:
    """Stop, start or neither; *strangers* words may speak of something else. A question is neither."""
    if "?" in text.raw:
        return None
    words = [token.text for at, token in enumerate(text.words) if token.kind == "w" and at not in skipped]
    if not 1 < len(words) <= LONGEST or any(token.kind == "n" for token in text.words):
        return None
    if not any(word in consent.messages for word in words):
        return None
    return next((found for table in consent.languages if (found := table.read(words, strangers))), None)
