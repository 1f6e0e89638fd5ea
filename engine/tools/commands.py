"""Runs the commands of one call in order, in one sandbox, and says how it ended."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import re2

from engine.domain.call import Call, CallResult, Effect, Ending
from engine.errors import ToolFailed
from engine.ports.minting import Given
from engine.tools.api import NOWHERE, Endpoint
from engine.tools.boxes import Box, BoxLost, Needs, Order, Sandbox
from engine.tools.definition import Action, Command, Tool, digest_of
from engine.tools.egress import destinations
from engine.tools.outputs import Missing, from_texts
from engine.tools.process import Ended, Limits
from engine.tools.rendering import commands_of, connection
from engine.tools.report import Report
from engine.tools.templates import fill

# Bytes that are read of what one command prints.
PRINTED = 2 << 20
# By SIGKILL, as the system tells it and as shells and sandboxes do.
KILLED = (-9, 128 + 9)


class Stopped(Exception):
    """The call ends here, with this result."""

    def __init__(self, ending: Ending, message: str, exit_code: int | None = None) -> None:
        super().__init__(message)
        self.result = CallResult(ending=ending, message=message, exit_code=exit_code)


@dataclass(slots=True)
class CommandRun:
    """One call whose transport is programs. `texts` are the outputs of those that have run.

    `given` is for this call alone; the address of a tunnel is in the endpoint's URL already.
    """

    sandbox: Sandbox
    tool: Tool
    call: Call
    values: dict[str, str | int]
    report: Report
    endpoint: Endpoint = NOWHERE
    given: Given = field(default_factory=Given)
    printed: int = PRINTED
    texts: list[str] = field(default_factory=list)

    @property
    def action(self) -> Action:
        return self.tool.actions[self.call.action]

    async def result(self, kill_grace: float) -> CallResult:
        """Run everything; a failure is a result and no exception."""
        try:
            vectors = commands_of(self.action, self.values, self.endpoint.url)
            async with self.sandbox.open(self._needs(vectors), self._variables()) as box:
                await self._run_all(box, vectors, kill_grace)
            outputs = from_texts(self.action.outputs, self.texts, self.values)
        except Stopped as stopped:
            return stopped.result.model_copy(update={"outputs": self._known_outputs()})
        except ToolFailed as error:
            return CallResult(ending=Ending.FAILED, message=str(error))
        except Missing as missing:
            return CallResult(ending=Ending.FAILED, message=str(missing), exit_code=0)
        return CallResult(ending=Ending.SUCCEEDED, outputs=outputs, exit_code=0)

    async def _run_all(
        self, box: Box, vectors: Sequence[tuple[str, ...]], kill_grace: float
    ) -> None:
        """One time limit for all commands together."""
        clock = _Remaining(self.call.timeout_seconds)
        for command, argv in zip(self.action.commands, vectors, strict=True):
            self.report.next_command(quiet=command.quiet)
            limits = Limits(clock.left(), kill_grace, shown=self.printed)
            try:
                ended = await box.run(argv, limits, self.report.line)
            except BoxLost as lost:
                raise self._lost(command, running=lost.running) from None
            self.texts.append(ended.stdout.decode(errors="replace"))
            self._judge(command, argv, ended)

    def _judge(self, command: Command, argv: tuple[str, ...], ended: Ended) -> None:
        """Go on, or raise `Stopped`."""
        if ended.exit_code is None:
            raise self._timed_out(command)
        if ended.exit_code not in command.succeeds:
            raise self._failed(command, argv, ended.exit_code)
        if command.prints:
            printed = self.texts[-1].strip().rsplit("\n", 1)[-1]
            if printed != fill(command.prints.equals, self.values):
                said = fill(command.prints.otherwise, {**self.values, "printed": printed})
                raise Stopped(Ending.FAILED, said, 0)

    def _timed_out(self, command: Command) -> Stopped:
        said = f"It took longer than {self.call.timeout_seconds} s and was stopped"
        if command.local or self.call.effect is Effect.READ:
            return Stopped(Ending.FAILED, f"{said}; nothing was changed.")
        return Stopped(Ending.UNKNOWN, f"{said}; whether it took effect is not known.")

    def _lost(self, command: Command, *, running: bool) -> Stopped:
        said = "The sandbox went away"
        if not running or command.local or self.call.effect is Effect.READ:
            return Stopped(Ending.FAILED, f"{said}; nothing was changed.")
        return Stopped(Ending.UNKNOWN, f"{said}; whether it took effect is not known.")

    def _failed(self, command: Command, argv: tuple[str, ...], code: int) -> Stopped:
        said = self.report.said
        for complaint in command.fails_when:
            if re2.search(f"(?m){complaint.pattern}", said):
                return Stopped(Ending.FAILED, fill(complaint.say, self.values), code)
        what = _spoken(argv)
        if code in KILLED:
            return self._killed(command, what, code)
        last = next((line for line in reversed(self.report.tail.split("\n")) if line.strip()), "")
        text = f"{what} ended with code {code}" + (f": {last}" if last else ".")
        return Stopped(Ending.FAILED if command.final else Ending.UNKNOWN, text, code)

    def _killed(self, command: Command, what: str, code: int) -> Stopped:
        said = f"{what} was killed, perhaps for the memory that it used"
        if command.local or self.call.effect is Effect.READ:
            return Stopped(Ending.FAILED, f"{said}.", code)
        return Stopped(Ending.UNKNOWN, f"{said}; whether it took effect is not known.", code)

    def _known_outputs(self) -> dict[str, str]:
        """What the commands that ran have told, for whoever undoes or looks."""
        try:
            return from_texts(self.action.outputs, self.texts, self.values)
        except Missing:
            return {}

    def _variables(self) -> dict[str, str]:
        """The environment with what the settings hold for this tool; without that, left out."""
        file = self.endpoint.file
        writes = self.call.effect is not Effect.READ
        login = str(self.sandbox.login_path(file, writes=writes)) if file else ""
        login = self.given.login or login
        known = {**connection(self.endpoint.url), "connection.file": login}
        values = {**known, "connection.token": self.endpoint.token}
        filled = {name: fill(text, values) for name, text in self.tool.environment.items()}
        return {name: text for name, text in filled.items() if text} | dict(self.given.variables)

    def _files(self) -> dict[str, str]:
        """The programs of the tool, as they were approved."""
        files = {name: self.tool.files.get(name, "") for name in self.call.files}
        for name, text in files.items():
            if digest_of(text) != self.call.files[name]:
                raise Stopped(Ending.FAILED, f"{name} is not the file that was approved.")
        return {**self.given.files, **files}

    def _hosts(self) -> tuple[tuple[str, ...], str]:
        """What the call may reach, and the URL of the settings that names it.

        Of a connection with a tunnel that is the near end, in the place of its own host.
        """
        address, name = self.given.address, self.endpoint.name
        if not address:
            return self.call.hosts, self.endpoint.url
        hosts = (
            address if urlsplit(f"//{one}").hostname == name else one for one in self.call.hosts
        )
        return tuple(hosts), f"tcp://{address}"

    def _needs(self, vectors: Sequence[tuple[str, ...]]) -> Needs:
        """The named hosts, the files, and the folders of repositories on this machine."""
        remotes = [
            str(self.values[name])
            for name, spec in self.action.input.items()
            if spec.type == "remote" and name in self.values
        ]
        folders = tuple(
            Path(unquote(urlsplit(one).path)) for one in remotes if one.startswith("file://")
        )
        reads = self.call.effect is Effect.READ
        hosts, url = self._hosts()
        return Needs(
            destinations=destinations(hosts, (url, *remotes)),
            files=self._files(),
            login=None if self.given.login else self.endpoint.file,
            readable=folders if reads else (),
            writable=() if reads else folders,
            writes=not reads,
            orders=tuple(map(self._order, self.action.commands, vectors)),
            seconds=self.call.timeout_seconds,
            image=self.call.image,
        )

    def _order(self, command: Command, argv: tuple[str, ...]) -> Order:
        printed = fill(command.prints.equals, self.values) if command.prints else None
        return Order(argv, tuple(command.succeeds), printed)


def _spoken(argv: tuple[str, ...]) -> str:
    """The program and its verb, as people say it."""
    skip = False
    for argument in argv[1:]:
        if skip or argument.startswith("-"):
            skip = argument == "-C"
            continue
        return f"{argv[0]} {argument}"
    return argv[0]


class _Remaining:
    """What is left of a time limit."""

    def __init__(self, seconds: float) -> None:
        self._clock = asyncio.get_running_loop().time
        self._until = self._clock() + seconds

    def left(self) -> float:
        return max(0.01, self._until - self._clock())
