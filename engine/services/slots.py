"""How many calls run at once: of this worker, and of a tool, a service and an environment."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from pydantic import Field

from engine.domain.execution import Takes
from engine.domain.model import Model
from engine.errors import Unavailable
from engine.ports import Unit

# What is away while there is no room.
FULL = "limit"


class AtOnce(Model):
    """The most of each; 0 is no limit. What is said by name counts before what is said for all."""

    worker: int = 0
    tool: int = 0
    target: int = 0
    environment: int = 0
    tools: Mapping[str, int] = Field(default_factory=dict)
    environments: Mapping[str, int] = Field(default_factory=dict)

    def of(self, takes: Takes) -> dict[str, int]:
        """The limits that hold for a call, by kind; none where there is no limit."""
        found = {
            "tool": self.tools.get(takes.tool, self.tool),
            "environment": self.environments.get(takes.environment, self.environment),
            "target": self.target,
        }
        return {kind: most for kind, most in found.items() if most and getattr(takes, kind)}


@dataclass(slots=True)
class Slots:
    """What runs here is counted here, and what runs anywhere by its rows."""

    limits: AtOnce
    running: int = 0

    async def look(self, unit: Unit, takes: Takes, now: datetime) -> None:
        """Raises `Unavailable` with what has to end first, while there is no room."""
        most = self.limits.worker
        if most and self.running >= most:
            raise Unavailable(FULL, full("This worker", most))
        limits = self.limits.of(takes)
        if not limits:
            return
        counts = await unit.executions.running(takes, now)
        for kind, most in limits.items():
            if counts[kind] >= most:
                raise Unavailable(FULL, full(named(kind, takes), most))

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Count what runs here for as long as the block lasts."""
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1


def named(kind: str, takes: Takes) -> str:
    """`git`, `checkout`, `the environment prod`."""
    name = str(getattr(takes, kind))
    return f"The environment {name}" if kind == "environment" else name


def full(what: str, most: int) -> str:
    """The reason on the card."""
    calls = "1 call" if most == 1 else f"{most} calls"
    return f"{what} takes {calls} at once, and that many run now"
