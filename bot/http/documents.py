"""`/v1/runbooks` and `/v1/playbooks`: read, search, write, change and remove."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.http.answers import answer
from bot.http.bodies import time
from bot.http.reading import checked, content, if_match, named, one, page, query
from bot.http.tokens import require_scope
from engine.domain.context import ContextRef
from engine.domain.knowledge import Document, DocumentKind, Found, Words
from engine.domain.model import Json
from engine.ports import Store
from engine.services.knowledge import Knowledge
from engine.services.runbook_steps import RunbookSteps


@dataclass(frozen=True, slots=True)
class Documents:
    """One kind of document; scopes are `runbook.read`, `runbook.write` and so on."""

    store: Store
    knowledge: Knowledge
    steps: RunbookSteps
    kind: DocumentKind

    async def listed(self, request: web.Request) -> web.Response:
        """Newest first; with `q` the best first, with the place where the words were found."""
        await require_scope(request, self.store, f"{self.kind.value}.read")
        wanted = query(request)
        found = await self.knowledge.listed(
            self.kind,
            query=wanted.q,
            service=wanted.service,
            tag=wanted.tag,
            after=wanted.after,
            limit=wanted.limit + 1,
        )
        return page(found, wanted, short)

    async def read(self, request: web.Request) -> web.Response:
        """By id, name or title, with its body and its ETag."""
        await require_scope(request, self.store, f"{self.kind.value}.read")
        document = await self.knowledge.get(self.kind, named(request))
        return one(whole(document), document.revision)

    async def create(self, request: web.Request) -> web.Response:
        """201 with its Location; 409 when the name is taken."""
        actor = await require_scope(request, self.store, f"{self.kind.value}.write")
        words = await self._words(request)
        document = await self.knowledge.write(actor, self.kind, words)
        location = f"/v1/{self.kind.value}s/{document.id}"
        return one(whole(document), document.revision, location=location)

    async def replace(self, request: web.Request) -> web.Response:
        """412 when If-Match names another revision than there is."""
        actor = await require_scope(request, self.store, f"{self.kind.value}.write")
        revision = if_match(request)
        words = await self._words(request)
        name = named(request)
        document = await self.knowledge.change(actor, self.kind, name, words, revision=revision)
        return one(whole(document), document.revision)

    async def remove(self, request: web.Request) -> web.Response:
        """204."""
        actor = await require_scope(request, self.store, f"{self.kind.value}.write")
        name = named(request)
        await self.knowledge.remove(actor, self.kind, name, revision=if_match(request))
        return web.Response(status=204)

    async def commands(self, request: web.Request) -> web.Response:
        """Each command line of a runbook, as an action or with the reason why it is none."""
        await require_scope(request, self.store, f"{self.kind.value}.read")
        document = await self.knowledge.get(self.kind, named(request))
        items: list[Json] = [
            {
                "number": line.number,
                "line": line.line,
                "text": line.text,
                "ok": read.ok,
                **read.model_dump(mode="json"),
            }
            for line, read in self.steps.read(document, ContextRef())
        ]
        return answer({"items": items, "next": None})

    async def _words(self, request: web.Request) -> Words:
        given = await content(request)
        if self.kind is DocumentKind.PLAYBOOK:
            given = {"title": "playbook", **given}  # its own text names it
        return checked(Words, given)


def whole(document: Document) -> dict[str, Json]:
    """A document with its body."""
    return {**_facts(document), "body": document.body}


def short(found: Found) -> dict[str, Json]:
    """A document of a listing."""
    return {**_facts(found.document), "excerpt": found.excerpt}


def _facts(document: Document) -> dict[str, Json]:
    kept: dict[str, Any] = document.model_dump(
        mode="json", exclude={"body", "authors", "author", "author_name", "tenant"}
    )
    return {
        **kept,
        "author": {"id": document.author, "name": document.author_name},
        "created_at": time(document.created_at),
        "updated_at": time(document.updated_at),
    }
