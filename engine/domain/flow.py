"""What is worked on without Temporal: one drafting or one version's execution."""

from enum import StrEnum

from engine.domain.model import Model


class FlowKind(StrEnum):
    """Which of the two loops it is."""

    DRAFT = "draft"
    EXECUTION = "execution"


class FlowKey(Model):
    """`subject` is the request or the plan; an older epoch of it may change nothing."""

    kind: FlowKind
    subject: str
    version: int = 0
    epoch: int = 0


class HeldFlow(Model):
    """A flow in one worker's hands, since it had been woken `wakes` times; `fence` says whose."""

    key: FlowKey
    fence: int
    wakes: int
