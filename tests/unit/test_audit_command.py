"""What `carapulse audit verify` says is counted right."""

import pytest

from bot.cli.audit import said
from engine.domain.audit import Tail, Verification


@pytest.mark.parametrize(
    ("rows", "checkpoints", "told"),
    [
        (75, 1, "75 entries and 1 checkpoint checked; end ab"),
        (1, 0, "1 entry and 0 checkpoints checked; end ab"),
        (2, 2, "2 entries and 2 checkpoints checked; end ab"),
    ],
)
def test_entries_and_checkpoints_are_counted_by_their_names(
    rows: int, checkpoints: int, told: str
) -> None:
    found = Verification(
        rows=rows, checkpoints=checkpoints, end="ab", tail=Tail(count=0), findings=()
    )

    assert said(found) == [told, "The audit is whole."]


@pytest.mark.parametrize(
    ("tail", "told"),
    [
        (Tail(count=1, first=7, last=7), "1 entry is not sealed yet: 7"),
        (Tail(count=2, first=7, last=9), "2 entries are not sealed yet: 7 to 9"),
    ],
)
def test_what_is_not_sealed_yet_is_counted(tail: Tail, told: str) -> None:
    found = Verification(rows=3, checkpoints=1, end="ab", tail=tail, findings=())

    assert said(found)[1] == told
