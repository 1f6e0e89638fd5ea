"""Act as a person in the local Slack, over HTTP alone, as the browser page does."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp

from bot.local.slack.asking import ANSWER_WITHIN, NotDone, post
from bot.local.slack.control_client import Control, open_control
from bot.local.slack.model import Json
from bot.local.slack.plain import buttons, plain

__all__ = [
    "Control",
    "NotDone",
    "NotSeen",
    "Person",
    "buttons",
    "open_control",
    "open_person",
    "plain",
]

PATIENCE = 10.0
RECONNECT_AFTER = 0.1

Predicate = Callable[[Json], bool]


class NotSeen(Exception):
    """What was waited for did not come in time."""


class Person:
    """One person with an open page. Made by `open_person`."""

    def __init__(self, url: str, user_id: str, session: aiohttp.ClientSession) -> None:
        self.user_id = user_id
        self._url = url
        self._session = session
        self._changed = asyncio.Condition()
        self.events: list[Json] = []
        self._seen: dict[tuple[str, str], Json] = {}
        self.views: list[Json] = []
        self.home: Json | None = None

    async def say(self, channel: str, text: str, thread_ts: str | None = None) -> str:
        """Post a message and return its ts."""
        place = {"thread_ts": thread_ts} if thread_ts else {}
        return str((await self.act("post", channel=channel, text=text, **place))["ts"])

    async def edit(self, channel: str, ts: str, text: str) -> None:
        """Change one's own message."""
        await self.act("edit", channel=channel, ts=ts, text=text)

    async def delete(self, channel: str, ts: str) -> None:
        """Take one's own message back."""
        await self.act("delete", channel=channel, ts=ts)

    async def react(self, channel: str, ts: str, name: str) -> None:
        """Put an emoji under a message."""
        await self.act("react", channel=channel, ts=ts, name=name)

    async def unreact(self, channel: str, ts: str, name: str) -> None:
        """Take an emoji back."""
        await self.act("unreact", channel=channel, ts=ts, name=name)

    async def press(
        self, channel: str, ts: str, action_id: str, value: Any = None, **more: Any
    ) -> bool:
        """Press a button of a message; true if the app acknowledged in time."""
        chosen = {} if value is None else {"value": value}
        place = {"channel": channel, "ts": ts, "action_id": action_id}
        return bool((await self.act("press", **place, **chosen, **more))["acked"])

    async def press_in(self, view_id: str, action_id: str, value: Any = None, **more: Any) -> bool:
        """Press a button of a modal or the App Home."""
        chosen = {} if value is None else {"value": value}
        answer = await self.act("press", view_id=view_id, action_id=action_id, **chosen, **more)
        return bool(answer["acked"])

    async def submit(self, view_id: str, values: Json) -> Json:
        """Send a modal; the answer may carry `errors` under fields."""
        return await self.try_to("submit", view_id=view_id, values=values)

    async def close(self, view_id: str) -> None:
        """Close a modal."""
        await self.act("close", view_id=view_id)

    async def slash(self, command: str, text: str, channel: str) -> Json:
        """Use a slash command."""
        return await self.act("slash", command=command, text=text, channel=channel)

    async def shortcut(self, callback_id: str, channel: str = "", ts: str = "") -> Json:
        """Use a shortcut, on a message if one is given."""
        return await self.act("shortcut", callback_id=callback_id, channel=channel, ts=ts)

    async def open_home(self) -> None:
        """Look at the App Home."""
        await self.act("open_home")

    async def open_messages_tab(self) -> None:
        """Look at the direct conversation with the app."""
        await self.act("open_messages_tab")

    async def upload(self, channel: str, name: str, content: str) -> str:
        """Share a text file and return the ts of its message."""
        return str((await self.act("upload", channel=channel, name=name, content=content))["ts"])

    async def act(self, do: str, **fields: Any) -> Json:
        """Do something, or raise `NotDone`."""
        answer = await self.try_to(do, **fields)
        if not answer.get("ok"):
            raise NotDone(answer)
        return answer

    async def try_to(self, do: str, **fields: Any) -> Json:
        """Do something and return whatever comes back."""
        body = {"as": self.user_id, "do": do, **fields}
        return await post(self._session, f"{self._url}/page/act", body)

    async def state(self) -> Json:
        """Everything this person sees after a reload."""
        async with self._session.get(
            f"{self._url}/page/state",
            params={"as": self.user_id},
            timeout=aiohttp.ClientTimeout(ANSWER_WITHIN),
        ) as response:
            state: Json = await response.json()
            return state

    async def messages(self, channel: str, thread_ts: str | None = None) -> list[Json]:
        """What stands in a channel, or in one of its threads, oldest first."""
        inside = (await self.state())["messages"][channel]
        if thread_ts is None:
            return [m for m in inside if m["thread_ts"] in (None, m["ts"])]
        return [m for m in inside if thread_ts in (m["ts"], m["thread_ts"])]

    async def wait_for(
        self, predicate: Predicate, timeout: float = PATIENCE, what: str = "a message"
    ) -> Json:
        """The latest message, whisper included, that fits now or as soon as one does."""

        def fitting() -> Json | None:
            newest_first = sorted(self._seen.values(), key=lambda m: float(m["ts"]), reverse=True)
            return next((m for m in newest_first if predicate(m)), None)

        return await self._until(fitting, timeout, what)

    async def wait_for_event(
        self, predicate: Predicate, timeout: float = PATIENCE, what: str = "an event"
    ) -> Json:
        """The first event of the page that fits, from those before as well."""

        def fitting() -> Json | None:
            return next((event for event in self.events if predicate(event)), None)

        return await self._until(fitting, timeout, what)

    async def wait_for_view(
        self, predicate: Predicate = bool, timeout: float = PATIENCE, what: str = "a modal"
    ) -> Json:
        """The modal in front, once it fits."""

        def fitting() -> Json | None:
            top = self.views[-1] if self.views else None
            return top if top is not None and predicate(top) else None

        return await self._until(fitting, timeout, what)

    async def wait_for_home(
        self, predicate: Predicate = bool, timeout: float = PATIENCE, what: str = "the App Home"
    ) -> Json:
        """The App Home, once it fits."""

        def fitting() -> Json | None:
            return self.home if self.home is not None and predicate(self.home) else None

        return await self._until(fitting, timeout, what)

    def whispers(self, user: str | None = None) -> list[Json]:
        """What only this person has been told."""
        wanted = user or self.user_id
        return [m for m in self._seen.values() if m["ephemeral_to"] == wanted]

    async def follow(self, ready: asyncio.Event) -> None:
        """Take events in until cancelled, over restarts of the server as well."""
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):
                await self._listen(ready)
            await asyncio.sleep(RECONNECT_AFTER)

    async def _listen(self, ready: asyncio.Event) -> None:
        url, params = f"{self._url}/page/events", {"as": self.user_id}
        endless = aiohttp.ClientTimeout(total=None, sock_connect=ANSWER_WITHIN)
        async with self._session.get(url, params=params, timeout=endless) as response:
            response.raise_for_status()
            async for line in response.content:
                if line.startswith(b"data: "):
                    await self._hear(json.loads(line[6:]))
                    ready.set()

    async def _hear(self, event: Json) -> None:
        fresh = await self.state() if event["type"] == "ready" else None
        async with self._changed:
            if fresh is None:
                self._take(event)
            else:
                self._reload(fresh)
            self._changed.notify_all()

    def _reload(self, state: Json) -> None:
        for inside in state["messages"].values():
            self._seen.update({(m["channel"], m["ts"]): m for m in inside})
        self.home, self.views = state["home"], state["views"]

    async def _until(self, fitting: Callable[[], Json | None], timeout: float, what: str) -> Json:
        try:
            async with asyncio.timeout(timeout), self._changed:
                while (found := fitting()) is None:
                    await self._changed.wait()
                return found
        except TimeoutError:
            raise NotSeen(f"{self.user_id} waited {timeout:g} s for {what}") from None

    def _take(self, event: Json) -> None:
        self.events.append(event)
        kind = event["type"]
        if "message" in event:
            self._seen[event["channel"], event["ts"]] = event["message"]
        elif kind in ("message_deleted", "ephemeral_deleted"):
            self._seen.pop((event["channel"], event["ts"]), None)
        elif kind == "reaction" and (event["channel"], event["ts"]) in self._seen:
            message = self._seen[event["channel"], event["ts"]]
            changed = {**message, "reactions": event["reactions"]}
            self._seen[event["channel"], event["ts"]] = changed
        else:
            self._take_view(event)

    def _take_view(self, event: Json) -> None:
        kind, view = event["type"], event.get("view")
        if kind == "home":
            self.home = view
        elif kind == "view_opened" and view:
            self.views = [view]
        elif kind == "view_pushed" and view:
            self.views = [*self.views, view]
        elif kind == "view_updated" and view:
            self.views = [view if each["id"] == view["id"] else each for each in self.views]
        elif kind == "view_closed":
            ids = [each["id"] for each in self.views]
            gone = 0 if event["all"] or event["view_id"] not in ids else ids.index(event["view_id"])
            self.views = self.views[:gone]


@asynccontextmanager
async def open_person(url: str, user_id: str) -> AsyncIterator[Person]:
    """A person whose page is open until the block ends."""
    async with aiohttp.ClientSession() as session:
        person = Person(url, user_id, session)
        known = await person.state()
        if "error" in known:
            raise NotDone(known)
        ready = asyncio.Event()
        following = asyncio.create_task(person.follow(ready))
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                await ready.wait()
            yield person
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError, aiohttp.ClientError):
                await following
