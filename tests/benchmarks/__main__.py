"""`make bench`: what Carapulse costs beside what it can't beat on this machine, as ratios."""

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil
import uvloop

from bot.local.stack import StackOptions, open_stack
from tests.benchmarks.figures import Row, append, record, table
from tests.benchmarks.gate import gate
from tests.benchmarks.governance import governance
from tests.benchmarks.models import models
from tests.benchmarks.product import BUDGET_SCALE
from tests.benchmarks.rows import incidents, intake, webhooks
from tests.benchmarks.sandbox import sandbox

PARTS = {
    "intake": intake,
    "webhooks": webhooks,
    "incidents": incidents,
    "models": models,
    "governance": governance,
    "gate": gate,
    "sandbox": sandbox,
}
RESULTS = Path(__file__).with_name("results")


async def measure(parts: list[str], seconds: float, results: Path) -> list[Row]:
    """All rows; each is kept as soon as it is there."""
    rows: list[Row] = []

    def say(row: Row) -> None:
        rows.append(row)
        append(results, record(row))
        tell(f"  {row.name}: {row.ratio:.2f}x")

    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        Path(folder).chmod(0o755)  # as root, Postgres runs as another user
        async with open_stack(Path(folder) / "stack", wanted=StackOptions(reset=True)) as stack:
            for part in parts:
                await PARTS[part](stack, seconds, say)
    return rows


def tell(text: str) -> None:
    """Say it now."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {list(PARTS)}")
    parser.add_argument("--seconds", type=float, default=2.5, help="of one turn")
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    began, stamp = time.monotonic(), datetime.now(UTC)
    tell(f"Slack's budgets are widened {BUDGET_SCALE:,} times, the fake Slack answers at once;")
    tell("Temporal reads its queue 10,000 times a second on both sides.")
    file = given.results / f"{stamp:%Y%m%dT%H%M%SZ}.jsonl"
    rows = uvloop.run(measure(given.parts or list(PARTS), given.seconds, file))
    tell(f"\n{table(rows)}\n")
    cores = psutil.cpu_count()
    tell(f"{cores} cores, {time.monotonic() - began:.0f} s. Median of the pairs' ratios.")
    tell("foreign: cores that others used; *: they disturbed pairs that had to count.")


if __name__ == "__main__":
    main()
