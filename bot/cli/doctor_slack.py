"""Looks at Slack: the two tokens, what they may do, and what time it is there."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import yaml
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.cli.doctor_finding import Finding, clock, fail, ok, warn
from bot.slack.app import open_client
from bot.slack.failures import error_of, reaching
from engine.errors import Unavailable
from engine.resources import shipped
from engine.settings import Settings

MANIFEST = "slack-manifest.yaml"
DATE_STEP = 1.0


async def slack(settings: Settings) -> list[Finding]:
    """What is needed for the transport, asked of Slack itself; no connection is opened."""
    wanted = settings.slack
    bot, app = wanted.bot_token.get_secret_value(), wanted.app_token.get_secret_value()
    async with open_client(bot, wanted.base_url) as client:
        found = await bot_token(client, bot)
        if wanted.transport == "http":
            return [*found, signing_secret(wanted.signing_secret.get_secret_value())]
        return [*found, await app_token(client, app)]


def signing_secret(secret: str) -> Finding:
    """Only Slack itself could tell whether it is the right one."""
    area = "slack over http"
    if not secret:
        mend = "Set CARAPULSE_SLACK__SIGNING_SECRET, from Basic Information of your Slack app."
        return fail(area, "no signing secret is configured", mend)
    return ok(area, "a signing secret is configured")


async def bot_token(client: AsyncWebClient, token: str) -> list[Finding]:
    """Who the token says we are, which scopes it has, and the time of the answer."""
    area = "slack"
    if not token:
        mend = "Set SLACK_BOT_TOKEN (xoxb-...), from OAuth & Permissions of your Slack app."
        return [fail(area, "no bot token is configured", mend)]
    try:
        async with reaching():
            said = await client.auth_test()
    except Unavailable:
        mend = f"Check the way to {client.base_url} (CARAPULSE_SLACK__BASE_URL, proxy, firewall)."
        return [fail(area, "Slack does not answer", mend)]
    except SlackApiError as error:
        mend = "Copy the Bot User OAuth Token anew into SLACK_BOT_TOKEN."
        return [fail(area, f"Slack refuses the bot token ({error_of(error)})", mend)]
    headers = {str(name).lower(): str(value) for name, value in said.headers.items()}
    who = ok(area, f"signed in to {said['team']} as {said['user']}")
    return [who, scopes(headers), *its_clock(headers)]


def scopes(headers: Mapping[str, str]) -> Finding:
    """Compare what the token has with what the manifest asks for."""
    given = headers.get("x-oauth-scopes")
    if given is None:
        return warn("scopes", "Slack did not say which the token has", "Compare with the manifest.")
    has = {scope.strip() for scope in given.split(",") if scope.strip()}
    lacking = sorted(manifest_scopes() - has)
    if lacking:
        mend = f"Paste deploy/{MANIFEST} into the app's manifest, and install the app again."
        return fail("scopes", f"the bot token lacks {', '.join(lacking)}", mend)
    return ok("scopes", "the bot token has every scope of the manifest")


def manifest_scopes() -> set[str]:
    """What the shipped manifest asks for."""
    manifest: Any = yaml.safe_load((shipped("deploy") / MANIFEST).read_text(encoding="utf-8"))
    return set(manifest["oauth_config"]["scopes"]["bot"])


def its_clock(headers: Mapping[str, str]) -> list[Finding]:
    """Slack tells its time in whole seconds; nothing is said where it tells none."""
    try:
        there = parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return []
    if there.tzinfo is None:
        return []
    ahead = (there - datetime.now(UTC)).total_seconds()
    return [clock("clock", "Slack's", ahead, exact=DATE_STEP)]


async def app_token(client: AsyncWebClient, token: str) -> Finding:
    """Whether Socket Mode would let us in; the ticket it gives is left unused."""
    area = "socket mode"
    if not token:
        mend = "Set SLACK_APP_TOKEN (xapp-...), with the scope connections:write."
        return fail(area, "no app token is configured", mend)
    try:
        async with reaching():
            await client.apps_connections_open(app_token=token)
    except Unavailable:
        return fail(area, "Slack does not answer", f"Check the way to {client.base_url}.")
    except SlackApiError as error:
        mend = (
            "Make an app-level token with connections:write under Basic Information, put it into "
            "SLACK_APP_TOKEN, and switch Socket Mode on."
        )
        return fail(area, f"Slack refuses the app token ({error_of(error)})", mend)
    return ok(area, "the app token may connect")
