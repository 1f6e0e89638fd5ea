"""The rows of the audit as sentences: who did what, and why it was allowed or not."""

from bot.blocks.text import quoted
from engine.domain.audit import AuditEvent

REFUSED = "deny"
DEEDS = {
    "plan.create": "asked for it",
    "plan.approve": "approved it",
    "plan.reject": "rejected it",
    "plan.withdraw": "withdrew",
    "plan.cancel": "cancelled",
    "plan.expired": "ended it",
    "plan.withdrawn": "ended it",
    "execution.start": "started it",
    "execution.refused": "did not start it",
    "execution.needs_decision": "asked what to do",
    "step.act": "ran step {}",
    "step.rollback": "undid step {}",
    "step.probe": "looked whether step {} had its effect",
    "step.read": "read for step {}",
}
# The same where it was not let through.
WANTED = {
    "plan.approve": "wanted to approve it",
    "plan.reject": "wanted to reject it",
    "plan.withdraw": "wanted to withdraw",
    "plan.cancel": "wanted to cancel",
}
DECIDED = {
    "allow": "",
    REFUSED: "refused",
    "conflict": "too late",
    "unavailable": "the policy did not answer",
    "tampered": "refused: what is stored was changed",
    "require_approval": "it needs approval",
    "succeeded": "",
    "failed": "failed",
    "unknown": "how it ended is not known",
}


def event(row: AuditEvent) -> str:
    """`14:09 Ann Okafor approved it v2`; `told` turns it into markup."""
    at = f"{{@time:{int(row.at.timestamp())}}} " if row.at else ""
    ended = DECIDED.get(row.decision, quoted(row.decision, 60))
    version = f" v{row.detail['version']}" if "version" in row.detail else ""
    said = f"{at}{quoted(row.actor.name, 60)} {deed(row)}{version}"
    said += f": {ended}" if ended else ""
    why = reason(row)
    return f"{said} ({why})" if why else said


def deed(row: AuditEvent) -> str:
    """What was done in words; a decision about an execution is named by its button."""
    if row.decision not in ("", "allow") and row.action in WANTED:
        return WANTED[row.action]
    if row.action in DEEDS:
        return DEEDS[row.action].format(row.detail.get("step", ""))
    word = quoted(row.action.rpartition(".")[2].replace("_", " "), 60)
    return f"chose {word}" if "step" in row.detail else f"told: {word}"


def reason(row: AuditEvent) -> str:
    """A refusal names people by our tokens; every other reason holds somebody's words."""
    if row.decision == REFUSED:
        return row.reason[:300]
    return quoted(row.reason, 150)
