"""Strict YAML files: no duplicate keys, no aliases, bounded, with errors that name the line."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from engine.errors import ConfigurationError

LIMIT = 1_000_000


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML file.

    Raises:
        ConfigurationError: it can't be read, is larger than 1 MB, or is not strict YAML.
    """
    try:
        if path.stat().st_size > LIMIT:
            raise ConfigurationError(f"{path.name} is larger than {LIMIT // 1000} kB.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path.name} can't be read: {error}.") from error
    return parse_yaml(text, path.name)


def parse_yaml(text: str, name: str) -> Any:
    """Return the content of a YAML text; `name` is what errors call it."""
    try:
        return yaml.load(text, _Strict)  # noqa: S506 -- a SafeLoader that is stricter still
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise ConfigurationError(f"{name}, line {line}: {error.problem}.") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigurationError(f"{name} is not YAML: {error}.") from error


class _Strict(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys in silence, and expands aliases without bound."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                problem = f"the key {key.value!r} is there twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)
