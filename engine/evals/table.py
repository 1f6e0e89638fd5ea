"""All scenarios of a folder, played and told as a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.domain.breaker import Breaker
from engine.evals.playing import play, scenario_time
from engine.evals.recorded import Recorded
from engine.evals.scenario import Scenario
from engine.evals.scoring import Score, score
from engine.evals.world import World, load_world
from engine.llm.fallback import FallbackPlanner
from engine.llm.planner import Means, ModelPlanner, PlannerSettings
from engine.llm.prompts import Prompts
from engine.llm.routing import Route, Router
from engine.ports import Planner

Chooses = Callable[[Scenario, World], Planner]


@dataclass(frozen=True, slots=True)
class Worlds:
    """`NAME.yaml` in `services` is a world's services; all share the playbooks and tools."""

    services: Path
    parts: Path

    def load(self, name: str) -> World:
        """Raises `ConfigurationError`."""
        return load_world(self.services / f"{name}.yaml", self.parts)


async def played(scenarios: Sequence[Scenario], worlds: Worlds, chooses: Chooses) -> list[Score]:
    """Play one after the other."""
    known: dict[str, World] = {}
    scores = []
    for scenario in scenarios:
        world = known.get(scenario.world) or worlds.load(scenario.world)
        known[scenario.world] = world
        scores.append(score(await play(scenario, world, chooses(scenario, world))))
    return scores


def recorded(prompts: Prompts) -> Chooses:
    """The replies in the scenario; without any the planner without a model."""

    def choose(scenario: Scenario, world: World) -> Planner:
        if not scenario.recorded:
            return world.offline
        route = Route(Recorded(scenario.recorded), Breaker(100, 1, lambda: 0.0))
        return modelled(world, prompts, Router((route,)), PlannerSettings())

    return choose


def live(prompts: Prompts, router: Router, settings: PlannerSettings) -> Chooses:
    """The configured models."""

    def choose(scenario: Scenario, world: World) -> Planner:
        return modelled(world, prompts, router, settings)

    return choose


def modelled(world: World, prompts: Prompts, router: Router, settings: PlannerSettings) -> Planner:
    """The planner of the product, in the scenario's world."""
    means = Means(world.services, world.tools, prompts, world.offline, router, scenario_time)
    return FallbackPlanner(ModelPlanner(settings, means), world.offline)


def mean(scores: Sequence[Score]) -> float:
    """The share of all points, every scenario weighing the same."""
    return sum(one.value for one in scores) / len(scores) if scores else 0.0
