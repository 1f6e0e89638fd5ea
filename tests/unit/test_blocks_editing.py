"""The edit dialog and the dry run: what they show, and that Slack takes it."""

import json
from typing import Any

from bot.blocks import edit, preview
from bot.blocks.limits import problems
from bot.blocks.note import note
from bot.local.slack.validate import accept_blocks
from engine.domain.form import InputField, PlanForm, StepForm
from engine.domain.model import Json
from engine.domain.preview import Shown, StepPreview
from tests.unit.cards import version

REMOTES = ("https://git.example/a.git", "https://git.example/b.git")


def step(number: int = 1, **values: Json) -> StepForm:
    fields = (
        InputField(name="remote", about="where", kind="choice", choices=REMOTES),
        InputField(name="value", about="the new value", longest=500),
        InputField(name="limit", about="a whole number, from 1 to 50", optional=True),
    )
    given: dict[str, Json] = {"remote": REMOTES[0], "value": "20", "limit": None, **values}
    return StepForm(number=number, title=f"Write {number}", fields=fields, values=given)


def form(*steps: StepForm) -> PlanForm:
    return PlanForm(version=version(), steps=steps or (step(),))


def view(**typed: str | None) -> dict[str, Any]:
    blocks = edit.edit(form(), "C1:1.1")["blocks"]
    values = {f"1:{name}": {edit.FIELD: {"value": value}} for name, value in typed.items()}
    return {"blocks": blocks, "state": {"values": values}}


def test_every_input_is_a_field_with_what_it_wants_and_what_it_holds() -> None:
    made = edit.edit(form(), "C1:1.1")
    fields = {each["block_id"]: each for each in made["blocks"] if each["type"] == "input"}

    accept_blocks(made["blocks"], surface="modal")
    assert made["private_metadata"] == f"{version().plan_id}:2 C1:1.1"
    assert fields["1:remote"]["element"]["initial_option"]["value"] == REMOTES[0]
    assert fields["1:value"]["element"]["initial_value"] == "20"
    assert fields["1:value"]["label"]["text"] == "Value"
    assert fields["1:limit"]["optional"]
    assert "initial_value" not in fields["1:limit"]["element"]


def test_a_field_is_named_in_words() -> None:
    made = step(key="pool_size")

    assert edit.label("value", made) == "Value of pool_size"
    assert edit.label("wait_seconds", made) == "Wait seconds"
    assert edit.label("expect.value", made) == "Check: the limit"


def test_a_dialog_never_holds_more_than_slack_takes_and_says_what_is_left() -> None:
    made = edit.edit(form(*(step(number) for number in range(1, 61))), "C1:1.1")

    accept_blocks(made["blocks"], surface="modal")
    assert len(made["blocks"]) <= 100
    assert "Steps 24 to 60 don't fit into this dialog" in json.dumps(made["blocks"][-1])
    assert "“step 24 NAME VALUE”" in json.dumps(made["blocks"][-1], ensure_ascii=False)


def test_what_was_filled_in_comes_back_by_step_and_name() -> None:
    filled = view(value="30", limit=None)
    chosen = {"selected_option": {"value": REMOTES[1]}}
    filled["state"]["values"]["1:remote"] = {edit.FIELD: chosen}

    assert edit.given(filled) == {1: {"value": "30", "limit": None, "remote": REMOTES[1]}}


def test_an_error_stands_under_its_field_and_all_others_under_the_first() -> None:
    shown = edit.errors(view(), {"1:value": "wants text", "1:mark": "is filled", "": "v1 is old."})

    assert shown == {"1:value": "Wants text.", "1:remote": "Mark is filled. V1 is old."}


def shown(*steps: StepPreview) -> dict[str, Any]:
    return {
        "preview": [each.model_dump(mode="json") for each in steps],
        "reference": "P-1042",
        "version": 2,
        "asker": "Ann",
    }


def difference(lines: int) -> str:
    head = "diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n"
    return head + "\n".join(f"+line {number} <!channel>" for number in range(lines))


def test_a_dry_run_shows_the_first_lines_and_says_that_nothing_was_changed() -> None:
    body = shown(
        StepPreview(number=1, title="Write", shown=Shown.DIFFERENCE, text=difference(40)),
        StepPreview(number=2, title="Note", shown=Shown.NO_DRY_RUN, note="No dry run: none."),
        StepPreview(number=3, title="Look", shown=Shown.READ),
    )
    message = note(body)
    text = json.dumps(message["blocks"])

    accept_blocks(message["blocks"])
    assert problems(message["blocks"]) == []
    assert message["text"] == "Dry run of P-1042 v2, asked by Ann. Nothing was changed."
    assert "+line 16" in text
    assert "+line 17" not in text
    assert "diff --git" not in text
    assert "No dry run: none." in text
    assert "The rest is in the file below." in text
    assert "1 step only looks." in text
    assert "<!channel>" not in text


def test_a_dry_run_of_many_steps_is_short_and_its_file_is_whole() -> None:
    steps = [
        StepPreview(
            number=number,
            title="t" * 300,
            shown=Shown.DIFFERENCE,
            text=difference(200),
            note="n" * 900,
            also=("a", "b"),
        )
        for number in range(1, 61)
    ]
    message = preview.preview(shown(*steps))
    whole = preview.as_text("P-1042 v2", steps)

    accept_blocks(message["blocks"])
    assert problems(message["blocks"]) == []
    assert whole.count("+line 199") == 60
    assert "It also takes back: a, b." in whole
    assert whole.startswith("What P-1042 v2 would change. Nothing was changed.")
