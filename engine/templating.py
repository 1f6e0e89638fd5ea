"""Workflows of the catalog, as the settings ask for them and as the tools allow them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from engine.domain.call import Effect
from engine.domain.template import Template, TemplateRecord
from engine.templates.checking import Find, Known
from engine.templates.loading import load_templates, sent
from engine.tools.definition import Action, Tool
from engine.tools.loading import CATALOG, load_tools


def shelf(tools: Iterable[Tool], folder: Path | None) -> Mapping[str, TemplateRecord]:
    """Those that ship and those of the folder. Raises `ConfigurationError`."""
    return load_templates(finding(tools), folder)


def every_tool(folder: Path | None) -> tuple[Tool, ...]:
    """The definitions that ship, and the user's own, connected or not."""
    return tuple(load_tools(CATALOG, *([folder] if folder else [])))


class Checking:
    """Reads the text of a workflow; the tools are those of this deployment."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._find = finding(tools)

    def __call__(self, body: str) -> Template:
        """Raises `Invalid` that says what is wrong."""
        return sent(body, self._find)


def finding(tools: Iterable[Tool]) -> Find:
    """How a check looks an action up."""
    actions = {(tool.tool, name): one for tool in tools for name, one in tool.actions.items()}

    def find(tool: str, action: str) -> Known | None:
        one = actions.get((tool, action))
        return known(one) if one else None

    return find


def known(action: Action) -> Known:
    """What a workflow has to know of an action."""
    given = {name: each for name, each in action.input.items() if each.offered}
    wanted = (name for name, each in given.items() if not each.optional and not each.pinned)
    return Known(
        writes=action.effect is not Effect.READ,
        undone=action.rollback is not None,
        takes=frozenset(given),
        wants=frozenset(wanted),
        outputs=frozenset({*action.outputs, *action.answered}),
    )
