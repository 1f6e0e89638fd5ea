"""Problems and their alerts, as the store keeps them."""

from datetime import datetime
from typing import Protocol

from engine.domain.ids import ProblemId
from engine.domain.problem import Problem


class Problems(Protocol):
    """Problems and their alerts."""

    async def lock_key(self, key: str) -> Problem | None:
        """The open or last problem of this grouping key, locked until the transaction ends."""
        ...

    async def add(self, problem: Problem) -> None: ...
    async def new_reference(self) -> str: ...
    async def save(self, problem: Problem) -> None: ...
    async def get(self, problem_id: ProblemId) -> Problem: ...
    async def firing(self, limit: int) -> list[Problem]:
        """Those that are not over, newest first."""
        ...

    async def count_since(self, key: str, since: datetime) -> int: ...
