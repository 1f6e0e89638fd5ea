"""What a plan relied on, looked at again right before each of its writes, and pinned after them."""

from dataclasses import dataclass

from engine.domain.actor import WORKER
from engine.domain.call import Call, Ending
from engine.domain.context import ContextRef
from engine.domain.execution import Execution
from engine.domain.plan import PlanVersion, Relied, Step
from engine.domain.policy import Deed
from engine.domain.questions import Limits, to_read
from engine.errors import NotAllowed
from engine.ports import Clock, Policy, Runner


class Unseen(Exception):
    """What could not be looked at, in words."""


@dataclass(frozen=True, slots=True)
class Drift:
    """Reads under the policy. Raises `Unavailable` when the policy does not answer."""

    runner: Runner
    policy: Policy
    clock: Clock
    limits: Limits

    async def refuse(self, version: PlanVersion, execution: Execution, step: Step) -> None:
        """Raises `NotAllowed` with what is different; what can't be seen counts as different."""
        if step.relies is None:
            return
        try:
            now = await self._look(step.relies, step.context or version.context)
        except Unseen as why:
            raise NotAllowed(
                f"I could not look whether it is still as it was when this was drafted: {why} "
                "That counts as changed, so nothing was done."
            ) from None
        pinned = pins_of(execution, step)
        moved = [
            f"{name.replace('_', ' ')} is {now[name] or 'unknown'} and was {was or 'unknown'}"
            for name, was in pinned.items()
            if now[name] != was or not was
        ]
        if moved:
            raise NotAllowed(
                f"What this step relied on has changed since it was drafted: {', '.join(moved)}. "
                "Nothing was done. Ask for it again to draft it from what is there now."
            )

    async def again(self, version: PlanVersion, done: Step) -> dict[str, str]:
        """The pins of later steps that rely on what this step has just changed."""
        later = [
            step
            for step in version.steps[done.number :]
            if step.relies and done.relies and same(step.relies.call, done.relies.call)
        ]
        if not later or done.relies is None:
            return {}
        try:
            now = await self._look(done.relies, done.context or version.context)
        except (Unseen, NotAllowed):
            return {}  # the later steps then find that out, and stop
        return {key(step, name): value for step in later for name, value in now.items()}

    async def _look(self, relied: Relied, place: ContextRef) -> dict[str, str]:
        question = to_read(
            WORKER,
            place,
            limits=self.limits,
            now=self.clock(),
            call=relied.call,
            deed=Deed.TOOL_READ,
        )
        if not (await self.policy.ask(question)).allows:
            raise Unseen("the policy does not allow the look.")
        result = await self.runner.run(relied.call, {}, unheard)
        if result.ending is not Ending.SUCCEEDED:
            raise Unseen(result.message.rstrip(".") + ".")
        return {name: result.outputs.get(name, "") for name in relied.values}


def pins_of(execution: Execution, step: Step) -> dict[str, str]:
    """What a step's facts have to be: as drafted, or as own steps have left them."""
    values = step.relies.values if step.relies else {}
    return {name: execution.pins.get(key(step, name), was) for name, was in values.items()}


def key(step: Step, name: str) -> str:
    """The name of a pin within its execution."""
    return f"{step.number}.{name}"


def same(one: Call, other: Call) -> bool:
    """Whether two looks are at the same thing."""
    return (one.tool, one.action, one.input) == (other.tool, other.action, other.input)


async def unheard(_: str, *, shown: bool = True, filed: bool = True) -> None:
    """What the look prints is no news."""
