"""chat.startStream, chat.appendStream and chat.stopStream."""

import time
from dataclasses import replace
from typing import Any

from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.model import Channel, Json, Message
from bot.local.slack.refusal import Refused
from bot.local.slack.validate import MOST_TEXT, accept_blocks, text_length
from bot.local.slack.web_api.call import Call, Method, channel_to_write
from bot.local.slack.web_api.content import MOST_MARKDOWN, metadata_of
from bot.local.slack.workspace import Stream

MOST_BLOCKS = 50
MODES = ("timeline", "plan", "dense")


def start(slack: LocalSlack, call: Call) -> Json:
    """Begin a message that is written while it is read."""
    channel = channel_to_write(slack, call)
    recipients(channel, call)
    mode = call.text("task_display_mode") or MODES[0]
    if mode not in MODES:
        raise Refused("invalid_arguments", f"must be one of {', '.join(MODES)}: task_display_mode")
    thread_ts = slack.timeline.reply_ts(channel.id, call.text("thread_ts") or None)
    stream = Stream(expires=time.monotonic() + slack.faults.stream_lifetime, mode=mode)
    absorb(stream, call)
    app = slack.workspace.world.app
    message = Message(
        channel=channel.id,
        ts=slack.workspace.new_ts(),
        user=app.bot_user,
        bot_id=app.bot_id,
        thread_ts=thread_ts,
        **written(slack, stream, []),
    )
    slack.workspace.streams[channel.id, message.ts] = stream
    slack.timeline.post(message)
    slack.statuses.clear(channel.id, thread_ts)
    return {"channel": channel.id, "ts": message.ts}


def append(slack: LocalSlack, call: Call) -> Json:
    """Write on."""
    message, stream = streaming(slack, call)
    absorb(stream, call)
    slack.timeline.change(replace(message, **written(slack, stream, [])), silent=True)
    return {"channel": message.channel, "ts": message.ts}


def stop(slack: LocalSlack, call: Call) -> Json:
    """Finish the message, with blocks at its end if given."""
    message, stream = streaming(slack, call)
    absorb(stream, call)
    last = accept_blocks(call.json("blocks", "invalid_blocks_format") or [])
    content = written(slack, stream, last)
    del slack.workspace.streams[message.channel, message.ts]
    finished = replace(message, metadata=metadata_of(call, message.metadata), **content)
    slack.timeline.change(finished)
    return {
        "channel": message.channel,
        "ts": message.ts,
        "message": slack.present.message(finished),
    }


def recipients(channel: Channel, call: Call) -> None:
    """In a channel a stream is for somebody."""
    if channel.kind == "dm":
        return
    for name in ("recipient_team_id", "recipient_user_id"):
        if not call.text(name):
            raise Refused(f"missing_{name}")


def streaming(slack: LocalSlack, call: Call) -> tuple[Message, Stream]:
    """A message of ours that is still being written."""
    channel = channel_to_write(slack, call)
    message = slack.workspace.message(channel.id, call.required("ts"))
    if not slack.workspace.is_streaming(message):
        raise Refused("message_not_in_streaming_state")
    return message, slack.workspace.streams[channel.id, message.ts]


def absorb(stream: Stream, call: Call) -> None:
    """Add what the call brings to what is there."""
    markdown, chunks = call.text("markdown_text"), call.json("chunks") or []
    if len(markdown) > MOST_MARKDOWN:
        raise Refused("msg_too_long")
    if markdown:
        chunks = [{"type": "markdown_text", "text": markdown}, *chunks]
    if not isinstance(chunks, list):
        raise Refused("invalid_chunks")
    for chunk in chunks:
        add_chunk(stream, chunk)


def add_chunk(stream: Stream, chunk: Any) -> None:
    """One chunk: text, a task, the plan's title, or blocks."""
    kind = chunk.get("type") if isinstance(chunk, dict) else None
    if kind == "markdown_text" and isinstance(chunk.get("text"), str):
        add_text(stream, chunk["text"])
    elif kind == "task_update" and chunk.get("id") and chunk.get("title"):
        add_task(stream, chunk)
    elif kind == "plan_update" and isinstance(chunk.get("title"), str):
        stream.title = chunk["title"]
    elif kind == "blocks" and isinstance(chunk.get("blocks"), list):
        stream.parts.extend(accept_blocks(chunk["blocks"]))
    else:
        raise Refused("invalid_chunks", f"unsupported chunk: {kind}")


def add_text(stream: Stream, text: str) -> None:
    """Text goes on where the last text ended."""
    last = stream.parts[-1] if stream.parts else {}
    if last.get("type") == "markdown":
        stream.parts[-1] = {**last, "text": last["text"] + text}
    else:
        stream.parts.append({"type": "markdown", "text": text})


def add_task(stream: Stream, chunk: Json) -> None:
    """A task appears, or changes where it stands; its details grow."""
    card = task_card(chunk)
    for index, part in enumerate(stream.parts):
        if part.get("type") == "task_card" and part["task_id"] == card["task_id"]:
            stream.parts[index] = {**part, **card}
            return
    stream.parts.append(card)


def task_card(chunk: Json) -> Json:
    """The block that a task chunk stands for."""
    card = {
        "type": "task_card",
        "task_id": str(chunk["id"]),
        "title": str(chunk["title"]),
        "status": chunk.get("status", "pending"),
    }
    for name in ("details", "output"):
        if chunk.get(name):
            card[name] = paragraph(str(chunk[name]))
    return {**card, "sources": chunk["sources"]} if chunk.get("sources") else card


def paragraph(text: str) -> Json:
    """Plain text as rich text."""
    inline: Json = {"type": "text", "text": text}
    section: Json = {"type": "rich_text_section", "elements": [inline]}
    return {"type": "rich_text", "elements": [section]}


def written(slack: LocalSlack, stream: Stream, last: list[Json]) -> Json:
    """The message's content as it stands."""
    blocks = [*in_plan(stream), *last]
    if len(blocks) > 2 * MOST_BLOCKS:
        raise Refused("msg_blocks_too_many")
    if text_length(blocks) > MOST_TEXT:
        raise Refused("msg_blocks_too_long")
    text = "\n".join(part["text"] for part in stream.parts if part["type"] == "markdown")
    return {"text": text, "blocks": slack.timeline.number_blocks(blocks)}


def in_plan(stream: Stream) -> list[Json]:
    """In plan mode all tasks stand together under the title."""
    if stream.mode != "plan":
        return stream.parts
    tasks = [part for part in stream.parts if part["type"] == "task_card"]
    others = [part for part in stream.parts if part["type"] != "task_card"]
    plan = {"type": "plan", "title": stream.title or "Plan", "tasks": tasks}
    return [plan, *others] if tasks or stream.title else others


METHODS: dict[str, Method] = {
    "chat.startStream": start,
    "chat.appendStream": append,
    "chat.stopStream": stop,
}
