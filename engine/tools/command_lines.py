"""Command lines that people wrote down, as actions of the loaded tools."""

from collections.abc import Iterable

from engine.domain import knowledge
from engine.domain.context import ContextRef
from engine.tools.definition import Tool
from engine.tools.parsing import Parser, Refused


class CommandLines:
    """The `Commands` port."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._parser = Parser(tools)

    def parse(self, line: str, context: ContextRef) -> knowledge.Parsed:
        """Never raises for what is written in the line."""
        try:
            found = self._parser.line(line, context)
        except Refused as error:
            return knowledge.Parsed(reason=f"{error}.")
        tool, _, action = found.action.partition(".")
        return knowledge.Parsed(
            tool=tool,
            action=action,
            input=dict(found.input),
            context=dict(found.context),
            missing=found.missing,
        )
