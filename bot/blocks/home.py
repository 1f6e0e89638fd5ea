"""App Home: what waits for me, what runs, what I asked for, and how to ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from bot.blocks.links import linked
from bot.blocks.parts import Block, context, header, section
from bot.blocks.status import agreed, status
from bot.blocks.text import line, shorten
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
    mention: str = "",
    recent: Sequence[PlanView] = (),
    examples: Sequence[str] = (),
) -> dict[str, Any]:
    """The view for one person; `plans` are those that wait or run, `spots` where they are.

    `mention` is the token by which a plan's view names this person among those who may approve,
    `recent` what the person asked for, newest first, `examples` sentences that work here.
    """
    if person is None:
        return {"type": "home", "blocks": [section(NOT_SERVED)]}
    waiting = [view for view in plans if view.state is VersionState.WAITING]
    for_me = [view for view in waiting if may_approve(person, mention, view)]
    running = [view for view in plans if view.state is VersionState.EXECUTING]
    blocks = [
        *listed(
            "Waiting for my approval",
            for_me,
            spots,
            "Plans that somebody else asked for and that you may approve appear here.",
        ),
        *listed("Running now", running, spots, "Executions appear here while they run."),
        *listed(
            "My recent requests",
            recent[:RECENT],
            spots,
            "What you ask for appears here, with how it ended.",
        ),
        *nothing("Freezes and windows", "None is in force: what is approved starts at once."),
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


def nothing(title: str, said: str) -> list[Block]:
    """A heading with the one sentence that is true."""
    return [header(title), context(said)]


def may_approve(person: PersonId, mention: str, view: PlanView) -> bool:
    """Whether this person's approval is missing; a plan that names no group is open to all."""
    asked = not view.groups or mention in view.approvers
    voted = any(each.person == person for each in agreed(view))
    return asked and not voted and not involved(person, view)


def involved(person: PersonId, view: PlanView) -> bool:
    """Whoever asked for a plan, or changed it, does not approve it."""
    version = view.version
    return version.writes and person in (version.requester, *version.editors)


def listed(title: str, views: Sequence[PlanView], spots: Spots, empty: str) -> list[Block]:
    """A heading with its rows; an empty one says what would appear."""
    if not views:
        return [header(title), context(f"Nothing now. {empty}")]
    rows = [section(row(view, spots.get(view.version.plan_id, UNKNOWN))) for view in views[:ROWS]]
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
        2900,
    )
