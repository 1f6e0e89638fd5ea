"""The dialog in which a workflow's inputs are filled in, and its listing."""

from collections.abc import Sequence
from typing import Any

from bot.blocks import actions as ids
from bot.blocks.edit import FIELD, element, errors
from bot.blocks.parts import Block, context, plain, section
from bot.blocks.text import line
from engine.domain.form import InputField
from engine.domain.model import Json
from engine.domain.template import TemplateRecord

SERVICE, PLACE, WORDS = "context.service", "context.place", "words"
CHOICES = 100
LONGEST_WORDS = 500


def dialog(
    record: TemplateRecord, channel: str, services: Sequence[str], places: Sequence[str]
) -> Block:
    """A field for each input; `channel` is where the plan will be shown."""
    template = record.template
    fields = [
        InputField(
            name=SERVICE, about="what it is about", kind=kind(services), choices=tuple(services)
        ),
        InputField(
            name=PLACE,
            about="environment, and cluster behind a slash; the only one without",
            kind=kind(places),
            choices=tuple(places),
            optional=True,
        ),
        *(each.model_copy(update={"name": f"input.{each.name}"}) for each in template.fields),
        InputField(
            name=WORDS, about="why; it stands above the plan", longest=LONGEST_WORDS, optional=True
        ),
    ]
    usual = {f"input.{name}": one.default for name, one in template.input.items()}
    return {
        "type": "modal",
        "callback_id": ids.WORKFLOW_STARTED,
        "private_metadata": f"{template.workflow}:{template.version} {channel}:",
        "title": plain(template.title, 24),
        "submit": plain("Draft the plan", 24),
        "close": plain("Not yet", 24),
        "blocks": [
            section(line(template.about or template.title, 500)),
            *(field(each, usual.get(each.name)) for each in fields),
            context("Nothing runs before the plan is approved."),
        ],
    }


def kind(choices: Sequence[str]) -> Any:
    """A list where one dialog holds it, else a line to type."""
    return "choice" if 0 < len(choices) <= CHOICES else "text"


def field(each: InputField, usual: Json) -> Block:
    """One field, with its usual value."""
    return {
        "type": "input",
        "block_id": each.name,
        "label": plain(label(each.name), 150),
        "hint": plain(each.about or " ", 150),
        "optional": each.optional,
        "element": element(each, "" if usual is None else str(usual)),
    }


def label(name: str) -> str:
    """A field's name in words."""
    if name == PLACE:
        return "Where"
    return name.rpartition(".")[2].replace("_", " ").capitalize()


def given(view: dict[str, Any]) -> dict[str, str]:
    """What was filled in, by field; what was left empty is not there."""
    found = {}
    for name, state in view.get("state", {}).get("values", {}).items():
        one = state.get(FIELD, {})
        chosen = (one.get("selected_option") or {}).get("value")
        value = one.get("value") if chosen is None else chosen
        if value:
            found[str(name)] = str(value)
    return found


def wrong(view: dict[str, Any], faults: dict[str, str]) -> dict[str, str]:
    """What is wrong, under the fields of the dialog."""
    where = {"context.environment": PLACE, "context.cluster": PLACE}
    return errors(view, {where.get(name, name): text for name, text in faults.items()})


def row(record: TemplateRecord) -> str:
    """A workflow on one line."""
    template = record.template
    off = "" if record.enabled else f", switched off by {line(record.enabled_by_name, 60)}"
    return (
        f"`{template.workflow}` *{line(template.title, 80)}* "
        f"(v{template.version}, {line(record.source, 60)}{off}): {line(template.about, 200)}"
    )


def details(record: TemplateRecord) -> str:
    """What it asks for, looks at and does."""
    template = record.template
    asked = [
        f"• `{each.name}`{' (optional)' if each.optional else ''}: {line(each.about, 150)}"
        for each in template.fields
    ]
    looked = [f"• `{one.tool}.{one.action}`" for one in template.evidence]
    done = [
        f"{at}. `{one.tool}.{one.action}`{' must hold' if one.expect else ''}"
        + (f" (no way back: {line(one.no_rollback, 150)})" if one.no_rollback else "")
        for at, one in enumerate(template.steps, start=1)
    ]
    parts = [
        row(record),
        "*It asks for:*",
        *(asked or ["nothing beside the service"]),
        "*It looks at:*",
        *looked,
        "*It does:*",
        *done,
    ]
    return "\n".join(parts)
