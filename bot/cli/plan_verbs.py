"""`carapulse plan execute`, `withdraw` and `cancel`."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.operating import Hands, answer, open_hands
from bot.cli.up import DEFAULT_FOLDER
from engine.domain.actor import Surface

if TYPE_CHECKING:
    from engine.domain.ids import PlanId


async def execute(reference: str, *, folder: Path = DEFAULT_FOLDER, json: bool = False) -> None:
    """Start what is approved, where that waits for somebody; what runs is told.

    Args:
        reference: P-1042, or the plan's id.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: the plan as the API lists it.
    """

    async def act(hands: Hands, plan_id: "PlanId") -> str:
        return await hands.engine.steering.execute(hands.actor, plan_id)

    await steer(reference, folder, act, json=json)


async def withdraw(
    reference: str, *, reason: str = "", folder: Path = DEFAULT_FOLDER, json: bool = False
) -> None:
    """Take back what you have asked for from here, while nothing has started.

    Args:
        reference: P-1042, or the plan's id.
        reason: everybody in the thread reads it.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: the plan as the API lists it.
    """

    async def act(hands: Hands, plan_id: "PlanId") -> str:
        return await hands.engine.steering.withdraw(
            hands.actor, plan_id, surface=Surface.CLI, reason=reason[:500]
        )

    await steer(reference, folder, act, json=json)


async def cancel(reference: str, *, folder: Path = DEFAULT_FOLDER, json: bool = False) -> None:
    """Withdraw what has not started, stop what has.

    Args:
        reference: P-1042, or the plan's id.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: the plan as the API lists it.
    """

    async def act(hands: Hands, plan_id: "PlanId") -> str:
        return await hands.engine.steering.cancel(hands.actor, plan_id)

    await steer(reference, folder, act, json=json)


async def steer(
    reference: str,
    folder: Path,
    act: Callable[[Hands, "PlanId"], Awaitable[str]],
    *,
    json: bool,
) -> None:
    """Do it to the plan of this name, and print what is said."""
    from bot.http.bodies import short

    async with open_hands(folder) as hands:
        async with hands.engine.store.begin() as unit:
            plan_id = await unit.plans.find(reference)
        said = await act(hands, plan_id)
        stood = await hands.engine.steering.stands(plan_id)
    answer(said, {**short(stood.version, stood.state), "said": said} if json else None)
