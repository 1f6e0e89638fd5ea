"""What a write would change, found out in real repositories without pushing anything."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.local.demo.repository import Commit, ShopConfig, open_shop_config
from engine.domain.call import CallResult, Ending
from engine.domain.model import Json
from engine.domain.plan import DraftStep
from engine.tools.sandbox import ProcessSandbox
from tests.contract.tool_bench import SETTINGS, Bench, for_repository


@pytest.fixture
async def repository(tmp_path: Path) -> ShopConfig:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    return await open_shop_config(tmp_path / "remote")


@pytest.fixture
async def bench(repository: ShopConfig, tmp_path: Path) -> Bench:
    return for_repository(repository, await ProcessSandbox.detect(tmp_path / "calls"))


async def previewed(bench: Bench, repository: ShopConfig, action: str, **given: Json) -> CallResult:
    place = {"remote": repository.url, "branch": "main", "expected_head": await repository.head()}
    step = bench.frozen(f"git.{action}", {**place, **given})
    preview = bench.registry.preview(step.call)
    assert preview is not None
    bench.lines.clear()
    return await bench.run(preview.call)


async def test_each_write_shows_its_difference_and_leaves_the_branch_alone(
    bench: Bench, repository: ShopConfig
) -> None:
    good = await repository.head()
    bad = await repository.push_bad_commit()
    writes: list[tuple[str, dict[str, Json]]] = [
        ("revert_commit", {"commit": bad}),
        ("restore", {"path": SETTINGS, "revision": good}),
        ("set_value", {"path": SETTINGS, "key": "pool_size", "value": "10"}),
    ]

    for action, given in writes:
        result = await previewed(bench, repository, action, **given)

        assert result.ending is Ending.SUCCEEDED
        assert result.outputs["head"] == bad
        assert "-pool_size: 0" in bench.lines
        assert "+pool_size: 10" in bench.lines
        assert await repository.head() == bad


async def test_a_restore_lists_the_later_commits_that_it_takes_back(
    bench: Bench, repository: ShopConfig
) -> None:
    base = await repository.head()
    for name in ("first", "second", "third"):
        text = f"{await repository.settings()}# {name}\n"
        commit = Commit("bo", name, datetime.now(UTC), {SETTINGS: text})
        await repository._write([commit], parent=await repository.head())

    all_three = await previewed(bench, repository, "restore", path=SETTINGS, revision=base)
    head = await repository.head()
    parent = (await repository._git("rev-parse", f"{head}~1")).strip()
    last = await previewed(bench, repository, "restore", path=SETTINGS, revision=parent)

    assert [
        line.split("“")[1].split("”")[0] for line in all_three.outputs["also"].splitlines()
    ] == [
        "third",
        "second",
    ]
    assert last.outputs["also"] == ""


async def test_what_could_not_be_done_is_said_before_anybody_approves_it(
    bench: Bench, repository: ShopConfig
) -> None:
    result = await previewed(
        bench, repository, "set_value", path=SETTINGS, key="pool_size", value="many"
    )

    assert result.ending is Ending.FAILED
    assert result.message == "many is of another kind than the value that pool_size has now."


async def test_a_pinned_head_is_read_again(bench: Bench, repository: ShopConfig) -> None:
    given: dict[str, Json] = {"remote": repository.url, "branch": "main", "expected_head": "a" * 40}
    values: dict[str, Json] = {"path": SETTINGS, "key": "pool_size", "value": "5"}
    step = DraftStep(tool="git", action="set_value", input={**given, **values})

    (pin,) = bench.registry.pins(step).values()
    result = await bench.run(pin.call)

    assert result.outputs[pin.output] == await repository.head()


def test_a_person_fills_in_neither_marks_nor_pinned_values(tmp_path: Path) -> None:
    bench = Bench(for_repository(ShopConfig(tmp_path), ProcessSandbox(tmp_path)).registry,
                  ProcessSandbox(tmp_path))  # fmt: skip

    fields = bench.registry.fields("git", "set_value")

    assert [field.name for field in fields] == ["remote", "branch", "path", "key", "value"]
    assert fields[0].choices == (ShopConfig(tmp_path).url,)
