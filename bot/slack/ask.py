"""What people write to us, or in threads that we take part in."""

import re
from dataclasses import dataclass

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.blocks import actions as ids
from bot.slack.answered import answered
from bot.slack.arrivals import addressed
from bot.slack.commands import HELP
from bot.slack.door import Door
from bot.slack.origins import origin
from bot.slack.services import Conversations
from bot.slack.wire import words

# The whole message is one of these; the help also tells where to see what runs.
FOR_HELP = re.compile(
    r"(?:help(?: me)?|hi|hello|hey|what can you do|what(?: is|'s) running)?[ .!?]*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Ask:
    """Mentions, direct messages, replies, and the entry of a message's menu."""

    conversations: Conversations
    door: Door
    bot_user: str

    def register(self, app: AsyncApp) -> None:
        """Attach this file's listeners to the app."""
        app.event("app_mention")(answered(self.hear))
        app.event("message")(answered(self.hear))
        app.shortcut(ids.PLAN_FROM_MESSAGE)(answered(self.draft_from))

    async def hear(self, args: AsyncArgs) -> None:
        """One sentence of a person, whichever event brought it."""
        event = args.body["event"]
        to_us = addressed(event, self.bot_user)
        actor = await self.door.admit(args, quiet=not to_us)
        if actor is None:
            return
        text = words(str(event.get("text", "")), self.bot_user)
        if to_us and FOR_HELP.fullmatch(text):
            await self.door.whispers.whisper(origin(args.body), HELP)
            return
        await self.conversations.hear(
            origin(args.body).place, actor=actor, text=text, ts=str(event["ts"]), addressed=to_us
        )

    async def draft_from(self, args: AsyncArgs) -> None:
        """The words of any message, asked by whoever chose `Draft a plan` in its menu."""
        actor = await self.door.admit(args)
        if actor is None:
            return
        message = args.body["message"]
        await self.conversations.hear(
            origin(args.body).place,
            actor=actor,
            text=words(str(message.get("text", "")), self.bot_user),
            ts=str(message["ts"]),
            addressed=True,
        )
