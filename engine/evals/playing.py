"""Plays a scenario: a planner asks, the scenario's tools answer, and nothing else exists."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.domain.draft import Briefing, Draft, Evidence, Outcome, OutcomeKind, Reading
from engine.domain.ids import ConversationId, DraftId, EvidenceId, PersonId, Tenant
from engine.domain.plan import Origin
from engine.errors import CarapulseError, DraftFailed, NotAllowed, Unavailable
from engine.evals.scenario import Canned, Scenario
from engine.evals.world import World
from engine.ports import Planner

ROUNDS = 16
READS_AT_MOST = 40
NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
UNKNOWN = "Nothing answers there."


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a scenario, with all that was looked at. Times in seconds."""

    scenario: Scenario
    outcome: Outcome
    evidence: tuple[Evidence, ...]
    seconds: float
    error: str = ""


def scenario_time() -> datetime:
    """The `Clock` port: in scenarios it is always the same time."""
    return NOW


async def play(scenario: Scenario, world: World, planner: Planner) -> Played:
    """Look as long as the planner wants to, then ask it for its answer."""
    began = time.monotonic()
    briefing = _briefing(scenario)
    error = ""
    try:
        for _ in range(ROUNDS):
            wanted = [one for one in await planner.readings(briefing) if not _seen(one, briefing)]
            left = READS_AT_MOST - len(briefing.evidence)
            if not wanted or left <= 0:
                break
            for reading in wanted[:left]:
                seen = (*briefing.evidence, _read(reading, scenario, world, briefing))
                briefing = briefing.model_copy(update={"evidence": seen})
        outcome = _frozen(await planner.plan(briefing), world)
    except (DraftFailed, Unavailable) as failure:
        error = str(failure)
        outcome = Outcome(kind=OutcomeKind.REFUSE, text=error)
    return Played(scenario, outcome, briefing.evidence, time.monotonic() - began, error)


def _briefing(scenario: Scenario) -> Briefing:
    asked = scenario.request
    alert = asked.by == "alert"
    draft = Draft(
        id=DraftId(f"eval-{scenario.name}"),
        tenant=Tenant("eval"),
        conversation_id=ConversationId("eval"),
        requester=PersonId("alerts" if alert else "asker"),
        requester_name="Alerts" if alert else asked.name,
        origin=Origin.ALERT if alert else Origin.PERSON,
        text=asked.text,
        context=scenario.context,
        labels=asked.labels,
        created_at=NOW,
    )
    said = (*asked.said_before, *(() if alert else (f"{asked.name}: {asked.text}",)))
    problems = (asked.text[:200],) if alert else ()
    return Briefing(draft=draft, history=said, problems=problems, knowledge=scenario.knowledge)


def _seen(reading: Reading, briefing: Briefing) -> bool:
    key = (reading.tool, reading.action, reading.input)
    return any((one.tool, one.action, one.input) == key for one in briefing.evidence)


def _read(reading: Reading, scenario: Scenario, world: World, briefing: Briefing) -> Evidence:
    """What the scenario's tool says; what the real registry refuses is refused here too."""
    number = len(briefing.evidence) + 1
    try:
        if reading.refused:
            raise NotAllowed(reading.refused)
        world.tools.read_call(reading, scenario.context)
        found = _canned(reading, scenario)
        fails = UNKNOWN if found is None else found.fails
    except CarapulseError as error:
        found, fails = None, str(error)
    return Evidence(
        id=EvidenceId(f"eval-{number}"),
        draft_id=briefing.draft.id,
        number=number,
        name=reading.name,
        input=reading.input,
        tool=reading.tool,
        action=reading.action,
        title=reading.title or f"{reading.tool} {reading.action}",
        summary=fails,
        facts=found.facts if found and not fails else {},
        body=found.says if found and not fails else "",
        ok=not fails,
        at=NOW,
    )


def _canned(reading: Reading, scenario: Scenario) -> Canned | None:
    name = f"{reading.tool}.{reading.action}"
    fits: Callable[[Canned], bool] = lambda one: (  # noqa: E731 -- read once, where it is used
        one.action == name and all(reading.input.get(key) == it for key, it in one.when.items())
    )
    return next(filter(fits, scenario.tools), None)


def _frozen(outcome: Outcome, world: World) -> Outcome:
    """A plan that the product would not take over is none."""
    if outcome.proposal is None:
        return outcome
    try:
        for number, step in enumerate(outcome.proposal.steps, start=1):
            world.tools.freeze(step, outcome.proposal.context, number=number, mark=f"e.{number}")
    except CarapulseError as error:
        raise DraftFailed(f"The plan can't be taken over: {error}") from error
    return outcome
