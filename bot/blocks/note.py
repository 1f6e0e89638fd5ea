"""Sentences in a thread or for one person, with the buttons that answer them."""

from collections.abc import Mapping
from typing import Any

from bot.blocks.parts import Block, Message, actions, button, section
from bot.blocks.preview import preview
from bot.blocks.text import shorten, told

PIECE = 2800


def note(body: Mapping[str, Any]) -> Message:
    """A post body `{"text", "buttons": [{"text", "action", "value", "style"?, "url"?}]?}`.

    Or a preview.
    """
    if body.get("preview"):
        return preview(body)
    text = told(str(body.get("text", "")), 8000)
    # Slack folds a long section, so what belongs together stands in one of its own.
    parts = [part for part in text.split("\n\n") if part.strip()] or [text]
    blocks = [section(piece) for part in parts for piece in pieces(part)]
    blocks += actions([asked(each) for each in body.get("buttons") or []])
    return {"text": shorten(text, 3500), "blocks": blocks}


def asked(given: Mapping[str, Any]) -> Block:
    """One button of a body."""
    return button(
        str(given["text"]),
        str(given["action"]),
        str(given["value"]),
        style=str(given.get("style") or ""),
        url=str(given.get("url") or ""),
    )


def pieces(text: str) -> list[str]:
    """Parts that each fit a section, cut at line ends where there are any."""
    found = []
    while len(text) > PIECE:
        cut = text.rfind("\n", 1, PIECE)
        cut = cut if cut > 0 else PIECE
        found.append(text[:cut])
        text = text[cut:].lstrip("\n")
    return [*found, text]
