"""Who somebody is, from what Slack says of an account and what the directory file binds to it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.people import People
from engine.directory.file import FileDirectory
from engine.domain.ids import Tenant
from engine.domain.policy import Answer
from engine.errors import ConfigurationError
from engine.policy.rego import RegoPolicy
from tests.contract.test_policy import decide
from tests.unit.governing import POLICIES, version

FILE = """
groups: [{id: sre, slack: "slack:T0:S0SRE"}, {id: shop}]
people:
- {id: ann, name: Ann Okafor, email: ann@acme.example, slack: ["slack:T0:U0ANN", "slack:T0:U0ANN2"],
   groups: [sre]}
- {id: dana, name: Dana Reyes, email: dana@acme.example, slack: ["slack:T0:U0DANA"], groups: [shop]}
"""
ANN: dict[str, Any] = {"id": "U0ANN", "team_id": "T0", "real_name": "Ann Okafor"}
NOBODY: dict[str, dict[str, Any]] = {
    "a guest of one channel": {"is_ultra_restricted": True},
    "a guest of some channels": {"is_restricted": True},
    "a bot": {"is_bot": True},
    "somebody deactivated": {"deleted": True},
    "a stranger of a shared channel": {"is_stranger": True},
    "another organisation, where the flag is missing": {"team_id": "T9", "is_stranger": False},
    "an account without a team": {"team_id": ""},
    "the same name and address under another account": {
        "id": "U0EVIL",
        "profile": {"email": "ann@acme.example"},
    },
}


@dataclass
class Slack:
    """`users.info` of one account."""

    user: dict[str, Any] = field(default_factory=lambda: dict(ANN))

    async def answer(self, request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "user": self.user})


@pytest.fixture
def slack() -> Slack:
    return Slack()


@pytest.fixture
async def people(slack: Slack, tmp_path: Path) -> AsyncIterator[People]:
    file = tmp_path / "directory.yaml"
    file.write_text(FILE)
    app = web.Application()
    app.router.add_route("*", "/api/{method}", slack.answer)
    async with TestServer(app) as server:
        client = AsyncWebClient(
            token="xoxb-x", base_url=str(server.make_url("/api/")), retry_handlers=[]
        )
        yield People(client, FileDirectory(file, tenant=Tenant("default")), "T0")


async def test_a_full_member_whom_the_directory_binds_is_that_person(people: People) -> None:
    actor = await people.actor("U0ANN")

    assert actor is not None
    assert (actor.id, actor.groups, actor.account) == ("ann", ("sre",), "slack:T0:U0ANN")


@pytest.mark.parametrize("changed", NOBODY.values(), ids=NOBODY.keys())
async def test_everybody_else_is_nobody(
    people: People, slack: Slack, changed: dict[str, Any]
) -> None:
    slack.user |= changed

    assert await people.actor(slack.user["id"]) is None


@pytest.mark.parametrize(
    "profile",
    [
        {"real_name": "Dana Reyes", "name": "dana"},
        {"real_name": "", "name": ""},
        {"profile": {"email": "dana@acme.example", "display_name": "dana"}},
        {"real_name": "Ann\n*sre* <!channel>"},
    ],
)
async def test_whatever_an_account_calls_itself_it_stays_the_same_person(
    people: People, slack: Slack, profile: dict[str, Any]
) -> None:
    slack.user |= profile

    actor = await people.actor("U0ANN")

    assert actor is not None
    assert (actor.id, actor.name) == ("ann", "Ann Okafor")


async def test_somebody_deactivated_is_nobody_as_soon_as_slack_says_so(
    people: People, slack: Slack
) -> None:
    assert await people.actor("U0ANN") is not None
    slack.user["deleted"] = True
    people.forget("U0ANN")

    assert await people.actor("U0ANN") is None


async def test_two_accounts_of_one_person_are_one_person_to_the_gate(
    people: People, slack: Slack
) -> None:
    first = await people.actor("U0ANN")
    slack.user |= {"id": "U0ANN2"}
    second = await people.actor("U0ANN2")
    assert first is not None
    assert second is not None
    policy = RegoPolicy([POLICIES])

    asked_by_the_first = version(requester=first.id)
    shaped_by_the_first = version(editors=(first.id,))

    assert (first.id, second.id) == ("ann", "ann")
    assert first.account != second.account
    assert (await policy.ask(decide(second))).decision is Answer.ALLOW
    assert (await policy.ask(decide(second, made=asked_by_the_first))).decision is Answer.DENY
    assert (await policy.ask(decide(second, made=shaped_by_the_first))).decision is Answer.DENY


@pytest.mark.parametrize("account", ["slack:T0:U0ANN", "slack:T0:U0ANN2"])
def test_an_account_of_two_people_stops_the_start(tmp_path: Path, account: str) -> None:
    file = tmp_path / "directory.yaml"
    file.write_text(FILE.replace("slack:T0:U0DANA", account))

    with pytest.raises(ConfigurationError, match="belongs to two people"):
        FileDirectory(file, tenant=Tenant("default"))
