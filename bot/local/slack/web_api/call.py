"""The arguments of one Web API call, however they were sent."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.model import Channel, Json
from bot.local.slack.refusal import Refused

TRUE = frozenset({"1", "true", "True"})


@dataclass(frozen=True, slots=True)
class Call:
    """Forms carry strings and JSON in strings, JSON bodies carry values: both read the same."""

    method: str
    args: Json

    def text(self, name: str) -> str:
        """A string, empty if missing."""
        value = self.args.get(name)
        return "" if value is None else str(value)

    def required(self, name: str) -> str:
        """A string that has to be there."""
        value = self.text(name)
        if not value:
            raise Refused("invalid_arguments", f"missing required field: {name}")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """True or false."""
        value = self.args.get(name)
        return default if value is None else value is True or str(value) in TRUE

    def number(self, name: str, default: int) -> int:
        """A whole number."""
        value = self.text(name)
        if value and not value.isdigit():
            raise Refused("invalid_arguments", f"must be a number: {name}")
        return int(value) if value else default

    def json(self, name: str, on_error: str = "invalid_json") -> Any:
        """A structured value, or None if missing."""
        value = self.args.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except json.JSONDecodeError as error:
            raise Refused(on_error) from error


Method = Callable[[LocalSlack, Call], Json]


def channel_to_write(slack: LocalSlack, call: Call) -> Channel:
    """The channel to post in: the bot is a member and it is not archived."""
    given = call.text("channel")
    if given in slack.workspace.users:
        return slack.workspace.dm_of(given)
    channel = slack.workspace.channel(given)
    if slack.workspace.bot.id not in channel.members:
        raise Refused("not_in_channel")
    if channel.is_archived:
        raise Refused("is_archived")
    return channel


def channel_to_read(slack: LocalSlack, call: Call) -> Channel:
    """The channel to read from: public ones show themselves, their content needs membership."""
    return slack.workspace.channel(call.text("channel"))


def page_of(values: list[Any], call: Call, default: int, most: int = 1000) -> tuple[list[Any], str]:
    """One page of a list, and the cursor of the next one."""
    limit = min(call.number("limit", default) or default, most)
    cursor = call.text("cursor")
    if cursor and not cursor.isdigit():
        raise Refused("invalid_cursor")
    start = int(cursor or 0)
    following = start + limit
    return values[start:following], str(following) if following < len(values) else ""
