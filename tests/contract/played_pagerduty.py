"""PagerDuty's Events API v2, played strictly from its documented behaviour."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

ROUTING_KEY = "0123456789abcdef0123456789abcdef"
PAYLOAD = {"summary", "source", "severity", "component", "group", "custom_details"}
SEVERITIES = {"critical", "error", "warning", "info"}


@dataclass
class PlayedPagerDuty:
    """`faults` are statuses to answer with instead, used up one by one."""

    url: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    faults: list[int] = field(default_factory=list)

    def told(self) -> list[tuple[str, str]]:
        return [(each["event_action"], each["dedup_key"]) for each in self.events]

    async def answer(self, request: web.Request) -> web.Response:
        if self.faults:
            return web.Response(status=self.faults.pop(0), headers={"Retry-After": "1"})
        event = await request.json()
        if wrong := problem(event):
            answer = {"status": "invalid event", "message": "Event object is invalid"}
            return web.json_response({**answer, "errors": [wrong]}, status=400)
        self.events.append(event)
        accepted = {"status": "success", "message": "Event processed"}
        return web.json_response({**accepted, "dedup_key": event["dedup_key"]}, status=202)


def problem(event: dict[str, Any]) -> str:
    if event.get("routing_key") != ROUTING_KEY:
        return "routing_key is wrong"
    if not 0 < len(event.get("dedup_key", "")) <= 255:
        return "dedup_key is wrong"
    action = event.get("event_action")
    if action not in ("trigger", "acknowledge", "resolve"):
        return "event_action is wrong"
    payload: dict[str, Any] = event.get("payload") or {}
    if action != "trigger":
        return "payload is for triggers" if payload else ""
    if set(payload) - PAYLOAD or not payload["source"] or payload["severity"] not in SEVERITIES:
        return "payload is wrong"
    return "" if 0 < len(payload["summary"]) <= 1024 else "summary is wrong"


@asynccontextmanager
async def open_pagerduty() -> AsyncIterator[PlayedPagerDuty]:
    played = PlayedPagerDuty()
    app = web.Application()
    app.router.add_post("/v2/enqueue", played.answer)
    async with TestServer(app) as server:
        played.url = str(server.make_url("/v2/enqueue"))
        yield played
