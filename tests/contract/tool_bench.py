"""A registry, a runner and a repository on disk, for tests that really call tools."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.local.demo.repository import ShopConfig
from engine.domain.call import Call, CallResult
from engine.domain.context import ContextRef
from engine.domain.draft import Reading
from engine.domain.model import Json
from engine.domain.plan import DraftStep, Step
from engine.tools.api import ApiTransport
from engine.tools.boxes import Sandbox
from engine.tools.redaction import Redactor
from engine.tools.registry import ToolRegistry
from engine.tools.runner import ToolRunner

PROD = ContextRef(environment="prod", service="checkout")
SETTINGS = "checkout/settings.yaml"


@dataclass
class Bench:
    """Freezes and runs; every line that was streamed is kept."""

    registry: ToolRegistry
    sandbox: Sandbox
    api: ApiTransport | None = None
    redactor: Redactor = field(default_factory=Redactor)
    lines: list[str] = field(default_factory=list)
    kill_grace: float = 0.5

    @property
    def runner(self) -> ToolRunner:
        return ToolRunner(
            bodies=self._body,
            sandbox=self.sandbox,
            redactor=self.redactor,
            api=self.api,
            kill_grace=self.kill_grace,
        )

    def frozen(self, action: str, given: Mapping[str, Json], *, number: int = 1) -> Step:
        tool, name = action.split(".")
        step = DraftStep(tool=tool, action=name, input=dict(given))
        return self.registry.freeze(step, PROD, number=number, mark=f"P-7/1/{number}")

    async def run(self, call: Call, outputs: Mapping[str, str] | None = None) -> CallResult:
        return await self.runner.run(call, dict(outputs or {}), self._line)

    async def read(self, action: str, given: Mapping[str, Json]) -> CallResult:
        tool, name = action.split(".")
        reading = Reading(tool=tool, action=name, input=dict(given))
        return await self.run(self.registry.read_call(reading, PROD))

    async def _line(self, line: str, *, shown: bool = True, filed: bool = True) -> None:
        if not shown:
            return
        self.lines.append(line)

    async def _body(self, digest: str) -> str | None:
        return self.registry.definition(digest)


def for_repository(repository: ShopConfig, sandbox: Sandbox, folder: Path | None = None) -> Bench:
    """A bench that may use this repository."""
    return Bench(ToolRegistry.load(folder, remotes=[repository.url]), sandbox)
