"""Shares of measured times."""

from __future__ import annotations

from collections.abc import Sequence


def quantile(rising: Sequence[float], share: float) -> float:
    """The value that *share* (0 to 1) of these *rising* values stay below; 0 of none."""
    return rising[min(len(rising) - 1, int(len(rising) * share))] if rising else 0.0


def ms(seconds: float) -> float:
    """Milliseconds, to a tenth."""
    return round(seconds * 1000, 1)
