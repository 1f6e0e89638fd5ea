"""One example of every block type, with words that must be visible when it is drawn."""

from typing import Any

Json = dict[str, Any]


def plain(text: str) -> Json:
    """A plain_text object."""
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    """A mrkdwn object."""
    return {"type": "mrkdwn", "text": text}


def button(text: str, action_id: str, **more: Any) -> Json:
    """A button."""
    return {"type": "button", "text": plain(text), "action_id": action_id, **more}


def rich(*elements: Json) -> Json:
    """A rich_text block of one section."""
    section = {"type": "rich_text_section", "elements": list(elements)}
    return {"type": "rich_text", "elements": [section]}


def words(text: str, **style: bool) -> Json:
    """A text element of rich text."""
    return {"type": "text", "text": text, **({"style": style} if style else {})}


def task(number: str, status: str) -> Json:
    """A task card with details."""
    return {
        "type": "task_card",
        "task_id": number,
        "title": f"{number} Write the setting",
        "status": status,
        "details": rich(words("git commit shop-config/prod.yaml" if number == "1" else "wait")),
        "output": rich(words("4b1d0aa on main")),
        "sources": [{"type": "url", "url": "https://git.example/4b1d0aa", "text": "the commit"}],
    }


CONFIRM: Json = {
    "title": plain("Run 2 steps on prod/eu-1?"),
    "text": mrkdwn("Medium risk. Step 1 writes to *shop-config*."),
    "confirm": plain("Run it"),
    "deny": plain("Not yet"),
}
APPROVE = button("Approve", "plan.approve", value="P-1", style="primary", confirm=CONFIRM)
PLAN: list[Json] = [
    {
        "type": "plan",
        "title": "Two steps",
        "tasks": [task("1", "in_progress"), task("2", "pending")],
    },
    {"type": "actions", "elements": [APPROVE]},
]
IMAGE: Json = {"image_url": "https://img.example/a.png", "alt_text": "a small chart"}
POINTS = [{"label": "14:00", "value": 3}, {"label": "14:05", "value": 37.5}]
AXES = {"categories": ["14:00", "14:05"], "x_label": "Time", "y_label": "Errors"}
OPTIONS = [{"text": plain("Alpha"), "value": "a"}, {"text": plain("Beta"), "value": "b"}]
CELLS: list[list[Json]] = [
    [{"type": "raw_text", "text": "Pod"}, {"type": "raw_text", "text": "Restarts"}],
    [{"type": "raw_text", "text": "web-1"}, {"type": "raw_number", "value": 3, "text": "3"}],
    [{"type": "raw_text", "text": "web-2"}, {"type": "raw_number", "value": 4, "text": "4"}],
]
MARKDOWN = """# Looked at

- **rate** of `web`
- [x] done

| Service | Rate |
|---|---|
| web | 37 % |
"""


def charts(*kinds: str) -> list[Json]:
    """A chart of each kind with axes."""
    data = {"series": [{"name": "web", "data": POINTS}], "axis_config": AXES}
    return [
        {"type": "data_visualization", "title": f"{kind} chart", "chart": {"type": kind, **data}}
        for kind in kinds
    ]


PIE: Json = {
    "type": "data_visualization",
    "title": "By cause",
    "chart": {"type": "pie", "segments": [{"label": "timeout", "value": 3}]},
}
CARD: Json = {"type": "card", "title": mrkdwn("*prod*"), "body": mrkdwn("3 of 3 ready")}
RICH: Json = {
    "type": "rich_text",
    "elements": [
        *rich(
            words("bold", bold=True),
            {"type": "user", "user_id": "U0BO"},
            {"type": "usergroup", "usergroup_id": "S0SRE"},
            {"type": "channel", "channel_id": "C0GEN"},
            {"type": "link", "url": "https://example.org", "text": "a link"},
            {"type": "broadcast", "range": "here"},
            {"type": "emoji", "name": "tada"},
        )["elements"],
        {
            "type": "rich_text_list",
            "style": "ordered",
            "elements": rich(words("first"))["elements"],
        },
        {"type": "rich_text_preformatted", "elements": [words("$ kubectl")]},
        {"type": "rich_text_quote", "elements": [words("quoted")]},
    ],
}
FEEDBACK: Json = {
    "type": "feedback_buttons",
    "action_id": "rate",
    "positive_button": {"text": plain("Good"), "value": "1"},
    "negative_button": {"text": plain("Bad"), "value": "0"},
}
CONTROLS: list[Json] = [
    button("Press", "press"),
    {"type": "static_select", "action_id": "one", "placeholder": plain("One"), "options": OPTIONS},
    {"type": "multi_users_select", "action_id": "who", "placeholder": plain("Many people")},
    {"type": "channels_select", "action_id": "where", "placeholder": plain("A channel")},
    {"type": "overflow", "action_id": "rest", "options": OPTIONS},
    {"type": "datepicker", "action_id": "day", "initial_date": "2026-11-22"},
    {"type": "timepicker", "action_id": "hour", "initial_time": "14:05"},
    {"type": "checkboxes", "action_id": "some", "options": OPTIONS},
    {"type": "radio_buttons", "action_id": "either", "options": OPTIONS},
]

EVERY_BLOCK: dict[str, tuple[list[Json], list[str]]] = {
    "header": ([{"type": "header", "text": plain("Set pool_size to 20")}], ["Set pool_size to 20"]),
    "section": (
        [
            {
                "type": "section",
                "text": mrkdwn("*Why*: <https://example.org|9f3c1e2> by <@U0DANA> &amp; co"),
                "fields": [mrkdwn("_Risk_: medium")],
                "accessory": button("Open", "open"),
            }
        ],
        ["Why: 9f3c1e2 by @Dana Reyes & co", "Risk: medium", "Open"],
    ),
    "context": ([{"type": "context", "elements": [mrkdwn("`prod / eu-1`")]}], ["prod / eu-1"]),
    "divider": ([{"type": "divider"}], []),
    "image": (
        [{"type": "image", "title": plain("A picture"), **IMAGE}],
        ["A picture", "a small chart"],
    ),
    "actions": (
        [{"type": "actions", "elements": CONTROLS}],
        ["Press", "One", "Many people", "A channel", "Alpha", "Beta"],
    ),
    "input": (
        [
            {
                "type": "input",
                "label": plain("Reason"),
                "hint": plain("one sentence"),
                "element": {"type": "plain_text_input", "action_id": "why"},
            }
        ],
        ["Reason", "one sentence"],
    ),
    "rich_text": (
        [RICH],
        ["bold@Bo Lindqvist@sre#general", "a link@here", "first", "$ kubectl", "quoted"],
    ),
    "markdown": (
        [{"type": "markdown", "text": MARKDOWN}],
        ["Looked at", "rate of web", "done", "37 %"],
    ),
    "table": ([{"type": "table", "rows": CELLS}], ["Pod", "web-1", "3"]),
    "data_table": (
        [{"type": "data_table", "caption": "The pods", "page_size": 1, "rows": CELLS}],
        ["The pods", "Restarts", "web-1", "1 to 1 of 2"],
    ),
    "data_visualization": (
        [*charts("line", "bar")],
        ["line chart", "bar chart", "14:05", "Errors", "Time"],
    ),
    "plan": (PLAN, ["Two steps", "0 of 2", "1 Write the setting", "Approve"]),
    "task_card": ([task("7", "complete")], ["7 Write the setting"]),
    "context_actions": ([{"type": "context_actions", "elements": [FEEDBACK]}], []),
    "card": ([CARD], ["prod", "3 of 3 ready"]),
    "carousel": ([{"type": "carousel", "elements": [CARD, CARD]}], ["3 of 3 ready"]),
    "container": (
        [
            {
                "type": "container",
                "title": plain("Evidence"),
                "is_collapsible": True,
                "child_blocks": [{"type": "section", "text": mrkdwn("what I saw")}],
            }
        ],
        ["Evidence", "what I saw"],
    ),
}
