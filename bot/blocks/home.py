"""App Home: what waits for me, what runs, what I asked for, and how to ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from bot.blocks.links import linked
from bot.blocks.parts import Block, context, header, section
from bot.blocks.status import status
from bot.blocks.text import line, shorten, told
from engine.domain.ids import PersonId, PlanId
from engine.domain.plan import VersionState
from engine.domain.views import PlanView

ROWS = 10
RECENT = 5
EXAMPLES = 3
NOT_SERVED = "I only act for full members of this workspace. Ask a colleague to take over."


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a plan's thread is, and the address of its card as far as it is known."""

    channel: str
    card: str = ""


Spots = Mapping[PlanId, Spot]
UNKNOWN = Spot("")


def home(
    person: PersonId | None,
    plans: Sequence[PlanView],
    spots: Spots = MappingProxyType({}),
    *,
    refusals: Mapping[PlanId, str] = MappingProxyType({}),
    held: Sequence[str] = (),
    recent: Sequence[PlanView] = (),
    examples: Sequence[str] = (),
) -> dict[str, Any]:
    """The view for one person; `plans` are those that wait or run, `spots` where they are.

    `refusals` tell why this person can't approve a plan that waits, `held` what keeps changes from
    starting, `recent` what the person asked for, newest first, `examples` sentences that work here.
    """
    if person is None:
        return {"type": "home", "blocks": [section(NOT_SERVED)]}
    waiting = [view for view in plans if view.state is VersionState.WAITING]
    for_me = [view for view in waiting if not refusals.get(view.version.plan_id)]
    others = [view for view in waiting if refusals.get(view.version.plan_id)]
    running = [view for view in plans if view.state is VersionState.EXECUTING]
    blocks = [
        *listed(
            "Waiting for my approval",
            for_me,
            spots,
            "Plans that somebody else asked for and that you may approve appear here.",
        ),
        *(listed("Waiting for others", others, spots, "", refusals) if others else ()),
        *listed("Running now", running, spots, "Executions appear here while they run."),
        *listed(
            "My recent requests",
            recent[:RECENT],
            spots,
            "What you ask for appears here, with how it ended.",
        ),
        *in_force(held),
        *nothing("Schedules", "Nothing runs by the clock."),
        header("How to ask"),
        *asking(examples),
        context("In a channel that I am in, or here under Messages. `/carapulse help` tells more."),
    ]
    return {"type": "home", "blocks": blocks}


def asking(examples: Sequence[str]) -> list[Block]:
    """Sentences to copy; without a service file there is nothing to ask about yet."""
    if not examples:
        return [context("No services are described yet, so I know nothing to be asked about.")]
    # From the first question to an order.
    chosen = [*examples[: EXAMPLES - 1], *examples[EXAMPLES - 1 :][-1:]]
    return [section("\n".join(f"• `@carapulse {line(each)}`" for each in chosen))]


def in_force(held: Sequence[str]) -> list[Block]:
    """What keeps changes from starting."""
    if not held:
        return nothing("Freezes and windows", "None is in force: what is approved starts at once.")
    rows = "\n".join(f"• {told(each, 400)}" for each in held[:ROWS])
    return [header("Freezes and windows"), section(rows)]


def nothing(title: str, said: str) -> list[Block]:
    """A heading with the one sentence that is true."""
    return [header(title), context(said)]


def listed(
    title: str,
    views: Sequence[PlanView],
    spots: Spots,
    empty: str,
    refusals: Mapping[PlanId, str] = MappingProxyType({}),
) -> list[Block]:
    """A heading with its rows; an empty one says what would appear."""
    if not views:
        return [header(title), context(f"Nothing now. {empty}")]
    rows = []
    for view in views[:ROWS]:
        plan_id = view.version.plan_id
        why = f"\n_You can't approve it:_ {told(refusals[plan_id], 400)}" if refusals else ""
        rows.append(section(row(view, spots.get(plan_id, UNKNOWN)) + why))
    more = [context(f"and {len(views) - ROWS} more")] if len(views) > ROWS else []
    return [header(title), *rows, *more]


def row(view: PlanView, spot: Spot = UNKNOWN) -> str:
    """One plan in two lines: its title leads to its card; with the channel of its thread."""
    version = view.version
    # A direct conversation has no name that could be a link.
    where = f" in <#{spot.channel}>" if spot.channel.startswith("C") else ""
    return shorten(
        f"*{linked(line(version.title), spot.card)}* ({line(version.reference)} v{version.version})"
        f"{where}\n{status(view)}",
        2500,
    )
