"""`/v1/workflows`: the catalog read, written as versions, and started."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from aiohttp import web
from pydantic import Field

from bot.http.answers import answer
from bot.http.bodies import time
from bot.http.drafting import Handler, later, once, patience
from bot.http.drafts import became
from bot.http.reading import checked, content, if_match, named, one
from bot.http.tokens import require_scope
from engine.domain.actor import Actor
from engine.domain.ids import DraftId
from engine.domain.model import Json, Model
from engine.domain.policy import Deed
from engine.domain.template import Template, TemplateRecord, TemplateText
from engine.domain.wanted import About, Standing
from engine.errors import Invalid, NotFound
from engine.ports import Store
from engine.services.templates import Start, Templates

READ, WRITE, START = "workflow.read", "workflow.write", "plan.create"
Settled = Callable[[Actor, DraftId, float], Awaitable[Standing]]


class Written(Model):
    """A workflow as a file: strict YAML."""

    body: Annotated[str, Field(min_length=1, max_length=64_000)]


class Started(Model):
    """What is filled in; `version` refuses to start another one than was seen."""

    context: About = About()
    input: Annotated[dict[str, str | int | bool], Field(max_length=20)] = Field(
        default_factory=dict
    )
    words: Annotated[str, Field(max_length=2000)] = ""
    session: Annotated[str, Field(max_length=200)] = ""
    version: Annotated[int, Field(ge=1, le=100_000)] | None = None


@dataclass(frozen=True, slots=True)
class WorkflowRoutes:
    """Scopes are `workflow.read`, `workflow.write`, and `plan.create` to start one."""

    store: Store
    templates: Templates

    def routes(self) -> tuple[tuple[str, str, Handler], ...]:
        """Their paths."""
        return (
            ("GET", "/v1/workflows", self.listed),
            ("POST", "/v1/workflows", self.create),
            ("GET", "/v1/workflows/{id}", self.read),
            ("PUT", "/v1/workflows/{id}", self.replace),
            ("DELETE", "/v1/workflows/{id}", self.remove),
            ("GET", "/v1/workflows/{id}/versions", self.versions),
            ("POST", "/v1/workflows/{id}:start", self.start),
            ("POST", "/v1/workflows/{id}:enable", self.enable),
            ("POST", "/v1/workflows/{id}:disable", self.disable),
        )

    async def listed(self, request: web.Request) -> web.Response:
        """All of them, by name."""
        await require_scope(request, self.store, READ)
        items: list[Json] = [short(each) for each in await self.templates.listed()]
        return answer({"items": items, "next": None})

    async def read(self, request: web.Request) -> web.Response:
        """By name, in its current version; `?version=2` reads an older one."""
        await require_scope(request, self.store, READ)
        record = await self.templates.get(named(request), asked_version(request))
        return one(whole(record), record.template.version)

    async def create(self, request: web.Request) -> web.Response:
        """201 with its Location; 409 when the name is taken."""
        actor = await require_scope(request, self.store, WRITE)
        written = checked(Written, await content(request))
        record = await self.templates.write(actor, written.body)
        location = f"/v1/workflows/{record.template.workflow}"
        return one(whole(record), record.template.version, location=location)

    async def replace(self, request: web.Request) -> web.Response:
        """The next version; 412 when If-Match names another one than is current."""
        actor = await require_scope(request, self.store, WRITE)
        version = if_match(request)
        written = checked(Written, await content(request))
        record = await self.templates.change(actor, named(request), written.body, version=version)
        return one(whole(record), record.template.version)

    async def remove(self, request: web.Request) -> web.Response:
        """204; its versions stay, because plans were made of them."""
        actor = await require_scope(request, self.store, WRITE)
        await self.templates.remove(actor, named(request), version=if_match(request))
        return web.Response(status=204)

    async def versions(self, request: web.Request) -> web.Response:
        """Every version that was written here, the newest first."""
        await require_scope(request, self.store, READ)
        name = named(request)
        found: list[Json] = [text(each) for each in await self.templates.versions(name)]
        if not found:
            record = await self.templates.get(name)
            found = [{"version": record.template.version, "digest": record.digest}]
        return answer({"items": found, "next": None})

    async def start(self, request: web.Request) -> web.Response:
        """201 with the plan, 200 with what came instead, 202 while it is drafted."""
        actor = await require_scope(request, self.store, START, Deed.WORKFLOW_START)
        given = checked(Started, await content(request))
        seconds, key = patience(request), once(request)
        start = Start(dict(given.input), given.context, given.words, given.session, given.version)
        draft_id = await self.templates.start(actor, named(request), start, key=key)
        found = await self.templates.requests.settled(actor, draft_id, seconds=seconds)
        if not found.settled:
            return later(found)
        if found.version is None:
            return answer(became(found))
        response = answer(became(found), status=201)
        response.headers["Location"] = f"/v1/plans/{found.version.plan_id}"
        return response

    async def enable(self, request: web.Request) -> web.Response:
        """Whoever lets it be started never approves what it makes."""
        actor = await require_scope(request, self.store, WRITE)
        return answer(short(await self.templates.switch(actor, named(request), enabled=True)))

    async def disable(self, request: web.Request) -> web.Response:
        """It can't be started any more."""
        actor = await require_scope(request, self.store, WRITE)
        return answer(short(await self.templates.switch(actor, named(request), enabled=False)))


def asked_version(request: web.Request) -> int | None:
    """The version of the query. Raises `Invalid`, `NotFound`."""
    given = request.query.get("version")
    if set(request.query) - {"version"}:
        raise Invalid("The query is wrong.", dict.fromkeys(request.query, "is unknown"))
    if given is None:
        return None
    if not given.isdecimal() or len(given) > 6:
        raise NotFound("There is no such version.")
    return int(given)


def short(record: TemplateRecord) -> dict[str, Json]:
    """A workflow of a listing."""
    template = record.template
    return {
        "name": template.workflow,
        "version": template.version,
        "title": template.title,
        "about": template.about,
        "source": record.source,
        "read_only": not record.ours,
        "enabled": record.enabled,
        "enabled_by": record.enabled_by,
        "digest": record.digest,
        "input": inputs(template),
        "needs": list(template.needs),
    }


def inputs(template: Template) -> dict[str, Json]:
    """Its typed inputs, by name."""
    return {
        name: {**each.model_dump(mode="json", exclude_defaults=True), "wants": each.wants}
        for name, each in template.input.items()
    }


def whole(record: TemplateRecord) -> dict[str, Json]:
    """A workflow with its text."""
    steps: list[Json] = [
        {"tool": each.tool, "action": each.action, "verifies": each.expect is not None}
        for each in record.template.steps
    ]
    authors: list[Json] = list(record.responsible)
    return {**short(record), "steps": steps, "authors": authors, "body": record.body}


def text(kept: TemplateText) -> dict[str, Json]:
    """One version that was written here."""
    return {
        "version": kept.version,
        "digest": kept.digest,
        "author": {"id": kept.author, "name": kept.author_name},
        "written_at": time(kept.at),
        "body": kept.body,
    }
