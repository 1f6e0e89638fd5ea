"""A feed for installations without Redis: readers follow Postgres instead."""

from collections.abc import Sequence

from engine.domain.execution import LogLine
from engine.domain.ids import ExecutionId


class NoFeed:
    """The `Feed` port that tells nobody."""

    async def publish(self, execution_id: ExecutionId, lines: Sequence[LogLine]) -> None:
        """Nothing is lost: the lines are in the database."""
