"""Both ends of every line: what the phones show, and what the clinic's API says of the same texts."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final

from demo.carrier import Phones, Shown
from demo.clinic import Clinic, Text
from demo.wire import Unanswered

ANSWERED_WITHIN: Final = 15.0  # seconds; far more than it takes
_PAUSE: Final = 0.02
_GONE: Final = {"queued", "sent", "delivered"}  # what is on its way, or there


class Unexpected(Exception):
    """What a scene cannot go on from; says what was expected, and what came instead."""


class Lines:
    """The texts from now on. *tend* is called while waiting."""

    def __init__(self, clinic: Clinic, phones: Phones, tend: Callable[[], None]) -> None:
        self._clinic, self._phones, self._tend = clinic, phones, tend
        self._last = 0  # the newest text that any phone has shown
        self._unread: list[Shown] = []  # shown by a phone, and not yet asked for
        self._listed: list[Text] = []  # listed by the API, and not yet seen on a phone
        self._handled: list[Text] = []

    def clear(self) -> None:
        """Forget every text until now."""
        self._look()
        self._unread, self._listed, self._handled = [], [], []

    def write(self, number: str, text: str) -> str:
        """Send *text* from *number*; returns how the API says that it ended. Raises `Unexpected`."""
        try:
            self._phones.send(number, text)
        except Unanswered as silence:
            raise Unexpected(f"expected the gateway to take the text; {silence}") from None
        self._wait(lambda: bool(self._handled), "expected the API to list the text as handled; it does not")
        return self._handled.pop().outcome or ""

    def read(self, number: str) -> Shown:
        """The next text that the phone *number* shows; the API lists the same. Raises `Unexpected`."""
        self._wait(lambda: self._is_shown(number), "expected a text; none came")
        shown = next(shown for shown in self._unread if shown.number == number)
        self._unread.remove(shown)
        twin = next((text for text in self._listed if _same(text, shown)), None)
        if twin is None:
            raise Unexpected(f"expected the API to list what the phone shows; it does not: “{shown.text}”")
        self._listed.remove(twin)
        return shown

    def unread(self) -> list[Shown]:
        """Texts that nobody asked for, once all that the API lists are there. Raises `Unexpected`."""
        self._look()
        self._wait(self._all_there, "expected every text of the API on a phone; one is missing")
        left, self._unread, self._listed = self._unread, [], []
        return left

    def forget(self, text: str) -> None:
        """What the clinic itself sends later, with these words, is none of the conversation."""
        self._look()
        self._listed = [listed for listed in self._listed if listed.text != text]

    def _is_shown(self, number: str) -> bool:
        return any(shown.number == number for shown in self._unread)

    def _all_there(self) -> bool:
        return all(any(_same(text, shown) for shown in self._unread) for text in self._listed)

    def _look(self) -> None:
        for shown in self._phones.shown(after=self._last):
            self._unread.append(shown)
            self._last = shown.id
        for text in self._clinic.news():  # read after the phones: what they show was written before
            if not text.outbound:
                self._handled.append(text)
            elif text.state in _GONE:
                self._listed.append(text)

    def _wait(self, true: Callable[[], bool], complaint: str) -> None:
        deadline = time.monotonic() + ANSWERED_WITHIN
        while not true():
            if time.monotonic() > deadline:
                raise Unexpected(f"{complaint} (within {ANSWERED_WITHIN:.0f} s)")
            self._tend()
            time.sleep(_PAUSE)
            self._look()


def _same(text: Text, shown: Shown) -> bool:
    """Whether the API lists what the phone shows; it masks what looks like an identity code."""
    pieces = map(re.escape, text.text.split("-****"))
    return text.number == shown.number and re.fullmatch(".*".join(pieces), shown.text, re.DOTALL) is not None
