"""A sidecar on a real database, with the jobs that handle what it stores."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import aiohttp

from bot.http.app import Listening, Sidecar, open_sidecar
from bot.http.hooks import SOURCE
from bot.http.jobs import HookJobs
from engine.domain.conversation import Post
from engine.domain.draft import Draft
from engine.domain.ids import DraftId, Tenant
from engine.domain.problem import Problem
from engine.services.alerts import Alerts
from engine.store.connection import Pool, open_pool
from engine.store.intake import Desk, Intake, open_intake
from engine.store.posts import COLUMNS, post
from engine.store.surface import PostgresSurface
from engine.store.unit import PostgresStore
from engine.telemetry.metrics import Metrics
from tests.unit.planning import services

TENANT = Tenant("default")
TOKEN = "hook-token"
CHANNEL = "C0INCIDENTS"
LABELS = {
    "alertname": "CheckoutErrorRateHigh",
    "service": "checkout",
    "environment": "prod",
    "cluster": "eu-1",
    "namespace": "shop",
    "severity": "critical",
}


@dataclass
class Time:
    """A clock that a test can turn."""

    at: datetime = datetime(2026, 11, 22, 14, 2, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def pass_minutes(self, minutes: float) -> None:
        self.at += timedelta(minutes=minutes)


@dataclass(frozen=True)
class Bench:
    """The parts, and what a test asks of them."""

    pool: Pool
    store: PostgresStore
    surface: PostgresSurface
    intake: Intake
    alerts: Alerts
    time: Time
    metrics: Metrics = field(default_factory=Metrics)

    def sidecar(self, **changes: Any) -> Sidecar:
        usual = {
            "store": self.store,
            "arrivals": self.intake,
            "metrics": self.metrics,
            "hook_token": TOKEN,
        }
        return Sidecar(**{**usual, **changes})

    async def run_jobs(self) -> int:
        """Carry out every stored delivery; how many there were."""
        waiting: int = await self.pool.fetchval(
            "SELECT count(*) FROM inbox WHERE handled_at IS NULL"
        )
        desk = Desk(HookJobs(self.alerts).carry_out, at_once=2, together=200, bytes_together=10**7)
        async with self.intake.working({SOURCE: desk}):
            await self.intake.settle()
        return waiting

    async def problems(self) -> list[Problem]:
        rows = await self.pool.fetch("SELECT body FROM problems ORDER BY reference")
        return [Problem.model_validate_json(row["body"]) for row in rows]

    async def posts(self) -> list[Post]:
        query = f"SELECT {COLUMNS} FROM posts ORDER BY created_at"  # noqa: S608 - a constant
        return [post(row) for row in await self.pool.fetch(query)]

    async def drafts(self) -> list[Draft]:
        rows = await self.pool.fetch("SELECT id::text AS id FROM drafts ORDER BY created_at")
        async with self.store.begin() as unit:
            return [await unit.drafts.get(DraftId(row["id"])) for row in rows]

    def alert(self, status: str = "firing", **changes: Any) -> dict[str, Any]:
        return {
            "status": status,
            "labels": LABELS,
            "annotations": {"summary": "Error rate 37 %"},
            "startsAt": self.time().isoformat(),
            **changes,
        }


def body(*alerts: dict[str, Any], **changes: Any) -> bytes:
    """A webhook's body around these alerts."""
    given = {"version": "4", "groupKey": "{}:{}", "alerts": alerts, **changes}
    return json.dumps(given).encode()


@asynccontextmanager
async def open_bench(dsn: str) -> AsyncIterator[Bench]:
    """A bench on a migrated, empty database."""
    pool = await open_pool(dsn, size=10, statement_timeout=5, connect_timeout=5)
    time = Time()
    store = PostgresStore(pool, TENANT)
    try:
        yield Bench(
            pool,
            store,
            PostgresSurface(pool, TENANT),
            open_intake(pool, TENANT, "one"),
            Alerts(store, services(), time, TENANT, CHANNEL),
            time,
        )
    finally:
        await pool.close()


@dataclass(frozen=True)
class Caller:
    """Somebody who calls a running sidecar."""

    session: aiohttp.ClientSession
    at: Listening

    async def deliver(self, content: bytes, token: str | None = TOKEN) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self.ask(
            "POST", "/v1/hooks/alertmanager", data=BytesIO(content), headers=headers
        )

    async def ask(self, method: str, path: str, **given: Any) -> tuple[int, Any]:
        async with self.session.request(method, f"{self.at.url}{path}", **given) as response:
            return response.status, await response.json(content_type=None)


@asynccontextmanager
async def calling(sidecar: Sidecar) -> AsyncIterator[Caller]:
    """Serve, and call it."""
    async with open_sidecar(sidecar) as at, aiohttp.ClientSession() as session:
        yield Caller(session, at)
