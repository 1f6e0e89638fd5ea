"""The Web API over HTTP: authentication, limits and faults around every method."""

import asyncio
import json
from typing import Any

import orjson
from aiohttp import web

from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.model import Json
from bot.local.slack.refusal import Refused
from bot.local.slack.scopes import HEADER, granted
from bot.local.slack.web_api.call import Call
from bot.local.slack.web_api.catalog import METHODS

APP_LEVEL = frozenset({"apps.connections.open"})
WITHOUT_TOKEN = frozenset({"api.test"})


class Api:
    """Answers `/api/<method>`."""

    def __init__(self, slack: LocalSlack) -> None:
        self._slack = slack
        self._told = {HEADER: granted()}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One call, with whatever a test has asked to go wrong."""
        slack, method = self._slack, request.match_info["method"]
        slack.stats.calls[method] += 1
        if slack.faults.is_out():
            return web.Response(status=slack.faults.outage_status, text="Service Unavailable")
        delay = slack.faults.delay(method)
        if delay:
            await asyncio.sleep(delay)
        answer, wait = await self._answer(request, method)
        if wait:
            return web.json_response(answer, status=429, headers={"Retry-After": str(wait)})
        if slack.faults.loses_answer(method) and request.transport is not None:
            request.transport.abort()
        return web.Response(
            body=orjson.dumps(answer), content_type="application/json", headers=self._told
        )

    async def _answer(self, request: web.Request, method: str) -> tuple[Json, int]:
        """The JSON to send, and the seconds to wait if there were too many calls."""
        try:
            call = Call(method, await arguments(request))
            self._authenticate(request, call)
            wait = self._slack.faults.retry_after(method) or self._slack.budgets.retry_after(
                method, call.text("channel")
            )
            if wait:
                self._slack.stats.limited[method] += 1
                return {"ok": False, "error": "ratelimited"}, wait
            return {"ok": True, **METHODS[method](self._slack, call)}, 0
        except Refused as refusal:
            self._slack.stats.refused(method, refusal)
            return refusal.body(), 0

    def _authenticate(self, request: web.Request, call: Call) -> None:
        """The app-level token opens connections, the bot token does everything else."""
        if call.method not in METHODS:
            raise Refused("unknown_method", req_method=call.method)
        if call.method in WITHOUT_TOKEN:
            return
        scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
        token = sent.strip() if scheme.lower() == "bearer" else call.text("token")
        app = self._slack.workspace.world.app
        right, wrong = app.bot_token, app.app_token
        if call.method in APP_LEVEL:
            right, wrong = wrong, right
        if not token:
            raise Refused("not_authed")
        if token == wrong:
            raise Refused("not_allowed_token_type")
        if token != right:
            raise Refused("invalid_auth")


async def arguments(request: web.Request) -> Json:
    """Query, form and JSON body as one."""
    query: Json = dict(request.query)
    if request.content_type == "application/json":
        try:
            body: Any = await request.json()
        except json.JSONDecodeError as error:
            raise Refused("invalid_json") from error
        if not isinstance(body, dict):
            raise Refused("json_not_object")
        return {**query, **body}
    form = await request.post()
    return {**query, **{name: value for name, value in form.items() if isinstance(value, str)}}
