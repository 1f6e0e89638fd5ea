"""Rows -> what Slack shall show, by kind of post; read anew each time it is written."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from bot.blocks import findings, home, knowledge, log, note, outcome, plan, preview, problem
from bot.blocks.chart import described
from bot.blocks.home import Spot
from bot.blocks.links import to_message
from bot.blocks.parts import Message
from bot.relay.attaching import attached
from engine.context.charts import chart_png, graph_png
from engine.domain.artifact import Artifact
from engine.domain.charts import Chart
from engine.domain.conversation import Place, Post, PostKind
from engine.domain.graph import Graph
from engine.domain.ids import DraftId, ExecutionId, PersonId, PlanId, ProblemId
from engine.domain.model import Json
from engine.domain.plan import VersionState
from engine.domain.views import FindingsView, LogView, PlanView, ProblemView
from engine.errors import NotFound
from engine.ports import Store

HOME_PLANS = 30
PICTURES = "slack.pictures"


class Views(Protocol):
    """What cards show, put together from rows."""

    async def plan(self, plan_id: PlanId) -> PlanView: ...
    async def execution(self, execution_id: ExecutionId) -> PlanView: ...
    async def log(self, execution_id: ExecutionId) -> LogView: ...
    async def full_log(self, execution_id: ExecutionId) -> LogView: ...
    async def findings(self, draft_id: DraftId) -> FindingsView: ...
    async def problem(self, problem_id: ProblemId) -> ProblemView: ...


class Waiting(Protocol):
    """What waits for somebody, and what holds changes."""

    async def why_not(self, person: PersonId, plan_id: PlanId, number: int) -> str: ...
    async def in_force(self) -> list[str]: ...


class Drawing(Protocol):
    """What pictures show, and what can be asked here."""

    async def charts(self, draft_id: DraftId) -> Sequence[Chart]: ...
    def graph(self, service: str) -> Graph | None: ...
    def examples(self) -> list[str]: ...


class Stored(Protocol):
    """Complete outputs, where they are stored."""

    async def content(self, artifact_id: str) -> tuple[Artifact, AsyncIterator[bytes]]: ...


@dataclass(frozen=True, slots=True)
class File:
    """A text file or a picture that goes into the thread."""

    name: str
    title: str
    content: str | bytes


@dataclass(frozen=True, slots=True)
class Rendered:
    """`version` is the plan version that a card shows; `file` is what does not fit it.

    `working`: whether something is being looked at, where the post tells that.
    """

    message: Message
    version: int = 0
    file: File | None = None
    working: bool | None = None


@dataclass(frozen=True, slots=True)
class Rendering:
    """Each method raises `NotFound` or `Unavailable`. `workspace` is Slack's address of it."""

    views: Views
    store: Store
    drawing: Drawing
    waiting: Waiting
    workspace: str = ""
    stored: Stored | None = None

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
        """App Home of one person: what is open now, and what the person asked for."""
        person = PersonId(str(post.body.get("person") or ""))
        async with self.store.begin() as unit:
            refs = await unit.plans.open_refs()
            mine = await unit.plans.of_requester(person, home.RECENT) if person else []
        plan_ids = list(dict.fromkeys(ref.plan_id for ref in refs))[-HOME_PLANS:]
        plans = {each: await self.views.plan(each) for each in dict.fromkeys([*plan_ids, *mine])}
        return home.home(
            person or None,
            [plans[each] for each in plan_ids],
            await self._spots(list(plans.values())),
            refusals=await self._refusals(person, [plans[each] for each in plan_ids]),
            held=await self.waiting.in_force(),
            recent=[plans[each] for each in mine],
            examples=self.drawing.examples(),
        )

    async def _refusals(self, person: PersonId, plans: Sequence[PlanView]) -> dict[PlanId, str]:
        """Why this person can't approve those that wait; nothing about what can be."""
        found = {
            view.version.plan_id: await self.waiting.why_not(
                person, view.version.plan_id, view.version.version
            )
            for view in plans
            if person and view.state is VersionState.WAITING
        }
        return {plan_id: why for plan_id, why in found.items() if why}

    async def _spots(self, plans: Sequence[PlanView]) -> dict[PlanId, Spot]:
        """Where the threads of these plans are, and their cards."""
        found: dict[PlanId, Spot] = {}
        async with self.store.begin() as unit:
            for view in plans:
                plan_id = view.version.plan_id
                thread = await unit.conversations.get(view.version.conversation_id)
                card = await unit.posts.of(PostKind.PLAN, plan_id)
                address = to_message(self.workspace, card) if card else ""
                found[plan_id] = Spot(thread.place.channel, address)
        return found

    async def file(self, post: Post) -> File:
        """The full log of an execution, or all that a plan would change."""
        if post.body.get("preview"):
            name = f"{post.body['reference']}-v{post.body['version']}"
            text = preview.as_text(name, preview.of(post.body))
            return File(f"{name}-dry-run.txt", f"Dry run of {name}", text)
        if picture := await self._picture(post):
            return picture
        if post.body.get("artifact"):
            return await self._output(post)
        execution_id = str(post.body.get("execution_id") or post.subject)
        view = await self.views.full_log(ExecutionId(execution_id))
        reference = view.execution.reference
        text = log.as_file(list(view.lines))
        return File(f"{reference}.log", f"Full log of {reference}", text)

    async def _output(self, post: Post) -> File:
        """The complete output of a call; packed where it is long."""
        if self.stored is None:
            raise NotFound("Nothing is stored here.")
        artifact, pieces = await self.stored.content(str(post.body["artifact"]))
        view = await self.views.log(ExecutionId(post.subject))
        reference = view.execution.reference
        name, content = await attached(artifact, pieces, reference)
        step = f"step {artifact.source.step} of {reference}"
        return File(f"{reference}-{name}", f"Complete output of {step}", content)

    async def ask_for_pictures(self, post: Post, thread: str, *, drawn: bool) -> None:
        """Once: the service graph below its answer, and the chart that Slack refused to draw."""
        view = await self.views.findings(DraftId(post.subject))
        outcome = view.outcome
        if not view.done or outcome is None:
            return
        wanted: list[dict[str, Json]] = [] if drawn else [{"charts": post.subject}]
        if outcome.graph:
            wanted.append({"graph": outcome.graph})
        place = Place(channel=post.place.channel, thread=thread)
        async with self.store.begin() as unit:
            for body in wanted:
                if await unit.inbox.once(PICTURES, f"{post.id}:{next(iter(body))}"):
                    await unit.posts.want(PostKind.FILE, post.subject, place, body=body)

    async def _picture(self, post: Post) -> File | None:
        """The picture that a file's post asks for; None when it asks for another file."""
        if service := str(post.body.get("graph") or ""):
            graph = self.drawing.graph(service)
            if graph is None:
                raise NotFound(f"{service} is not in the service graph any more")
            title = f"What depends on {service}, and what it needs"
            return File(f"{service}.png", title, await asyncio.to_thread(graph_png, graph))
        if draft_id := str(post.body.get("charts") or ""):
            found = await self.drawing.charts(DraftId(draft_id))
            if not found:
                raise NotFound("There is nothing to draw")
            first = found[0]
            title = f"[{first.number}] {described(first)}"
            return File("chart.png", title, await asyncio.to_thread(chart_png, first))
        return None

    async def _plan(self, post: Post) -> Rendered:
        view = await self.views.plan(PlanId(post.subject))
        version = view.version
        name = f"{version.reference}-v{version.version}"
        text = plan.overflow(view)
        file = File(f"{name}.txt", f"The whole plan {name}", text) if text else None
        links = await self._links(view)
        return Rendered(plan.card(view, links), version=version.version, file=file)

    async def _links(self, view: PlanView) -> dict[int, str]:
        """Where the results of a plan are shown, by the numbers that its reason cites."""
        found: dict[int, str] = {}
        async with self.store.begin() as unit:
            for draft_id in dict.fromkeys(each.draft_id for each in view.evidence):
                shown = await unit.posts.of(PostKind.FINDINGS, draft_id)
                address = to_message(self.workspace, shown) if shown else ""
                mine = (each.number for each in view.evidence if each.draft_id == draft_id)
                found |= dict.fromkeys(mine, address)
        return found

    async def _log(self, post: Post) -> Rendered:
        return Rendered(log.log(await self.views.log(ExecutionId(post.subject))))

    async def _problem(self, post: Post) -> Rendered:
        return Rendered(problem.card(await self.views.problem(ProblemId(post.subject))))

    async def _findings(self, post: Post) -> Rendered:
        view = await self.views.findings(DraftId(post.subject))
        return Rendered(findings.findings(view), working=not view.done)

    async def _outcome(self, post: Post) -> Rendered:
        if post.body.get("text"):
            return await self._note(post)
        view = await self.views.execution(ExecutionId(post.subject))
        return Rendered(outcome.outcome(view, since(post)))

    async def _note(self, post: Post) -> Rendered:
        if plan_id := post.body.get("plan_id"):
            view = await self.views.plan(PlanId(str(plan_id)))
            asked = since(post)
            return Rendered(outcome.reminder(view, asked) if asked else outcome.outcome(view))
        if post.body.get("document"):
            return Rendered(knowledge.document(post.body))
        return Rendered(note.note(post.body))


def since(post: Post) -> datetime | None:
    """The moment that a reminder tells."""
    given = post.body.get("since")
    return datetime.fromtimestamp(float(str(given)), UTC) if given else None
