"""Readings and steps with placeholders, as playbooks and workflows write them."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from engine.domain.call import Comparison
from engine.domain.model import Json, Model, Name, Sentence


class Expected(Model):
    """An `Expectation` with placeholders."""

    output: Name
    comparison: Comparison = Comparison.EQUALS
    value: Name
    within_seconds: Annotated[int, Field(ge=0, le=3600)] = 0
    hold_seconds: Annotated[int, Field(ge=0, le=3600)] = 0
    unit: str = ""
    label: str = ""


class Action(Model):
    """A tool action with an input template.

    `otherwise` is taken where it can't be filled, or where something that `when` names is not
    known. Reads next to each other with the same `group` run side by side.
    """

    tool: Name
    action: Name
    input: dict[str, Json] = Field(default_factory=dict)
    title: Sentence
    why: Sentence = ""
    expect: Expected | None = None
    group: Annotated[str, Field(pattern=r"^[a-z0-9-]{0,30}$")] = ""
    when: tuple[Name, ...] = ()
    otherwise: "Action | None" = None

    def alternatives(self) -> Iterator["Action"]:
        """Itself, then what to take instead, in order."""
        current: Action | None = self
        while current is not None:
            yield current
            current = current.otherwise


class Look(Action):
    """A reading. `name` is how its result is called, `unit` what its number counts."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,30}$")]
    unit: str = ""
