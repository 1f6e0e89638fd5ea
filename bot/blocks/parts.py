"""The few Block Kit parts that our messages are made of."""

from collections.abc import Sequence
from typing import Any

from bot.blocks.text import one_line, shorten

Block = dict[str, Any]
Message = dict[str, Any]

TEXT = 3000
BUTTON = 75
HEADER = 150


def mrkdwn(text: str, limit: int = TEXT) -> Block:
    """Markup made by us; `verbatim` keeps Slack from making links and mentions of its own."""
    return {"type": "mrkdwn", "text": shorten(text, limit) or " ", "verbatim": True}


def plain(text: str, limit: int) -> Block:
    """Text that is shown as it is."""
    return {"type": "plain_text", "text": one_line(inert(text), limit) or " ", "emoji": False}


def inert(text: str) -> str:
    """Words that Slack does not parse; the space is for whoever copies them elsewhere."""
    return text.replace("<!", "< !")


def header(text: str) -> Block:
    """A title."""
    return {"type": "header", "text": plain(text, HEADER)}


def section(text: str) -> Block:
    """A paragraph of markup."""
    return {"type": "section", "text": mrkdwn(text)}


def context(*texts: str) -> Block:
    """Small print; empty texts are left out."""
    return {"type": "context", "elements": [mrkdwn(text, 2000) for text in texts if text]}


def button(
    text: str,
    action: str,
    value: str,
    *,
    style: str = "",
    confirm: Block | None = None,
    url: str = "",
) -> Block:
    """A button; `style` is primary, danger, or nothing. With `url` it leads there."""
    made: Block = {
        "type": "button",
        "action_id": action,
        "text": plain(text, BUTTON),
        "value": value[:2000],
    }
    if style in ("primary", "danger"):
        made["style"] = style
    if confirm:
        made["confirm"] = confirm
    if url:
        made["url"] = url
    return made


def confirm(text: str, yes: str, no: str, title: str = "Are you sure?") -> Block:
    """A dialog before a press counts."""
    return {
        "title": plain(title, 100),
        "text": plain(text, 300),
        "confirm": plain(yes, 30),
        "deny": plain(no, 30),
    }


def actions(buttons: Sequence[Block]) -> list[Block]:
    """A row of buttons; no row when there is none."""
    return [{"type": "actions", "elements": list(buttons)[:25]}] if buttons else []


def words(text: str, *, code: bool = False, bold: bool = False) -> Block:
    """A run of rich text: never parsed by Slack, so safe for any words."""
    made: Block = {"type": "text", "text": inert(text) or " "}
    style = {name: True for name, on in (("code", code), ("bold", bold)) if on}
    return {**made, "style": style} if style else made


def verbatim(text: str) -> Block:
    """A part of rich text in fixed width, with its line breaks."""
    return {"type": "rich_text_preformatted", "elements": [words(text)]}


def rich(*lines: Sequence[Block] | Block) -> Block:
    """Rich text: one section per line, or parts made elsewhere."""
    parts = [
        line if isinstance(line, dict) else {"type": "rich_text_section", "elements": list(line)}
        for line in lines
        if line
    ]
    return {"type": "rich_text", "elements": parts}
