"""Dry run, Changes, Draft again and Run again: buttons that look, or ask for a plan anew."""

from dataclasses import dataclass

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.blocks import actions as ids
from bot.blocks.plan import all_changes
from bot.slack.answered import answered
from bot.slack.approvals import version_of
from bot.slack.door import Door
from bot.slack.origins import origin
from bot.slack.services import Plans, Previews, Revisions


@dataclass(frozen=True, slots=True)
class Previewing:
    """None of these decides anything."""

    previews: Previews
    revisions: Revisions
    views: Plans
    door: Door

    def register(self, app: AsyncApp) -> None:
        """Attach this file's listeners to the app."""
        app.action(ids.DRY_RUN)(answered(self.dry_run))
        app.action(ids.CHANGES)(answered(self.changes))
        app.action(ids.AGAIN)(answered(self.again))

    async def dry_run(self, args: AsyncArgs) -> None:
        """Find out what it would change, and tell it in the thread."""
        actor = await self.door.admit(args)
        if actor is not None:
            await self.previews.ask(actor, *version_of(args.body["actions"][0]["value"]))

    async def changes(self, args: AsyncArgs) -> None:
        """All that differs from the version before, for whoever asks."""
        if await self.door.admit(args) is None:
            return
        plan_id, _ = version_of(args.body["actions"][0]["value"])
        view = await self.views.plan(plan_id)
        await self.door.whispers.whisper(origin(args.body), all_changes(view.version))

    async def again(self, args: AsyncArgs) -> None:
        """The next version of what was rejected or expired; a new plan of what is over."""
        actor = await self.door.admit(args)
        if actor is not None:
            await self.revisions.again(actor, *version_of(args.body["actions"][0]["value"]))
