"""The Bolt app: one visible list of features behind one inbox."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.guide import guide
from bot.slack import library_commands
from bot.slack.answers import Choosing, Ratings, Results
from bot.slack.approvals import Deciding
from bot.slack.ask import Ask
from bot.slack.commands import Commands
from bot.slack.door import Door
from bot.slack.drafts import Correcting
from bot.slack.editing import Editing
from bot.slack.executions import Operating
from bot.slack.failures import error_of, reaching
from bot.slack.freezes import FreezeCommands
from bot.slack.home import Home
from bot.slack.inbox import Inbox
from bot.slack.knowledge import Reading
from bot.slack.people import People
from bot.slack.plan_commands import PlanCommands
from bot.slack.previews import Previewing
from bot.slack.problems import Problems
from bot.slack.reactions import Reactions
from bot.slack.services import Services
from bot.slack.sign_ins import SigningIn
from bot.slack.whispers import Whispers
from bot.slack.workflows import Workflows
from engine.errors import ConfigurationError
from engine.ports import Arrivals, Directory, Store


class Feature(Protocol):
    """One file of listeners."""

    def register(self, app: AsyncApp) -> None: ...


@dataclass(frozen=True, slots=True)
class Workspace:
    """Who we are, and where: one `auth.test` before anything is connected."""

    team: str
    organisation: str
    bot_user: str
    bot_id: str
    url: str = ""


@asynccontextmanager
async def open_client(token: str, base_url: str) -> AsyncIterator[AsyncWebClient]:
    """A client over one shared session. It never tries again by itself: the writer decides that."""
    timeout = aiohttp.ClientTimeout(total=15)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield AsyncWebClient(token=token, base_url=base_url, session=session, retry_handlers=[])


async def sign_in(client: AsyncWebClient) -> Workspace:
    """Raises `Unavailable`, or `ConfigurationError` when Slack refuses the token."""
    try:
        async with reaching():
            said = await client.auth_test()
    except SlackApiError as error:
        raise ConfigurationError(
            f"Slack refuses the bot token ({error_of(error)}). Set CARAPULSE_SLACK__BOT_TOKEN."
        ) from None
    return Workspace(
        team=str(said["team_id"]),
        organisation=str(said["team"]),
        bot_user=str(said["user_id"]),
        bot_id=str(said.get("bot_id") or ""),
        url=str(said.get("url") or ""),
    )


def build(
    client: AsyncWebClient,
    workspace: Workspace,
    *,
    store: Store,
    arrivals: Arrivals,
    directory: Directory,
    services: Services,
) -> Inbox:
    """The app with all its features, behind the inbox; it talks to nobody while it is built."""
    app = AsyncApp(
        name="carapulse",
        client=tokenless(client),
        # A connection needs no signature; over HTTP it is checked before Bolt sees the request.
        request_verification_enabled=False,
        authorize=known(workspace, str(client.token)),
        process_before_response=True,
    )
    for feature in features(client, workspace, store, directory, services):
        feature.register(app)
    return Inbox(app, arrivals, Whispers(store), workspace.bot_user)


def features(
    client: AsyncWebClient,
    workspace: Workspace,
    store: Store,
    directory: Directory,
    services: Services,
) -> list[Feature]:
    """Everything that can be done from Slack."""
    team = workspace.team
    people = People(client, directory, team)
    door = Door(people, Whispers(store), team, workspace.organisation)
    workflows = Workflows(services.templates, door, client)
    signing_in = SigningIn(services.accounts)
    table = (
        *PlanCommands(
            store, services.views, services.approvals, services.conversations, door
        ).table(),
        *FreezeCommands(services.freezes).table(),
        *library_commands.table(services.library, door),
        *signing_in.table(),
        *workflows.table(),
    )
    told = guide(services.answers.examples(), table)
    return [
        Ask(
            services.conversations,
            services.presence,
            door,
            workspace.bot_user,
            told,
            services.glance,
        ),
        Choosing(services.conversations, door),
        Results(services.answers, door),
        Ratings(services.feedback, door),
        Deciding(services.approvals, services.views, door),
        Reactions(store, services.approvals, services.views, door, team),
        Operating(services.executions, door),
        signing_in,
        Correcting(services.drafts, door),
        Editing(services.revisions, door),
        Previewing(services.previews, services.revisions, services.views, door),
        Problems(services.alerts, door),
        Reading(services.library, door),
        workflows,
        Home(store, people),
        Commands(door, table, told, services.access),
    ]


def tokenless(client: AsyncWebClient) -> AsyncWebClient:
    """The same client for Bolt, which takes the token from `known` and warns about another one."""
    return AsyncWebClient(base_url=client.base_url, session=client.session, retry_handlers=[])


def known(workspace: Workspace, token: str) -> Any:
    """Authorization without asking Slack: a failing `auth.test` would drop events."""
    result = AuthorizeResult(
        enterprise_id=None,
        team_id=workspace.team,
        bot_user_id=workspace.bot_user,
        bot_id=workspace.bot_id,
        bot_token=token,
    )

    async def authorize() -> AuthorizeResult:
        return result

    return authorize
