"""The new message for what a person must notice: a decision is needed, or it is over."""

from bot.blocks.answer import rating
from bot.blocks.parts import Message, section
from bot.blocks.status import status
from bot.blocks.text import line
from engine.domain.views import PlanView


def outcome(view: PlanView) -> Message:
    """One paragraph; the card above holds the buttons and the detail."""
    text = f"{status(view)}\n{line(view.version.title)} ({line(view.version.reference)})"
    if view.execution and view.execution.choices and not view.execution.state.ended:
        text += ". Decide on the card of this thread."
    blocks = [section(text)]
    if view.execution and view.execution.state.ended:
        version = view.version
        blocks.append(rating(f"plan:{version.plan_id}:{version.version}"))
    return {"text": text, "blocks": blocks}
