"""The small things below an answer: its results by number, its choices, and how good it was."""

from collections.abc import Sequence

from bot.blocks import actions as ids
from bot.blocks.moments import day_and_time
from bot.blocks.parts import Block, actions, button, context, plain, rich, section, verbatim, words
from bot.blocks.text import clean, line, one_line, outside, shorten
from engine.domain.charts import chart, course
from engine.domain.draft import Draft, Evidence, Outcome, OutcomeKind

BODY = 6_000
FACTS = 12
LONGEST = 2_000


def choices(draft: Draft, outcome: Outcome) -> list[Block]:
    """A button for each answer; once one was pressed, who pressed which."""
    if outcome.chosen:
        return [context(f"{line(outcome.chosen_by, 80)} chose *{line(outcome.chosen, 150)}*.")]
    if outcome.kind is not OutcomeKind.QUESTION:
        return []
    offered = zip(ids.ANSWERS, outcome.choices, strict=False)
    return actions([button(text, action, draft.id) for action, text in offered])


def results(evidence: Sequence[Evidence]) -> list[Block]:
    """A button for each result that can be read, by the number that claims carry."""
    readable = [each for each in evidence if each.body or each.facts]
    made: list[Block] = []
    for action, each in zip(ids.SHOWS, readable, strict=False):
        label = f"[{each.number}]" if made else f"Show [{each.number}]"
        title = one_line(f"Show result {each.number}: {each.title}", 75)
        made.append({**button(label, action, each.id), "accessibility_label": title})
    return actions(made)


def result(each: Evidence) -> Block:
    """The dialog that shows one result as it came back, redacted."""
    asked = ", ".join(f"{name} = {value}" for name, value in each.input.items())
    about = [f"`{line(f'{each.tool} {each.action}')}`", day_and_time(each.at)]
    blocks = [section(f"*{line(each.title)}*\n{outside(summary(each), 500)}")]
    blocks.append(context(" · ".join(about), outside(asked, 1500)))
    if each.facts:
        blocks.append(
            rich(*(fact(name, value) for name, value in list(each.facts.items())[:FACTS]))
        )
    if each.body:
        blocks.append(rich(verbatim(shorten(clean(each.body, BODY), BODY))))
    return {
        "type": "modal",
        "title": plain(f"Result [{each.number}]", 24),
        "close": plain("Close", 24),
        "blocks": blocks,
    }


def fact(name: str, value: str) -> list[Block]:
    """`error_rate 0.004`."""
    return [words(f"{one_line(name, 60)} ", bold=True), words(one_line(value, 200))]


def summary(each: Evidence) -> str:
    """What came back, in words; the course of a number where it is one."""
    drawn = chart(each)
    return course(drawn) if drawn else each.summary


def rating(subject: str) -> Block:
    """Thumbs; what is pressed is kept, with who pressed it."""
    return {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": ids.RATE,
                "positive_button": thumb("Helpful", f"up:{subject}", "This was helpful"),
                "negative_button": thumb("Not helpful", f"down:{subject}", "This was not helpful"),
            }
        ],
    }


def said(view: Block) -> str:
    """What was typed into that dialog."""
    values = view.get("state", {}).get("values", {})
    field = values.get(ids.RATE_WORDS, {}).get(ids.RATE_WORDS, {})
    return str(field.get("value") or "")[:LONGEST]


def thumb(text: str, value: str, label: str) -> Block:
    """One side of the thumbs."""
    return {"text": plain(text, 75), "value": value, "accessibility_label": label}


def asks_why(rated: str, place: str) -> Block:
    """The dialog that asks what was wrong. `rated` is the button's value, `place` its thread."""
    return {
        "type": "modal",
        "callback_id": ids.RATE_WORDS,
        "private_metadata": f"{rated} {place}",
        "title": plain("What was wrong?", 24),
        "submit": plain("Send", 24),
        "close": plain("Cancel", 24),
        "blocks": [
            {
                "type": "input",
                "block_id": ids.RATE_WORDS,
                "label": plain("What should it have said or done?", 2000),
                "element": {
                    "type": "plain_text_input",
                    "action_id": ids.RATE_WORDS,
                    "multiline": True,
                    "max_length": LONGEST,
                },
            }
        ],
    }
