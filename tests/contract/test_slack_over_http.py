"""The request URL: only what Slack signed within five minutes is carried out."""

import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from io import BytesIO

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.response import BoltResponse

from bot.http.errors import problems
from bot.slack.http import LARGEST, PATH, RequestUrl
from bot.slack.origins import Body

SECRET = "e6b19c573432dcc6b075501d51b51bb8"
BODY = b'{"type": "event_callback", "event": {"type": "message"}}'


class Served:
    """A request URL on a port, and what it has passed on."""

    def __init__(self) -> None:
        self.url = RequestUrl(SECRET)
        self.passed: list[Body] = []
        self.address = ""

    async def receive(self, body: Body) -> BoltResponse:
        self.passed.append(body)
        return BoltResponse(status=200, body={"response_action": "clear"})

    async def post(self, body: bytes, **headers: str) -> tuple[int, str]:
        kind = {"Content-Type": "application/json"}
        async with aiohttp.ClientSession() as session:
            answer = await session.post(
                self.address, data=BytesIO(body), headers={**kind, **headers}
            )
            return answer.status, await answer.text()


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    made = Served()
    app = web.Application(middlewares=[problems])
    app.router.add_post(PATH, made.url.handle)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.address = f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
    yield made
    await runner.cleanup()


def signed(body: bytes, secret: str = SECRET, age: int = 0) -> dict[str, str]:
    stamp = str(int(time.time()) - age)
    digest = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


async def test_what_slack_signed_is_carried_out_and_answered(served: Served) -> None:
    served.url.serve(served.receive)

    status, said = await served.post(BODY, **signed(BODY))

    assert (status, said) == (200, '{"response_action": "clear"}')
    assert served.passed[0]["event"]["type"] == "message"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(BODY, secret="another"),
        signed(BODY, age=301),
        signed(BODY, age=-86_400),
        signed(BODY + b" "),
        {**signed(BODY), "X-Slack-Request-Timestamp": "soon"},
        {**signed(BODY), "X-Slack-Signature": "v0="},
    ],
)
async def test_everything_else_is_refused_unread(served: Served, headers: dict[str, str]) -> None:
    served.url.serve(served.receive)

    status, said = await served.post(BODY, **headers)

    assert status == 401
    assert SECRET not in said
    assert served.passed == []


async def test_a_body_without_end_is_cut_off(served: Served) -> None:
    served.url.serve(served.receive)
    large = b"x" * (LARGEST + 1)

    status, _ = await served.post(large, **signed(large))

    assert status == 413
    assert served.passed == []


async def test_slack_is_asked_to_come_again_before_the_bot_is_ready(served: Served) -> None:
    status, _ = await served.post(BODY, **signed(BODY))

    assert status == 503
