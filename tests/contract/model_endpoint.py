"""A model's endpoint that says what a test scripts, on a real socket, in three dialects.

The path tells the dialect: `/chat/completions` is OpenAI's, `/messages` Anthropic's, `/responses`
the one of a Codex subscription. An answer is written once and told in whichever was asked.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answer = Callable[[web.Request], Any]
OPENAI, ANTHROPIC, CODEX = "/v1/chat/completions", "/v1/messages", "/v1/responses"


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

    def sent(self, at: int = 0) -> str:
        """All that a question held, as text."""
        return json.dumps(self.requests[at], ensure_ascii=False)


@asynccontextmanager
async def open_endpoint(*script: Answer) -> AsyncIterator[ModelEndpoint]:
    """Serve until the block ends."""
    endpoint = ModelEndpoint(list(script))
    app = web.Application(client_max_size=10_000_000)
    for path in (OPENAI, ANTHROPIC, CODEX):
        app.router.add_post(path, endpoint.handle)
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


def says(content: str | None, *, ending: str = "stop", refusal: str = "") -> Answer:
    """The model says this. `ending` is stop, length or content_filter."""

    async def answer(request: web.Request) -> web.Response:
        return told(request, content, ending=ending, refusal=refusal)

    return answer


def says_json(content: Any) -> Answer:
    """The model says this object."""
    return says(json.dumps(content))


def calls(*wanted: tuple[str, Any]) -> Answer:
    """The model calls functions; arguments that are text are sent as they are."""

    async def answer(request: web.Request) -> web.Response:
        return called(request, wanted)

    return answer


def told(
    request: web.Request, content: str | None, *, ending: str = "stop", refusal: str = ""
) -> web.Response:
    """The words in the dialect of the request."""
    if request.path == ANTHROPIC:
        return _message(_blocks(content), _stop_reason(ending, refusal))
    if request.path == CODEX:
        part = {"type": "refusal", "refusal": refusal} if refusal else _text(content)
        item = {"type": "message", "role": "assistant", "content": [part]}
        return _events([item], "completed" if ending == "stop" else "incomplete")
    message = {"role": "assistant", "content": content, "refusal": refusal or None}
    return _completion(message, ending)


def called(request: web.Request, wanted: tuple[tuple[str, Any], ...]) -> web.Response:
    """The calls in the dialect of the request."""
    named = [
        (f"call_{at}", name, given if isinstance(given, str) else json.dumps(given))
        for at, (name, given) in enumerate(wanted)
    ]
    if request.path == ANTHROPIC:
        blocks = [
            f'{{"type": "tool_use", "id": "{at}", "name": {json.dumps(name)}, "input": {given}}}'
            for at, name, given in named
        ]
        return _message(f"[{', '.join(blocks)}]", "tool_use")
    if request.path == CODEX:
        return _events(
            [
                {"type": "function_call", "call_id": at, "name": name, "arguments": given}
                for at, name, given in named
            ],
            "completed",
        )
    functions = [
        {"id": at, "type": "function", "function": {"name": name, "arguments": given}}
        for at, name, given in named
    ]
    message = {"role": "assistant", "content": None, "tool_calls": functions}
    return _completion(message, "tool_calls")


def _completion(message: dict[str, Any], ending: str) -> web.Response:
    choice = {"index": 0, "finish_reason": ending, "message": message}
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    return web.json_response(
        {"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage}
    )


def _message(blocks: str, stop_reason: str) -> web.Response:
    """Built as text, so that what the model wrote is not tidied on the way."""
    usage = '"usage": {"input_tokens": 11, "output_tokens": 7}'
    text = f'{{"content": {blocks}, "stop_reason": "{stop_reason}", {usage}}}'
    return web.Response(text=text, content_type="application/json")


def _blocks(content: str | None) -> str:
    """An object is the input of the answering function, anything else is text."""
    if content is None:
        return "[]"
    if content.startswith("{") and content.endswith("}"):
        return f'[{{"type": "tool_use", "id": "1", "name": "outcome", "input": {content}}}]'
    return json.dumps([{"type": "text", "text": content}])


def _stop_reason(ending: str, refusal: str) -> str:
    if refusal or ending == "content_filter":
        return "refusal"
    return "max_tokens" if ending == "length" else "end_turn"


def _text(content: str | None) -> dict[str, Any]:
    return {"type": "output_text", "text": content if content is not None else ""}


def _events(items: list[dict[str, Any]], ending: str) -> web.Response:
    usage = {"input_tokens": 11, "output_tokens": 7}
    last = {"type": f"response.{ending}", "response": {"output": [], "usage": usage}}
    events = [{"type": "response.output_item.done", "item": one} for one in items]
    text = "".join(f"event: x\ndata: {json.dumps(one)}\n\n" for one in (*events, last))
    return web.Response(text=text, content_type="text/event-stream")


def body(
    text: str,
    *,
    status: int = 200,
    content_type: str = "application/json",
    headers: dict[str, str] | None = None,
) -> Answer:
    """The endpoint answers with these bytes."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=text, status=status, content_type=content_type, headers=headers)

    return answer


def silent(seconds: float = 30) -> Answer:
    """The endpoint takes the request and says nothing."""

    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(seconds)
        return told(request, "{}")

    return answer


def slow(inner: Answer, seconds: float) -> Answer:
    """The model thinks first."""

    async def answer(request: web.Request) -> Any:
        await asyncio.sleep(seconds)
        return await inner(request)

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


def flood() -> Answer:
    """The endpoint sends as much as is read, for ever."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        while True:
            await response.write(b" " * 65_536)

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


def hung_up() -> Answer:
    """The connection ends before a word is said."""

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport
        request.transport.abort()
        return web.Response()

    return answer
