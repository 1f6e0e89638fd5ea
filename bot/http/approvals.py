"""`/v1/approvals`: what waits for people, and what people say to it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from aiohttp import web
from pydantic import Field

from bot.http import bodies
from bot.http.answers import answer, in_words
from bot.http.reading import PageQuery, asked, checked, content, page
from bot.http.tokens import require_person, require_scope
from engine.domain.actor import Surface
from engine.domain.approval import Decided, Signed, Verdict
from engine.domain.model import Json, Model
from engine.domain.plan import PlanVersion, VersionRef, VersionState
from engine.domain.quorum import quorum
from engine.errors import Conflict
from engine.ports import Store
from engine.services.step_ups import StepUps

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Status(StrEnum):
    """What somebody says, in the API's words."""

    APPROVED = "approved"
    REJECTED = "rejected"


VERDICTS = {Status.APPROVED: Verdict.APPROVE, Status.REJECTED: Verdict.REJECT}


class Said(Model):
    """The body. `plan_id` may be a reference; `version` is needed where there are several."""

    plan_id: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9-]+$")]
    status: Status
    reason: Annotated[str, Field(max_length=500)] = ""
    ticket: Annotated[str, Field(max_length=64)] = ""
    version: Annotated[int, Field(ge=1, le=100_000)] | None = None


@dataclass(frozen=True, slots=True)
class ApprovalRecords:
    """People decide with their own token; programs only look."""

    store: Store
    gate: StepUps

    def routes(self) -> tuple[tuple[str, str, Handler], ...]:
        """Their paths."""
        return (
            ("GET", "/v1/approvals", self.waiting),
            ("POST", "/v1/approvals", self.decide),
        )

    async def waiting(self, request: web.Request) -> web.Response:
        """Versions that wait for people, newest plans first, with who has said what."""
        await require_scope(request, self.store, "plan.read")
        query = asked(request, PageQuery)
        async with self.store.begin() as unit:
            found = await unit.plans.listed(
                after=query.after,
                limit=query.limit + 1,
                state=VersionState.WAITING,
                service=query.service,
            )
            signed = {
                version.plan_id: await unit.approvals.of(version.plan_id, version.version)
                for version, _ in found
            }
        return page(
            [version for version, _ in found],
            query,
            lambda version: open_one(version, signed[version.plan_id]),
            key="plan_id",
        )

    async def decide(self, request: web.Request) -> web.Response:
        """Approve or reject a version, through the same gate as every button."""
        caller = await require_person(request)
        said = checked(Said, await content(request))
        named = await self._named(said)
        decided = await self.gate.decide(
            caller.actor,
            named.plan_id,
            named.version,
            VERDICTS[said.status],
            surface=Surface.API,
            reason=said.reason,
            ticket=said.ticket,
            proof=caller.proof,
        )
        async with self.store.begin() as unit:
            state = await unit.plans.state(named.plan_id, named.version)
        return answer(recorded(named, said.status, state, decided))

    async def _named(self, said: Said) -> VersionRef:
        """Which version is meant. Raises `Conflict` where that is not said and not clear."""
        async with self.store.begin() as unit:
            plan_id = await unit.plans.find(said.plan_id)
            current = await unit.plans.current(plan_id)
            if said.version is None and current.version > 1:
                raise Conflict(
                    f"{current.reference} has {current.version} versions. Look at v"
                    f"{current.version}, and say which one you mean (`version`)."
                )
        return VersionRef(plan_id=plan_id, version=said.version or current.version)


def open_one(version: PlanVersion, signed: list[Signed]) -> dict[str, Json]:
    """A version in a list, with what it still needs."""
    counted = quorum(version, signed)
    decisions: list[Json] = [bodies.decision(one) for one in signed]
    return {
        **bodies.short(version, VersionState.WAITING),
        "requirements": version.requirements.model_dump(mode="json"),
        "have": counted.have,
        "need": counted.need,
        "missing": [in_words(one) for one in counted.missing],
        "approvals": decisions,
        "decide_before": bodies.time(version.decide_before),
    }


def recorded(
    named: VersionRef, status: Status, state: VersionState, decided: Decided
) -> dict[str, Json]:
    """What was just decided, and where that leaves the version."""
    return {
        "plan_id": named.plan_id,
        "version": named.version,
        "status": status.value,
        "state": state.value,
        "detail": in_words(decided.text),
        "complete": decided.complete,
        "have": decided.have,
        "need": decided.need,
        "missing": [in_words(one) for one in decided.missing],
    }
