"""Names of the environment: which are ours, which others use too, and what a wrong one meant."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from engine.errors import ConfigurationError

PREFIX = "CARAPULSE_"
# What Kubernetes injects for a Service that is named `carapulse`.
INJECTED = ("CARAPULSE_PORT", "CARAPULSE_SERVICE_")
# Read by their usual names too: variable, section, field.
USUAL = (
    ("SLACK_BOT_TOKEN", "slack", "bot_token"),
    ("SLACK_APP_TOKEN", "slack", "app_token"),
    ("OPENAI_API_KEY", "llm", "openai_api_key"),
    ("OPENAI_BASE_URL", "llm", "openai_base_url"),
    ("ANTHROPIC_API_KEY", "llm", "anthropic_api_key"),
)


def is_ours(name: str) -> bool:
    """Whether a variable is meant to be a setting."""
    return name.startswith(PREFIX) and not name.startswith(INJECTED)


def refuse_unknown(environ: Mapping[str, str], sections: Iterable[str]) -> None:
    """A mistyped top-level name would be ignored in silence; say it instead."""
    known = {f"{PREFIX}{name.upper()}" for name in sections}
    known |= {f"{PREFIX}CONFIG", f"{PREFIX}SECRETS", f"{PREFIX}TOKEN"}
    ours = filter(is_ours, environ)
    wrong = sorted(name for name in ours if name.split("__", 1)[0] not in known)
    if wrong:
        near = get_close_matches(wrong[0].split("__", 1)[0], known, n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        verb = "is no setting" if len(wrong) == 1 else "are no settings"
        raise ConfigurationError(
            f"{', '.join(wrong)} {verb}.{meant} Unset what is wrong; `carapulse doctor --settings` "
            "then lists all there are."
        )


class NotJson(ValueError):
    """A variable that must hold JSON holds something else; the text never tells what."""

    def __init__(self, variable: str) -> None:
        super().__init__(
            f"{variable} is no JSON. A list is written [...], settings by name are written "
            '{"name": value}'
        )


def told(error: ValidationError, tree: type[BaseModel], environ: Mapping[str, str]) -> str:
    """A sentence for each wrong setting, with its variable where that was given, and no value."""
    items = error.errors(include_input=False, include_url=False)
    return " ".join(_wrong(item["type"], item["loc"], item["msg"], tree, environ) for item in items)


def _wrong(
    kind: str,
    place: tuple[int | str, ...],
    text: str,
    tree: type[BaseModel],
    environ: Mapping[str, str],
) -> str:
    variable = f"{PREFIX}{'__'.join(str(part) for part in place)}".upper()
    given = any(f"{name.upper()}__".startswith(f"{variable}__") for name in environ)
    name = ".".join(str(part) for part in place) + (f" ({variable})" if given else "")
    if kind != "extra_forbidden":
        return f"{name}: {text}."
    *above, last = place
    near = get_close_matches(str(last), _fields(tree, above), n=1)
    meant = ".".join([*map(str, above), *near])
    return f"{name} is no setting." + (f" Did you mean {meant}?" if near else "")


def _fields(tree: type[BaseModel], path: Iterable[int | str]) -> list[str]:
    """Names of the settings below a place of the tree."""
    at: Any = tree
    for part in path:
        if isinstance(at, type) and issubclass(at, BaseModel):
            at = at.model_fields[str(part)].annotation
        else:  # by name or in a list: its own type is what the values have
            at = next((one for one in reversed(get_args(at)) if one is not ...), None)
    return list(at.model_fields) if isinstance(at, type) and issubclass(at, BaseModel) else []


def usual(environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Values from variables that other programs use too; ours win where both are set."""
    found: dict[str, dict[str, str]] = {}
    for variable, section, field in USUAL:
        ours = f"{PREFIX}{section}__{field}".upper()
        if environ.get(variable) and not environ.get(ours):
            found.setdefault(section, {})[field] = environ[variable]
    return found


def refuse_unreadable(file: Path) -> None:
    """What is no mapping in YAML is said without a word of what the file holds."""
    if not file.is_file():
        raise ConfigurationError(f"{PREFIX}CONFIG names {file}, which is no file.")
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigurationError(f"{file} is no YAML: it breaks off{line}.") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ConfigurationError(f"{file} is no YAML in UTF-8.") from None
    if not isinstance(content, dict | None):
        raise ConfigurationError(f"{file} does not hold settings by name.")
