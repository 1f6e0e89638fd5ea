"""A runner whose calls are counted and timed."""

from dataclasses import dataclass

from engine.domain.call import Call, CallResult
from engine.ports import OnLine, Runner
from engine.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class CountedRunner:
    """The `Runner` port around another one."""

    inner: Runner
    metrics: Metrics

    async def run(self, call: Call, outputs: dict[str, str], on_line: OnLine) -> CallResult:
        """Run, and count how it ended."""
        result = await self.inner.run(call, outputs, on_line)
        self.metrics.tool(call.tool, call.action, result.ending.value, result.seconds)
        return result
