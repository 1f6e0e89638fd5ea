"""Who is on call is paged for what can't wait: a rollback that failed, an unknown, break-glass."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from engine.domain.execution import Execution, ExecutionState, StepState
from engine.domain.freeze import inert
from engine.domain.ids import ExecutionId, PlanId
from engine.domain.page import ACKNOWLEDGED, OURS, RESOLVED, Page, PageRow
from engine.domain.plan import PlanVersion
from engine.errors import Invalid, NotFound, Tampered, Unavailable
from engine.ports import Store, Unit
from engine.ports.tracking import Leases, Pager

NAME = "pagerduty"
EVERY, HELD = 1.0, 30.0
AT_ONCE = 50
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Paging:
    """Compares what is critical with what was paged; every event may be sent twice without harm."""

    store: Store
    pager: Pager
    masked: Callable[[str], str]
    leases: Leases
    holder: str

    async def run(self) -> None:
        """For ever; what is away is waited for."""
        while True:
            try:
                await self.once()
            except Unavailable as error:
                log.warning("pages wait", action="pages.wait", said=str(error))
            await asyncio.sleep(EVERY)

    async def once(self) -> None:
        """Everything that is to be told now, by one process at a time."""
        if await self.leases.lease(NAME, self.holder, HELD) is None:
            return
        await self.note()
        await self.send()

    async def note(self) -> None:
        """Want what is critical and was not paged, and end what is over."""
        async with self.store.begin() as unit:
            stuck = await unit.pages.critical(AT_ONCE)
            used = await unit.pages.broken_glass(AT_ONCE)
            open_ones = await unit.pages.paging()
        work = [
            *(partial(self._critical, each) for each in stuck),
            *(partial(self._glass, plan_id, number) for plan_id, number in used),
            *(partial(self._further, row) for row in open_ones),
        ]
        for each in work:
            try:
                async with self.store.begin() as unit:
                    await each(unit)
            except (NotFound, Tampered) as error:  # the alarm of the guards is louder than a page
                log.warning("not paged", action="pages.not_noted", said=str(error))

    async def send(self) -> None:
        """Tell each page's next stage, in order. Raises `Unavailable`; the rest waits."""
        async with self.store.begin() as unit:
            unsent = await unit.pages.unsent(AT_ONCE)
        for row in unsent:
            await self._send(row)

    async def _send(self, row: PageRow) -> None:
        stages = range(row.sent + 1, row.wanted + 1)
        if row.sent == 0 and row.wanted == RESOLVED:
            stages = range(RESOLVED, RESOLVED)  # it was over before anybody could be paged
        refused = ""
        for stage in stages:
            if stage == ACKNOWLEDGED and row.wanted == RESOLVED:
                continue
            try:
                await self.pager.send(row.key, row.page, stage)
            except Invalid as error:
                refused = str(error)
                log.warning("refused", action="pages.refused", key=row.key, said=refused)
        async with self.store.begin() as unit:
            await unit.pages.sent(row.key, row.wanted, refused=refused)

    async def _critical(self, execution_id: ExecutionId, unit: Unit) -> None:
        execution = await unit.executions.get(execution_id)
        if why := critical(execution):
            version = await unit.plans.version(execution.plan_id, execution.version)
            await unit.pages.want(
                PageRow(
                    key=key_of(execution.reference),
                    plan_id=version.plan_id,
                    version=version.version,
                    page=self._page(version, why, "critical", execution.reason),
                )
            )

    async def _glass(self, plan_id: PlanId, number: int, unit: Unit) -> None:
        version = await unit.plans.version(plan_id, number)
        why = "break-glass was used"
        await unit.pages.want(
            PageRow(
                key=key_of(f"{version.reference}-v{number}"),
                plan_id=plan_id,
                version=number,
                page=self._page(version, why, "warning", version.break_glass),
            )
        )

    async def _further(self, row: PageRow, unit: Unit) -> None:
        stage = await self._stage(unit, row)
        if stage > row.wanted:
            await unit.pages.want(row.model_copy(update={"wanted": stage}))

    def _page(self, version: PlanVersion, why: str, severity: str, reason: str) -> Page:
        context = version.context
        title = inert(version.title, 200)
        return Page(
            summary=self.masked(f"{version.reference}: {why}. {title}"),
            severity=severity,
            component=context.service,
            environment=context.environment,
            reason=self.masked(inert(reason, 500)),
        )

    async def _stage(self, unit: Unit, row: PageRow) -> int:
        """How far it has gone: somebody is at it, or it is over."""
        execution = await unit.executions.of_version(row.plan_id, row.version)
        if execution is None:
            state = await unit.plans.state(row.plan_id, row.version)
            return RESOLVED if state.ended else row.wanted
        if execution.state.ended:
            return RESOLVED
        about_it = row.key == key_of(execution.reference)
        return ACKNOWLEDGED if about_it and not critical(execution) else row.wanted


def critical(execution: Execution) -> str:
    """Why it can't wait; empty when it can."""
    if execution.state is ExecutionState.ROLLBACK_FAILED:
        return "undoing it failed"
    number = execution.question_step
    if execution.state is ExecutionState.NEEDS_DECISION and number:
        unknown = execution.step(number).state is StepState.UNKNOWN
        return "nobody knows whether a step took effect" if unknown else ""
    return ""


def key_of(reference: str) -> str:
    """The name of a page outside."""
    return f"{OURS}{reference}"
