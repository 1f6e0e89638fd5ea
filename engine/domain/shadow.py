"""What a candidate of the policy would answer, beside what was answered."""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Self

from engine.domain.actor import Actor
from engine.domain.model import Model
from engine.domain.plan import Constraints, Requirements
from engine.domain.policy import Answer, Question, Ruling

REASONS, LONGEST = 8, 300
Mask = Callable[[str], str]


class Shape(Model):
    """A question without ids, names and anybody's words; what differs is told by its kind."""

    action: str
    actor: str
    groups: tuple[str, ...] = ()
    environment: str = ""
    service: str = ""
    risk: str = ""
    stage: str = ""
    origin: str = ""
    surface: str = ""
    own: bool = False
    writes: bool | None = None
    resources: tuple[str, ...] = ()

    @classmethod
    def of(cls, question: Question) -> Self:
        """The kind of this question; whatever is no short word is left out."""
        facts, actor = question.facts, question.actor
        writes = facts.get("writes")
        shaped = (facts.get("requester"), *_listed(facts.get("editors")))
        return cls(
            action=question.action.value,
            actor=_kind(actor),
            groups=tuple(sorted(actor.groups))[:20],
            environment=(question.context.environment or "")[:64],
            service=(question.context.service or "")[:64],
            risk=question.risk,
            stage=_word(facts.get("stage")),
            origin=_word(facts.get("origin")),
            surface=_word(facts.get("surface")),
            own=actor.id in shaped,
            writes=writes if isinstance(writes, bool) else None,
            resources=tuple(sorted({f"{one.name} {one.effect}" for one in question.resources}))[
                :10
            ],
        )


class Said(Model):
    """An answer, as far as it is compared."""

    decision: Answer
    requirements: Requirements = Requirements()
    constraints: Constraints = Constraints()
    reasons: tuple[str, ...] = ()

    @classmethod
    def of(cls, ruling: Ruling) -> Self:
        """All that a difference can lie in."""
        return cls(
            decision=ruling.decision,
            requirements=ruling.requirements,
            constraints=ruling.constraints,
            reasons=ruling.reasons,
        )

    def masked(self, mask: Mask) -> "Said":
        """The same, fit to be kept: reasons may repeat what was asked."""
        reasons = tuple(mask(one)[:LONGEST] for one in self.reasons[:REASONS])
        hold = tuple(mask(one)[:LONGEST] for one in self.constraints.hold[:REASONS])
        limits = self.constraints.model_copy(update={"hold": hold})
        return self.model_copy(update={"reasons": reasons, "constraints": limits})


class Difference(Model):
    """A kind of question that the candidate answers differently, and how often it came."""

    question: Shape
    live: Said
    shadow: Said
    count: int
    since: datetime
    at: datetime

    @property
    def key(self) -> str:
        """Equal for what is shown as one."""
        parts = (self.question, self.live, self.shadow)
        return sha256("\0".join(one.model_dump_json() for one in parts).encode()).hexdigest()


class Tally(Model):
    """What has happened to a candidate; `problem` says why it is not asked."""

    candidate: str
    asked: int = 0
    different: int = 0
    dropped: int = 0
    failed: int = 0
    problem: str = ""
    since: datetime
    at: datetime


class Shadowed(Model):
    """A candidate with its differences, those that come most often first."""

    tally: Tally
    differences: tuple[Difference, ...] = ()


def _kind(actor: Actor) -> str:
    """`person`, or the name of our own service; programs of others are one kind."""
    if actor.kind.value == "person":
        return "person"
    return actor.id if actor.id.startswith("service:") else "program"


def _word(given: object) -> str:
    return given[:40] if isinstance(given, str) else ""


def _listed(given: object) -> list[object]:
    return list(given) if isinstance(given, list) else []
