"""The private question before a correction ends approvals: yes or no."""

from dataclasses import dataclass

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.blocks import actions as ids
from bot.slack.answered import answered
from bot.slack.door import Door
from bot.slack.origins import origin
from bot.slack.services import Drafts
from engine.domain.ids import DraftId

DROPPED = "Dropped. The plan stays as it is."


@dataclass(frozen=True, slots=True)
class Correcting:
    """Confirm or drop a correction."""

    drafts: Drafts
    door: Door

    def register(self, app: AsyncApp) -> None:
        """Attach this file's listeners to the app."""
        app.action(ids.CONFIRM)(answered(self.confirm))
        app.action(ids.DROP)(answered(self.drop))

    async def confirm(self, args: AsyncArgs) -> None:
        """Make the new version, at its price."""
        actor = await self.door.admit(args)
        if actor is not None:
            await self.drafts.confirm(actor, DraftId(args.body["actions"][0]["value"]))

    async def drop(self, args: AsyncArgs) -> None:
        """Leave everything as it is."""
        actor = await self.door.admit(args)
        if actor is None:
            return
        await self.drafts.drop(actor, DraftId(args.body["actions"][0]["value"]))
        await self.door.whispers.whisper(origin(args.body), DROPPED)
