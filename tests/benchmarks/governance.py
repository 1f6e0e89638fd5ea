"""What guarding costs: redaction, a policy decision, and the sealing of the audit."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import orjson

from bot.local.stack import Stack
from engine.domain.actor import Actor
from engine.domain.audit import AuditEvent
from engine.domain.ids import PersonId
from engine.policy.facts import document
from engine.policy.rego import RegoPolicy
from engine.policy.smoke import SMOKE
from engine.resources import shipped
from engine.secrets.keys import FileSigner, make_keys
from engine.services.audit import Audits
from engine.store.chain import PostgresChain
from engine.store.connection import open_pool
from engine.store.migrations import migrate
from engine.store.unit import PostgresStore
from engine.tools.redaction import Redactor
from tests.benchmarks.figures import Aim, Samples
from tests.benchmarks.product import in_database, made
from tests.benchmarks.rows import Say, alternate, rows_of

REDACTED = "redaction of tool output"
DECIDED = "policy decision in process"
SEALED = "audited transactions while the audit is sealed"
LINES = 40_000
DECISIONS = 300
WRITERS = 8
EVERY = 20
PLAIN = (
    "web-7d9f8b6c5-x2x4z   1/1   Running   0   3d",
    "  Normal  Scheduled  12s  default-scheduler  Successfully assigned shop/checkout to node-3",
    '{"level":"info","ts":"2026-11-22T20:33:38Z","msg":"request served","path":"/v1/cart","ms":12}',
    "GET /healthz 200 0.4ms",
    "Annotations:  prometheus.io/scrape: true",
)
# One line in twenty speaks of secrets, as in outputs of Kubernetes, Helm and Vault.
ASKING = (
    "TokenExpirationSeconds:  3607",
    "      /var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-dx77q (ro)",
    "password: correct-horse-battery-9",
)


async def governance(stack: Stack, seconds: float, say: Say) -> None:
    """Three rows."""
    until = time.monotonic() + 4 * seconds
    redacting = Redacting()
    rows = rows_of((REDACTED, "MB/s", Aim(0.25, at_least=True), "one RE2 search per line"))
    await alternate(rows, redacting.searched, redacting.redacted, until=until)
    say(rows[REDACTED])
    deciding = Deciding()
    rows = rows_of((DECIDED, "ms", Aim(1.3), "the bare compiled evaluation"))
    until = time.monotonic() + 4 * seconds
    await alternate(rows, deciding.bare, deciding.asked, until=until)
    say(rows[DECIDED])
    await sealing(stack, seconds, say)


class Redacting:
    """The same lines, searched once and redacted."""

    def __init__(self) -> None:
        self._lines = [
            PLAIN[at % len(PLAIN)] if at % EVERY else ASKING[at // EVERY % len(ASKING)]
            for at in range(LINES)
        ]
        self._megabytes = sum(len(line) + 1 for line in self._lines) / 1e6
        self._redactor = Redactor()

    async def searched(self) -> dict[str, Samples]:
        search = self._redactor.finder.places.search
        began = time.perf_counter()
        for line in self._lines:
            search(line.encode())
        return {REDACTED: Samples([self._megabytes / (time.perf_counter() - began)])}

    async def redacted(self) -> dict[str, Samples]:
        clean = self._redactor.text
        began = time.perf_counter()
        for line in self._lines:
            clean(line)
        return {REDACTED: Samples([self._megabytes / (time.perf_counter() - began)])}


class Deciding:
    """An evaluation of a made input, and a decision with its input built and its answer read."""

    def __init__(self) -> None:
        self._policy = RegoPolicy([shipped("policies")])
        self._question = SMOKE[-1][0]
        self._given = orjson.dumps(document(self._question)).decode()

    async def bare(self) -> dict[str, Samples]:
        times = []
        for _ in range(DECISIONS):
            began = time.perf_counter()
            self._policy.evaluate(self._given)
            times.append((time.perf_counter() - began) * 1000)
        return {DECIDED: Samples(times)}

    async def asked(self) -> dict[str, Samples]:
        times = []
        for _ in range(DECISIONS):
            began = time.perf_counter()
            await self._policy.ask(self._question)
            times.append((time.perf_counter() - began) * 1000)
        return {DECIDED: Samples(times)}


async def sealing(stack: Stack, seconds: float, say: Say) -> None:
    """Transactions with an audit row each, without and with the job that seals them."""
    rows = rows_of((SEALED, "1/s", Aim(0.9, at_least=True), "the same without sealing"))
    async with audited(stack) as (store, audits):

        async def without() -> dict[str, Samples]:
            rate = await written(store, seconds)
            await audits.seal()
            return {SEALED: Samples([rate])}

        async def beside() -> dict[str, Samples]:
            job = asyncio.create_task(audits.run())
            try:
                rate = await written(store, seconds)
            finally:
                job.cancel()
                await asyncio.gather(job, return_exceptions=True)
            await audits.seal()
            return {SEALED: Samples([rate])}

        await alternate(rows, without, beside, until=time.monotonic() + 4 * seconds)
    say(rows[SEALED])


@asynccontextmanager
async def audited(stack: Stack) -> AsyncIterator[tuple[PostgresStore, Audits]]:
    """A database of its own, as the application's role."""
    name = f"bench_{uuid4().hex[:12]}"
    await made(stack.owner_dsn, name)
    await migrate(in_database(stack.owner_dsn, name))
    keys = make_keys(stack.folder.secrets)
    dsn = in_database(stack.app_dsn, name)
    pool = await open_pool(dsn, size=WRITERS + 2, statement_timeout=10, connect_timeout=5)
    try:
        chain = PostgresChain(pool, "default")
        yield (
            PostgresStore(pool, "default"),
            Audits(chain, lambda: datetime.now(UTC), FileSigner(keys.private)),
        )
    finally:
        await pool.close()


async def written(store: PostgresStore, seconds: float) -> float:
    """Transactions per second of some writers at once."""
    event = AuditEvent(
        actor=Actor(id=PersonId("p:bench"), name="Bench"),
        action="plan.create",
        subject="P-1",
        decision="allow",
        reason="because it was asked for",
    )
    until = time.monotonic() + seconds

    async def write() -> int:
        count = 0
        while time.monotonic() < until:
            async with store.begin() as unit:
                await unit.audit.record(event)
            count += 1
        return count

    began = time.monotonic()
    counts = await asyncio.gather(*(write() for _ in range(WRITERS)))
    return sum(counts) / (time.monotonic() - began)
