"""What a plan would change, found out by reads before anybody approves it."""

from enum import StrEnum

from engine.domain.call import Call
from engine.domain.model import Model
from engine.domain.plan import PlanVersion


class Preview(Model):
    """The read that shows what a write would change; `on_card` when its card has to tell it."""

    call: Call
    on_card: bool = False


class Pin(Model):
    """The read that a pinned value comes from, and which of its outputs it is."""

    call: Call
    output: str


class Shown(StrEnum):
    """What could be found out about a step."""

    DIFFERENCE = "difference"
    NOTHING = "nothing"
    READ = "read"
    LATER = "later"
    NO_DRY_RUN = "no_dry_run"
    FAILED = "failed"


class StepPreview(Model):
    """What one step would change. `text` is the tool's own difference, `note` a sentence."""

    number: int
    title: str
    shown: Shown
    text: str = ""
    note: str = ""
    also: tuple[str, ...] = ()


class PlanPreview(Model):
    """What a version would change, step by step; nothing was changed to find it out."""

    version: PlanVersion
    steps: tuple[StepPreview, ...]
