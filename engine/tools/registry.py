"""The tool definitions that are loaded: what can be done, and how each call is rendered."""

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Self

from engine.domain.call import Call, Effect, Expectation, Probe
from engine.domain.context import ContextRef
from engine.domain.draft import Reading
from engine.domain.form import InputField
from engine.domain.model import Json
from engine.domain.plan import DraftStep, Relied, Step, StepKind
from engine.domain.preview import Pin, Preview
from engine.errors import Invalid, NotAllowed, NotFound
from engine.tools import schema
from engine.tools.definition import Action, Tool
from engine.tools.fields import is_reference
from engine.tools.loading import CATALOG, load_tools
from engine.tools.redaction import Redactor
from engine.tools.rendering import Definition, Transport
from engine.tools.sandbox import installed
from engine.tools.saying import filled_in, refuse_given, where
from engine.tools.secrecy import refuse_secrets
from engine.tools.templates import PLACEHOLDER, placeholders

Remotes = Callable[[], Collection[str]]
UNDO = "-undo"


PREVIEW = "_preview"


def no_image(effect: Effect) -> str:
    """Programs of this machine."""
    return ""


class ToolRegistry:
    """The `Tools` port over definitions in files."""

    def __init__(
        self,
        tools: Collection[Tool],
        *,
        connections: Mapping[str, str] | None = None,
        remotes: Remotes | Collection[str] = (),
        installed: Callable[[str], bool] = installed,
        redactor: Redactor | None = None,
        image: Callable[[Effect], str] = no_image,
    ) -> None:
        """`connections` are base URLs by tool, empty for one that only has a file.

        `remotes` are the repositories that may be named.
        `installed` tells whether a program is there; where it is not, a request is frozen instead.
        What `redactor` would mask is no value of a step. `image` is what a call's programs are in.
        """
        self._redactor = redactor or Redactor()
        self._definitions = {tool.tool: Definition.of(tool) for tool in tools}
        self._connections = {
            name: url
            for name, url in (connections or {}).items()
            if url or self._by_programs(name.removesuffix(PREVIEW))
        }
        self._remotes: Remotes = remotes if callable(remotes) else lambda: remotes
        self._installed = installed
        self._image = image

    @classmethod
    def load(
        cls,
        folder: Path | None = None,
        *,
        connections: Mapping[str, str] | None = None,
        remotes: Remotes | Collection[str] = (),
        redactor: Redactor | None = None,
        installed: Callable[[str], bool] = installed,
        image: Callable[[Effect], str] = no_image,
    ) -> Self:
        """Read the shipped catalog, and the user's folder if there is one.

        Raises:
            ConfigurationError: a definition is wrong.
        """
        tools = load_tools(CATALOG, *([folder] if folder else []))
        return cls(
            tools,
            connections=connections,
            remotes=remotes,
            redactor=redactor,
            installed=installed,
            image=image,
        )

    @classmethod
    def unconnected(
        cls, folder: Path | None = None, *, remotes: Remotes | Collection[str] = ()
    ) -> Self:
        """Every tool as if it were installed and connected: for drafts without a deployment.

        Raises:
            ConfigurationError: a definition is wrong.
        """
        tools = load_tools(CATALOG, *([folder] if folder else []))
        urls = {tool.tool: f"https://{tool.tool}.invalid" for tool in tools if tool.connects}
        return cls(tools, connections=urls, remotes=remotes, installed=lambda program: True)

    def freeze(self, step: DraftStep, context: ContextRef, *, number: int, mark: str) -> Step:
        """Check a drafted step and render all that it would run. Raises `Invalid`."""
        definition, action = self._find(step.tool, step.action)
        refuse_secrets(step, self._redactor)
        context = where(step, context)
        filled = filled_in(action, context, mark)
        # Where it acts may be said if it is said as it is: a frozen step says it.
        said = {key: value for key, value in step.input.items() if value != filled.get(key)}
        refuse_given(action, said, step.expect, number)
        call = self._render(definition, step.action, {**said, **filled})
        verify = step.expect is not None
        write = call.effect is not Effect.READ
        rollback, rollback_probe = self._rollback(definition, call, context, number, mark)
        return Step(
            number=number,
            kind=StepKind.VERIFY if verify else StepKind.ACT,
            title=call.title if write or not step.title else step.title,
            why=step.why,
            group=step.group,
            call=call,
            context=step.context,
            expect=step.expect,
            relies=self.relies(step, context),
            probe=self._probe(definition, action, call, context),
            rollback=rollback,
            rollback_probe=rollback_probe,
        )

    def read_call(self, reading: Reading, context: ContextRef) -> Call:
        """Render a read. Raises `Invalid`; a write is refused with `NotAllowed`."""
        definition, action = self._find(reading.tool, reading.action)
        if action.effect is not Effect.READ:
            raise NotAllowed(
                f"{reading.tool}.{reading.action} changes something, so it can't be used to "
                "look. Put it into a plan."
            )
        refuse_given(action, reading.input, None, number=1)
        given = {**reading.input, **filled_in(action, context)}
        call = self._render(definition, reading.action, given)
        return call.model_copy(update={"title": reading.title}) if reading.title else call

    def fields(self, tool: str, action: str) -> tuple[InputField, ...]:
        """What a person may fill in for this action. Raises `Invalid`."""
        _, found = self._find(tool, action)
        remotes = tuple(sorted(set(self._remotes())))
        return tuple(
            field.for_people(name, remotes)
            for name, field in found.input.items()
            if field.offered and not field.pinned
        )

    def preview(self, call: Call) -> Preview | None:
        """The read that shows what a write would change; None where its definition has none."""
        definition, action = self._find(call.tool, call.action)
        template = action.preview
        if template is None or not self._lets_in(call.tool, definition.action(template.action)):
            return None
        wanted = definition.action(template.action).input
        where = {name: call.input.get(name) for name in wanted if wanted[name].context}
        given = _handed(template.input, call.input, 0) | where
        return Preview(
            call=self._render(definition, template.action, given), on_card=template.on_card
        )

    def check(self, call: Call, number: int) -> DraftStep | None:
        """The look after a write, which is step `number`; None where its definition has none."""
        definition, action = self._find(call.tool, call.action)
        template = action.check
        if template is None:
            return None
        given = _handed(template.input, call.input, number)
        wanted = definition.action(template.action).input
        said = {name: value for name, value in given.items() if wanted[name].offered}
        expect = Expectation(
            output=template.expect.output,
            comparison=template.expect.comparison,
            value=str(_put(template.expect.value, call.input, number)),
            within_seconds=template.within_seconds,
        )
        return DraftStep(tool=call.tool, action=template.action, input=said, expect=expect)

    def pins(self, step: DraftStep) -> dict[str, Pin]:
        """The reads that the step's pinned values come from, by input. Raises `Invalid`."""
        definition, action = self._find(step.tool, step.action)
        found = {}
        for name, field in action.input.items():
            if field.pinned:
                read, _, output = field.pinned.partition(".")
                wanted = definition.action(read).input
                given = {key: value for key, value in step.input.items() if key in wanted}
                found[name] = Pin(call=self._render(definition, read, given), output=output)
        return found

    def relies(self, step: DraftStep, context: ContextRef) -> Relied | None:
        """The look at what a write relies on, with what is known of it; None where there is none.

        What depends on a step before it has no facts yet. Raises `Invalid`.
        """
        definition, action = self._find(step.tool, step.action)
        template = action.relies
        handed = _handed(template.input, step.input, 0) if template else {}
        if template is None or any(is_reference(value) for value in handed.values()):
            return None
        look = definition.action(template.action)
        given = handed | filled_in(look, where(step, context))
        call = self._render(definition, template.action, given)
        values = {name: step.relied.get(name, "") for name in template.outputs}
        return Relied(call=call, values=values)

    def rerender(self, call: Call, definition: str) -> Call:
        """Render the call again from a stored definition; the caller compares."""
        return rerender(call, definition, self._connections)

    def definition(self, digest: str) -> str:
        """The body of a definition that is loaded now. Raises `NotFound`."""
        for one in self._definitions.values():
            if one.digest == digest:
                return one.body
        raise NotFound(f"No tool definition with the digest {digest[:12]} is loaded.")

    def schema(self) -> dict[str, Json]:
        """JSON Schema of one proposable step, for structured outputs in strict mode."""
        remotes = sorted(self._remotes())
        return schema.steps(self._offered(), remotes)

    def catalogue(self, *, reads_only: bool = False) -> list[dict[str, Json]]:
        """Name, title, effect and input schema of each action."""
        remotes = sorted(self._remotes())
        return [
            schema.entry(tool, name, action, remotes)
            for tool, name, action in self._offered()
            if not reads_only or action.effect is Effect.READ
        ]

    def _offered(self) -> Iterator[tuple[Tool, str, Action]]:
        """Actions of the tools that can be reached."""
        for definition in self._definitions.values():
            tool = definition.tool
            if tool.connects and tool.tool not in self._connections:
                continue
            for name, action in tool.actions.items():
                if action.offered and self._lets_in(tool.tool, action):
                    yield tool, name, action

    def tools(self) -> Iterator[tuple[Definition, bool]]:
        """Every definition that is loaded, and whether its system is connected."""
        for name, definition in self._definitions.items():
            yield definition, not definition.tool.connects or name in self._connections

    def _find(self, tool: str, action: str) -> tuple[Definition, Action]:
        definition = self._definitions.get(tool)
        if definition is None:
            known = ", ".join(sorted(self._definitions))
            raise Invalid(f"There is no tool {tool!r}. There are: {known}.", {"tool": "is unknown"})
        found = definition.tool.actions.get(action)
        if found is None:
            known = ", ".join(sorted(definition.tool.actions))
            raise Invalid(
                f"{tool} has no action {action!r}. It has: {known}.", {"action": "is unknown"}
            )
        if definition.tool.connects and tool not in self._connections:
            raise Invalid(
                f"{tool} is not connected. Set tools.connections.{tool}.url.",
                {"tool": "is not connected"},
            )
        if not self._lets_in(tool, found):
            raise Invalid(
                f"{tool} has no login for dry runs. Set tools.connections.{tool}{PREVIEW}.file.",
                {"action": "needs a login of its own"},
            )
        return definition, found

    def _by_programs(self, tool: str) -> bool:
        """Whether a file is all that its programs need."""
        found = self._definitions.get(tool)
        return found is not None and found.tool.transport == "cli"

    def _lets_in(self, tool: str, action: Action) -> bool:
        """Whether there is the login that the action wants."""
        return action.login == "own" or f"{tool}{PREVIEW}" in self._connections

    def _render(self, definition: Definition, name: str, given: Mapping[str, Json]) -> Call:
        call = definition.render(
            name,
            given,
            url=self._connections.get(definition.tool.tool, ""),
            remotes=frozenset(self._remotes()),
            transport=self._transport(definition, name),
        )
        image = self._image(call.effect) if call.transport == "cli" else ""
        return call.model_copy(update={"image": image})

    def _transport(self, definition: Definition, name: str) -> Transport:
        """The programs first; the API where they are missing and it can take their place."""
        action = definition.action(name)
        connected = definition.tool.tool in self._connections
        missing = not all(self._installed(program) for program in action.programs)
        if action.request and connected and missing:
            return "api"
        return definition.tool.transport

    def _probe(
        self, definition: Definition, action: Action, call: Call, context: ContextRef
    ) -> Probe | None:
        """The look after a write; none where it needs an input that the write was not given."""
        template = action.probe
        if template is None:
            return None
        wanted = _put(template.expect.value, call.input, 0)
        if wanted is None:
            return None
        expect = Expectation(
            output=template.expect.output,
            comparison=template.expect.comparison,
            value=str(wanted),
        )
        look = definition.action(template.action)
        given = _handed(template.input, call.input, 0) | filled_in(look, context)
        return Probe(call=self._render(definition, template.action, given), expect=expect)

    def _rollback(
        self, definition: Definition, call: Call, context: ContextRef, number: int, mark: str
    ) -> tuple[Call | None, Probe | None]:
        template = definition.action(call.action).rollback
        if template is None:
            return None, None
        undo = definition.action(template.action)
        if _unanswered(definition.action(call.action), call, template.input):
            return None, None
        handed = _handed(template.input, call.input, number)
        given = handed | filled_in(undo, context, mark + UNDO)
        rendered = self._render(definition, template.action, given)
        return rendered, self._probe(definition, undo, rendered, context)


def rerender(call: Call, body: str, connections: Mapping[str, str]) -> Call:
    """Render a frozen call again. Its remotes were checked when it was frozen."""
    definition = Definition.stored(body)
    url = connections.get(call.tool, "")
    again = definition.render(call.action, call.input, url=url, transport=call.transport)
    again = again.model_copy(update={"image": call.image})
    if call.effect is Effect.READ:
        return again.model_copy(update={"title": call.title})
    return again


def _put(template: str, values: Mapping[str, Json], number: int) -> Json:
    """A template of a probe or rollback; `{outputs.X}` becomes a reference to its own step."""

    def one(name: str, view: str) -> Json:
        return f"{{steps.{number}.{view}}}" if name == "outputs" else values.get(name)

    if whole := PLACEHOLDER.fullmatch(template):
        return one(whole[1], whole[2] or "")
    return PLACEHOLDER.sub(lambda match: str(one(match[1], match[2] or "")), template)


def _unanswered(action: Action, call: Call, templates: Mapping[str, str]) -> bool:
    """Whether a way back needs an output that this call's transport does not give."""
    given = action.answered if call.transport == "api" else action.outputs
    wanted = (found for text in templates.values() for found in placeholders(text))
    return any(name == "outputs" and view not in given for name, view in wanted)


def _handed(
    templates: Mapping[str, str], values: Mapping[str, Json], number: int
) -> dict[str, Json]:
    """What a probe or rollback is given; what the write was not given is left out."""
    handed = {name: _put(text, values, number) for name, text in templates.items()}
    return {name: value for name, value in handed.items() if value is not None}
