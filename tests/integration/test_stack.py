"""The local stack starts, keeps its data, and refuses to be started twice."""

import asyncio
import os
import signal
import stat
from contextlib import suppress
from pathlib import Path

import asyncpg
import psutil
import pytest

from bot.local.children import ChildEvent
from bot.local.folder import open_folder
from bot.local.stack import StackOptions, open_stack
from engine.errors import Conflict
from tests.integration.stack_process import in_a_process

POSTGRES_ONLY = StackOptions(temporal=False, redis=False, policy=False)


async def value(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_everything_starts_on_its_own_and_answers(tmp_path: Path) -> None:
    async with open_stack(tmp_path) as stack:
        version = await value(stack.owner_dsn, "SHOW server_version_num")
        fsync = await value(stack.owner_dsn, "SHOW fsync")

        assert int(str(version)) >= 180000
        assert fsync == "on"
        assert stack.temporal_address
        assert stack.redis_url or "No Redis" in stack.notes[0]


async def test_the_app_role_is_neither_superuser_nor_owner(tmp_path: Path) -> None:
    async with open_stack(tmp_path, wanted=POSTGRES_ONLY) as stack:
        rights = "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = "

        assert await value(stack.app_dsn, rights + "current_user") is False
        assert await value(stack.owner_dsn, "SELECT current_user") == "carapulse"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await value(stack.app_dsn, "CREATE TABLE mine (id int)")


async def test_a_wrong_password_is_refused(tmp_path: Path) -> None:
    async with open_stack(tmp_path, wanted=POSTGRES_ONLY) as stack:
        password = stack.app_dsn.split(":")[2].split("@")[0]

        with pytest.raises(asyncpg.InvalidPasswordError):
            await value(stack.app_dsn.replace(password, "guess"), "SELECT 1")


async def test_passwords_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    async with open_stack(tmp_path, wanted=StackOptions(temporal=False, policy=False)) as stack:
        files = [*stack.folder.secrets.iterdir(), *tmp_path.glob("redis/*.conf")]

        assert files
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        assert stat.S_IMODE(stack.folder.secrets.stat().st_mode) == 0o700


async def test_a_second_start_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    async with open_folder(tmp_path):
        with pytest.raises(Conflict, match=rf"already running in .* \(process {os.getpid()}\)"):
            async with open_folder(tmp_path):
                pytest.fail("the folder was shared")

    async with open_folder(tmp_path) as again:
        assert again.path == tmp_path


async def test_reset_empties_our_folder_and_no_other(tmp_path: Path) -> None:
    ours, other = tmp_path / "ours", tmp_path / "other"
    async with open_folder(ours) as folder:
        password = folder.password("thing")
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")

    async with open_folder(ours, reset=True) as folder:
        assert folder.password("thing") != password
    with pytest.raises(Conflict, match="was not made by Carapulse"):
        async with open_folder(other, reset=True):
            pytest.fail("it was emptied")
    assert (other / "thesis.txt").exists()


async def test_what_is_configured_is_used_instead_of_started(tmp_path: Path) -> None:
    wanted = StackOptions(
        owner_dsn="postgresql://o@db/x",
        app_dsn="postgresql://a@db/x",
        redis_url="redis://elsewhere",
        temporal_address="temporal:7233",
        opa_url="http://opa:8181",
    )

    async with open_stack(tmp_path, wanted=wanted) as stack:
        assert (stack.owner_dsn, stack.app_dsn) == (wanted.owner_dsn, wanted.app_dsn)
        assert (stack.redis_url, stack.temporal_address) == ("redis://elsewhere", "temporal:7233")
        assert stack.opa_url == "http://opa:8181"
        assert list((tmp_path / "logs").iterdir()) == []


async def test_a_component_that_dies_is_told_and_comes_back_with_its_data(tmp_path: Path) -> None:
    events: asyncio.Queue[ChildEvent] = asyncio.Queue()
    async with open_stack(tmp_path, wanted=POSTGRES_ONLY, on_event=events.put_nowait) as stack:
        await value(stack.owner_dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
        [postmaster] = psutil.Process(stack.children.pid("postgres")).children()

        postmaster.kill()

        async with asyncio.timeout(20):
            told = [await events.get() for _ in range(3)]
        assert [event.kind for event in told] == ["ready", "died", "restarted"]
        assert "signal 9" in told[1].text
        assert any("ready to accept connections" in line for line in told[1].lines)
        assert await value(stack.owner_dsn, "SELECT answer FROM kept") == 42


async def test_killing_the_parent_leaves_no_process_and_loses_no_data(tmp_path: Path) -> None:
    async with in_a_process(tmp_path) as (process, dsn):
        await value(dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
        started = psutil.Process(process.pid).children(recursive=True)
        assert len(started) > 4

        process.send_signal(signal.SIGKILL)
        await process.wait()

        await asyncio.to_thread(assert_gone, started)

    async with open_stack(tmp_path, wanted=POSTGRES_ONLY) as stack:
        assert await value(stack.owner_dsn, "SELECT answer FROM kept") == 42


async def test_killing_everything_at_once_does_not_prevent_the_next_start(tmp_path: Path) -> None:
    async with in_a_process(tmp_path) as (process, dsn):
        await value(dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
        parent = psutil.Process(process.pid)

        everything = [parent, *parent.children(recursive=True)]
        for one in everything:
            with suppress(psutil.NoSuchProcess):  # a guard may have been quicker
                one.kill()
        await process.wait()

    assert (tmp_path / "postgres" / "data" / "postmaster.pid").exists()
    async with open_stack(tmp_path, wanted=POSTGRES_ONLY) as stack:
        assert await value(stack.owner_dsn, "SELECT answer FROM kept") == 42


def assert_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=15)

    assert alive == []


async def test_a_pid_file_that_names_a_stranger_does_not_prevent_the_start(
    tmp_path: Path,
) -> None:
    async with open_stack(tmp_path, wanted=POSTGRES_ONLY):
        pass
    stale = tmp_path / "postgres" / "data" / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{stale.parent}\n1\n5432\n\n127.0.0.1\n0 0\nready\n")

    async with open_stack(tmp_path, wanted=POSTGRES_ONLY) as stack:
        assert await value(stack.owner_dsn, "SELECT 1") == 1
