"""What a definition has to keep beyond its shape: names that exist, no shell, no loose ends."""

from collections.abc import Iterator

import re2

from engine.domain.call import Effect
from engine.domain.model import Json
from engine.tools.definition import Action, CheckTemplate, Command, Complaint, ProbeTemplate, Tool
from engine.tools.fields import Field
from engine.tools.templates import VIEWS, placeholders

# What of a connection may stand in a plan; the rest is only for the environment.
CONNECTION = (("connection", "url"), ("connection", "host"))

# Each of these runs text as a program.
SHELLS = frozenset(
    {"sh", "bash", "dash", "zsh", "ksh", "fish", "busybox", "env", "xargs", "eval", "sudo", "su"}
)


def problems(tool: Tool) -> Iterator[str]:
    """Say what is wrong, one sentence each, beginning with the place."""
    for name, action in tool.actions.items():
        place = f"actions.{name}"
        yield from _transport(tool, action, place)
        yield from _inputs(tool, action, place)
        yield from _words(action, place)
        yield from _outputs(tool, action, place)
        yield from _ways_back(tool, action, place)
        for number, command in enumerate(action.commands, 1):
            yield from _command(tool, action, command, f"{place}.commands[{number}]")
        if action.request:
            yield from _request(action, place)


def _transport(tool: Tool, action: Action, place: str) -> Iterator[str]:
    wanted = "commands" if tool.transport == "cli" else "request"
    if not getattr(action, wanted):
        yield f"{place}: a tool with transport {tool.transport} needs `{wanted}` here"
    if tool.transport == "api" and action.commands:
        yield f"{place}: `commands` does not go with transport api; remove it"


def _inputs(tool: Tool, action: Action, place: str) -> Iterator[str]:
    for name, field in action.input.items():
        where = f"{place}.input.{name}"
        if field.type == "choice" and not field.choices:
            yield f"{where}: a choice needs `choices`"
        if field.default is not None and not field.optional:
            yield f"{where}: only an optional field has a default; add `optional: true`"
        if field.given and field.type != "mark":
            yield f"{where}: only a mark can be `given`"
        if (field.type == "switch") != bool(field.flag) and action.commands:
            yield f"{where}: a switch needs a `flag`, and nothing else has one"
        if wrong := sorted(set(field.aliases.values()) - set(field.choices)):
            yield f"{where}: aliases name {', '.join(wrong)}, which is no choice"
        yield from _pinned(tool, action, field, where)


def _pinned(tool: Tool, action: Action, field: Field, where: str) -> Iterator[str]:
    if not field.pinned:
        return
    name, _, output = field.pinned.partition(".")
    target = tool.actions.get(name)
    if target is None or target.effect is not Effect.READ or output not in target.outputs:
        yield f"{where}.pinned: there is no read {name} with an output {output}"
    elif not set(target.input) <= set(action.input):
        yield f"{where}.pinned: {name} takes what this action does not have"


def _words(action: Action, place: str) -> Iterator[str]:
    for template in (action.title, *action.hosts):
        yield from _names(template, action, place)
    yield from _names(action.done, action, f"{place}.done", *action.outputs)


def _names(template: str, action: Action, place: str, *extra: str) -> Iterator[str]:
    for name, view in placeholders(template):
        if (name, view) in CONNECTION:
            continue
        if name not in action.input and name not in extra:
            yield f"{place}: {{{name}}} is no input field of this action"
        if view and view not in VIEWS:
            yield f"{place}: {{{name}.{view}}}: there are only the views {', '.join(VIEWS)}"


def _command(tool: Tool, action: Action, command: Command, place: str) -> Iterator[str]:
    program = command.argv[0]
    if program in SHELLS or "/" in program or program.startswith("-") or placeholders(program):
        yield f"{place}: `{program}` can't be the program; name one, without a path and no shell"
    for argument in command.argv:
        yield from _argument(action, argument, place)
    if command.prints:
        yield from _names(command.prints.equals, action, place)
        yield from _names(command.prints.otherwise, action, place, "printed")
    yield from _complaints(command.fails_when, action, place)
    if program == "python3" and not set(command.argv) & set(tool.files):
        yield f"{place}: python3 runs only a file of this definition; name it under `files`"


def _argument(action: Action, argument: str, place: str) -> Iterator[str]:
    yield from _names(argument, action, place)
    for name, view in placeholders(argument):
        field = action.input.get(name)
        if view and name != "connection":
            yield f"{place}: an argument takes {{{name}}} as it is, without a view"
        elif field and field.type == "promql" and argument == f"{{{name}}}":
            yield f"{place}: {{{name}}} may begin with a dash, so it can't be an argument"
        elif field and field.type == "switch" and argument != f"{{{name}}}":
            yield f"{place}: {{{name}}} is a whole argument, or none"


def _complaints(complaints: tuple[Complaint, ...], action: Action, place: str) -> Iterator[str]:
    for complaint in complaints:
        yield from _names(complaint.say, action, place)
        yield from _pattern(complaint.pattern, place)


def _pattern(pattern: str, place: str) -> Iterator[str]:
    try:
        re2.compile(pattern)
    except re2.error:
        yield f"{place}: the pattern {pattern!r} is no RE2 expression"


def _request(action: Action, place: str) -> Iterator[str]:
    assert action.request
    request = action.request
    for template in (request.path, *request.query.values(), *_texts(request.body)):
        yield from _names(template, action, f"{place}.request")
    yield from _complaints(request.fails_when, action, f"{place}.request")
    if action.effect is Effect.READ and request.method != "GET" and not action.idempotent:
        yield f"{place}.request: a read uses GET, or says `idempotent: true`"


def _texts(body: Json) -> Iterator[str]:
    """Every text of a body, keys too."""
    if isinstance(body, str):
        yield body
    elif isinstance(body, dict):
        for key, value in body.items():
            yield key
            yield from _texts(value)
    elif isinstance(body, list):
        for value in body:
            yield from _texts(value)


def _outputs(tool: Tool, action: Action, place: str) -> Iterator[str]:
    for name, output in action.outputs.items():
        where = f"{place}.outputs.{name}"
        if tool.transport == "cli" and output.command > len(action.commands):
            yield f"{where}: there is no command {output.command}"
        if tool.transport == "api" and not output.path:
            yield f"{where}: an answer of an API is JSON; say its `path`"
        if output.pattern:
            yield from _pattern(output.pattern, where)


def _ways_back(tool: Tool, action: Action, place: str) -> Iterator[str]:
    if action.effect is Effect.READ and (action.probe or action.rollback or action.preview):
        yield f"{place}: a read has no probe, no rollback and no preview"
    if action.login == "preview" and action.effect is not Effect.READ:
        yield f"{place}: only a read may have the login for previews"
    if action.rollback and not action.reversible:
        yield f"{place}: an action with a rollback is `reversible: true`"
    for name, look in (("probe", action.probe), ("check", action.check)):
        if look:
            yield from _look(tool, action, look, f"{place}.{name}")
    yield from _preview(tool, action, f"{place}.preview")
    yield from _relies(tool, action, f"{place}.relies")
    if rollback := action.rollback:
        yield from _linked(tool, action, rollback.action, rollback.input, f"{place}.rollback")


def _look(
    tool: Tool, action: Action, look: ProbeTemplate | CheckTemplate, place: str
) -> Iterator[str]:
    """A read whose output is compared."""
    yield from _linked(tool, action, look.action, look.input, place)
    target = tool.actions.get(look.action)
    if target and target.effect is not Effect.READ:
        yield f"{place}: a {place.rpartition('.')[2]} is a read"
    if target and look.expect.output not in target.outputs:
        yield f"{place}: {look.action} has no output {look.expect.output}"


def _preview(tool: Tool, action: Action, place: str) -> Iterator[str]:
    if preview := action.preview:
        yield from _linked(tool, action, preview.action, preview.input, place)
        target = tool.actions.get(preview.action)
        if target and target.effect is not Effect.READ:
            yield f"{place}: a preview is a read"


def _relies(tool: Tool, action: Action, place: str) -> Iterator[str]:
    if relies := action.relies:
        yield from _linked(tool, action, relies.action, relies.input, place)
        target = tool.actions.get(relies.action)
        if target and (target.effect is not Effect.READ or action.effect is Effect.READ):
            yield f"{place}: a write relies on what a read tells"
        known = {*target.outputs, *target.answered} if target else set(relies.outputs)
        if unknown := sorted(set(relies.outputs) - known):
            yield f"{place}: {relies.action} has no output {', '.join(unknown)}"


def _linked(
    tool: Tool, action: Action, name: str, given: dict[str, str], place: str
) -> Iterator[str]:
    target = tool.actions.get(name)
    if target is None:
        yield f"{place}: this tool has no action {name}"
        return
    wanted = {key for key, field in target.input.items() if field.offered and not field.optional}
    if missing := wanted - set(given):
        yield f"{place}: {name} needs {', '.join(sorted(missing))}"
    if unknown := set(given) - set(target.input):
        yield f"{place}: {name} takes no {', '.join(sorted(unknown))}"
    for key, template in given.items():
        target_field = target.input.get(key)
        if target_field:
            yield from _passed(action, target_field, template, f"{place}.{key}")


def _passed(action: Action, target: Field, template: str, place: str) -> Iterator[str]:
    """What a probe or rollback hands on: inputs of the write, or what it left behind."""
    for name, view in placeholders(template):
        if name == "outputs" and (view not in action.outputs or not target.refers):
            yield f"{place}: {{outputs.{view}}} can't be used here"
        elif name != "outputs" and name not in action.input:
            yield f"{place}: {{{name}}} is no input field of this action"
