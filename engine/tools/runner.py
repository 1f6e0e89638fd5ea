"""Runs frozen calls: checks them against their stored definition, then the sandbox or HTTP."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from engine.domain.call import Call, CallResult, Effect, Ending
from engine.errors import NotFound, Tampered
from engine.ports import OnLine
from engine.tools.api import NOWHERE, ApiTransport, Endpoint
from engine.tools.boxes import Sandbox
from engine.tools.commands import CommandRun
from engine.tools.definition import Action
from engine.tools.fields import REFERENCE, WrongValue, check
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
    """

    bodies: Bodies
    sandbox: Sandbox
    redactor: Redactor
    api: ApiTransport | None = None
    kill_grace: float = 5.0
    clock: Callable[[], float] = field(default=time.monotonic)

    async def run(self, call: Call, outputs: dict[str, str], on_line: OnLine) -> CallResult:
        """Run one call. `outputs` holds `steps.N.NAME` of the steps before.

        Raises:
            Tampered: the call is not what its definition renders; nothing ran.
            CancelledError: it was stopped; the tool and its children are dead.
        """
        definition = await self._definition(call)
        action = definition.action(call.action)
        shape = strictest(action.redaction, shape_of(call.tool, call.action, call.input))
        report = Report(self.redactor, on_line, shape)
        started = self.clock()
        try:
            values = resolved(action, call, outputs)
        except WrongValue as error:
            result = CallResult(ending=Ending.FAILED, message=f"{call.title}: {error}")
        else:
            result = await self._transported(call, definition, values, report)
            result = _told(result, action, values)
        return self._finished(result, call, report, seconds=self.clock() - started)

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
        self, call: Call, definition: Definition, values: dict[str, str | int], report: Report
    ) -> CallResult:
        if call.transport == "cli":
            endpoint = self._endpoint(call.tool, definition.action(call.action))
            run = CommandRun(self.sandbox, definition.tool, call, values, report, endpoint)
            return await run.result(self.kill_grace)
        if self.api is None:
            return CallResult(
                ending=Ending.FAILED, message=f"{call.tool} can't be called: no HTTP here."
            )
        request = RequestRun(self.api, definition.tool, call, values, report)
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
