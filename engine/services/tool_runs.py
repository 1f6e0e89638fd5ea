"""Actions that are asked for one by one: a read runs at once, a write becomes a drafted step."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.domain.actor import Actor
from engine.domain.call import CallResult
from engine.domain.context import ContextRef
from engine.domain.draft import Reading
from engine.domain.model import Json
from engine.domain.plan import DraftStep, Step
from engine.domain.policy import Deed
from engine.domain.questions import Limits, to_read
from engine.errors import NotAllowed
from engine.ports import Clock, Policy, Runner, Tools

LINES_AT_MOST = 2000
MARK = "draft"


@dataclass(frozen=True, slots=True)
class Ran:
    """A read that has run, with its redacted lines."""

    title: str
    result: CallResult
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToolRuns:
    """The way of every call that is not a plan's: definition, policy, runner.

    The policy is asked for our own service, as for every look; who calls was let in by a scope.
    """

    tools: Tools
    runner: Runner
    policy: Policy
    clock: Clock
    limits: Limits

    async def run(
        self, actor: Actor, tool: str, action: str, given: Mapping[str, Json], place: ContextRef
    ) -> Ran | Step:
        """Run a read in somebody's name, or return the step that a plan would hold.

        Nothing of it is stored.

        Raises:
            Invalid: there is no such action, or its input does not fit.
            NotAllowed: the policy forbids the read.
        """
        if self.writes(tool, action):
            step = DraftStep(tool=tool, action=action, input=dict(given))
            return self.tools.freeze(step, place, number=1, mark=MARK)
        reading = Reading(tool=tool, action=action, input=dict(given))
        call = self.tools.read_call(reading, place)
        question = to_read(
            actor, place, limits=self.limits, now=self.clock(), call=call, deed=Deed.TOOL_READ
        )
        ruling = await self.policy.ask(question)
        if not ruling.allows:
            raise NotAllowed(" ".join(ruling.reasons) or "The policy does not allow this read.")
        lines: list[str] = []

        async def on_line(line: str, *, shown: bool = True, filed: bool = True) -> None:
            if shown and len(lines) < LINES_AT_MOST:
                lines.append(line)

        result = await self.runner.run(call, {}, on_line)
        return Ran(call.title, result, tuple(lines))

    def writes(self, tool: str, action: str) -> bool:
        """Whether an action that is known changes something."""
        name = f"{tool}.{action}"
        found = next((one for one in self.tools.catalogue() if one["name"] == name), None)
        return found is not None and found["effect"] != "read"
