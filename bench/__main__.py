"""`python -m bench [NAME …]`: runs the benchmarks, prints their tables and keeps the figures as JSON.

Figures are of one run on one machine: compare ratios, not seconds. Nothing else should run beside them.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

BENCHES = ("line", "conversation", "parser", "timed", "outbound", "offers")
LONG = ("soak",)  # only when asked for by name
RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Run the benchmarks that were asked for, all by default."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="The benchmarks of the house.")
    parser.add_argument(
        "names", nargs="*", choices=[*BENCHES, *LONG, []], metavar="NAME", help=", ".join([*BENCHES, *LONG])
    )
    names = parser.parse_args().names or BENCHES
    RESULTS.mkdir(exist_ok=True)
    for name in names:
        print(f"\n== {name}")
        figures = importlib.import_module(f"bench.{name}").main()
        about = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
        }
        (RESULTS / f"{name}.json").write_text(json.dumps(about | {"figures": figures}, indent=2, default=str))


if __name__ == "__main__":
    main()
