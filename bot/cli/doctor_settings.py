"""Every setting by its variable, with its value where that is no secret."""

from collections.abc import Iterator

from pydantic import BaseModel, SecretStr

from engine.settings import Settings
from engine.variables import PREFIX


def listed(settings: Settings) -> list[str]:
    """`NAME = value`, one line each, in the order of the tree."""
    rows = list(leaves(settings, PREFIX))
    width = max(len(name) for name, _ in rows)
    return [f"{name:<{width}}  {shown(value)}" for name, value in rows]


def leaves(branch: BaseModel, prefix: str) -> Iterator[tuple[str, object]]:
    """Names and values of a branch and what is below it."""
    for field in type(branch).model_fields:
        name, value = f"{prefix}{field.upper()}", getattr(branch, field)
        if isinstance(value, BaseModel):
            yield from leaves(value, f"{name}__")
        else:
            yield name, value


def shown(value: object) -> str:
    """A value as it may be printed."""
    if isinstance(value, SecretStr):
        return "(set)" if value.get_secret_value() else "(not set)"
    if value is None or value in ("", (), {}):
        return "(not set)"
    return ", ".join(map(str, value)) if isinstance(value, tuple | dict) else str(value)
