"""Rows -> what Slack shall show, by kind of post; read anew each time it is written."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bot.blocks import findings, home, log, note, outcome, plan, preview, problem
from bot.blocks.parts import Message
from engine.domain.conversation import Post, PostKind
from engine.domain.ids import DraftId, ExecutionId, PersonId, PlanId, ProblemId
from engine.domain.views import FindingsView, LogView, PlanView, ProblemView
from engine.ports import Store

HOME_PLANS = 30


class Views(Protocol):
    """What cards show, put together from rows."""

    async def plan(self, plan_id: PlanId) -> PlanView: ...
    async def execution(self, execution_id: ExecutionId) -> PlanView: ...
    async def log(self, execution_id: ExecutionId) -> LogView: ...
    async def full_log(self, execution_id: ExecutionId) -> LogView: ...
    async def findings(self, draft_id: DraftId) -> FindingsView: ...
    async def problem(self, problem_id: ProblemId) -> ProblemView: ...


@dataclass(frozen=True, slots=True)
class File:
    """A text file that goes into the thread."""

    name: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """`version` is the plan version that a card shows; `file` is what does not fit it."""

    message: Message
    version: int = 0
    file: File | None = None


@dataclass(frozen=True, slots=True)
class Rendering:
    """Each method raises `NotFound` or `Unavailable`."""

    views: Views
    store: Store

    async def message(self, post: Post) -> Rendered:
        """The message of a post."""
        kinds: dict[PostKind, Callable[[Post], Awaitable[Rendered]]] = {
            PostKind.PLAN: self._plan,
            PostKind.LOG: self._log,
            PostKind.PROBLEM: self._problem,
            PostKind.FINDINGS: self._findings,
            PostKind.OUTCOME: self._outcome,
            PostKind.NOTE: self._note,
            PostKind.WHISPER: self._note,
        }
        return await kinds[post.kind](post)

    async def home(self, post: Post) -> dict[str, Any]:
        """App Home of one person: what is open now."""
        async with self.store.begin() as unit:
            refs = await unit.plans.open_refs()
        plan_ids = list(dict.fromkeys(ref.plan_id for ref in refs))[-HOME_PLANS:]
        plans = [await self.views.plan(plan_id) for plan_id in plan_ids]
        person = str(post.body.get("person") or "")
        return home.home(
            PersonId(person) if person else None,
            plans,
            await self._channels(plans),
            mention=str(post.body.get("mention") or ""),
        )

    async def _channels(self, plans: Sequence[PlanView]) -> dict[PlanId, str]:
        """Where the threads of these plans are."""
        async with self.store.begin() as unit:
            return {
                view.version.plan_id: (
                    await unit.conversations.get(view.version.conversation_id)
                ).place.channel
                for view in plans
            }

    async def file(self, post: Post) -> File:
        """The full log of an execution, or all that a plan would change."""
        if post.body.get("preview"):
            name = f"{post.body['reference']}-v{post.body['version']}"
            text = preview.as_text(name, preview.of(post.body))
            return File(f"{name}-dry-run.txt", f"Dry run of {name}", text)
        execution_id = str(post.body.get("execution_id") or post.subject)
        view = await self.views.full_log(ExecutionId(execution_id))
        reference = view.execution.reference
        text = log.as_file(list(view.lines))
        return File(f"{reference}.log", f"Full log of {reference}", text)

    async def _plan(self, post: Post) -> Rendered:
        view = await self.views.plan(PlanId(post.subject))
        version = view.version
        name = f"{version.reference}-v{version.version}"
        text = plan.overflow(view)
        file = File(f"{name}.txt", f"The whole plan {name}", text) if text else None
        return Rendered(plan.card(view), version=version.version, file=file)

    async def _log(self, post: Post) -> Rendered:
        return Rendered(log.log(await self.views.log(ExecutionId(post.subject))))

    async def _problem(self, post: Post) -> Rendered:
        return Rendered(problem.card(await self.views.problem(ProblemId(post.subject))))

    async def _findings(self, post: Post) -> Rendered:
        return Rendered(findings.findings(await self.views.findings(DraftId(post.subject))))

    async def _outcome(self, post: Post) -> Rendered:
        if post.body.get("text"):
            return await self._note(post)
        return Rendered(outcome.outcome(await self.views.execution(ExecutionId(post.subject))))

    async def _note(self, post: Post) -> Rendered:
        return Rendered(note.note(post.body))
