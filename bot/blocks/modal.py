"""Dialogs; each opens within three seconds of the press that asks for it."""

from typing import Any

from bot.blocks import actions as ids
from bot.blocks.parts import plain

BLOCK = "reason"
INPUT = "text"
LONGEST = 500


def reject(plan: str, place: str) -> dict[str, Any]:
    """Asks why. `plan` is the button's value, `place` is `channel:thread` of the card."""
    return {
        "type": "modal",
        "callback_id": ids.REJECT_REASON,
        "private_metadata": f"{plan} {place}",
        "title": plain("Reject this plan", 24),
        "submit": plain("Reject", 24),
        "close": plain("Not yet", 24),
        "blocks": [
            {
                "type": "input",
                "block_id": BLOCK,
                "label": plain("Why not? Everybody in the thread sees it.", 200),
                "element": {
                    "type": "plain_text_input",
                    "action_id": INPUT,
                    "multiline": True,
                    "max_length": LONGEST,
                },
            }
        ],
    }


def reason(view: dict[str, Any]) -> str:
    """What was typed."""
    field = view.get("state", {}).get("values", {}).get(BLOCK, {}).get(INPUT, {})
    return str(field.get("value") or "")[:LONGEST]
