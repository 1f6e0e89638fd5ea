"""What a plan would change, and what changed between its versions; as JSON, or as text to read."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from bot.blocks.preview import as_text
from bot.http.answers import answer
from bot.http.records import wanted
from bot.http.tokens import require_scope
from engine.domain.changes import Change, changes, sentences
from engine.domain.ids import PlanId
from engine.domain.model import Json
from engine.domain.plan import PlanVersion
from engine.domain.preview import PlanPreview, StepPreview
from engine.errors import NotFound
from engine.ports import Store

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LARGEST = 1_000_000
NOT_KEPT = {"Cache-Control": "no-store"}


class Previews(Protocol):
    """`engine.services.previews.Previews`."""

    async def version(self, plan_id: PlanId, number: int | None = None) -> PlanPreview: ...


@dataclass(frozen=True, slots=True)
class Differences:
    """Reads only; what belongs to another tenant is not there."""

    store: Store
    previews: Previews

    def routes(self) -> tuple[tuple[str, str, Handler], ...]:
        """Their paths."""
        return (
            ("GET", "/v1/plans/{id}/diff", self.preview),
            ("GET", "/v1/plans/{id}/versions/{version}/diff", self.versions),
        )

    async def preview(self, request: web.Request) -> web.Response:
        """What the current version would change, step by step, found out now."""
        await require_scope(request, self.store, "plan.read")
        async with self.store.begin() as unit:
            plan_id = await unit.plans.find(wanted(request, "plan"))
        found = await self.previews.version(plan_id)
        version = found.version
        if in_words(request):
            name = f"{version.reference} v{version.version}"
            return web.Response(text=as_text(name, found.steps), headers=NOT_KEPT)
        steps: list[Json] = [step(each) for each in found.steps]
        return answer({**named(version), "changed": False, "steps": steps})

    async def versions(self, request: web.Request) -> web.Response:
        """What a version changed of the one before it."""
        await require_scope(request, self.store, "plan.read")
        number = numbered(request)
        async with self.store.begin() as unit:
            plan_id = await unit.plans.find(wanted(request, "plan"))
            version = await unit.plans.version(plan_id, number)
            before = await unit.plans.version(plan_id, number - 1) if number > 1 else None
        found = changes(before, version) if before else ()
        if in_words(request):
            return web.Response(text=told(version, found), headers=NOT_KEPT)
        listed: list[Json] = [change(each) for each in found]
        return answer({**named(version), "against": number - 1 or None, "changes": listed})


def in_words(request: web.Request) -> bool:
    """Whether the caller would rather have text than JSON."""
    accepted = request.headers.get("Accept", "")
    plain, data = accepted.find("text/plain"), accepted.find("json")
    return plain >= 0 and (data < 0 or plain < data)


def numbered(request: web.Request) -> int:
    """The version of the path. Raises `NotFound` for what can't be one."""
    given = request.match_info["version"].removeprefix("v")
    if not given.isascii() or not given.isdigit() or len(given) > 6 or not 0 < int(given) < LARGEST:
        raise NotFound("There is no version of that number.")
    return int(given)


def named(version: PlanVersion) -> dict[str, Json]:
    """Which plan and version is meant."""
    return {
        "plan_id": version.plan_id,
        "reference": version.reference,
        "version": version.version,
        "digest": version.digest,
    }


def step(item: StepPreview) -> dict[str, Json]:
    """One step's difference; `shown` says what could be found out."""
    return {
        "number": item.number,
        "title": item.title,
        "shown": item.shown.value,
        "note": item.note,
        "also": list(item.also),
        "diff": item.text,
    }


def change(item: Change) -> dict[str, Json]:
    """One change between versions, with a sentence for people."""
    return {
        "kind": item.kind.value,
        "was": item.was,
        "step": item.step,
        "title": item.title or item.old_title,
        "values": [{"name": one.name, "old": one.old, "new": one.new} for one in item.values],
        "said": sentences([item])[0],
    }


def told(version: PlanVersion, found: tuple[Change, ...]) -> str:
    """The same as lines."""
    if version.version == 1:
        return f"{version.reference} v1 is the first version.\n"
    head = f"{version.reference}: changed from v{version.version - 1} to v{version.version}"
    lines = [f"  {each}" for each in sentences(found)] or ["  nothing"]
    return "\n".join([head, *lines]) + "\n"
