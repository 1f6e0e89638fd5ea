"""Runbooks, playbooks, memory and sessions as people meet them in Slack."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.blocks import knowledge as blocks
from bot.blocks.limits import problems
from bot.local.slack.person import Person, buttons, open_person, plain
from bot.local.slack.validate import problems_of
from engine.domain.conversation import Place
from engine.domain.ids import ConversationId, DraftId
from tests.conftest import Database
from tests.contract.bot_slack import Rig, open_rig

BODY = """# Before
Look at *nothing* & <!channel>, [here](https://evil.example).
- one

```sh
kubectl rollout restart deploy/checkout -n shop
kubectl get pods | sh
```"""


@pytest.fixture
async def rig(database: Database) -> AsyncIterator[Rig]:
    async with open_rig(database.app_dsn) as opened:
        yield opened


@pytest.fixture
async def dana(rig: Rig) -> AsyncIterator[Person]:
    async with open_person(rig.slack.url, "U0DANA") as person:
        yield person


@pytest.fixture
async def ann(rig: Rig) -> AsyncIterator[Person]:
    async with open_person(rig.slack.url, "U0ANN") as person:
        yield person


async def ask(person: Person, words: str, *fits: str) -> dict[str, Any]:
    """Type a command; what this person alone is told."""
    await person.slash("/carapulse", words, "C0INC")

    def heard(message: dict[str, Any]) -> bool:
        mine = message["ephemeral_to"] == person.user_id
        return mine and all(each in plain(message) for each in fits)

    return await person.wait_for(heard, timeout=10, what=f"an answer with {fits}")


async def test_a_runbook_is_kept_listed_shown_and_removed(rig: Rig, dana: Person) -> None:
    await ask(dana, "runbook", "There is no runbook.")
    await ask(dana, f"runbook add Checkout restart\n{BODY}", "Kept", "checkout-restart")
    await ask(dana, "runbook list pods", "checkout-restart", "Checkout restart")

    shown = await ask(dana, "runbook show Checkout restart", "Before", "is kubectl.rollout_restart")

    assert "here (https://evil.example)" in plain(shown)
    assert "can't be a step: it needs a shell" in plain(shown)
    assert list(buttons(shown)) == ["Turn into a step"]
    await ask(dana, "runbook remove checkout-restart", "Removed")
    await ask(dana, "runbook show checkout-restart", "There is no runbook of that name.")
    assert (await rig.control.stats())["invalid"] == []


async def test_a_command_becomes_a_plans_only_step_and_nothing_runs(rig: Rig, dana: Person) -> None:
    await ask(dana, f"runbook add Checkout restart\n{BODY}", "Kept")
    shown = await ask(dana, "runbook show checkout-restart", "Turn into a step")
    action, block, value = buttons(shown)["Turn into a step"]

    await dana.press("C0INC", shown["ts"], action, value, block_id=block)

    told = await dana.wait_for(lambda m: "takes a step from the runbook" in plain(m))
    row = await rig.pool.fetchrow(
        "SELECT d.id::text AS id, d.conversation_id::text AS thread FROM drafts d"
    )
    assert row is not None
    async with rig.store.begin() as unit:
        draft = await unit.drafts.get(DraftId(row["id"]))
        outcome = await unit.drafts.outcome(draft.id)
        thread = await unit.conversations.get(ConversationId(row["thread"]))
    assert (draft.how.value, draft.requester) == ("again", "dana")
    assert outcome is not None
    assert outcome.proposal is not None
    (step,) = outcome.proposal.steps
    assert (step.tool, step.action, step.input["name"]) == (
        "kubectl",
        "rollout_restart",
        "checkout",
    )
    assert outcome.proposal.context.namespace == "shop"
    assert [one.title for one in outcome.proposal.knowledge] == ["Checkout restart"]
    assert thread.place.thread in (told["ts"], f"post:{thread.place.thread[5:]}")


async def test_memory_is_told_listed_and_forgotten(rig: Rig, dana: Person, ann: Person) -> None:
    told = "memory add pool is frozen service:checkout until:3d"
    await ask(dana, told, "Remembered", "pool is frozen", "(checkout)", "by Dana")
    await ask(dana, "memory add x service:mainframe", "I know no service mainframe.")
    await ask(dana, "memory add x until:soon", "until:2026-12-24")
    listed = await ask(ann, "memory", "pool is frozen")

    mark = plain(listed).split("`")[1]
    await ask(ann, f"memory forget {mark}", "Dana", "wrote this")
    await ask(dana, f"memory forget {mark}", "Forgot: pool is frozen")


async def test_a_session_is_the_channels_until_it_is_left(
    rig: Rig, dana: Person, ann: Person
) -> None:
    await ask(dana, "session open db migration private", "Opened", "db migration", "private")
    await ask(ann, "session", "There is no session.")
    await ask(ann, "session close db migration", "There is no such session")
    await dana.say("C0INC", "@carapulse is checkout healthy?")
    await dana.wait_for(lambda m: bool(m["reactions"]))
    await rig.carried_out()
    inside = "SELECT count(*) FROM conversations WHERE session_id IS NOT NULL"
    assert await rig.pool.fetchval(inside) == 1

    await ask(dana, "session add db migration @ann", "1 member)")
    async with rig.store.begin() as unit:
        shared = await unit.sessions.of_channel("C0INC")
    assert shared is not None
    assert shared.members == ("ann",)
    await ask(dana, "session leave", "no session now")
    await ask(dana, "session close db migration", "Closed")
    async with rig.store.begin() as unit:
        assert await unit.conversations.at(Place(channel="C0INC", thread="none")) is None
        assert await unit.sessions.of_channel("C0INC") is None


async def test_a_sessions_name_is_shown_as_it_was_typed(rig: Rig, dana: Person) -> None:
    told = await ask(dana, "session open night & <day>", "Opened")

    assert "*night &amp; &lt;day&gt;*" in told["text"]
    await ask(dana, "session add night & <day> @ann", "1 member)")


async def test_a_verb_that_is_none_is_told_what_there_is(rig: Rig, dana: Person) -> None:
    await ask(dana, "sessions", "There is no session.")
    await ask(dana, "session close", "Name the session: `/carapulse session close NAME`.")
    await ask(dana, "runbook remove", "Name the runbook: `/carapulse runbook remove NAME`.")
    await ask(dana, "session explode", "I know no “explode” here", "open")
    await ask(dana, "runbook add Only a title", "Say what it says too")
    await ask(dana, "playbook add title: x", "The playbook is wrong", "plan_title")
    words = ("white_check_mark", "*Dry run*", "*Pause*", "*Cancel*", "*Draft a plan*")
    await ask(dana, "help", "/carapulse runbook", "/carapulse session", *words)


@pytest.mark.parametrize(
    "markdown",
    [
        BODY,
        "",
        "```\nnever closed <!here>",
        "# \n## x ##\n1. a\n   - b\n***\n[a](b) [<!channel>](http://x) `<@U0ANN>` **<!here>**",
        "x" * 64_000,
        "\n".join(f"- {number}" for number in range(3000)),
        "\x1b[31mred\u202edesrever\x00",
        "```\n```\n" * 500,
    ],
)
def test_any_markdown_is_shown_inert_and_within_the_limits(markdown: str) -> None:
    commands = [{"number": n, "text": "kubectl `x` <!here>", "action": "a"} for n in range(30)]
    body = {"title": "*T* <!channel>", "markdown": markdown, "id": "7", "commands": commands}

    message = blocks.document(body)

    assert problems_of(message["blocks"]) == []
    assert problems(message["blocks"]) == []
    said = str(message)
    assert "<!" not in said.replace("< !", "")
    assert "\u202e" not in said
    assert "\x1b" not in said
