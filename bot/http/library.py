"""The routes of what a team writes down."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from bot.http.documents import Documents
from bot.http.memory import Facts
from bot.http.sessions import SessionRecords
from engine.domain.knowledge import DocumentKind
from engine.ports import Store
from engine.services.knowledge import Knowledge
from engine.services.memory import Memory
from engine.services.runbook_steps import RunbookSteps
from engine.services.sessions import Sessions

Route = tuple[str, str, Callable[[web.Request], Awaitable[web.StreamResponse]]]


@dataclass(frozen=True, slots=True)
class Library:
    """What those routes need."""

    knowledge: Knowledge
    memory: Memory
    sessions: Sessions
    steps: RunbookSteps

    def routes(self, store: Store) -> tuple[Route, ...]:
        """Every path of it."""
        facts, sessions = Facts(store, self.memory), SessionRecords(store, self.sessions)
        return (
            *self._documents(store, DocumentKind.RUNBOOK),
            *self._documents(store, DocumentKind.PLAYBOOK),
            ("GET", "/v1/memory", facts.listed),
            ("POST", "/v1/memory", facts.create),
            ("GET", "/v1/memory/{id}", facts.read),
            ("PUT", "/v1/memory/{id}", facts.replace),
            ("DELETE", "/v1/memory/{id}", facts.remove),
            ("GET", "/v1/sessions", sessions.listed),
            ("POST", "/v1/sessions", sessions.create),
            ("GET", "/v1/sessions/{id}", sessions.read),
            ("PATCH", "/v1/sessions/{id}", sessions.change),
            ("GET", "/v1/sessions/{id}/members", sessions.members),
            ("POST", "/v1/sessions/{id}/members", sessions.enter),
            ("DELETE", "/v1/sessions/{id}/members/{member}", sessions.leave),
        )

    def _documents(self, store: Store, kind: DocumentKind) -> tuple[Route, ...]:
        found, path = Documents(store, self.knowledge, self.steps, kind), f"/v1/{kind.value}s"
        routes: tuple[Route, ...] = (
            ("GET", path, found.listed),
            ("POST", path, found.create),
            ("GET", f"{path}/{{id}}", found.read),
            ("PUT", f"{path}/{{id}}", found.replace),
            ("DELETE", f"{path}/{{id}}", found.remove),
        )
        if kind is DocumentKind.PLAYBOOK:
            return routes
        return (*routes, ("GET", f"{path}/{{id}}/steps", found.commands))
