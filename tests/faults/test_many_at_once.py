"""Fifty executions at once: within Slack's budgets, and every card is right at the end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bot.local.demo.git import Git
from bot.local.demo.world import World
from bot.local.slack.person import buttons
from tests.acceptance.rig import DRILLS, Additions, Rig, open_rig
from tests.acceptance.thread import Thread, ask, press, reference

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.long,
    pytest.mark.timeout(1200),
]
MANY, CHANNELS = 50, 10
DRAFTED, ENDED = 300.0, 600.0


def services(world: World) -> list[dict[str, Any]]:
    """A service for each exercise, so that none waits for another one's lock."""
    return [
        {
            "name": f"drill-{number:02}",
            "namespace": "drills",
            "owners": ["shop"],
            "environments": ["prod"],
            "gitops": {
                "repository": "shop-config",
                "remote": world.repository_url,
                "branch": f"drill-{number:02}",
                "path": "checkout/settings.yaml",
            },
        }
        for number in range(MANY)
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """A Carapulse with fifty services and ten channels, and Slack's budgets enforced."""
    added = Additions(DRILLS / "tools", DRILLS / "playbooks", services)
    async with open_rig(tmp_path_factory.mktemp("many"), added) as opened:
        git = Git(opened.world.repository.path)
        for number in range(MANY):
            await git("branch", f"drill-{number:02}", "main")
        members = ["U0CARA", "U0DANA", "U0ANN", "U0BO"]
        await opened.control.world(
            channels=[
                {"id": f"C0N{number}", "name": f"drills-{number}", "members": members}
                for number in range(CHANNELS)
            ]
        )
        await opened.control.budgets(on=True)
        yield opened


async def test_fifty_executions_at_once_keep_the_budgets_and_every_card_ends_right(
    rig: Rig,
) -> None:
    threads = [await asking(rig, number) for number in range(MANY)]
    cards = [await one.card("Waiting for approval", within=DRAFTED) for one in threads]

    await asyncio.gather(*(press(rig.ann, card, "Approve") for card in cards))
    done = [await one.card("Done in", "approved by Ann", within=ENDED) for one in threads]

    for thread, card in zip(threads, done, strict=True):
        assert list(buttons(card)) == ["Run again"]
        assert len(await thread.cards()) == 1
    plans = [reference(card) for card in done]
    assert len(set(plans)) == MANY
    for number, plan in enumerate(plans):
        assert [one["state"] for one in await rig.executions(plan)] == ["succeeded"]
        assert len(await rig.marks(branch=f"drill-{number:02}")) == 1
    stats = await rig.control.stats()
    assert stats["limited"] == {}
    assert stats["invalid"] == []


async def asking(rig: Rig, number: int) -> Thread:
    """One exercise, each in the next channel."""
    return await ask(
        rig.dana, f"quick drill on drill-{number:02}", channel=f"C0N{number % CHANNELS}"
    )
