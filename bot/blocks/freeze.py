"""What keeps a plan from starting at once, and what an approval of high risk takes."""

from datetime import datetime
from typing import Any

from bot.blocks import actions as ids
from bot.blocks import moments
from bot.blocks.parts import Block, plain, section
from bot.blocks.text import line, one_line, told
from engine.domain.approval import Statement, Verdict
from engine.domain.freeze import Freeze, when
from engine.domain.glass import LONGEST, LONGEST_TICKET, Glass
from engine.domain.plan import PlanVersion, VersionState
from engine.domain.views import PlanView

REASON, TICKET, INPUT = "reason", "ticket", "text"
MARK = 6
READ_ONLY = "read-only"


def conditions(view: PlanView) -> list[Block]:
    """What must be known before anybody presses: high risk, a freeze, a stage; while it is open."""
    if not view.state.open or not view.version.writes:
        return []
    said = [*asked(view), *switched_off(view), *held(view)]
    return [section("\n".join(said))] if said else []


def asked(view: PlanView) -> list[str]:
    """What high risk takes, and who has given it."""
    version = view.version
    if not version.requirements.break_glass:
        return []
    said: dict[tuple[str, str], list[str]] = {}
    for one in broken(view):
        said.setdefault((one.reason, one.ticket), []).append(line(one.person_name, 80))
    given = [
        f"{' and '.join(names)}: “{line(reason, LONGEST)}” ({line(ticket, 64)})."
        for (reason, ticket), names in said.items()
    ]
    program = f" Asked for with: “{line(version.break_glass, 300)}”." if version.break_glass else ""
    if view.state is not VersionState.WAITING:
        return [f":warning: *Break-glass.* {' '.join(given)}"]
    return [
        f":warning: *{kind(version)} needs break-glass.*{program} Approve asks each of "
        f"{version.requirements.people} people for a reason and a ticket; an emoji does not count.",
        *given,
    ]


def kind(version: PlanVersion) -> str:
    """`High risk`, or what else asks for it."""
    return "High risk" if version.risk.word == "high" else "This plan"


def broken(view: PlanView) -> list[Statement]:
    """Approvals with a reason and a ticket that were not taken back."""
    found: dict[str, Statement] = {}
    for signed in view.approvals:
        one = signed.statement
        found.pop(one.person, None)
        if one.verdict is Verdict.APPROVE and one.ticket:
            found[one.person] = one
    return list(found.values())


def switched_off(view: PlanView) -> list[str]:
    """The stage of this place forbids what it would do."""
    if view.stage != READ_ONLY:
        return []
    context = view.version.context
    place = " in ".join(filter(None, (line(context.service), line(context.environment))))
    return [
        f":warning: *Changes to {place} are switched off* (stage read-only), so this can be "
        "neither approved nor started."
    ]


def held(view: PlanView) -> list[str]:
    """Freezes and closed windows, and what that means for a press now."""
    if not view.holds:
        return []
    waits = view.execution is not None
    said = [] if waits else [f"*{told(one.text, 500)}*" for one in view.holds[:3]]
    before = view.version.start_before
    last = moments.day_and_time(before)
    if any(one.until is None or one.until >= before for one in view.holds):
        return [*said, f"Unless that ends before {last}, it is cancelled then."]
    first = "" if waits else "It can be approved now, and starts by itself when that is over. "
    return [*said, f"{first}What has not started by {last} is cancelled."]


def glass(value: str, place: str, version: PlanVersion, before: Glass) -> dict[str, Any]:
    """The dialog of Approve. What the first person wrote is there for the second to confirm."""
    risk = f"{version.risk.word.capitalize()} risk in {line(version.context.environment, 60)}"
    reasons = "; ".join(line(each, 120) for each in version.risk_reasons[:4])
    return {
        "type": "modal",
        "callback_id": ids.GLASS,
        "private_metadata": f"{value} {place}",
        "title": plain("Approve by break-glass", 24),
        "submit": plain("Run it", 24),
        "close": plain("Not yet", 24),
        "blocks": [
            section(f"*{line(version.title, 200)}*\n{line(version.reference)} v{version.version}"),
            section(f"*{risk}*: {reasons}. {count(version)}"),
            typed(REASON, "Why can't this be done otherwise?", before.reason, LONGEST),
            typed(TICKET, "Ticket", before.ticket, LONGEST_TICKET),
            section(
                "What you write is signed with your approval, told in the channel and in the "
                "daily digest."
            ),
        ],
    }


def count(version: PlanVersion) -> str:
    """`3 steps; steps 1, 2 change something.`."""
    writes = [str(step.number) for step in version.steps if step.effect.value != "read"]
    steps = f"{len(version.steps)} step{'s' if len(version.steps) > 1 else ''}"
    which = "step {} changes" if len(writes) == 1 else "steps {} change"
    return f"{steps}; {which.format(', '.join(writes[:8]))} something."


def typed(block: str, label: str, before: str, longest: int) -> Block:
    """A field to type into."""
    element: Block = {
        "type": "plain_text_input",
        "action_id": INPUT,
        "multiline": block == REASON,
        "max_length": longest,
    }
    if before:
        element["initial_value"] = one_line(before, longest)
    return {"type": "input", "block_id": block, "label": plain(label, 200), "element": element}


def given(view: dict[str, Any]) -> Glass:
    """What was typed."""
    values = view.get("state", {}).get("values", {})
    found = {
        block: str(values.get(block, {}).get(INPUT, {}).get("value") or "")
        for block in (REASON, TICKET)
    }
    reason = " ".join(found[REASON].split())[:LONGEST]
    return Glass(reason=reason, ticket=found[TICKET].strip()[:LONGEST_TICKET])


def row(freeze: Freeze, now: datetime) -> str:
    """A freeze on one line, with the mark by which it is lifted; tokens stand for times."""
    begins = f" From {when(freeze.starts_at)} on." if freeze.starts_at > now else ""
    return f"`{freeze.id[-MARK:]}` {freeze.hold.text}{begins}"
