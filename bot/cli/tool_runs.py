"""Runs one read from the command line, on the configured systems and under the policy."""

import getpass
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bot.cli.records import UP_FILE, configured
from engine.configured import endpoints, redactor, remotes
from engine.context.services import loaded_services
from engine.credentials import Unrecorded, opened_credentials
from engine.domain.actor import Actor, ActorKind
from engine.domain.call import Ending
from engine.domain.context import ContextRef
from engine.domain.ids import PersonId, Tenant
from engine.domain.model import Json
from engine.domain.plan import Step
from engine.domain.questions import Limits
from engine.errors import NotFound
from engine.ground import now
from engine.policy.rego import RegoPolicy
from engine.resources import shipped
from engine.sandboxes import image_for, installed_for, opened_sandbox
from engine.services.tool_runs import Ran, ToolRuns
from engine.settings import Settings
from engine.telemetry.metrics import Metrics
from engine.tools.api import ApiTransport
from engine.tools.registry import ToolRegistry
from engine.tools.runner import ToolRunner

FAILED = 1
NEEDS_PLAN = 3


@dataclass(frozen=True, slots=True)
class Told:
    """What the command says, and its exit code."""

    document: dict[str, Json]
    lines: list[str]
    code: int = 0

    @property
    def ok(self) -> bool:
        return self.code == 0


async def told_run(
    folder: Path, tool: str, action: str, given: Mapping[str, Json], place: ContextRef
) -> Told:
    """Run a read, or say that it needs a plan. Raises `Invalid` and `NotAllowed`."""
    settings = configured(folder) if (folder / UP_FILE).is_file() else Settings.load()
    async with open_runs(settings) as runs:
        found = await runs.run(whoever(), tool, action, given, place)
    return planned(found) if isinstance(found, Step) else read(found)


def whoever() -> Actor:
    """This machine's user, who may look."""
    name = getpass.getuser()
    scopes = ("tool.run",)
    return Actor(kind=ActorKind.SERVICE, id=PersonId(f"cli:{name}"), name=name, scopes=scopes)


def planned(step: Step) -> Told:
    """A write."""
    said = "This changes something, so it needs a plan that somebody else approves."
    lines = [said, f"  {step.title}", *(f"  $ {' '.join(argv)}" for argv in step.call.commands)]
    if step.call.request:
        lines.append(f"  {step.call.request.method} {step.call.request.url}")
    return Told(
        {"ok": False, "reason": said, "step": step.model_dump(mode="json")}, lines, NEEDS_PLAN
    )


def read(ran: Ran) -> Told:
    """A read with its lines and facts."""
    result = ran.result
    ok = result.ending is Ending.SUCCEEDED
    facts = [f"{name}: {value}" for name, value in result.outputs.items() if value]
    lines = [*ran.lines, *filter(None, [result.message]), *facts]
    document: dict[str, Json] = {
        "ok": ok,
        "title": ran.title,
        "ending": result.ending.value,
        "message": result.message,
        "outputs": dict(result.outputs),
        "lines": list(ran.lines),
    }
    return Told(document, lines, 0 if ok else FAILED)


@asynccontextmanager
async def open_runs(settings: Settings) -> AsyncIterator[ToolRuns]:
    """Tools, policy and sandbox as the settings ask for them; no database is needed."""
    services = loaded_services(settings.context.services_file)
    connections = endpoints(settings)
    registry = ToolRegistry.load(
        settings.tools.folder,
        connections={name: one.url for name, one in connections.items()},
        remotes=lambda: (*settings.tools.git_remotes, *remotes(services)),
        installed=installed_for(settings.sandbox),
        image=image_for(settings.sandbox),
    )

    async def body(digest: str) -> str | None:
        try:
            return registry.definition(digest)
        except NotFound:
            return None

    async with (
        aiohttp.ClientSession() as session,
        opened_sandbox(settings) as sandbox,
        opened_credentials(settings, Unrecorded(), session, Metrics()) as credentials,
    ):
        api = ApiTransport(session, connections)
        runner = ToolRunner(body, sandbox, redactor(settings), api, sources=credentials.sources)
        rules = [shipped("policies"), *filter(None, [settings.policy.folder])]
        limits = Limits(
            tenant=Tenant(settings.tenant),
            stage=settings.policy.stage,
            emoji_max_risk=settings.approvals.emoji_max_risk,
        )
        yield ToolRuns(registry, runner, RegoPolicy(rules, settings.policy.roles), now, limits)
