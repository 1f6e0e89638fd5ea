"""Playbooks: what to look at and what to propose, as files that a team writes."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from engine.documents import parse_yaml, read_yaml
from engine.domain.model import Model, Name, Sentence
from engine.domain.outline import Action, Look
from engine.domain.placeholders import mistakes, placeholders
from engine.errors import ConfigurationError, Invalid

ROOTS = ("service", "context", "evidence", "request", "change", "found")


class Does(StrEnum):
    """The request of the grammar that a playbook answers; none: only its phrases and alerts."""

    ROLL_BACK = "roll_back"
    RESTORE = "restore"
    SET_VALUE = "set_value"
    NOTHING = ""


class Playbook(Model):
    """One playbook.

    The grammar's sentences know these names of readings: `health` (status, error_rate, ready,
    instances, revision), `error_rate` (value), `changes` (git.log), `last_change` (git.show),
    `trend` (times, values of the error rate), `latency` (value).
    """

    title: Name
    does: Does = Does.NOTHING
    phrases: tuple[Name, ...] = ()
    alert: dict[str, str] = Field(default_factory=dict)
    needs: tuple[Name, ...] = ()
    look: tuple[Look, ...] = ()
    plan_title: Sentence
    why: Sentence = ""
    steps: Annotated[tuple[Action, ...], Field(min_length=1, max_length=50)]

    def matches(self, labels: dict[str, str]) -> bool:
        """Whether an alert with these labels asks for it."""
        return bool(self.alert) and all(
            labels.get(name) == value for name, value in self.alert.items()
        )


def load_playbooks(folder: Path) -> tuple[Playbook, ...]:
    """Read all `*.yaml` of a folder, by name.

    Raises:
        ConfigurationError: a file is wrong, or two have one title.
    """
    playbooks = tuple(_load(path) for path in sorted(folder.glob("*.yaml")))
    titles: set[str] = set()
    for playbook in playbooks:
        if playbook.title in titles:
            raise ConfigurationError(f"Two playbooks are called {playbook.title!r}.")
        titles.add(playbook.title)
    return playbooks


def build_playbook(content: Any, name: str) -> Playbook:
    """Check the content of one playbook; `name` is what errors call it."""
    try:
        playbook = Playbook.model_validate(content)
    except ValidationError as error:
        wrong = [
            f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)[:10]
        ]
        raise ConfigurationError(f"{name} is wrong: {'; '.join(wrong)}.") from None
    if wrong := list(_mistakes(playbook)):
        raise ConfigurationError(f"{name} is wrong: {'; '.join(wrong)}.")
    return playbook


def checked_title(text: str) -> str:
    """The title of a playbook that somebody sent. Raises `Invalid` that says what is wrong."""
    try:
        return build_playbook(parse_yaml(text, "The playbook"), "The playbook").title
    except ConfigurationError as error:
        raise Invalid(str(error), {"body": str(error)}) from None


def _load(path: Path) -> Playbook:
    return build_playbook(read_yaml(path), path.name)


def _mistakes(playbook: Playbook) -> Iterator[str]:
    names = [look.name for look in playbook.look]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"two readings are called {name}"
    content = playbook.model_dump(mode="json", exclude={"look"})
    wanted = [path for one in _actions(playbook) for path in one.when]
    looks = playbook.model_dump(mode="json", include={"look"})
    for text in (*mistakes(content), *mistakes(looks)):
        yield f"{text!r} has a brace that is no placeholder"
    for path in (*placeholders(content), *placeholders(looks), *playbook.needs, *wanted):
        yield from _wrong_path(path, names)


def _actions(playbook: Playbook) -> Iterator[Action]:
    for action in (*playbook.look, *playbook.steps):
        yield from action.alternatives()


def _wrong_path(path: str, names: Sequence[str]) -> Iterator[str]:
    root, *rest = path.split(".")
    if root not in ROOTS or not rest:
        yield f"{{{path}}} is no placeholder (there are {', '.join(ROOTS)})"
    elif root == "evidence" and (len(rest) != 2 or rest[0] not in names):
        yield f"{{{path}}} names no reading of this playbook"
