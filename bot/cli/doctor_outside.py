"""Looks at Linear and PagerDuty, where they are configured."""

from time import monotonic

import aiohttp

from bot.cli.doctor_finding import Finding, fail, ok, warn
from engine.configured import people
from engine.domain.breaker import Breaker
from engine.domain.ids import Tenant
from engine.domain.page import RESOLVED, Page
from engine.errors import CarapulseError
from engine.outside.asking import Asking
from engine.outside.linear import Linear, Names
from engine.outside.pagerduty import PagerDuty
from engine.settings import Settings

LINEAR, PAGERDUTY = "linear", "pagerduty"
# Nothing is open under this key, so that to resolve it does nothing but try the routing key.
NOTHING = "carapulse:doctor"


async def linear(settings: Settings) -> list[Finding]:
    """It answers, knows the team and its states, and its moves can reach us."""
    ours = settings.linear
    if not ours.api_key.get_secret_value():
        return []
    states = ours.states
    names = Names(ours.team, states.waiting, states.approve, states.reject)
    async with aiohttp.ClientSession(trust_env=False) as session:
        asking = unbroken(LINEAR, session, ours.timeout_seconds)
        tracker = Linear(asking, ours.url, ours.api_key.get_secret_value(), names)
        try:
            name = await tracker.check()
        except CarapulseError as error:
            mend = "Correct CARAPULSE_LINEAR__API_KEY, __TEAM (its key, such as OPS) or __STATES."
            return [fail(LINEAR, str(error), mend)]
    found = [ok(LINEAR, f"issues go to team {ours.team}, as {name}")]
    if people(settings.directory.file, Tenant(settings.tenant)).linear(tracker.viewer):
        mend = "Use the key of an account that is no person: what its owner moves never counts."
        found.append(warn(LINEAR, f"the key is that of {name}, a person of the directory", mend))
    if not (ours.poll_seconds or ours.webhook_secret.get_secret_value()):
        mend = "Set CARAPULSE_LINEAR__WEBHOOK_SECRET, or CARAPULSE_LINEAR__POLL_SECONDS."
        found.append(fail(LINEAR, "nobody's moves are heard", mend))
    return found


async def pagerduty(settings: Settings) -> list[Finding]:
    """The routing key is taken."""
    ours = settings.pagerduty
    if not ours.routing_key.get_secret_value():
        return []
    async with aiohttp.ClientSession(trust_env=False) as session:
        asking = unbroken(PAGERDUTY, session, ours.timeout_seconds)
        pager = PagerDuty(asking, ours.url, ours.routing_key.get_secret_value())
        try:
            await pager.send(NOTHING, Page(summary="", severity="info"), RESOLVED)
        except CarapulseError as error:
            mend = (
                "Take the integration key of an Events API v2 integration; the EU has another URL."
            )
            return [fail(PAGERDUTY, str(error), mend)]
    return [ok(PAGERDUTY, "takes events with the routing key")]


def unbroken(name: str, session: aiohttp.ClientSession, timeout: float) -> Asking:
    """Asked once, and counted nowhere."""
    return Asking(name, session, Breaker(1, 1, monotonic), timeout, lambda *_: None)
