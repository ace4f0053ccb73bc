"""Finding the phrases of lang/*.toml in a text: exact words, stems (`peru*`), inner stems (`*hoito*`), alternatives
(`en|emme`) and gaps of up to three words (`..`), all in one pass over the tokens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from parser.normal import Token, fold
from parser.spelling import Speller

GAP = 3
"""Words that `..` may stand for."""

_CACHED_WORDS = 8_000
_SHORTEST_STEM = 2
_HARDLY_MORE_THAN_A_WORD = 2


@dataclass(frozen=True, slots=True)
class Phrase:
    """One way to say *signal*; *elements* are sets of atoms, None is a gap."""

    signal: str
    weight: float
    language: str
    written: str
    elements: tuple[frozenset[str] | None, ...]


@dataclass(slots=True, eq=False)
class Hit:
    """A phrase found at words *first* to *last*; *mask* has a bit for each word that the phrase itself names."""

    signal: str
    weight: float
    language: str
    written: str
    first: int
    last: int
    mask: int


class Found(NamedTuple):
    """The phrases in a text, and a mask of the words that are read only by correcting them."""

    hits: list[Hit]
    misspelt: int


def compile_phrase(signal: str, weight: float, language: str, written: str) -> Phrase:
    """Read one phrase of a language file; raises ValueError when it names no word."""
    elements: list[frozenset[str] | None] = []
    for piece in fold(written).replace("'", "").split():
        elements.append(None if piece == ".." else frozenset(piece.split("|")))
    if not elements or elements[0] is None or elements[-1] is None:
        raise ValueError(f"{language}: the phrase {written!r} of {signal} must begin and end with a word")
    return Phrase(signal, weight, language, written, tuple(elements))


@dataclass(slots=True)
class _Begun:
    """The phrases that begin with one atom: of one word, by the next atom, and with a gap before the atoms named."""

    single: list[Phrase] = field(default_factory=list)
    double: dict[str, list[Phrase]] = field(default_factory=dict)
    gapped: list[tuple[frozenset[str], Phrase]] = field(default_factory=list)


class PhraseBook:
    """All phrases of all languages, indexed by their first two atoms."""

    def __init__(
        self,
        phrases: Iterable[Phrase],
        spelled: Iterable[str] = (),
        clitics: Iterable[str] = (),
        right: frozenset[str] = frozenset(),
    ) -> None:
        """*spelled* are more words to correct to, *clitics* endings that may be cut, *right* words never to correct."""
        self._right = right
        self._clitics = tuple(sorted(clitics, key=len, reverse=True))
        self._begun: dict[str, _Begun] = {}
        self._exact: set[str] = set()
        self._stems: set[str] = set()
        self._inner: list[str] = []
        for phrase in phrases:
            self._learn(phrase)
        self._inner.sort()
        whole = {word for word in self._exact if word.isalpha()} | {fold(word) for word in spelled}
        self._speller = Speller(sorted(whole), sorted(stem[:-1] for stem in self._stems))  # alike in every process
        self._known: dict[str, tuple[str, ...]] = {}
        self._guesses: dict[tuple[str, bool], tuple[str, ...]] = {}

    def _learn(self, phrase: Phrase) -> None:
        for element in phrase.elements:
            for atom in element or ():
                self._learn_atom(atom)
        for first in phrase.elements[0] or ():
            begun = self._begun.setdefault(first, _Begun())
            if len(phrase.elements) == 1:
                begun.single.append(phrase)
            elif phrase.elements[1] is None:
                begun.gapped.append((phrase.elements[2] or frozenset(), phrase))
            else:
                for second in phrase.elements[1]:
                    begun.double.setdefault(second, []).append(phrase)

    def _learn_atom(self, atom: str) -> None:
        if atom.startswith("*"):
            if atom not in self._inner:
                self._inner.append(atom)
        elif atom.endswith("*"):
            self._stems.add(atom)
        else:
            self._exact.add(atom)

    def atoms(self, word: str) -> tuple[str, ...]:
        """Every atom of the book that *word* satisfies, without correcting its spelling."""
        known = self._known.get(word)
        if known is None:
            if len(self._known) >= _CACHED_WORDS:
                self._known.clear()
            known = self._known[word] = self._find_atoms(word)
        return known

    def _find_atoms(self, word: str) -> tuple[str, ...]:
        found = [word] if word in self._exact else []
        for length in range(_SHORTEST_STEM, min(len(word), 24) + 1):
            stem = word[:length] + "*"
            if stem in self._stems:
                found.append(stem)
        found.extend(atom for atom in self._inner if _inside(atom, word))
        return tuple(found)

    def find(self, words: list[Token], protected: frozenset[int] | set[int] = frozenset()) -> Found:
        """All phrases in *words* but those inside a longer one. Spelling is corrected except at *protected*."""
        alone = len(words) <= _HARDLY_MORE_THAN_A_WORD
        misspelt = 0
        atoms: list[tuple[str, ...]] = []
        for index, token in enumerate(words):
            here = self._known.get(token.text)
            if here is None:
                here = self.atoms(token.text)
            if not here and index not in protected and (here := self._guessed(token, alone)):
                misspelt |= 1 << index
            atoms.append(here)
        hits: list[Hit] = []
        present: set[str] = set().union(*atoms)
        for index, here in enumerate(atoms):
            for atom in here:
                if (begun := self._begun.get(atom)) is not None:
                    _find_at(index, begun, atoms, words, hits, present)
        return Found(_longest(hits), misspelt)

    def _guessed(self, token: Token, alone: bool) -> tuple[str, ...]:
        """The atoms of a word with its letters put right: "joooo", "peurn"."""
        word = token.text
        if token.kind != "w" or word in self._right:
            return ()
        if (word, alone) in self._guesses:
            return self._guesses[word, alone]
        if len(self._guesses) >= _CACHED_WORDS:
            self._guesses.clear()
        squeezed = _squeeze(word)
        found = self.atoms(squeezed) if squeezed != word else ()
        if not found and alone:
            found = self.atoms(_squeeze(word, 1))
        if not found:
            found = self._without_clitic(squeezed)
        if not found and (corrected := self._speller.correct(squeezed, alone)):
            found = self.atoms(corrected)
        self._guesses[word, alone] = found
        return found

    def _without_clitic(self, word: str) -> tuple[str, ...]:
        """The atoms of "tulekaan" are those of "tule"."""
        for clitic in self._clitics:
            if word.endswith(clitic) and len(word) > len(clitic) + 2 and (found := self.atoms(word[: -len(clitic)])):
                return found
        return ()


def _find_at(
    index: int, begun: _Begun, atoms: list[tuple[str, ...]], words: list[Token], hits: list[Hit], present: set[str]
) -> None:
    """*present* are the atoms of the whole text: most phrases with a gap lack their second half."""
    for phrase in begun.single:
        hits.append(_hit(phrase, index, index, 1 << index))
    if begun.double and index + 1 < len(words):
        for second in atoms[index + 1]:
            for phrase in begun.double.get(second, ()):
                _extend(phrase, index, 2, index + 2, 3 << index, atoms, words, hits)
    for wanted, phrase in begun.gapped:
        if not present.isdisjoint(wanted):
            _extend(phrase, index, 1, index + 1, 1 << index, atoms, words, hits)


def _extend(
    phrase: Phrase,
    first: int,
    element: int,
    index: int,
    mask: int,
    atoms: list[tuple[str, ...]],
    words: list[Token],
    hits: list[Hit],
) -> None:
    """Match the rest of *phrase* from *element* on at word *index*; append a hit when all of it is there."""
    while element < len(phrase.elements):
        wanted = phrase.elements[element]
        reach = 0
        if wanted is None:
            element, reach = element + 1, GAP
            wanted = phrase.elements[element]
        index = _first_of(wanted or frozenset(), index, reach, atoms, words, words[first].sentence)
        if index < 0:
            return
        mask |= 1 << index
        index, element = index + 1, element + 1
    hits.append(_hit(phrase, first, index - 1, mask))


def _first_of(
    wanted: frozenset[str], index: int, reach: int, atoms: list[tuple[str, ...]], words: list[Token], sentence: int
) -> int:
    for at in range(index, min(index + reach + 1, len(words))):
        if words[at].sentence != sentence and reach:
            return -1
        if not wanted.isdisjoint(atoms[at]):
            return at
    return -1


def _hit(phrase: Phrase, first: int, last: int, mask: int) -> Hit:
    return Hit(phrase.signal, phrase.weight, phrase.language, phrase.written, first, last, mask)


def _longest(hits: list[Hit]) -> list[Hit]:
    """Leave out hits whose words all belong to a longer hit: "ei haittaa" is no "ei"."""
    covers: dict[int, list[Hit]] = {}
    for hit in hits:
        if hit.first != hit.last:
            for at in range(hit.first, hit.last + 1):
                if hit.mask >> at & 1:
                    covers.setdefault(at, []).append(hit)
    if not covers:
        return hits
    return [
        hit for hit in hits if hit.first not in covers or not any(_covers(longer, hit) for longer in covers[hit.first])
    ]


def _covers(longer: Hit, hit: Hit) -> bool:
    """Whether *longer* says all that *hit* says; "ajan hammastarkastukseen" asks for a visit and still names which."""
    if longer.mask == hit.mask or longer.mask & hit.mask != hit.mask:
        return False
    return longer.signal != "book" or not hit.signal.startswith("service:")


def _inside(atom: str, word: str) -> bool:
    inner = atom.strip("*")
    return inner in word if atom.endswith("*") else word.endswith(inner)


def _squeeze(word: str, most: int = 2) -> str:
    """ "joooo" as "joo", "yesss" as "yess": more than *most* equal letters become so many."""
    return "".join(letter for at, letter in enumerate(word) if at < most or word[at - most : at] != letter * most)
