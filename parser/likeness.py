"""What a text is like: a second opinion, learnt from the labelled texts of tests/corpus, beside the rules.

The rules know phrases; a wording that no phrase foresaw shares its words, their beginnings and their neighbours with
texts that people have labelled. Each such feature speaks for some intents and against others with a weight from
`likeness.tsv`, which `make learn` writes. The opinion alone never carries out anything that cannot be taken back:
`parser.weighing` puts it beside what the rules say.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from struct import unpack

from parser.dates.mentions import Mention
from parser.normal import Text
from parser.verdict import Evidence

FILE = "likeness.tsv"
ALARM = "emergency"
"""The label of red flags; every other label is an intent."""

SCALE = 100
"""Weights are stored as hundredths."""

Weights = dict[str, int]
"""What each feature weighs for every label: one whole number with a lane of bits for each, so that a text's features
are summed for all labels by one addition each."""

_LANE = 32
_MIDDLE = 1 << (_LANE - 1)

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
    weights: Weights
    labels: tuple[str, ...]

    def why(self, label: str, wordings: bool = False) -> tuple[str, ...]:
        """The two features that speak most for *label*, of the *wordings* alone if so asked."""
        at, most = self.labels.index(label), len(self.labels)
        said = [
            (_lanes(row, most)[at], name) for name, row in self.weights.items() if not (wordings and name[0] == "<")
        ]
        return tuple(name for weight, name in sorted(said, reverse=True)[:2] if weight > 0)


def features(text: Text, skipped: set[int], mentions: Sequence[Mention], evidence: Evidence) -> tuple[str, ...]:
    """What is weighed of a text: facts, words, beginnings of words, and neighbours; a time is one word, names none."""
    found = [f"<{name}>" for name in _FACTS if getattr(evidence, name) not in (None, False)]
    deniable = [name for name in _DENIABLE if name in evidence.signals.said]
    found += [f"<not {name}>" for name in deniable if evidence.signals.denies(name)]
    found += [f"<if {name}>" for name in deniable if evidence.signals.only_if(name)]
    words = list(_plain_words(text, skipped, mentions))
    found.append(f"<{min(len(words), _COUNTED_WORDS)} words>")
    before = "^"
    for word in words[:_MOST_WORDS]:
        found += _spelled(word)
        found.append(f"{before} {word}")
        found.append(f"{before[:4]}* {word[:4]}*")
        before = word
    found.append(f"{before} $")
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=8_000)
def _spelled(word: str) -> tuple[str, ...]:
    """A word and its beginnings."""
    return (word, *(word[:length] + "*" for length in _BEGINNINGS if len(word) > length))


def _plain_words(text: Text, skipped: set[int], mentions: Sequence[Mention]) -> Iterator[str]:
    spans = [(text.tokens[one.first].start, text.tokens[one.last].end) for one in mentions]
    last = None
    for at, token in enumerate(text.words):
        span = next((span for span in spans if span[0] <= token.start < span[1]), None) if spans else None
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
        total = sum(weights.values()) + here.get("", 0) + sum([here[feature] for feature in here.keys() & found])
        wordings = [feature for feature in found if feature[0] != "<" and " " not in feature]
        seen = sum(map(weights.__contains__, wordings)) / max(len(wordings), 1)
        return Opinion(_shares(self.labels, _lanes(total, len(self.labels))), seen, weights, self.labels)


def lanes(pairs: Iterable[tuple[int, int]]) -> int:
    """A feature's weights, by label's number, as one whole number."""
    return sum(weight << _LANE * label for label, weight in pairs)


def _lanes(total: int, labels: int) -> list[int]:
    """The weights of a sum of `lanes` for the first *labels* labels."""
    raised = total + _middles(labels)
    return [lane - _MIDDLE for lane in unpack(f"<{labels}I", raised.to_bytes(_LANE // 8 * labels, "little"))]


@lru_cache(maxsize=8)
def _middles(labels: int) -> int:
    """What makes every lane of a sum positive."""
    return sum(_MIDDLE << _LANE * label for label in range(labels))


def _shares(labels: Sequence[str], sums: Sequence[int]) -> dict[str, float]:
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
        weights.setdefault(context, {})[feature] = sum(map(packed.__getitem__, said.split()))
    return Likeness(labels, weights)


class _Packed(dict[str, int]):
    """Pairs as written, each in its lane: there are few different ones."""

    def __missing__(self, written: str) -> int:
        pair = self[written] = lanes([(ord(written[0]) - _FIRST, int(written[1:]))])
        return pair
