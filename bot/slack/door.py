"""Who is let in: people of the directory, in channels that nobody outside reads."""

from dataclasses import dataclass

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.slack.answered import asker
from bot.slack.origins import Origin
from bot.slack.people import People
from bot.slack.whispers import Whispers
from engine.domain.actor import Actor

ABSENT = (
    "I'm not in this channel, so nobody here would see the plan. Invite me with "
    "`/invite @carapulse`, or write to me directly."
)


@dataclass(frozen=True, slots=True)
class Door:
    """Every listener that acts for somebody asks here first."""

    people: People
    whispers: Whispers
    team: str
    organisation: str

    async def admit(self, args: AsyncArgs, *, quiet: bool = False) -> Actor | None:
        """The person, if the account and the channel are ours; None for everybody else.

        They are told why unless `quiet`: those who press each time, others once a day.
        """
        who = asker(args)
        actor = await self.member(who)
        if actor is not None and not await self.shared(args, who.channel):
            return actor
        if not quiet:
            why = self.refusal if actor is None else self.elsewhere
            await (self.whispers.once if "event" in args.body else self.whispers.whisper)(who, why)
        return None

    async def closed(self, channel: str) -> str:
        """Why no thread can be begun in this channel; empty where one can."""
        standing = await self.people.standing(channel)
        if standing.outside:
            return self.elsewhere
        return "" if standing.here else ABSENT

    async def member(self, who: Origin) -> Actor | None:
        """The person, if the account is one of ours."""
        if who.team and who.team != self.team:
            return None
        return await self.people.actor(who.user)

    async def shared(self, args: AsyncArgs, channel: str) -> bool:
        """Whether people of another organisation read what is said there."""
        if args.body.get("is_ext_shared_channel"):
            return True
        return await self.people.shared_outside(channel)

    @property
    def refusal(self) -> str:
        return f"I only act for full members of {self.organisation}. Ask a colleague to take over."

    @property
    def elsewhere(self) -> str:
        return (
            "This channel is shared with another organisation, so I don't act here."
            f" Ask me in one of {self.organisation}'s own channels."
        )
