"""Puts together what a card shows, from rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from engine.domain.call import Effect
from engine.domain.conversation import PostKind
from engine.domain.draft import DraftState, Evidence
from engine.domain.execution import Execution, ExecutionState, StepRecord, StepState
from engine.domain.expectation import short, told
from engine.domain.ids import DraftId, ExecutionId, PersonId, PlanId, ProblemId
from engine.domain.plan import PlanVersion, Step
from engine.domain.questions import Limits
from engine.domain.quorum import quorum
from engine.domain.reminding import Nudge
from engine.domain.session import Session, Viewer
from engine.domain.views import FindingsView, LogView, PlanView, ProblemView
from engine.ports import Clock, Directory, Store, Unit
from engine.services.guards import NEVER, Holds
from engine.services.revisions import again_of

LAST_LINES = 30
USUAL = Limits()
# What was read longer before a version was drafted is not what it changed.
BEFORE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Views:
    """Reads only; each method is one transaction. Raises `NotFound`.

    `blind` is what can't be looked at here, with the reason; told with an answer that looked.
    """

    store: Store
    directory: Directory
    blind: tuple[str, ...] = ()
    limits: Limits = USUAL
    holds: Holds = NEVER
    clock: Clock = field(default=partial(datetime.now, UTC))

    async def plan(self, plan_id: PlanId) -> PlanView:
        """The plan's current version with its decisions and its execution."""
        async with self.store.begin() as unit_:
            version = await unit_.plans.current(plan_id)
            number = version.version
            state = await unit_.plans.state(plan_id, number)
            reason = await unit_.plans.state_reason(plan_id, number)
            signed = await unit_.approvals.of(plan_id, number)
            execution = await unit_.executions.of_version(plan_id, number)
            evidence = await unit_.drafts.evidence_by_id(version.evidence)
            holds = await self.holds.on(unit_, version, self.clock()) if not state.ended else ()
            again = await again_of(unit_, version)
            nudges = await unit_.reminders.of(plan_id, number)
            session = await unit_.sessions.get(version.session) if version.session else None
        count = quorum(version, signed)
        return PlanView(
            version=version,
            state=state,
            reason=reason,
            approvals=tuple(signed),
            have=count.have,
            need=count.need,
            missing=count.missing,
            approvers=await self._approvers(version, session, count.approvers),
            groups=await self._groups(version),
            execution=execution,
            evidence=tuple(evidence),
            effects=effects(version, execution, evidence) if execution else (),
            holds=holds,
            stage=self.limits.stage_of(version.context),
            again=again,
            nudges=tuple(nudges),
            called=await self._called(nudges),
            session=f"{session.name}, opened by {session.owner_name}" if session else "",
        )

    async def log(self, execution_id: ExecutionId) -> LogView:
        """The end of an execution's log."""
        async with self.store.begin() as unit_:
            execution = await unit_.executions.get(execution_id)
            lines = await unit_.executions.last_lines(execution_id, LAST_LINES)
            total = await unit_.executions.count_lines(execution_id)
            waiting = await unit_.artifacts.waiting(execution_id)
        return LogView(execution=execution, lines=tuple(lines), total=total, waiting=waiting)

    async def full_log(self, execution_id: ExecutionId) -> LogView:
        """The whole log; an execution's output is bounded where it is made."""
        async with self.store.begin() as unit_:
            execution = await unit_.executions.get(execution_id)
            total = await unit_.executions.count_lines(execution_id)
            lines = await unit_.executions.lines(execution_id, limit=max(1, total))
        return LogView(execution=execution, lines=tuple(lines), total=total)

    async def execution(self, execution_id: ExecutionId) -> PlanView:
        """The plan view of an execution's plan."""
        async with self.store.begin() as unit_:
            execution = await unit_.executions.get(execution_id)
        return await self.plan(execution.plan_id)

    async def findings(self, draft_id: DraftId) -> FindingsView:
        """What was looked at for a request, and what came of it."""
        async with self.store.begin() as unit_:
            draft = await unit_.drafts.get(draft_id)
            evidence = await unit_.drafts.evidence(draft_id)
            outcome = await unit_.drafts.outcome(draft_id)
            seconds = await unit_.drafts.seconds(draft_id)
        return FindingsView(
            draft=draft,
            evidence=tuple(evidence),
            outcome=outcome,
            missing=self.blind if evidence else (),
            done=draft.state is not DraftState.OPEN,
            seconds=seconds,
        )

    async def problem(self, problem_id: ProblemId) -> ProblemView:
        """A problem with the plan that was drafted for it, if any."""
        async with self.store.begin() as unit_:
            problem = await unit_.problems.get(problem_id)
            if problem.conversation_id is None:
                return ProblemView(problem=problem)
            conversation = await unit_.conversations.get(problem.conversation_id)
            if conversation.plan_id is None:
                return ProblemView(problem=problem, place=conversation.place)
            return await self._with_plan(unit_, problem_id, conversation.plan_id)

    async def _with_plan(self, unit_: Unit, problem_id: ProblemId, plan_id: PlanId) -> ProblemView:
        problem = await unit_.problems.get(problem_id)
        version = await unit_.plans.current(plan_id)
        post = await unit_.posts.of(PostKind.PROBLEM, problem_id)
        return ProblemView(
            problem=problem,
            place=post.place if post else None,
            plan_reference=version.reference,
            plan_state=await unit_.plans.state(plan_id, version.version),
        )

    async def _approvers(
        self, version: PlanVersion, session: Session | None, done: Sequence[PersonId]
    ) -> tuple[str, ...]:
        """Tokens of who may still approve.

        Not the requester and editors of a write, nobody outside the session, nobody twice.
        """
        barred = {*done, *((version.requester, *version.editors) if version.writes else ())}
        found: dict[str, None] = {}
        for group in asked(version):
            for actor in await self.directory.members(group):
                admitted = session is None or session.admits(Viewer.of(actor))
                if actor.id not in barred and actor.account and admitted:
                    found[f"{{@{actor.account}}}"] = None
        return tuple(found)

    async def _called(self, nudges: Sequence[Nudge]) -> tuple[str, ...]:
        told = dict.fromkeys(name for one in nudges for name in one.told)
        return tuple([await self.directory.mention(group) for group in told])

    async def _groups(self, version: PlanVersion) -> tuple[str, ...]:
        return tuple([await self.directory.mention(group) for group in asked(version)])


def asked(version: PlanVersion) -> tuple[str, ...]:
    """The groups that the requirements name, each once."""
    return tuple(dict.fromkeys(one for group in version.requirements.groups for one in group))


def effects(
    version: PlanVersion, execution: Execution, evidence: Sequence[Evidence]
) -> tuple[str, ...]:
    """What changed, from recorded outputs: measured facts first, then what was written.

    After a rollback nothing is left changed; what was checked then is told instead.
    """
    if execution.state is ExecutionState.ROLLED_BACK:
        return checked_again(version, execution)
    before = [each for each in evidence if version.created_at - each.at <= BEFORE]
    measured: list[str] = []
    written: list[str] = []
    for step, record in zip(version.steps, execution.steps, strict=True):
        if step.expect is not None and record.state is StepState.SUCCEEDED:
            measured += difference(step, record, before)
        if step.effect is not Effect.READ and record.state is StepState.SUCCEEDED:
            written += moved(step, record)
    return (*measured, *written)


def checked_again(version: PlanVersion, execution: Execution) -> tuple[str, ...]:
    """`Checked again: error rate 0.4 % (limit 5 %), held 60 s`, for each check after a rollback."""
    said = [
        record.rollback_message
        for step, record in zip(version.steps, execution.steps, strict=True)
        if step.expect is not None and record.rollback_message
    ]
    return tuple(f"Checked again: {each}" for each in said)


def difference(step: Step, record: StepRecord, evidence: Sequence[Evidence]) -> list[str]:
    """`Error rate 37 % -> 0.4 %`, when the same was read before; nothing for texts."""
    expect = step.expect
    assert expect is not None
    after = record.outputs.get(expect.output, "")
    before = next(
        (
            item.facts[expect.output]
            for item in evidence
            if (item.tool, item.action) == (step.call.tool, step.call.action)
            and expect.output in item.facts
            and item.input == step.call.input
        ),
        "",
    )
    if not before or not numeric(before) or not numeric(after):
        return []
    name = (expect.label or expect.output).capitalize()
    return [f"{name} {told(before, expect.unit)} -> {told(after, expect.unit)}"]


def moved(step: Step, record: StepRecord) -> list[str]:
    """`shop-config 9f3c1e2 -> 4b1d0aa`, for writes that tell both ends."""
    before, after = record.outputs.get("previous_head", ""), record.outputs.get("commit", "")
    if not before or not after:
        return []
    remote = str(step.call.input.get("remote", "")).rstrip("/").rsplit("/", 1)[-1]
    name = remote.removesuffix(".git") or step.call.tool
    return [f"Changed: {name} {short(before)} -> {short(after)}"]


def numeric(value: str) -> bool:
    """Whether a fact is a plain decimal."""
    return value.replace(".", "", 1).replace("-", "", 1).isdigit()
