"""Rules for each block type, and where it may stand."""

from typing import Any

from bot.local.slack.checks import (
    Check,
    Report,
    boolean,
    both,
    by_type,
    integer,
    items,
    one_field,
    one_of,
    string,
    thing,
    unique,
)
from bot.local.slack.validate_data import DATA_TABLE, DATA_VISUALIZATION, TABLE
from bot.local.slack.validate_elements import (
    IMAGE,
    IN_ACTIONS,
    IN_CARD,
    IN_CONTEXT_ACTIONS,
    IN_INPUT,
    IN_SECTION,
    SLACK_FILE,
)
from bot.local.slack.validate_text import RICH_FIELDS, RICH_TEXT, TYPE, URL, any_text, plain

MESSAGE, MODAL, HOME = "message", "modal", "home"
EVERYWHERE = (MESSAGE, MODAL, HOME)
BLOCK_ID = string(255)


def block(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    """A block with its type and an optional id."""
    return thing({"type": TYPE, **required}, {"block_id": BLOCK_ID, **(optional or {})})


def remote_only(value: Any, at: str, report: Report) -> None:
    """A file block shows a remote file."""
    one_of("remote")(value, at, report)


def not_pending(value: Any, at: str, report: Report) -> None:
    """A task card outside a plan has started."""
    if isinstance(value, dict) and value.get("status") == "pending":
        report.add(f"{at}/status", "a task_card outside a plan may not be pending", "invalid_enum")


SOURCES = items(thing({"type": one_of("url"), "url": URL, "text": string(3000)}), 50)
TASK = block(
    {
        "task_id": string(255),
        "title": string(3000),
        "status": one_of("pending", "in_progress", "complete", "error"),
    },
    {"details": RICH_TEXT, "output": RICH_TEXT, "sources": SOURCES},
)
CARD = both(
    block(
        {},
        {
            "hero_image": IMAGE,
            "icon": IMAGE,
            "slack_icon": thing({"type": TYPE}, {"name": string(64)}),
            "title": any_text(150),
            "subtitle": any_text(150),
            "body": any_text(200),
            "subtext": any_text(200),
            "actions": items(IN_CARD, 3),
        },
    ),
    one_field("hero_image", "title", "actions", "body"),
)
SIMPLE: dict[str, tuple[tuple[str, ...], Check]] = {
    "section": (
        EVERYWHERE,
        both(
            block(
                {},
                {
                    "text": any_text(3000),
                    "fields": items(any_text(2000), 10),
                    "accessory": IN_SECTION,
                    "expand": boolean,
                },
            ),
            one_field("text", "fields"),
        ),
    ),
    "header": (EVERYWHERE, block({"text": plain(150)}, {"level": integer(1, 4)})),
    "context": (
        EVERYWHERE,
        block(
            {
                "elements": items(
                    by_type(
                        {"image": IMAGE, "plain_text": any_text(3000), "mrkdwn": any_text(3000)}
                    ),
                    10,
                )
            }
        ),
    ),
    "actions": (
        EVERYWHERE,
        block({"elements": both(items(IN_ACTIONS, 25), unique("action_id"))}),
    ),
    "divider": (EVERYWHERE, block({})),
    "image": (
        EVERYWHERE,
        both(
            block(
                {"alt_text": string(2000)},
                {"image_url": URL, "slack_file": SLACK_FILE, "title": plain(2000)},
            ),
            one_field("image_url", "slack_file"),
        ),
    ),
    "video": (
        EVERYWHERE,
        block(
            {
                "alt_text": string(2000),
                "title": plain(200),
                "video_url": URL,
                "thumbnail_url": URL,
            },
            {
                "title_url": URL,
                "description": plain(200),
                "provider_icon_url": URL,
                "provider_name": string(50),
                "author_name": string(50),
            },
        ),
    ),
    "file": ((MESSAGE,), block({"external_id": string(255), "source": remote_only})),
    "input": (
        EVERYWHERE,
        block(
            {"label": plain(2000), "element": IN_INPUT},
            {"hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
        ),
    ),
    "rich_text": (EVERYWHERE, block({"elements": RICH_FIELDS["elements"]})),
    "markdown": ((MESSAGE,), block({"text": string(12_000)})),
    "table": ((MESSAGE, HOME), TABLE),
    "data_table": ((MESSAGE, HOME), DATA_TABLE),
    "data_visualization": ((MESSAGE, HOME), DATA_VISUALIZATION),
    "context_actions": (
        (MESSAGE,),
        block({"elements": both(items(IN_CONTEXT_ACTIONS, 5), unique("action_id"))}),
    ),
    "task_card": ((MESSAGE,), both(TASK, not_pending)),
    "plan": (
        (MESSAGE,),
        block(
            {"title": string(3000)},
            {"tasks": both(items(by_type({"task_card": TASK}), 50, least=0), unique("task_id"))},
        ),
    ),
    "alert": (
        (MODAL,),
        block(
            {"text": any_text(200)},
            {"level": one_of("default", "info", "warning", "error", "success")},
        ),
    ),
    "card": (EVERYWHERE, CARD),
    "carousel": ((MESSAGE, HOME), block({"elements": items(by_type({"card": CARD}), 10)})),
}
CHILDREN = by_type(
    {
        kind: check
        for kind, (_, check) in SIMPLE.items()
        if kind in {"section", "header", "context", "actions", "divider", "image", "table"}
        or kind in {"markdown", "card", "task_card", "plan", "data_table", "data_visualization"}
    }
)
BLOCKS: dict[str, tuple[tuple[str, ...], Check]] = {
    **SIMPLE,
    "container": (
        (MESSAGE, HOME),
        both(
            block(
                {"child_blocks": items(CHILDREN, 10)},
                {
                    "title": plain(150),
                    "rich_text_title": RICH_TEXT,
                    "subtitle": any_text(150),
                    "icon": IMAGE,
                    "width": one_of("narrow", "standard", "wide", "full"),
                    "is_collapsible": boolean,
                    "default_collapsed": boolean,
                    "has_header_divider": boolean,
                },
            ),
            one_field("title", "rich_text_title"),
        ),
    ),
}
