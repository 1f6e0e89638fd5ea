"""Linear and PagerDuty beside the bot: what their hooks answer, what they are told, and checks."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

import aiohttp

from bot.blocks.links import to_message
from bot.http.app import Handler
from bot.http.health import Check
from bot.http.hooks_linear import SOURCE as LINEAR
from bot.http.hooks_linear import TOGETHER, LinearDeliveries, LinearJobs
from bot.http.hooks_pagerduty import SOURCE as PAGERDUTY
from bot.http.hooks_pagerduty import PagerDutyDeliveries, PagerDutyJobs
from bot.http.signed_hooks import SignedHook
from engine.domain.breaker import Breaker
from engine.domain.conversation import Post
from engine.errors import ConfigurationError
from engine.ground import now
from engine.outside.asking import Asking
from engine.outside.linear import Linear, Names
from engine.outside.pagerduty import PagerDuty
from engine.ports import Arrivals
from engine.services.incidents import Incidents
from engine.services.issue_moves import IssueMoves
from engine.services.issue_words import IssueWords
from engine.services.issues import Issues
from engine.services.paging import Paging
from engine.settings import Settings
from engine.store.intake import Desk
from engine.wiring import Engine

FAILURES, PAUSE = 5, 30.0


@dataclass(slots=True)
class Surfaces:
    """Those that are configured; `workspace` is Slack's address, once it is known."""

    engine: Engine
    settings: Settings
    session: aiohttp.ClientSession
    holder: str
    workspace: str = ""
    moves: IssueMoves | None = None
    issues: Issues | None = None
    paging: Paging | None = None
    checks: dict[str, Check] = field(default_factory=dict)

    def link(self, post: Post) -> str:
        """Where a card is."""
        return to_message(self.workspace, post)

    def routes(self, arrivals: Arrivals) -> Sequence[tuple[str, str, Handler]]:
        """Their hooks."""
        linear, pagerduty = self.settings.linear, self.settings.pagerduty
        secrets = [one.get_secret_value() for one in pagerduty.webhook_secrets]
        found: list[tuple[str, str, Handler]] = []
        if self.moves:
            read = LinearDeliveries(linear.webhook_secret.get_secret_value()).read
            hook = SignedHook(LINEAR, arrivals, self.engine.metrics, read)
            found.append(("POST", "/v1/hooks/linear", hook.receive))
        if secrets:
            events = PagerDutyDeliveries(secrets).read
            hook = SignedHook(PAGERDUTY, arrivals, self.engine.metrics, events)
            found.append(("POST", "/v1/hooks/pagerduty", hook.receive))
        return found

    def desks(self) -> Mapping[str, Desk]:
        """What their stored deliveries mean."""
        engine = self.engine
        incidents = Incidents(engine.store, engine.alerts, engine.services)
        found = {PAGERDUTY: Desk(PagerDutyJobs(incidents.receive).carry_out, at_once=2)}
        if self.moves:
            jobs = LinearJobs(self.moves.look)
            found[LINEAR] = Desk(
                jobs.carry_out, at_once=2, together=TOGETHER, bytes_together=1 << 24
            )
        return found

    async def run(self) -> None:
        """Tell them, for as long as the process lives."""
        async with asyncio.TaskGroup() as group:
            for each in (self.issues, self.paging):
                if each:
                    group.create_task(each.run())


@asynccontextmanager
async def open_surfaces(engine: Engine, settings: Settings, holder: str) -> AsyncIterator[Surfaces]:
    """What is configured. Raises `ConfigurationError`."""
    async with aiohttp.ClientSession(trust_env=False) as session:
        found = Surfaces(engine, settings, session, holder)
        if settings.linear.api_key.get_secret_value():
            add_linear(found)
        if settings.pagerduty.routing_key.get_secret_value():
            add_pagerduty(found)
        yield found


def add_linear(found: Surfaces) -> None:
    """Issues, and who moves them."""
    engine, ours = found.engine, found.settings.linear
    assert engine.approvals is not None, "the bot is the gate's process"
    if not ours.team:
        raise ConfigurationError("Linear needs a team: set CARAPULSE_LINEAR__TEAM to its key.")
    asking = asked(found, "linear", ours.timeout_seconds)
    states = ours.states
    names = Names(ours.team, states.waiting, states.approve, states.reject)
    tracker = Linear(asking, ours.url, ours.api_key.get_secret_value(), names)
    words = IssueWords(
        engine.directory, engine.redactor.text, states.approve, states.reject, ours.labels
    )
    found.moves = IssueMoves(
        engine.store, tracker, engine.approvals, engine.directory, engine.accounts, words, now
    )
    found.issues = Issues(
        store=engine.store,
        tracker=tracker,
        words=words,
        leases=engine.surface,
        holder=found.holder,
        clock=now,
        link=found.link,
        look=found.moves.look,
        poll=ours.poll_seconds,
    )
    found.checks["linear"] = asking.check


def add_pagerduty(found: Surfaces) -> None:
    """Pages."""
    engine, ours = found.engine, found.settings.pagerduty
    asking = asked(found, "pagerduty", ours.timeout_seconds)
    pager = PagerDuty(asking, ours.url, ours.routing_key.get_secret_value())
    masked = engine.redactor.text
    found.paging = Paging(engine.store, pager, masked, engine.surface, found.holder)
    found.checks["pagerduty"] = asking.check


def asked(found: Surfaces, name: str, timeout: float) -> Asking:
    """A service on the internet."""
    breaker = Breaker(FAILURES, PAUSE, monotonic)
    return Asking(name, found.session, breaker, timeout, found.engine.metrics.outside)
