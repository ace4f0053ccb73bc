"""Shows what is texted by hand while the demo runs on: both sides of every line, as the clinic's API lists them."""

from __future__ import annotations

from demo.clinic import Clinic, Text
from demo.screen import Screen
from demo.wire import Unanswered


class Onlooker:
    """Everything that is said from now on."""

    def __init__(self, clinic: Clinic, screen: Screen) -> None:
        self._clinic, self._screen = clinic, screen
        self._clinic.news()

    def look(self) -> None:
        """Print what is new; while the web process is away there is nothing."""
        try:
            news = self._clinic.news()
        except Unanswered:
            return
        for text in news:
            self._print(text)

    def _print(self, text: Text) -> None:
        if text.outbound:
            self._screen.clinic(text.text, text.number)
        else:
            self._screen.say(f"  from {text.number}:", "quiet")
            self._screen.patient(text.text)
