"""App Home: asked of the relay each time somebody opens it."""

from dataclasses import dataclass

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.slack.answered import answered
from bot.slack.people import People
from engine.domain.conversation import Place, PostKind
from engine.ports import Store


@dataclass(frozen=True, slots=True)
class Home:
    """The tab, and what Slack tells us about people."""

    store: Store
    people: People

    def register(self, app: AsyncApp) -> None:
        """Attach this file's listeners to the app."""
        app.event("app_home_opened")(answered(self.opened))
        app.event("user_change")(answered(self.changed))

    async def opened(self, args: AsyncArgs) -> None:
        """Show the view as it is now. Those we don't act for see only that."""
        user = str(args.body["event"]["user"])
        actor = await self.people.actor(user)
        who = {"person": actor.id} if actor else {}
        async with self.store.begin() as unit:
            await unit.posts.want(
                PostKind.HOME,
                f"home:{user}",
                Place(channel=user, thread=""),
                body=dict(who),
                recipient=user,
                urgent=True,
            )

    async def changed(self, args: AsyncArgs) -> None:
        """Somebody became a guest, left, or came back."""
        self.people.forget(str(args.body["event"]["user"]["id"]))
