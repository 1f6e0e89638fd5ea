"""chat.postMessage, chat.update, chat.delete, chat.postEphemeral and chat.getPermalink."""

from dataclasses import replace

from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.model import Json, Message
from bot.local.slack.refusal import Refused
from bot.local.slack.timeline import with_edit
from bot.local.slack.web_api.call import Call, Method, channel_to_write
from bot.local.slack.web_api.content import (
    MOST_TEXT_UPDATED,
    content_of,
    metadata_of,
    unfurl_of,
)


def post_message(slack: LocalSlack, call: Call) -> Json:
    """Say something where everybody in the channel can read it."""
    channel = channel_to_write(slack, call)
    content = content_of(slack, call)
    thread_ts = slack.timeline.reply_ts(channel.id, call.text("thread_ts") or None)
    app = slack.workspace.world.app
    message = Message(
        channel=channel.id,
        ts=slack.workspace.new_ts(),
        user=app.bot_user,
        bot_id=app.bot_id,
        thread_ts=thread_ts,
        subtype="thread_broadcast" if thread_ts and call.flag("reply_broadcast") else None,
        metadata=metadata_of(call),
        unfurl=unfurl_of(call),
        **content,
    )
    slack.timeline.post(message)
    slack.statuses.clear(channel.id, thread_ts)
    return {"channel": channel.id, "ts": message.ts, "message": slack.present.message(message)}


def update(slack: LocalSlack, call: Call) -> Json:
    """Edit one of our own messages. Text without blocks removes the blocks."""
    message = own_message(slack, call, "cant_update_message")
    if slack.workspace.is_streaming(message):
        raise Refused("streaming_state_conflict")
    content = content_of(slack, call, MOST_TEXT_UPDATED)
    if call.json("attachments") is None:
        content["attachments"] = message.attachments
    changed = replace(message, metadata=metadata_of(call, message.metadata), **content)
    if not content["blocks"]:
        changed = with_edit(changed, str(message.user), slack.workspace.new_ts())
    slack.timeline.change(changed)
    return {
        "channel": message.channel,
        "ts": message.ts,
        "text": changed.text,
        "message": slack.present.message(changed),
    }


def delete(slack: LocalSlack, call: Call) -> Json:
    """Take one of our own messages back."""
    message = own_message(slack, call, "cant_delete_message")
    slack.timeline.delete(message)
    return {"channel": message.channel, "ts": message.ts}


def post_ephemeral(slack: LocalSlack, call: Call) -> Json:
    """Whisper to one member of the channel."""
    channel = channel_to_write(slack, call)
    user_id = call.required("user")
    if user_id not in channel.members:
        raise Refused("user_not_in_channel")
    app = slack.workspace.world.app
    message = Message(
        channel=channel.id,
        ts=slack.workspace.new_ts(),
        user=app.bot_user,
        bot_id=app.bot_id,
        thread_ts=slack.timeline.reply_ts(channel.id, call.text("thread_ts") or None),
        ephemeral_to=user_id,
        **content_of(slack, call),
    )
    slack.timeline.post(message)
    return {"message_ts": message.ts}


def get_permalink(slack: LocalSlack, call: Call) -> Json:
    """A link to a message."""
    channel = slack.workspace.channel(call.text("channel"))
    message = slack.workspace.message(channel.id, call.required("message_ts"))
    link = f"{slack.url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def own_message(slack: LocalSlack, call: Call, otherwise: str) -> Message:
    """A message that our bot wrote and that is not a whisper."""
    channel = channel_to_write(slack, call)
    message = slack.workspace.message(channel.id, call.required("ts"))
    if message.bot_id != slack.workspace.world.app.bot_id:
        raise Refused(otherwise)
    return message


METHODS: dict[str, Method] = {
    "chat.postMessage": post_message,
    "chat.update": update,
    "chat.delete": delete,
    "chat.postEphemeral": post_ephemeral,
    "chat.getPermalink": get_permalink,
}
