"""files.getUploadURLExternal, files.completeUploadExternal and files.info."""

import mimetypes
import time
from dataclasses import replace

from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.model import File, Json, Message
from bot.local.slack.refusal import Refused
from bot.local.slack.web_api.call import Call, Method, channel_to_write

MOST_BYTES = 64 * 1024 * 1024


def get_upload_url(slack: LocalSlack, call: Call) -> Json:
    """Where to send the bytes of one file."""
    name, length = call.required("filename"), call.number("length", 0)
    if length <= 0 or length > MOST_BYTES:
        raise Refused("invalid_arguments", "length must be that of the file")
    if "/" in name or "\\" in name:
        raise Refused("invalid_arguments", "filename must be a name, not a path")
    file = File(
        id=slack.workspace.new_id("F"),
        name=name,
        title=name,
        user=slack.workspace.bot.id,
        length=length,
        mimetype=mimetypes.guess_type(name)[0] or "text/plain",
        snippet_type=call.text("snippet_type"),
        created=int(time.time()),
    )
    slack.workspace.files[file.id] = file
    return {"upload_url": f"{slack.url}/files/upload/{file.id}", "file_id": file.id}


def complete_upload(slack: LocalSlack, call: Call) -> Json:
    """Share what was uploaded."""
    listed = call.json("files")
    if not isinstance(listed, list) or not listed:
        raise Refused("invalid_arguments", "missing required field: files")
    files = [uploaded(slack, each) for each in listed]
    target = call.text("channel_id") or call.text("channels")
    if target:
        files = share(slack, call, files, target)
    for file in files:
        slack.workspace.files[file.id] = file
    return {"files": [slack.present.file(file) for file in files]}


def uploaded(slack: LocalSlack, listed: Json) -> File:
    """A file whose bytes have arrived and which is not shared yet."""
    file = slack.workspace.files.get(str(listed.get("id")))
    if file is None or file.content is None:
        raise Refused("file_not_found")
    if file.shares:
        raise Refused("posting_to_channel_denied", "the upload was completed before")
    return replace(file, title=str(listed.get("title") or file.name))


def share(slack: LocalSlack, call: Call, files: list[File], target: str) -> list[File]:
    """Post the files into a channel as one message."""
    channel = channel_to_write(slack, Call(call.method, {"channel": target}))
    thread_ts = slack.timeline.reply_ts(channel.id, call.text("thread_ts") or None)
    ts, app = slack.workspace.new_ts(), slack.workspace.world.app
    shared = [replace(file, shares=((channel.id, ts),)) for file in files]
    for file in shared:
        slack.workspace.files[file.id] = file
    slack.timeline.post(
        Message(
            channel=channel.id,
            ts=ts,
            text=call.text("initial_comment"),
            user=app.bot_user,
            bot_id=app.bot_id,
            thread_ts=thread_ts,
            subtype="file_share",
            files=tuple(file.id for file in shared),
        )
    )
    return shared


def info(slack: LocalSlack, call: Call) -> Json:
    """One file and where it was shared."""
    file = slack.workspace.files.get(call.text("file"))
    if file is None:
        raise Refused("file_not_found")
    shares: Json = {channel: [{"ts": ts}] for channel, ts in file.shares}
    shown = {**slack.present.file(file), "shares": {"public": shares}, "channels": list(shares)}
    return {"file": shown, "comments": []}


METHODS: dict[str, Method] = {
    "files.getUploadURLExternal": get_upload_url,
    "files.completeUploadExternal": complete_upload,
    "files.info": info,
}
