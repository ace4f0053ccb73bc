"""Red flags: breathing, bleeding that does not stop, chest pain, lost consciousness, self-harm. A miss is the worst
error that this house can make, a needless 112 text a small one."""

from __future__ import annotations

from parser.normal import Text
from parser.signals import Signals

NEAR = 8
"""Words between the two halves of a pair: what bleeds, and that it does not stop."""


def find_alarm(signals: Signals, text: Text) -> str | None:
    """The words that raise the alarm, or None. Words of calm ("dör hellre", "vuoto tyrehtyi") cover their sentence."""
    calm = {text.words[signal.hit.first].sentence for signal in signals.said.get("emergency:calm", ())}
    for signal in signals.said.get("emergency:sure", ()):
        if not signal.negated and text.words[signal.hit.first].sentence not in calm:
            return signal.hit.written
    return _pair(signals, text, calm)


def _pair(signals: Signals, text: Text, calm: set[int]) -> str | None:
    """Two halves near each other: "bleeding" and "all night", "swelling" and "throat"."""
    for one in signals.kinds.get("pair", ()):
        if one.hit.signal.startswith("pair:of:"):
            sentence = text.words[one.hit.first].sentence
            for other in signals.said.get(one.hit.signal.replace(":of:", ":what:"), ()):
                near = abs(one.hit.first - other.hit.first) <= NEAR and text.words[other.hit.first].sentence == sentence
                if near and not one.hit.mask & other.hit.mask and sentence not in calm:
                    return f"{one.hit.written} + {other.hit.written}"
    return None
