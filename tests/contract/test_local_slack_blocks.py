"""The local Slack takes the blocks that Slack takes, and no others."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from bot.local.slack.person import plain
from bot.local.slack.server import open_local_slack
from bot.local.slack.validate import problems_of, view_problems
from tests.contract.local_slack_client import Json, web_client


@pytest.fixture
async def client() -> AsyncIterator[Any]:
    async with open_local_slack() as slack:
        yield web_client(slack)


def words(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def button(action_id: str = "go", **more: Any) -> Json:
    return {"type": "button", "action_id": action_id, "text": words("Go"), **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def task(task_id: str = "1", status: str = "complete") -> Json:
    return {"type": "task_card", "task_id": task_id, "title": "Step", "status": status}


def rich(text: str) -> Json:
    inline = {"type": "text", "text": text}
    return {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": [inline]}],
    }


def raw(text: str) -> Json:
    return {"type": "raw_text", "text": text}


def chart(**more: Any) -> Json:
    points = [{"label": "a", "value": 1}, {"label": "b", "value": 2}]
    drawing = {
        "type": "line",
        "series": [{"name": "s", "data": points}],
        "axis_config": {"categories": ["a", "b"]},
        **more,
    }
    return {"type": "data_visualization", "title": "Errors", "chart": drawing}


GOOD: list[Json] = [
    section("hello"),
    {"type": "section", "fields": [words("a")], "accessory": button(value="x" * 2000)},
    {"type": "header", "text": words("Plan"), "level": 2},
    {"type": "context", "elements": [words("small"), {"type": "mrkdwn", "text": "*print*"}]},
    actions(button(style="primary", visible_to_user_ids=["U1"]), button("other")),
    {"type": "divider"},
    {"type": "image", "image_url": "https://a.example/a.png", "alt_text": "a chart"},
    rich("hello"),
    {"type": "markdown", "text": "# Title"},
    {"type": "table", "rows": [[raw("a"), rich("b")]], "column_settings": [{"align": "right"}]},
    {"type": "data_table", "caption": "Pods", "rows": [[raw("name")], [rich("web")]]},
    chart(),
    {"type": "plan", "title": "Plan", "tasks": [task("1", "pending"), task("2")]},
    task(),
    {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "rate",
                "positive_button": {"text": words("Good"), "value": "1"},
                "negative_button": {"text": words("Bad"), "value": "0"},
            }
        ],
    },
    {"type": "card", "title": words("A"), "actions": [button()]},
    {"type": "container", "title": words("Box"), "child_blocks": [section("inside")]},
    {"type": "file", "external_id": "1", "source": "remote"},
]


@pytest.mark.parametrize("block", GOOD, ids=lambda block: str(block["type"]))
async def test_a_block_that_keeps_the_rules_is_posted(client: Any, block: Json) -> None:
    posted = await client.chat_postMessage(channel="C0GEN", text="fallback", blocks=[block])

    assert posted["message"]["blocks"][0]["type"] == block["type"]
    if block["type"] not in ("divider", "file"):
        assert plain(posted["message"])


BAD: list[tuple[str, Json]] = [
    ("unsupported type", {"type": "sparkles"}),
    ("invalid additional property: colour", {**section("a"), "colour": "red"}),
    ("must define one of: text, fields", {"type": "section"}),
    ("must be less than 3001 characters", section("x" * 3001)),
    ("must be more than 0 characters", section("")),
    ("must be less than 151 characters", {"type": "header", "text": words("x" * 151)}),
    ("unsupported type: mrkdwn", {"type": "header", "text": {"type": "mrkdwn", "text": "x"}}),
    ("no more than 25 items", actions(*(button(str(n)) for n in range(26)))),
    ("no fewer than 1 items", actions()),
    ("action_id must be unique", actions(button(), button())),
    ("must be less than 76 characters", actions({**button(), "text": words("x" * 76)})),
    ("must be less than 2001 characters", actions(button(value="x" * 2001))),
    ("must be less than 256 characters", actions(button("x" * 256))),
    ("must be a valid enum value", actions(button(style="loud"))),
    ("no more than 10 items", {"type": "context", "elements": [words("a")] * 11}),
    ("unsupported type for a message: alert", {"type": "alert", "text": words("a")}),
    ("may not be pending", task(status="pending")),
    ("task_id must be unique", {"type": "plan", "title": "P", "tasks": [task(), task()]}),
    (
        "no more than 50 items",
        {"type": "plan", "title": "P", "tasks": [task(str(n)) for n in range(51)]},
    ),
    ("must be less than 201 characters", {"type": "card", "body": words("x" * 201)}),
    ("no more than 3 items", {"type": "card", "actions": [button(str(n)) for n in range(4)]}),
    (
        "unsupported type: rich_text",
        {"type": "data_table", "caption": "c", "rows": [[rich("h")], [raw("a")]]},
    ),
    ("no more than 101 items", {"type": "data_table", "caption": "c", "rows": [[raw("a")]] * 102}),
    ("missing required field: caption", {"type": "data_table", "rows": [[raw("a")]] * 2}),
    (
        "same length",
        {"type": "data_table", "caption": "c", "rows": [[raw("a")], [raw("a"), raw("b")]]},
    ),
    ("labels must match", chart(axis_config={"categories": ["a"]})),
    (
        "no more than 10 items",
        {"type": "container", "title": words("B"), "child_blocks": [section("a")] * 11},
    ),
    (
        "unsupported type: rich_text",
        {"type": "container", "title": words("B"), "child_blocks": [rich("a")]},
    ),
    ("characters in all cells", {"type": "table", "rows": [[raw("x" * 10_001)]]}),
]


@pytest.mark.parametrize(("reason", "block"), BAD, ids=[f"{n}" for n in range(len(BAD))])
async def test_a_block_that_breaks_a_rule_is_refused_with_the_reason(
    client: Any, reason: str, block: Json
) -> None:
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel="C0GEN", text="fallback", blocks=[block])

    answer = refused.value.response
    assert answer["error"] == "invalid_blocks"
    assert any(reason in message for message in answer["response_metadata"]["messages"])
    assert all("[json-pointer:/blocks" in message for message in answer["errors"])


async def test_a_message_holds_fifty_blocks_and_twelve_thousand_characters(client: Any) -> None:
    fifty = [{"type": "divider"}] * 50
    long = [section("x" * 3000)] * 4

    await client.chat_postMessage(channel="C0GEN", text="a", blocks=fifty)
    await client.chat_postMessage(channel="C0GEN", text="a", blocks=long)
    with pytest.raises(SlackApiError) as too_many:
        await client.chat_postMessage(channel="C0GEN", text="a", blocks=[*fifty, section("x")])
    with pytest.raises(SlackApiError) as too_long:
        await client.chat_postMessage(channel="C0GEN", text="a", blocks=[*long, section("x")])

    assert too_many.value.response["error"] == "invalid_blocks"
    assert too_long.value.response["error"] == "msg_blocks_too_long"


async def test_block_ids_are_unique_within_a_message(client: Any) -> None:
    twice = {**section("a"), "block_id": "same"}

    assert [str(p) for p in problems_of([twice, twice])] == [
        "block_id must be unique: same [json-pointer:/blocks/1/block_id]"
    ]


async def test_blocks_without_an_id_get_one_and_markdown_loses_its_own(client: Any) -> None:
    posted = await client.chat_postMessage(
        channel="C0GEN",
        text="a",
        blocks=[section("a"), {"type": "markdown", "text": "b", "block_id": "mine"}],
    )

    first, second = posted["message"]["blocks"]
    assert first["block_id"]
    assert second["block_id"] != "mine"


async def test_blocks_validate_points_at_each_problem(client: Any) -> None:
    with pytest.raises(SlackApiError) as refused:
        await client.api_call("blocks.validate", json={"blocks": [section("")]})

    errors = refused.value.response["validation_errors"]
    assert [error["pointer"] for error in errors] == ["/blocks/0/text/text"]
    assert (await client.api_call("blocks.validate", json={"blocks": [section("a")]}))["ok"]


def modal(**more: Any) -> Json:
    return {"type": "modal", "title": words("Edit"), "blocks": [section("a")], **more}


def field(**more: Any) -> Json:
    element = {"type": "plain_text_input", "action_id": "a", **more}
    return {"type": "input", "label": words("Why"), "element": element}


@pytest.mark.parametrize(
    ("reason", "view"),
    [
        ("must be less than 25 characters", modal(title=words("x" * 25))),
        ("must be less than 3001 characters", modal(private_metadata="x" * 3001)),
        ("missing required field: submit", modal(blocks=[field()])),
        ("no more than 100 items", modal(blocks=[section("a")] * 101)),
        (
            "unsupported type for a modal: markdown",
            modal(blocks=[{"type": "markdown", "text": "a"}]),
        ),
        ("must be between 1 and 3000", modal(submit=words("Go"), blocks=[field(max_length=3001)])),
        ("invalid additional property: title", {"type": "home", "title": words("a"), "blocks": []}),
        ("must be a valid enum value", {"type": "popup", "blocks": []}),
    ],
)
def test_a_view_that_breaks_a_rule_is_refused(reason: str, view: Json) -> None:
    assert any(reason in str(problem) for problem in view_problems(view))


def test_an_alert_belongs_in_a_modal() -> None:
    assert view_problems(modal(blocks=[{"type": "alert", "text": words("Careful")}])) == []
