"""The git actions against real repositories, inside and outside bubblewrap."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.local.demo.git import Git
from bot.local.demo.repository import Commit, ShopConfig, open_shop_config
from engine.domain.call import Ending
from engine.domain.model import Json
from engine.errors import Invalid, Tampered
from engine.llm.history import effective, told
from engine.tools.report import Report
from engine.tools.sandbox import ProcessSandbox
from tests.contract.tool_bench import SETTINGS, Bench, for_repository


@pytest.fixture(params=["plain", "bubblewrap"])
async def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> ProcessSandbox:
    if request.param == "plain":
        return ProcessSandbox(tmp_path / "calls")
    detected = await ProcessSandbox.detect(tmp_path / "calls")
    if not detected.bwrap:
        pytest.skip("bubblewrap is not installed, or may not make namespaces here")
    return detected


@pytest.fixture
async def repository(tmp_path: Path) -> ShopConfig:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    return await open_shop_config(tmp_path / "remote")


@pytest.fixture
async def bench(repository: ShopConfig, sandbox: ProcessSandbox) -> Bench:
    return for_repository(repository, sandbox)


async def place(repository: ShopConfig) -> dict[str, Json]:
    """What every write names."""
    return {"remote": repository.url, "branch": "main", "expected_head": await repository.head()}


async def test_the_log_tells_who_changed_the_settings_last(
    bench: Bench, repository: ShopConfig
) -> None:
    before = await repository.head()
    bad = await repository.push_bad_commit()

    result = await bench.read(
        "git.log", {"remote": repository.url, "branch": "main", "path": SETTINGS}
    )

    assert result.ending is Ending.SUCCEEDED
    assert result.outputs["head"] == result.outputs["last_commit"] == bad
    assert result.outputs["previous_commit"] == before
    assert result.outputs["last_author"] == "Dana Reyes"
    assert result.outputs["last_subject"] == "raise pool size"


async def test_a_commit_is_shown_with_its_diff(bench: Bench, repository: ShopConfig) -> None:
    bad = await repository.push_bad_commit()

    result = await bench.read(
        "git.show", {"remote": repository.url, "branch": "main", "commit": bad}
    )

    assert result.outputs["subject"] == "raise pool size"
    assert "+pool_size: 0" in bench.lines


async def test_a_revert_undoes_the_commit_and_leaves_its_mark(
    bench: Bench, repository: ShopConfig
) -> None:
    good = await repository.settings()
    bad = await repository.push_bad_commit()
    step = bench.frozen("git.revert_commit", {**await place(repository), "commit": bad})
    assert step.probe

    before = await bench.run(step.probe.call)
    result = await bench.run(step.call)
    after = await bench.run(step.probe.call)

    assert step.title == f"Revert {bad[:7]} in shop-config"
    assert await repository.settings() == good
    assert result.outputs == {"commit": await repository.head(), "previous_head": bad}
    assert result.message == f"{result.outputs['commit'][:7]} on main"
    assert (before.outputs["found"], after.outputs["found"]) == ("no", "yes")
    assert after.outputs["commit"] == result.outputs["commit"]


async def test_the_commit_says_who_made_it_and_for_which_step(
    bench: Bench, repository: ShopConfig
) -> None:
    bad = await repository.push_bad_commit()
    step = bench.frozen("git.revert_commit", {**await place(repository), "commit": bad})

    await bench.run(step.call)

    written = await Git(repository.path)("log", "-1", "--format=%an <%ae>%n%B", "main")
    assert written.startswith('Carapulse <carapulse@localhost>\nRevert "raise pool size"\n')
    assert "\nCarapulse-Step: P-7/1/1\n" in written


async def test_what_was_undone_and_its_undoing_are_known_from_the_log(
    bench: Bench, repository: ShopConfig
) -> None:
    before = await repository.head()
    bad = await repository.push_bad_commit()
    step = bench.frozen("git.revert_commit", {**await place(repository), "commit": bad})
    await bench.run(step.call)
    bench.lines.clear()

    await bench.read("git.log", {"remote": repository.url, "branch": "main", "path": SETTINGS})

    commits = told("\n".join(bench.lines))
    assert [one.commit for one in commits][:3] == [await repository.head(), bad, before]
    assert next(effective(commits)).commit == before


async def test_the_rollback_really_undoes_the_write(bench: Bench, repository: ShopConfig) -> None:
    before = await repository.settings()
    given = {**await place(repository), "path": SETTINGS, "key": "pool_size", "value": "20"}
    step = bench.frozen("git.set_value", given)
    assert step.rollback
    assert step.rollback_probe
    written = await bench.run(step.call)
    changed = await repository.settings()

    undone = await bench.run(step.rollback, {"steps.1.commit": written.outputs["commit"]})

    assert changed == before.replace("pool_size: 10", "pool_size: 20")
    assert undone.ending is Ending.SUCCEEDED
    assert await repository.settings() == before
    assert (await bench.run(step.rollback_probe.call)).outputs["found"] == "yes"


async def test_a_value_is_written_with_everything_around_it_kept(
    bench: Bench, repository: ShopConfig
) -> None:
    given = {**await place(repository), "path": SETTINGS, "key": "pool_size", "value": 20}
    step = bench.frozen("git.set_value", given)

    result = await bench.run(step.call)

    assert step.title == "Write pool_size = 20 to checkout/settings.yaml in shop-config"
    assert (result.outputs["old_value"], result.outputs["new_value"]) == ("10", "20")
    assert bench.lines == []  # the end of the step tells what was written
    assert "# connections to the order database" in await repository.settings()


async def test_a_file_is_restored_as_it_was(bench: Bench, repository: ShopConfig) -> None:
    good_head, good = await repository.head(), await repository.settings()
    await repository.push_bad_commit()
    step = bench.frozen(
        "git.restore", {**await place(repository), "path": SETTINGS, "revision": good_head}
    )

    result = await bench.run(step.call)

    assert result.ending is Ending.SUCCEEDED
    assert await repository.settings() == good


async def test_nothing_is_pushed_when_the_branch_has_moved(
    bench: Bench, repository: ShopConfig
) -> None:
    drafted = await repository.head()
    given = {**await place(repository), "path": SETTINGS, "key": "timeout_ms", "value": "300"}
    step = bench.frozen("git.set_value", given)
    moved = await repository.push_bad_commit()

    result = await bench.run(step.call)

    assert result.ending is Ending.FAILED
    assert result.message == (
        f"main moved from {drafted[:7]} to {moved[:7]} since the plan was drafted: "
        "nothing was pushed."
    )
    assert await repository.head() == moved


async def test_a_push_that_loses_the_race_is_refused_by_its_lease(
    bench: Bench, repository: ShopConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The branch moves after our clone looked at it and before our push arrives."""
    loud = Report.next_command
    monkeypatch.setattr(Report, "next_command", lambda self, **_: loud(self))
    given = {**await place(repository), "path": SETTINGS, "key": "timeout_ms", "value": "300"}
    step = bench.frozen("git.set_value", given)
    moved: list[str] = []

    async def move_late(line: str, *, shown: bool = True, filed: bool = True) -> None:
        if not moved and '"new": "300"' in line:
            moved.append(await repository.push_bad_commit())

    result = await bench.runner.run(step.call, {}, move_late)

    assert result.ending is Ending.FAILED
    assert "nothing was pushed" in result.message
    assert await repository.head() == moved[0]


async def test_reverting_twice_says_that_it_is_undone_already(
    bench: Bench, repository: ShopConfig
) -> None:
    bad = await repository.push_bad_commit()
    first = bench.frozen("git.revert_commit", {**await place(repository), "commit": bad})
    await bench.run(first.call)
    head = await repository.head()
    second = bench.frozen("git.revert_commit", {**await place(repository), "commit": bad})

    result = await bench.run(second.call)

    assert result.ending is Ending.FAILED
    assert result.message == f"{bad[:7]} is undone on main already. Nothing was pushed."
    assert await repository.head() == head


async def test_a_conflict_is_told_in_a_sentence(bench: Bench, repository: ShopConfig) -> None:
    bad = await repository.push_bad_commit()
    given = {**await place(repository), "path": SETTINGS, "key": "pool_size", "value": "30"}
    await bench.run(bench.frozen("git.set_value", given).call)
    step = bench.frozen("git.revert_commit", {**await place(repository), "commit": bad})

    result = await bench.run(step.call)

    assert result.ending is Ending.FAILED
    assert "later commits on main changed the same lines" in result.message


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"branch": "nowhere"}, "shop-config has no branch nowhere."),
        ({"key": "pool_sise"}, "has no key pool_sise"),
        ({"path": "checkout/none.yaml"}, "checkout/none.yaml is not in shop-config"),
        ({"value": "many"}, "is of another kind"),
        ({"value": "10"}, "pool_size is 10 in checkout/settings.yaml already"),
    ],
)
async def test_what_can_not_be_done_is_said_in_words(
    bench: Bench, repository: ShopConfig, wrong: dict[str, Json], sentence: str
) -> None:
    given = {**await place(repository), "path": SETTINGS, "key": "pool_size", "value": "20"}
    head = await repository.head()
    step = bench.frozen("git.set_value", {**given, **wrong})

    result = await bench.run(step.call)

    assert result.ending is Ending.FAILED
    assert sentence in result.message
    assert await repository.head() == head


async def test_only_listed_repositories_can_be_named(bench: Bench, repository: ShopConfig) -> None:
    with pytest.raises(Invalid, match="no repository that may be used"):
        bench.frozen(
            "git.revert_commit",
            {**await place(repository), "remote": "https://evil.example/x.git", "commit": "a" * 40},
        )


async def test_a_call_that_was_changed_after_freezing_does_not_run(
    bench: Bench, repository: ShopConfig
) -> None:
    given = {**await place(repository), "path": SETTINGS, "key": "pool_size", "value": "20"}
    call = bench.frozen("git.set_value", given).call
    pushes = (*call.commands[:-1], (*call.commands[-1][:-1], "HEAD:refs/heads/other"))

    with pytest.raises(Tampered, match="was not run"):
        await bench.run(call.model_copy(update={"commands": pushes}))

    assert bench.lines == []


async def test_an_output_that_does_not_fit_its_field_is_refused_at_run_time(
    bench: Bench, repository: ShopConfig
) -> None:
    given = {**await place(repository), "path": SETTINGS, "key": "pool_size", "value": "20"}
    rollback = bench.frozen("git.set_value", given).rollback
    assert rollback

    result = await bench.run(rollback, {"steps.1.commit": "--upload-pack=touch x"})

    assert result.ending is Ending.FAILED
    assert "can't be used as commit" in result.message
    assert bench.lines == []


async def test_nothing_of_a_working_folder_outlives_its_call(
    bench: Bench, repository: ShopConfig, tmp_path: Path
) -> None:
    given = {**await place(repository), "path": SETTINGS, "key": "pool_size", "value": "20"}

    result = await bench.run(bench.frozen("git.set_value", given).call)

    assert result.ending is Ending.SUCCEEDED
    assert list((tmp_path / "calls").iterdir()) == []


async def test_what_was_changed_is_undone_also_after_later_commits_of_others(
    bench: Bench, repository: ShopConfig
) -> None:
    given = {**await place(repository), "path": SETTINGS, "key": "pool_size", "value": "30"}
    step = bench.frozen("git.set_value", given)
    wrote = await bench.run(step.call)
    later = Commit("bo", "words", datetime.now(UTC), {"NOTES.md": "more words\n"})
    await repository._write([later], parent=await repository.head())
    assert step.rollback is not None

    undone = await bench.run(step.rollback, {"steps.1.commit": wrote.outputs["commit"]})

    assert undone.ending is Ending.SUCCEEDED
    assert "pool_size: 30" not in await repository.settings()
    assert await repository.head() == undone.outputs["commit"]
