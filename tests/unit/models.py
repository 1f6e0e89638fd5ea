"""A planner with a model, for tests: a real provider over a scripted endpoint, or a made-up one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from engine.context.services import ServiceFile
from engine.domain.breaker import Breaker
from engine.domain.draft import Briefing, Outcome, Reading
from engine.llm.anthropic import Anthropic
from engine.llm.codex import Codex
from engine.llm.exchange import (
    Asked,
    Provider,
    ProviderSettings,
    Reply,
    Usage,
    ignore,
)
from engine.llm.investigation import LookLimits
from engine.llm.login import Issuer
from engine.llm.openai import OpenAI
from engine.llm.planner import Means, ModelPlanner, PlannerSettings
from engine.llm.prompts import load_prompts
from engine.llm.routing import Route, Router, unredacted
from engine.llm.token_file import TokenFile, Tokens
from engine.ports import Planner, Services, Spending, Tools
from engine.resources import shipped
from engine.tools.registry import ToolRegistry
from tests.unit.planning import BAD, NOW, REMOTE, planner, registry, services

KEY = SecretStr("sk-test-secret")
KINDS = ("openai", "anthropic", "codex")


def provider(kind: str, url: str, folder: Path, *, timeout: float = 5) -> Provider:
    """One of the three, without retries."""
    settings = ProviderSettings(
        kind,
        "test",
        url.removesuffix("/v1") if kind == "anthropic" else url,
        timeout_seconds=timeout,
        retries=0,
    )
    if kind == "openai":
        return OpenAI(settings, KEY)
    if kind == "anthropic":
        return Anthropic(settings, KEY)
    file = TokenFile(folder / "codex.json")
    file.write(Tokens(access_token=KEY, refresh_token=SecretStr("r"), account_id="acct"))
    return Codex(settings, file, Issuer(url, "client"))


@dataclass
class Obeying:
    """The `Provider` port: answers what a function makes of the question."""

    answer: Callable[[Asked], Reply]
    asked: list[Asked] = field(default_factory=list)
    settings: ProviderSettings = field(
        default_factory=lambda: ProviderSettings("fake", "obeys", "http://fake")
    )

    async def ask(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        return self.answer(asked)


class Incurious:
    """The offline planner, which has seen enough."""

    name = "offline"

    def __init__(self, inner: Planner) -> None:
        self._inner = inner

    async def readings(self, briefing: Briefing) -> Sequence[Reading]:
        return ()

    async def plan(self, briefing: Briefing) -> Outcome:
        return await self._inner.plan(briefing)


@cache
def world() -> tuple[ServiceFile, ToolRegistry, Planner]:
    """The demo's; read once, nothing changes them."""
    return services(), registry(), Incurious(planner())


@dataclass(frozen=True)
class Wishes:
    """What a test wants to be different."""

    rounds: int = 2
    deadline: float = 20
    tokens: int = 24_000
    looks: LookLimits = field(default_factory=lambda: LookLimits(reads=0))
    redact: Callable[[str], str] = unredacted
    on_usage: Callable[[Usage], None] = ignore
    spending: Spending | None = None
    failures: int = 5
    services: Services | None = None
    tools: Tools | None = None
    offline: Planner | None = None
    clock: Callable[[], datetime] = lambda: NOW


USUAL = Wishes()


def routed(*providers: Provider, wishes: Wishes = USUAL) -> Router:
    """Those providers in this order."""
    routes = [Route(one, Breaker(wishes.failures, 30, lambda: 0.0)) for one in providers]
    return Router(routes, wishes.spending, wishes.redact, wishes.on_usage)


def modelled(*providers: Provider, wishes: Wishes = USUAL) -> ModelPlanner:
    """The planner over them, in the demo's world unless wished otherwise."""
    means = Means(
        wishes.services or world()[0],
        wishes.tools or world()[1],
        load_prompts(shipped("prompts")),
        wishes.offline or world()[2],
        routed(*providers, wishes=wishes),
        wishes.clock,
    )
    settings = PlannerSettings(wishes.deadline, wishes.rounds, wishes.tokens, wishes.looks)
    return ModelPlanner(settings, means)


def step(**other: Any) -> dict[str, Any]:
    """A step that undoes the bad commit, as a model says it."""
    return {
        "tool": "git",
        "action": "revert_commit",
        "input": {"remote": REMOTE, "branch": "main", "commit": BAD, "expected_head": BAD},
        "title": "Revert it",
        "why": "",
        "expect": None,
        **other,
    }


def plan(**other: Any) -> dict[str, Any]:
    """A plan for the demo's incident, as a model says it."""
    return {
        "kind": "plan",
        "text": "",
        "choices": [],
        "title": "Undo 9f3c1e2 for checkout in prod/eu-1",
        "why": "Errors began with it.",
        "understood": "roll back",
        "service": "checkout",
        "environment": "prod",
        "cluster": "eu-1",
        "steps": [step()],
        **other,
    }


def with_input(**other: Any) -> dict[str, Any]:
    """The plan with other inputs."""
    return plan(steps=[step(input={**step()["input"], **other})])
