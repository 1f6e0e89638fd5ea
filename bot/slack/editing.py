"""The Edit button and its dialog: the inputs of the steps become the next version."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.errors import SlackApiError

from bot.blocks import actions as ids
from bot.blocks import edit
from bot.slack.answered import answered
from bot.slack.approvals import version_of
from bot.slack.door import Door
from bot.slack.failures import reaching
from bot.slack.origins import origin
from bot.slack.services import Revisions
from engine.domain.actor import Actor
from engine.errors import CarapulseError, Conflict

TOO_LATE = "Slack closed the dialog before it opened. Press Edit again."
OPENS_IN = 2.5


@dataclass(frozen=True, slots=True)
class Editing:
    """Both are handled on arrival: a dialog's trigger and the answer to it live three seconds."""

    revisions: Revisions
    door: Door

    def register(self, app: AsyncApp) -> None:
        """Attach this file's listeners to the app."""
        app.action(ids.EDIT)(answered(self.open))
        app.view(ids.EDITED)(self.submit)

    async def open(self, args: AsyncArgs) -> None:
        """Show the inputs as they are now."""
        if await self.door.admit(args) is None:
            return
        where = origin(args.body)
        form = await self.revisions.form(*version_of(args.body["actions"][0]["value"]))
        view = edit.edit(form, f"{where.channel}:{where.thread}")
        if not view["blocks"]:
            raise Conflict("No step of this plan has anything to fill in. Say what should change.")
        try:
            async with reaching(seconds=OPENS_IN):
                await args.client.views_open(trigger_id=args.body["trigger_id"], view=view)
        except SlackApiError as error:
            raise Conflict(TOO_LATE) from error

    async def submit(self, args: AsyncArgs) -> None:
        """Make it, or say under the fields what is wrong; nothing that was typed is lost."""
        actor = await self.door.admit(args)
        wrong = await self._wrong(actor, args.body["view"]) if actor else {}
        if wrong:
            await args.ack(response_action="errors", errors=wrong)
        else:
            await args.ack()

    async def _wrong(self, actor: Actor, view: dict[str, Any]) -> dict[str, str]:
        """Ask for the version; else the errors by field."""
        given = edit.given(view)
        try:
            plan_id, number = version_of(view["private_metadata"].split(" ", 1)[0])
            wrong = await self.revisions.problems(plan_id, number, given)
            if not wrong:
                await self.revisions.edit(actor, plan_id, number, given)
        except CarapulseError as error:
            wrong = {"": str(error)}
        return edit.errors(view, wrong)
