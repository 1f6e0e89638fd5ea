"""The golden incident, played by people on the local Slack: from the alert to the verified fix."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp

from bot.local.demo.world import World
from bot.local.slack.model import Json
from bot.local.slack.person import NotSeen, Person, buttons, open_person, plain
from engine.errors import CarapulseError

INCIDENTS = "C0INC"
LIMIT_PERCENT = 5.0
DANA, ANN = "U0DANA", "U0ANN"
FIRING_WITHIN, DRAFT_WITHIN, DONE_WITHIN, RESOLVED_WITHIN = 60.0, 60.0, 240.0, 120.0

Tell = Callable[[str, str], Awaitable[None]]


class WentWrong(CarapulseError):
    """The incident was not resolved; the text says at which point."""


@dataclass(frozen=True, slots=True)
class Story:
    """What happened: the thread and the plan's reference are in the text that was told."""

    thread: str
    outcome: str


async def play(url: str, world: World, tell: Tell) -> Story:
    """Break checkout, and bring it back as a team would. Raises `WentWrong`.

    `tell(who, what)` is called for each thing that is done; what the bot posts is seen by
    whoever follows the channel.
    """
    async with AsyncExitStack() as stack:
        dana = await stack.enter_async_context(open_person(url, DANA))
        ann = await stack.enter_async_context(open_person(url, ANN))
        good = await world.repository.head()
        bad = await world.bad_commit()
        await tell("Dana Reyes", f"pushes {bad[:7]} “raise pool size” to shop-config")
        root = await seen(dana, firing, FIRING_WITHIN, "the alert's thread")
        thread = str(root["ts"])
        await seen(dana, card(thread, "v1"), DRAFT_WITHIN, "a drafted plan")
        await dana.say(INCIDENTS, f"use revision {good[:12]} instead", thread)
        second = await seen(dana, card(thread, "v2"), DRAFT_WITHIN, "version 2 of the plan")
        await tell("Dana Reyes", "presses Approve")
        await press(dana, second, "Approve")
        await seen(dana, whisper(thread, "someone else"), 20, "the refusal of Dana's press")
        await tell("Ann Okafor", "presses Approve")
        await press(ann, second, "Approve")
        done = await seen(ann, outcome(thread), DONE_WITHIN, "the outcome")
        await seen(ann, resolved(thread), RESOLVED_WITHIN, "the alert to resolve by the plan")
        await check(world, bad)
        return Story(thread=thread, outcome=plain(done))


async def seen(person: Person, fits: Callable[[Json], bool], within: float, what: str) -> Json:
    """Wait until somebody sees it. Raises `WentWrong`."""
    try:
        return await person.wait_for(fits, timeout=within, what=what)
    except NotSeen as error:
        raise WentWrong(f"{what} did not come within {within:g} s") from error


async def press(person: Person, message: Json, label: str) -> None:
    """Press a button by its words."""
    found = buttons(message).get(label)
    if found is None:
        raise WentWrong(f"there is no button {label} on the card")
    action_id, block_id, value = found
    if not await person.press(
        message["channel"], message["ts"], action_id, value, block_id=block_id
    ):
        raise WentWrong(f"the press on {label} was not acknowledged")


async def check(world: World, bad: str) -> None:
    """Not what Slack says, but what the repository and the shop say. Raises `WentWrong`."""
    if await world.repository.head() == bad:
        raise WentWrong("nothing was pushed")
    timeout = aiohttp.ClientTimeout(total=5)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(f"{world.shop_url}/health") as answer,
    ):
        health = await answer.json()
    if health["status"] != "healthy" or float(health["error_percent"]) >= LIMIT_PERCENT:
        raise WentWrong(f"the shop is {health['status']}: {health['error_percent']} % errors")


def firing(message: Json) -> bool:
    """The alert's root message."""
    return "CheckoutErrorRateHigh" in plain(message) and message["thread_ts"] in (
        None,
        message["ts"],
    )


def card(thread: str, version: str) -> Callable[[Json], bool]:
    """A plan card that can be approved."""

    def fits(message: Json) -> bool:
        inside = message["thread_ts"] == thread and "Approve" in buttons(message)
        return inside and version in plain(message)

    return fits


def whisper(thread: str, words: str) -> Callable[[Json], bool]:
    """Something that only this person is told."""
    return lambda message: bool(message["ephemeral_to"]) and words in plain(message)


def outcome(thread: str) -> Callable[[Json], bool]:
    """The new message that says how it ended."""
    return lambda message: (
        message["thread_ts"] == thread
        and message["ts"] != thread
        and plain(message).startswith((":large_green_circle:", "Done"))
    )


def resolved(thread: str) -> Callable[[Json], bool]:
    """The alert's message, once it says so, and what resolved it; then the plan is over too."""
    ended = ("resolved", "fixed by plan", "has ended")
    return lambda message: message["ts"] == thread and all(one in plain(message) for one in ended)
