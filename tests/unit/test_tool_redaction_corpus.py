"""Redaction on secrets and on ordinary output that nobody of us wrote."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from engine.tools.redaction import Redactor

CORPUS = Path(__file__).parents[3] / "shared" / "data" / "secrets.dev.jsonl.gz"
pytestmark = pytest.mark.skipif(not CORPUS.exists(), reason="the shared test data is not here")


@pytest.fixture(scope="module")
def shares() -> dict[str, float]:
    redactor = Redactor()
    rows: Counter[str] = Counter()
    good: Counter[str] = Counter()
    with gzip.open(CORPUS, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            text = redactor.text(row["text"])
            right = text == row["text"] if row["label"] == "clean" else not leaked(row, text)
            for group in (f"{row['label']} {row['tier']}", f"{row['label']} {row['corpus']}"):
                rows[group] += 1
                good[group] += right
    return {group: good[group] / count for group, count in rows.items()}


def leaked(row: dict[str, Any], text: str) -> bool:
    """Whether a line of the secret, or any half of one, is still there."""
    lines = [line.strip() for line in row["secret"].strip().splitlines()]
    for line in [line for line in lines if len(line) >= 16] or [max(lines, key=len)]:
        width = max(min(8, len(line)), (len(line) + 1) // 2)
        if any(line[at : at + width] in text for at in range(len(line) - width + 1)):
            return True
    return False


@pytest.mark.parametrize(
    ("group", "least"),
    [
        ("secret A", 0.99),
        ("secret B", 0.93),
        ("secret C", 0.75),
        ("secret tool_outputs", 1.0),
        ("clean realistic", 0.99),
    ],
)
def test_the_share_of_the_corpus_that_is_right(
    shares: dict[str, float], group: str, least: float
) -> None:
    assert shares[group] >= least
