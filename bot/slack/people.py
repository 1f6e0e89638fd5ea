"""Slack accounts -> the people of the directory."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.failures import reaching
from engine.domain.actor import Account, Actor
from engine.ports import Directory

FRESH = 15 * 60.0
MOST = 10_000
GONE = frozenset({"user_not_found", "user_not_visible", "users_not_found"})


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether others read a channel, and whether we are in it."""

    outside: bool
    here: bool


class People:
    """Who is behind an account. What Slack said is kept for 15 minutes, or until it changes."""

    def __init__(
        self,
        client: AsyncWebClient,
        directory: Directory,
        team: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._directory = directory
        self._team = team
        self._clock = clock
        self._accounts: dict[str, tuple[float, Account]] = {}
        self._standings: dict[str, tuple[float, Standing]] = {}

    async def actor(self, user: str) -> Actor | None:
        """The person; None for guests, bots, strangers, the deleted, and the unknown."""
        account = await self.account(user)
        if account.is_bot or account.is_guest or account.is_stranger or account.is_deleted:
            return None
        return await self._directory.person(account)

    async def account(self, user: str) -> Account:
        """What Slack says about the account. Raises `Unavailable`."""
        known = self._accounts.get(user)
        if known and self._clock() - known[0] < FRESH:
            return known[1]
        account = await self._look_up(user)
        make_room(self._accounts)
        self._accounts[user] = (self._clock(), account)
        return account

    async def shared_outside(self, channel: str) -> bool:
        """Whether people of other organisations read this channel, as far as Slack tells us."""
        if not channel or channel.startswith("D"):
            return False
        return (await self.standing(channel)).outside

    async def standing(self, channel: str) -> Standing:
        """What we know of a channel, or of a direct conversation. Raises `Unavailable`."""
        known = self._standings.get(channel)
        # Being invited is what people do next, so only being there is remembered.
        if known and self._clock() - known[0] < FRESH:
            return known[1]
        standing = await self._look_at(channel)
        if standing.here:
            make_room(self._standings)
            self._standings[channel] = (self._clock(), standing)
        return standing

    def forget(self, user: str) -> None:
        """The account changed."""
        self._accounts.pop(user, None)

    async def _look_up(self, user: str) -> Account:
        try:
            async with reaching():
                found = await self._client.users_info(user=user)
        except SlackApiError as error:
            if error.response["error"] in GONE:
                return Account(team=self._team, user=user, is_stranger=True)
            raise
        return account_of(found["user"], self._team)

    async def _look_at(self, channel: str) -> Standing:
        try:
            async with reaching():
                found = await self._client.conversations_info(channel=channel)
        except SlackApiError as error:
            # A private channel or a conversation that we are not in: nothing is said there by us.
            if error.response["error"] == "channel_not_found":
                return Standing(outside=False, here=False)
            raise
        said = found["channel"]
        shared = said.get("is_shared") and not said.get("is_org_shared")
        outside = said.get("is_ext_shared") or said.get("is_pending_ext_shared") or shared
        here = said.get("is_member") or said.get("is_im")
        return Standing(outside=bool(outside), here=bool(here))


def account_of(user: dict[str, Any], team: str) -> Account:
    """Slack's description, reduced. Ids count, names can be changed by anybody."""
    own = str(user.get("team_id") or "")
    return Account(
        team=own or team,
        user=str(user["id"]),
        name=str(user.get("real_name") or user.get("name") or "")[:200],
        is_bot=bool(user.get("is_bot")),
        is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        is_stranger=bool(user.get("is_stranger")) or own != team,
        is_deleted=bool(user.get("deleted")),
    )


def make_room(cache: dict[str, Any]) -> None:
    """Drop the oldest entry of a full cache."""
    if len(cache) >= MOST:
        del cache[next(iter(cache))]
