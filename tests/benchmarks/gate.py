"""What the gate costs: a remembered answer, one of a server, and a decision that is kept."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from bot.local.stack import Stack
from engine.domain.actor import Surface
from engine.domain.approval import Verdict
from engine.domain.conversation import Conversation, Place
from engine.domain.ids import PlanId, new_id
from engine.domain.plan import PlanVersion, VersionState
from engine.domain.policy import Question
from engine.policy.cached import CachedPolicy
from engine.policy.rego import RegoPolicy
from engine.policy.smoke import SMOKE
from engine.ports import Policy
from engine.resources import shipped
from engine.services.approvals import Approvals
from engine.store.connection import Pool, open_pool
from engine.store.migrations import migrate
from engine.store.unit import PostgresStore
from tests.benchmarks.figures import Aim, Samples
from tests.benchmarks.product import in_database, made
from tests.benchmarks.rows import Say, alternate, rows_of
from tests.contract.policy_server import OPA, opa_policy
from tests.unit.governing import ANN, NOW, open_hall, version

KEPT = "policy answer from the cache"
SERVED = "policy decision of a server over loopback"
GATED = "approval through the gate, committed"
DECISIONS = 300
APPROVALS = 60
READ = next(question for question, _ in SMOKE if question.action.value == "tool.read")
WRITE = SMOKE[-1][0]
INSERT = "INSERT INTO bench_rows (body) VALUES ($1)"


async def gate(stack: Stack, seconds: float, say: Say) -> None:
    """Three rows; the server's only where there is an `opa`."""
    inside = RegoPolicy([shipped("policies")])
    cached = CachedPolicy(inside, time.monotonic)
    await cached.ask(READ)
    rows = rows_of((KEPT, "ms", Aim(0.05, tail=True), "the decision in process"))
    until = time.monotonic() + 2 * seconds
    await alternate(rows, asking(KEPT, inside, READ), asking(KEPT, cached, READ), until=until)
    say(rows[KEPT])
    if OPA:
        async with opa_policy([shipped("policies")]) as server:
            await server.ask(WRITE)
            rows = rows_of((SERVED, "ms", Aim(5, tail=True), "the decision in process"))
            until = time.monotonic() + 2 * seconds
            turns = asking(SERVED, inside, WRITE), asking(SERVED, server, WRITE)
            await alternate(rows, *turns, until=until)
            say(rows[SERVED])
    await approving(stack, seconds, say)


def asking(
    name: str, policy: Policy, question: Question
) -> Callable[[], Awaitable[dict[str, Samples]]]:
    """The same question, again and again."""

    async def turn() -> dict[str, Samples]:
        times = []
        for _ in range(DECISIONS):
            began = time.perf_counter()
            await policy.ask(question)
            times.append((time.perf_counter() - began) * 1000)
        return {name: Samples(times)}

    return turn


async def approving(stack: Stack, seconds: float, say: Say) -> None:
    """From the press, already known as somebody's, to the commit; beside one bare insert."""
    rows = rows_of((GATED, "ms", Aim(40, tail=True), "one durable insert"))
    async with opened(stack) as (gate_, store, pool):

        async def bare() -> dict[str, Samples]:
            times = []
            for _ in range(APPROVALS):
                began = time.perf_counter()
                await pool.execute(INSERT, "x" * 1500)
                times.append((time.perf_counter() - began) * 1000)
            return {GATED: Samples(times)}

        async def pressed() -> dict[str, Samples]:
            times = []
            for plan in [await waiting(store) for _ in range(APPROVALS)]:
                began = time.perf_counter()
                await gate_.decide(ANN, plan.plan_id, 1, Verdict.APPROVE, surface=Surface.BUTTON)
                times.append((time.perf_counter() - began) * 1000)
            return {GATED: Samples(times)}

        await alternate(rows, bare, pressed, until=time.monotonic() + 2 * seconds)
    say(rows[GATED])


async def waiting(store: PostgresStore) -> PlanVersion:
    """A plan that waits for its approval."""
    plan = version(
        plan_id=PlanId(new_id()),
        reference=f"P-{uuid4().hex[:12]}",
        conversation_id=new_id(),
        decide_before=NOW + timedelta(hours=4),
    )
    async with store.begin() as unit:
        await unit.conversations.add(
            Conversation(
                id=plan.conversation_id,
                tenant=plan.tenant,
                place=Place(channel="C0INC", thread=plan.conversation_id),
                created_at=NOW,
            )
        )
        await unit.plans.add_version(plan, VersionState.WAITING)
    return plan


@asynccontextmanager
async def opened(stack: Stack) -> AsyncIterator[tuple[Approvals, PostgresStore, Pool]]:
    """The gate on a database of its own, as the application's role."""
    name = f"bench_{uuid4().hex[:12]}"
    await made(stack.owner_dsn, name)
    await migrate(in_database(stack.owner_dsn, name))
    async with AsyncExitStack() as closing:
        folder = Path(closing.enter_context(TemporaryDirectory()))
        owner = await open_pool(
            in_database(stack.owner_dsn, name), size=2, statement_timeout=10, connect_timeout=5
        )
        closing.push_async_callback(owner.close)
        await owner.execute("CREATE TABLE bench_rows (id bigserial, body text)")
        pool = await open_pool(
            in_database(stack.app_dsn, name), size=4, statement_timeout=10, connect_timeout=5
        )
        closing.push_async_callback(pool.close)
        store = PostgresStore(pool, "default")
        yield replace(open_hall(folder).gate, store=store), store, owner
