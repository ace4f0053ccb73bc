"""What a text is like: a second opinion, learnt from the labelled texts of tests/corpus, beside the rules.

The rules know phrases; a wording that no phrase foresaw shares its words, their beginnings and their neighbours with
texts that people have labelled. Each such feature speaks for some intents and against others with a weight from
`likeness.tsv`, which `make learn` writes. The opinion alone never carries out anything that cannot be taken back:
`parser.weighing` puts it beside what the rules say.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path

from parser.dates.mentions import Mention
from parser.normal import Text
from parser.verdict import Evidence

FILE = "likeness.tsv"
ALARM = "emergency"
"""The label of red flags; every other label is an intent."""

SCALE = 100
"""Weights are stored as hundredths."""

PAIR = struct.Struct("=Bh")
"""A label's number and its weight: some tens of thousands of them must not cost tens of megabytes."""

Weights = dict[str, bytes]

_FIRST = ord("a")
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
    """The share of each label (they sum to 1), how much of the text's wording was ever seen (0 to 1), and the weights
    that said so, by feature."""

    shares: dict[str, float]
    seen: float
    weights: dict[str, bytes]
    labels: tuple[str, ...]

    def why(self, label: str, wordings: bool = False) -> tuple[str, ...]:
        """The two features that speak most for *label*, of the *wordings* alone if so asked."""
        at = self.labels.index(label)
        said = [
            (weight, name)
            for name, row in self.weights.items()
            if not (wordings and name[0] == "<")
            for one, weight in PAIR.iter_unpack(row)
            if one == at
        ]
        return tuple(name for weight, name in sorted(said, reverse=True)[:2] if weight > 0)


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

    def __init__(self, labels: Sequence[str], weights: dict[str, Weights]) -> None:
        """*weights* holds by context what each feature weighs after that question; "" is whatever was asked."""
        self.labels = tuple(labels)
        self._anywhere = weights.get("", {})
        self._by_context = {context: table for context, table in weights.items() if context}

    def knows(self, context: str) -> bool:
        """Whether any text that was learnt from answers *context*."""
        return context in self._by_context

    def judge(self, found: Sequence[str], context: str) -> Opinion:
        """The opinion on a text with the features *found* in answer to *context*."""
        anywhere, here = self._anywhere, self._by_context.get(context, {})
        weights = {feature: anywhere[feature] for feature in found if feature in anywhere}
        sums = [0] * len(self.labels)
        for row in chain(weights.values(), [here[feature] for feature in ("", *found) if feature in here]):
            for label, weight in PAIR.iter_unpack(row):
                sums[label] += weight
        wordings = [feature for feature in found if feature[0] != "<" and " " not in feature]
        seen = sum(feature in weights for feature in wordings)
        return Opinion(_shares(self.labels, sums), seen / max(len(wordings), 1), weights, self.labels)


def _shares(labels: Sequence[str], sums: list[int]) -> dict[str, float]:
    most = max(sums, default=0)
    powers = [math.exp((one - most) / SCALE) for one in sums]
    total = sum(powers)
    return {label: power / total for label, power in zip(labels, powers, strict=True)}


@lru_cache(maxsize=8)
def likeness(folder: Path) -> Likeness | None:
    """The weights in *folder*, read once; None where there are none."""
    file = folder / FILE
    if not file.exists():
        return None
    with file.open(encoding="utf-8") as lines:
        return unpacked(lines)


def unpacked(lines: Iterable[str]) -> Likeness:
    """Read what `make learn` wrote: the labels, then a line for each feature of a context: both names, and a small
    letter with a whole number of hundredths for each label that it speaks for or against ("a120 c-35")."""
    rows = iter(lines)
    labels = next(rows).split()
    weights: dict[str, Weights] = {}
    packed = _Packed()
    for row in rows:
        context, feature, said = row.rstrip("\n").split("\t")
        weights.setdefault(context, {})[feature] = b"".join(map(packed.__getitem__, said.split()))
    return Likeness(labels, weights)


class _Packed(dict[str, bytes]):
    """Pairs as written, packed: there are few different ones."""

    def __missing__(self, written: str) -> bytes:
        pair = self[written] = PAIR.pack(ord(written[0]) - _FIRST, int(written[1:]))
        return pair
