"""Grammar by reduction: rules are regular expressions over the classes of lexemes, each match becomes new lexemes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from parser.dates.lexemes import Lexeme

Handler = Callable[[list[Lexeme]], Lexeme | list[Lexeme] | None]


_SAYS_NOTHING = "[?.,;]"
"""Classes that no rule begins with, and that most of a text is."""


class Pass:
    """Rules tried together from left to right, the first that fits at a place wins; a handler that returns None
    leaves its lexemes as they are."""

    def __init__(self, rules: Sequence[tuple[str, str]]) -> None:
        """*rules* are pairs of a pattern (without groups that capture) and the name of its handler."""
        self._names = [name for _, name in rules]
        self._patterns = [re.compile(pattern) for pattern, _ in rules]
        # two expressions of the same rules: the place is found four times as fast where none captures
        self._place = re.compile(rf"(?!{_SAYS_NOTHING})(?:{'|'.join(pattern for pattern, _ in rules)})")
        self._rule = re.compile("|".join(f"({pattern})" for pattern, _ in rules))

    def apply(self, lexemes: list[Lexeme], handlers: object) -> list[Lexeme]:
        """*lexemes* with every match reduced by the method of *handlers* that its rule names."""
        classes = "".join([lexeme.kind for lexeme in lexemes])
        at, found = 0, self._place.search(classes)
        if found is None:
            return lexemes
        reduced: list[Lexeme] = []
        while found is not None:
            reduced.extend(lexemes[at : found.start()])
            at = self._reduce(classes, found.start(), lexemes, handlers, reduced)
            found = self._place.search(classes, at)
        reduced.extend(lexemes[at:])
        return reduced

    def _reduce(self, classes: str, start: int, lexemes: list[Lexeme], handlers: object, reduced: list[Lexeme]) -> int:
        """Append what the first willing rule makes of the lexemes at *start*; return where to go on."""
        fitting = self._rule.match(classes, start)
        for index in range((fitting.lastindex or 1) - 1 if fitting else 0, len(self._names)):
            found = self._patterns[index].match(classes, start)
            if found is None or found.end() == start:
                continue
            made = getattr(handlers, self._names[index])(lexemes[start : found.end()])
            if made is not None:
                reduced.extend(made if isinstance(made, list) else [made])
                return found.end()
        reduced.append(lexemes[start])
        return start + 1


def spanning(kind: str, value: object, lexemes: Sequence[Lexeme], flag: str = "") -> Lexeme:
    """A lexeme over all of *lexemes*."""
    return Lexeme(kind, value, flag, lexemes[0].first, lexemes[-1].last)
