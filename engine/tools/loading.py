"""Reads definitions from YAML files; says the file, the place and what to do when one is wrong."""

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from engine.errors import ConfigurationError
from engine.tools.checks import problems
from engine.tools.definition import Tool

CATALOG = Path(__file__).parent / "catalog"
MAX_BYTES = 256 * 1024
MERGE = "tag:yaml.org,2002:merge"


def load_tools(*folders: Path) -> list[Tool]:
    """Read every `*.yaml` of the folders, in order of their names.

    Raises:
        ConfigurationError: a file is wrong, or two define the same tool.
    """
    found: dict[str, Path] = {}
    tools = []
    for folder in folders:
        if not folder.is_dir():
            raise ConfigurationError(f"tools.folder names {folder}, which is no folder.")
        for path in sorted(folder.glob("*.yaml")):
            tool = load_tool(path)
            if tool.tool in found:
                raise ConfigurationError(
                    f"{path}: the tool `{tool.tool}` is defined in {found[tool.tool]} already. "
                    "Give yours another name."
                )
            found[tool.tool] = path
            tools.append(tool)
    return tools


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in a file: its line (from 1), the place by its keys, and what to do."""

    line: int
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}" if self.place else self.text


def load_tool(path: Path) -> Tool:
    """Read one definition, with the helper files that it names from `files/` beside it."""
    tool, wrong = _read_tool(path)
    if tool is None or wrong:
        raise ConfigurationError(_said(path, [str(one) for one in wrong]))
    return tool


def faults(path: Path) -> list[Fault]:
    """All that is wrong with a file; nothing when it is right."""
    try:
        _, wrong = _read_tool(path)
    except ConfigurationError as error:
        found = re.search(r"in line ([0-9]+)", str(error))
        return [Fault(int(found[1]) if found else 1, "", str(error))]
    lines = _lines(path)
    return [Fault(_line(lines, one.place), one.place, one.text) for one in wrong]


def _read_tool(path: Path) -> tuple[Tool | None, list[Fault]]:
    """The tool, and what is wrong with it."""
    document = _document(path)
    document["files"] = {
        str(name): _helper(path, str(name)) for name in document.get("files") or ()
    }
    try:
        tool = Tool.model_validate(document)
    except ValidationError as error:
        return None, [
            Fault(0, ".".join(str(part) for part in item["loc"]), item["msg"])
            for item in error.errors(include_input=False, include_url=False)
        ]
    said = (text.partition(": ") for text in problems(tool))
    return tool, [Fault(0, place, text) for place, _, text in said]


def _said(path: Path, wrong: list[str]) -> str:
    return f"The tool definition {path} is wrong: {'; '.join(wrong)}."


def _lines(path: Path) -> dict[str, int]:
    """The line of every place of a file, by its dotted keys."""
    root = yaml.compose(_read(path), Loader=yaml.SafeLoader)
    return dict(_places(root, "")) if root else {}


def _places(node: yaml.Node, place: str) -> Iterator[tuple[str, int]]:
    yield place, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = f"{place}.{key.value}" if place else str(key.value)
            yield inner, key.start_mark.line + 1
            for found in _places(value, inner):
                if found[0] != inner:
                    yield found
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _places(value, f"{place}.{number}")


def _line(lines: dict[str, int], place: str) -> int:
    """The line of a place, or of the nearest one around it; `[2]` counts from one."""
    parts = re.sub(r"\[([0-9]+)\]", lambda found: f".{int(found[1]) - 1}", place).split(".")
    while parts:
        if line := lines.get(".".join(parts)):
            return line
        parts.pop()
    return 1


def _document(path: Path) -> dict[str, Any]:
    try:
        loaded = yaml.load(_read(path), Loader=UniqueKeys)  # noqa: S506 (a SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        said = getattr(error, "problem", None) or "it can't be parsed"
        raise ConfigurationError(_said(path, [f"no YAML{line}: {said}"])) from None
    if not isinstance(loaded, dict):
        raise ConfigurationError(_said(path, ["it has to be a mapping that begins with `tool:`"]))
    return loaded


def _helper(path: Path, name: str) -> str:
    if Path(name).name != name:
        raise ConfigurationError(_said(path, [f"files: {name} may not be a path"]))
    return _read(path.parent / "files" / name)


def _read(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}.") from None
    if len(data) > MAX_BYTES:
        raise ConfigurationError(f"{path} is larger than {MAX_BYTES // 1024} kB.")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text.") from None


class UniqueKeys(yaml.CSafeLoader):
    """libyaml's SafeLoader (eight times as quick) that refuses a key that is there twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build a mapping; the last of two equal keys would win in silence otherwise."""
        seen: set[object] = set()
        for key_node, _ in node.value:
            if key_node.tag == MERGE:
                continue
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is there twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)
