"""`carapulse tools`: what can be done, whether a definition is right, and what a command means."""

import json as jsons
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from bot.cli.up import DEFAULT_FOLDER
from engine.domain.context import ContextRef
from engine.domain.model import Json
from engine.errors import Invalid

if TYPE_CHECKING:
    from engine.tools.definition import Action, Tool
    from engine.tools.parsing import Parser

tools = App(name="tools", help="List, show, check and run tools; read command lines.")

REFUSED = 3
LONGEST_LINE = 100_000


def known(folder: Path | None) -> "list[Tool]":
    """The shipped definitions, and those of a folder. Raises `ConfigurationError`."""
    from engine.tools.loading import CATALOG, load_tools

    return load_tools(CATALOG, *([folder] if folder else []))


@tools.command(name="list")
def list_tools(*, folder: Path | None = None, json: bool = False) -> None:
    """List the tools with their actions.

    Args:
        folder: of your own definitions, beside the shipped ones.
        json: for scripts.
    """
    found = known(folder)
    if json:
        _print_json([_entry(tool) for tool in found])
        return
    for tool in found:
        print(f"{tool.tool:14} {tool.about or tool.title}")  # noqa: T201 - the command's answer
        for name, action in tool.actions.items():
            if action.offered:
                said = f"  {tool.tool}.{name}"
                print(f"{said:40} {action.effect.value:8} {action.title}")  # noqa: T201


@tools.command
def show(name: str, *, folder: Path | None = None, json: bool = False) -> None:
    """Show a tool or one of its actions.

    Args:
        name: kubectl, or kubectl.scale.
        folder: of your own definitions, beside the shipped ones.
        json: the whole definition, for scripts.
    """
    tool, action = _find(known(folder), name)
    if json:
        shown = tool.model_dump(mode="json") if action is None else action.model_dump(mode="json")
        _print_json(shown)
        return
    actions = tool.actions if action is None else {name.partition(".")[2]: action}
    print(f"{tool.title}. {tool.about}".strip())  # noqa: T201 - the command's answer
    for key, one in actions.items():
        print("\n".join(told(f"{tool.tool}.{key}", one)))  # noqa: T201 - the command's answer


def told(name: str, action: "Action") -> list[str]:
    """An action as lines."""
    lines = [f"\n{name}: {action.title}", f"  {action.about}" if action.about else ""]
    back = "can be undone" if action.rollback else "cannot be undone"
    again = ", may be repeated" if action.idempotent else ""
    write = action.effect.value != "read"
    lines.append(f"  {action.effect.value}{f', {back}{again}' if write else ''}")
    for key, field in action.input.items():
        need = "given" if not field.offered else "optional" if field.optional else "needed"
        lines.append(f"  {key:18} {field.type:12} {need:9} {field.about}".rstrip())
    lines += [f"  $ {' '.join(command.argv)}" for command in action.commands]
    if action.request:
        lines.append(f"  {action.request.method} {action.request.path}")
    lines += [f"  -> {key}: {one.about}".rstrip(": ") for key, one in action.outputs.items()]
    return [line for line in lines if line]


@tools.command
def check(file: Path, *, json: bool = False) -> None:
    """Check a definition of your own.

    Args:
        file: the YAML file.
        json: for scripts.
    """
    from engine.tools.loading import faults

    found = faults(file)
    if json:
        shown: list[Json] = [
            {"line": one.line, "place": one.place, "text": one.text} for one in found
        ]
        _print_json({"ok": not found, "errors": shown})
    else:
        lines = [f"{file}:{one.line}: {one.place}: {one.text}" for one in found]
        print("\n".join(lines or [f"{file} is right."]))  # noqa: T201 - the command's answer
    if found:
        sys.exit(1)


@tools.command
async def run(
    name: str,
    *given: str,
    context: str = "",
    folder: Path = DEFAULT_FOLDER,
    json: bool = False,
) -> None:
    """Run a read under the policy; a write is told what it would be, and needs a plan.

    Args:
        name: kubectl.get
        given: the input, like `kind=pod`.
        context: where it acts, like `cluster=eu-1,namespace=shop`.
        folder: of the `carapulse up` that runs, when nothing is configured.
        json: for scripts.
    """
    from bot.cli.tool_runs import told_run

    tool, _, action = name.partition(".")
    pairs = (one.partition("=") for one in given)
    fields: dict[str, Json] = {key: value for key, _, value in pairs}
    answer = await told_run(folder, tool, action, fields, _context(context))
    if json:
        _print_json(answer.document)
    else:
        print("\n".join(answer.lines))  # noqa: T201 - the command's answer
    if not answer.ok:
        sys.exit(answer.code)


@tools.command
def parse(
    *argv: Annotated[str, Parameter(allow_leading_hyphen=True)],
    line: str = "",
    jsonl: bool = False,
    given: Annotated[str, Parameter(name="--context")] = "",
    folder: Path | None = None,
    json: bool = True,
) -> None:
    """Say which action a command line is, with its input; exit code 3 when it is none.

    Args:
        argv: the command behind `--`.
        line: a command as one line, as in a runbook; what needs a shell is refused.
        jsonl: read one JSON array, or object with `argv`, per line; answer with one line each.
        given: where it acts, like `cluster=eu-1,namespace=shop`.
        folder: of your own definitions, beside the shipped ones.
        json: the only way in which it answers.
    """
    from engine.tools.parsing import Parser

    parser, context = Parser(known(folder)), _context(given)
    if jsonl:
        for one in answers(parser, sys.stdin, context):
            sys.stdout.write(one + "\n")
        return
    answer = parsed(parser, line or list(argv), context)
    print(_compact(answer))  # noqa: T201 - the command's answer
    if not answer["ok"]:
        sys.exit(REFUSED)


def answers(parser: "Parser", lines: Iterable[str], context: ContextRef) -> Iterator[str]:
    """One answer for each line that is not empty."""
    for text in lines:
        if text.strip():
            yield _compact(parsed(parser, _typed(text), context))


def parsed(parser: "Parser", typed: object, context: ContextRef) -> dict[str, Json]:
    """The answer to an argument vector or a line; anything else is refused too."""
    from engine.tools.parsing import Refused

    try:
        if isinstance(typed, str):
            return parser.line(typed, context).document()
        if isinstance(typed, list) and all(isinstance(one, str) for one in typed):
            return parser.argv(typed, context).document()
    except Refused as error:
        return {"ok": False, "reason": str(error)}
    return {"ok": False, "reason": "it is no list of texts"}


def _typed(text: str) -> object:
    """What a line of JSON holds: an array, an object's `argv`, or its `line` or `command`."""
    if len(text) > LONGEST_LINE:
        return None
    try:
        document = jsons.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(document, dict):
        return next((document[key] for key in ("argv", "line", "command") if key in document), None)
    return document if isinstance(document, list) else None


def _context(said: str) -> ContextRef:
    """`cluster=eu-1,namespace=shop` as a context."""
    pairs = [one.partition("=") for one in said.split(",") if one]
    fields = {name.strip(): value.strip() for name, _, value in pairs}
    if unknown := sorted(set(fields) - set(ContextRef.model_fields)):
        raise Invalid(f"A context has no {', '.join(unknown)}.", dict.fromkeys(unknown, "unknown"))
    return ContextRef.model_validate(fields)


def _find(found: "list[Tool]", name: str) -> "tuple[Tool, Action | None]":
    tool_name, _, action_name = name.partition(".")
    tool = next((one for one in found if one.tool == tool_name), None)
    if tool is None:
        there = ", ".join(one.tool for one in found)
        raise Invalid(f"There is no tool {tool_name}. There are: {there}.", {"name": "is unknown"})
    if action_name and action_name not in tool.actions:
        there = ", ".join(tool.actions)
        raise Invalid(
            f"{tool_name} has no action {action_name}. It has: {there}.", {"name": "is unknown"}
        )
    return tool, tool.actions.get(action_name)


def _entry(tool: "Tool") -> dict[str, Json]:
    from engine.tools import schema

    actions: list[Json] = [
        schema.entry(tool, name, action, ())
        for name, action in tool.actions.items()
        if action.offered
    ]
    return {
        "tool": tool.tool,
        "title": tool.title,
        "about": tool.about,
        "transport": tool.transport,
        "actions": actions,
    }


def _compact(document: Json) -> str:
    return jsons.dumps(document, ensure_ascii=False)


def _print_json(document: Json) -> None:
    print(jsons.dumps(document, ensure_ascii=False, indent=2))  # noqa: T201 - the command's answer
