"""Which queue a call goes to, and what it waits for while nobody serves that queue."""

from collections.abc import Sequence

from engine.domain.conversation import PostKind
from engine.domain.execution import Phase
from engine.domain.move import Move, MoveKind, StepRequest
from engine.domain.plan import PlanVersion
from engine.domain.site import Served
from engine.ports import Unit
from engine.services.progress import Progress

AGAIN = 5.0


async def unserved(unit: Unit, version: PlanVersion, steps: Sequence[int]) -> str:
    """Why these steps have to wait for a runner; empty when they need not."""
    for number in steps:
        served = await serving(unit, version, number)
        if served and not served.alive:
            return missing(served)
    return ""


async def routed(course: Progress, move: Move) -> Move:
    """The move with the queue of each of its calls; it waits where nobody would take one."""
    if move.kind is not MoveKind.CALL:
        return move
    requests = []
    for request in move.requests:
        served = await serving(course.unit, course.version, request.step)
        if served and not served.alive:
            await tell(course, request, missing(served))
            return Move.wait(AGAIN)
        queue = served.site.queue if served else ""
        requests.append(request.model_copy(update={"queue": queue}))
    return Move.call(*requests)


async def serving(unit: Unit, version: PlanVersion, number: int) -> Served | None:
    """The runners of a step's place, where it has its own."""
    return await unit.runners.at(version.steps[number - 1].context or version.context)


async def tell(course: Progress, request: StepRequest, why: str) -> None:
    """A look or an undoing is not made yet; the execution keeps its own reason."""
    field = "message" if request.phase is Phase.PROBE else "rollback_message"
    step = course.execution.step(request.step)
    if request.phase is not Phase.ACT and getattr(step, field) != why:
        noted = step.model_copy(update={field: why})
        await course.unit.executions.save_step(course.execution.id, noted)
        await course.unit.posts.touch(course.ref.plan_id, PostKind.PLAN)


def missing(served: Served) -> str:
    """The reason on the card."""
    return f"No runner serves {served.site} now"
