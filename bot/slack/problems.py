"""The buttons of a problem's card."""

from dataclasses import dataclass

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.blocks import actions as ids
from bot.slack.answered import answered
from bot.slack.door import Door
from bot.slack.origins import origin
from bot.slack.services import Alerts
from engine.domain.ids import ProblemId


@dataclass(frozen=True, slots=True)
class Problems:
    """Draft a fix, Acknowledge."""

    alerts: Alerts
    door: Door

    def register(self, app: AsyncApp) -> None:
        """Attach this file's listeners to the app."""
        app.action(ids.DRAFT_FIX)(answered(self.draft))
        app.action(ids.ACKNOWLEDGE)(answered(self.acknowledge))

    async def draft(self, args: AsyncArgs) -> None:
        """Look at the systems and propose a plan."""
        actor = await self.door.admit(args)
        if actor is not None:
            await self.alerts.draft(actor, ProblemId(args.body["actions"][0]["value"]))

    async def acknowledge(self, args: AsyncArgs) -> None:
        """Somebody has seen it."""
        actor = await self.door.admit(args)
        if actor is None:
            return
        problem_id = ProblemId(args.body["actions"][0]["value"])
        answer = await self.alerts.acknowledge(actor, problem_id)
        await self.door.whispers.whisper(origin(args.body), answer)
