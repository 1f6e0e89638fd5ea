"""Turns stored webhooks into problems."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from engine.errors import Invalid
from engine.services.alerts import Alerts

# Bodies that are merged in one go: a storm of single alerts costs few changes of its problem.
TOGETHER = 200
BYTES_TOGETHER = 16 * 1024 * 1024
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HookJobs:
    """Handles the deliveries of one problem; nobody else does so meanwhile."""

    alerts: Alerts

    async def carry_out(self, bodies: Sequence[bytes]) -> str:
        """Merge them; if one is refused, each by itself."""
        try:
            return f"{await self.alerts.receive(*bodies)} problems"
        except Invalid as error:
            if len(bodies) > 1:
                return " / ".join([await self.carry_out([body]) for body in bodies])
            # Only when the rules became stricter after it was stored.
            log.warning("stored webhook is refused", action="hook.refused", error=str(error))
            return f"refused: {error}"
