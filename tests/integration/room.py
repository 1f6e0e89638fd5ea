"""An engine for tests: real database, policy, registry and keys; tools and planner are scripted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.domain.actor import Actor, Surface
from engine.domain.approval import Decided, Verdict
from engine.domain.call import Expectation
from engine.domain.context import ContextRef
from engine.domain.conversation import Place
from engine.domain.draft import Draft, Outcome, OutcomeKind
from engine.domain.execution import Choice, Execution
from engine.domain.ids import DraftId
from engine.domain.move import Move, MoveKind
from engine.domain.plan import DraftStep, PlanVersion, Proposal, VersionRef, VersionState
from engine.domain.questions import Limits
from engine.ports import Files
from engine.services.approvals import Approvals
from engine.services.conversations import Conversations
from engine.services.drafts import Drafts
from engine.services.executions import Executions
from engine.services.operating import Operating
from engine.services.outputs import Outputs
from engine.services.overrides import Overrides
from engine.services.plans import Plans
from engine.services.previews import Previews
from engine.services.progress import Pace
from engine.services.revisions import Revisions
from engine.services.slots import AtOnce, Slots
from engine.services.steps import Steps
from engine.services.views import Views
from engine.store.connection import Pool, open_pool
from engine.store.unit import PostgresStore
from tests.conftest import Database
from tests.integration.footing import calling, deciding, drafting, footing
from tests.integration.script import (
    HEAD,
    REMOTE,
    TENANT,
    Mind,
    Rules,
    Script,
)
from tests.unit.governing import ANN, DANA, PROD

USUAL = Limits()
STAGING = PROD.model_copy(update={"environment": "staging"})
INC = Place(channel="C0INC", thread="1700000000.000100")


@dataclass
class Room:
    """Everything that a test touches."""

    pool: Pool
    store: PostgresStore
    policy: Rules
    script: Script
    mind: Mind
    conversations: Conversations
    plans: Plans
    drafts: Drafts
    revisions: Revisions
    previews: Previews
    gate: Approvals
    executions: Executions
    operating: Operating
    steps: Steps
    views: Views
    now: datetime
    heard: int = 0

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def say(
        self, text: str = "set the pool to 5", *, actor: Actor = DANA, place: Place = INC
    ) -> DraftId:
        """Hear a sentence; return its request."""
        self.heard += 1
        ts = f"1700000000.{self.heard:06}"
        await self.conversations.hear(place, actor=actor, text=text, ts=ts, addressed=True)
        return DraftId(
            await self.pool.fetchval("SELECT id::text FROM drafts ORDER BY id DESC LIMIT 1")
        )

    async def draft(self, draft_id: DraftId) -> Draft:
        async with self.store.begin() as unit:
            return await unit.drafts.get(draft_id)

    async def planned(
        self,
        *steps: DraftStep,
        context: ContextRef = PROD,
        place: Place = INC,
        actor: Actor = DANA,
    ) -> PlanVersion:
        """A version that waits for its approval."""
        draft = await self.draft(await self.say(actor=actor, place=place))
        version = await self.plans.propose(draft, proposed(*steps, context=context), [])
        assert version is not None
        return version

    async def approve(self, version: PlanVersion, actor: Actor = ANN) -> Decided:
        return await self.gate.decide(
            actor, version.plan_id, version.version, Verdict.APPROVE, surface=Surface.BUTTON
        )

    async def approved(
        self, *steps: DraftStep, context: ContextRef = PROD, place: Place = INC
    ) -> VersionRef:
        version = await self.planned(*steps, context=context, place=place)
        await self.approve(version)
        return VersionRef(plan_id=version.plan_id, version=version.version)

    async def next(self, ref: VersionRef) -> Move:
        return await self.executions.next_move(ref)

    async def work(self, ref: VersionRef, *, moves: int = 40) -> Move:
        """Make calls until there is something to wait for, or nothing."""
        for _ in range(moves):
            move = await self.next(ref)
            if move.kind is not MoveKind.CALL:
                return move
            await asyncio.gather(*(self.steps.perform(one) for one in move.requests))
        raise AssertionError("it goes on for ever")

    async def execution(self, ref: VersionRef) -> Execution:
        async with self.store.begin() as unit:
            found = await unit.executions.of_version(ref.plan_id, ref.version)
        assert found is not None
        return found

    async def state(self, ref: VersionRef) -> VersionState:
        async with self.store.begin() as unit:
            return await unit.plans.state(ref.plan_id, ref.version)

    async def plans_version(self, ref: VersionRef) -> PlanVersion:
        async with self.store.begin() as unit:
            return await unit.plans.version(ref.plan_id, ref.version)

    async def press(self, ref: VersionRef, choice: Choice, actor: Actor = ANN) -> str:
        execution = await self.execution(ref)
        return await self.operating.choose(actor, execution.id, choice)

    async def posts(self, kind: str) -> int:
        return int(await self.pool.fetchval("SELECT count(*) FROM posts WHERE kind = $1", kind))

    async def shown(self) -> None:
        """The surface has caught up."""
        await self.pool.execute("UPDATE posts SET shown = wanted")


def proposed(*steps: DraftStep, context: ContextRef = PROD) -> Proposal:
    return Proposal(title="Pool size 5", context=context, steps=steps or (write(),), planner="test")


def plans(*steps: DraftStep, context: ContextRef = PROD) -> Outcome:
    return Outcome(kind=OutcomeKind.PLAN, proposal=proposed(*steps, context=context))


def write(value: str = "5") -> DraftStep:
    """A write with a probe and a rollback."""
    given = {"path": "settings.yaml", "key": "pool", "value": value, "expected_head": HEAD}
    return DraftStep(
        tool="git", action="set_value", input={"remote": REMOTE, "branch": "main", **given}
    )


def note() -> DraftStep:
    """A write that nothing tells about and nothing undoes."""
    return DraftStep(tool="desk", action="note")


def turn(to: str = "up") -> DraftStep:
    """A write that relies on the level."""
    return DraftStep(tool="desk", action="turn", input={"to": to}, relied={"level": "fine"})


def sync() -> DraftStep:
    """A write that may be repeated."""
    return DraftStep(tool="desk", action="sync")


def level(within: int = 0) -> DraftStep:
    """A check."""
    expect = Expectation(output="level", value="fine", within_seconds=within)
    return DraftStep(tool="desk", action="look", expect=expect)


def look() -> DraftStep:
    return DraftStep(tool="desk", action="look")


@asynccontextmanager
async def open_room(
    database: Database,
    folder: Path,
    *,
    lease: float = 15,
    pace: Pace | None = None,
    at_once: AtOnce | None = None,
    files: Files | None = None,
    limits: Limits = USUAL,
) -> AsyncIterator[Room]:
    """The services on this database; the clock is the test's."""
    pool = await open_pool(database.app_dsn, size=8, statement_timeout=5, connect_timeout=5)

    def clock() -> datetime:
        return room.now

    on = footing(PostgresStore(pool, TENANT), folder, clock, limits)
    store, mind = on.store, Mind()
    outputs = Outputs(store, clock, TENANT, files=files)
    previews = Previews(store, on.tools, on.script, on.policy, clock, limits)
    made = Plans(store, on.tools, on.policy, on.people, on.services, clock, limits)
    room = Room(
        pool=pool,
        store=store,
        policy=on.policy,
        script=on.script,
        mind=mind,
        conversations=Conversations(store, clock, TENANT, {"": PROD}),
        plans=made,
        drafts=drafting(on, mind, made, previews, outputs),
        gate=deciding(on),
        executions=Executions(store, on.guards, clock, pace or Pace()),
        operating=Operating(store, on.policy, clock, limits, Overrides(on.people, on.signer)),
        revisions=Revisions(store, on.tools, clock),
        previews=previews,
        steps=calling(on, outputs, lease, Slots(at_once or AtOnce())),
        views=Views(store, on.people),
        now=datetime.now(UTC),
    )
    try:
        yield room
    finally:
        await asyncio.wait_for(pool.close(), 5)
