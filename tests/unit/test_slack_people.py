"""Who is let in, by what Slack says about the account."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.people import People, account_of
from engine.domain.actor import Account, Actor
from engine.domain.ids import PersonId
from engine.errors import Unavailable

MEMBER = {"id": "U1", "team_id": "T0", "real_name": "Ann"}


class Everybody:
    """Knows every account that is asked for."""

    async def person(self, account: Account) -> Actor | None:
        return Actor(id=PersonId(account.user), name=account.name)

    async def by_id(self, person_id: PersonId) -> Actor | None:
        return None

    async def members(self, group: str) -> list[Actor]:
        return []

    async def mention(self, group: str) -> str:
        return group


class Slack:
    """Answers users.info and conversations.info, and counts."""

    def __init__(self) -> None:
        self.user: dict[str, Any] = dict(MEMBER)
        self.channel: dict[str, Any] = {}
        self.error = ""
        self.status = 200
        self.calls = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.calls += 1
        if self.error:
            return web.json_response({"ok": False, "error": self.error}, status=self.status)
        return web.json_response({"ok": True, "user": self.user, "channel": self.channel})


@pytest.fixture
def slack() -> Slack:
    return Slack()


@pytest.fixture
async def server(slack: Slack) -> Any:
    app = web.Application()
    app.router.add_route("*", "/api/{method}", slack.answer)
    async with TestServer(app) as running:
        yield running


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.fixture
def people(server: TestServer, now: list[float]) -> People:
    client = AsyncWebClient(
        token="xoxb-x", base_url=str(server.make_url("/api/")), retry_handlers=[]
    )
    return People(client, Everybody(), "T0", clock=lambda: now[0])


async def test_a_member_is_a_person(people: People) -> None:
    actor = await people.actor("U1")

    assert actor is not None
    assert actor.name == "Ann"


@pytest.mark.parametrize(
    "flag",
    [
        {"is_bot": True},
        {"is_restricted": True},
        {"is_ultra_restricted": True},
        {"deleted": True},
        {"is_stranger": True},
        {"team_id": "T9"},
        {"team_id": None},
    ],
)
async def test_everybody_else_is_nobody(people: People, slack: Slack, flag: dict[str, Any]) -> None:
    slack.user |= flag

    assert await people.actor("U1") is None


async def test_an_account_that_slack_does_not_know_is_nobody(people: People, slack: Slack) -> None:
    slack.error = "user_not_found"

    assert await people.actor("U1") is None


async def test_an_account_is_looked_up_again_after_a_quarter_of_an_hour(
    people: People, slack: Slack, now: list[float]
) -> None:
    await people.actor("U1")
    await people.actor("U1")
    slack.user["deleted"] = True
    now[0] = 15 * 60 + 1

    assert await people.actor("U1") is None
    assert slack.calls == 2


async def test_a_change_is_seen_at_once(people: People, slack: Slack) -> None:
    await people.actor("U1")
    slack.user["is_restricted"] = True
    people.forget("U1")

    assert await people.actor("U1") is None


@pytest.mark.parametrize(
    ("channel", "shared"),
    [
        ({}, False),
        ({"is_ext_shared": True}, True),
        ({"is_pending_ext_shared": True}, True),
        ({"is_shared": True, "is_org_shared": True}, False),
        ({"is_shared": True}, True),
    ],
)
async def test_a_channel_that_others_read_is_outside(
    people: People, slack: Slack, channel: dict[str, Any], shared: bool
) -> None:
    slack.channel = channel

    assert await people.shared_outside("C1") is shared


async def test_slack_being_away_lets_nobody_in_and_is_tried_again(
    people: People, slack: Slack
) -> None:
    slack.error, slack.status = "internal_error", 503

    with pytest.raises(Unavailable):
        await people.actor("U1")


def test_names_are_bounded_and_ids_count() -> None:
    account = account_of({**MEMBER, "real_name": "x" * 500}, "T0")

    assert len(account.name) == 200
    assert account.key == "slack:T0:U1"
