"""Whether Slack would take these blocks, this view, this metadata."""

import json
from typing import Any

from bot.local.slack.checks import Check, Problem, Report, boolean, string, thing
from bot.local.slack.model import Json
from bot.local.slack.refusal import Refused
from bot.local.slack.validate_blocks import BLOCKS, HOME, MESSAGE, MODAL
from bot.local.slack.validate_text import TYPE, plain

MOST_BLOCKS = {MESSAGE: 50, MODAL: 100, HOME: 100}
MOST_TEXT = 12_000
MOST_CHARTS = 2
MOST_METADATA = 8_000
COUNTED_APART = frozenset({"data_table", "data_visualization"})
TITLED = frozenset({"text", "title", "caption", "body", "subtitle"})
VIEW_FIELDS: dict[str, Check] = {
    "callback_id": string(255, least=0),
    "external_id": string(255, least=0),
    "private_metadata": string(3000, least=0),
    "clear_on_close": boolean,
    "notify_on_close": boolean,
    "submit_disabled": boolean,
}


def problems_of(blocks: Any, surface: str = MESSAGE, at: str = "/blocks") -> list[Problem]:
    """Everything wrong with a list of blocks."""
    report = Report(surface)
    if not isinstance(blocks, list):
        report.add(at, "must provide an array", "invalid_type")
        return report.problems
    if len(blocks) > MOST_BLOCKS[surface]:
        report.add(at, f"no more than {MOST_BLOCKS[surface]} items allowed", "too_many")
    for index, block in enumerate(blocks):
        check_block(block, f"{at}/{index}", report)
    charts = sum(1 for each in blocks if kind_of(each) == "data_visualization")
    if charts > MOST_CHARTS:
        report.add(at, f"no more than {MOST_CHARTS} data_visualization blocks", "too_many")
    return report.problems


def check_block(block: Any, at: str, report: Report) -> None:
    """One block: its type, its place and its own rules."""
    kind = kind_of(block)
    if kind not in BLOCKS:
        report.add(at, f"unsupported type: {kind}", "unsupported_type")
        return
    surfaces, check = BLOCKS[kind]
    if report.surface not in surfaces:
        report.add(at, f"unsupported type for a {report.surface}: {kind}", "unsupported_type")
    check(block, at, report)
    block_id = block.get("block_id")
    if not isinstance(block_id, str):
        return
    if block_id in report.block_ids:
        report.add(f"{at}/block_id", f"block_id must be unique: {block_id}", "duplicate")
    report.block_ids.add(block_id)


def kind_of(block: Any) -> str:
    """The type a block claims to be."""
    kind = block.get("type") if isinstance(block, dict) else None
    return kind if isinstance(kind, str) else ""


def text_length(value: Any) -> int:
    """Characters a reader sees, summed over everything inside."""
    if isinstance(value, list):
        return sum(text_length(each) for each in value)
    if not isinstance(value, dict) or value.get("type") in COUNTED_APART:
        return 0
    own = sum(len(v) for k, v in value.items() if k in TITLED and isinstance(v, str))
    return own + sum(text_length(each) for each in value.values())


def accept_blocks(blocks: Any, surface: str = MESSAGE, at: str = "/blocks") -> list[Json]:
    """The blocks, or `Refused` as Slack would refuse them."""
    problems = problems_of(blocks, surface, at)
    if problems:
        raise Refused("invalid_blocks", *(str(each) for each in problems))
    if surface == MESSAGE and text_length(blocks) > MOST_TEXT:
        raise Refused("msg_blocks_too_long")
    accepted: list[Json] = blocks
    return accepted


def accept_attachments(attachments: Any) -> list[Json]:
    """Legacy attachments; their blocks follow the same rules."""
    if not isinstance(attachments, list) or not all(isinstance(a, dict) for a in attachments):
        raise Refused("invalid_attachments")
    if len(attachments) > 100:
        raise Refused("too_many_attachments")
    for index, each in enumerate(attachments):
        if "blocks" in each:
            accept_blocks(each["blocks"], at=f"/attachments/{index}/blocks")
    return attachments


def view_problems(view: Any) -> list[Problem]:
    """Everything wrong with a modal or an App Home."""
    if not isinstance(view, dict) or view.get("type") not in (MODAL, HOME):
        return [Problem("/view/type", "invalid_enum", "must be a valid enum value: modal, home")]
    report = Report(str(view["type"]))
    blocks = view.get("blocks", [])
    shell = {key: value for key, value in view.items() if key != "blocks"}
    if view["type"] == MODAL:
        titles: dict[str, Check] = {"submit": plain(24), "close": plain(24)}
        thing({"type": TYPE, "title": plain(24)}, {**VIEW_FIELDS, **titles})(shell, "/view", report)
        if has_input(blocks) and not view.get("submit"):
            report.add("/view", "missing required field: submit", "missing_field")
    else:
        thing({"type": TYPE}, VIEW_FIELDS)(shell, "/view", report)
    return report.problems + problems_of(blocks, report.surface, "/view/blocks")


def has_input(blocks: Any) -> bool:
    """A modal with an input needs a submit button."""
    return isinstance(blocks, list) and any(kind_of(each) == "input" for each in blocks)


def accept_view(view: Any) -> Json:
    """The view, or `Refused`."""
    problems = view_problems(view)
    if problems:
        code = "invalid_arguments" if isinstance(view, dict) else "invalid_view"
        raise Refused(code, *(str(each) for each in problems))
    accepted: Json = view
    return accepted


def accept_metadata(metadata: Any) -> Json | None:
    """Message metadata: a type and a flat payload. An empty object removes it."""
    if not isinstance(metadata, dict):
        raise Refused("invalid_metadata_format")
    if not metadata:
        return None
    payload = metadata.get("event_payload")
    if not isinstance(metadata.get("event_type"), str) or not isinstance(payload, dict):
        raise Refused("invalid_metadata_schema")
    if any(isinstance(value, dict | list) for value in payload.values()):
        raise Refused("invalid_metadata_schema")
    if len(json.dumps(metadata)) > MOST_METADATA:
        raise Refused("metadata_too_large")
    return metadata
