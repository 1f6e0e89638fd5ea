"""What is answered to Slack before anything is carried out."""

from collections.abc import Awaitable, Callable
from typing import cast

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.app import Workspace, known
from bot.slack.inbox import Inbox
from bot.slack.origins import Body
from bot.slack.whispers import Whispers
from engine.errors import Unavailable
from engine.ports import Store

WORKSPACE = Workspace(team="T1", organisation="ours", bot_user="U0BOT", bot_id="B1", url="")
PRESS = {"type": "block_actions", "actions": [{"action_id": "plan.approve", "action_ts": "1"}]}


class Kept:
    """Stands for the store of arrivals."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.away = False

    async def receive(self, *, source: str, key: str, thread: str, body: bytes) -> bool:
        if self.away:
            raise Unavailable("postgres", "away")
        self.keys.append(key)
        return True


def inbox(kept: Kept, seen: list[Body], unused: Whispers) -> Inbox:
    app = AsyncApp(
        client=AsyncWebClient(),
        authorize=known(WORKSPACE, "xoxb"),
        request_verification_enabled=False,
    )

    @app.middleware
    async def note(body: Body, next: Callable[[], Awaitable[None]]) -> None:  # noqa: A002 - Bolt's name
        seen.append(body)
        await next()

    return Inbox(app, kept, unused, "U0BOT")


@pytest.fixture
def unused() -> Whispers:
    return Whispers(cast("Store", None))


async def test_what_is_stored_is_answered_before_bolt_sees_it(unused: Whispers) -> None:
    kept, seen = Kept(), list[Body]()

    said = await inbox(kept, seen, unused).receive(PRESS)

    assert (said.status, len(kept.keys), seen) == (200, 1, [])


async def test_what_could_not_be_stored_is_not_acknowledged(unused: Whispers) -> None:
    kept = Kept()
    kept.away = True

    said = await inbox(kept, [], unused).receive(PRESS)

    assert said.status == 503


@pytest.mark.parametrize("body", [{"event": "x"}, {"event": None}, {**PRESS, "user": "U0DANA"}])
async def test_what_is_not_in_slacks_form_is_refused(body: Body, unused: Whispers) -> None:
    kept = Kept()

    said = await inbox(kept, [], unused).receive(body)

    assert (said.status, kept.keys) == (400, [])


async def test_slack_is_told_that_the_request_url_is_ours(unused: Whispers) -> None:
    asked = {"type": "url_verification", "challenge": "3eZb"}

    said = await inbox(Kept(), [], unused).receive(asked)

    assert (said.status, said.body) == (200, '{"challenge": "3eZb"}')
