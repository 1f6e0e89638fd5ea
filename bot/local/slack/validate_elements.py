"""Rules for what can be pressed, chosen or typed into."""

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
from bot.local.slack.validate_text import ANY_LENGTH, RICH_TEXT, TYPE, URL, any_text, plain

ACTION_ID = string(255)
ID = string(64)
CONFIRM = thing(
    {"title": plain(100), "text": any_text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": one_of("primary", "danger")},
)
FOCUS: dict[str, Check] = {"action_id": ACTION_ID, "focus_on_load": boolean}
MENU: dict[str, Check] = {**FOCUS, "placeholder": plain(150), "confirm": CONFIRM}
TYPED: dict[str, Check] = {
    **FOCUS,
    "placeholder": plain(150),
    "dispatch_action_config": thing(
        {"trigger_actions_on": items(one_of("on_enter_pressed", "on_character_entered"), 2)}
    ),
}


def option(text: Check, *, url: bool = False) -> Check:
    """One thing to choose."""
    extra: dict[str, Check] = {"url": URL} if url else {}
    return thing({"text": text, "value": string(150)}, {"description": any_text(75), **extra})


SIMPLE = option(plain(75))
RICH_OPTION = option(any_text(75))
GROUP = thing({"label": plain(75), "options": items(SIMPLE, 100)})
CHOICES: dict[str, Check] = {
    "options": both(items(SIMPLE, 100), unique("value")),
    "option_groups": items(GROUP, 100),
}


def element(
    required: dict[str, Check] | None = None, optional: dict[str, Check] | None = None
) -> Check:
    """An element with its type."""
    return thing({"type": TYPE, **(required or {})}, optional or {})


def options_or_groups(value: Any, at: str, report: Report) -> None:
    """A static menu has options or groups of options, not both."""
    if isinstance(value, dict) and bool(value.get("options")) == bool(value.get("option_groups")):
        report.add(at, "must define either `options` or `option_groups`", "missing_field")


def many(initial: str, each: Check) -> dict[str, Check]:
    """Fields of a menu that takes several."""
    return {**MENU, initial: items(each, 100), "max_selected_items": integer(1, 100)}


BUTTON = element(
    {"text": plain(75)},
    {
        "action_id": ACTION_ID,
        "url": URL,
        "value": string(2000, least=0),
        "style": one_of("primary", "danger"),
        "confirm": CONFIRM,
        "accessibility_label": string(75),
        "visible_to_user_ids": items(ID, 100),
        "agent_prompt": string(4000),
        "agent_prompt_display": string(4000),
    },
)
FEEDBACK = thing({"text": plain(75), "value": string(2000)}, {"accessibility_label": string(75)})
FILTER = thing(
    {},
    {
        "include": items(one_of("im", "mpim", "private", "public"), 4),
        "exclude_bot_users": boolean,
        "exclude_external_shared_channels": boolean,
    },
)
CONVERSATIONS: dict[str, Check] = {"filter": FILTER, "default_to_current_conversation": boolean}
ANSWERS: dict[str, Check] = {"response_url_enabled": boolean}
SELECTS: dict[str, Check] = {
    "static_select": both(
        element({}, {**MENU, **CHOICES, "initial_option": SIMPLE}), options_or_groups
    ),
    "external_select": element(
        {}, {**MENU, "min_query_length": integer(0, 100), "initial_option": SIMPLE}
    ),
    "users_select": element({}, {**MENU, "initial_user": ID}),
    "channels_select": element({}, {**MENU, **ANSWERS, "initial_channel": ID}),
    "conversations_select": element(
        {}, {**MENU, **ANSWERS, **CONVERSATIONS, "initial_conversation": ID}
    ),
    "multi_static_select": both(
        element({}, {**many("initial_options", SIMPLE), **CHOICES}), options_or_groups
    ),
    "multi_external_select": element(
        {}, {**many("initial_options", SIMPLE), "min_query_length": integer(0, 100)}
    ),
    "multi_users_select": element({}, many("initial_users", ID)),
    "multi_channels_select": element({}, many("initial_channels", ID)),
    "multi_conversations_select": element(
        {}, {**many("initial_conversations", ID), **CONVERSATIONS}
    ),
}
PICKERS: dict[str, Check] = {
    "datepicker": element({}, {**MENU, "initial_date": string(10, least=10)}),
    "timepicker": element({}, {**MENU, "initial_time": string(5, least=5), "timezone": string(64)}),
    "datetimepicker": element(
        {}, {**FOCUS, "confirm": CONFIRM, "initial_date_time": integer(10**9, 10**10 - 1)}
    ),
    "checkboxes": element(
        {"options": both(items(RICH_OPTION, 10), unique("value"))},
        {**FOCUS, "confirm": CONFIRM, "initial_options": items(RICH_OPTION, 10)},
    ),
    "radio_buttons": element(
        {"options": both(items(RICH_OPTION, 10), unique("value"))},
        {**FOCUS, "confirm": CONFIRM, "initial_option": RICH_OPTION},
    ),
}
INPUTS: dict[str, Check] = {
    "plain_text_input": element(
        {},
        {
            **TYPED,
            "initial_value": string(3000, least=0),
            "multiline": boolean,
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
        },
    ),
    "email_text_input": element({}, {**TYPED, "initial_value": string(3000)}),
    "url_text_input": element({}, {**TYPED, "initial_value": string(3000)}),
    "number_input": element(
        {"is_decimal_allowed": boolean},
        {**TYPED, "initial_value": string(64), "min_value": string(64), "max_value": string(64)},
    ),
    "rich_text_input": element(
        {},
        {
            **TYPED,
            "initial_value": RICH_TEXT,
            "min_lines": integer(1, 100),
            "max_lines": integer(1, 100),
        },
    ),
    "file_input": element(
        {}, {"action_id": ACTION_ID, "filetypes": items(ID, 100), "max_files": integer(1, 10)}
    ),
}
SLACK_FILE = both(thing({}, {"id": ID, "url": URL}), one_field("id", "url"))
IMAGE = both(
    element({"alt_text": string(2000)}, {"image_url": URL, "slack_file": SLACK_FILE}),
    one_field("image_url", "slack_file"),
)
OVERFLOW = element(
    {"options": both(items(option(plain(75), url=True), 5), unique("value"))},
    {"action_id": ACTION_ID, "confirm": CONFIRM},
)
WORKFLOW_BUTTON = element(
    {
        "text": plain(75),
        "workflow": thing(
            {
                "trigger": thing(
                    {"url": URL},
                    {
                        "customizable_input_parameters": items(
                            thing({"name": ID, "value": string(ANY_LENGTH)}), 100
                        )
                    },
                )
            }
        ),
    },
    {
        "action_id": ACTION_ID,
        "style": one_of("primary", "danger"),
        "accessibility_label": string(75),
    },
)
ICON_BUTTON = element(
    {"icon": string(64), "text": plain(75)},
    {
        "action_id": ACTION_ID,
        "accessibility_label": string(75),
        "value": string(2000, least=0),
        "visible_to_user_ids": items(ID, 100),
        "confirm": CONFIRM,
    },
)
FEEDBACK_BUTTONS = element(
    {"positive_button": FEEDBACK, "negative_button": FEEDBACK}, {"action_id": ACTION_ID}
)
BUTTONS: dict[str, Check] = {"button": BUTTON, "workflow_button": WORKFLOW_BUTTON}
PRESSED: dict[str, Check] = {**BUTTONS, **SELECTS, **PICKERS, "overflow": OVERFLOW}
IN_ACTIONS = by_type({**PRESSED, "rich_text_input": INPUTS["rich_text_input"]})
IN_SECTION = by_type({**PRESSED, "image": IMAGE})
IN_INPUT = by_type({**SELECTS, **PICKERS, **INPUTS})
IN_CONTEXT_ACTIONS = by_type({"feedback_buttons": FEEDBACK_BUTTONS, "icon_button": ICON_BUTTON})
IN_CARD = by_type({"button": BUTTON, "overflow": OVERFLOW})
