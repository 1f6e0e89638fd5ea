"""Finds the elements of blocks, and says what choosing something in one means."""

from collections.abc import Iterator
from typing import Any

from bot.local.slack.model import Json
from bot.local.slack.refusal import Refused

# Where each kind of element keeps its initial choice, and where a payload carries the choice.
CHOSEN = {
    "static_select": ("initial_option", "selected_option"),
    "external_select": ("initial_option", "selected_option"),
    "overflow": ("", "selected_option"),
    "radio_buttons": ("initial_option", "selected_option"),
    "checkboxes": ("initial_options", "selected_options"),
    "multi_static_select": ("initial_options", "selected_options"),
    "multi_external_select": ("initial_options", "selected_options"),
    "users_select": ("initial_user", "selected_user"),
    "multi_users_select": ("initial_users", "selected_users"),
    "channels_select": ("initial_channel", "selected_channel"),
    "multi_channels_select": ("initial_channels", "selected_channels"),
    "conversations_select": ("initial_conversation", "selected_conversation"),
    "multi_conversations_select": ("initial_conversations", "selected_conversations"),
    "datepicker": ("initial_date", "selected_date"),
    "timepicker": ("initial_time", "selected_time"),
    "datetimepicker": ("initial_date_time", "selected_date_time"),
    "plain_text_input": ("initial_value", "value"),
    "email_text_input": ("initial_value", "value"),
    "url_text_input": ("initial_value", "value"),
    "number_input": ("initial_value", "value"),
    "rich_text_input": ("initial_value", "rich_text_value"),
    "file_input": ("", "files"),
}
OF_OPTIONS = frozenset({"selected_option", "selected_options"})


def elements_of(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Every block and interactive element in it, also inside cards and containers."""
    for block in blocks:
        for element in direct_elements(block):
            if isinstance(element, dict) and element.get("action_id"):
                yield block, element
        for name in ("child_blocks", "elements"):
            inner = block.get(name) or []
            yield from elements_of([b for b in inner if is_block(b)])


def direct_elements(block: Json) -> list[Any]:
    """The elements that stand in this block itself."""
    listed = [*(block.get("elements") or []), *(block.get("actions") or [])]
    return [*listed, block.get("accessory"), block.get("element")]


def is_block(inner: Any) -> bool:
    """Cards in a carousel and blocks in a container hold elements of their own."""
    return isinstance(inner, dict) and ("actions" in inner or inner.get("type") in NESTED)


NESTED = frozenset({"section", "actions", "card", "context_actions", "input"})


def choice(element: Json, selected: Any) -> Json | None:
    """The payload fields for what was chosen, or None if the element does not offer it.

    The choice comes as a value, as an option, or as the element's whole state.
    """
    kind = element["type"]
    if kind not in CHOSEN:
        return {}
    field = CHOSEN[kind][1]
    if isinstance(selected, dict) and field in selected:
        selected = selected[field]
    if field not in OF_OPTIONS or kind.endswith("external_select"):
        return {field: selected}
    offered = options_of(element)
    if field == "selected_options" and not isinstance(selected, list | None):
        return None
    if field == "selected_option":
        if selected is None and kind != "overflow":
            return {field: None}
        option = offered.get(value_of(selected))
        return None if option is None else {field: option}
    listed = [offered.get(value_of(each)) for each in selected or []]
    return None if None in listed else {field: listed}


def options_of(element: Json) -> dict[str, Json]:
    """The options of a menu by their value."""
    groups = [group["options"] for group in element.get("option_groups") or []]
    listed = [*(element.get("options") or []), *(o for group in groups for o in group)]
    return {option["value"]: option for option in listed}


def value_of(selected: Any) -> str:
    """The value of an option given as itself or as its value."""
    return str(selected.get("value") if isinstance(selected, dict) else selected)


def initial_values(blocks: list[Json]) -> Json:
    """`state.values` before anybody has touched anything."""
    values: Json = {}
    for block, element in elements_of(blocks):
        kind = element["type"]
        if kind in CHOSEN and kind != "overflow":
            initial, field = CHOSEN[kind]
            empty: Any = [] if field.endswith("options") else None
            state = {"type": kind, field: element.get(initial, empty)}
            values.setdefault(str(block.get("block_id")), {})[element["action_id"]] = state
    return values


def entered(given: Any) -> Json:
    """What a person has filled in: state by block and action, as `state.values` has it."""
    blocks = {} if given is None else given
    if not isinstance(blocks, dict):
        raise Refused("invalid_values")
    for actions in blocks.values():
        if not isinstance(actions, dict):
            raise Refused("invalid_values")
        if not all(isinstance(state, dict) for state in actions.values()):
            raise Refused("invalid_values")
    return blocks


def merged(initial: Json, given: Json) -> Json:
    """State with what the person has entered laid over the initial values."""
    return {
        block_id: {**actions, **given.get(block_id, {})} for block_id, actions in initial.items()
    }


def missing_answers(blocks: list[Json], values: Json) -> Json:
    """Messages for inputs that must be filled in and are not; the client shows these itself."""
    errors: Json = {}
    for block in blocks:
        if block.get("type") == "input":
            element = block["element"]
            state = values.get(block["block_id"], {}).get(element["action_id"], {})
            error = what_is_wrong(block, element, state)
            if error:
                errors[block["block_id"]] = error
    return errors


def what_is_wrong(block: Json, element: Json, state: Json) -> str:
    """Why an input is not acceptable, or nothing."""
    answer = state.get(CHOSEN[element["type"]][1])
    if not answer:
        return "" if block.get("optional") else "Please complete this required field."
    if isinstance(answer, str) and len(answer) > element.get("max_length", 3000):
        return f"Please enter no more than {element.get('max_length', 3000)} characters."
    if isinstance(answer, str) and len(answer) < element.get("min_length", 0):
        return f"Please enter at least {element['min_length']} characters."
    return ""
