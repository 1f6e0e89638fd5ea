"""Who is let in: people of the directory, in channels that nobody outside reads."""

from dataclasses import dataclass

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.slack.answered import asker
from bot.slack.origins import Origin
from bot.slack.people import People
from bot.slack.whispers import Whispers
from engine.domain.actor import Actor


@dataclass(frozen=True, slots=True)
class Door:
    """Every listener that acts for somebody asks here first."""

    people: People
    whispers: Whispers
    team: str
    organisation: str

    async def admit(self, args: AsyncArgs, *, quiet: bool = False) -> Actor | None:
        """The person; None for everybody else, who is told so once unless `quiet`."""
        who = asker(args)
        actor = await self.known(who, shared=bool(args.body.get("is_ext_shared_channel")))
        if actor is None and not quiet:
            await self.whispers.once(who, self.refusal)
        return actor

    async def known(self, who: Origin, *, shared: bool) -> Actor | None:
        """The person, if the account and the channel are ours."""
        if shared or (who.team and who.team != self.team):
            return None
        if await self.people.shared_outside(who.channel):
            return None
        return await self.people.actor(who.user)

    @property
    def refusal(self) -> str:
        return f"I only act for members of {self.organisation}. Ask a colleague to take over."
