"""A policy whose decisions are counted."""

from dataclasses import dataclass

from engine.domain.policy import Question, Ruling
from engine.errors import Unavailable
from engine.ports import Policy
from engine.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class CountedPolicy:
    """The `Policy` port around another one."""

    inner: Policy
    metrics: Metrics

    async def ask(self, question: Question) -> Ruling:
        """Ask, and count the answer; no answer counts as unavailable."""
        try:
            ruling = await self.inner.ask(question)
        except Unavailable:
            self.metrics.policy("unavailable")
            raise
        self.metrics.policy(ruling.decision.value)
        return ruling
