"""Slack's limits on messages and views, counted before Slack does.

The sum over all blocks is not documented; Slack has refused messages of about 11,300 characters,
so ours stop at 9,000.
"""

from typing import Any

from bot.blocks.chart import DRAWN, in_words
from bot.blocks.parts import Message, section
from bot.blocks.plainly import plainly
from bot.blocks.text import shorten

BLOCKS = 50
HOME_BLOCKS = 100
CHARACTERS = 9_000
FALLBACK = 3_500
TASKS = 50
LENGTHS = {
    "header": 150,
    "section": 3000,
    "button": 75,
    "option": 75,
}
COUNTS = {"actions": 25, "context": 10, "plan": TASKS}
SHOWN = frozenset({"text", "title", "caption", "subtitle"})


def problems(blocks: list[dict[str, Any]], most: int = BLOCKS) -> list[str]:
    """Everything that Slack would refuse, in words; empty when it fits."""
    found = [f"{len(blocks)} blocks, {most} are allowed"] if len(blocks) > most else []
    if most == BLOCKS and (length := characters(blocks)) > CHARACTERS:
        found.append(f"{length} characters, {CHARACTERS} are allowed")
    for index, block in enumerate(blocks):
        found += [f"block {index}: {each}" for each in wrong_with(block)]
    return found


def wrong_with(block: dict[str, Any]) -> list[str]:
    """Counts and lengths of one block and of what it holds."""
    kind = str(block.get("type"))
    held = block.get("elements") or block.get("tasks") or []
    found = []
    if not held and kind in COUNTS:
        found.append(f"{kind} is empty")
    if len(held) > COUNTS.get(kind, 500):
        found.append(f"{kind} holds {len(held)}")
    own = block.get("text")
    text = own.get("text", "") if isinstance(own, dict) else ""
    if len(text) > LENGTHS.get(kind, 12_000):
        found.append(f"{kind} has {len(text)} characters")
    for inner in held:
        found += wrong_with(inner)
    return found


def characters(value: Any) -> int:
    """Characters that a reader sees, summed over everything inside."""
    if isinstance(value, list):
        return sum(characters(each) for each in value)
    if not isinstance(value, dict):
        return 0
    own = sum(len(text) for name, text in value.items() if name in SHOWN and isinstance(text, str))
    return own + sum(characters(each) for each in value.values())


def fitting(message: Message) -> Message:
    """The message, or its plain form when Slack would refuse it."""
    return plain_form(message) if problems(message.get("blocks", [])) else message


def has_drawings(message: Message) -> bool:
    """Whether it holds charts or tables, which not every workspace has."""
    return any(block.get("type") in DRAWN for block in message.get("blocks", []))


def undrawn(message: Message) -> Message:
    """The same with its tables as words and without its charts, which go along as pictures."""
    blocks: list[dict[str, Any]] = []
    for block in message.get("blocks", []):
        blocks += in_words(block) if block.get("type") in DRAWN else [block]
    return {**message, "blocks": blocks}


def plain_form(message: Message) -> Message:
    """The same in paragraphs and buttons; the sentence and the buttons where that is too much."""
    blocks = plainly(message.get("blocks", []))
    if blocks and not problems(blocks):
        return {**message, "blocks": blocks}
    return shortest(message)


def shortest(message: Message) -> Message:
    """The sentence and the buttons: what always goes through."""
    text = shorten(str(message.get("text", "")), FALLBACK)
    rows = [block for block in message.get("blocks", []) if block.get("type") == "actions"]
    kept = [row for row in rows if not wrong_with(row)][:5]
    return {**message, "text": text, "blocks": [section(shorten(text, 2900)), *kept]}


def text_only(message: Message) -> Message:
    """The sentence alone; the last thing to try."""
    return {**message, "text": shorten(str(message.get("text", "")), FALLBACK), "blocks": []}
