"""The verbs of executions and plans: what buttons do, for programs and people with a token."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Protocol

from aiohttp import web
from pydantic import Field

from bot.http import bodies
from bot.http.answers import answer
from bot.http.reading import checked, content
from bot.http.records import wanted
from bot.http.tokens import require_scope
from engine.domain.actor import Actor, ActorKind, Surface
from engine.domain.execution import Choice, Execution
from engine.domain.ids import DraftId, PlanId
from engine.domain.model import Json, Model
from engine.errors import NotFound
from engine.ports import Store
from engine.services.operating import Operating
from engine.services.steering import Steering

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SCOPE = "execution.operate"
OF_EXECUTION = (
    Choice.PAUSE,
    Choice.RESUME,
    Choice.CANCEL,
    Choice.HOLD,
    Choice.ROLL_BACK,
    Choice.KEEP,
    Choice.ACKNOWLEDGE,
)
OF_STEP = (Choice.RETRY, Choice.SKIP, Choice.MARK_DONE)
STEPS_AT_MOST = 1000


class Why(Model):
    """What may be said with a withdrawal; the body may be left out."""

    reason: Annotated[str, Field(max_length=500)] = ""


class Again(Protocol):
    """`engine.services.revisions.Revisions`."""

    async def again(self, actor: Actor, plan_id: PlanId, number: int) -> DraftId: ...


@dataclass(frozen=True, slots=True)
class Verbs:
    """Pressing twice changes nothing; what can't be done any more is 409, with how it stands."""

    store: Store
    operating: Operating
    steering: Steering
    revisions: Again

    def routes(self) -> tuple[tuple[str, str, Handler], ...]:
        """Their paths."""
        of_steps = "/v1/executions/{id}/steps/{step}"
        return (
            *(
                ("POST", f"/v1/executions/{{id}}:{one.value}", partial(self.choose, one))
                for one in OF_EXECUTION
            ),
            *(("POST", f"{of_steps}:{one.value}", partial(self.choose, one)) for one in OF_STEP),
            ("POST", "/v1/executions/{id}:run-again", self.again),
            ("POST", "/v1/plans/{id}:execute", self.execute),
            ("POST", "/v1/plans/{id}:withdraw", self.withdraw),
            ("POST", "/v1/plans/{id}:cancel", self.cancel),
        )

    async def choose(self, choice: Choice, request: web.Request) -> web.Response:
        """Tell an execution what to do; it is acted on a moment later."""
        actor = await operator(request, self.store)
        execution = await self._named(request)
        said = await self.operating.choose(
            actor, execution.id, choice, step=numbered(request, execution)
        )
        return answer(await self._shown(execution, said), status=202)

    async def again(self, request: web.Request) -> web.Response:
        """The same steps once more, as a plan of its own that waits for approvals of its own."""
        actor = await require_scope(request, self.store, "plan.create")
        execution = await self._named(request)
        draft_id = await self.revisions.again(actor, execution.plan_id, execution.version)
        response = answer({"draft_id": draft_id}, status=202)
        response.headers["Location"] = f"/v1/drafts/{draft_id}"
        return response

    async def execute(self, request: web.Request) -> web.Response:
        """Start what is approved; a version that was started answers its execution."""
        actor = await operator(request, self.store)
        plan_id = await self._plan(request)
        return await self._stands(plan_id, await self.steering.execute(actor, plan_id))

    async def withdraw(self, request: web.Request) -> web.Response:
        """Take back what the caller has asked for."""
        actor = programmed(await require_scope(request, self.store, "plan.create"), "plan.create")
        why = checked(Why, await content(request)) if request.can_read_body else Why()
        plan_id = await self._plan(request)
        said = await self.steering.withdraw(actor, plan_id, surface=Surface.API, reason=why.reason)
        return await self._stands(plan_id, said)

    async def cancel(self, request: web.Request) -> web.Response:
        """Withdraw what has not started, stop what has."""
        actor = await operator(request, self.store)
        plan_id = await self._plan(request)
        return await self._stands(plan_id, await self.steering.cancel(actor, plan_id))

    async def _plan(self, request: web.Request) -> PlanId:
        async with self.store.begin() as unit:
            return await unit.plans.find(wanted(request, "plan"))

    async def _named(self, request: web.Request) -> Execution:
        async with self.store.begin() as unit:
            found = await unit.executions.find(wanted(request, "execution"))
            return await unit.executions.get(found)

    async def _shown(self, execution: Execution, said: str) -> dict[str, Json]:
        async with self.store.begin() as unit:
            return {**bodies.execution(await unit.executions.get(execution.id)), "said": said}

    async def _stands(self, plan_id: PlanId, said: str) -> web.Response:
        stood = await self.steering.stands(plan_id)
        ran = stood.execution
        body: dict[str, Json] = {
            **bodies.short(stood.version, stood.state),
            "said": said,
            "execution": bodies.execution(ran) if ran else None,
        }
        return answer(body)


async def operator(request: web.Request, store: Store) -> Actor:
    """Who may operate: a person, whose groups decide, or a program with the scope."""
    return programmed(await require_scope(request, store, SCOPE), SCOPE)


def programmed(actor: Actor, scope: str) -> Actor:
    """A program, with the scope for which it was let in: the policy decides by it."""
    if actor.kind is ActorKind.PERSON:
        return actor
    return actor.model_copy(update={"scopes": (scope,)})


def numbered(request: web.Request, execution: Execution) -> int | None:
    """The step of the path; None where the execution as a whole is meant. Raises `NotFound`."""
    given = request.match_info.get("step")
    if given is None:
        return None
    if not given.isdecimal() or not 1 <= int(given[:6]) <= min(len(execution.steps), STEPS_AT_MOST):
        raise NotFound(f"{execution.reference} has no step {given[:20]}.")
    return int(given)
