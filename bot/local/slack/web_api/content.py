"""What a message says, checked the same way for every method that writes one."""

from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.model import Json
from bot.local.slack.refusal import Refused
from bot.local.slack.validate import accept_attachments, accept_blocks, accept_metadata
from bot.local.slack.web_api.call import Call

MOST_MARKDOWN = 12_000
MOST_TEXT_POSTED = 40_000
MOST_TEXT_UPDATED = 4_000


def content_of(slack: LocalSlack, call: Call, most_text: int = MOST_TEXT_POSTED) -> Json:
    """Text, blocks, attachments. `Refused` if they break a rule or say nothing."""
    text, markdown = call.text("text"), call.text("markdown_text")
    blocks = call.json("blocks", "invalid_blocks_format") or []
    attachments = call.json("attachments", "invalid_attachments") or []
    if markdown:
        return markdown_content(slack, markdown, others=bool(text or blocks))
    if not (text or blocks or attachments):
        raise Refused("no_text")
    if len(text) > most_text:
        raise Refused("msg_too_long")
    if not isinstance(blocks, list):
        raise Refused("invalid_blocks_format")
    if any(block.get("type") in slack.faults.unknown_blocks for block in blocks):
        raise Refused("invalid_blocks", "unsupported type")
    return {
        "text": text,
        "blocks": slack.timeline.number_blocks(accept_blocks(blocks)),
        "attachments": slack.timeline.number_attachments(accept_attachments(attachments)),
    }


def markdown_content(slack: LocalSlack, markdown: str, *, others: bool) -> Json:
    """`markdown_text` stands alone and becomes a markdown block."""
    if others:
        raise Refused("markdown_text_conflict")
    if len(markdown) > MOST_MARKDOWN:
        raise Refused("msg_too_long")
    blocks: list[Json] = [{"type": "markdown", "text": markdown}]
    return {
        "text": markdown,
        "blocks": slack.timeline.number_blocks(blocks),
        "attachments": [],
    }


def metadata_of(call: Call, current: Json | None = None) -> Json | None:
    """Metadata: kept if not given, removed by an empty object."""
    given = call.json("metadata", "invalid_metadata_format")
    return current if given is None else accept_metadata(given)


def unfurl_of(call: Call) -> Json:
    """Whether links are to be shown with previews, if the call says so."""
    return {name: call.flag(name) for name in ("unfurl_links", "unfurl_media") if name in call.args}
