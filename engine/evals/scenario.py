"""A scenario: a request, what the tools would say, and what a good answer does and does not do."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from engine.documents import read_yaml
from engine.domain.context import ContextRef
from engine.domain.model import Json, Model
from engine.domain.passage import Passage
from engine.errors import ConfigurationError

Kind = Literal["plan", "answer", "question", "refuse", "remark"]
ActionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*\.[a-z][a-z0-9_]*$", max_length=100)]


class Asked(Model):
    """Who asks and what. The text of an alert is its own words; `labels` are its labels."""

    by: Literal["person", "alert"] = "person"
    name: str = "Dana"
    text: str
    labels: dict[str, str] = Field(default_factory=dict)
    said_before: tuple[str, ...] = ()


class Canned(Model):
    """What a tool says. The first entry counts whose `when` is part of the call's input."""

    action: ActionName
    when: dict[str, Json] = Field(default_factory=dict)
    facts: dict[str, str] = Field(default_factory=dict)
    says: str = ""
    fails: str = ""


class WantedStep(Model):
    """A step that has to be there, in this order among others; `input` is part of its input."""

    action: ActionName
    input: dict[str, Json] = Field(default_factory=dict)
    checks: bool | None = None


class Must(Model):
    """What a good answer does. `says` are patterns; `rules_out` are causes it has to exclude."""

    kind: tuple[Kind, ...] = ()
    steps: tuple[WantedStep, ...] = ()
    looks: tuple[ActionName, ...] = ()
    says: tuple[str, ...] = ()
    rules_out: tuple[str, ...] = ()
    service: str = ""
    ends_with_check: bool = False
    labelled: bool | None = None


class MustNot(Model):
    """What no answer may do; `steps` and `looks` are patterns like `kubectl.*`."""

    kind: tuple[Kind, ...] = ()
    steps: tuple[str, ...] = ()
    looks: tuple[str, ...] = ()
    says: tuple[str, ...] = ()


class Turn(Model):
    """One recorded reply of a model: reads that it asks for, or its answer."""

    calls: tuple[tuple[str, dict[str, Json]], ...] = ()
    answer: Json = None
    words: str = ""


class Scenario(Model):
    """One file. Without `recorded` the planner without a model is meant."""

    name: str = ""
    title: str
    world: str = "shop"
    request: Asked
    context: ContextRef = ContextRef()
    tools: tuple[Canned, ...] = ()
    knowledge: tuple[Passage, ...] = ()
    must: Must = Must()
    must_not: MustNot = MustNot()
    recorded: tuple[Turn, ...] = ()
    note: str = ""


def load_scenarios(folder: Path) -> list[Scenario]:
    """All of a folder, by name.

    Raises:
        ConfigurationError: there are none, or one is wrong; the text says where.
    """
    found = [_scenario(path) for path in sorted(folder.glob("*.yaml"))]
    if not found:
        raise ConfigurationError(f"There are no scenarios in {folder.name}.")
    return found


def _scenario(path: Path) -> Scenario:
    try:
        scenario = Scenario.model_validate(read_yaml(path))
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)[:5]
        )
        raise ConfigurationError(f"{path.name} is wrong: {wrong}.") from None
    return scenario.model_copy(update={"name": path.stem})
