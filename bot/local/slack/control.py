"""What tests can make happen: limits, outages, lost answers, cut connections."""

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import fields

from aiohttp import web

from bot.local.slack.faults import Faults
from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.model import Json
from bot.local.slack.page_api import answer
from bot.local.slack.refusal import Refused
from bot.local.slack.stats import Stats
from bot.local.slack.world import channel_of, dm_of, group_of, may_have_dm, user_of

FOREVER = 10.0**9

Verb = Callable[[Json], Awaitable[None]]


class Control:
    """POST /control/<verb> and GET /control/stats."""

    def __init__(self, slack: LocalSlack) -> None:
        self._slack = slack
        self._verbs: dict[str, Verb] = {
            "limit": self.limit,
            "outage": self.outage,
            "lose_answers": self.lose_answers,
            "latency": self.latency,
            "disconnect": self.disconnect,
            "refuse_links": self.refuse_links,
            "drop_connections": self.drop_connections,
            "ghosts": self.ghosts,
            "redelivery": self.redelivery,
            "trigger_lifetime": self.trigger_lifetime,
            "stream_lifetime": self.stream_lifetime,
            "budgets": self.budgets,
            "duplicate_events": self.duplicate_events,
            "request_url": self.request_url,
            "refuse_blocks": self.refuse_blocks,
            "reset": self.reset,
            "world": self.world,
        }

    async def handle(self, request: web.Request) -> web.Response:
        """Carry out a verb."""
        verb = self._verbs.get(request.match_info["verb"])
        if verb is None:
            return answer({"ok": False, "error": "unknown_verb"}, status=404)
        if request.content_type != "application/json":
            return answer({"ok": False, "error": "json_only"}, status=415)
        try:
            body = await request.json() if request.can_read_body else {}
            await verb(body)
        except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            return answer({"ok": False, "error": f"bad_request: {error!r}"}, status=400)
        except Refused as refusal:
            return answer(refusal.body(), status=400)
        return answer({"ok": True})

    async def stats(self, request: web.Request) -> web.Response:
        """Counters."""
        messages = sum(len(each) for each in self._slack.workspace.messages.values())
        now: Json = {"connections": len(self._slack.connections), "messages": messages}
        return answer({**self._slack.stats.shown(), **now})

    async def limit(self, body: Json) -> None:
        """The next calls of a method get 429."""
        rule = (int(body.get("count", 1)), int(body.get("retry_after", 1)))
        self._slack.faults.limited[body["method"]] = rule

    async def outage(self, body: Json) -> None:
        """The Web API and new connections fail, for a time or until switched off."""
        seconds = body.get("seconds", FOREVER if body.get("on", True) else 0)
        self._slack.faults.outage_until = time.monotonic() + float(seconds)
        self._slack.faults.outage_status = int(body.get("status", 503))

    async def lose_answers(self, body: Json) -> None:
        """The next calls of a method take effect, but nobody hears of it."""
        self._slack.faults.lost_answers[body["method"]] = int(body.get("count", 1))

    async def latency(self, body: Json) -> None:
        """A method takes its time."""
        self._slack.faults.latency[body["method"]] = float(body["seconds"])

    async def disconnect(self, body: Json) -> None:
        """Send `disconnect` to one connection or all."""
        reason = str(body.get("reason", "refresh_requested"))
        await self._slack.connections.disconnect(reason, everyone=bool(body.get("all", True)))

    async def refuse_links(self, body: Json) -> None:
        """The next handshakes fail."""
        self._slack.faults.refused_links = int(body.get("count", 1))

    async def drop_connections(self, body: Json) -> None:
        """Cut every websocket's TCP connection."""
        self._slack.connections.cut()

    async def ghosts(self, body: Json) -> None:
        """Connections that Slack still believes in and nobody reads."""
        self._slack.connections.ghosts = int(body.get("count", 1))

    async def redelivery(self, body: Json) -> None:
        """Speed the schedule of redelivery up or down."""
        self._slack.faults.redelivery_scale = float(body["scale"])

    async def trigger_lifetime(self, body: Json) -> None:
        """How long a trigger is good."""
        self._slack.faults.trigger_lifetime = float(body["seconds"])

    async def stream_lifetime(self, body: Json) -> None:
        """How long a stream lives."""
        self._slack.faults.stream_lifetime = float(body["seconds"])

    async def budgets(self, body: Json) -> None:
        """Enforce rate limits, or not, with room to scale."""
        self._slack.budgets.on = bool(body.get("on", True))
        self._slack.budgets.scale = float(body.get("scale", 1.0))
        self._slack.budgets.refill()

    async def duplicate_events(self, body: Json) -> None:
        """Deliver every event more than once."""
        self._slack.faults.event_copies = max(1, int(body["times"]))

    async def request_url(self, body: Json) -> None:
        """Deliver over HTTP from now on; an empty `url` goes back to the connections."""
        target = self._slack.deliveries.request_url
        target.url, target.secret = str(body.get("url", "")), str(body.get("secret", ""))

    async def refuse_blocks(self, body: Json) -> None:
        """Know no blocks of these types, as a workspace without a new feature."""
        self._slack.faults.unknown_blocks = frozenset(body["types"])

    async def reset(self, body: Json) -> None:
        """No faults, no counts. What was said stays."""
        put_back(self._slack.faults, Faults())
        put_back(self._slack.stats, Stats())
        self._slack.connections.ghosts = 0

    async def world(self, body: Json) -> None:
        """Add people, groups and channels."""
        workspace = self._slack.workspace
        for raw in body.get("users", ()):
            user = user_of(raw, workspace.team_id)
            known = user.id in workspace.users
            workspace.users[user.id] = user
            shown = self._slack.present.user(user)
            kind = "user_change" if known else "team_join"
            self._slack.events.team({"type": kind, "user": shown})
            if may_have_dm(user):
                dm = dm_of(user, workspace.bot.id)
                workspace.channels[dm.id] = dm
        for raw in body.get("usergroups", ()):
            group = group_of(raw)
            workspace.groups[group.id] = group
            subteam = {**self._slack.present.group(group), "users": list(group.members)}
            self._slack.events.team({"type": "subteam_updated", "subteam": subteam})
        for raw in body.get("channels", ()):
            channel = channel_of(raw)
            workspace.channels[channel.id] = channel
            card = self._slack.present.page_channel(channel)
            self._slack.feed.to_channel(channel.id, {"type": "channel", "channel": card})


def put_back(used: Faults | Stats, fresh: Faults | Stats) -> None:
    """Everything as it was at the start, in the object that others hold."""
    for each in fields(fresh):
        setattr(used, each.name, getattr(fresh, each.name))
