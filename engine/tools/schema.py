"""JSON Schema of what a planner may propose, within what strict structured outputs take."""

from collections.abc import Iterable, Sequence

from engine.domain.call import Comparison, Effect
from engine.domain.model import Json
from engine.tools.definition import Action, Tool
from engine.tools.fields import KINDS, Field

REFERENCE_PATTERN = r"\{steps\.[1-9][0-9]?\.[a-z][a-z0-9_]*\}"
Schema = dict[str, Json]


def steps(offered: Iterable[tuple[Tool, str, Action]], remotes: Sequence[str]) -> Schema:
    """One step: any of the actions."""
    return {"anyOf": [_step(tool, name, action, remotes) for tool, name, action in offered]}


def entry(tool: Tool, name: str, action: Action, remotes: Sequence[str]) -> Schema:
    """One action as prompts and listings show it."""
    return {
        "name": f"{tool.tool}.{name}",
        "tool": tool.tool,
        "action": name,
        "title": action.title,
        "about": action.about,
        "effect": action.effect.value,
        "reversible": action.reversible,
        "input": _inputs(action, remotes),
        "outputs": {key: output.about for key, output in action.outputs.items()},
    }


def _step(tool: Tool, name: str, action: Action, remotes: Sequence[str]) -> Schema:
    return _object(
        {
            "tool": {"type": "string", "enum": [tool.tool]},
            "action": {"type": "string", "enum": [name], "description": action.about},
            "input": _inputs(action, remotes),
            "title": {"type": "string"},
            "why": {"type": "string"},
            "expect": _expectation(action),
        }
    )


def _expectation(action: Action) -> Schema:
    if action.effect is not Effect.READ or not action.outputs:
        return {"type": "null"}
    outputs: list[Json] = list(action.outputs)
    comparisons: list[Json] = [one.value for one in Comparison]
    seconds: Json = {"type": "integer", "minimum": 0, "maximum": 3600}
    return {
        "anyOf": [
            {"type": "null"},
            _object(
                {
                    "output": {"type": "string", "enum": outputs},
                    "comparison": {"type": "string", "enum": comparisons},
                    "value": {"type": "string"},
                    "within_seconds": seconds,
                    "hold_seconds": seconds,
                    "unit": {"type": "string"},
                    "label": {"type": "string"},
                }
            ),
        ]
    }


def _inputs(action: Action, remotes: Sequence[str]) -> Schema:
    return _object(
        {name: _field(field, remotes) for name, field in action.input.items() if field.offered}
    )


def _object(properties: dict[str, Json]) -> Schema:
    """Strict mode wants every property required; what may be absent is null."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _field(field: Field, remotes: Sequence[str]) -> Schema:
    wanted: Schema = _value(field, remotes)
    options: list[Json] = [wanted]
    if field.refers and field.type == "integer":
        options.append({"type": "string", "pattern": f"^{REFERENCE_PATTERN}$"})
    if field.optional:
        options.append({"type": "null"})
    described: Schema = {"description": field.about or KINDS[field.type].wants}
    return {**described, **(wanted if len(options) == 1 else {"anyOf": options})}


def _value(field: Field, remotes: Sequence[str]) -> Schema:
    if field.type == "integer":
        return {"type": "integer", "minimum": field.min, "maximum": field.max}
    if field.type == "switch":
        return {"type": "string", "enum": ["yes", "no"]}
    if choices := _choices(field, remotes):
        return {"type": "string", "enum": list(choices)}
    pattern = field.pattern or KINDS[field.type].pattern
    if not pattern:
        return {"type": "string"}
    either = f"{pattern}|{REFERENCE_PATTERN}" if field.refers else pattern
    return {"type": "string", "pattern": f"^(?:{either})$"}


def _choices(field: Field, remotes: Sequence[str]) -> Sequence[str]:
    if field.type == "choice":
        return field.choices
    return remotes if field.type == "remote" else ()
