"""The words that we write: `[messages]` of lang/<language>.toml, with their blanks filled.

A template names its blanks in braces, with the form after a colon: "{when:day}", "{whose:object}" (see `format`).
"""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from lang.format import Format

HERE = Path(__file__).parent
_SENTENCE_START = re.compile(r"(?:^|[.!?]\s)$")


class MessageError(Exception):
    """A message or a language that there is not, or a blank that nobody filled. It names those, never a value."""


class _Blank(NamedTuple):
    name: str
    spec: str
    capital: bool  # it begins a sentence


_Template = tuple[str | _Blank, ...]


class _Book(NamedTuple):
    messages: Mapping[str, _Template]
    format: Format


def render(message: str, language: str, blanks: Mapping[str, object]) -> str:
    """Return *message* in *language*. Times among *blanks* are aware and in the clinic's zone already.

    Raises `MessageError` for an unknown message or language and for a missing blank.
    """
    book = _book(language)
    template = book.messages.get(message)
    if template is None:
        raise MessageError(f"no message {message!r} in {language!r}")
    pieces = (piece if isinstance(piece, str) else _fill(piece, book.format, blanks, message) for piece in template)
    return "".join(pieces)


def blanks_of(message: str, language: str) -> frozenset[str]:
    """Return the names of the blanks of *message*. Raises `MessageError` like `render`."""
    template = _book(language).messages.get(message)
    if template is None:
        raise MessageError(f"no message {message!r} in {language!r}")
    return frozenset(piece.name for piece in template if isinstance(piece, _Blank))


def names(language: str) -> frozenset[str]:
    """Return the names of all messages of *language*."""
    return frozenset(_book(language).messages)


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """Return the languages that we can write, by code."""
    return tuple(sorted(path.stem for path in HERE.glob("*.toml") if "messages" in _table(path.stem)))


def spoken(wanted: str | None, otherwise: str) -> str:
    """Return the language *wanted* where we can write it, else the other."""
    return wanted if wanted is not None and wanted in languages() else otherwise


@lru_cache(maxsize=1)
def treatment_words() -> tuple[str, ...]:
    """Return how words begin that tell of a treatment or a diagnosis, in every language we write."""
    stems = (stem.casefold() for language in languages() for stem in _table(language)["care"]["treatments"])
    return tuple(sorted(stems))


def _fill(blank: _Blank, words: Format, blanks: Mapping[str, object], message: str) -> str:
    if blank.name not in blanks:
        raise MessageError(f"message {message!r} lacks its blank {blank.name!r}")
    said = words.say(blanks[blank.name], blank.spec)
    return said[:1].upper() + said[1:] if blank.capital else said


@lru_cache(maxsize=16)
def _book(language: str) -> _Book:
    table = _table(language)
    if "messages" not in table:
        raise MessageError(f"no messages in {language!r}")
    templates = {name: _compile(written) for name, written in table["messages"].items()}
    return _Book(templates, Format(language, table["format"], table["terms"]))


def _table(language: str) -> dict[str, Any]:
    try:
        with (HERE / f"{language}.toml").open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise MessageError(f"no language {language!r}") from None


def _compile(written: str) -> _Template:
    pieces: list[str | _Blank] = []
    for literal, name, spec, _ in string.Formatter().parse(written):
        if literal:
            pieces.append(literal)
        if name is not None:
            pieces.append(_Blank(name, spec or "", _begins_sentence(pieces)))
    return tuple(pieces)


def _begins_sentence(before: Iterable[str | _Blank]) -> bool:
    last = list(before)[-1:]
    return not last or (isinstance(last[0], str) and _SENTENCE_START.search(last[0]) is not None)
