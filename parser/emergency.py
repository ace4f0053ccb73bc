"""Red flags: breathing, bleeding that does not stop, chest pain, lost consciousness, self-harm. A miss is the worst
error that this house can make, a needless 112 text a small one."""

from __future__ import annotations

from parser.normal import Text
from parser.signals import Signals


def find_alarm(signals: Signals, text: Text) -> str | None:
    """The words that raise the alarm, or None. Words of calm ("dör hellre", "vuoto tyrehtyi") cover those inside them."""
    hits = [s.hit for s in signals.said.get("emergency:sure", ()) if not s.negated]
    calm = [s.hit for s in signals.said.get("emergency:calm", ())]
    sentences = {text.words[hit.first].sentence for hit in calm}
    for hit in hits:
        if text.words[hit.first].sentence not in sentences:
            return hit.written
    return None if calm else _swollen_airway(signals)


def _swollen_airway(signals: Signals) -> str | None:
    if signals.has("emergency:swelling") and signals.has("emergency:airway"):
        return f"{signals.quote('emergency:swelling')} + {signals.quote('emergency:airway')}"
    return None
