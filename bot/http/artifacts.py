"""What an execution left: its steps, its evidence, and complete outputs by links that end."""

import base64
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

import structlog
from aiohttp import web
from pydantic import Field
from yarl import URL

from bot.http import bodies
from bot.http.answers import answer
from bot.http.app import Handler
from bot.http.reading import asked, checked, content
from bot.http.records import wanted
from bot.http.tokens import require_scope
from engine.domain.actor import Actor
from engine.domain.artifact import Artifact
from engine.domain.draft import Evidence
from engine.domain.ids import ArtifactId, ExecutionId
from engine.domain.model import Json, Model
from engine.errors import NotFound, Unavailable
from engine.ports import Store
from engine.services.downloads import Downloads, Link

READ, OPERATE = "execution.read", "execution.operate"
ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# A file is saved and never shown in our origin, whatever is in it.
SAVED = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
log = structlog.get_logger(__name__)


class LinkQuery(Model):
    """The signed part of a link."""

    until: Annotated[int, Field(ge=0, le=2**40)]
    actor: Annotated[str, Field(min_length=1, max_length=200)]
    key: Annotated[str, Field(min_length=1, max_length=64)]
    signature: Annotated[str, Field(min_length=1, max_length=128)]


class Why(Model):
    """Why files are kept."""

    reason: Annotated[str, Field(max_length=500)]


@dataclass(frozen=True, slots=True)
class ArtifactRoutes:
    """`public_url` is how callers reach us; without it links are paths."""

    store: Store
    downloads: Downloads
    public_url: str = ""

    def routes(self) -> tuple[tuple[str, str, Handler], ...]:
        """Every path of this file."""
        execution = "/v1/executions/{id}"
        return (
            ("GET", f"{execution}/steps", self.steps),
            ("GET", f"{execution}/evidence", self.evidence),
            ("GET", f"{execution}/artifacts", self.of_execution),
            ("POST", f"{execution}/artifacts:keep", self.keep),
            ("POST", f"{execution}/artifacts:release", self.release),
            ("GET", "/v1/artifacts/{id}", self.one),
            ("GET", "/v1/artifacts/{id}/content", self.content),
        )

    async def steps(self, request: web.Request) -> web.Response:
        """How each step went, what it was to run, and its complete outputs."""
        actor = await require_scope(request, self.store, READ)
        execution_id = await self._execution(request)
        async with self.store.begin() as unit:
            execution = await unit.executions.get(execution_id)
            version = await unit.plans.version(execution.plan_id, execution.version)
            files = await unit.artifacts.of_execution(execution_id)
        items: list[Json] = [
            {
                **bodies.record(record),
                "input": {"call": bodies.call(step.call)},
                "artifacts": [
                    self._shown(one, actor) for one in files if one.source.step == step.number
                ],
            }
            for step, record in zip(version.steps, execution.steps, strict=True)
        ]
        return answer({"items": items, "next": None})

    async def evidence(self, request: web.Request) -> web.Response:
        """What its plan was drafted from, with complete outputs."""
        actor = await require_scope(request, self.store, READ)
        execution_id = await self._execution(request)
        async with self.store.begin() as unit:
            execution = await unit.executions.get(execution_id)
            version = await unit.plans.version(execution.plan_id, execution.version)
            found = await unit.drafts.evidence_by_id(version.evidence)
            files = await unit.artifacts.of_drafts(list({one.draft_id for one in found}))
        items: list[Json] = [
            {
                **looked(one),
                "artifacts": [
                    self._shown(file, actor)
                    for file in files
                    if (file.source.draft_id, file.source.number) == (one.draft_id, one.number)
                ],
            }
            for one in found
        ]
        return answer({"items": items, "next": None})

    async def of_execution(self, request: web.Request) -> web.Response:
        """The complete outputs of its calls, then of the looks that its plan came from."""
        actor = await require_scope(request, self.store, READ)
        execution_id = await self._execution(request)
        found = await self.downloads.of_execution(execution_id)
        async with self.store.begin() as unit:
            kept = await unit.artifacts.kept(execution_id)
        items: list[Json] = [self._shown(one, actor) for one in found]
        said = kept.model_dump(mode="json") if kept else None
        return answer({"items": items, "next": None, "kept": said})

    async def keep(self, request: web.Request) -> web.Response:
        """Nothing of it is purged; `{"reason"}` is told."""
        actor = await require_scope(request, self.store, OPERATE)
        why = checked(Why, await content(request))
        execution_id = await self._execution(request)
        await self.downloads.keep(execution_id, actor, why.reason)
        return answer({"execution_id": execution_id, "kept": True})

    async def release(self, request: web.Request) -> web.Response:
        """It is purged again when it is old enough."""
        actor = await require_scope(request, self.store, OPERATE)
        execution_id = await self._execution(request)
        await self.downloads.release(execution_id, actor)
        return answer({"execution_id": execution_id, "kept": False})

    async def one(self, request: web.Request) -> web.Response:
        """What is known of a file, with a link that is the caller's for a while."""
        actor = await require_scope(request, self.store, READ)
        return answer(self._shown(await self.downloads.get(named(request)), actor))

    async def content(self, request: web.Request) -> web.StreamResponse:
        """The file itself, for whoever has the link."""
        query = asked(request, LinkQuery)
        link = Link(
            artifact_id=named(request),
            actor=query.actor,
            until=query.until,
            key_id=query.key,
            signature=query.signature,
        )
        artifact, pieces = await self.downloads.opened(link)
        # What the store says to the first piece is still an answer of its own.
        first = await anext(pieces, b"")
        response = web.StreamResponse(headers={**SAVED, **described(artifact)})
        response.content_length = artifact.size
        await response.prepare(request)
        await response.write(first)
        await self._rest(request, response, pieces)
        return response

    async def _rest(
        self, request: web.Request, response: web.StreamResponse, pieces: AsyncIterator[bytes]
    ) -> None:
        try:
            async for piece in pieces:
                await response.write(piece)
        except Unavailable as error:  # the caller sees that the length is not what was promised
            log.warning("a download broke off", action="artifact.cut", error=str(error))
            if request.transport:
                request.transport.abort()
        else:
            await response.write_eof()

    async def _execution(self, request: web.Request) -> ExecutionId:
        async with self.store.begin() as unit:
            return await unit.executions.find(wanted(request, "execution"))

    def _shown(self, artifact: Artifact, actor: Actor) -> dict[str, Json]:
        link = self.downloads.link(artifact, actor)
        return {**file(artifact), "content_url": self._address(link) if link else None}

    def _address(self, link: Link) -> str:
        path = URL(f"/v1/artifacts/{link.artifact_id}/content").with_query(
            until=str(link.until), actor=link.actor, key=link.key_id, signature=link.signature
        )
        return f"{self.public_url.rstrip('/')}{path}"


def named(request: web.Request) -> ArtifactId:
    """The id of the path. Raises `NotFound` for what can't be one."""
    given = request.match_info["id"]
    if not ID.fullmatch(given):
        raise NotFound("There is no such artifact.")
    return ArtifactId(given.lower())


def described(artifact: Artifact) -> dict[str, str]:
    """What it is and what it is called; names are ours, so they need no escaping."""
    digest = base64.b64encode(bytes.fromhex(artifact.sha256)).decode()
    return {
        "Content-Type": artifact.content_type,
        "Content-Disposition": f'attachment; filename="{artifact.name}"',
        "Repr-Digest": f"sha-256=:{digest}:",
    }


def file(item: Artifact) -> dict[str, Json]:
    """A stored file; `state` says where it is, `partial` that its end is lost."""
    source = item.source
    return {
        "id": item.id,
        "name": item.name,
        "content_type": item.content_type,
        "size": item.size,
        "sha256": item.sha256,
        "state": item.state.value,
        "partial": item.partial,
        "execution_id": source.execution_id,
        "step": source.step,
        "phase": source.phase.value if source.phase else None,
        "attempt": source.attempt,
        "evidence": source.number,
        "created_at": bodies.time(item.created_at),
        "stored_at": bodies.time(item.stored_at),
        "purged_at": bodies.time(item.purged_at),
    }


def looked(item: Evidence) -> dict[str, Json]:
    """One look and what it told."""
    return {
        "id": item.id,
        "number": item.number,
        "title": item.title,
        "tool": item.tool,
        "action": item.action,
        "input": dict(item.input),
        "ok": item.ok,
        "summary": item.summary,
        "facts": dict(item.facts),
        "output": item.body,
        "at": bodies.time(item.at),
    }
