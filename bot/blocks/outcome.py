"""The new message for what a person must notice: a decision is needed, or it is over."""

from datetime import datetime

from bot.blocks import moments
from bot.blocks.answer import rating
from bot.blocks.parts import Message, section
from bot.blocks.status import status
from bot.blocks.text import line, told
from engine.domain.execution import ExecutionState, StepState
from engine.domain.plan import VersionState
from engine.domain.views import PlanView


def outcome(view: PlanView, since: datetime | None = None) -> Message:
    """One paragraph; the card above holds the buttons and the detail.

    `since`: it is a reminder of what people have been asked at that time.
    """
    text = f"{status(view)}\n{line(view.version.title)} ({line(view.version.reference)})"
    if view.execution and view.execution.choices and not view.execution.state.ended:
        waits = f"It has waited since {moments.time(since)}. " if since else ""
        text += f". {waits}Decide on the card of this thread.{called(view)}"
    blocks = [section(text)]
    if view.execution and view.execution.state.ended:
        version = view.version
        blocks.append(rating(f"plan:{version.plan_id}:{version.version}"))
    return {"text": text, "blocks": blocks}


def reminder(view: PlanView, since: datetime) -> Message:
    """What waits for approval, once more; later, what became of it."""
    text = f"{status(view)}\n{line(view.version.title)} ({line(view.version.reference)})"
    if view.state is VersionState.WAITING:
        text = f":bell: *Still waiting*, since {moments.time(since)}.\n{text}."
        text += " Decide on the card of this thread."
    return {"text": text, "blocks": [section(text)]}


def called(view: PlanView) -> str:
    """What is in between, or not known, calls those who can decide on it."""
    execution = view.execution
    if execution is None or not view.groups:
        return ""
    unknown = any(step.state is StepState.UNKNOWN for step in execution.steps)
    if not unknown and execution.state is not ExecutionState.ROLLBACK_FAILED:
        return ""
    return f" {' '.join(told(group, 100) for group in view.groups)}"
