"""An engine for tests: real database, policy, registry and keys; tools and planner are scripted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from engine.context.services import ServiceFile
from engine.domain.actor import Actor, Surface
from engine.domain.approval import Decided, Verdict
from engine.domain.call import Call, CallResult, Ending, Expectation
from engine.domain.context import ContextRef
from engine.domain.conversation import Place
from engine.domain.draft import Briefing, Draft, Outcome, OutcomeKind, Reading
from engine.domain.execution import Choice, Execution
from engine.domain.ids import DraftId, Tenant
from engine.domain.move import Move, MoveKind
from engine.domain.plan import DraftStep, PlanVersion, Proposal, VersionRef, VersionState
from engine.domain.policy import Question, Ruling
from engine.domain.questions import Limits
from engine.errors import Unavailable
from engine.feed.quiet import NoFeed
from engine.llm.playbooks import checked_title
from engine.policy.rego import RegoPolicy
from engine.ports import Clock, Files, OnLine
from engine.secrets.keys import FileSigner, make_keys
from engine.secrets.published import FileVerifier
from engine.services.approvals import Approvals
from engine.services.authority import Authority, loaded
from engine.services.conversations import Conversations
from engine.services.drafts import Drafts
from engine.services.drift import Drift
from engine.services.executions import Executions
from engine.services.glass import GlassAlarm
from engine.services.guards import Guards
from engine.services.knowledge import Knowledge
from engine.services.loglines import LogLines
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
from engine.tools.registry import ToolRegistry
from tests.conftest import Database
from tests.unit.governing import ANN, DANA, POLICIES, PROD, People

REMOTE = "https://git.example/shop-config.git"
HEAD = "a" * 40
NEW = "b" * 40
UNDONE = "c" * 40
TENANT = Tenant("default")
USUAL = Limits()
STAGING = PROD.model_copy(update={"environment": "staging"})
INC = Place(channel="C0INC", thread="1700000000.000100")
SERVICES = "services: [{name: checkout, owners: [shop-owners]}, {name: cart}]"
DESK = """
tool: desk
title: Desk
transport: api
actions:
  look:
    title: Look
    effect: read
    request: {path: /level}
    outputs:
      level: {path: level}
  note:
    title: Note
    effect: write
    request: {method: POST, path: /note}
    outputs:
      id: {path: id}
  turn:
    title: "Turn to {to}"
    effect: write
    reversible: true
    input:
      to: {type: word}
    request: {method: POST, path: /turn, body: {to: "{to}"}}
    relies: {action: look, input: {}, outputs: [level]}
    rollback: {action: turn, input: {to: back}}
  sync:
    title: Sync
    effect: write
    idempotent: true
    request: {method: POST, path: /sync}
"""

Reply = CallResult | Callable[[], Awaitable[CallResult]] | Exception


def good(**outputs: str) -> CallResult:
    return CallResult(ending=Ending.SUCCEEDED, outputs=outputs, message="done")


def bad(message: str = "it broke") -> CallResult:
    return CallResult(ending=Ending.FAILED, message=message)


def unsure(message: str = "stopped while it ran") -> CallResult:
    return CallResult(ending=Ending.UNKNOWN, message=message)


WROTE = good(commit=NEW, previous_head=HEAD)
UNDID = good(commit=UNDONE, previous_head=NEW)
USUALLY = {
    "git.head": good(head=HEAD),
    "git.set_value": WROTE,
    "git.undo_commit": UNDID,
    "git.find_mark": good(found="no"),
    "desk.look": good(level="fine"),
}


@dataclass
class Script:
    """The `Runner` port: the replies of an action in order, the last one for ever."""

    replies: dict[str, list[Reply]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: int = 0

    def says(self, name: str, *replies: Reply) -> None:
        self.replies[name] = list(replies)

    async def run(self, call: Call, outputs: dict[str, str], on_line: OnLine) -> CallResult:
        self.calls.append(call.name)
        replies = self.replies.get(call.name, [good()])
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, CallResult):
            await on_line(f"{call.name} ran")
            return reply
        self.started.set()
        try:
            return await reply()
        except asyncio.CancelledError:
            self.stopped += 1
            raise


@dataclass
class Slow:
    """A tool that ends when it is let."""

    result: CallResult
    let: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> CallResult:
        await self.let.wait()
        return self.result


async def for_ever() -> CallResult:
    """A tool that prints nothing and does not end."""
    await asyncio.Event().wait()
    raise AssertionError


@dataclass
class Mind:
    """The `Planner` port: what it wants to read and what it answers."""

    wants: list[Reading] = field(default_factory=list)
    answers: list[Outcome] = field(default_factory=list)
    asked: int = 0
    seen: list[Briefing] = field(default_factory=list)
    name: str = "scripted"

    async def readings(self, briefing: Briefing) -> Sequence[Reading]:
        return self.wants

    async def plan(self, briefing: Briefing) -> Outcome:
        self.asked += 1
        self.seen.append(briefing)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@dataclass
class Rules:
    """The real policy, that can be away."""

    rego: RegoPolicy
    away: bool = False

    async def ask(self, question: Question) -> Ruling:
        if self.away:
            raise Unavailable("policy", "The policy does not answer.")
        return await self.rego.ask(question)


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


@dataclass(frozen=True)
class Footing:
    """What the services of a room stand on."""

    store: PostgresStore
    tools: ToolRegistry
    policy: Rules
    script: Script
    people: People
    services: ServiceFile
    signer: FileSigner
    verifier: FileVerifier
    guards: Guards
    clock: Clock
    limits: Limits


def footing(store: PostgresStore, folder: Path, clock: Clock, limits: Limits) -> Footing:
    """Real adapters, but for what is outside: its answers are the script's."""
    keys = make_keys(folder / "keys")
    tools_folder = folder / "tools"
    tools_folder.mkdir()
    (tools_folder / "desk.yaml").write_text(DESK)
    tools = ToolRegistry.load(
        tools_folder, connections={"desk": "https://desk.example"}, remotes=(REMOTE,)
    )
    policy, script, verifier = Rules(RegoPolicy([POLICIES])), Script(), FileVerifier(keys.public)
    for action, answer in USUALLY.items():
        script.says(action, answer)
    return Footing(
        store=store,
        tools=tools,
        policy=policy,
        script=script,
        people=People(),
        services=ServiceFile.parse(SERVICES),
        signer=FileSigner(keys.private),
        verifier=verifier,
        guards=Guards(policy, Authority(verifier), limits),
        clock=clock,
        limits=limits,
    )


def drafting(on: Footing, mind: Mind, plans: Plans, previews: Previews, outputs: Outputs) -> Drafts:
    """From a sentence to a version, as the mind says."""
    return Drafts(
        on.store,
        on.tools,
        on.script,
        mind,
        on.policy,
        on.people,
        plans,
        previews,
        on.clock,
        on.limits,
        Knowledge(on.store, on.clock, TENANT, on.services, checked_title),
        outputs,
    )


def deciding(on: Footing) -> Approvals:
    """The gate."""
    return Approvals(
        on.store,
        on.policy,
        on.people,
        on.signer,
        on.verifier,
        on.clock,
        on.limits,
        on.guards.holds,
        GlassAlarm(on.people),
        partial(loaded, on.tools),
    )


def calling(on: Footing, outputs: Outputs, lease: float, slots: Slots) -> Steps:
    """The worker's part."""
    return Steps(
        on.store,
        on.tools,
        on.script,
        on.guards,
        Authority(on.verifier),
        LogLines(on.store, NoFeed(), on.clock, outputs),
        on.clock,
        lease,
        "worker-1",
        slots,
        Drift(on.script, on.policy, on.clock, on.limits),
    )


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
