"""`/v1/plans` as a list, their versions and risks, and what is thought of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from aiohttp import web
from pydantic import Field

from bot.http import bodies
from bot.http.answers import answer
from bot.http.differences import numbered
from bot.http.reading import PageQuery, asked, checked, content, page
from bot.http.records import wanted
from bot.http.tokens import require_scope
from engine.domain.feedback import Thumb
from engine.domain.model import Json, Model
from engine.domain.plan import PlanVersion, Step, VersionState
from engine.domain.policy import Deed
from engine.ports import Store
from engine.services.feedback import Feedback

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PlanQuery(PageQuery):
    """Which plans to list."""

    state: VersionState | None = None


class Opinion(Model):
    """What the caller thinks of it."""

    verdict: Thumb
    words: Annotated[str, Field(max_length=2000)] = ""


@dataclass(frozen=True, slots=True)
class PlanRecords:
    """What belongs to another tenant is not there."""

    store: Store
    feedback: Feedback

    def routes(self) -> tuple[tuple[str, str, Handler], ...]:
        """Their paths."""
        return (
            ("GET", "/v1/plans", self.listed),
            ("GET", "/v1/plans/{id}/versions", self.versions),
            ("GET", "/v1/plans/{id}/versions/{version}", self.version),
            ("GET", "/v1/plans/{id}/risk", self.risk),
            ("POST", "/v1/plans/{id}/feedback", self.rate),
        )

    async def listed(self, request: web.Request) -> web.Response:
        """Newest first, each with its current version in short."""
        await require_scope(request, self.store, "plan.read")
        query = asked(request, PlanQuery)
        async with self.store.begin() as unit:
            found = await unit.plans.listed(
                after=query.after, limit=query.limit + 1, state=query.state, service=query.service
            )
        return page(found, query, lambda one: bodies.short(*one), key="plan_id")

    async def versions(self, request: web.Request) -> web.Response:
        """Every version, first ones first, with what it changed and what became of it."""
        await require_scope(request, self.store, "plan.read")
        async with self.store.begin() as unit:
            plan_id = await unit.plans.find(wanted(request, "plan"))
            current = await unit.plans.current(plan_id)
            numbers = range(1, current.version + 1)
            found = [
                (await unit.plans.version(plan_id, at), await unit.plans.state(plan_id, at))
                for at in numbers
            ]
        items: list[Json] = [bodies.short(*one) for one in found]
        return answer({"items": items, "next": None})

    async def version(self, request: web.Request) -> web.Response:
        """One version in full."""
        await require_scope(request, self.store, "plan.read")
        number = numbered(request)
        async with self.store.begin() as unit:
            plan_id = await unit.plans.find(wanted(request, "plan"))
            version = await unit.plans.version(plan_id, number)
            state = await unit.plans.state(plan_id, number)
            signed = await unit.approvals.of(plan_id, number)
        return answer(bodies.plan(version, state, signed))

    async def risk(self, request: web.Request) -> web.Response:
        """How dangerous the current version is, why, and what it needs before it runs."""
        await require_scope(request, self.store, "plan.read")
        async with self.store.begin() as unit:
            plan_id = await unit.plans.find(wanted(request, "plan"))
            version = await unit.plans.current(plan_id)
        return answer(risky(version))

    async def rate(self, request: web.Request) -> web.Response:
        """A thumb for the current version; the last one of a caller counts."""
        actor = await require_scope(request, self.store, "plan.create", Deed.FEEDBACK_GIVE)
        opinion = checked(Opinion, await content(request))
        async with self.store.begin() as unit:
            plan_id = await unit.plans.find(wanted(request, "plan"))
            version = await unit.plans.current(plan_id)
        subject = f"plan:{plan_id}:{version.version}"
        kept = await self.feedback.rate(actor, subject, opinion.verdict, opinion.words)
        return answer({"subject": subject, "verdict": kept.verdict.value, "words": kept.words})


def risky(version: PlanVersion) -> dict[str, Json]:
    """The risk and what it follows from."""
    steps: list[Json] = [reach(step) for step in version.steps]
    return {
        "plan_id": version.plan_id,
        "reference": version.reference,
        "version": version.version,
        "risk": version.risk.word,
        "reasons": list(version.risk_reasons),
        "dependants": version.dependants,
        "warnings": list(version.warnings),
        "label": version.label,
        "requirements": version.requirements.model_dump(mode="json"),
        "constraints": version.constraints.model_dump(mode="json"),
        "steps": steps,
    }


def reach(step: Step) -> dict[str, Json]:
    """What one step adds to it."""
    return {
        "number": step.number,
        "title": step.title,
        "effect": step.effect.value,
        "rollback": step.rollback is not None,
    }
