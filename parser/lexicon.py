"""lang/*.toml made ready for reading: one phrase book of all languages, and each language's small words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from lang.words import HERE, Words, read_words
from parser.answers import AnswerWords, answer_words
from parser.consent import Consent, ConsentWords, Stems, consent_words
from parser.normal import fold
from parser.phrases import Phrase, PhraseBook, compile_phrase

WEIGHTS = {"sure": 3.0, "likely": 2.0, "hint": 1.0}
WHOLE = "whole:"
"""Prefix of signals that count only when they are all that the text says."""


@dataclass(frozen=True, slots=True)
class Language:
    """The small words of one language."""

    code: str
    negators: frozenset[str]
    negates_before: int
    negates_after: int
    conditions: frozenset[str]
    turns: frozenset[str]
    polite: frozenset[str]
    known: frozenset[str]
    certain: frozenset[str]
    never: frozenset[str]
    name_cues: tuple[tuple[str, ...], ...]
    name_endings: tuple[tuple[str, str], ...]
    consent: ConsentWords
    dates: Words = field(default_factory=dict)
    wishes: dict[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Everything that was read from one folder of language files."""

    languages: dict[str, Language]
    book: PhraseBook
    only_in: dict[str, str]
    """Words that belong to one language only, with that language."""
    name_cues: dict[str, tuple[tuple[str, ...], ...]]
    """What stands before a name, by its last word."""
    name_things: frozenset[str]
    """What somebody has: "Bertta Mallisen aika"."""
    name_between: frozenset[str]
    """What may stand between a name and its code: "henkilötunnukseni"."""
    other_languages: frozenset[str]
    """Common words of languages that we do not read and that ours lack."""
    all_known: frozenset[str]
    all_polite: frozenset[str]
    denials: frozenset[str]
    """Words that deny what follows, less those that as often turn to it ("utan")."""
    answers: AnswerWords
    for_words: frozenset[str]
    """What stands before the one whom a visit is for: "till min son"."""
    for_endings: tuple[str, ...]
    orders: re.Pattern[str]
    """Orders to a machine: "ignore your instructions"."""
    consent: Consent
    """How texts are stopped and begun."""

    def knows(self, word: str) -> bool:
        """Whether *word* means anything to us, as it is spelt."""
        return word in self.all_known or bool(self.book.atoms(word))

    def polite(self, code: str | None) -> frozenset[str]:
        """The polite words of language *code*, of all when it is unknown."""
        return self.languages[code].polite if code in self.languages else self.all_polite


@lru_cache(maxsize=8)
def lexicon(folder: Path = HERE) -> Lexicon:
    """Read the language files of *folder* once; ValueError or tomllib.TOMLDecodeError for a file we cannot use."""
    tables = read_words(folder)
    phrases = [phrase for code, words in tables.items() for phrase in _phrases(code, words)]
    languages = {code: _language(code, words, phrases) for code, words in tables.items()}
    spelled = [word for words in tables.values() for word in _listed(words.get("spelling", {}).get("words", []))]
    clitics = [
        fold(word) for words in tables.values() for word in _listed(words.get("spelling", {}).get("clitics", []))
    ]
    every = list(languages.values())
    right = frozenset().union(*(_folded(words.get("spelling", {}).get("right", [])) for words in tables.values()))
    right |= frozenset().union(*(one.known for one in every))
    others = frozenset().union(*(_folded(words.get("language", {}).get("others", [])) for words in tables.values()))
    return Lexicon(
        languages,
        PhraseBook(phrases, spelled, clitics, right),
        _unique_words(languages),
        _cues(every),
        frozenset().union(*(_folded(words.get("names", {}).get("things", [])) for words in tables.values())),
        frozenset().union(*(_folded(words.get("names", {}).get("between", [])) for words in tables.values())),
        others - right,
        frozenset().union(*(one.known for one in every)),
        frozenset().union(*(one.polite for one in every)),
        frozenset().union(*(one.negators - one.turns for one in every)),
        answer_words(tables.values()),
        _all(tables, "beneficiary", "before"),
        tuple(_all(tables, "beneficiary", "endings")) or ("\n",),
        _orders(tables),
        Consent(tuple(one.consent for one in every), Stems(_all(tables, "consent", "messages"))),
    )


def _all(tables: dict[str, Words], section: str, name: str) -> frozenset[str]:
    return frozenset().union(*(_folded(words.get(section, {}).get(name, [])) for words in tables.values()))


def _orders(tables: dict[str, Words]) -> re.Pattern[str]:
    verbs, things = (sorted(_all(tables, "attack", name)) for name in ("verbs", "orders"))
    if not verbs or not things:
        return re.compile(r"(?!)")
    return re.compile(rf"\b(?:{'|'.join(verbs)})\b.{{0,30}}\b(?:{'|'.join(things)})")


def _cues(languages: list[Language]) -> dict[str, tuple[tuple[str, ...], ...]]:
    cues: dict[str, tuple[tuple[str, ...], ...]] = {}
    for language in languages:
        for cue in language.name_cues:
            cues[cue[-1]] = (*cues.get(cue[-1], ()), cue)
    return cues


def _phrases(code: str, words: Words) -> Iterator[Phrase]:
    for signal, strengths in words.get("phrases", {}).items():
        for strength, listed in strengths.items():
            yield from _named(code, signal, strength, listed)
    for kind, listed in words.get("services", {}).items():
        yield from _plain(code, f"service:{kind}", 3.0, listed)
    for kind, listed in words.get("emergency", {}).items():
        yield from _plain(code, f"emergency:{kind}", 3.0, listed)
    for name, pair in words.get("emergency_pairs", {}).items():
        for half, listed in pair.items():
            yield from _plain(code, f"pair:{half}:{name}", 1.0, listed)
    for score, listed in words.get("scores", {}).items():
        yield from _plain(code, f"score:{score}", 3.0, listed)
    negation = words.get("negation", {})
    yield from _plain(code, "negator", 1.0, negation.get("phrases", []))
    yield from _plain(code, "unreal", 1.0, negation.get("unreal", []))


def _named(code: str, signal: str, strength: str, listed: list[str]) -> Iterator[Phrase]:
    if strength == "whole":
        return _plain(code, WHOLE + signal, 3.0, listed)
    if strength in WEIGHTS:
        return _plain(code, signal, WEIGHTS[strength], listed)
    return _plain(code, f"{signal}:{strength}", 3.0, listed)


def _plain(code: str, signal: str, weight: float, listed: list[str]) -> Iterator[Phrase]:
    return (compile_phrase(signal, weight, code, written) for written in listed)


def _language(code: str, words: Words, phrases: list[Phrase]) -> Language:
    negation = words.get("negation", {})
    language = words.get("language", {})
    names = words.get("names", {})
    known = {
        atom for phrase in phrases if phrase.language == code for element in phrase.elements for atom in element or ()
    }
    known |= _folded(language.get("words", [])) | _folded(words.get("polite", {}).get("words", []))
    known |= set(_date_words(words.get("dates", {}))) | _folded(language.get("certain", []))
    return Language(
        code=code,
        negators=_folded(negation.get("words", [])),
        negates_before=int(negation.get("before", 3)),
        negates_after=int(negation.get("after", 0)),
        conditions=_folded(negation.get("conditions", [])),
        turns=_folded(negation.get("turns", [])),
        polite=_folded(words.get("polite", {}).get("words", [])),
        known=frozenset(atom for atom in known if "*" not in atom),
        certain=_folded(language.get("certain", [])) - _folded(language.get("never", [])),
        never=_folded(language.get("never", [])),
        name_cues=tuple(tuple(fold(cue).split()) for cue in names.get("cues", [])),
        name_endings=tuple((fold(ending), base) for ending, base in names.get("endings", [])),
        consent=consent_words(
            words, _folded(negation.get("words", [])), _folded(words.get("polite", {}).get("words", []))
        ),
        dates=words.get("dates", {}),
        wishes={name: _folded(listed) for name, listed in words.get("wishes", {}).items()},
    )


def _date_words(dates: Words) -> Iterator[str]:
    for table in dates.values():
        if isinstance(table, dict):
            for listed in table.values():
                for word in _listed(listed):
                    yield from fold(word).split()


def _listed(value: Any) -> list[str]:
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []


def _folded(words: list[str]) -> frozenset[str]:
    return frozenset(fold(word).replace("'", "") for word in words)


def _unique_words(languages: dict[str, Language]) -> dict[str, str]:
    owners: dict[str, list[str]] = {}
    for code, language in languages.items():
        for word in language.known | language.certain:
            owners.setdefault(word, []).append(code)
    never = frozenset().union(*(language.never for language in languages.values()))
    return {word: codes[0] for word, codes in owners.items() if len(codes) == 1 and word not in never and len(word) > 1}
