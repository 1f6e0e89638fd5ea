"""A message as plain lines: everything a reader sees, and the buttons they can press."""

import re
from collections.abc import Callable
from typing import Any

from bot.local.slack.elements import elements_of
from bot.local.slack.model import Json

ENTITY = re.compile(r"&(amp|lt|gt);")
CHARACTER = {"amp": "&", "lt": "<", "gt": ">"}
MARK = {"pending": "( )", "in_progress": "(~)", "complete": "(x)", "error": "(!)"}


def plain(message: Json) -> str:
    """All text of a message or a view. Blocks hide the fallback text, as in Slack's clients."""
    title = [shown(message["title"])] if message.get("title") else []
    blocks = message.get("blocks") or []
    lines = [*title, *(line for block in blocks for line in lines_of(block))]
    if not blocks and message.get("text"):
        lines.append(unescaped(message["text"]))
    for attachment in message.get("attachments") or []:
        lines.extend(line for block in attachment.get("blocks") or [] for line in lines_of(block))
        if attachment.get("text"):
            lines.append(unescaped(attachment["text"]))
    lines.extend(f"[file] {file['title']}" for file in message.get("files") or [])
    return "\n".join(line for line in lines if line)


def buttons(message: Json) -> dict[str, tuple[str, str, str | None]]:
    """What can be pressed: its words -> (action_id, block_id, value)."""
    found: dict[str, tuple[str, str, str | None]] = {}
    attached = [b for a in message.get("attachments") or [] for b in a.get("blocks") or []]
    for block, element in elements_of([*(message.get("blocks") or []), *attached]):
        where = (element["action_id"], str(block.get("block_id")))
        if element["type"] in ("button", "workflow_button", "icon_button"):
            found[shown(element["text"])] = (*where, element.get("value"))
        elif element["type"] == "feedback_buttons":
            for side in (element["positive_button"], element["negative_button"]):
                found[shown(side["text"])] = (*where, side["value"])
        elif element["type"] == "overflow":
            for option in element["options"]:
                found[shown(option["text"])] = (*where, option["value"])
    return found


def lines_of(block: Json) -> list[str]:
    """The lines of one block."""
    read = READERS.get(str(block.get("type")))
    return read(block) if read else []


def shown(text: Any) -> str:
    """A text object, or a string."""
    if isinstance(text, dict):
        words = str(text.get("text") or "")
        return unescaped(words) if text.get("type") == "mrkdwn" else words
    return str(text or "")


def unescaped(text: str) -> str:
    """Slack's three entities as characters."""
    return ENTITY.sub(lambda match: CHARACTER[match[1]], text)


def of_section(block: Json) -> list[str]:
    """Text, fields and what stands beside them."""
    fields = [shown(field) for field in block.get("fields") or []]
    return [shown(block.get("text")), *fields, *words_of([block.get("accessory")])]


def of_context(block: Json) -> list[str]:
    """Small print, on one line."""
    words = [each.get("alt_text") or shown(each) for each in block["elements"]]
    return [" ".join(word for word in words if word)]


def of_actions(block: Json) -> list[str]:
    """Buttons, on one line."""
    return [" ".join(words_of(block["elements"]))]


def words_of(elements: list[Any]) -> list[str]:
    """What is written on elements."""
    words = []
    for element in elements:
        if not isinstance(element, dict):
            continue
        if element.get("text"):
            words.append(f"[ {shown(element['text'])} ]")
        elif element.get("placeholder"):
            words.append(f"[ {shown(element['placeholder'])} ]")
        sides = [element[s] for s in ("positive_button", "negative_button") if s in element]
        words.extend(f"[ {shown(side['text'])} ]" for side in sides)
        words.extend(f"[ {shown(option['text'])} ]" for option in element.get("options") or [])
    return words


def of_image(block: Json) -> list[str]:
    """A picture's title and what it shows."""
    return [shown(block.get("title")), str(block.get("alt_text") or "")]


def of_input(block: Json) -> list[str]:
    """A question in a form."""
    return [shown(block["label"]), shown(block.get("hint")), *words_of([block["element"]])]


def of_rich_text(block: Json) -> list[str]:
    """Paragraphs and lists."""
    lines: list[str] = []
    for part in block.get("elements") or []:
        if part.get("type") == "rich_text_list":
            lines.extend(f"- {inline(item['elements'])}" for item in part["elements"])
        else:
            lines.append(inline(part.get("elements") or []))
    return lines


def inline(elements: list[Json]) -> str:
    """Words within a line."""
    return "".join(INLINE.get(each["type"], of_text)(each) for each in elements)


def of_text(element: Json) -> str:
    """Words, or the words of a link."""
    return str(element.get("text") or element.get("url") or "")


INLINE: dict[str, Callable[[Json], str]] = {
    "user": lambda each: f"<@{each['user_id']}>",
    "usergroup": lambda each: f"<!subteam^{each['usergroup_id']}>",
    "channel": lambda each: f"<#{each['channel_id']}>",
    "broadcast": lambda each: f"<!{each['range']}>",
    "emoji": lambda each: f":{each['name']}:",
    "date": lambda each: str(each.get("fallback") or each["timestamp"]),
    "color": lambda each: str(each["value"]),
}


def of_rows(block: Json) -> list[str]:
    """A table, a line for each row."""
    caption = [str(block["caption"])] if block.get("caption") else []
    return [*caption, *(" | ".join(cell(each) for each in row) for row in block["rows"])]


def cell(each: Json) -> str:
    """The words of a table cell."""
    if each["type"] == "rich_text":
        return " ".join(of_rich_text(each))
    return str(each.get("text") or each.get("value") or "")


def of_chart(block: Json) -> list[str]:
    """A chart's title and its numbers."""
    chart = block["chart"]
    lines = [str(block["title"])]
    for series in chart.get("series") or [{"name": "", "data": chart.get("segments") or []}]:
        points = ", ".join(f"{point['label']} {point['value']}" for point in series["data"])
        lines.append(f"{series['name']}: {points}" if series["name"] else points)
    return lines


def of_task(block: Json) -> list[str]:
    """A task, its state and what it says."""
    inner = [line for name in ("details", "output") for line in of_rich_text(block.get(name) or {})]
    sources = [str(source["text"]) for source in block.get("sources") or []]
    return [f"{MARK[block['status']]} {block['title']}", *inner, *sources]


def of_plan(block: Json) -> list[str]:
    """A plan and its tasks."""
    tasks = [line for task in block.get("tasks") or [] for line in of_task(task)]
    return [str(block["title"]), *tasks]


def of_card(block: Json) -> list[str]:
    """A card from top to bottom."""
    words = [shown(block.get(name)) for name in ("title", "subtitle", "body", "subtext")]
    return [*words, " ".join(words_of(block.get("actions") or []))]


def of_container(block: Json) -> list[str]:
    """A frame around other blocks."""
    title = of_rich_text(block.get("rich_text_title") or {})
    inner = [line for child in block["child_blocks"] for line in lines_of(child)]
    return [shown(block.get("title")), *title, shown(block.get("subtitle")), *inner]


READERS: dict[str, Callable[[Json], list[str]]] = {
    "section": of_section,
    "header": lambda block: [shown(block["text"])],
    "alert": lambda block: [shown(block["text"])],
    "markdown": lambda block: [str(block["text"])],
    "context": of_context,
    "actions": of_actions,
    "context_actions": of_actions,
    "image": of_image,
    "video": of_image,
    "input": of_input,
    "rich_text": of_rich_text,
    "table": of_rows,
    "data_table": of_rows,
    "data_visualization": of_chart,
    "task_card": of_task,
    "plan": of_plan,
    "card": of_card,
    "carousel": lambda block: [line for card in block["elements"] for line in of_card(card)],
    "container": of_container,
}
