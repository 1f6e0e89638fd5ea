"""Names of the environment: which are ours, which others use too, and what a wrong one meant."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

import yaml

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


def refuse_unknown(environ: Mapping[str, str], sections: Iterable[str]) -> None:
    """A mistyped top-level name would be ignored in silence; say it instead."""
    known = {f"{PREFIX}{name.upper()}" for name in sections}
    known |= {f"{PREFIX}CONFIG", f"{PREFIX}SECRETS"}
    ours = (name for name in environ if name.startswith(PREFIX) and not name.startswith(INJECTED))
    wrong = sorted(name for name in ours if name.split("__", 1)[0] not in known)
    if wrong:
        near = get_close_matches(wrong[0].split("__", 1)[0], known, n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        verb = "is no setting" if len(wrong) == 1 else "are no settings"
        raise ConfigurationError(
            f"{', '.join(wrong)} {verb}.{meant} Unset what is wrong; `carapulse doctor --settings` "
            "then lists all there are."
        )


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
