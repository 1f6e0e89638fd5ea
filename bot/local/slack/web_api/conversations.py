"""conversations.*: channels, their members and what was said in them."""

import re
import time
from dataclasses import replace

from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.model import Channel, Json, Message
from bot.local.slack.refusal import Refused
from bot.local.slack.web_api.call import Call, Method, channel_to_read, channel_to_write, page_of
from bot.local.slack.workspace import ts_of

NAME = re.compile(r"[a-z0-9_-]{1,80}")
MOST_TOPIC = 250


def info(slack: LocalSlack, call: Call) -> Json:
    """One conversation."""
    channel = channel_to_read(slack, call)
    members = call.flag("include_num_members")
    return {"channel": slack.present.channel(channel, members=members)}


def list_all(slack: LocalSlack, call: Call) -> Json:
    """Conversations of the types asked for."""
    wanted = (call.text("types") or "public_channel").split(",")
    bot = slack.workspace.bot.id
    found = [
        channel
        for channel in slack.workspace.channels.values()
        if listed_as(channel) in wanted
        and (not channel.is_private or bot in channel.members)
        and not (channel.is_archived and call.flag("exclude_archived"))
    ]
    page, following = page_of(found, call, 100)
    shown = [slack.present.channel(channel, members=True) for channel in page]
    return {"channels": shown, "response_metadata": {"next_cursor": following}}


def listed_as(channel: Channel) -> str:
    """The word for the type of a channel."""
    if channel.kind == "dm":
        return "im"
    return "private_channel" if channel.is_private else "public_channel"


def members(slack: LocalSlack, call: Call) -> Json:
    """Who is in a conversation."""
    page, following = page_of(list(channel_to_read(slack, call).members), call, 100)
    return {"members": page, "response_metadata": {"next_cursor": following}}


def open_dm(slack: LocalSlack, call: Call) -> Json:
    """The direct conversation with a person."""
    users = call.text("users").split(",")
    if call.text("channel"):
        channel = channel_to_read(slack, call)
    elif len(users) == 1:
        channel = slack.workspace.dm_of(slack.workspace.user(users[0]).id)
    else:
        raise Refused("method_not_supported_for_channel_type")
    shown = slack.present.channel(channel) if call.flag("return_im") else {"id": channel.id}
    return {"no_op": True, "already_open": True, "channel": shown}


def history(slack: LocalSlack, call: Call) -> Json:
    """What was said, newest first, without replies."""
    channel = readable(slack, call)
    inside = slack.workspace.messages.get(channel.id, {}).values()
    roots = [m for m in inside if not m.is_reply or m.subtype == "thread_broadcast"]
    newest_first = sorted(between(roots, call), key=ts_of, reverse=True)
    page, following = page_of(newest_first, call, 100, most=999)
    return messages_page(slack, call, page, following)


def replies(slack: LocalSlack, call: Call) -> Json:
    """A thread: its first message, then the answers in order."""
    channel = readable(slack, call)
    root = slack.workspace.messages.get(channel.id, {}).get(call.required("ts"))
    if root is None:
        raise Refused("thread_not_found")
    if root.is_reply:
        root = slack.workspace.message(channel.id, str(root.thread_ts))
    thread = [root, *between(slack.workspace.replies(channel.id, root.ts), call)]
    page, following = page_of(thread, call, 1000)
    return messages_page(slack, call, page, following)


def readable(slack: LocalSlack, call: Call) -> Channel:
    """Only members read what was said."""
    channel = channel_to_read(slack, call)
    if slack.workspace.bot.id not in channel.members:
        raise Refused("not_in_channel")
    return channel


def between(messages: list[Message], call: Call) -> list[Message]:
    """Messages in the time asked for."""
    oldest, latest = call.text("oldest"), call.text("latest")
    inclusive = call.flag("inclusive")

    def fits(message: Message) -> bool:
        ts = message.ts
        if inclusive and ts in (oldest, latest):
            return True
        after = not oldest or float(ts) > float(oldest)
        return after and (not latest or float(ts) < float(latest))

    return [message for message in messages if fits(message)]


def messages_page(slack: LocalSlack, call: Call, page: list[Message], following: str) -> Json:
    """One page; metadata only if asked for."""
    shown = [slack.present.message(message) for message in page]
    if not call.flag("include_all_metadata"):
        shown = [{k: v for k, v in each.items() if k != "metadata"} for each in shown]
    answer: Json = {"messages": shown, "has_more": bool(following)}
    return {**answer, "response_metadata": {"next_cursor": following}} if following else answer


def create(slack: LocalSlack, call: Call) -> Json:
    """A new channel with the bot in it."""
    name = call.required("name")
    if not NAME.fullmatch(name):
        raise Refused("invalid_name_specials")
    if any(channel.name == name for channel in slack.workspace.channels.values()):
        raise Refused("name_taken")
    bot = slack.workspace.bot.id
    channel = Channel(
        id=slack.workspace.new_id("C"),
        name=name,
        members=(bot,),
        is_private=call.flag("is_private"),
        creator=bot,
        created=int(time.time()),
    )
    keep(slack, channel)
    return {"channel": slack.present.channel(channel)}


def invite(slack: LocalSlack, call: Call) -> Json:
    """Bring people in."""
    channel = channel_to_write(slack, call)
    asked = [each for each in call.required("users").split(",") if each]
    if len(asked) > 100:
        raise Refused("too_many_users")
    for user_id in asked:
        slack.workspace.user(user_id)
    fresh = [each for each in asked if each not in channel.members]
    if not fresh:
        raise Refused("already_in_channel")
    channel = replace(channel, members=(*channel.members, *fresh))
    keep(slack, channel)
    for user_id in fresh:
        slack.events.joined(channel, user_id, slack.workspace.bot.id)
    return {"channel": slack.present.channel(channel)}


def join(slack: LocalSlack, call: Call) -> Json:
    """Go into a public channel."""
    channel = channel_to_read(slack, call)
    bot = slack.workspace.bot.id
    if channel.is_private:
        raise Refused("method_not_supported_for_channel_type")
    if bot in channel.members:
        return {"channel": slack.present.channel(channel), "warning": "already_in_channel"}
    channel = replace(channel, members=(*channel.members, bot))
    keep(slack, channel)
    slack.events.joined(channel, bot, None)
    return {"channel": slack.present.channel(channel)}


def set_topic(slack: LocalSlack, call: Call) -> Json:
    """Say above the channel what it is about."""
    channel = channel_to_write(slack, call)
    topic = call.text("topic")
    if len(topic) > MOST_TOPIC:
        raise Refused("too_long")
    channel = replace(channel, topic=topic)
    keep(slack, channel)
    return {"channel": slack.present.channel(channel)}


def set_purpose(slack: LocalSlack, call: Call) -> Json:
    """Describe the channel."""
    channel = channel_to_write(slack, call)
    if len(call.text("purpose")) > MOST_TOPIC:
        raise Refused("too_long")
    channel = replace(channel, purpose=call.text("purpose"))
    keep(slack, channel)
    return {"channel": slack.present.channel(channel), "purpose": channel.purpose}


def archive(slack: LocalSlack, call: Call) -> Json:
    """Close a channel for good."""
    channel = channel_to_read(slack, call)
    if channel.is_archived:
        raise Refused("already_archived")
    keep(slack, replace(channel, is_archived=True))
    return {}


def keep(slack: LocalSlack, channel: Channel) -> None:
    """Store a channel and show it on the pages of its members."""
    slack.workspace.channels[channel.id] = channel
    shown = slack.present.page_channel(channel)
    slack.feed.to_channel(channel.id, {"type": "channel", "channel": shown})


METHODS: dict[str, Method] = {
    "conversations.info": info,
    "conversations.list": list_all,
    "conversations.members": members,
    "conversations.open": open_dm,
    "conversations.history": history,
    "conversations.replies": replies,
    "conversations.create": create,
    "conversations.invite": invite,
    "conversations.join": join,
    "conversations.setTopic": set_topic,
    "conversations.setPurpose": set_purpose,
    "conversations.archive": archive,
}
