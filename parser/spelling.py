"""Words one slip away from a word that we know: a letter too many, too few, wrong, or two swapped."""

from __future__ import annotations

from collections.abc import Iterable

SHORTEST = 5
"""Shorter words are never corrected: too many of them are one letter apart."""

_LONGEST = 18


class Speller:
    """A symmetric-delete index: both sides lose one letter and meet, then the distance is checked."""

    def __init__(self, words: Iterable[str], stems: Iterable[str]) -> None:
        words = list(words)
        self._letters = {"".join(sorted(word)): word for word in words if len(word) == SHORTEST}
        self._words = _index(words)
        self._stems = _index(stems)

    def correct(self, word: str, alone: bool = False) -> str | None:
        """The known word that *word* misspells by one slip, or None. The first letter is trusted. *alone* says that the
        word is an answer by itself: then a short one may lack a letter or have one too many ("tuelen")."""
        if not SHORTEST - alone <= len(word) <= _LONGEST:
            return None
        found = self._nearest(word, self._words, alone) or self._letters.get("".join(sorted(word)))
        if found is not None and (len(found) != len(word) or found[0] == word[0]):
            return found
        for length in range(len(word), SHORTEST - 1, -1):
            stem = self._nearest(word[:length], self._stems, False)
            if stem is not None:
                return stem + word[length:]
        return None

    def _nearest(self, word: str, index: dict[str, str], alone: bool) -> str | None:
        for shorter in (word, *_without_one(word)):
            for known in index.get(shorter, "").split():
                slip = one_slip_apart(known, word, alone) or _same_letters(known, word)
                if known[0] == word[0] and slip and not _other_ending(known, word):
                    return known
        return None


def one_slip_apart(one: str, other: str, alone: bool = False) -> bool:
    """Whether one insertion, deletion, change or swap of neighbours makes *one* into *other*."""
    if one == other:
        return True
    if min(len(one), len(other)) <= SHORTEST and len(one) != len(other) and not alone:
        return False  # "mille" is no "muille"
    start = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        start += 1
    a, b = one[start:], other[start:]
    if len(a) == len(b):
        return a[1:] == b[1:] or (len(a) > 1 and a[0] == b[1] and a[1] == b[0] and a[2:] == b[2:])
    return a[1:] == b if len(a) == len(b) + 1 else a == b[1:] if len(b) == len(a) + 1 else False


def _same_letters(one: str, other: str) -> bool:
    """Whether the letters are the same in another order ("pruen", "perun"), or once doubled ("pasar", "passar")."""
    if len(one) == len(other):
        return one[0] == other[0] and sorted(one) == sorted(other)
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    doubled = (at for at in range(1, len(longer)) if longer[at] == longer[at - 1])
    return len(longer) == len(shorter) + 1 and any(longer[:at] + longer[at + 1 :] == shorter for at in doubled)


def _other_ending(one: str, other: str) -> bool:
    """Whether two words of one length differ in their last letters: more likely two cases than a slip."""
    if len(one) != len(other):
        return False
    at = next((index for index, letter in enumerate(one) if letter != other[index]), len(one))
    return at >= len(one) - 3 and sorted(one) != sorted(other)


def _index(words: Iterable[str]) -> dict[str, str]:
    """The words that each form belongs to, with spaces between: most have one, and a list for each costs megabytes."""
    index: dict[str, str] = {}
    for word in words:
        if len(word) >= SHORTEST:
            for shorter in (word, *_without_one(word)):
                index[shorter] = f"{index[shorter]} {word}" if shorter in index else word
    return index


def _without_one(word: str) -> list[str]:
    return [word[:at] + word[at + 1 :] for at in range(1, len(word))]
