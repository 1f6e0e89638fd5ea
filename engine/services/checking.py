"""A check: a read that is repeated until what is expected has held, or its time is over."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from engine.domain.call import Call, CallResult, Ending, Expectation
from engine.domain.expectation import Met, holds
from engine.ports import OnLine, Runner

POLL = 1.0
TELL_EVERY = 10.0


def filed_only(on_line: OnLine) -> OnLine:
    """For reads of ours whose lines would fill the thread: the complete output has them all."""

    async def unheard(line: str, *, shown: bool = True, filed: bool = True) -> None:
        if filed:
            await on_line(line, shown=False)

    return unheard


async def checked(
    runner: Runner, call: Call, expect: Expectation, outputs: dict[str, str], on_line: OnLine
) -> CallResult:
    """Repeat the read until its expectation has held long enough, or time is up."""
    unheard = filed_only(on_line)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + expect.within_seconds
    since: float | None = None
    told = Told(on_line, loop.time)
    while True:
        result = await runner.run(call, outputs, unheard)
        met = holds(result, expect, outputs)
        since = (since or loop.time()) if met.met else None
        await told.line(met)
        if since is not None and loop.time() - since >= expect.hold_seconds:
            held = f", held {expect.hold_seconds} s" if expect.hold_seconds else ""
            text = f"{met.text}{held}"
            return result.model_copy(update={"ending": Ending.SUCCEEDED, "message": text})
        if loop.time() >= (deadline if since is None else deadline + expect.hold_seconds):
            return result.model_copy(update={"ending": Ending.FAILED, "message": met.text})
        await asyncio.sleep(POLL)


@dataclass(slots=True)
class Told:
    """Lines about a repeated read: at each change of its answer, and else now and then."""

    on_line: OnLine
    clock: Callable[[], float]
    last: Met | None = None
    at: float = 0.0

    async def line(self, met: Met) -> None:
        """Say it when it is news."""
        flipped = self.last is None or self.last.met is not met.met
        due = self.clock() - self.at >= TELL_EVERY
        if flipped or (due and self.last is not None and self.last.text != met.text):
            self.last, self.at = met, self.clock()
            await self.on_line(met.text)
