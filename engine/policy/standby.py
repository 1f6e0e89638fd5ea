"""A second policy engine, asked when the first one does not answer; only where that is set."""

from dataclasses import dataclass

import structlog

from engine.domain.policy import Question, Ruling
from engine.errors import Unavailable
from engine.ports import Policy

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StandbyPolicy:
    """The `Policy` port: the server, and the same rules in process behind it."""

    first: Policy
    second: Policy

    async def ask(self, question: Question) -> Ruling:
        """Ask the first; its answer counts whatever it is, and only silence asks the second."""
        try:
            return await self.first.ask(question)
        except Unavailable:
            log.warning("policy standby", action="policy.standby", deed=question.action.value)
            return await self.second.ask(question)
