"""`POST /v1/hooks/pagerduty`: events of webhooks v3, which several keys may sign."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from aiohttp import web

from bot.http.signed_hooks import Delivery, require_signature
from engine.domain.incident import Incident, parse
from engine.errors import Invalid

SOURCE = "pagerduty"
VERSION = "v1="
SIGNATURES_AT_MOST = 10
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PagerDutyDeliveries:
    """What PagerDuty sends, read strictly; without `secrets` everybody is refused."""

    secrets: Sequence[str]

    def read(self, headers: Mapping[str, str], body: bytes) -> Delivery:
        """Raises 401 for a wrong signature, 400 for what can't be read."""
        given = [one.strip() for one in headers.get("X-PagerDuty-Signature", "").split(",")]
        signed = [one.removeprefix(VERSION) for one in given if one.startswith(VERSION)]
        require_signature(signed[:SIGNATURES_AT_MOST], self.secrets, body)
        try:
            incident = parse(body)
        except Invalid as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        if incident is None:
            return Delivery()
        return Delivery(incident.event, f"{SOURCE}:{incident.id}")


@dataclass(frozen=True, slots=True)
class PagerDutyJobs:
    """Carries out what is stored, one incident's events in their order."""

    receive: Callable[[Incident], Awaitable[str]]

    async def carry_out(self, bodies: Sequence[bytes]) -> str:
        """What became of each."""
        outcomes = []
        for body in bodies:
            incident = parse(body)
            outcomes.append(await self.receive(incident) if incident else "no incident")
        return " / ".join(outcomes)
