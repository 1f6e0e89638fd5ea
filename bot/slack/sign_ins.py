"""Links to the identity provider: the button that leads there, and `/carapulse link`."""

from collections.abc import Sequence
from dataclasses import dataclass

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.blocks import actions as ids
from bot.slack.answered import answered
from bot.slack.commands import Asked, Subcommand
from bot.slack.services import Accounts


@dataclass(frozen=True, slots=True)
class SigningIn:
    """What happens behind the link is the sidecar's matter."""

    accounts: Accounts

    def register(self, app: AsyncApp) -> None:
        """Attach this file's listeners to the app."""
        app.action(ids.SIGN_IN)(answered(self.opened))

    def table(self) -> Sequence[Subcommand]:
        """Its row of `/carapulse`."""
        about = "links your account at the identity provider with you"
        return (Subcommand("link", about, self.link),)

    async def link(self, asked: Asked) -> str:
        """A link for this person alone, which `answered` whispers."""
        await self.accounts.link(asked.actor)
        return ""

    async def opened(self, args: AsyncArgs) -> None:
        """Slack tells about the press too, and wants nothing but its acknowledgement."""
