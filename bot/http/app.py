"""The sidecar: one table of routes, and the server that carries it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

from aiohttp import web

from bot.http.differences import Differences, Previews
from bot.http.errors import problems
from bot.http.guesses import MOST, SECONDS, guarded
from bot.http.health import Check, Health, database
from bot.http.hooks import Hooks, Room
from bot.http.library import Library
from bot.http.records import Holding, Records, Unheld
from bot.http.request_ids import measured
from bot.http.tokens import ACCESS, CALLERS, LONGEST, Access, Callers
from engine.domain.turnstile import Turnstile
from engine.ports import Arrivals, Store
from engine.telemetry.metrics import Metrics

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What the routes need. `checks` come beside that of the database, by name.

    `callers` knows the tokens of people; `access` asks the policy for everybody. `more` are routes
    of others: method, path and handler. `turnstile` counts tokens that prove nothing; `holding`
    knows freezes and windows.
    """

    store: Store
    arrivals: Arrivals
    metrics: Metrics
    hook_token: str = ""
    checks: Mapping[str, Check] = field(default_factory=dict)
    room: Room = field(default_factory=Room)
    library: Library | None = None
    previews: Previews | None = None
    callers: Callers | None = None
    access: Access | None = None
    more: Sequence[tuple[str, str, Handler]] = ()
    turnstile: Turnstile | None = None
    holding: Holding = field(default_factory=Unheld)

    def routes(self) -> tuple[tuple[str, str, Handler], ...]:
        """Every path there is."""
        health = Health({"postgres": database(self.store), **self.checks}, self.metrics)
        hooks = Hooks(self.arrivals, self.metrics, self.hook_token, self.room)
        records = Records(self.store, self.holding)
        return (
            ("GET", "/healthz", health.live),
            ("GET", "/readyz", health.ready),
            ("GET", "/metrics", health.measure),
            ("POST", "/v1/hooks/alertmanager", hooks.alertmanager),
            ("GET", "/v1/plans/{id}", records.plan),
            ("GET", "/v1/executions/{id}", records.execution),
            ("GET", "/v1/executions/{id}/logs", records.logs),
            *(self.library.routes(self.store) if self.library else ()),
            *(Differences(self.store, self.previews).routes() if self.previews else ()),
            *self.more,
        )

    def app(self) -> web.Application:
        """The routes, behind the middlewares that name, measure and explain."""
        guard = guarded(self.turnstile or Turnstile(MOST, SECONDS, monotonic))
        app = web.Application(middlewares=[measured(self.metrics), problems, guard])
        if self.callers:
            app[CALLERS] = self.callers
        if self.access:
            app[ACCESS] = self.access
        for method, path, handler in self.routes():
            app.router.add_route(method, path, handler)
        return app


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the sidecar can be reached; the port is the real one where 0 was asked for."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """Without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@asynccontextmanager
async def open_sidecar(
    sidecar: Sidecar, *, host: str = "127.0.0.1", port: int = 0, stop_seconds: float = STOP_SECONDS
) -> AsyncIterator[Listening]:
    """Serve for as long as the block lasts; requests under way are finished at the end."""
    runner = web.AppRunner(
        sidecar.app(),
        access_log=None,
        handle_signals=False,
        shutdown_timeout=stop_seconds,
        max_field_size=2 * LONGEST,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield Listening(host, int(runner.addresses[0][1]))
    finally:
        await runner.cleanup()
