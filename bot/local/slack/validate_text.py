"""Rules for text objects and rich text."""

from typing import Any

from bot.local.slack.checks import (
    Check,
    Report,
    boolean,
    by_type,
    integer,
    items,
    number,
    one_of,
    string,
    thing,
)

ANY_LENGTH = 1_000_000
URL = string(3000)
TYPE = string(64)
STYLE = thing(
    {},
    dict.fromkeys(
        (
            "bold",
            "italic",
            "strike",
            "code",
            "underline",
            "highlight",
            "client_highlight",
            "unlink",
        ),
        boolean,
    ),
)


def plain(most: int, *, least: int = 1) -> Check:
    """A plain_text object."""
    return by_type({"plain_text": plain_fields(most, least)})


def any_text(most: int, *, least: int = 1) -> Check:
    """A plain_text or mrkdwn object."""
    mrkdwn = thing({"type": TYPE, "text": string(most, least=least)}, {"verbatim": boolean})
    return by_type({"plain_text": plain_fields(most, least), "mrkdwn": mrkdwn})


def plain_fields(most: int, least: int) -> Check:
    """Fields of plain text."""
    return thing({"type": TYPE, "text": string(most, least=least)}, {"emoji": boolean})


def inline(**fields: Check) -> Check:
    """One inline element of rich text, which may carry a style."""
    return thing({"type": TYPE, **fields}, {"style": STYLE})


def linked(value: Any, at: str, report: Report) -> None:
    """A link; its text is optional."""
    thing(
        {"type": TYPE, "url": URL},
        {"text": string(ANY_LENGTH), "style": STYLE, "unsafe": boolean},
    )(value, at, report)


INLINE = by_type(
    {
        "text": inline(text=string(ANY_LENGTH)),
        "link": linked,
        "user": inline(user_id=string(64)),
        "usergroup": inline(usergroup_id=string(64)),
        "channel": inline(channel_id=string(64)),
        "broadcast": inline(range=one_of("here", "channel", "everyone")),
        "color": inline(value=string(16)),
        "emoji": thing(
            {"type": TYPE, "name": string(255)},
            {"unicode": string(64), "skin_tone": integer(1, 6), "style": STYLE},
        ),
        "date": thing(
            {"type": TYPE, "timestamp": number, "format": string(255)},
            {"url": URL, "fallback": string(255), "style": STYLE},
        ),
    }
)
LINES = items(INLINE, 2000, least=0)
BORDER = integer(0, 1)
SECTION = thing({"type": TYPE, "elements": LINES})
RICH_PART = by_type(
    {
        "rich_text_section": SECTION,
        "rich_text_quote": thing({"type": TYPE, "elements": LINES}, {"border": BORDER}),
        "rich_text_preformatted": thing(
            {"type": TYPE, "elements": LINES}, {"border": BORDER, "language": string(64)}
        ),
        "rich_text_list": thing(
            {
                "type": TYPE,
                "style": one_of("bullet", "ordered"),
                "elements": items(by_type({"rich_text_section": SECTION}), 500),
            },
            {"indent": integer(0, 8), "offset": integer(0, 10_000), "border": BORDER},
        ),
    }
)
RICH_FIELDS: dict[str, Check] = {"type": TYPE, "elements": items(RICH_PART, 500)}
RICH_TEXT = by_type({"rich_text": thing(RICH_FIELDS, {"block_id": string(255)})})
