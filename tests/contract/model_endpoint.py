"""An OpenAI-compatible endpoint that says what a test scripts, on a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answer = Callable[[web.Request], Any]


@dataclass
class ModelEndpoint:
    """Each entry of `script` answers one request; the last one answers all that follow."""

    script: list[Answer]
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer as scripted."""
        self.requests.append(await request.json())
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        response = await answer(request)
        assert isinstance(response, web.StreamResponse)
        return response


@asynccontextmanager
async def open_endpoint(*script: Answer) -> AsyncIterator[ModelEndpoint]:
    """Serve until the block ends."""
    endpoint = ModelEndpoint(list(script))
    app = web.Application(client_max_size=10_000_000)
    app.router.add_post("/v1/chat/completions", endpoint.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    endpoint.url = f"http://{host}:{port}/v1"
    try:
        yield endpoint
    finally:
        await runner.cleanup()


def completion(content: str | None, **message: Any) -> dict[str, Any]:
    """A completion as the API gives it."""
    finish = message.pop("finish_reason", "stop")
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "test",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": content, **message},
            }
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }


def says(content: str | None, **message: Any) -> Answer:
    """The model says this."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(completion(content, **message))

    return answer


def says_json(content: Any) -> Answer:
    """The model says this object."""
    return says(json.dumps(content))


def body(text: str, *, status: int = 200, content_type: str = "application/json") -> Answer:
    """The endpoint answers with these bytes."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=text, status=status, content_type=content_type)

    return answer


def silent(seconds: float = 30) -> Answer:
    """The endpoint takes the request and says nothing."""

    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(seconds)
        return web.json_response(completion("{}"))

    return answer


def trickle() -> Answer:
    """The endpoint sends a byte now and then, for ever: no single wait is long."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.05)

    return answer


def cut(text: str = '{"id": "chat') -> Answer:
    """The connection ends in the middle of the body."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "5000"})
        response.content_type = "application/json"
        await response.prepare(request)
        await response.write(text.encode())
        assert request.transport
        request.transport.close()
        return response

    return answer
