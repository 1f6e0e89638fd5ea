"""Nothing of a call is left: not when its worker is killed, not in what the engine tells."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import psutil
import pytest

from engine.errors import ToolFailed
from engine.tools.boxes import BoxLost, Needs
from engine.tools.containers.engine_api import EngineApi
from engine.tools.containers.ownership import HOLDER, LEASE, sweep
from engine.tools.containers.sandbox import ContainerSandbox
from engine.tools.holders import Holder, sweep_folders
from engine.tools.process import Limits
from tests.contract.conftest import confined
from tests.contract.container_engine import ContainerEngine

GONE_WITHIN = 15.0
# A worker in the middle of a call, with one more container waiting.
WORKER = """
import asyncio, sys
from pathlib import Path
from engine.tools.boxes import Needs
from engine.tools.containers.confinement import Confinement
from engine.tools.containers.sandbox import ContainerSandbox
from engine.tools.process import Limits

async def hear(stream, line):
    print(line, flush=True)

async def main():
    async with ContainerSandbox.opened(Path(sys.argv[1]), Confinement(sys.argv[2])) as sandbox:
        async with sandbox.open(Needs(), {}) as box:
            await sandbox.warm()
            program = "import time; print('works', flush=True); time.sleep(60)"
            await box.run(["python3", "-I", "-S", "-c", program], Limits(), hear)

asyncio.run(main())
"""


TELLS = "import os, time; print(os.environ['TOKEN'], flush=True); time.sleep(3)"


@pytest.fixture
async def api(docker: ContainerEngine) -> AsyncIterator[EngineApi]:
    async with EngineApi.opened(docker.socket) as opened:
        yield opened


async def all_gone(api: EngineApi) -> bool:
    """Wait until the engine has no container of ours."""
    until = time.monotonic() + GONE_WITHIN
    while time.monotonic() < until:
        if not await api.labelled(HOLDER):
            return True
        await asyncio.sleep(0.1)
    return False


async def test_a_worker_that_is_killed_leaves_no_container_and_no_network(
    docker: ContainerEngine, api: EngineApi, tmp_path: Path
) -> None:
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WORKER, str(docker.socket), docker.image),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={"TMPDIR": str(tmp_path)},
    )
    assert worker.stdout
    async with asyncio.timeout(30):
        assert await worker.stdout.readline() == b"works\n"
    running = await api.labelled(HOLDER)
    networks = await api._ask("GET", "/networks")

    os.kill(worker.pid, signal.SIGKILL)
    await worker.wait()

    assert len(running) == 2
    assert await all_gone(api)
    assert len(list(tmp_path.glob("call-*"))) == 2
    sweep_folders(tmp_path)
    assert list(tmp_path.glob("call-*")) == []
    assert {one["Name"] for one in networks} == {"none", "host"}


@pytest.mark.parametrize(
    ("holder", "lease", "stays"),
    [
        pytest.param("gone", 3600, False, id="its worker has ended"),
        pytest.param("ours", -10, True, id="its worker lives"),
        pytest.param("elsewhere", 3600, True, id="another machine's, within its lease"),
        pytest.param("elsewhere", -10, False, id="another machine's, after its lease"),
        pytest.param("nonsense", -10, False, id="nobody's"),
    ],
)
async def test_the_sweeper_removes_what_nobody_holds(
    docker: ContainerEngine, api: EngineApi, holder: str, lease: int, *, stays: bool
) -> None:
    ours = Holder.ourselves()
    names = {
        "ours": str(ours),
        "gone": str(Holder(socket.gethostname(), ours.pid, ours.started - 1)),
        "elsewhere": str(Holder("elsewhere", 1, 1)),
        "nonsense": "nonsense",
    }
    carried = {HOLDER: names[holder], LEASE: str(int(time.time()) + lease)}
    container = await api.create(confined(docker).container("pass", "unconfined", (), carried))

    removed = await sweep(api)

    left = [one.id for one in await api.labelled(HOLDER)]
    await api.remove(container)
    assert (container in left) is stays
    assert [one.id for one in removed] == ([] if stays else [container])


async def test_the_engine_tells_nobody_the_credentials_of_a_call(
    docker: ContainerEngine, api: EngineApi, tmp_path: Path
) -> None:
    login = tmp_path / "kubeconfig"
    login.write_text("token: hunter2-in-a-file")
    told: list[str] = []

    async def hear(stream: str, line: str) -> None:
        found = await api.labelled(HOLDER)
        container = await api._ask("GET", f"/containers/{found[0].id}/json")
        programs = [await api._ask("GET", f"/exec/{one}/json") for one in container["ExecIDs"]]
        told.append(orjson.dumps([container, programs]).decode())

    async with (
        ContainerSandbox.opened(docker.socket, confined(docker), prepared=0) as sandbox,
        sandbox.open(Needs(login=login, files={"x": "hunter2 too"}), {"TOKEN": "hunter2"}) as box,
    ):
        await box.run(["python3", "-c", TELLS], Limits(), hear)

    assert "python3" in told[0]
    assert "hunter2" not in told[0]
    assert await all_gone(api)


async def test_when_a_container_is_taken_away_the_end_of_its_program_is_not_known(
    docker: ContainerEngine, api: EngineApi
) -> None:
    async def hear(stream: str, line: str) -> None:
        (found,) = await api.labelled(HOLDER)
        await api.remove(found.id)

    async with (
        ContainerSandbox.opened(docker.socket, confined(docker), prepared=0) as sandbox,
        sandbox.open(Needs(), {"TOKEN": "x"}) as box,
    ):
        with pytest.raises(BoxLost) as lost:
            await box.run(["python3", "-c", TELLS], Limits(), hear)

    assert lost.value.running


async def test_a_container_that_waits_is_taken_and_replaced(
    docker: ContainerEngine, api: EngineApi
) -> None:
    async with ContainerSandbox.opened(docker.socket, confined(docker)) as sandbox:
        await sandbox.warm()
        waiting = sandbox.waiting[0]

        async with sandbox.open(Needs(), {}):
            await asyncio.gather(*sandbox.preparing)
            assert [one.id for one in sandbox.waiting] != [waiting.id]
            assert len(sandbox.waiting) == 1

        assert waiting.id not in [one.id for one in await api.labelled(HOLDER)]
    assert await all_gone(api)


async def test_five_programs_print_a_hundred_megabytes_and_our_memory_stays(
    docker: ContainerEngine,
) -> None:
    program = "import sys\nfor n in range(200_000): sys.stdout.write('x' * 99 + '\\n')"
    heard = [0]

    async def hear(stream: str, line: str) -> None:
        heard[0] += len(line)

    async def flood(sandbox: ContainerSandbox) -> int | None:
        async with sandbox.open(Needs(), {}) as box:
            ended = await box.run(["python3", "-I", "-S", "-c", program], Limits(), hear)
        return ended.exit_code

    async with ContainerSandbox.opened(docker.socket, confined(docker), prepared=0) as sandbox:
        before = psutil.Process().memory_info().rss
        codes = await asyncio.gather(*(flood(sandbox) for _ in range(5)))
        grown = psutil.Process().memory_info().rss - before

    assert codes == [0] * 5
    assert heard[0] > 5 * 1_900_000, "each is shown up to its own limit"
    assert grown < 64 << 20


async def test_a_container_that_was_gone_before_its_call_is_replaced(
    docker: ContainerEngine, api: EngineApi
) -> None:
    async with ContainerSandbox.opened(docker.socket, confined(docker)) as sandbox:
        await sandbox.warm()
        await api.remove(sandbox.waiting[0].id)

        async with sandbox.open(Needs(files={"x": "here"}), {}) as box:
            ended = await box.run(["cat", "x"], Limits(), ignored)

    assert ended.stdout == b"here"


async def ignored(stream: str, line: str) -> None:
    """Nobody reads it."""


async def test_a_call_runs_in_the_image_that_it_was_approved_with(
    docker: ContainerEngine, api: EngineApi
) -> None:
    async with ContainerSandbox.opened(docker.socket, confined(docker)) as sandbox:
        await sandbox.warm()
        waiting = sandbox.waiting[0]

        with pytest.raises(ToolFailed, match="nobody"):
            async with sandbox.open(Needs(image="nobody:1"), {}):
                pytest.fail("another image was taken")
        async with sandbox.open(Needs(image=docker.image), {}):
            assert waiting not in sandbox.waiting, "the one that waited has this image"


async def test_no_setting_takes_the_confinement_away(
    docker: ContainerEngine, api: EngineApi
) -> None:
    async with (
        ContainerSandbox.opened(docker.socket, confined(docker), prepared=0) as sandbox,
        sandbox.open(Needs(), {}),
    ):
        (found,) = await api.labelled(HOLDER)
        told = await api._ask("GET", f"/containers/{found.id}/json")

    host = told["HostConfig"]
    assert told["Config"]["User"] == "65532:65532"
    assert host["ReadonlyRootfs"] is True
    assert host["Privileged"] is False
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert host["NetworkMode"] == "none"
    assert "no-new-privileges" in host["SecurityOpt"]
    assert any(one.startswith("seccomp={") for one in host["SecurityOpt"])
    assert host["PidsLimit"] == 64
    assert host["Memory"] == host["MemorySwap"] == 256 << 20
    assert not [one for one in host["Binds"] if "docker.sock" in one]
