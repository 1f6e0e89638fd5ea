"""A runbook as Slack shows it. Its Markdown becomes rich text, which Slack never parses."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.blocks import actions as ids
from bot.blocks.parts import (
    Block,
    Message,
    actions,
    button,
    context,
    header,
    rich,
    section,
    verbatim,
    words,
)
from bot.blocks.text import clean, line, one_line, shorten
from engine.domain.draft import Offer
from engine.domain.knowledge import Used

BODY = 5_500
PARTS = 60
STEPS = 8
FENCE = re.compile(r"^\s{0,3}(```|~~~)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
ITEM = re.compile(r"^(\s*)([-*+]|\d{1,3}[.)])\s+(.*)$")
INLINE = re.compile(r"`([^`]+)`|\*\*?([^*\s](?:[^*]*[^*\s])?)\*\*?|\[([^\]]+)\]\(([^)\s]+)\)")


def document(body: Mapping[str, Any]) -> Message:
    """A post body `{"title", "about", "markdown", "commands", "id"}`."""
    title = str(body.get("title", ""))
    markdown = clean(str(body.get("markdown", "")), BODY)
    blocks = [header(title), context(line(str(body.get("about", "")), 500) or " ")]
    blocks.append(rich(*parts(markdown)))
    if body.get("more"):
        blocks.append(context("The end is not shown here: it is too long for a message."))
    blocks += steps(str(body.get("id", "")), body.get("commands") or [])
    return {"text": shorten(f"The runbook {line(title, 200)}", 300), "blocks": blocks}


def steps(document_id: str, commands: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Each command with the button that makes a step of it, or why it can't be one."""
    made: list[Block] = []
    for each in commands[:STEPS]:
        text = f"{each['number']}. `{line(str(each['text']), 200)}`"
        if each.get("reason"):
            made.append(context(f"{text} can't be a step: {line(str(each['reason']), 300)}"))
            continue
        value = f"{document_id}:{each['number']}"
        block = section(f"{text} is {line(str(each['action']), 80)}")
        made.append({**block, "accessory": button("Turn into a step", ids.RUNBOOK_TURN, value)})
    if len(commands) > STEPS:
        made.append(context(f"and {len(commands) - STEPS} more commands"))
    return made


def offers(given: Sequence[Offer]) -> list[Block]:
    """A row of buttons below an answer."""
    pairs = zip(ids.RUNBOOK_SHOWS, given, strict=False)
    return actions([button(one_line(each.text, 70), action, each.value) for action, each in pairs])


def used(given: Sequence[Used]) -> str:
    """`Made with: playbook *roll back*, runbook *DNS failover*`."""
    if not given:
        return ""
    named = [f"{line(each.kind, 20)} *{line(each.title, 80)}*" for each in given[:6]]
    more = f" and {len(given) - 6} more" if len(given) > 6 else ""
    return f"Made with: {', '.join(named)}{more}"


def parts(markdown: str) -> list[Block | Sequence[Block]]:
    """Markdown as parts of rich text; what is no Markdown stays as it was written."""
    found: list[Block | Sequence[Block]] = []
    for kind, text in blocks_of(markdown):
        if kind == "code":
            found.append(verbatim(text))
        elif kind == "heading":
            found.append([words(f"{text}\n", bold=True)])
        else:
            found.append([*inline(text), words("\n")])
    return found[:PARTS] or [[words(" ")]]


def blocks_of(markdown: str) -> Iterator[tuple[str, str]]:
    """(kind, text) of fenced code, headings and everything else, in order."""
    code: list[str] | None = None
    for row in markdown.split("\n"):
        if FENCE.match(row):
            if code is None:
                code = []
                continue
            yield "code", "\n".join(code) or " "
            code = None
        elif code is not None:
            code.append(row)
        elif row.strip():
            yield of_row(row)
    if code:
        yield "code", "\n".join(code)


def of_row(row: str) -> tuple[str, str]:
    """A heading, an item of a list with its bullet or number, or a paragraph."""
    if heading := HEADING.match(row):
        return "heading", heading[1]
    if item := ITEM.match(row):
        mark = item[2] if item[2][0].isdigit() else "•"
        return "text", f"{'  ' * (len(item[1]) // 2)}{mark} {item[3]}"
    return "text", row.strip()


def inline(text: str) -> Iterator[Block]:
    """Code, bold and links; a link shows its address and is none."""
    end = 0
    for match in INLINE.finditer(text):
        if match.start() > end:
            yield words(text[end : match.start()])
        code, bold, label, target = match.groups()
        if code:
            yield words(code, code=True)
        elif bold:
            yield words(bold, bold=True)
        else:
            yield words(f"{label} ({target})")
        end = match.end()
    if end < len(text):
        yield words(text[end:])
