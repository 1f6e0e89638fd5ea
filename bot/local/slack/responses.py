"""Response URLs: half an hour and five answers to one interaction."""

import secrets
import time
from dataclasses import dataclass, replace

from bot.local.slack.model import Json, Message
from bot.local.slack.refusal import Refused
from bot.local.slack.timeline import Timeline
from bot.local.slack.validate import accept_attachments, accept_blocks
from bot.local.slack.workspace import Workspace

LIFETIME = 1800.0
MOST_USES = 5
MOST_TEXT = 40_000


@dataclass(slots=True)
class Invitation:
    """Where an answer goes and how often one may still come."""

    channel: str
    user: str
    message: Message | None
    expires: float
    uses: int = 0


class ResponseUrls:
    """Issued with clicks and commands."""

    def __init__(self, url: str, workspace: Workspace, timeline: Timeline) -> None:
        self._url = url
        self._workspace = workspace
        self._timeline = timeline
        self._issued: dict[str, Invitation] = {}

    def issue(self, channel: str, user: str, message: Message | None = None) -> str:
        """A URL that answers this person in this channel."""
        key = secrets.token_urlsafe(18)
        self._issued[key] = Invitation(channel, user, message, time.monotonic() + LIFETIME)
        return f"{self._url}/response/{key}"

    def use(self, key: str, answer: Json) -> None:
        """Post, replace or delete, as the answer says."""
        invitation = self._issued.get(key)
        if invitation is None or invitation.expires < time.monotonic():
            raise Refused("expired_url")
        if invitation.uses >= MOST_USES:
            raise Refused("used_url")
        self.say(invitation, answer)
        invitation.uses += 1

    def reply(self, channel: str, user: str, answer: Json) -> Message | None:
        """The message that a command's acknowledgement carries."""
        return self.say(Invitation(channel, user, None, 0.0), answer)

    def say(self, invitation: Invitation, answer: Json) -> Message | None:
        """Carry out one answer."""
        original = self._original(invitation)
        if answer.get("delete_original"):
            if original is not None:
                self._timeline.delete(original)
            return None
        content = self._content(answer)
        if answer.get("replace_original") and original is not None:
            replaced = replace(original, **content)
            self._timeline.change(replaced)
            return replaced
        public = answer.get("response_type") == "in_channel"
        app = self._workspace.world.app
        message = Message(
            channel=invitation.channel,
            ts=self._workspace.new_ts(),
            user=app.bot_user,
            bot_id=app.bot_id,
            thread_ts=self._timeline.reply_ts(invitation.channel, answer.get("thread_ts")),
            ephemeral_to=None if public else invitation.user,
            **content,
        )
        self._timeline.post(message)
        return message

    def _original(self, invitation: Invitation) -> Message | None:
        was = invitation.message
        if was is None:
            return None
        return self._workspace.find(was.channel, was.ts, invitation.user)

    def _content(self, answer: Json) -> Json:
        """Text, blocks and attachments, checked like those of chat.postMessage."""
        text, blocks = answer.get("text") or "", answer.get("blocks") or []
        attachments = answer.get("attachments") or []
        if not (text or blocks or attachments):
            raise Refused("no_text")
        if len(text) > MOST_TEXT:
            raise Refused("msg_too_long")
        return {
            "text": text,
            "blocks": self._timeline.number_blocks(accept_blocks(blocks)),
            "attachments": self._timeline.number_attachments(accept_attachments(attachments)),
        }
