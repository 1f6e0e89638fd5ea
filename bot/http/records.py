"""Plans, executions and their logs, for holders of a service token with the right scope."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Protocol

from aiohttp import web
from pydantic import Field, ValidationError

from bot.http import bodies
from bot.http.answers import answer
from bot.http.tokens import require_scope
from engine.domain.alertmanager import clean
from engine.domain.freeze import Hold
from engine.domain.model import Json, Model
from engine.domain.plan import PlanVersion
from engine.errors import Invalid, NotFound
from engine.ports import Store, Unit

REFERENCE_AT_MOST = 64


class LogQuery(Model):
    """`after` is the id of the last line that the caller has."""

    after: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 200


class Holding(Protocol):
    """`engine.services.guards.Holds`."""

    async def on(self, unit: Unit, version: PlanVersion, now: datetime) -> tuple[Hold, ...]: ...


class Unheld:
    """Where neither freezes nor windows are known."""

    async def on(self, unit: Unit, version: PlanVersion, now: datetime) -> tuple[Hold, ...]:
        """Nothing."""
        return ()


@dataclass(frozen=True, slots=True)
class Records:
    """Reads only; what belongs to another tenant is not there."""

    store: Store
    holding: Holding

    async def plan(self, request: web.Request) -> web.Response:
        """The current version of a plan, by id or reference."""
        await require_scope(request, self.store, "plan.read")
        async with self.store.begin() as unit:
            plan_id = await unit.plans.find(wanted(request, "plan"))
            version = await unit.plans.current(plan_id)
            state = await unit.plans.state(plan_id, version.version)
            signed = await unit.approvals.of(plan_id, version.version)
            now = datetime.now(UTC)
            holds = () if state.ended else await self.holding.on(unit, version, now)
        return answer({**bodies.plan(version, state, signed), "holds": bodies.held(holds)})

    async def execution(self, request: web.Request) -> web.Response:
        """An execution with its steps, by id or reference."""
        await require_scope(request, self.store, "execution.read")
        async with self.store.begin() as unit:
            found = await unit.executions.find(wanted(request, "execution"))
            execution = await unit.executions.get(found)
        return answer(bodies.execution(execution))

    async def logs(self, request: web.Request) -> web.Response:
        """Log lines, oldest first; `next` is the `after` of the next page, null at the end."""
        await require_scope(request, self.store, "execution.read")
        query = log_query(request)
        async with self.store.begin() as unit:
            found = await unit.executions.find(wanted(request, "execution"))
            lines = await unit.executions.lines(found, after=query.after, limit=query.limit + 1)
        page = lines[: query.limit]
        items: list[Json] = [bodies.line(line) for line in page]
        return answer({"items": items, "next": page[-1].id if len(lines) > len(page) else None})


def wanted(request: web.Request, kind: str) -> str:
    """The id or reference of the path. Raises `NotFound` for what can't be one."""
    given = request.match_info["id"]
    if len(given) > REFERENCE_AT_MOST or not given.isascii() or not given.isprintable():
        raise NotFound(f"There is no {kind} of that name.")
    return given


def log_query(request: web.Request) -> LogQuery:
    """The query, read strictly. Raises `Invalid` that names each wrong part."""
    if len(request.query) != len(set(request.query)):
        raise Invalid("A name is there twice in the query.")
    try:
        return LogQuery.model_validate_strings(dict(request.query))
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        wrong = {clean(".".join(map(str, item["loc"])), 64): item["msg"] for item in found}
        raise Invalid("The query is wrong.", wrong) from None
