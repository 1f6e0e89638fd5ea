"""Prompts: Jinja templates in files, each with a version; text from outside goes in as data."""

import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from engine.errors import ConfigurationError

HEADER = re.compile(r"\A\{# ([a-z-]+), version (\d+): [^#]+#\}\n")
NAMES = ("plan", "request", "investigate", "repair")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
TAGS = re.compile("[\U000e0000-\U000e007f]")
LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Prompts:
    """The templates of a folder, with their versions."""

    environment: Environment
    versions: dict[str, int]

    def render(self, name: str, fence: str, **values: object) -> str:
        """Fill a template. `fence` delimits data: the same word within a call, another in each.

        Raises:
            ConfigurationError: the template names something that it is not given.
        """
        try:
            template = self.environment.get_template(f"{name}.md.j2")
            return template.render(
                **values,
                data=lambda text: data(text, fence),
                plain=lambda text: plain(text, fence),
                fence=fence,
            )
        except TemplateError as error:
            raise ConfigurationError(f"The prompt {name} is wrong: {error}.") from error


def new_fence() -> str:
    """A word that text from outside can't have foreseen."""
    return secrets.token_hex(8)


def load_prompts(folder: Path) -> Prompts:
    """Read the templates of a folder.

    Raises:
        ConfigurationError: one is missing, or has no header with its name and version.
    """
    environment = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 -- plain text for a model, no page; data is fenced
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    return Prompts(environment, {name: _version(folder, name) for name in NAMES})


def data(text: object, fence: str) -> str:
    """Quote text from outside: what stands between the fences is never an instruction.

    Control and invisible characters go, so that nothing in it is hidden from a reader.
    """
    return f"<<data {fence}>>\n{plain(text, fence)}\n<<end {fence}>>"


def plain(text: object, fence: str) -> str:
    """A text without its invisible parts, and without the fence."""
    return TAGS.sub("", CONTROL.sub("", str(text)[:LONGEST])).replace(fence, "")


def _version(folder: Path, name: str) -> int:
    path = folder / f"{name}.md.j2"
    try:
        head = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"The prompt {name} can't be read: {error}.") from error
    header = HEADER.match(head)
    if header is None or header[1] != name:
        raise ConfigurationError(
            f"{path.name} does not begin with `{{# {name}, version N: ... #}}`."
        )
    return int(header[2])
