"""Who people are."""

from pathlib import Path

import pytest

from engine.directory.file import FileDirectory, read_listing
from engine.domain.actor import Account
from engine.domain.ids import PersonId, Tenant
from engine.errors import ConfigurationError

DEMO = Path(__file__).parents[2] / "bot" / "local" / "demo" / "directory.yaml"
ANN = Account(team="T0LOCAL", user="U0ANN")


@pytest.fixture
def demo() -> FileDirectory:
    return FileDirectory(DEMO, tenant=Tenant("acme"))


async def test_an_account_leads_to_its_person(demo: FileDirectory) -> None:
    ann = await demo.person(ANN)

    assert ann is not None
    assert (ann.id, ann.tenant, ann.groups) == ("ann", "acme", ("sre",))
    assert (ann.slack_id, ann.mention) == ("U0ANN", "{@slack:T0LOCAL:U0ANN}")


@pytest.mark.parametrize("what", ["is_bot", "is_guest", "is_stranger", "is_deleted"])
async def test_guests_bots_and_strangers_are_nobody(demo: FileDirectory, what: str) -> None:
    assert await demo.person(ANN.model_copy(update={what: True})) is None


async def test_the_same_user_of_another_team_is_nobody(demo: FileDirectory) -> None:
    assert await demo.person(Account(team="T0OTHER", user="U0ANN")) is None


async def test_groups_have_members_and_mentions(demo: FileDirectory) -> None:
    assert [one.id for one in await demo.members("sre")] == ["ann", "bo"]
    assert await demo.mention("sre") == "{@slack:T0LOCAL:S0SRE}"
    assert await demo.mention("shop") == "shop"
    assert await demo.members("nobody") == []
    assert await demo.by_id(PersonId("gus")) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("people: [{id: a, name: A}, {id: a, name: B}]", "the person a is there twice"),
        ("people: [{id: a, name: A, groups: [x]}]", "a is in x, which is no group here"),
        (
            'people: [{id: a, name: A, slack: ["slack:T:U1"]}, '
            '{id: b, name: B, slack: ["slack:T:U1"]}]',
            "belongs to two people",
        ),
        ("people: [{id: a, name: '<!channel>'}]", "would format"),
        ("people: [{id: a, name: A, role: x}]", "people.0.role"),
        ('people: [{id: "service:gate", name: A}]', "people.0.id"),
        ("people: [{id: a, name: A, slack: [U1]}]", "people.0.slack.0"),
        ("groups: []", "people"),
        ("people: [", "line"),
        ("people: []\npeople: []", "twice"),
    ],
)
def test_a_wrong_file_is_refused_with_the_reason(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "people.yaml"
    file.write_text(text)

    with pytest.raises(ConfigurationError, match=told):
        FileDirectory(file, tenant=Tenant("acme"))


def test_a_user_of_linear_is_one_person_and_is_named_by_its_id(tmp_path: Path) -> None:
    user = "11111111-1111-4111-8111-111111111111"
    file = tmp_path / "people.yaml"
    file.write_text(f"people: [{{id: ann, name: Ann, linear: [{user}]}}]")
    found = FileDirectory(file, tenant=Tenant("default"))

    file.write_text(f"people: [{{id: ann, name: Ann, linear: [{user}, {user}]}}]")
    with pytest.raises(ConfigurationError, match="belongs to two people"):
        read_listing(file)
    file.write_text("people: [{id: ann, name: Ann, linear: [ann@example.com]}]")
    with pytest.raises(ConfigurationError, match="linear"):
        read_listing(file)

    assert found.linear(user) == "ann"
    assert found.linear(user.replace("1", "2")) is None
