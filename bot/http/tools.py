"""`/v1/tools` and `/v1/tool-calls`: what can be done, reads at once, writes as a drafted step."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints, ValidationError

from bot.http import bodies
from bot.http.answers import answer
from bot.http.reading import content, fields
from bot.http.records import log_query
from bot.http.tokens import require_scope
from engine.domain.context import ContextRef
from engine.domain.execution import LogLine
from engine.domain.ids import ExecutionId
from engine.domain.model import Json, Model
from engine.domain.plan import Step
from engine.errors import Invalid, NotFound
from engine.ports import Store, Unit
from engine.services.tool_runs import Ran, ToolRuns

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Part = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
PAGE = 1000


class Place(Model):
    """Where it is to act; the tenant is the deployment's."""

    environment: Annotated[str, Field(max_length=64)] = ""
    cluster: Annotated[str, Field(max_length=64)] = ""
    namespace: Annotated[str, Field(max_length=64)] = ""
    region: Annotated[str, Field(max_length=64)] = ""
    service: Annotated[str, Field(max_length=64)] = ""


class RunBody(Model):
    """The input of an action, by the schema that `/v1/tools` tells."""

    input: dict[Part, str | int | bool] = Field(default_factory=dict, max_length=40)
    context: Place = Place()


@dataclass(frozen=True, slots=True)
class ToolRoutes:
    """Tools over HTTP, for holders of a service token with the right scope."""

    store: Store
    runs: ToolRuns

    def routes(self) -> tuple[tuple[str, str, Handler], ...]:
        """Their paths."""
        return (
            ("GET", "/v1/tools", self.listed),
            ("POST", "/v1/tools/{tool}/{action}:run", self.run),
            ("GET", "/v1/tool-calls/{id}/logs", self.logs),
        )

    async def listed(self, request: web.Request) -> web.Response:
        """Every action of the tools that can be reached."""
        await require_scope(request, self.store, "tool.read")
        items: list[Json] = [dict(one) for one in self.runs.tools.catalogue()]
        return answer({"items": items})

    async def run(self, request: web.Request) -> web.Response:
        """Run a read; a write answers with the one step that a plan would hold."""
        actor = await require_scope(request, self.store, "tool.run")
        tool, action = request.match_info["tool"], request.match_info["action"]
        try:
            body = RunBody.model_validate(await content(request))
        except ValidationError as error:
            raise Invalid("The body is wrong.", fields(error)) from None
        place = ContextRef(tenant=self.runs.limits.tenant, **body.context.model_dump())
        found = await self.runs.run(actor, tool, action, body.input, place)
        if isinstance(found, Step):
            step = found.model_dump(mode="json")
            said = "This changes something, so it needs a plan that somebody else approves."
            return answer({"kind": "plan", "message": said, "steps": [step]})
        return answer(ran(found))

    async def logs(self, request: web.Request) -> web.Response:
        """Lines of one step of an execution (`X-311.2`), oldest first."""
        await require_scope(request, self.store, "execution.read")
        query = log_query(request)
        name, _, number = request.match_info["id"].rpartition(".")
        if not name or len(name) > 64 or not number.isascii() or not number.isdigit():
            raise NotFound("There is no tool call of that name; it is like X-311.2.")
        async with self.store.begin() as unit:
            execution = await unit.executions.find(name)
            page = await of_step(unit, execution, int(number[:6]), query.after, query.limit + 1)
        shown: list[Json] = [bodies.line(line) for line in page[: query.limit]]
        more = len(page) > query.limit
        return answer({"items": shown, "next": page[query.limit - 1].id if more else None})


def ran(found: Ran) -> dict[str, Json]:
    """A read's answer."""
    result = found.result
    return {
        "kind": "read",
        "title": found.title,
        "ending": result.ending.value,
        "message": result.message,
        "outputs": dict(result.outputs),
        "lines": list(found.lines),
        "seconds": str(result.seconds),
    }


async def of_step(
    unit: Unit, execution: ExecutionId, step: int, after: int, limit: int
) -> list[LogLine]:
    """The lines of one step; those of the others are passed over."""
    found: list[LogLine] = []
    while len(found) < limit:
        page = await unit.executions.lines(execution, after=after, limit=PAGE)
        found += [line for line in page if line.step == step]
        if len(page) < PAGE:
            break
        after = page[-1].id
    return found[:limit]
