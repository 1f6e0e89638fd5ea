"""How much harm steps can do, from the steps alone; what is not known counts as the worst."""

from collections.abc import Iterator, Sequence

from engine.domain.call import Call, Effect, Risk
from engine.domain.context import ContextRef
from engine.domain.model import Json, Model
from engine.domain.plan import Step
from engine.domain.touching import places_of

HARMLESS = frozenset({"dev", "staging"})
# Inputs that say what is touched.
TARGETS = (
    *("remote", "repository", "project", "path", "service", "namespace", "resource", "name"),
    *("target", "release", "application", "node", "ecs_cluster", "group", "role", "secret"),
    *("connection_name", "lease", "session", "incident"),
)
EVERYTHING = frozenset({"*", "all"})

Target = frozenset[tuple[str, str]]


class Assessment(Model):
    """The risk of a plan, with the facts that make it, as the card tells them."""

    risk: Risk
    reasons: tuple[str, ...]


def assess(steps: Sequence[Step], context: ContextRef) -> Assessment:
    """The worst step decides (DESIGN section 7)."""
    writes = [step for step in steps if effects(step) - {Effect.READ}]
    if not writes:
        return Assessment(risk=Risk.READ, reasons=("reads only, changes nothing",))
    worst = _alarms(writes, context)
    places = {place for step in writes for place in places_of(step, context)}
    count = max(len(places), len(targets([step.call for step in writes])))
    bare = [step.number for step in writes if step.rollback is None]
    if worst:
        risk = Risk.HIGH
    else:
        grave = bool(bare) or count > 1
        harmless = {context.environment, *(one.environment for one in places)} <= HARMLESS
        risk = Risk.LOW if harmless else Risk.MEDIUM
        risk = Risk(risk + 1) if grave else risk
    return Assessment(risk=risk, reasons=(_scope(writes, count), _way_back(writes, bare), *worst))


def effects(step: Step) -> set[Effect]:
    """What a step's calls do; a probe that changes something is no probe."""
    calls = [step.call, step.rollback]
    calls += [probe.call for probe in (step.probe, step.rollback_probe) if probe]
    return {call.effect for call in calls if call is not None}


def targets(calls: Sequence[Call]) -> set[Target]:
    """The distinct things that calls touch, at least one; a whole contains its parts."""
    found = {target for call in calls for target in _targets(call)}
    distinct = {one for one in found if not any(one < other for other in found)}
    return distinct or {frozenset()}


def _targets(call: Call) -> Iterator[Target]:
    """One target for each value of a list, else one for the whole call."""
    named = {key: call.input[key] for key in TARGETS if key in call.input}
    lists = [key for key, value in named.items() if isinstance(value, list)]
    plain = {(key, str(value)) for key, value in named.items() if key not in lists}
    if not lists:
        yield frozenset(plain)
    for key in lists:
        for value in _values(named[key]):
            yield frozenset(plain | {(key, str(value))})


def _values(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _alarms(writes: Sequence[Step], context: ContextRef) -> tuple[str, ...]:
    """What alone makes a plan high risk. An unknown environment merely counts as prod."""
    found = [_alarm(step) for step in writes]
    if not context.service:
        found.append("the service is not known")
    return tuple(text for text in found if text)


def _alarm(step: Step) -> str:
    if Effect.DESTROY in effects(step):
        return f"step {step.number} destroys something"
    probes = [probe for probe in (step.probe, step.rollback_probe) if probe]
    if any(probe.call.effect is not Effect.READ for probe in probes):
        return f"step {step.number} changes something while it looks"
    if step.call.effect is Effect.READ:
        return f"step {step.number} reads, but undoing it would change something"
    return _vagueness(step)


def _vagueness(step: Step) -> str:
    named = [value for key in TARGETS for value in _values(step.call.input.get(key, ""))]
    if any(not isinstance(value, str) or "{steps." in value for value in named):
        return f"what step {step.number} touches is only known when it runs"
    if any(value in EVERYTHING or "*" in str(value) for value in named):
        return f"step {step.number} touches everything of its kind"
    return ""


def _scope(writes: Sequence[Step], count: int) -> str:
    what = "configuration of " if all(_is_configuration(step) for step in writes) else "to "
    return f"writes {what}{count} service{'s' if count > 1 else ''}"


def _is_configuration(step: Step) -> bool:
    return "remote" in step.call.input


def _way_back(writes: Sequence[Step], bare: Sequence[int]) -> str:
    if bare:
        return f"{_steps(bare)} {'has' if len(bare) == 1 else 'have'} no rollback"
    numbers = [step.number for step in writes]
    return f"{_steps(numbers)} {'has' if len(numbers) == 1 else 'have'} a rollback"


def _steps(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"step {numbers[0]}"
    listed = ", ".join(str(number) for number in numbers[:-1])
    return f"steps {listed} and {numbers[-1]}"
