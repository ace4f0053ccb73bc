"""Which service a text is about, by what people call it."""

from __future__ import annotations

from parser.signals import Signals

_KIND = "service"
_PREFIX = f"{_KIND}:"

# A special visit says more than "dentist" or "it hurts"; what broke says more than that it hurts.
_SPECIAL_FIRST = (
    "ortho",
    "wisdom",
    "root",
    "crown",
    "denture",
    "whitening",
    "extraction",
    "filling",
    "broken",
    "hygiene",
    "pain",
    "checkup",
)


def find_service(signals: Signals) -> str | None:
    """The most special service named, or None. False teeth that will not stay in are still false teeth."""
    said = signals.kinds.get(_KIND)
    if said is None:
        return None
    named = {hit.signal.removeprefix(_PREFIX) for hit in signals.of_kind(_KIND)}
    denied = {signal.hit.signal.removeprefix(_PREFIX) for signal in said}
    for kind in _SPECIAL_FIRST:
        if kind in named or (not named and kind in denied - {"pain"}):
            return kind
    return min(named) if named else None
