"""Bare Bolt bots that post back what they hear. Run with the address of a Slack, and a kind.

`inline` is the least that Bolt costs: one shared session, uvloop, the listener answers at once and
posts in a task of its own. `default` is Bolt as its documentation shows it.
"""

import asyncio
import sys
from typing import Any

import aiohttp
import uvloop
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncSay
from slack_sdk.web.async_client import AsyncWebClient

from tests.benchmarks.spoken import Json, converse


async def serve(url: str, kind: str) -> None:
    """Connect, and echo until nobody listens."""
    inline = kind == "inline"
    session = aiohttp.ClientSession() if inline else None
    client = AsyncWebClient(token="xoxb-bench", base_url=f"{url}/api/", session=session)
    app = AsyncApp(client=client, process_before_response=inline)
    tasks: set[asyncio.Task[Any]] = set()

    @app.event("message")
    async def echo(event: dict[str, Any], say: AsyncSay) -> None:
        answer = say(text=event["text"], thread_ts=event["ts"])
        if not inline:
            await answer
            return
        task = asyncio.create_task(answer)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    @app.action("plan.approve")
    async def approve(ack: AsyncAck) -> None:
        await ack()

    handler = AsyncSocketModeHandler(app, "xapp-bench")
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await converse(nothing, {"ready": True})
    await handler.close_async()  # type: ignore[no-untyped-call]
    if session:
        await session.close()


async def nothing(_: Json) -> Json:
    """Everything comes over the socket."""
    return {}


if __name__ == "__main__":
    main = serve(sys.argv[1], sys.argv[2])
    if sys.argv[2] == "inline":
        uvloop.run(main)
    else:
        asyncio.run(main)
