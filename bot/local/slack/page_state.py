"""The whole workspace as one person sees it."""

from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.model import Channel, Json
from bot.local.slack.workspace import ts_of


def snapshot(slack: LocalSlack, user_id: str) -> Json:
    """Everything the page needs to draw itself. Whispers do not survive a reload."""
    workspace = slack.workspace
    me = workspace.user(user_id)
    channels = [each for each in workspace.channels.values() if me.id in each.members]
    home = workspace.homes.get(me.id)
    return {
        "team": workspace.world.team,
        "me": me.id,
        "users": [user_card(slack, each) for each in workspace.users],
        "usergroups": [
            {"id": g.id, "handle": g.handle, "name": g.name, "members": list(g.members)}
            for g in workspace.groups.values()
        ],
        "emoji": workspace.world.emoji,
        "channels": [
            {**slack.present.page_channel(each), "unread": unread(slack, each, me.id)}
            for each in channels
        ],
        "messages": {each.id: messages_of(slack, each) for each in channels},
        "home": slack.present.view(home) if home else None,
        "views": [slack.present.view(view) for view in workspace.modals.get(me.id, [])],
        "commands": list(workspace.world.commands),
        "shortcuts": list(workspace.world.shortcuts),
        "connections": len(slack.connections),
    }


def user_card(slack: LocalSlack, user_id: str) -> Json:
    """A person as the page lists them."""
    user = slack.workspace.users[user_id]
    names = (
        "id",
        "name",
        "real_name",
        "is_bot",
        "is_restricted",
        "is_stranger",
        "color",
        "tz",
        "locale",
    )
    return {name: getattr(user, name) for name in names}


def unread(slack: LocalSlack, channel: Channel, user_id: str) -> int:
    """Messages of others since the person last read or wrote here."""
    seen = slack.workspace.read_up_to.get((user_id, channel.id), "0")
    inside = slack.workspace.messages.get(channel.id, {}).values()
    return sum(1 for m in inside if m.user != user_id and float(m.ts) > float(seen))


def messages_of(slack: LocalSlack, channel: Channel) -> list[Json]:
    """Every message of a channel, oldest first."""
    inside = slack.workspace.messages.get(channel.id, {}).values()
    return [slack.present.page_message(message) for message in sorted(inside, key=ts_of)]
