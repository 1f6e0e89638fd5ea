"""A bench for shipped definitions: their connection, and the folders that programs come from."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import aiohttp

from engine.domain.call import Call, CallResult
from engine.domain.context import ContextRef
from engine.domain.draft import Reading
from engine.domain.model import Json
from engine.domain.plan import DraftStep, Step
from engine.tools.api import ApiTransport, Endpoint
from engine.tools.loading import CATALOG, load_tools
from engine.tools.process import PROGRAMS
from engine.tools.redaction import Redactor
from engine.tools.registry import ToolRegistry
from engine.tools.runner import ToolRunner
from engine.tools.sandbox import ProcessSandbox

PLACE = ContextRef(environment="staging", namespace="shop", service="checkout")
MARK = "P-7.1.1"


class Definitions:
    """Reads, writes and undoes by the catalog, as the engine does."""

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        session: aiohttp.ClientSession,
        *,
        programs: str = PROGRAMS,
        installed: bool = True,
        place: ContextRef = PLACE,
        remotes: tuple[str, ...] = (),
    ) -> None:
        self.place = place
        self.lines: list[str] = []
        self.registry = ToolRegistry(
            load_tools(CATALOG),
            connections={name: one.url for name, one in endpoints.items()},
            remotes=remotes,
            installed=lambda program: installed,
        )
        sandbox = ProcessSandbox(programs=programs)
        api = ApiTransport(session, endpoints)
        self.runner = ToolRunner(self._body, sandbox, Redactor(), api, kill_grace=0.5)

    async def read(self, name: str, /, **given: Json) -> CallResult:
        tool, _, action = name.partition(".")
        reading = Reading(tool=tool, action=action, input=given)
        return await self.runner.run(self.registry.read_call(reading, self.place), {}, self._line)

    def frozen(self, name: str, /, **given: Json) -> Step:
        tool, _, action = name.partition(".")
        step = DraftStep(tool=tool, action=action, input=given)
        return self.registry.freeze(step, self.place, number=1, mark=MARK)

    async def write(self, name: str, /, **given: Json) -> tuple[Step, CallResult]:
        step = self.frozen(name, **given)
        return step, await self.runner.run(step.call, {}, self._line)

    async def tried(self, call: Call) -> CallResult:
        """Run a call that was rendered elsewhere."""
        return await self.runner.run(call, {}, self._line)

    async def undo(self, step: Step, result: CallResult) -> CallResult:
        assert step.rollback
        outputs = {f"steps.1.{name}": value for name, value in result.outputs.items()}
        return await self.runner.run(step.rollback, outputs, self._line)

    async def took_effect(self, step: Step) -> bool:
        assert step.probe
        result = await self.runner.run(step.probe.call, {}, self._line)
        return result.outputs[step.probe.expect.output] == step.probe.expect.value

    async def _line(self, line: str, *, shown: bool = True, filed: bool = True) -> None:
        if shown:
            self.lines.append(line)

    async def _body(self, digest: str) -> str | None:
        return self.registry.definition(digest)


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    """Ask another process until it holds."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 (another process can only be asked)
            await asyncio.sleep(0.1)


def executable(folder: Path, *names: str) -> bool:
    """Whether all of these programs are in a folder."""
    return all((folder / name).is_file() for name in names)
