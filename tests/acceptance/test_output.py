"""Five tools print much at once: few messages, constant memory, and all of it as files."""

import asyncio
from hashlib import sha256
from typing import Any

import aiohttp
import pytest

from bot.local.slack.person import plain
from tests.acceptance.rig import Rig
from tests.acceptance.test_programs import post, thread_of
from tests.acceptance.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
LINE = 93
TOOLS = 5
GROWTH = 64 << 20
LONG = (pytest.mark.long, pytest.mark.timeout(900))


async def get(rig: Rig, path: str) -> Any:
    """As a program with the token that `up` made."""
    headers = {"Authorization": f"Bearer {rig.up.service_token.read_text()}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        answer = await session.get(f"{rig.up.http_url}{path}")
        return await answer.json(content_type=None)


async def downloaded(rig: Rig, item: dict[str, Any]) -> str:
    """The digest of what the link leads to."""
    digest = sha256()
    async with aiohttp.ClientSession() as session:
        answer = await session.get(item["content_url"])
        async for piece in answer.content.iter_chunked(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


async def most_memory(rig: Rig, seen: list[int]) -> None:
    """What the worker has, as long as it is watched."""
    while True:
        seen.append(rig.process("worker").memory_info().rss)
        await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    "size", [2_000_000, pytest.param(100_000_000, marks=LONG)], ids=["2 MB", "100 MB"]
)
async def test_five_tools_that_print_much_are_readable_in_the_thread(rig: Rig, size: int) -> None:
    words = f"pour {size} bytes five times"
    step = {"tool": "flood", "action": "pour", "input": {"lines": size // LINE}, "group": "all"}
    context = {"environment": "staging", "service": "practice"}
    memory = [rig.process("worker").memory_info().rss]
    watching = asyncio.create_task(most_memory(rig, memory))

    _, made = await post(
        rig, "/plans", {"intent": words, "context": context, "steps": [step] * TOOLS}
    )
    thread = await thread_of(rig, words)
    await thread.card("Done in", within=600)
    execution = (await rig.executions(made["reference"]))[0]
    path = f"/v1/executions/{execution['id']}"

    async def all_stored() -> bool:
        items = (await get(rig, f"{path}/artifacts"))["items"]
        return [one["state"] for one in items] == ["stored"] * TOOLS

    await until(all_stored, within=120, what="the outputs to be stored")
    watching.cancel()
    items = (await get(rig, f"{path}/artifacts"))["items"]
    assert max(memory) - memory[0] <= GROWTH
    assert all(one["size"] > 0.99 * size and not one["partial"] for one in items)
    assert await downloaded(rig, items[0]) == items[0]["sha256"]

    async def all_files() -> bool:
        return len([one for one in await thread.ours() if one.get("files")]) == TOOLS + 1

    await until(all_files, within=60, what="the files in the thread")
    messages = await thread.ours()
    assert len(messages) <= 40
    assert [one for one in messages if "more in the file" in plain(one)]
