"""Programs run in limits, and nothing of them survives: timeouts, floods, cancels, secrets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import psutil
import pytest

from engine.domain.call import CallResult, Ending
from engine.errors import Unavailable
from engine.tools import process
from engine.tools.lines import CUT, LONGEST
from engine.tools.redaction import MASK, Redactor
from engine.tools.registry import ToolRegistry
from engine.tools.sandbox import ProcessSandbox
from tests.contract.tool_bench import Bench

DEFINITION = """
tool: bench
title: Bench
transport: cli
environment: {BENCH_NAME: fixed}
files: [program.py]
actions:
  read:
    title: Run the program
    effect: read
    timeout_seconds: 1
    commands:
      - {argv: [python3, -I, -S, program.py], local: true}
    outputs:
      last: {}
  write:
    title: Run the program, which changes something
    effect: write
    timeout_seconds: 1
    commands:
      - {argv: [python3, -I, -S, program.py]}
  absent:
    title: Run what is not installed
    effect: write
    commands:
      - {argv: [carapulse-no-such-program]}
"""
# A grandchild in a session of its own, which ignores being asked, and says who it is.
STUBBORN = """
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("grandchild", os.getpid(), flush=True)
    time.sleep(3600)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
time.sleep(3600)
"""
Build = Callable[[str], Awaitable[Bench]]


@pytest.fixture(params=["plain", "bubblewrap"])
async def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> ProcessSandbox:
    if request.param == "plain":
        return ProcessSandbox(tmp_path / "calls")
    detected = await ProcessSandbox.detect(tmp_path / "calls", [tmp_path / "hidden"])
    if not detected.bwrap:
        pytest.skip("bubblewrap is not installed, or may not make namespaces here")
    return detected


@pytest.fixture
def build(tmp_path: Path, sandbox: ProcessSandbox) -> Build:
    """Make a bench whose tool runs a given Python program."""

    async def made(program: str) -> Bench:
        folder = tmp_path / "tools"
        (folder / "files").mkdir(parents=True)
        (folder / "bench.yaml").write_text(DEFINITION)
        (folder / "files" / "program.py").write_text(program)
        return Bench(ToolRegistry.load(folder), sandbox, redactor=Redactor(["hunter2hunter2"]))

    return made


@pytest.fixture(autouse=True)
async def nothing_survives(tmp_path: Path) -> AsyncIterator[None]:
    """After every test no process works in a folder of its calls."""
    yield

    left = []
    for one in psutil.process_iter():
        try:
            if one.cwd().startswith(str(tmp_path)):
                left.append(one.cmdline())
        except psutil.Error:
            continue
    assert left == []


async def run(bench: Bench, action: str) -> CallResult:
    return await bench.run(bench.frozen(f"bench.{action}", {}).call)


def alive(pid: int) -> bool:
    """A dead process may still be in the list until its parent looks."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_a_program_sees_nothing_of_our_environment(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARAPULSE_CANARY", "seen")
    bench = await build(
        "import os\n"
        "for name in sorted(os.environ): print(name)\n"
        "print(os.listdir(os.environ['HOME']), os.environ['BENCH_NAME'])"
    )

    result = await run(bench, "read")

    names = {line for line in bench.lines if not line.startswith("GIT_")}
    assert names - {"PWD"} == {
        "BENCH_NAME",
        "CARAPULSE_CALL",
        "HOME",
        "LANG",
        "LC_ALL",
        "PATH",
        "TZ",
        "[] fixed",
    }
    assert result.outputs["last"] == "[] fixed"


async def test_a_read_that_takes_too_long_fails_with_all_its_children(build: Build) -> None:
    bench = await build(STUBBORN)

    result = await run(bench, "read")

    assert result.ending is Ending.FAILED
    assert "longer than 1 s" in result.message


async def test_a_write_that_takes_too_long_is_unknown(build: Build) -> None:
    bench = await build(STUBBORN)

    result = await run(bench, "write")

    assert result.ending is Ending.UNKNOWN
    assert "whether it took effect is not known" in result.message


async def test_a_write_that_was_killed_is_unknown(build: Build) -> None:
    bench = await build("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")

    result = await run(bench, "write")

    assert result.ending is Ending.UNKNOWN
    assert "whether it took effect is not known" in result.message


async def test_cancelling_kills_the_grandchildren_before_it_returns(
    build: Build, sandbox: ProcessSandbox
) -> None:
    bench = await build(STUBBORN)
    call = bench.frozen("bench.write", {}).call
    spoken = asyncio.Event()
    lines: list[str] = []

    async def hear(line: str, *, shown: bool = True, filed: bool = True) -> None:
        lines.append(line)
        spoken.set()

    task = asyncio.create_task(bench.runner.run(call, {}, hear))
    async with asyncio.timeout(5):
        await spoken.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    if not sandbox.bwrap:  # inside, process numbers are those of its own namespace
        assert not alive(int(lines[0].split()[1]))


async def test_a_child_left_running_does_not_hold_up_the_call(build: Build) -> None:
    bench = await build("import os, time\nif os.fork() == 0: time.sleep(3600)\nelse: print('done')")

    result = await run(bench, "read")

    assert result.ending is Ending.SUCCEEDED


async def test_a_flood_is_cut_and_said_so(build: Build) -> None:
    bench = await build("import sys\nfor n in range(80000): sys.stdout.write('x' * 99 + '\\n')")
    memory = psutil.Process().memory_info().rss

    result = await run(bench, "read")

    assert result.ending in (Ending.SUCCEEDED, Ending.FAILED)
    assert bench.lines[-1] == "… (output cut after 2 MiB, the rest is not kept)"
    assert sum(map(len, bench.lines)) < 3 << 20
    assert psutil.Process().memory_info().rss - memory < 64 << 20


async def test_long_lines_bad_bytes_and_escapes_are_made_harmless(build: Build) -> None:
    bench = await build(
        "import sys\n"
        "o = sys.stdout.buffer\n"
        "o.write(b'y' * 20000 + b'\\n')\n"
        "o.write(b'a\\xff\\tb \\x1b[31mred\\x1b[0m \\x1b]0;title\\x07\\x00\\xc2\\x9bend\\n')\n"
    )

    await run(bench, "read")

    assert bench.lines[0] == "y" * LONGEST + CUT
    assert bench.lines[1].startswith("a\ufffd\tb red ")
    assert not any(ord(letter) < 32 and letter != "\t" for letter in bench.lines[1])


@pytest.mark.parametrize("pause_after", [1, 5, 20, 33])
async def test_a_secret_is_masked_wherever_the_stream_breaks(
    build: Build, pause_after: int
) -> None:
    text = "password=hunter2hunter2 and key\\n"
    bench = await build(
        "import sys, time\n"
        f"text = '{text}'\n"
        f"sys.stdout.write(text[:{pause_after}]); sys.stdout.flush(); time.sleep(0.05)\n"
        f"sys.stdout.write(text[{pause_after}:])\n"
        "print('-----BEGIN RSA PRIVATE KEY-----'); print('MIIEpAIBAAKCAQEA')\n"
        "print('-----END RSA PRIVATE KEY-----'); print('after')"
    )

    result = await run(bench, "read")

    said = "\n".join([*bench.lines, result.tail, result.message, *result.outputs.values()])
    assert "hunter2" not in said
    assert "MIIE" not in said
    assert MASK in bench.lines[0]
    assert bench.lines[-1] == "after"


async def test_an_absent_program_is_a_failure_that_says_so(build: Build) -> None:
    bench = await build("")

    result = await run(bench, "absent")

    assert result.ending is Ending.FAILED
    assert result.message == ("carapulse-no-such-program is not installed where the worker runs.")


@pytest.mark.parametrize("prlimit", [True, False])
async def test_memory_and_files_are_limited(
    build: Build, monkeypatch: pytest.MonkeyPatch, *, prlimit: bool
) -> None:
    if not prlimit:
        monkeypatch.setattr(process, "_prlimit", lambda: "")
    elif not process._prlimit():
        pytest.skip("prlimit is not installed")
    bench = await build(
        "import resource\n"
        "for name in ('AS', 'FSIZE', 'NOFILE', 'CORE'):\n"
        "    print(name, resource.getrlimit(getattr(resource, 'RLIMIT_' + name))[0])"
    )

    await run(bench, "read")

    assert bench.lines == [f"AS {4 << 30}", f"FSIZE {1 << 30}", "NOFILE 1024", "CORE 0"]


async def test_bubblewrap_shows_neither_hidden_folders_nor_the_network(
    tmp_path: Path, build: Build, sandbox: ProcessSandbox
) -> None:
    if not sandbox.bwrap:
        pytest.skip("only bubblewrap closes the world")
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "key").write_text("secret")
    bench = await build(
        "import os, socket\n"
        f"print(os.path.exists('{hidden}/key'))\n"
        "try: open('/etc/carapulse-was-here', 'w'); print('written')\n"
        "except OSError as error: print(error.strerror)\n"
        "print([name for _, name in socket.if_nameindex()])"
    )

    await run(bench, "read")

    assert bench.lines == ["False", "Read-only file system", "['lo']"]


async def test_when_the_reader_of_lines_fails_the_program_dies_and_the_error_is_its_own(
    build: Build,
) -> None:
    bench = await build("import time\nprint('first', flush=True)\ntime.sleep(60)")
    call = bench.frozen("bench.write", {}).call

    async def refuse(line: str, *, shown: bool = True, filed: bool = True) -> None:
        raise Unavailable("postgres", "The database does not answer.")

    with pytest.raises(Unavailable, match="does not answer"):
        await bench.runner.run(call, {}, refuse)
