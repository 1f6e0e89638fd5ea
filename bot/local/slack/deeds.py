"""What a person can do on the page, one method per `do` of POST /page/act."""

import mimetypes
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.local.slack.interactions import Interactions
from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.model import Channel, File, Json, Message, View
from bot.local.slack.refusal import Refused
from bot.local.slack.timeline import with_edit
from bot.local.slack.web_api.files import MOST_BYTES
from bot.local.slack.wire import Typed

MOST_TYPED = 40_000

Deed = Callable[[str, Json], Awaitable[Json]]


class Deeds:
    """Acts as a person; what they may not do is `Refused`."""

    def __init__(self, slack: LocalSlack) -> None:
        self._slack = slack
        self._interactions = Interactions(slack)
        self._deeds: dict[str, Deed] = {
            "post": self.post,
            "edit": self.edit,
            "delete": self.delete,
            "react": self.react,
            "unreact": self.unreact,
            "press": self.press,
            "submit": self.submit,
            "close": self.close,
            "slash": self.slash,
            "shortcut": self.shortcut,
            "suggest": self.suggest,
            "open_home": self.open_home,
            "open_messages_tab": self.open_messages_tab,
            "upload": self.upload,
            "read": self.read,
            "stop": self.stop,
        }

    async def act(self, user_id: str, body: Json) -> Json:
        """Do what the body says."""
        deed = self._deeds.get(str(body.get("do")))
        if deed is None:
            raise Refused("unknown_deed")
        self._slack.workspace.user(user_id)
        return {"ok": True, **await deed(user_id, body)}

    async def post(self, user_id: str, body: Json) -> Json:
        """Say something."""
        channel = self._channel(user_id, body)
        typed = self._typed(body)
        message = Message(
            channel=channel.id,
            ts=self._slack.workspace.new_ts(),
            user=user_id,
            text=typed.text,
            blocks=self._slack.timeline.number_blocks(typed.blocks),
            thread_ts=self._slack.timeline.reply_ts(channel.id, str(body.get("thread_ts") or "")),
            client_msg_id=self._slack.workspace.new_id("m"),
        )
        self._slack.timeline.post(message)
        self._slack.workspace.read_up_to[user_id, channel.id] = message.ts
        return {"ts": message.ts}

    async def edit(self, user_id: str, body: Json) -> Json:
        """Change one's own words."""
        message = self._own(user_id, body)
        typed = self._typed(body)
        blocks = self._slack.timeline.number_blocks(typed.blocks)
        changed = replace(message, text=typed.text, blocks=blocks)
        self._slack.timeline.change(with_edit(changed, user_id, self._slack.workspace.new_ts()))
        return {"ts": message.ts}

    async def delete(self, user_id: str, body: Json) -> Json:
        """Take one's own words back."""
        self._slack.timeline.delete(self._own(user_id, body))
        return {}

    async def react(self, user_id: str, body: Json) -> Json:
        """Put an emoji under a message."""
        self._slack.timeline.react(self._message(user_id, body), user_id, self._emoji(body))
        return {}

    async def unreact(self, user_id: str, body: Json) -> Json:
        """Take an emoji back."""
        self._slack.timeline.unreact(self._message(user_id, body), user_id, self._emoji(body))
        return {}

    async def press(self, user_id: str, body: Json) -> Json:
        """Press or choose something in a message, a modal or the App Home."""
        acked = await self._interactions.press(user_id, self._place(user_id, body), body)
        result = {"ok": acked, "error": None if acked else "timeout", "acked": acked}
        self._slack.feed.to_user(
            user_id, {"type": "press_result", "action_id": body.get("action_id"), **result}
        )
        return {"acked": acked}

    async def submit(self, user_id: str, body: Json) -> Json:
        """Send a modal."""
        return await self._interactions.submit(self._view(user_id, body), body.get("values"))

    async def close(self, user_id: str, body: Json) -> Json:
        """Close a modal."""
        return await self._interactions.close(self._view(user_id, body))

    async def slash(self, user_id: str, body: Json) -> Json:
        """Use a slash command. There are none in threads."""
        if body.get("thread_ts"):
            raise Refused("not_supported_in_threads")
        channel = self._channel(user_id, body)
        command, text = str(body.get("command")), str(body.get("text") or "")
        return await self._interactions.slash(user_id, channel, command, text)

    async def shortcut(self, user_id: str, body: Json) -> Json:
        """Use a shortcut."""
        message = self._message(user_id, body) if body.get("ts") else None
        return await self._interactions.shortcut(user_id, str(body.get("callback_id")), message)

    async def suggest(self, user_id: str, body: Json) -> Json:
        """Type into a menu whose options come from the app."""
        return await self._interactions.suggest(user_id, self._place(user_id, body), body)

    async def open_home(self, user_id: str, body: Json) -> Json:
        """Look at the App Home."""
        self._slack.events.home_opened(user_id, "home")
        return {}

    async def open_messages_tab(self, user_id: str, body: Json) -> Json:
        """Look at the direct conversation with the app."""
        self._slack.events.home_opened(user_id, "messages")
        return {}

    async def upload(self, user_id: str, body: Json) -> Json:
        """Share a file."""
        channel = self._channel(user_id, body)
        name, content = str(body.get("name") or "file.txt"), str(body.get("content") or "").encode()
        if "/" in name or len(content) > MOST_BYTES:
            raise Refused("invalid_file")
        ts = self._slack.workspace.new_ts()
        file = File(
            id=self._slack.workspace.new_id("F"),
            name=name,
            title=name,
            user=user_id,
            length=len(content),
            mimetype=mimetypes.guess_type(name)[0] or "text/plain",
            created=int(time.time()),
            content=content,
            shares=((channel.id, ts),),
        )
        self._slack.workspace.files[file.id] = file
        thread_ts = self._slack.timeline.reply_ts(channel.id, str(body.get("thread_ts") or ""))
        text = Typed(self._slack.workspace, str(body.get("text") or "")).text
        message = Message(
            channel=channel.id,
            ts=ts,
            user=user_id,
            text=text,
            thread_ts=thread_ts,
            subtype="file_share",
            files=(file.id,),
        )
        self._slack.timeline.post(message)
        return {"ts": ts, "file": file.id}

    async def read(self, user_id: str, body: Json) -> Json:
        """Mark a channel as read up to now."""
        channel = self._channel(user_id, body)
        self._slack.workspace.read_up_to[user_id, channel.id] = self._slack.workspace.new_ts()
        return {}

    async def stop(self, user_id: str, body: Json) -> Json:
        """Press the stop button of a working agent."""
        channel = self._channel(user_id, body)
        self._slack.events.session_stopped(channel.id, str(body.get("thread_ts")), user_id)
        return {}

    def _channel(self, user_id: str, body: Json) -> Channel:
        channel = self._slack.workspace.channel(str(body.get("channel")))
        if user_id not in channel.members:
            raise Refused("not_in_channel")
        return channel

    def _message(self, user_id: str, body: Json) -> Message:
        channel = self._channel(user_id, body)
        message = self._slack.workspace.find(channel.id, str(body.get("ts")), user_id)
        if message is None:
            raise Refused("message_not_found")
        return message

    def _own(self, user_id: str, body: Json) -> Message:
        message = self._message(user_id, body)
        if message.user != user_id:
            raise Refused("not_your_message")
        return message

    def _view(self, user_id: str, body: Json) -> View:
        view = self._slack.workspace.view(str(body.get("view_id")))
        if view.user != user_id:
            raise Refused("not_found")
        return view

    def _place(self, user_id: str, body: Json) -> Message | View:
        if body.get("view_id"):
            return self._view(user_id, body)
        return self._message(user_id, body)

    def _typed(self, body: Json) -> Typed:
        text = str(body.get("text") or "").strip()
        if not text:
            raise Refused("no_text")
        if len(text) > MOST_TYPED:
            raise Refused("msg_too_long")
        return Typed(self._slack.workspace, text)

    def _emoji(self, body: Json) -> str:
        name = str(body.get("name") or "").strip(":")
        if name.partition("::")[0] not in self._slack.workspace.world.emoji:
            raise Refused("invalid_name")
        return name
