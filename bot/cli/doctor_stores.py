"""Looks at Postgres, Temporal and Redis."""

import asyncio

import asyncpg
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeTaskQueueRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from bot.cli.doctor_finding import Finding, clock, fail, ok, warn
from engine.errors import Unavailable
from engine.feed.redis import RedisFeed
from engine.settings import Settings
from engine.store.connection import open_pool
from engine.store.flows import PostgresFlows
from engine.store.health import Health, examine
from engine.workflows.worker import connect

LATE = 10.0


async def database(settings: Settings) -> list[Finding]:
    """Reachable, complete, unable to rewrite what was decided, and on time."""
    area, postgres = "database", settings.postgres
    dsn = postgres.dsn.get_secret_value()
    if not dsn:
        return [
            fail(area, "none is configured", "Set CARAPULSE_POSTGRES__DSN, or use `carapulse up`.")
        ]
    try:
        health = await examine(dsn, timeout=postgres.connect_timeout_seconds)
    except Unavailable as error:
        mend = "Start it, or correct CARAPULSE_POSTGRES__DSN; in this folder `carapulse up` does."
        return [fail(area, str(error), mend)]
    return [schema(health), rights(health), clock("clock", "the database's", health.ahead)]


def schema(health: Health) -> Finding:
    """Whether every migration of this version was applied."""
    if health.lacking:
        return fail(
            "schema",
            f"Postgres {health.version} answers, and lacks {', '.join(health.lacking)}",
            "Run `carapulse migrate` with the owner's address in CARAPULSE_POSTGRES__OWNER_DSN.",
        )
    return ok("schema", f"Postgres {health.version} answers, its schema is complete")


def rights(health: Health) -> Finding:
    """Whether the role could rewrite plans, approvals or the audit."""
    if health.alterable:
        return fail(
            "rights",
            f"the role {health.role} may change rows of {', '.join(health.alterable)}",
            "Use a role that only has carapulse_app: GRANT carapulse_app TO the role of "
            "CARAPULSE_POSTGRES__DSN, which owns nothing.",
        )
    if health.lacking:
        return warn("rights", "not looked at, the schema is incomplete", "Migrate first.")
    return ok("rights", f"the role {health.role} can't rewrite plans, approvals or the audit")


async def temporal(settings: Settings) -> list[Finding]:
    """Reachable, with our namespace, and with a worker that takes work."""
    if settings.engine == "direct":
        return [await direct(settings)]
    area, wanted = "temporal", settings.temporal
    if not wanted.address:
        return [
            fail(
                area,
                "none is configured",
                "Set CARAPULSE_TEMPORAL__ADDRESS, or use `carapulse up`.",
            )
        ]
    mend = "Start it, or correct CARAPULSE_TEMPORAL__ADDRESS."
    try:
        async with asyncio.timeout(wanted.connect_timeout_seconds):
            client = await connect(wanted.address, wanted.namespace)
            await client.workflow_service.describe_namespace(
                DescribeNamespaceRequest(namespace=wanted.namespace)
            )
            polled = await polls(client, wanted.queue)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            mend = f"Create it: temporal operator namespace create {wanted.namespace}"
            return [fail(area, f"{wanted.address} has no namespace {wanted.namespace}", mend)]
        return [fail(area, f"{wanted.address} refuses: {error.message}", mend)]
    except (Unavailable, TimeoutError):
        return [fail(area, f"{wanted.address} does not answer", mend)]
    found = ok(area, f"{wanted.address} answers, namespace {wanted.namespace}")
    if polled:
        return [found, ok("worker", f"a worker takes work from the queue {wanted.queue}")]
    return [
        found,
        warn("worker", f"nobody takes work from the queue {wanted.queue}", "Start a worker."),
    ]


async def direct(settings: Settings) -> Finding:
    """Without Temporal: whether somebody takes what is due."""
    postgres = settings.postgres
    try:
        pool = await open_pool(
            postgres.dsn.get_secret_value(),
            size=1,
            statement_timeout=postgres.statement_timeout_seconds,
            connect_timeout=postgres.connect_timeout_seconds,
        )
    except Unavailable as error:
        return fail("engine", str(error), "See what is said of the database.")
    try:
        waiting, longest = await PostgresFlows(pool, settings.tenant).late()
    except (Unavailable, asyncpg.UndefinedTableError):
        return warn("engine", "not looked at, the schema is incomplete", "Migrate first.")
    finally:
        await pool.close()
    if longest > LATE:
        said = f"{waiting} plans or requests wait for a worker, since {longest:.0f} s"
        return warn("engine", said, "Start a worker.")
    return ok("engine", "direct, on Postgres; nothing waits for a worker")


async def polls(client: Client, queue: str) -> bool:
    """Whether a worker asked for work of this queue in the last minutes."""
    said = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
    )
    return len(said.pollers) > 0


async def redis(settings: Settings) -> list[Finding]:
    """Reachable; without it there is no live feed, and nothing else is missing."""
    url = settings.redis.url.get_secret_value()
    if not url:
        mend = "Set CARAPULSE_REDIS__URL to have a live feed; everything else works without."
        return [warn("redis", "none is configured", mend)]
    try:
        feed = RedisFeed(url)
    except ValueError as error:
        return [fail("redis", f"its address is wrong: {error}", "Correct CARAPULSE_REDIS__URL.")]
    try:
        await feed.ping()
    except Unavailable as error:
        return [fail("redis", str(error).rstrip("."), "Start it, or correct CARAPULSE_REDIS__URL.")]
    finally:
        await feed.close()
    return [ok("redis", "answers")]
