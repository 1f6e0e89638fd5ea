"""Every sandbox keeps the same promises: processes in bubblewrap, Docker, Podman."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path

import psutil
import pytest

from bot.local.demo.repository import open_shop_config
from engine.domain.call import Ending
from engine.domain.model import Json
from engine.errors import ToolFailed
from engine.tools import addresses
from engine.tools.addresses import Address
from engine.tools.boxes import Box, Needs, ReadsOnly, Sandbox
from engine.tools.containers.sandbox import ContainerSandbox
from engine.tools.egress import Destination
from engine.tools.process import Ended, Limits
from tests.contract.conftest import own_address
from tests.contract.tool_bench import SETTINGS, for_repository

QUICK = Limits(seconds=20, kill_grace=0.5)
# A grandchild in a session of its own, which ignores being asked.
STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    print("here", flush=True)
time.sleep(3600)
"""
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
ASKS = """
import http.client, sys
try:
    connection = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout=5)
    connection.request("GET", "/")
    print(connection.getresponse().read().decode())
except OSError as error:
    print("refused", type(error).__name__)
"""


@dataclass
class Heard:
    """What a program printed, and when its first line came."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    first: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, stream: str, line: str) -> None:
        self.lines.append((stream, line))
        self.first.set()


async def ran(box: Box, program: str, *arguments: str, limits: Limits = QUICK) -> list[str]:
    """The lines of a Python program that ends well."""
    heard = Heard()
    ended = await box.run(["python3", "-I", "-S", "-c", program, *arguments], limits, heard)
    assert ended.exit_code == 0, heard.lines
    return [line for _, line in heard.lines]


@asynccontextmanager
async def greeting() -> AsyncIterator[int]:
    """A server on this machine's loopback that says hello; its port."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HELLO)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "0.0.0.0", 0)  # noqa: S104 - told to be refused
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_a_program_gets_its_files_its_variables_and_its_exit_code(sandbox: Sandbox) -> None:
    program = (
        "import os, sys\n"
        "print(open('given.txt').read(), os.environ['SAID'], os.listdir(os.environ['HOME']))\n"
        "print('wrong', file=sys.stderr)\n"
        "open('made', 'w').write('x')\n"
        "sys.exit(3)"
    )
    heard = Heard()

    async with sandbox.open(Needs(files={"given.txt": "hello"}), {"SAID": "so"}) as box:
        ended = await box.run(["python3", "-I", "-S", "-c", program], QUICK, heard)
        made = await ran(box, "import os; print(sorted(os.listdir('.')))")

    assert ended == Ended(3, b"hello so []\n")
    assert sorted(heard.lines) == [("err", "wrong"), ("out", "hello so []")]
    assert made == ["['given.txt', 'made']"]


async def test_nothing_of_one_call_is_left_for_the_next(sandbox: Sandbox) -> None:
    async with sandbox.open(Needs(files={"secret": "x"}), {"TOKEN": "y"}) as box:
        await ran(box, "open('/tmp/left', 'w').write('x')")

    async with sandbox.open(Needs(), {}) as box:
        seen = await ran(
            box,
            "import os; print(os.listdir('.'), os.path.exists('/tmp/left'), os.getenv('TOKEN'))",
        )

    assert seen == ["[] False None"]


async def test_the_file_system_is_read_only_but_for_the_call(sandbox: Sandbox) -> None:
    program = (
        "for path in ('/etc/x', '/usr/x', '/x', '/run/x'):\n"
        "    try: open(path, 'w'); print('written', path)\n"
        "    except OSError: pass\n"
        "open('x', 'w'); print('done')"
    )

    async with sandbox.open(Needs(), {}) as box:
        assert (await ran(box, program))[-1] == "done"


async def test_lines_come_as_they_are_printed(sandbox: Sandbox) -> None:
    program = "import time; print('first', flush=True); time.sleep(30)"
    heard = Heard()

    async with sandbox.open(Needs(), {}) as box:
        task = asyncio.create_task(box.run(["python3", "-I", "-S", "-c", program], QUICK, heard))
        async with asyncio.timeout(10):
            await heard.first.wait()

        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert heard.lines == [("out", "first")]


async def test_what_takes_too_long_is_killed_with_all_its_children(sandbox: Sandbox) -> None:
    heard = Heard()

    async with sandbox.open(Needs(), {}) as box:
        limits = Limits(seconds=1.5, kill_grace=0.3)
        ended = await box.run(["python3", "-I", "-S", "-c", STUBBORN], limits, heard)

    assert ended.exit_code is None
    assert ("out", "here") in heard.lines
    assert not [one for one in psutil.process_iter(["cmdline"]) if is_stubborn(one)]


def is_stubborn(process: psutil.Process) -> bool:
    """Whether it is one of ours; a dead one may still be in the list until its parent looks."""
    try:
        alive = process.status() != psutil.STATUS_ZOMBIE
        return alive and STUBBORN in (process.info["cmdline"] or [])
    except psutil.Error:
        return False


async def test_a_child_left_running_does_not_hold_up_the_call(sandbox: Sandbox) -> None:
    program = "import os, time\nif os.fork() == 0: time.sleep(3600)\nelse: print('done', flush=1)"

    async with sandbox.open(Needs(), {}) as box:
        assert await ran(box, program) == ["done"]


async def test_a_flood_is_cut_and_our_memory_stays(sandbox: Sandbox) -> None:
    program = "import sys\nfor n in range(400_000): sys.stdout.write('x' * 99 + '\\n')"
    before = psutil.Process().memory_info().rss
    heard = Heard()

    async with sandbox.open(Needs(), {}) as box:
        ended = await box.run(["python3", "-I", "-S", "-c", program], QUICK, heard)

    assert ended.exit_code == 0
    assert not ended.captured_all
    assert heard.lines[-1][1] == "… (output cut after 2 MiB, the rest is not kept)"
    assert psutil.Process().memory_info().rss - before < 32 << 20


async def test_a_program_that_is_not_there_is_a_failure(sandbox: Sandbox) -> None:
    async with sandbox.open(Needs(), {}) as box:
        with pytest.raises(ToolFailed, match="carapulse-no-such-program"):
            await box.run(["carapulse-no-such-program"], QUICK, Heard())


async def test_there_is_no_network_for_a_call_that_names_no_host(sandbox: Sandbox) -> None:
    async with greeting() as port, sandbox.open(Needs(), {}) as box:
        interfaces = await ran(
            box, "import socket; print([name for _, name in socket.if_nameindex()])"
        )
        asked = await ran(box, ASKS, "127.0.0.1", str(port))

    assert interfaces == ["['lo']"]
    assert asked == ["refused ConnectionRefusedError"]


async def test_a_named_host_is_reached_and_no_other(sandbox: Sandbox) -> None:
    if not isinstance(sandbox, ContainerSandbox):
        pytest.skip("bubblewrap knows only all of the network or none")
    async with greeting() as port, greeting() as other:
        needs = Needs(destinations=(Destination("127.0.0.1", port, named=True),))
        async with sandbox.open(needs, {}) as box:
            named = await ran(box, ASKS, "127.0.0.1", str(port))
            unnamed = await ran(box, ASKS, "127.0.0.1", str(other))

    assert named == ["hello"]
    assert unnamed == ["refused ConnectionRefusedError"]


async def test_a_host_is_reached_under_its_name_without_a_resolver(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not isinstance(sandbox, ContainerSandbox):
        pytest.skip("bubblewrap knows only all of the network or none")
    ours = own_address()
    if ours.startswith("127."):
        pytest.skip("this machine has no address but loopback")
    monkeypatch.setattr(addresses, "INSIDE", (*addresses.INSIDE, ip_network(f"{ours}/32")))
    sandbox.resolve = Answering({"shop.example": ours, "moved.example": "127.0.0.1"})

    async with greeting() as port:
        hosts = ("shop.example", "moved.example")
        needs = Needs(destinations=tuple(Destination(host, port, named=True) for host in hosts))
        async with sandbox.open(needs, {}) as box:
            shop = await ran(box, ASKS, "shop.example", str(port))
            moved = await ran(box, ASKS, "moved.example", str(port))
            unknown = await ran(box, ASKS, "other.example", str(port))

    assert shop == ["hello"]
    assert moved[0].startswith("refused"), "a name that points to this machine is not followed"
    assert unknown == ["refused gaierror"]


@dataclass
class Answering:
    """A resolver that knows these names."""

    names: dict[str, str]

    async def __call__(self, host: str) -> list[Address]:
        return [ip_address(self.names[host])]


async def test_what_logs_in_finds_its_file_in_the_call_alone(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    file = tmp_path / "login" / "kubeconfig"
    file.parent.mkdir()
    file.write_text("token: hunter2")
    inside = str(sandbox.login_path(file, writes=True))

    async with sandbox.open(Needs(login=file), {}) as box:
        assert await ran(box, "import sys; print(open(sys.argv[1]).read())", inside) == [
            "token: hunter2"
        ]
    async with sandbox.open(Needs(), {}) as box:
        assert await ran(box, "import os, sys; print(os.path.exists(sys.argv[1]))", inside) == [
            "False"
        ]


async def test_where_changes_are_refused_a_look_still_works(sandbox: Sandbox) -> None:
    looking = ReadsOnly(sandbox)

    async with looking.open(Needs(), {}) as box:
        assert await ran(box, "print('seen')") == ["seen"]
    with pytest.raises(ToolFailed, match="Nothing was changed"):
        async with looking.open(Needs(writes=True), {}):
            pytest.fail("it was opened")


async def test_a_repository_is_read_and_written_with_git(sandbox: Sandbox, tmp_path: Path) -> None:
    repository = await open_shop_config(tmp_path / "shop")
    bad = await repository.push_bad_commit()
    if isinstance(sandbox, ContainerSandbox):
        given_to_tools(tmp_path / "shop")
    bench = for_repository(repository, sandbox)
    place: dict[str, Json] = {"remote": repository.url, "branch": "main"}

    seen = await bench.read("git.log", {**place, "path": SETTINGS})
    undone = await bench.run(
        bench.frozen("git.revert_commit", {**place, "expected_head": bad, "commit": bad}).call
    )

    assert seen.ending is Ending.SUCCEEDED, (seen.message, bench.lines)
    assert seen.outputs["last_commit"] == bad
    assert undone.ending is Ending.SUCCEEDED, (undone.message, bench.lines)
    assert undone.outputs["previous_head"] == bad


def given_to_tools(folder: Path) -> None:
    """Containers run as a user of their own."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 65532, 65532)
