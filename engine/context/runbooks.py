"""Runbooks as Markdown files in a folder, with a head of YAML where one is wanted."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pydantic import ValidationError

from engine.documents import parse_yaml
from engine.domain.knowledge import LARGEST_BODY, Words
from engine.errors import ConfigurationError, Invalid

MOST_FILES = 5_000
DEEPEST = 8
HEAD = re.compile(r"\A---[ \t]*\r?\n(.*?\r?\n)---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
TITLE = re.compile(r"^#\s+(.+?)\s*#*\s*$", re.MULTILINE)
FIELDS = ("title", "tags", "services", "environments", "language")


@dataclass(frozen=True, slots=True)
class Shelf:
    """What a folder holds: words by their path inside it, and why a file is left out."""

    runbooks: tuple[tuple[str, Words], ...]
    left_out: tuple[str, ...] = ()


def read_folder(folder: Path, language: str = "english") -> Shelf:
    """Read all `*.md` below a folder; links and hidden folders are not followed.

    Raises:
        ConfigurationError: the folder is not there, or can't be read.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"The runbooks' folder {folder.name} is not there.")
    try:
        paths = list(islice(files(folder), MOST_FILES + 1))
    except OSError as error:
        raise ConfigurationError(
            f"The runbooks' folder {folder.name} can't be read: {type(error).__name__}."
        ) from error
    found: list[tuple[str, Words]] = []
    wrong: list[str] = []
    for path in paths:
        name = path.relative_to(folder).as_posix()
        if len(found) >= MOST_FILES:
            wrong.append(f"{name}: there are more than {MOST_FILES} files")
            break
        try:
            found.append((name, parse_runbook(content(path), name, language)))
        except (ConfigurationError, Invalid) as error:
            wrong.append(str(error))
    return Shelf(tuple(found), tuple(wrong))


def parse_runbook(text: str, name: str, language: str = "english") -> Words:
    """One file. Its title is that of its head, else its first heading, else its name.

    Raises:
        Invalid: its head is no YAML, or holds what is not known.
    """
    head, body = split(text, name)
    unknown = sorted(set(head) - set(FIELDS))
    if unknown:
        raise Invalid(f"{name}: {', '.join(unknown)} is not known; there are {', '.join(FIELDS)}.")
    heading = TITLE.search(body)
    stem = Path(name).stem.replace("-", " ").replace("_", " ")
    title = head.get("title") or (heading[1] if heading else stem)
    given = {"language": language, **head, "title": str(title)[:200], "body": body.strip("\r\n")}
    try:
        return Words.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise Invalid(f"{name}: {where}: {first['msg']}.") from None


def split(text: str, name: str) -> tuple[dict[str, object], str]:
    """The head as data, and the rest."""
    match = HEAD.match(text)
    if match is None:
        return {}, text
    try:
        head = parse_yaml(match[1], name)
    except ConfigurationError as error:
        raise Invalid(str(error)) from None
    if not isinstance(head, dict | None):
        raise Invalid(f"{name}: its head must hold fields by name.")
    return {str(key): value for key, value in (head or {}).items()}, text[match.end() :]


def content(path: Path) -> str:
    """The text of a file. Raises `Invalid` for what is too large, or no text."""
    try:
        if path.stat().st_size > LARGEST_BODY + 4_000:
            raise Invalid(f"{path.name}: it is larger than {LARGEST_BODY // 1000} kB.")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path.name}: it can't be read: {type(error).__name__}.") from error


def files(folder: Path, depth: int = 0) -> Iterator[Path]:
    """Markdown files, by name; never through a link."""
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or path.name.startswith("."):
            continue
        if path.is_dir() and depth < DEEPEST:
            yield from files(path, depth + 1)
        elif path.suffix.lower() == ".md" and path.is_file():
            yield path
