"""What is said: every change of a message, for the page and the app alike."""

from dataclasses import replace

from bot.local.slack.events import Events
from bot.local.slack.feed import Feed
from bot.local.slack.model import Json, Message
from bot.local.slack.present import Presenter, reaction
from bot.local.slack.refusal import Refused
from bot.local.slack.workspace import Workspace


class Timeline:
    """Post, edit, delete and react: once in the workspace, then told to everybody concerned."""

    def __init__(
        self, workspace: Workspace, presenter: Presenter, feed: Feed, events: Events
    ) -> None:
        self._workspace = workspace
        self._presenter = presenter
        self._feed = feed
        self._events = events

    def post(self, message: Message) -> None:
        """A new message. An ephemeral one reaches one page and makes no event."""
        self._workspace.put(message)
        if message.ephemeral_to:
            event = self._event("ephemeral", message)
            self._feed.to_user(message.ephemeral_to, event)
            return
        self._feed.to_channel(message.channel, self._event("message", message))
        self._update_root(message)
        self._events.posted(message)

    def change(self, message: Message, *, silent: bool = False) -> None:
        """A new state of a message; `silent` while it streams."""
        before = self._workspace.find(message.channel, message.ts, message.ephemeral_to or "")
        self._workspace.put(message)
        if message.ephemeral_to:
            event = self._event("ephemeral", message)
            self._feed.to_user(message.ephemeral_to, event)
            return
        self._feed.to_channel(message.channel, self._event("message_changed", message))
        if before is not None and not silent:
            self._events.changed(message, before)

    def delete(self, message: Message) -> None:
        """A message goes away."""
        self._workspace.remove(message)
        gone: Json = {"channel": message.channel, "ts": message.ts, "thread_ts": message.thread_ts}
        if message.ephemeral_to:
            self._feed.to_user(message.ephemeral_to, {"type": "ephemeral_deleted", **gone})
            return
        self._feed.to_channel(message.channel, {"type": "message_deleted", **gone})
        self._update_root(message)
        self._events.deleted(message)

    def react(self, message: Message, user: str, name: str) -> None:
        """Put an emoji under a message, once per person."""
        if message.reacted(name, user):
            raise Refused("already_reacted")
        self._reactions(message.with_reaction(name, user), user, name, added=True)

    def unreact(self, message: Message, user: str, name: str) -> None:
        """Take an emoji back."""
        if not message.reacted(name, user):
            raise Refused("no_reaction")
        self._reactions(message.without_reaction(name, user), user, name, added=False)

    def reply_ts(self, channel_id: str, thread_ts: str | None) -> str | None:
        """The thread to answer in. It is named by its first message, never by a reply."""
        if not thread_ts:
            return None
        root = self._workspace.messages.get(channel_id, {}).get(thread_ts)
        if root is None:
            raise Refused("invalid_thread_ts")
        if root.is_reply:
            raise Refused("cannot_reply_to_message", "thread_ts is the ts of a reply")
        return thread_ts

    def number_blocks(self, blocks: list[Json]) -> list[Json]:
        """Blocks without an id get one; markdown blocks lose theirs, as at Slack."""
        numbered = []
        for block in blocks:
            given = None if block.get("type") == "markdown" else block.get("block_id")
            inner: Json = {}
            if block.get("type") == "container":
                inner = {"child_blocks": self.number_blocks(block["child_blocks"])}
            if block.get("type") == "carousel":
                inner = {"elements": self.number_blocks(block["elements"])}
            numbered.append({**block, **inner, "block_id": given or self._workspace.new_id("b")})
        return [name_actions(block) for block in numbered]

    def number_attachments(self, attachments: list[Json]) -> list[Json]:
        """The same for the blocks of attachments."""
        return [
            {**each, "blocks": self.number_blocks(each["blocks"])} if "blocks" in each else each
            for each in attachments
        ]

    def _reactions(self, message: Message, user: str, name: str, *, added: bool) -> None:
        self._workspace.put(message)
        self._feed.to_channel(
            message.channel,
            {
                "type": "reaction",
                "channel": message.channel,
                "ts": message.ts,
                "user": user,
                "name": name,
                "added": added,
                "reactions": [reaction(each) for each in message.reactions],
            },
        )
        self._events.reacted(message, user, name, added=added)

    def _update_root(self, message: Message) -> None:
        """A thread's first message shows how many answers it has."""
        root = self._workspace.messages.get(message.channel, {}).get(message.thread_ts or "")
        if message.is_reply and root is not None:
            self._feed.to_channel(message.channel, self._event("message_changed", root))

    def _event(self, kind: str, message: Message) -> Json:
        return {
            "type": kind,
            "channel": message.channel,
            "ts": message.ts,
            "message": self._presenter.page_message(message),
        }


def with_edit(message: Message, user: str, ts: str) -> Message:
    """The message marked as edited."""
    return replace(message, edited={"user": user, "ts": ts})


def name_actions(block: Json) -> Json:
    """Elements without an action_id get one, as at Slack."""
    part = "actions" if block.get("type") == "card" else "elements"
    if block.get("type") in ("actions", "context_actions", "card") and block.get(part):
        pressed = [named(each, f"{block['block_id']}-{n}") for n, each in enumerate(block[part])]
        return {**block, part: pressed}
    if isinstance(block.get("accessory"), dict) and block["accessory"].get("type") != "image":
        return {**block, "accessory": named(block["accessory"], f"{block['block_id']}-a")}
    if block.get("type") == "input":
        return {**block, "element": named(block["element"], f"{block['block_id']}-i")}
    return block


def named(element: Json, action_id: str) -> Json:
    """An element that has an action_id."""
    return element if element.get("action_id") else {**element, "action_id": action_id}
