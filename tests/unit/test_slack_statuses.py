"""The line under a thread while something is looked at: renewed in time, and never in the way."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from bot.relay.statuses import LONGEST, RENEW, Statuses
from bot.slack.budgets import Budgets
from bot.slack.writer import Refused
from engine.errors import Unavailable

if TYPE_CHECKING:
    from bot.slack.writer import Writer


@dataclass
class Pen:
    """Writes down what Slack was told."""

    told: list[bool] = field(default_factory=list)
    trouble: Exception | None = None
    budgets: Budgets = field(default_factory=lambda: Budgets(scale=50))

    async def status(self, channel: str, thread: str, *, working: bool) -> None:
        self.told.append(working)
        if self.trouble:
            raise self.trouble


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def made(pen: Pen, clock: Clock) -> Statuses:
    return Statuses(cast("Writer", pen), clock)


async def test_it_is_told_once_renewed_before_slack_forgets_and_ended() -> None:
    pen, clock = Pen(), Clock()
    statuses = made(pen, clock)

    await statuses.show("C1", "1.1", working=True)
    await statuses.show("C1", "1.1", working=True)
    await statuses.renew()
    clock.now = RENEW
    await statuses.renew()
    await statuses.show("C1", "1.1", working=False)
    await statuses.show("C1", "1.1", working=False)

    assert pen.told == [True, True, False]


async def test_what_nobody_ends_is_given_up() -> None:
    pen, clock = Pen(), Clock()
    statuses = made(pen, clock)
    await statuses.show("C1", "1.1", working=True)

    clock.now = LONGEST + 1
    await statuses.renew()
    clock.now += RENEW
    await statuses.renew()

    assert pen.told == [True]


async def test_a_workspace_without_it_is_not_asked_again() -> None:
    pen, clock = Pen(trouble=Refused("unknown_method")), Clock()
    statuses = made(pen, clock)

    await statuses.show("C1", "1.1", working=True)
    await statuses.show("C1", "2.2", working=True)

    assert pen.told == [True]


async def test_an_outage_harms_nothing() -> None:
    pen, clock = Pen(trouble=Unavailable("slack", "away")), Clock()
    statuses = made(pen, clock)

    await statuses.show("C1", "1.1", working=True)
    pen.trouble = None
    await statuses.show("C1", "1.1", working=False)

    assert pen.told == [True, False]
