"""How fast texts are read: `python -m bench.parser` prints a table of CPU milliseconds, warm.

The texts are the given corpus; the worst are 1,600 characters of anything.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from parser.__main__ import as_context
from parser.command import Context
from parser.reading import parse

ROUNDS = 5
LIMITS = {"median": 0.3, "p99": 3.0, "worst": 20.0, "import": 600.0}
"""Milliseconds (issue 3)."""

CORPUS = Path(__file__).parent.parent / "tests" / "corpus" / "given" / "dev.jsonl"

PATHOLOGICAL = {
    "digits": "1234567890" * 160,
    "spaced digits": "12 " * 533,
    "weekdays": "ti ke to " * 178,
    "dates": "12.5. klo 9 " * 133,
    "conditions": "jos en pääse peru " * 89,
    "denials": "en " * 533,
    "hyphens": "ti-ke-to-" * 177,
    "one word": "a" * 1600,
    "unknown words": " ".join(f"qwert{chr(97 + at % 26)}{chr(97 + at // 26 % 26)}" for at in range(200)),
    "emoji": "😀" * 1600,
    "Cyrillic": "здравствуйте хочу " * 89,
    "codes": "010190-900P " * 133,
    "half codes": "0 1 O " * 267,
    "commas": "ti, " * 400,
    "brackets": "<" * 1600,
}


def main() -> int:
    """Print the figures; 1 when one of them is over its limit."""
    figures = {**measure_corpus(), **measure_worst(), "import": measure_import()}
    print(json.dumps(figures))
    for name, value in figures.items():
        limit = LIMITS.get(name.split(":")[0])
        print(f"{name:24} {value:9.3f}" + (f"   (limit {limit:g})" if limit else ""))
    print(f"{'memory, MB':24} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:9.1f}")
    return int(
        any(value > LIMITS[name.split(":")[0]] for name, value in figures.items() if name.split(":")[0] in LIMITS)
    )


def measure_corpus() -> dict[str, float]:
    """Median, p90 and p99 of the given texts, each text's best of a few rounds."""
    questions = [_question(json.loads(line)) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    best = sorted(min(_timed(partial(parse, *question)) for _ in range(ROUNDS)) for question in questions)
    return {name: best[int(len(best) * share)] for name, share in (("median", 0.5), ("p90", 0.9), ("p99", 0.99))}


def _question(gold: dict[str, Any]) -> tuple[str, datetime, Context]:
    return gold["text"], datetime.fromisoformat(gold["now"]), as_context(gold["context"], gold["context_data"])


def measure_worst() -> dict[str, float]:
    """The first reading of each odd text: nothing of it is cached."""
    now = datetime.fromisoformat("2026-04-14T09:00:00+03:00")
    return {f"worst: {name}": _timed(partial(parse, text, now)) for name, text in PATHOLOGICAL.items()}


def measure_import() -> float:
    """Importing the parser and reading its words in a fresh interpreter, less the interpreter's own start."""
    script = "from parser.reading import reader; reader()"
    return min(_python(script) for _ in range(3)) - min(_python("") for _ in range(3))


def _python(script: str) -> float:
    """CPU milliseconds of a fresh interpreter that runs *script*."""
    before = _children()
    subprocess.run([sys.executable, "-c", script], check=True)
    return _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * 1000


def _timed(action: Callable[[], object]) -> float:
    started = time.process_time()
    action()
    return (time.process_time() - started) * 1000


if __name__ == "__main__":
    sys.exit(main())
