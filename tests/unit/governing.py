"""A small world for tests of the gate: people, a plan version, and a store in memory."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from engine.domain.actor import Account, Actor
from engine.domain.approval import Signed
from engine.domain.audit import AuditEvent
from engine.domain.call import Call, Effect, Expectation, Probe, Risk
from engine.domain.context import ContextRef
from engine.domain.conversation import Conversation, Place, Post, PostKind
from engine.domain.digest import digest
from engine.domain.freeze import Freeze
from engine.domain.glass import Use
from engine.domain.ids import ConversationId, PersonId, PlanId, Tenant
from engine.domain.plan import (
    PlanVersion,
    Requirements,
    Step,
    StepKind,
    VersionRef,
    VersionState,
)
from engine.domain.questions import Limits
from engine.errors import NotFound
from engine.policy.rego import RegoPolicy
from engine.ports import Policy, Unit
from engine.secrets.keys import FileSigner, make_keys
from engine.secrets.published import FileVerifier
from engine.services.approvals import Approvals
from engine.services.glass import GlassAlarm
from engine.services.guards import Holds

POLICIES = Path(__file__).parents[2] / "policies"
NOW = datetime(2026, 11, 22, 14, 9, tzinfo=UTC)
PLAN = PlanId("01998f00-0000-7000-8000-000000000001")
PROD = ContextRef(environment="prod", cluster="eu-1", namespace="shop", service="checkout")
DEFINITION = "d" * 64


def person(name: str, *groups: str) -> Actor:
    account = f"slack:T0LOCAL:U0{name.upper()}"
    return Actor(
        id=PersonId(name),
        name=name.capitalize(),
        groups=groups,
        slack_id=f"U0{name.upper()}",
        account=account,
    )


DANA = person("dana", "shop")
ANN = person("ann", "sre")
BO = person("bo", "sre", "shop-owners")
CY = person("cy", "security")
PEOPLE = (DANA, ANN, BO, CY)


def call(action: str = "revert_commit", effect: Effect = Effect.WRITE, **given: str) -> Call:
    return Call(
        tool="git",
        action=action,
        title=f"git {action}",
        effect=effect,
        input={"remote": "shop-config", "branch": "main", **given},
        transport="cli",
        commands=(("git", "clone", "shop-config", "."), ("git", action)),
        files={"patch": "f" * 64},
        environment=("GIT_TOKEN",),
        hosts=("git.example",),
        definition=DEFINITION,
    )


def step(number: int = 1, *, effect: Effect = Effect.WRITE, undo: bool = True) -> Step:
    look = Probe(
        call=call("find_mark", Effect.READ), expect=Expectation(output="found", value="yes")
    )
    return Step(
        number=number,
        kind=StepKind.ACT,
        title="Revert",
        call=call(effect=effect),
        probe=look,
        rollback=call(commit=f"{{steps.{number}.commit}}") if undo else None,
        rollback_probe=look if undo else None,
    )


def version(**changes: Any) -> PlanVersion:
    """A medium-risk change of checkout in prod that Dana asked for; sealed with its digest."""
    made = PlanVersion(
        tenant=Tenant("default"),
        plan_id=PLAN,
        reference="P-1042",
        version=1,
        conversation_id=ConversationId("01998f00-0000-7000-8000-0000000000c0"),
        requester=DANA.id,
        requester_name="Dana",
        intent="fix checkout",
        title="Checkout has its old pool size again",
        context=PROD,
        requirements=Requirements(people=1, groups=(("sre",),), within_seconds=4 * 3600),
        decide_before=NOW + timedelta(hours=4),
        start_before=NOW + timedelta(hours=5),
        steps=(step(),),
        risk=Risk.MEDIUM,
        created_at=NOW,
    ).model_copy(update=changes)
    return made.model_copy(update={"digest": digest(made)})


@dataclass
class Memory:
    """Plans, approvals, posts, audit and jobs in memory; one transaction at a time."""

    versions: dict[int, PlanVersion] = field(default_factory=dict)
    states: dict[int, VersionState] = field(default_factory=dict)
    signed: list[Signed] = field(default_factory=list)
    audited: list[AuditEvent] = field(default_factory=list)
    jobs_added: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    shown: Post | None = None
    touched: int = 0
    freezes: list[Freeze] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    wanted: list[tuple[PostKind, Place, dict[str, Any]]] = field(default_factory=list)
    posted: list[PostKind] = field(default_factory=list)

    def put(self, made: PlanVersion, state: VersionState = VersionState.WAITING) -> PlanVersion:
        self.versions[made.version] = made
        self.states[made.version] = state
        return made

    def show(self, number: int, at: str) -> None:
        """The card shows this version since then."""
        self.shown = Post(
            id="post",
            tenant=Tenant("default"),
            kind=PostKind.PLAN,
            subject=PLAN,
            place=Place(channel="C0INC", thread="1"),
            shown_version=number,
            shown_at=at,
            created_at=NOW,
        )

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Unit]:
        yield cast(Unit, MemoryUnit(self))

    async def receive(self, **_: object) -> bool:
        raise AssertionError("the gate stores no arrivals")


class MemoryUnit:
    """What the gate needs of a transaction."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.plans = self.approvals = self.posts = self.audit = self.jobs = self
        self.conversations = self.inbox = self.freezes = self.break_glass = self

    async def lock(self, plan_id: PlanId) -> int:
        if plan_id != PLAN:
            raise NotFound("There is no such plan.")
        return max(self._memory.versions)

    async def version(self, plan_id: PlanId, version: int) -> PlanVersion:
        if version not in self._memory.versions:
            raise NotFound("There is no such plan version.")
        return self._memory.versions[version]

    async def state(self, plan_id: PlanId, version: int) -> VersionState:
        return self._memory.states[version]

    async def move(
        self, ref: VersionRef, *, frm: Sequence[VersionState], to: VersionState, reason: str = ""
    ) -> bool:
        if self._memory.states[ref.version] not in frm:
            return False
        self._memory.states[ref.version] = to
        return True

    async def add(self, what: Any, payload: Any = None, *, key: str | None = None) -> None:
        if isinstance(what, Use):
            self._memory.uses.append(what)
        elif isinstance(what, Signed):
            self._memory.signed.append(Signed.model_validate_json(what.model_dump_json()))
        else:
            self._memory.jobs_added.append((what, payload))

    async def of(self, first: Any, second: Any) -> Any:
        if first is PostKind.PLAN:
            return self._memory.shown
        return [one for one in self._memory.signed if one.statement.version == second]

    async def get(self, conversation_id: ConversationId) -> Conversation:
        return Conversation(
            id=conversation_id,
            tenant=Tenant("default"),
            place=Place(channel="C0INC", thread="1"),
            created_at=NOW,
        )

    async def once(self, source: str, key: str) -> bool:
        return True

    async def current(self, plan_id: PlanId) -> PlanVersion:
        return self._memory.versions[await self.lock(plan_id)]

    async def open(self, now: datetime) -> list[Freeze]:
        return self._memory.freezes

    async def want(self, kind: PostKind, subject: str, place: Place, **more: Any) -> str:
        self._memory.wanted.append((kind, place, more.get("body", {})))
        self._memory.posted.append(kind)
        return "post"

    async def touch(self, subject: str, *kinds: PostKind, urgent: bool = False) -> None:
        self._memory.touched += 1

    async def record(self, event: AuditEvent) -> None:
        self._memory.audited.append(event)


class People:
    """The `Directory` port over a few people."""

    def __init__(self, *people: Actor) -> None:
        self.people = {one.id: one for one in people or PEOPLE}

    async def person(self, account: Account) -> Actor | None:
        return None

    async def by_id(self, person_id: PersonId) -> Actor | None:
        return self.people.get(person_id)

    async def members(self, group: str) -> list[Actor]:
        return [one for one in self.people.values() if group in one.groups]

    async def mention(self, group: str) -> str:
        return f"{{@group:{group}}}"


@dataclass
class Hall:
    """The gate with everything that it needs."""

    gate: Approvals
    memory: Memory
    clock: list[datetime]


def open_hall(
    folder: Path, *, memory: Memory | None = None, policy: Policy | None = None, **limits: Any
) -> Hall:
    keys = make_keys(folder)
    memory = memory or Memory()
    clock = [NOW]
    gate = Approvals(
        store=memory,
        policy=policy or RegoPolicy([POLICIES]),
        directory=People(),
        signer=FileSigner(keys.private),
        verifier=FileVerifier(keys.public),
        clock=lambda: clock[0],
        limits=Limits(**limits),
        holds=Holds(),
        glass=GlassAlarm(People(), "C0OPS"),
        genuine=lambda _: True,
    )
    return Hall(gate, memory, clock)
