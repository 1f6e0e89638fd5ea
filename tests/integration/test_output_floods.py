"""Much output from several tools at once: constant memory, few rows, all of it in the store."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import psutil
import pytest

from engine.artifacts.files import StoredFiles
from engine.artifacts.objects import in_folder
from engine.artifacts.spool import Spool
from engine.domain.artifact import Artifact, ArtifactState
from engine.domain.call import Call, Ending
from engine.domain.execution import Execution, Phase
from engine.domain.move import StepRequest
from engine.domain.plan import VersionRef
from engine.feed.quiet import NoFeed
from engine.services.delivery import Delivery
from engine.services.loglines import LogLines
from engine.services.outputs import Outputs
from engine.tools.redaction import Redactor
from engine.tools.registry import ToolRegistry
from engine.tools.runner import ToolRunner
from engine.tools.sandbox import ProcessSandbox
from tests.conftest import Database
from tests.contract.tool_bench import Bench
from tests.integration.room import STAGING, Room, note, open_room
from tests.integration.script import TENANT

FLOOD = """
tool: flood
title: Flood
transport: cli
files: [program.py]
actions:
  pour:
    title: Pour
    effect: read
    timeout_seconds: 600
    input:
      lines: {type: integer, max: 10000000}
    commands:
      - {argv: [python3, -I, -S, program.py, "{lines}"]}
"""
LINE = "2026-05-04T03:02:01Z INFO checkout request served path=/cart status=200 took=12ms"
PROGRAM = f"""
import sys
line = {LINE!r}
for number in range(int(sys.argv[1])):
    sys.stdout.write(f"{{line}} n={{number:08}}\\n")
print("the last line, with password=hunter2hunter2")
"""
EACH = len(LINE) + 12
TOOLS = 5
GROWTH = 64 << 20
LONG = (pytest.mark.long, pytest.mark.timeout(900))


@dataclass
class Pouring:
    """Five tools that pour into one execution."""

    room: Room
    execution: Execution
    runner: ToolRunner
    tools: Bench
    loglines: LogLines
    delivery: Delivery
    most: int = 0

    async def pour(self, lines: int, *, attempt: int = 1) -> None:
        calls = [self._one(number + 1, lines, attempt) for number in range(TOOLS)]
        endings = await asyncio.gather(*calls)
        assert endings == [Ending.SUCCEEDED] * TOOLS

    async def _one(self, step: int, lines: int, attempt: int) -> Ending:
        call: Call = self.tools.frozen("flood.pour", {"lines": lines}).call
        ref = VersionRef(plan_id=self.execution.plan_id, version=self.execution.version)
        request = StepRequest(
            ref=ref,
            execution_id=self.execution.id,
            step=step,
            phase=Phase.ACT,
            attempt=attempt,
            timeout_seconds=600,
        )
        async with self.loglines.of(request) as on_line:
            result = await self.runner.run(call, {}, on_line)
        return result.ending

    async def watched(self) -> None:
        """Remember the most memory that this process had."""
        process = psutil.Process()
        while True:
            self.most = max(self.most, process.memory_info().rss)
            await asyncio.sleep(0.02)

    async def artifacts(self) -> list[Artifact]:
        async with self.room.store.begin() as unit:
            return await unit.artifacts.of_execution(self.execution.id)


@pytest.fixture
async def pouring(database: Database, tmp_path: Path) -> AsyncIterator[Pouring]:
    folder = tmp_path / "flood"
    (folder / "files").mkdir(parents=True)
    (folder / "flood.yaml").write_text(FLOOD)
    (folder / "files" / "program.py").write_text(PROGRAM)
    tools = Bench(
        ToolRegistry.load(folder),
        ProcessSandbox(tmp_path / "calls"),
        redactor=Redactor(["hunter2hunter2"]),
    )
    files = StoredFiles(Spool(tmp_path / "spool"), in_folder(tmp_path / "store", 30))
    runner = ToolRunner(tools._body, tools.sandbox, tools.redactor, printed=1 << 30)
    async with open_room(database, tmp_path) as room:
        ref = await room.approved(note(), context=STAGING)
        await room.next(ref)
        outputs = Outputs(room.store, lambda: room.now, TENANT, "here", files, 1 << 30)
        loglines = LogLines(room.store, NoFeed(), lambda: room.now, outputs)
        delivery = Delivery(room.store, files, lambda: room.now)
        yield Pouring(room, await room.execution(ref), runner, tools, loglines, delivery)


@pytest.mark.parametrize(
    "size", [2_000_000, pytest.param(100_000_000, marks=LONG)], ids=["2 MB", "100 MB"]
)
async def test_five_tools_print_much_at_once(pouring: Pouring, size: int) -> None:
    await pouring.pour(100)
    await pouring.delivery.sweep()
    before = pouring.most = psutil.Process().memory_info().rss
    watching = asyncio.create_task(pouring.watched())

    await pouring.pour(size // EACH, attempt=2)
    await pouring.delivery.sweep()

    watching.cancel()
    found = [one for one in await pouring.artifacts() if one.source.attempt == 2]
    assert pouring.most - before <= GROWTH
    assert [one.state for one in found] == [ArtifactState.STORED] * TOOLS
    assert all(one.size > size * 0.99 for one in found)
    assert not any(one.partial for one in found)
    digest = sha256()
    last = b""
    async for piece in pouring.delivery.files.read(found[0].key):  # type: ignore[union-attr]
        digest.update(piece)
        last = (last + piece)[-200:]
    assert digest.hexdigest() == found[0].sha256
    assert last.endswith(b"the last line, with password=[redacted]\n")
    assert b"hunter2" not in last
    view = await pouring.room.views.full_log(pouring.execution.id)
    assert sum(len(line.text) for line in view.lines) < TOOLS * 1.1 * (1 << 20)
    assert len([line for line in view.lines if line.text.endswith("more in the file")]) == TOOLS
