"""Runs frozen calls: checks them against their stored definition, then the sandbox or HTTP."""

import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

from engine.domain.call import Call, CallResult, Effect, Ending
from engine.errors import NotFound, Tampered, ToolFailed, Unavailable
from engine.ports import OnLine
from engine.ports.minting import Given
from engine.tools.api import NOWHERE, ApiTransport, Endpoint
from engine.tools.boxes import Sandbox
from engine.tools.commands import PRINTED, CommandRun
from engine.tools.definition import Action
from engine.tools.fields import REFERENCE, WrongValue, check
from engine.tools.giving import Sources, reached
from engine.tools.redaction import Redactor
from engine.tools.redaction.commands import shape_of, strictest
from engine.tools.registry import rerender
from engine.tools.rendering import Definition
from engine.tools.report import Report
from engine.tools.requests import RequestRun
from engine.tools.templates import fill

Bodies = Callable[[str], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class ToolRunner:
    """The `Runner` port.

    `bodies` finds a definition by its digest, loaded or stored; without `api` only programs run.
    Of what a command prints `printed` bytes are read.
    `sources` give each call what its connection needs; where they can't, nothing is begun.
    """

    bodies: Bodies
    sandbox: Sandbox
    redactor: Redactor
    api: ApiTransport | None = None
    kill_grace: float = 5.0
    printed: int = PRINTED
    clock: Callable[[], float] = field(default=time.monotonic)
    sources: Sources = field(default_factory=Sources)

    async def run(self, call: Call, outputs: dict[str, str], on_line: OnLine) -> CallResult:
        """Run one call. `outputs` holds `steps.N.NAME` of the steps before.

        Raises:
            Tampered: the call is not what its definition renders; nothing ran.
            CancelledError: it was stopped; the tool and its children are dead.
        """
        definition = await self._definition(call)
        ready = Ready(call, definition, definition.action(call.action))
        started = self.clock()
        async with AsyncExitStack() as stack:
            try:
                values = resolved(ready.action, call, outputs)
                ready = replace(ready, given=await self._given(ready, stack))
            except WrongValue as error:
                return self._unmade(f"{call.title}: {error}")
            except (Unavailable, ToolFailed) as error:
                # Nothing has run, so it tells nothing about the world.
                return self._unmade(str(error), refused=True)
            return await self._knowing(ready.given)._made(ready, values, on_line, started)

    async def _given(self, ready: "Ready", stack: AsyncExitStack) -> Given:
        """Minted when all guards have let the call pass, and gone when the stack closes."""
        own = ready.action.login == "own"
        connection = ready.call.tool if own else f"{ready.call.tool}_preview"
        seconds = ready.call.timeout_seconds + self.kill_grace
        return await stack.enter_async_context(self.sources.given(connection, seconds))

    def _knowing(self, given: Given) -> "ToolRunner":
        """The same, showing nothing of what the call was given."""
        if not given.secrets:
            return self
        return replace(self, redactor=self.redactor.with_known(given.secrets))

    async def _made(
        self, ready: "Ready", values: dict[str, str | int], on_line: OnLine, started: float
    ) -> CallResult:
        """The call itself."""
        call, action = ready.call, ready.action
        shape = strictest(action.redaction, shape_of(call.tool, call.action, call.input))
        report = Report(self.redactor, on_line, shape)
        result = await self._transported(ready, values, report)
        result = _told(result, action, values)
        return self._finished(result, call, report, seconds=self.clock() - started)

    def _unmade(self, why: str, *, refused: bool = False) -> CallResult:
        """A call that was not begun."""
        said = self.redactor.text(why)
        return CallResult(ending=Ending.FAILED, message=said, refused=refused)

    async def _definition(self, call: Call) -> Definition:
        body = await self.bodies(call.definition)
        if body is None:
            raise NotFound(f"The definition of {call.name} that was approved is not stored here.")
        definition = Definition.stored(body)
        endpoints = self.api.endpoints if self.api else {}
        urls = {tool: endpoint.url for tool, endpoint in endpoints.items()}
        if definition.digest != call.definition or rerender(call, body, urls) != call:
            raise Tampered(
                f"{call.name} is not what its definition makes of it, so it was not run."
            )
        return definition

    async def _transported(
        self, ready: "Ready", values: dict[str, str | int], report: Report
    ) -> CallResult:
        call, tool = ready.call, ready.definition.tool
        endpoint = reached(self._endpoint(call.tool, ready.action), ready.given)
        if call.transport == "cli":
            run = CommandRun(
                self.sandbox, tool, call, values, report, endpoint, ready.given, self.printed
            )
            return await run.result(self.kill_grace)
        if self.api is None:
            return CallResult(
                ending=Ending.FAILED, message=f"{call.tool} can't be called: no HTTP here."
            )
        known = self.api.endpoints
        if call.tool in known:
            known = {**known, call.tool: endpoint}
        request = RequestRun(replace(self.api, endpoints=known), tool, call, values, report)
        return await request.result()

    def _endpoint(self, tool: str, action: Action) -> Endpoint:
        """Where a tool's programs go, and what they log in with."""
        known = self.api.endpoints if self.api else {}
        usual = known.get(tool, NOWHERE)
        if action.login == "own":
            return usual
        other = known.get(f"{tool}_preview", NOWHERE)
        return replace(usual, token=other.token, file=other.file)

    def _finished(
        self, result: CallResult, call: Call, report: Report, *, seconds: float
    ) -> CallResult:
        """Redact what is kept, and say in words how it went."""
        clean = self.redactor.text
        ending = result.ending
        if ending is Ending.UNKNOWN and call.effect is Effect.READ:
            ending = Ending.FAILED
        return result.model_copy(
            update={
                "ending": ending,
                "outputs": {name: clean(text) for name, text in result.outputs.items()},
                "message": clean(result.message),
                "tail": report.tail,
                "seconds": round(seconds, 3),
            }
        )


@dataclass(frozen=True, slots=True)
class Ready:
    """A call with what it was approved by, and what it is given."""

    call: Call
    definition: Definition
    action: Action
    given: Given = field(default_factory=Given)


def _told(result: CallResult, action: Action, values: dict[str, str | int]) -> CallResult:
    """A success in the words of its definition."""
    if result.ending is not Ending.SUCCEEDED or not action.done:
        return result
    return result.model_copy(update={"message": fill(action.done, {**values, **result.outputs})})


def resolved(action: Action, call: Call, outputs: Mapping[str, str]) -> dict[str, str | int]:
    """The input with every reference replaced by a value that its field takes.

    Raises:
        WrongValue: a step left nothing of that name, or something that does not fit.
    """
    values: dict[str, str | int] = {}
    for name, value in call.input.items():
        found = REFERENCE.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            assert isinstance(value, str | int)
            values[name] = value
            continue
        said = f"the {found[2]} of step {found[1]}"
        given = outputs.get(found[0][1:-1], "")
        if not given:
            raise WrongValue(f"{said} is not known.")
        try:
            values[name] = check(action.input[name], given)
        except WrongValue as error:
            raise WrongValue(f"{said} can't be used as {name}: it {error}.") from None
        if REFERENCE.fullmatch(given):
            raise WrongValue(f"{said} is a reference itself.")
    return values
