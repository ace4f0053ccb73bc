"""What a text is like: a second opinion, learnt from the labelled texts of tests/corpus, beside the rules.

The rules know phrases; a wording that no phrase foresaw shares its words, their beginnings and their neighbours with
texts that people have labelled. Each such feature speaks for some intents and against others with a weight from
`likeness.json`, which `make learn` writes. The opinion alone never carries out anything that cannot be taken back:
`parser.weighing` puts it beside what the rules say.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from parser.dates.mentions import Mention
from parser.normal import Text
from parser.verdict import Evidence

FILE = "likeness.json"
ALARM = "emergency"
"""The label of red flags; every other label is an intent."""

Row = Sequence[tuple[int, float]]  # labels, each with its weight
Weights = dict[str, Row]

_BEGINNINGS = (3, 4, 5, 6)
_FACTS = (
    "wish", "dated", "same_time", "denied", "pair", "recurs", "digit", "ordinal", "option", "code", "score", "service",
    "identified", "question",
)  # fmt: skip
_DENIABLE = ("cancel", "move", "book", "callback", "come", "take", "yes")
_MOST_WORDS = 60
_COUNTED_WORDS = 12


@dataclass(frozen=True, slots=True)
class Opinion:
    """The share of each label (they sum to 1), how much of the text's wording was ever seen (0 to 1), and the features
    that spoke, each with its weights."""

    shares: dict[str, float]
    seen: float
    spoken: Sequence[tuple[str, Row]]

    def why(self, label: str) -> list[str]:
        """The two words or pairs that speak for *label* most."""
        at = list(self.shares).index(label)
        named = [(-weight, feature) for feature, row in self.spoken for one, weight in row if one == at and weight > 0]
        return [feature for _, feature in sorted(named)[:2]]


def features(text: Text, skipped: set[int], mentions: Sequence[Mention], evidence: Evidence) -> tuple[str, ...]:
    """What is weighed of a text: facts, words, beginnings of words, and neighbours; a time is one word, names none."""
    found = [f"<{name}>" for name in _FACTS if getattr(evidence, name) not in (None, False)]
    found += [f"<not {name}>" for name in _DENIABLE if evidence.signals.denies(name)]
    found += [f"<if {name}>" for name in _DENIABLE if evidence.signals.only_if(name)]
    words = list(_plain_words(text, skipped, mentions))
    found.append(f"<{min(len(words), _COUNTED_WORDS)} words>")
    before = "^"
    for word in words[:_MOST_WORDS]:
        found.append(word)
        found.extend(word[:length] + "*" for length in _BEGINNINGS if len(word) > length)
        found.append(f"{before} {word}")
        found.append(f"{before[:4]}* {word[:4]}*")
        before = word
    found.append(f"{before} $")
    return tuple(dict.fromkeys(found))


def _plain_words(text: Text, skipped: set[int], mentions: Sequence[Mention]) -> Iterator[str]:
    spans = [(text.tokens[one.first].start, text.tokens[one.last].end) for one in mentions]
    last = None
    for at, token in enumerate(text.words):
        span = next((span for span in spans if span[0] <= token.start < span[1]), None)
        if at in skipped or (span is not None and span == last):
            continue
        last = span
        yield "<time>" if span else "<number>" if token.kind == "n" else token.text


class Likeness:
    """The weights of one file, ready to judge."""

    def __init__(self, labels: Sequence[str], anywhere: Weights, by_context: dict[str, Weights]) -> None:
        """*anywhere* holds what a feature weighs whatever was asked, *by_context* what more after one question."""
        self.labels = tuple(labels)
        self._anywhere = anywhere
        self._by_context = by_context

    def knows(self, context: str) -> bool:
        """Whether any text that was learnt from answers *context*."""
        return context in self._by_context

    def judge(self, found: Iterable[str], context: str) -> Opinion:
        """The opinion on a text with the features *found* in answer to *context*."""
        sums = [0.0] * len(self.labels)
        here = self._by_context.get(context, {})
        spoken: list[tuple[str, Row]] = []
        wordings = seen = 0
        for feature in found:
            wordings += feature[0] != "<" and " " not in feature
            weights = self._anywhere.get(feature)
            if weights is not None:
                seen += feature[0] != "<" and " " not in feature
                spoken.append((feature, weights))
                for label, weight in weights:
                    sums[label] += weight
            for label, weight in here.get(feature, ()):
                sums[label] += weight
        for label, weight in here.get("", ()):
            sums[label] += weight
        return Opinion(_shares(self.labels, sums), seen / wordings if wordings else 0.0, spoken)


def _shares(labels: Sequence[str], sums: list[float]) -> dict[str, float]:
    most = max(sums, default=0.0)
    powers = [math.exp(one - most) for one in sums]
    total = sum(powers)
    return {label: power / total for label, power in zip(labels, powers, strict=True)}


@lru_cache(maxsize=8)
def likeness(folder: Path) -> Likeness | None:
    """The weights in *folder*, read once; None where there are none."""
    file = folder / FILE
    return unpacked(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else None


SCALE = 100
"""Weights are stored as hundredths."""


def unpacked(table: dict[str, object]) -> Likeness:
    """Read what `packed` wrote: labels, and for each context ("" is any) each feature's labels and weights in turn."""
    labels, weights = table["labels"], table["weights"]
    assert isinstance(labels, list)
    assert isinstance(weights, dict)
    shared: dict[tuple[int, int], tuple[int, float]] = {}  # few differ: memory for one of each

    def pair(label: int, weight: int) -> tuple[int, float]:
        return shared.setdefault((label, weight), (label, weight / SCALE))

    tables: dict[str, Weights] = {
        context: {name: tuple(map(pair, row[::2], row[1::2])) for name, row in rows.items()}
        for context, rows in weights.items()
    }
    return Likeness(labels, tables.pop("", {}), tables)
