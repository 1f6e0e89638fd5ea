"""What a plan would change: a message with the first lines, and the whole as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.blocks.parts import Block, Message, context, rich, section, verbatim, words
from bot.blocks.text import clean, line, one_line
from engine.domain.preview import Shown, StepPreview

LINES = 20
WIDE = 150
STEPS, TITLE, NOTE = 12, 100, 300
SAID = {Shown.READ: "only looks."}
NOTHING_CHANGED = "Nothing was changed."


def preview(body: Mapping[str, Any]) -> Message:
    """A post body `{"preview": [...], "reference", "version", "asker"}`."""
    steps = of(body)
    name = f"{body.get('reference', '')} v{body.get('version', '')}"
    asked = f", asked by {line(str(body['asker']), 80)}" if body.get("asker") else ""
    head = f"*Dry run of {line(name, 40)}*{asked}. {NOTHING_CHANGED}"
    writes = [each for each in steps if each.shown is not Shown.READ]
    blocks: list[Block] = [section(head)]
    left = LINES
    for each in writes[:STEPS]:
        blocks += of_step(each, left)
        left = max(0, left - len(each.text.splitlines()))
    if len(writes) > STEPS or sum(len(each.text.splitlines()) for each in steps) > LINES:
        blocks.append(context("The rest is in the file below."))
    looks = len(steps) - len(writes)
    if looks:
        blocks.append(context(f"{looks} {'step only looks' if looks == 1 else 'steps only look'}."))
    text = f"Dry run of {line(name, 40)}{asked}. {NOTHING_CHANGED}"
    return {"text": text, "blocks": blocks}


def of(body: Mapping[str, Any]) -> list[StepPreview]:
    """The steps of a post's body."""
    return [StepPreview.model_validate(each) for each in body.get("preview") or []]


def of_step(step: StepPreview, left: int) -> list[Block]:
    """One step: its title, what is to be said, and as many lines of its difference as fit."""
    said = " ".join(filter(None, (step.note, also(step.also))))
    title = f"Step {step.number}: {one_line(step.title, TITLE)}"
    parts: list[list[Block] | Block] = [[words(title, bold=True)]]
    if said:
        parts.append([words(one_line(said, NOTE))])
    shown = difference(step.text)[:left]
    if shown:
        parts.append(verbatim("\n".join(clean(each, WIDE) for each in shown)))
    return [rich(*parts)]


def difference(text: str) -> list[str]:
    """The lines of a difference that people read: git's own book-keeping is left out."""
    return [
        each
        for each in text.splitlines()
        if not each.startswith(("diff --git ", "index ", "old mode ", "new mode "))
    ]


def also(others: Sequence[str]) -> str:
    """What it takes along."""
    return f"It also takes back: {', '.join(others)}." if others else ""


def as_text(name: str, steps: Sequence[StepPreview]) -> str:
    """The whole of it, for files, terminals and programs."""
    parts = [f"What {name} would change. {NOTHING_CHANGED}"]
    for step in steps:
        said = " ".join(filter(None, (step.note or SAID.get(step.shown, ""), also(step.also))))
        parts.append(
            "\n".join(filter(None, (f"Step {step.number}: {step.title}", said, step.text)))
        )
    return clean("\n\n".join(parts), 1_000_000) + "\n"
