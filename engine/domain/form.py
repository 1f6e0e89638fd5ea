"""The inputs of a plan's steps as a person fills them in."""

from typing import Literal

from engine.domain.model import Json, Model
from engine.domain.plan import PlanVersion


class InputField(Model):
    """One input of an action. `about` says what is wanted; `longest` bounds what is typed."""

    name: str
    about: str = ""
    kind: Literal["text", "choice"] = "text"
    choices: tuple[str, ...] = ()
    longest: int = 200
    optional: bool = False


class StepForm(Model):
    """A step's fields with their values now; an empty value is none."""

    number: int
    title: str
    fields: tuple[InputField, ...]
    values: dict[str, Json] = {}


class PlanForm(Model):
    """A version with the forms of its steps."""

    version: PlanVersion
    steps: tuple[StepForm, ...]
