"""Templates of a definition: fixed text with `{field}` in it, filled and never evaluated."""

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from engine.tools.fields import REFERENCE

PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)(?:\.([a-z][a-z0-9_]*))?\}")
Values = Mapping[str, str | int]


def placeholders(template: str) -> list[tuple[str, str]]:
    """(name, view) of each placeholder; the view is empty where there is none."""
    return [(match[1], match[2] or "") for match in PLACEHOLDER.finditer(template)]


def fill(template: str, values: Values) -> str:
    """Put the values in. A placeholder without a value leaves nothing behind."""
    return PLACEHOLDER.sub(lambda match: shown(match[1], match[2] or "", values), template)


def shown(name: str, view: str, values: Values) -> str:
    """One value as its view shows it; a value may have a name with a dot of its own."""
    if f"{name}.{view}" in values:
        return str(values[f"{name}.{view}"])
    value = str(values.get(name, ""))
    return VIEWS[view](value) if view in VIEWS else value


def quoted(template: str, values: Values, quote: Callable[[str], str]) -> str:
    """Put the values in, each escaped for the language that the template is written in."""
    return PLACEHOLDER.sub(lambda match: quote(shown(match[1], match[2] or "", values)), template)


def _short(value: str) -> str:
    """A commit as people read it."""
    if found := REFERENCE.fullmatch(value):
        return f"the {found[2].replace('_', ' ')} of step {found[1]}"
    return value[:7]


def _plain(value: str) -> str:
    """A value in a sentence."""
    if found := REFERENCE.fullmatch(value):
        return f"(the {found[2].replace('_', ' ')} of step {found[1]})"
    return value


def _name(remote: str) -> str:
    """The name of a repository: the last part of its address."""
    return remote.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git")


def _host(remote: str) -> str:
    """The host of an address; empty for a folder."""
    return urlsplit(remote).hostname or ""


VIEWS: Mapping[str, Callable[[str], str]] = {
    "short": _short,
    "plain": _plain,
    "name": _name,
    "host": _host,
}
