"""The dialog in which the inputs of a plan's steps are edited."""

from collections.abc import Iterator
from typing import Any

from bot.blocks import actions as ids
from bot.blocks.parts import Block, context, plain, section
from bot.blocks.text import line, one_line
from engine.domain.form import InputField, PlanForm, StepForm
from engine.domain.model import Json

FIELD = "value"
BLOCKS = 95
CHOICES = 100
OPTION, OPTION_VALUE = 75, 150
LABELS = {
    "expect.value": "Check: the limit",
    "expect.hold_seconds": "Check: seconds to hold",
    "expect.within_seconds": "Check: seconds to wait at most",
}
MORE = (
    "{} don't fit into this dialog. Say in the thread what to change there: “step {} NAME VALUE”."
)


def edit(form: PlanForm, place: str) -> Block:
    """A field for each input; `place` is `channel:thread` of the card."""
    version = form.version
    shown, left = fitting(form)
    blocks = [each for step in shown for each in of_step(step)]
    if left:
        which = f"Steps {left[0].number} to {left[-1].number}"
        blocks.append(context(MORE.format(which, left[0].number)))
    return {
        "type": "modal",
        "callback_id": ids.EDITED,
        "private_metadata": f"{version.plan_id}:{version.version} {place}",
        "title": plain(f"Edit {version.reference} v{version.version}", 24),
        "submit": plain("Make it", 24) if blocks else None,
        "close": plain("Not yet", 24),
        "blocks": blocks,
    }


def fitting(form: PlanForm) -> tuple[list[StepForm], list[StepForm]]:
    """The steps with something to fill in that one dialog holds, and the others."""
    shown: list[StepForm] = []
    used = 0
    wanted = [step for step in form.steps if step.fields]
    for at, step in enumerate(wanted):
        used += 1 + len(step.fields)
        if used > BLOCKS:
            return shown, wanted[at:]
        shown.append(step)
    return shown, []


def of_step(step: StepForm) -> Iterator[Block]:
    """The step's title, and its fields below."""
    yield section(f"*{step.number}  {line(step.title, 150)}*")
    for field in step.fields:
        value = step.values.get(field.name)
        yield {
            "type": "input",
            "block_id": f"{step.number}:{field.name}",
            "label": plain(label(field.name, step), 150),
            "hint": plain(field.about or " ", 150),
            "optional": field.optional,
            "element": element(field, "" if value is None else str(value)),
        }


def label(name: str, step: StepForm) -> str:
    """A field's name in words; the value of a setting goes by the setting."""
    key = step.values.get("key")
    if name == "value" and key:
        return f"Value of {one_line(str(key), 100)}"
    return LABELS.get(name) or name.replace("_", " ").capitalize()


def element(field: InputField, value: str) -> Block:
    """A list to choose from where there are few enough, else a line to type."""
    listed = len(field.choices) <= CHOICES and all(len(x) <= OPTION_VALUE for x in field.choices)
    if field.kind == "choice" and listed and (not value or value in field.choices):
        made: Block = {
            "type": "static_select",
            "action_id": FIELD,
            "options": [option(each) for each in field.choices],
        }
        return {**made, "initial_option": option(value)} if value else made
    typed: Block = {
        "type": "plain_text_input",
        "action_id": FIELD,
        "max_length": min(3000, max(field.longest, len(value), 1)),
    }
    return {**typed, "initial_value": value} if value else typed


def option(value: str) -> Block:
    """One choice, by the end of its name where that is long."""
    text = value if len(value) <= OPTION else "…" + value[-(OPTION - 1) :]
    return {"text": plain(text, OPTION), "value": value}


def given(view: dict[str, Any]) -> dict[int, dict[str, Json]]:
    """What was filled in, by step and name; None for what was left empty."""
    found: dict[int, dict[str, Json]] = {}
    for block_id, state in view.get("state", {}).get("values", {}).items():
        number, _, name = str(block_id).partition(":")
        field = state.get(FIELD, {})
        chosen = (field.get("selected_option") or {}).get("value")
        if number.isdigit() and name:
            value = field.get("value") if chosen is None else chosen
            found.setdefault(int(number), {})[name] = value or None
    return found


def errors(view: dict[str, Any], wrong: dict[str, str]) -> dict[str, str]:
    """What is wrong under the fields of this dialog; what has none stands under the first."""
    fields = [str(each["block_id"]) for each in view["blocks"] if each.get("type") == "input"]
    shown: dict[str, str] = {}
    for name, text in wrong.items():
        if name in fields:
            shown[name] = sentence(text)
        else:
            said = f"{name.partition(':')[2]} {text}" if ":" in name else text
            shown[fields[0]] = " ".join(filter(None, (shown.get(fields[0]), sentence(said))))
    return shown


def sentence(text: str) -> str:
    """As it stands under a field."""
    text = text.strip()
    return (text[:1].upper() + text[1:])[:1900] + ("" if text.endswith(".") else ".")
