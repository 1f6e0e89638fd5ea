"""The same in sections and buttons alone, for a Slack that refuses a newer kind of block."""

from collections.abc import Iterator
from typing import Any

from bot.blocks.chart import DRAWN, in_words
from bot.blocks.parts import Block, section
from bot.blocks.text import escape, shorten

ROOM = 2_900
MARKS = {"complete": "done", "in_progress": "running", "error": "failed"}


def plainly(blocks: list[Block]) -> list[Block]:
    """What each block says, as paragraphs; rows of buttons stay as they are."""
    return [made for block in blocks for made in in_sections(block)]


def in_sections(block: Block) -> list[Block]:
    """One block in plain ones; nothing where it has no words."""
    kind = block.get("type")
    if kind in ("section", "actions"):
        return [block]
    if kind in DRAWN:
        return plainly(in_words(block))
    if kind == "plan":
        return paragraphs([task_in_words(each) for each in block.get("tasks", [])])
    if kind == "header":
        return paragraphs([f"*{escape(block['text']['text'])}*"])
    return paragraphs(["\n".join(words(block))])


def paragraphs(texts: list[str]) -> list[Block]:
    """As few sections as hold these texts; one that is too long is cut."""
    made: list[str] = []
    for text in (shorten(each, ROOM) for each in texts if each.strip()):
        if made and len(made[-1]) + len(text) + 1 <= ROOM:
            made[-1] += f"\n{text}"
        else:
            made.append(text)
    return [section(each) for each in made]


def task_in_words(task: Block) -> str:
    """`*1 Write pool_size = 20* (done)`, with what runs below it."""
    mark = MARKS.get(str(task.get("status")), "")
    title = f"*{escape(str(task.get('title', '')))}*" + (f" ({mark})" if mark else "")
    said = "\n".join([*words(task.get("details")), *words(task.get("output"))])
    return f"{title}\n{said}" if said else title


def words(value: Any) -> Iterator[str]:
    """Every text inside, a line for each part; markup of ours stays, rich text is escaped."""
    if isinstance(value, list):
        for each in value:
            yield from words(each)
    elif isinstance(value, dict):
        kind = value.get("type")
        if kind == "mrkdwn":
            yield str(value.get("text", ""))
        elif kind in ("rich_text_section", "rich_text_preformatted"):
            text = "".join(str(each.get("text", "")) for each in value.get("elements", []))
            yield (
                f"`{escape(text)}`" if "preformatted" in kind and "\n" not in text else escape(text)
            )
        else:
            yield from words(value.get("elements"))
