"""What people write to us, or in threads that we take part in."""

import re
from dataclasses import dataclass

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.blocks import actions as ids
from bot.slack.answered import answered
from bot.slack.arrivals import addressed
from bot.slack.door import Door
from bot.slack.origins import origin
from bot.slack.services import Conversations, Glance, Presence
from bot.slack.wire import words
from engine.domain.conversation import HEARD

# The whole message is one of these; the help also tells where to see what runs.
FOR_HELP = re.compile(
    r"(?:help(?: me)?|hi|hello|hey|what can you do|what(?: is|'s) running)?[ .!?]*",
    re.IGNORECASE,
)
WORDLESS = "That message has no words that I could draft from. Tell me in words what to do."


@dataclass(frozen=True, slots=True)
class Ask:
    """Mentions, direct messages, replies, and the entry of a message's menu."""

    conversations: Conversations
    presence: Presence
    door: Door
    bot_user: str
    help: str
    glance: Glance

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
            await self.door.whispers.whisper(origin(args.body), self.help)
            return
        place, ts = origin(args.body).place, str(event["ts"])
        if to_us:
            self.glance(place.channel, ts, HEARD)
        if await self.conversations.hear(place, actor=actor, text=text, ts=ts, addressed=to_us):
            await self.presence.late(place, ts)

    async def draft_from(self, args: AsyncArgs) -> None:
        """The words of any message, asked by whoever chose `Draft a plan` in its menu."""
        actor = await self.door.admit(args)
        if actor is None:
            return
        if why := await self.door.closed(origin(args.body).channel):
            await self.door.whispers.whisper(origin(args.body), why)
            return
        message = args.body["message"]
        text = words(str(message.get("text", "")), self.bot_user)
        if not text:
            await self.door.whispers.whisper(origin(args.body), WORDLESS)
            return
        await self.conversations.hear(
            origin(args.body).place, actor=actor, text=text, ts=str(message["ts"]), addressed=True
        )
