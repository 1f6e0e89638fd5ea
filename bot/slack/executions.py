"""The buttons of a plan that runs, waits for a decision, or failed."""

from dataclasses import dataclass

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.blocks.actions import CHOICES
from bot.slack.answered import answered
from bot.slack.door import Door
from bot.slack.origins import origin
from bot.slack.services import Executions
from engine.domain.ids import ExecutionId
from engine.errors import Invalid


@dataclass(frozen=True, slots=True)
class Operating:
    """Run, Hold, Retry, Skip, Roll back, Mark done, Keep, Acknowledge, Pause, Resume, Cancel."""

    executions: Executions
    door: Door

    def register(self, app: AsyncApp) -> None:
        """Attach this file's listeners to the app."""
        for action_id in CHOICES:
            app.action(action_id)(answered(self.choose))

    async def choose(self, args: AsyncArgs) -> None:
        """Pass the choice on; its answer is for whoever pressed."""
        actor = await self.door.admit(args)
        if actor is None:
            return
        pressed = args.body["actions"][0]
        execution_id, step = execution_of(pressed["value"])
        choice = CHOICES[pressed["action_id"]]
        answer = await self.executions.choose(actor, execution_id, choice, step=step)
        if answer:
            await self.door.whispers.whisper(origin(args.body), answer)


def execution_of(value: str) -> tuple[ExecutionId, int | None]:
    """`execution:step` of a button; step 0 means the execution as a whole."""
    execution_id, _, step = value.partition(":")
    if not execution_id or not step.isdigit():
        raise Invalid("This button is out of date. Use the newest card in the thread.")
    return ExecutionId(execution_id), int(step) or None
