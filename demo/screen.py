"""What the demo prints: two phones' conversations in bubbles, the diary, and how it ended."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable
from typing import Final, TextIO

from demo.scene import PEOPLE, Scene

_BUBBLE: Final = 56  # characters of text in a line of a bubble
_LEFT, _RIGHT = 2, 18  # where the patient's bubbles begin, and the clinic's
_LANGUAGES: Final = {"fi": "Finnish", "sv": "Swedish", "en": "English"}
_COLOURS: Final = {"patient": "36", "clinic": "32", "good": "1;32", "bad": "1;31", "quiet": "2", "title": "1"}


class Screen:
    """A terminal, or a file; colours only where they can be seen and are not unwanted (NO_COLOR)."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._coloured = out.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

    def say(self, line: str = "", style: str = "") -> None:
        """Print *line*."""
        if style and self._coloured:
            line = "\n".join(f"\033[{_COLOURS[style]}m{part}\033[0m" for part in line.split("\n"))
        print(line, file=self._out, flush=True)

    def begin(self, number: int, scene: Scene) -> None:
        """The head of a scene: what it shows, who writes, in which language."""
        person = PEOPLE[scene.person]
        self.say()
        self.say(f"{number:2}  {scene.title}", "title")
        self.say(f"    {person.name}, {_LANGUAGES[scene.language]}, from {scene.number or person.number}", "quiet")

    def patient(self, text: str, who: str = "") -> None:
        """A patient's bubble, on the left; *who* names the writer when it is another one."""
        if who:
            self.say(" " * _LEFT + f"{who}:", "quiet")
        self.say(bubble(text, _LEFT), "patient")

    def clinic(self, text: str, to: str = "") -> None:
        """The clinic's bubble, on the right; *to* names the phone when it is another one."""
        if to:
            self.say(" " * _RIGHT + f"to {to}:", "quiet")
        self.say(bubble(text, _RIGHT), "clinic")

    def note(self, line: str) -> None:
        """Something that happened beside the conversation."""
        self.say(textwrap.fill(line, 100, initial_indent="    ", subsequent_indent="      "), "quiet")

    def end(self, faults: Iterable[str]) -> None:
        """How the scene ended: as expected, or with each expectation that did not hold."""
        found = list(faults)
        for fault in found:
            self.say(f"    ✗ {fault}", "bad")
        if not found:
            self.say("    ✓ as expected", "good")


def bubble(text: str, indent: int) -> str:
    """*text* in a frame, *indent* columns from the left."""
    lines = [piece for line in text.splitlines() for piece in textwrap.wrap(line, _BUBBLE) or [""]]
    width = max(map(len, lines), default=0)
    framed = [f"╭{'─' * (width + 2)}╮", *(f"│ {line:{width}} │" for line in lines), f"╰{'─' * (width + 2)}╯"]
    return "\n".join(" " * indent + line for line in framed)
