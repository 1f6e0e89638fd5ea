"""The one way out to Slack: each method once, bounded, with its failures in our vocabulary.

It keeps no queue. The relay asks `ready` before it renders, so what is written is never older than
the permission to write it; a call that is refused stays due in the table.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.blocks.limits import fitting, has_drawings, plain_form, shortest, text_only, undrawn
from bot.blocks.parts import Message
from bot.slack.budgets import Budgets
from bot.slack.failures import error_of, reaching, retry_after, status_of
from engine.errors import Unavailable

EVENT = "carapulse_post"
REFUSED_BLOCKS = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"}
)
GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
PAGE = 15
# The relay starts no call that could outlive its lease.
CALL, UPLOAD = 8.0, 20.0
log = structlog.get_logger(__name__)


class Refused(Exception):
    """Slack will not take it, however often it is asked."""


class Vanished(Exception):
    """The message to be edited is not there any more."""


class Limited(Exception):
    """Slack asks to wait; nothing was done."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Slack asks to wait {seconds:.0f} s")
        self.seconds = seconds


def uncounted(method: str, outcome: str) -> None:
    """Where nobody counts."""


@dataclass(slots=True)
class Shown:
    """Where a message is, and since when by Slack's clock; `drawn` unless charts were refused."""

    ts: str
    at: str
    drawn: bool = True


@dataclass(slots=True)
class Writer:
    """Raises `Limited`, `Refused`, or `Unavailable` when it is unknown what became of a call."""

    client: AsyncWebClient
    budgets: Budgets = field(default_factory=Budgets)
    count: Callable[[str, str], None] = uncounted

    async def post(
        self, channel: str, thread: str, message: Message, post_id: str, *, broadcast: bool = False
    ) -> Shown:
        """A new message with our metadata, so that it can be found again.

        `broadcast` shows a reply in the channel as well, where it notifies like a new message.
        """
        place: dict[str, Any] = {"channel": channel, **({"thread_ts": thread} if thread else {})}
        if thread and broadcast:
            place["reply_broadcast"] = True
        said, drawn = await self._in_a_form_that_fits(
            "chat.postMessage",
            self.client.chat_postMessage,
            message,
            {**place, **QUIET, "metadata": metadata(post_id)},
        )
        return Shown(str(said["ts"]), str(said["ts"]), drawn)

    async def update(self, channel: str, ts: str, message: Message) -> Shown:
        """Edit in place. Raises `Vanished` when there is nothing to edit."""
        try:
            said, drawn = await self._in_a_form_that_fits(
                "chat.update", self.client.chat_update, message, {"channel": channel, "ts": ts}
            )
        except Refused as error:
            if str(error) in GONE:
                raise Vanished from error
            raise
        return Shown(str(said["ts"]), clock_of(said), drawn)

    async def whisper(self, channel: str, thread: str, user: str, message: Message) -> None:
        """For one person; as a direct message where we are not in the channel."""
        place: dict[str, Any] = {"channel": channel, **({"thread_ts": thread} if thread else {})}
        try:
            await self._in_a_form_that_fits(
                "chat.postEphemeral",
                self.client.chat_postEphemeral,
                message,
                {**place, "user": user, "link_names": False, "parse": "none"},
            )
        except Refused as error:
            log.info("whisper goes to the person", action="slack.whisper", error=str(error))
            await self._in_a_form_that_fits(
                "chat.postMessage",
                self.client.chat_postMessage,
                message,
                {"channel": user, **QUIET},
            )

    async def react(self, channel: str, ts: str, name: str) -> None:
        """Add an emoji; one that is there already is as good."""
        try:
            await self._call(
                "reactions.add", self.client.reactions_add, channel=channel, timestamp=ts, name=name
            )
        except Refused as error:
            if str(error) != "already_reacted":
                raise

    async def publish(self, user: str, view: dict[str, Any]) -> None:
        """App Home of one person."""
        await self._call("views.publish", self.client.views_publish, user_id=user, view=view)

    async def upload(
        self, channel: str, thread: str, name: str, title: str, content: str | bytes
    ) -> None:
        """A text file or a picture in the thread; its title says what a picture shows."""
        described = {"alt_txt": title} if name.endswith(".png") else {}
        await self._call(
            "files.upload",
            self.client.files_upload_v2,
            seconds=UPLOAD,
            channel=channel,
            thread_ts=thread or None,
            filename=name,
            title=title,
            content=content,
            **described,
        )

    async def status(self, channel: str, thread: str, *, working: bool) -> None:
        """The line under a thread that says that we are at work; it goes with our next message."""
        await self._call(
            "agents.sessions.setStatus",
            self.client.api_call,
            api_method="agents.sessions.setStatus",
            json={
                "channel_id": channel,
                "thread_ts": thread,
                "status": "processing" if working else "active",
            },
        )

    async def find(self, channel: str, thread: str, post_id: str) -> str:
        """The ts of a post whose outcome is unknown, by our metadata; empty if it is not there."""
        asked: dict[str, Any] = {"channel": channel, "limit": PAGE, "include_all_metadata": True}
        if not thread:
            said = await self._call(
                "conversations.history", self.client.conversations_history, **asked
            )
            return found_in(said, post_id)
        cursor = ""
        while True:
            said = await self._call(
                "conversations.replies",
                self.client.conversations_replies,
                ts=thread,
                cursor=cursor or None,
                **asked,
            )
            cursor = (said.get("response_metadata") or {}).get("next_cursor") or ""
            if (ts := found_in(said, post_id)) or not cursor:
                return ts

    async def _in_a_form_that_fits(
        self, method: str, call: Callable[..., Any], message: Message, rest: dict[str, Any]
    ) -> tuple[AsyncSlackResponse, bool]:
        """The message as it is, else without drawings, else plain, else its sentence.

        Also whether its drawings were taken, if it has any.
        """
        first = fitting(message)
        drawn = [undrawn(first)] if has_drawings(first) else []
        forms = [first, *drawn, plain_form(message), shortest(message)]
        for form in forms:
            try:
                said = await self._call(method, call, **{**form, **rest})
            except Refused as error:
                if str(error) not in REFUSED_BLOCKS:
                    raise
                log.warning("blocks refused", action="slack.blocks_refused", error=str(error))
            else:
                return said, form is first and (first is message or not has_drawings(message))
        said = await self._call(method, call, **{**text_only(message), **rest})
        return said, not has_drawings(message)

    async def _call(
        self, method: str, call: Callable[..., Any], *, seconds: float = CALL, **arguments: Any
    ) -> AsyncSlackResponse:
        try:
            async with reaching(seconds):
                said: AsyncSlackResponse = await call(**arguments)
        except Unavailable as error:
            self._limited(method, error)
            self.count(method, "unknown")
            raise
        except SlackApiError as error:
            self.count(method, "refused")
            raise Refused(error_of(error) or f"status {status_of(error)}") from error
        self.count(method, "ok")
        return said

    def _limited(self, method: str, error: Unavailable) -> None:
        """A rate limit is known to have done nothing, unlike an outage."""
        cause = error.__cause__
        wait = retry_after(cause) if isinstance(cause, SlackApiError) else None
        if wait is not None:
            self.budgets.close(method, wait)
            self.count(method, "limited")
            raise Limited(wait) from error


QUIET: dict[str, Any] = {
    "unfurl_links": False,
    "unfurl_media": False,
    "link_names": False,
    "parse": "none",
}


def metadata(post_id: str) -> dict[str, Any]:
    """Visible to every app of the workspace: an opaque id and nothing else."""
    return {"event_type": EVENT, "event_payload": {"id": post_id}}


def found_in(said: AsyncSlackResponse, post_id: str) -> str:
    """The ts of the message that carries this id."""
    for message in said.get("messages") or []:
        if message.get("metadata", {}).get("event_payload", {}).get("id") == post_id:
            return str(message["ts"])
    return ""


def clock_of(said: AsyncSlackResponse) -> str:
    """When Slack answered an edit, by its clock; whole seconds, so rounded up."""
    date = next((v for k, v in said.headers.items() if k.lower() == "date"), "")
    try:
        return str(math.floor(parsedate_to_datetime(date).timestamp()) + 1)
    except (TypeError, ValueError):
        return f"{time.time():.6f}"
