"""Learn likeness from the labelled texts: `make learn` writes lang/likeness.tsv; `--check` says what it is worth.

A log-linear model by gradient descent with a step of its own for each weight, in plain Python: some seconds. The check
leaves each set out in turn, learns from the others, and scores the whole parser on the set left out.
"""

from __future__ import annotations

import math
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lang.words import HERE
from parser.likeness import ALARM, FILE, SCALE, unpacked
from parser.reading import Reader, reader
from tests.corpus.score import PARTS, Labelled, own, score

KNOWN = {**PARTS, "practice": own}
"""What is learnt from: all that is scored, and texts for practice."""

ROUNDS = 6
STEP = 0.9
_SMALLEST = 0.1
"""Weights closer to nothing are not stored."""


@dataclass(frozen=True, slots=True)
class Example:
    """A text's features in its context, and the labels that are right."""

    features: tuple[str, ...]
    context: str
    labels: frozenset[str]


def examples(texts: Iterable[Labelled], house: Reader) -> list[Example]:
    """*texts* as what is learnt from."""
    return [
        Example(
            house.features(text.text, text.now, text.context),
            text.context.kind.value,
            frozenset([ALARM]) if text.emergency else text.intents,
        )
        for text in texts
    ]


def learn(known: Sequence[Example]) -> list[str]:
    """The lines of the weights, as `parser.likeness.unpacked` reads it."""
    labels = sorted({label for example in known for label in example.labels})
    model = _Model(labels)
    order = list(known)
    shuffle = random.Random(1).shuffle
    for _ in range(ROUNDS):
        shuffle(order)
        for example in order:
            model.take(example)
    return model.packed(_common(known))


class _Model:
    """Weights by (context, feature), and the squares of what they were corrected by."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = labels
        self.weights: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0] * len(labels))
        self.moved: dict[tuple[str, str], list[float]] = defaultdict(lambda: [1e-3] * len(labels))

    def take(self, example: Example) -> None:
        """Move every weight of *example* a step towards its labels."""
        keys = _keys(example)
        rows = [self.weights[key] for key in keys]
        slopes = self._slopes(rows, example.labels)
        step = STEP / math.sqrt(len(keys))
        for key, row in zip(keys, rows, strict=True):
            moved = self.moved[key]
            for label, slope in slopes:
                moved[label] += slope * slope
                row[label] -= step * slope / math.sqrt(moved[label])

    def _slopes(self, rows: list[list[float]], right: frozenset[str]) -> list[tuple[int, float]]:
        sums = [sum(column) for column in zip(*rows, strict=True)]
        most = max(sums)
        powers = [math.exp(one - most) for one in sums]
        total = sum(powers)
        good = sum(power for label, power in zip(self.labels, powers, strict=True) if label in right)
        slopes = (
            power / total - (power / good if label in right else 0.0)
            for label, power in zip(self.labels, powers, strict=True)
        )
        return [(at, slope) for at, slope in enumerate(slopes) if abs(slope) > 0.003]

    def packed(self, kept: frozenset[tuple[str, str]]) -> list[str]:
        """The lines of the features *kept*."""
        rows = ((key, row) for key, row in sorted(self.weights.items()) if key in kept)
        lines = (f"{context}\t{feature}\t{said}\n" for (context, feature), row in rows if (said := _written(row)))
        return [" ".join(self.labels) + "\n", *lines]


def _written(row: list[float]) -> str:
    letters = zip("abcdefghijklmnopqrstuvwxyz", row, strict=False)
    return " ".join(f"{letter}{round(weight * SCALE)}" for letter, weight in letters if abs(weight) >= _SMALLEST)


def _keys(example: Example) -> list[tuple[str, str]]:
    """Every feature wherever it stands, and all but the pairs after this question; "" is the question itself."""
    plain = [("", feature) for feature in example.features]
    here = [(example.context, feature) for feature in example.features if " " not in feature]
    return [*plain, *here, (example.context, "")]


def _common(known: Sequence[Example]) -> frozenset[tuple[str, str]]:
    """Which weights are worth keeping: pairs of words that stand in one text only are chance."""
    counts = Counter(key for example in known for key in _keys(example))
    return frozenset(key for key, count in counts.items() if count > 1 or (" " not in key[1] and not key[0]))


def check(names: Sequence[str]) -> None:
    """Print for each set what the parser reaches on it when likeness has learnt from the others only."""
    house = reader()
    texts = {name: list(KNOWN[name](name)) for name in KNOWN}
    known = {name: examples(texts[name], house) for name in KNOWN}
    for name in names:
        lines = learn([example for other in KNOWN if other != name for example in known[other]])
        tally = score(texts[name], replace(house, likeness=unpacked(lines)))
        print(f"{name:8} intent {tally.share('intent', 'n'):6.1%} {dict(tally.counts)}", flush=True)
        print(*tally.errors, sep="\n")


def main() -> None:
    """Write the table, or check it."""
    if "--check" in sys.argv:
        check([name for name in sys.argv[1:] if name in PARTS] or list(PARTS))
        return
    lines = learn([example for name in KNOWN for example in examples(KNOWN[name](name), reader())])
    file = Path(HERE) / FILE
    file.write_text("".join(lines), encoding="utf-8")
    print(f"{file.name}: {len(lines) - 1} features, {file.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
