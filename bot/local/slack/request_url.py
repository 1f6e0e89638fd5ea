"""Delivery to an app's request URL, signed as Slack signs; used instead of the connections."""

import hashlib
import hmac
import time
from urllib.parse import urlencode

import aiohttp
import orjson

from bot.local.slack.model import Json

WITHIN = 3.0
JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"


class RequestUrl:
    """Where the app listens; without a `url` nothing is delivered this way."""

    def __init__(self) -> None:
        self.url = ""
        self.secret = ""
        self._session: aiohttp.ClientSession | None = None

    async def deliver(self, kind: str, payload: Json, attempt: int) -> Json | None:
        """Send one payload; what the app answers, or None when it did not accept it in time."""
        body, content_type = encoded(kind, payload)
        headers = {"Content-Type": content_type, **self.signed(body)}
        if attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": "http_timeout"}
        try:
            async with self._open().post(self.url, data=body, headers=headers) as answer:
                said = await answer.read()
                return acknowledged(answer.status, said)
        except (aiohttp.ClientError, TimeoutError):
            return None

    def signed(self, body: bytes) -> dict[str, str]:
        """The headers that prove who sent it, and when."""
        stamp = str(int(time.time()))
        told = b":".join((b"v0", stamp.encode(), body))
        digest = hmac.new(self.secret.encode(), told, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=WITHIN)
            self._session = aiohttp.ClientSession(timeout=timeout)
        return self._session


def encoded(kind: str, payload: Json) -> tuple[bytes, str]:
    """Events are JSON, interactions a form with JSON in it, commands a form of fields."""
    if kind == "events_api":
        return orjson.dumps(payload), JSON_TYPE
    fields = {"payload": orjson.dumps(payload).decode()} if kind == "interactive" else payload
    return urlencode({name: str(value) for name, value in fields.items()}).encode(), FORM_TYPE


def acknowledged(status: int, said: bytes) -> Json | None:
    """An empty answer or plain words acknowledge too; only JSON says more."""
    if status != 200:
        return None
    try:
        answer = orjson.loads(said) if said else {}
    except orjson.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}
