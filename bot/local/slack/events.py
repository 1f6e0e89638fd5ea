"""Builds the events that Slack would send for what happens in the workspace."""

import time

from bot.local.slack.deliveries import Deliveries
from bot.local.slack.model import Channel, Json, Message
from bot.local.slack.present import Presenter
from bot.local.slack.workspace import Workspace


class Events:
    """Tells the app what it is subscribed to, where its bot is a member."""

    def __init__(self, workspace: Workspace, presenter: Presenter, deliveries: Deliveries) -> None:
        self._workspace = workspace
        self._presenter = presenter
        self._deliveries = deliveries

    def posted(self, message: Message) -> None:
        """A new message; a mention of the bot makes a second event with its own id."""
        channel = self._workspace.channel(message.channel)
        event = {
            **self._presenter.message(message),
            **self._origin(message),
            "channel": channel.id,
            "event_ts": message.ts,
            "channel_type": channel.type,
        }
        self.send(event, channel)
        if channel.kind != "dm" and message.user and self._mentions_bot(message):
            mention = {k: v for k, v in event.items() if k not in ("channel_type", "subtype")}
            self.send({**mention, "type": "app_mention"}, channel)

    def changed(self, message: Message, before: Message) -> None:
        """A message was edited."""
        channel = self._workspace.channel(message.channel)
        event_ts = self._workspace.new_ts()
        self.send(
            {
                "type": "message",
                "subtype": "message_changed",
                "hidden": True,
                "message": self._presenter.message(message),
                "previous_message": self._presenter.message(before),
                "channel": channel.id,
                "channel_type": channel.type,
                "ts": event_ts,
                "event_ts": event_ts,
            },
            channel,
        )

    def deleted(self, message: Message) -> None:
        """A message was deleted."""
        channel = self._workspace.channel(message.channel)
        event_ts = self._workspace.new_ts()
        self.send(
            {
                "type": "message",
                "subtype": "message_deleted",
                "hidden": True,
                "deleted_ts": message.ts,
                "previous_message": self._presenter.message(message),
                "channel": channel.id,
                "channel_type": channel.type,
                "ts": event_ts,
                "event_ts": event_ts,
            },
            channel,
        )

    def reacted(self, message: Message, user: str, name: str, *, added: bool) -> None:
        """An emoji came or went."""
        channel = self._workspace.channel(message.channel)
        self.send(
            {
                "type": "reaction_added" if added else "reaction_removed",
                "user": user,
                "reaction": name,
                "item": {"type": "message", "channel": channel.id, "ts": message.ts},
                "item_user": message.user,
                "event_ts": self._workspace.new_ts(),
            },
            channel,
        )

    def home_opened(self, user: str, tab: str) -> None:
        """A person looks at the app's own pages."""
        channel = self._workspace.dm_of(user)
        event: Json = {
            "type": "app_home_opened",
            "user": user,
            "channel": channel.id,
            "tab": tab,
            "event_ts": self._workspace.new_ts(),
        }
        home = self._workspace.homes.get(user)
        if tab == "home" and home is not None:
            event["view"] = self._presenter.view(home)
        self.send(event, channel)

    def joined(self, channel: Channel, user: str, inviter: str | None) -> None:
        """Somebody came into a channel."""
        event: Json = {
            "type": "member_joined_channel",
            "user": user,
            "channel": channel.id,
            "channel_type": "G" if channel.is_private else "C",
            "team": self._workspace.users[user].team_id,
            "event_ts": self._workspace.new_ts(),
        }
        self.send({**event, "inviter": inviter} if inviter else event, channel)

    def session_stopped(self, channel_id: str, thread_ts: str, user: str) -> None:
        """A person pressed the stop button of a working agent."""
        channel = self._workspace.channel(channel_id)
        streaming = [ts for (where, ts) in self._workspace.streams if where == channel_id]
        self.send(
            {
                "type": "agent_session_stopped",
                "channel": channel_id,
                "user": user,
                "thread_ts": thread_ts,
                "streaming_message_ts": streaming,
                "event_ts": self._workspace.new_ts(),
            },
            channel,
        )

    def send(self, event: Json, channel: Channel) -> None:
        """Deliver an event of a channel, if the bot is in it."""
        if self._workspace.bot.id in channel.members:
            self._wrap(event, shared=channel.is_ext_shared)

    def team(self, event: Json) -> None:
        """Something changed that belongs to no channel: people and groups."""
        self._wrap({**event, "event_ts": self._workspace.new_ts()}, shared=False)

    def _wrap(self, event: Json, *, shared: bool) -> None:
        world, bot = self._workspace.world, self._workspace.bot
        authorization = {
            "enterprise_id": None,
            "team_id": self._workspace.team_id,
            "user_id": bot.id,
            "is_bot": True,
            "is_enterprise_install": False,
        }
        self._deliveries.event(
            {
                "token": "local",
                "team_id": self._workspace.team_id,
                "context_team_id": self._workspace.team_id,
                "context_enterprise_id": None,
                "api_app_id": world.app.id,
                "event": event,
                "type": "event_callback",
                "event_id": self._workspace.new_id("Ev"),
                "event_time": int(time.time()),
                "authorizations": [authorization],
                "is_ext_shared_channel": shared,
                "event_context": self._workspace.new_id("4-"),
            }
        )

    def _mentions_bot(self, message: Message) -> bool:
        bot = self._workspace.bot.id
        return message.user != bot and f"<@{bot}>" in message.text

    def _origin(self, message: Message) -> Json:
        """Strangers are marked with their own team."""
        user = self._workspace.users.get(message.user or "")
        if user is None or user.team_id == self._workspace.team_id:
            return {}
        return {"user_team": user.team_id, "source_team": user.team_id}
