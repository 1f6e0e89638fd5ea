"""Linear and PagerDuty beside the bot: what their hooks answer, what they are told, and checks."""

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
from bot.http.signed_hooks import SignedHook
from engine.domain.breaker import Breaker
from engine.domain.conversation import Post
from engine.errors import ConfigurationError
from engine.ground import now
from engine.outside.asking import Asking
from engine.outside.linear import Linear, Names
from engine.ports import Arrivals
from engine.services.issue_moves import IssueMoves
from engine.services.issue_words import IssueWords
from engine.services.issues import Issues
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
    checks: dict[str, Check] = field(default_factory=dict)

    def link(self, post: Post) -> str:
        """Where a card is."""
        return to_message(self.workspace, post)

    def routes(self, arrivals: Arrivals) -> Sequence[tuple[str, str, Handler]]:
        """Their hooks."""
        if self.moves is None:
            return ()
        secret = self.settings.linear.webhook_secret.get_secret_value()
        read = LinearDeliveries(secret).read
        hook = SignedHook(LINEAR, arrivals, self.engine.metrics, read)
        return (("POST", "/v1/hooks/linear", hook.receive),)

    def desks(self) -> Mapping[str, Desk]:
        """What their stored deliveries mean."""
        if self.moves is None:
            return {}
        jobs = LinearJobs(self.moves.look)
        return {LINEAR: Desk(jobs.carry_out, at_once=2, together=TOGETHER, bytes_together=1 << 24)}

    async def run(self) -> None:
        """Tell them, for as long as the process lives."""
        if self.issues:
            await self.issues.run()


@asynccontextmanager
async def open_surfaces(engine: Engine, settings: Settings, holder: str) -> AsyncIterator[Surfaces]:
    """What is configured. Raises `ConfigurationError`."""
    async with aiohttp.ClientSession(trust_env=False) as session:
        found = Surfaces(engine, settings, session, holder)
        if settings.linear.api_key.get_secret_value():
            add_linear(found)
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


def asked(found: Surfaces, name: str, timeout: float) -> Asking:
    """A service on the internet."""
    breaker = Breaker(FAILURES, PAUSE, monotonic)
    return Asking(name, found.session, breaker, timeout, found.engine.metrics.outside)
