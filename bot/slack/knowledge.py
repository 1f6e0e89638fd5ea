"""Runbooks in Slack: shown when somebody asks, and a command of one made a step."""

from dataclasses import dataclass

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.blocks import actions as ids
from bot.slack.answered import answered
from bot.slack.door import Door
from bot.slack.origins import Body, origin
from bot.slack.services import Library
from engine.domain.conversation import Place
from engine.errors import Invalid


@dataclass(frozen=True, slots=True)
class Reading:
    """The buttons `Show it` and `Turn into a step`."""

    library: Library
    door: Door

    def register(self, app: AsyncApp) -> None:
        """Attach this file's listeners to the app."""
        for action_id in ids.RUNBOOK_SHOWS:
            app.action(action_id)(answered(self.show))
        app.action(ids.RUNBOOK_TURN)(answered(self.turn))

    async def show(self, args: AsyncArgs) -> None:
        """In the thread, for everybody who works on it."""
        if await self.door.admit(args) is None:
            return
        await self.library.steps.show(args.body["actions"][0]["value"], place_of(args.body))

    async def turn(self, args: AsyncArgs) -> None:
        """Ask for the step; the card shows it."""
        actor = await self.door.admit(args)
        if actor is None:
            return
        document_id, _, number = str(args.body["actions"][0]["value"]).partition(":")
        if not number.isdigit():
            raise Invalid("This button is out of date. Show the runbook again.")
        told = await self.library.steps.turn(actor, document_id, int(number), place_of(args.body))
        await self.door.whispers.whisper(origin(args.body), told)


def place_of(body: Body) -> Place:
    """The thread of a press. What only one person sees starts none."""
    where, container = origin(body), body.get("container", {})
    alone = container.get("is_ephemeral") and not container.get("thread_ts")
    return Place(channel=where.channel, thread="" if alone else where.thread)
