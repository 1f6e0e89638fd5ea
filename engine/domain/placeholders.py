"""Placeholders in playbooks and workflows: `{root.name}` and nothing else; no code, no guessing."""

import re
from collections.abc import Iterator, Mapping

from engine.domain.model import Json
from engine.errors import CarapulseError

PLACEHOLDER = re.compile(r"\{([a-z_]+(?:\.[A-Za-z0-9_-]+)*)\}")
# Left for the execution: a typed reference to what an earlier step put out.
REFERENCE = re.compile(r"\{steps\.\d{1,2}\.[a-z_]+\}")
ANY_BRACE = re.compile(r"[{}]")
# These come from the operator's own files; everything else was written by somebody else.
TRUSTED = ("service", "context")

Values = Mapping[str, Mapping[str, Json]]


class Missing(CarapulseError):
    """A placeholder has no value; `path` is its name."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is not known")
        self.path = path


def fill(template: Json, values: Values) -> Json:
    """Replace the placeholders of a template, however deep.

    A text that is one placeholder becomes the value itself, type and all. Values are never
    looked at again, so a value that holds a placeholder stays as it is.

    Raises:
        Missing: a placeholder has no value.
    """
    if isinstance(template, str):
        return _fill_text(template, values)
    if isinstance(template, dict):
        return {name: fill(part, values) for name, part in template.items()}
    if isinstance(template, list):
        return [fill(part, values) for part in template]
    return template


def fill_text(template: str, values: Values) -> str:
    """Replace the placeholders of a sentence."""
    return PLACEHOLDER.sub(lambda match: _word(_found(match[1], values)), template)


def known(path: str, values: Values) -> bool:
    """Whether a placeholder has a value."""
    try:
        _found(path, values)
    except Missing:
        return False
    return True


def placeholders(template: Json) -> Iterator[str]:
    """Names of all placeholders of a template, references to steps left out."""
    if isinstance(template, str):
        for match in PLACEHOLDER.finditer(template):
            if not match[1].startswith("steps."):
                yield match[1]
    elif isinstance(template, dict):
        for part in template.values():
            yield from placeholders(part)
    elif isinstance(template, list):
        for part in template:
            yield from placeholders(part)


def mistakes(template: Json) -> Iterator[str]:
    """Braces that are no placeholder, each with its text."""
    if isinstance(template, str):
        if ANY_BRACE.search(PLACEHOLDER.sub("", template)):
            yield template
    elif isinstance(template, dict):
        for part in template.values():
            yield from mistakes(part)
    elif isinstance(template, list):
        for part in template:
            yield from mistakes(part)


def _fill_text(template: str, values: Values) -> Json:
    if REFERENCE.fullmatch(template):
        return template
    whole = PLACEHOLDER.fullmatch(template)
    if whole:
        return _harmless(whole[1], _found(whole[1], values))

    def word(match: re.Match[str]) -> str:
        return _word(_harmless(match[1], _found(match[1], values)))

    return PLACEHOLDER.sub(word, template)


def _harmless(path: str, value: Json) -> Json:
    """A value from outside must not turn into a reference when the step is frozen."""
    outside = path.split(".", 1)[0] not in TRUSTED
    if outside and isinstance(value, str) and REFERENCE.search(value):
        raise Missing(path)
    return value


def _found(path: str, values: Values) -> Json:
    root, _, rest = path.partition(".")
    value: Json | Mapping[str, Json] = values.get(root, {})
    for name in rest.split("."):
        if not isinstance(value, Mapping) or name not in value:
            raise Missing(path)
        value = value[name]
    if isinstance(value, Mapping) or value is None or value == "":
        raise Missing(path)
    return value


def _word(value: Json) -> str:
    return value if isinstance(value, str) else str(value)
