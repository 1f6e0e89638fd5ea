"""The world of scenarios: services, playbooks and tools that are connected to nothing."""

from dataclasses import dataclass
from pathlib import Path

from engine.context.services import ServiceFile
from engine.llm.offline import OfflinePlanner
from engine.llm.playbooks import load_playbooks
from engine.tools.registry import ToolRegistry

NOWHERE = "http://127.0.0.1:1"


@dataclass(frozen=True, slots=True)
class World:
    """What every scenario of a world has in common."""

    services: ServiceFile
    tools: ToolRegistry
    offline: OfflinePlanner


def load_world(services_file: Path, parts: Path) -> World:
    """Read the services, and `playbooks/` and `tools/` of the folder `parts`.

    Raises:
        ConfigurationError: one of them is wrong.
    """
    services = ServiceFile.load(services_file)
    own = parts / "tools"
    names = [path.stem for path in own.glob("*.yaml")]
    tools = ToolRegistry.load(
        own,
        connections=dict.fromkeys(("prometheus", *names), NOWHERE),
        remotes=list(_remotes(services)),
    )
    actions = frozenset(str(one["name"]) for one in tools.catalogue())
    connected = actions | {name.partition(".")[0] for name in actions}
    offline = OfflinePlanner(services, load_playbooks(parts / "playbooks"), connected)
    return World(services, tools, offline)


def _remotes(services: ServiceFile) -> set[str]:
    entries = (services.entry(name).get("gitops") for name in services.names())
    return {str(one["remote"]) for one in entries if isinstance(one, dict) and one.get("remote")}
