"""What a program asks for, and what has become of it."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from engine.domain.approval import Signed
from engine.domain.call import Expectation
from engine.domain.draft import Draft, DraftState, Evidence, Outcome
from engine.domain.model import Model
from engine.domain.plan import PlanVersion, VersionState

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
Part = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
Value = str | int | bool


class About(Model):
    """What the words are about; the tenant is the deployment's."""

    environment: Key | None = None
    cluster: Key | None = None
    namespace: Key | None = None
    region: Key | None = None
    service: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None


class WantedLimits(Model):
    """What the asker does not want to be exceeded; the policy may ask for less still."""

    max_targets: Annotated[int, Field(ge=1, le=1000)] | None = None
    environments: Annotated[tuple[Key, ...], Field(max_length=20)] = ()


class WantedStep(Model):
    """A step that the asker has written; it is checked like any planner's."""

    tool: Part
    action: Part
    input: Annotated[dict[Part, Value], Field(max_length=40)] = Field(default_factory=dict)
    title: Annotated[str, StringConstraints(max_length=200)] = ""
    why: Annotated[str, StringConstraints(max_length=1000)] = ""
    expect: Expectation | None = None
    group: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{0,30}$")] = ""


class Wanted(Model):
    """A request. With `steps` no planner is asked; `session` is an id or a name."""

    intent: Words
    context: About = About()
    constraints: WantedLimits = WantedLimits()
    session: Annotated[str, StringConstraints(max_length=200)] = ""
    steps: Annotated[tuple[WantedStep, ...], Field(max_length=50)] = ()


class Standing(Model):
    """Where a request stands; `version` is what it became, `plan_state` where that stands."""

    draft: Draft
    outcome: Outcome | None = None
    evidence: tuple[Evidence, ...] = ()
    version: PlanVersion | None = None
    plan_state: VersionState | None = None
    signed: tuple[Signed, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether nothing more comes without somebody's doing."""
        return self.draft.state is not DraftState.OPEN

    @property
    def asking(self) -> bool:
        """Whether the asker has to confirm what the change costs."""
        return self.draft.state is DraftState.ASKING

    @property
    def created_at(self) -> datetime:
        """When what it became was made, or when it was asked."""
        return self.version.created_at if self.version else self.draft.created_at
