"""What stored payloads and committed changes ask of each process."""

from collections.abc import Awaitable, Callable

import structlog

from bot.http import jobs as hook_jobs
from bot.http.hooks import SOURCE as ALERTMANAGER
from bot.http.jobs import HookJobs
from bot.slack.inbox import SOURCE as SLACK
from bot.slack.inbox import Inbox
from engine.crossing import crossing
from engine.domain.ids import DraftId, PlanId
from engine.domain.model import Json
from engine.domain.plan import VersionRef
from engine.errors import Conflict, NotAllowed
from engine.store.intake import Desk
from engine.wiring import Engine
from engine.workflows.starting import Starting

log = structlog.get_logger(__name__)


def desks(inbox: Inbox, engine: Engine) -> dict[str, Desk]:
    """What the stored payloads of each source mean."""
    return {
        SLACK: Desk(inbox.carry_out, at_once=4),
        ALERTMANAGER: Desk(
            HookJobs(engine.alerts).carry_out,
            at_once=2,
            together=hook_jobs.TOGETHER,
            bytes_together=hook_jobs.BYTES_TOGETHER,
        ),
    }


def gate_jobs(engine: Engine) -> dict[str, Callable[[dict[str, Json]], Awaitable[None]]]:
    """What a committed change asks of the gate."""
    approvals = engine.approvals
    assert approvals is not None, "the bot is the gate's process"

    async def release(payload: dict[str, Json]) -> None:
        try:
            await approvals.release(PlanId(str(payload["plan_id"])), int(str(payload["version"])))
        except (NotAllowed, Conflict) as error:
            log.warning("not released", action="gate.not_released", said=str(error))

    return {"gate.release": release}


def worker_jobs(
    engine: Engine, starter: Starting
) -> dict[str, Callable[[dict[str, Json]], Awaitable[None]]]:
    """What a committed change asks of the worker."""

    async def start_draft(payload: dict[str, Json]) -> None:
        draft_id = DraftId(str(payload["draft_id"]))
        async with engine.store.begin() as unit:
            draft = await unit.drafts.get(draft_id)
        await starter.start_draft(draft_id, draft.epoch)

    async def wake(payload: dict[str, Json]) -> None:
        plan_id, version = PlanId(str(payload["plan_id"])), int(str(payload["version"]))
        ref = VersionRef(plan_id=plan_id, version=version)
        async with engine.store.begin() as unit:
            epoch = await unit.plans.epoch(ref)
        crossing("K07")
        await starter.wake(ref.model_copy(update={"epoch": epoch}))
        crossing("K08")

    async def preview(payload: dict[str, Json]) -> None:
        plan_id, version = PlanId(str(payload["plan_id"])), int(str(payload["version"]))
        await engine.previews.tell(plan_id, version, str(payload["asker"]))

    return {"draft.start": start_draft, "execution.wake": wake, "plan.preview": preview}
