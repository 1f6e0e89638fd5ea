"""PagerDuty over its Events API v2: trigger, acknowledge, resolve."""

from dataclasses import dataclass, field

from engine.domain.model import Json
from engine.domain.page import TRIGGERED, Page
from engine.errors import Invalid, Unavailable
from engine.outside.asking import Asking

ACTIONS = {1: "trigger", 2: "acknowledge", 3: "resolve"}
SUMMARY = 1024


@dataclass(frozen=True, slots=True)
class PagerDuty:
    """The `Pager` port. The key of a page makes a repeated event one incident."""

    asking: Asking
    url: str
    routing_key: str = field(repr=False)

    async def send(self, key: str, page: Page, stage: int) -> None:
        body: dict[str, Json] = {
            "routing_key": self.routing_key,
            "event_action": ACTIONS[stage],
            "dedup_key": key,
        }
        if stage == TRIGGERED:
            body["client"] = "Carapulse"
            body["payload"] = {
                "summary": page.summary[:SUMMARY],
                "source": page.component or "carapulse",
                "severity": page.severity,
                "component": page.component,
                "group": page.environment,
                "custom_details": {"reason": page.reason},
            }
        reply = await self.asking.post(self.url, body, {})
        if reply.status in (401, 403):
            raise self.asking.refused("PagerDuty refuses our routing key.")
        if reply.status == 400:
            told = reply.body if isinstance(reply.body, dict) else {}
            raise Invalid(f"PagerDuty: {str(told.get('message', 'invalid event'))[:300]}")
        if reply.status != 202:
            raise Unavailable("pagerduty", f"PagerDuty answered {reply.status}.")
