"""The rows of the audit as people read them."""

from typing import Any

from bot.blocks import audit
from bot.blocks.text import told
from engine.domain.actor import Actor
from engine.domain.audit import AuditEvent
from engine.domain.ids import PersonId

ANN = Actor(id=PersonId("ann"), name="Ann Okafor")
MENTION = "{@slack:T0LOCAL:U0ANN}"


def said(action: str, **changes: Any) -> str:
    row = AuditEvent(actor=ANN, action=action, subject="p", **changes)
    return told(audit.event(row))


def test_a_refusal_mentions_whom_to_ask() -> None:
    shown = said("plan.approve", decision="deny", reason=f"Somebody else has to. Asked: {MENTION}.")

    assert shown == (
        "Ann Okafor wanted to approve it: refused (Somebody else has to. Asked: <@U0ANN>.)"
    )


def test_somebodys_words_mention_nobody() -> None:
    shown = said("plan.reject", decision="allow", reason=f"{MENTION} <!channel>")

    assert "<@" not in shown
    assert "<!" not in shown


def test_rows_are_told_in_words() -> None:
    drafted = {"decision": "require_approval", "detail": {"version": 2, "digest": "d"}}

    assert said("plan.create", **drafted) == "Ann Okafor asked for it v2: it needs approval"
    assert said("step.act", decision="failed", detail={"step": 3}) == (
        "Ann Okafor ran step 3: failed"
    )
    assert said("execution.roll_back", decision="allow", detail={"step": 2}) == (
        "Ann Okafor chose roll back"
    )
    assert said("execution.rolled_back") == "Ann Okafor told: rolled back"
