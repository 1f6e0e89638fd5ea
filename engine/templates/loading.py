"""Workflows out of files: strict YAML, every fault named with its place."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from pydantic import ValidationError

from engine.documents import parse_yaml
from engine.domain.template import Template, TemplateRecord
from engine.errors import ConfigurationError, Invalid
from engine.templates.checking import Find, faults

CATALOG = Path(__file__).with_name("catalog")
BUILT_IN = "built-in"
LARGEST = 64_000
SHOWN = 10


def load_templates(find: Find, folder: Path | None = None) -> Mapping[str, TemplateRecord]:
    """Those that ship, and those of the user's folder, by name.

    Raises:
        ConfigurationError: a file is wrong, or two have one name.
    """
    found: dict[str, TemplateRecord] = {}
    sources = [(CATALOG, BUILT_IN), *([(folder, f"folder {folder.name}")] if folder else [])]
    for place, source in sources:
        for path in sorted(place.glob("*.yaml")):
            record = read_template(path, find, source)
            name = record.template.workflow
            if name in found:
                raise ConfigurationError(f"{path.name}: there is a workflow {name} already.")
            found[name] = record
    return found


def read_template(path: Path, find: Find, source: str) -> TemplateRecord:
    """One file. Raises `ConfigurationError`."""
    try:
        body = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path.name} can't be read: {error}.") from error
    template = parsed(body, path.name, find)
    return TemplateRecord(
        template=template, body=body, digest=digest_of(body), source=source, enabled=True
    )


def parsed(body: str, name: str, find: Find) -> Template:
    """The workflow of a text; `name` is what errors call it. Raises `ConfigurationError`."""
    if len(body) > LARGEST:
        raise ConfigurationError(f"{name} is longer than {LARGEST} characters.")
    try:
        template = Template.model_validate(parse_yaml(body, name))
    except ValidationError as error:
        wrong = [
            f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)[:SHOWN]
        ]
        raise ConfigurationError(f"{name} is wrong: {'; '.join(wrong)}.") from None
    if wrong := list(faults(template, find))[:SHOWN]:
        raise ConfigurationError(f"{name} is wrong: {'; '.join(wrong)}.")
    return template


def sent(body: str, find: Find) -> Template:
    """A workflow that somebody sent. Raises `Invalid` that says what is wrong."""
    try:
        return parsed(body, "The workflow", find)
    except ConfigurationError as error:
        raise Invalid(str(error), {"body": str(error)}) from None


def digest_of(body: str) -> str:
    """SHA-256 of the text."""
    return sha256(body.encode()).hexdigest()
