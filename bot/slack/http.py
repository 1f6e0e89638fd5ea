"""Slack over HTTP: the request URL that takes the place of the connections.

A request counts only with Slack's signature over its body and a timestamp of the last five
minutes; what it carries goes the same way as what a connection brings.
"""

import asyncio
from collections.abc import Callable, Sequence
from time import time

import structlog
from aiohttp import web
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.signature import Clock, SignatureVerifier

from bot.slack.socket import Receive

PATH = "/slack/events"
LARGEST = 2 * 1024 * 1024
READ_SECONDS = 5.0
SIGNATURE, STAMP = "X-Slack-Signature", "X-Slack-Request-Timestamp"
log = structlog.get_logger(__name__)


class Told(Clock):
    """A clock of ours for the SDK's check."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now

    def now(self) -> float:
        return self._now()


class RequestUrl:
    """`handle` answers Slack; until `serve` was called it asks Slack to come again."""

    def __init__(self, signing_secret: str, clock: Callable[[], float] = time) -> None:
        self._verifier = SignatureVerifier(signing_secret, Told(clock))
        self._receive: Receive | None = None

    def serve(self, receive: Receive) -> None:
        """From now on requests are carried out."""
        self._receive = receive

    async def handle(self, request: web.Request) -> web.Response:
        """One request of Slack's; everything else is refused before a byte of it is parsed."""
        body = await self._body(request)
        stamp, signature = request.headers.get(STAMP, ""), request.headers.get(SIGNATURE, "")
        if not stamp.isdigit() or not self._verifier.is_valid(body, stamp, signature):
            log.warning("not from Slack", action="slack.bad_signature")
            raise web.HTTPUnauthorized(text="The signature is not Slack's, or too old.")
        if self._receive is None:
            raise web.HTTPServiceUnavailable(text="Not ready yet.")
        headers: dict[str, str | Sequence[str]] = dict(request.headers)
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise web.HTTPBadRequest(text="The body is not UTF-8.") from None
        return answer(await self._receive(AsyncBoltRequest(body=text, headers=headers).body))

    async def _body(self, request: web.Request) -> bytes:
        """Bounded in size and time, whatever its header says."""
        body = bytearray()
        try:
            async with asyncio.timeout(READ_SECONDS):
                async for part in request.content.iter_any():
                    body += part
                    if len(body) > LARGEST:
                        raise web.HTTPRequestEntityTooLarge(LARGEST, len(body))
        except TimeoutError:
            raise web.HTTPRequestTimeout(text="The body did not arrive in time.") from None
        return bytes(body)


def answer(said: BoltResponse) -> web.Response:
    """Bolt's answer as the server wants it."""
    headers = {name: values[0] for name, values in said.headers.items() if values}
    kind = headers.pop("content-type", "text/plain").partition(";")[0]
    return web.Response(
        status=said.status, text=said.body, headers=headers, content_type=kind, charset="utf-8"
    )
