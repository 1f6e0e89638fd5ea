"""Child processes are watched, restarted, stopped in order, and leave nothing behind."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from bot.local.children import LOG_LIMIT, Child, ChildEvent, Children, open_children
from engine.errors import Unavailable

DEADLINE = 15.0


def python(name: str, script: str, **more: object) -> Child:
    return Child(name, (sys.executable, "-u", "-c", script), **more)  # type: ignore[arg-type]


async def never() -> bool:
    return False


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not true():  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.02)


@pytest.fixture
def events() -> asyncio.Queue[ChildEvent]:
    return asyncio.Queue()


@pytest.fixture
async def children(tmp_path: Path, events: asyncio.Queue[ChildEvent]) -> AsyncIterator[Children]:
    async with open_children(tmp_path / "logs", tmp_path / "lock", events.put_nowait) as opened:
        yield opened


async def told(events: asyncio.Queue[ChildEvent], kind: str) -> ChildEvent:
    async with asyncio.timeout(DEADLINE):
        while (event := await events.get()).kind != kind:
            continue
    return event


async def test_a_crash_is_told_with_the_last_lines_and_the_child_comes_back(
    children: Children, events: asyncio.Queue[ChildEvent]
) -> None:
    await children.start(python("crasher", "print('out of paper\\x1b[2J'); raise SystemExit(3)"))

    died = await told(events, "died")
    back = await told(events, "restarted")

    assert died.text == "crasher ended with code 3; starting it again in 0.5 s"
    assert died.lines == ("out of paper[2J",)
    assert back.text == "crasher is running again"


async def test_a_child_that_keeps_dying_is_started_less_and_less_often(
    children: Children, events: asyncio.Queue[ChildEvent]
) -> None:
    await children.start(python("crasher", "raise SystemExit(3)"))

    texts = [(await told(events, "died")).text for _ in range(2)]

    assert [text.rpartition(" in ")[2] for text in texts] == ["0.5 s", "1 s"]


async def test_a_child_that_ends_before_it_is_ready_is_an_error_with_its_log(
    children: Children,
) -> None:
    with pytest.raises(Unavailable, match=r"early ended with code 4 before .*\n  no such port"):
        await children.start(
            python("early", "print('no such port'); raise SystemExit(4)", ready=never)
        )


async def test_only_what_was_logged_since_this_start_is_told(
    children: Children, tmp_path: Path
) -> None:
    (tmp_path / "logs" / "early.log").write_text("an earlier run\n")

    with pytest.raises(Unavailable, match=r"ends with:\n  no such port$"):
        await children.start(
            python("early", "print('no such port'); raise SystemExit(4)", ready=never)
        )


async def test_a_child_that_does_not_become_ready_is_ended(
    children: Children, tmp_path: Path
) -> None:
    pid_file = tmp_path / "pid"
    script = (
        f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(99)"
    )

    with pytest.raises(Unavailable, match=r"slow was not ready after 1 s"):
        await children.start(python("slow", script, ready=never, ready_within=1))

    assert not psutil.pid_exists(int(pid_file.read_text()))


async def test_a_missing_program_is_an_error(children: Children, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"nowhere: No such file"):
        await children.start(Child("missing", (str(tmp_path / "nowhere"),), ready=never))


async def test_a_child_that_ignores_the_signal_is_killed_with_all_it_started(
    children: Children, tmp_path: Path
) -> None:
    script = f"""
import os, pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sleeper = [sys.executable, "-c", "import time; time.sleep(3600)"]
near = subprocess.Popen(sleeper)
far = subprocess.Popen(sleeper, start_new_session=True)
draft = pathlib.Path({str(tmp_path)!r}, "draft")
draft.write_text(f"{{os.getpid()}} {{near.pid}} {{far.pid}}")
draft.rename(draft.with_name("pids"))
time.sleep(3600)
"""
    pids = tmp_path / "pids"
    await children.start(python("stubborn", script, stop_within=0.5))
    await until(pids.exists)
    family = [psutil.Process(int(pid)) for pid in pids.read_text().split()]

    await children.stop("stubborn")

    assert len(family) == 3
    assert [process for process in family if process.is_running()] == []


async def test_children_are_stopped_in_reverse_order(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    script = f"""
import signal, sys, time
def end(*_):
    open({str(journal)!r}, "a").write(sys.argv[1] + " ")
    sys.exit()
signal.signal(signal.SIGTERM, end)
open({str(tmp_path)!r} + "/" + sys.argv[1], "w")
time.sleep(99)
"""
    async with open_children(tmp_path / "logs", tmp_path / "lock", lambda _: None) as children:
        for name in ("first", "second", "third"):
            await children.start(Child(name, (sys.executable, "-c", script, name)))
            await until((tmp_path / name).exists)

    assert journal.read_text().split() == ["third", "second", "first"]


async def test_settings_reach_the_child_and_standard_input_is_empty(
    children: Children, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    script = "import os, sys; open(os.environ['OUT'], 'w').write(repr(sys.stdin.read()))"

    await children.run(python("reader", script, env={"OUT": str(out)}))

    assert out.read_text() == "''"


async def test_a_large_log_is_set_aside_once(children: Children, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "talker.log"
    log.write_bytes(b"x" * (LOG_LIMIT + 1))

    await children.run(python("talker", "print('hello')"))

    assert log.read_text() == "hello\n"
    assert log.with_suffix(".log.1").stat().st_size == LOG_LIMIT + 1
