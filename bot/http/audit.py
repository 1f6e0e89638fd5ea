"""The audit, for holders of a token with the scope `audit.read`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from aiohttp import web
from pydantic import AwareDatetime, Field, ValidationError

from bot.http.answers import answer
from bot.http.tokens import require_scope
from engine.domain.alertmanager import clean
from engine.domain.audit import AuditQuery, told
from engine.domain.model import Json, Model
from engine.errors import Invalid
from engine.ports import Store
from engine.services.audit import Audits
from engine.services.audit_export import CONTENT_TYPES, Format, exported

SCOPE = "audit.read"
Route = tuple[str, str, Callable[[web.Request], Awaitable[web.StreamResponse]]]
Word = Annotated[str, Field(max_length=200)]


class EventsQuery(Model):
    """`before` is the `next` of the page before; `format` answers with all rows as a file."""

    actor: Word = ""
    action: Word = ""
    subject: Word = ""
    decision: Word = ""
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    before: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    format: Format | None = None

    def rows(self) -> AuditQuery:
        """What the audit is asked for."""
        since: datetime | None = self.since
        return AuditQuery(
            actor=self.actor,
            action=self.action,
            subject=self.subject,
            decision=self.decision,
            since=since,
            until=self.until,
        )


@dataclass(frozen=True, slots=True)
class AuditRecords:
    """Reads only."""

    store: Store
    audits: Audits

    def routes(self) -> tuple[Route, ...]:
        """Its one path."""
        return (("GET", "/v1/audit/events", self.events),)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """A page, newest first; with `format` a file of all, oldest first."""
        await require_scope(request, self.store, SCOPE)
        query = events_query(request)
        if query.format:
            return await self._file(request, query, query.format)
        asked = query.rows().model_copy(update={"after": query.before})
        rows = await self.audits.page(asked, query.limit + 1)
        page = rows[: query.limit]
        items: list[Json] = [dict(told(row)) for row in page]
        return answer({"items": items, "next": page[-1].id if len(rows) > len(page) else None})

    async def _file(
        self, request: web.Request, query: EventsQuery, form: Format
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={
                "Content-Type": CONTENT_TYPES[form],
                "Content-Disposition": f'attachment; filename="audit.{form}"',
                "Cache-Control": "no-store",
            }
        )
        await response.prepare(request)
        async for piece in exported(self.audits.rows(query.rows()), form):
            await response.write(piece)
        await response.write_eof()
        return response


def events_query(request: web.Request) -> EventsQuery:
    """The query, read strictly. Raises `Invalid` that names each wrong part."""
    if len(request.query) != len(set(request.query)):
        raise Invalid("A name is there twice in the query.")
    try:
        return EventsQuery.model_validate_strings(dict(request.query))
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        wrong = {clean(".".join(map(str, item["loc"])), 64): item["msg"] for item in found}
        raise Invalid("The query is wrong.", wrong) from None
