"""A problem's card: what fires, since when, where, and the two things to do about it."""

from bot.blocks import actions as ids
from bot.blocks import moments
from bot.blocks.parts import Block, Message, actions, button, context, section
from bot.blocks.status import DONE, FAILED
from bot.blocks.text import line, outside
from engine.domain.plan import VersionState
from engine.domain.problem import AlertStatus, Problem
from engine.domain.views import ProblemView

WORDS = ("summary", "description", "message")
SHOWN = 5
STANDS = {
    VersionState.DRAFTING: "is being drafted",
    VersionState.WAITING: "waits for approval",
    VersionState.APPROVED: "is approved",
    VersionState.SUPERSEDED: "was replaced",
    VersionState.REJECTED: "was rejected",
    VersionState.EXPIRED: "expired",
    VersionState.EXECUTING: "is running",
    VersionState.EXECUTED: "has ended",
    VersionState.WITHDRAWN: "was withdrawn",
}


def card(view: ProblemView) -> Message:
    """The message for a problem, firing or resolved."""
    problem = view.problem
    first = headline(view)
    blocks: list[Block] = [section(first)]
    if problem.status is AlertStatus.FIRING and (said := alerts_say(problem)):
        blocks.append(section(said))
    if len(problem.alerts) > SHOWN:
        blocks.append(context(f"and {len(problem.alerts) - SHOWN} more alerts"))
    if view.plan_reference:
        state = f" {STANDS[view.plan_state]}" if view.plan_state else ""
        blocks.append(context(f"Plan {line(view.plan_reference)} in the thread{state}."))
    if problem.acknowledged_by:
        blocks.append(context(f"{line(problem.acknowledged_by, 80)} looks after it."))
    blocks += actions(buttons(view))
    return {"text": first, "blocks": blocks}


def headline(view: ProblemView) -> str:
    """`CheckoutErrorRateHigh firing since 14:02 · checkout · prod/eu-1 · critical`."""
    problem = view.problem
    if problem.status is AlertStatus.RESOLVED:
        return resolved(view)
    when = f"firing since {moments.time(problem.started_at)}"
    facts = [f"{FAILED} *{line(problem.title, 150)}*  {when}", *scope(problem)]
    if problem.occurrences > 1:
        facts.append(nth(problem.occurrences))
    return " · ".join(facts)


def resolved(view: ProblemView) -> str:
    """`CheckoutErrorRateHigh resolved 14:11 after 9 min · fixed by plan P-1042`."""
    problem = view.problem
    at = f" {moments.time(problem.ended_at)}" if problem.ended_at else ""
    took = moments.between(problem.started_at, problem.ended_at)
    after = f" after {took}" if took else ""
    facts = [f"{DONE} *{line(problem.title, 150)}*  resolved{at}{after}"]
    if problem.fixed_by:
        facts.append(f"fixed by plan {line(problem.fixed_by)}")
    facts.append(nth(problem.occurrences))
    return " · ".join(facts)


def nth(count: int) -> str:
    """`1st time`, `2nd time`."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th") if count % 100 // 10 != 1 else "th"
    return f"{count}{ending} time"


def scope(problem: Problem) -> list[str]:
    """Service, place and severity, as far as they are known."""
    where = "/".join(filter(None, (problem.context.environment, problem.context.cluster)))
    known = (problem.context.service, where, problem.severity)
    return [line(each, 80) for each in known if each]


def alerts_say(problem: Problem) -> str:
    """The alerts' own words, as words of others."""
    said = []
    for alert in problem.alerts[:SHOWN]:
        words = next((alert.annotations[key] for key in WORDS if alert.annotations.get(key)), "")
        if words:
            said.append(f"> {outside(' '.join(words.split()), 400)}")
    return "\n".join(dict.fromkeys(said))


def buttons(view: ProblemView) -> list[Block]:
    """Nothing to press once it is over; no second draft beside an open one."""
    problem = view.problem
    if problem.status is AlertStatus.RESOLVED:
        return []
    drafted = view.plan_state is not None and not view.plan_state.ended
    offered = [] if drafted else [button("Draft a fix", ids.DRAFT_FIX, problem.id, style="primary")]
    if problem.acknowledged_by:
        return offered
    return [*offered, button("Acknowledge", ids.ACKNOWLEDGE, problem.id)]
